"""The one thing here that destroys: deleting a lock, on the condition that it still is the one that was read.

The key comes from the address alone. Each function sends one request and tries once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuirunbook.core.address import DIGEST_SUFFIX, LOCKFILE_SUFFIX, StateAddress
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.values import DeleteAnswer, DeleteOutcome
from tuirunbook.locks.errors import (
    BAD_KEY_CODES,
    CREDENTIAL_CLASSES,
    DENIED_CODES,
    EXPIRED_CODES,
    SKEW_CODES,
    aws_errors,
    error_code,
    error_message,
)
from tuirunbook.locks.wire import from_wire, lock_from_item

if TYPE_CHECKING:
    from tuirunbook.locks.clients import Clients

_CHANGED = frozenset(
    {
        "ConditionalCheckFailedException",
        "PreconditionFailed",
        "412",
        "ConditionalRequestConflict",
        "409",
        "NoSuchKey",
        "404",
    }
)
_REFUSED = DENIED_CODES | EXPIRED_CODES | BAD_KEY_CODES | SKEW_CODES | CREDENTIAL_CLASSES
_UNSUPPORTED = frozenset({"NotImplemented", "501"})
_IS_A_LOCK = "attribute_exists(LockID) AND attribute_not_exists(Digest)"


def lock_item_key(address: StateAddress) -> str:
    """The partition key to delete.

    Raises:
        ValueError: It is not a lock's. No address that was made properly gets here.
    """
    key = address.lock_id
    if address.table is None or key.endswith(DIGEST_SUFFIX) or key != f"{address.bucket}/{address.state_key}":
        raise ValueError(f"{key!r} is not the key of a lock item; nothing is deleted")
    return key


def lockfile_key(address: StateAddress) -> str:
    """The object key to delete.

    Raises:
        ValueError: It is not a lockfile's. No address that was made properly gets here.
    """
    key = address.lockfile_key
    if not key.endswith(LOCKFILE_SUFFIX) or key in {address.state_key, LOCKFILE_SUFFIX}:
        raise ValueError(f"{key!r} is not the key of a lockfile; nothing is deleted")
    return key


def condition(lock: StoredLock) -> tuple[str, dict[str, Any]]:
    """The condition that an item still is this lock, and the values it needs: the raw `Info`, with its type.

    `Info` is compared as it was read. OpenTofu compares a re-encoded one, which never matches a hand-written lock.
    """
    if lock.attribute is None:
        return f"{_IS_A_LOCK} AND attribute_not_exists(Info)", {}
    return f"{_IS_A_LOCK} AND Info = :raw", {":raw": from_wire(lock.attribute)}


def delete_item(clients: Clients, address: StateAddress, lock: StoredLock) -> DeleteAnswer:
    """Delete the lock item."""
    key = lock_item_key(address)
    expression, values = condition(lock)
    more: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
    try:
        clients.deleting_dynamodb().delete_item(
            TableName=address.table or "",
            Key={"LockID": {"S": key}},
            ConditionExpression=expression,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **more,
        )
    except aws_errors() as error:
        return _answer(error)
    return DeleteAnswer(outcome=DeleteOutcome.DELETED)


def delete_lockfile(clients: Clients, address: StateAddress, lock: StoredLock) -> DeleteAnswer:
    """Delete the lockfile; in a versioned bucket this puts a marker over it, and its versions stay."""
    key = lockfile_key(address)
    if not lock.etag:
        raise ValueError("the lockfile was read without an ETag, so nothing binds its deletion")
    try:
        clients.deleting_s3().delete_object(Bucket=address.bucket, Key=key, IfMatch=lock.etag)
    except aws_errors() as error:
        return _answer(error)
    return DeleteAnswer(outcome=DeleteOutcome.DELETED)


def _answer(error: Exception) -> DeleteAnswer:
    code = error_code(error)
    outcome = DeleteOutcome.UNKNOWN
    if code in _CHANGED:
        outcome = DeleteOutcome.CHANGED
    elif code in _REFUSED:
        outcome = DeleteOutcome.DENIED
    elif code in _UNSUPPORTED:
        outcome = DeleteOutcome.UNSUPPORTED
    message = error_message(error)
    if code == "ConditionalCheckFailedException":
        message = _what_is_there((getattr(error, "response", None) or {}).get("Item"))
    return DeleteAnswer(outcome=outcome, code=code, message=message)


def _what_is_there(item: dict[str, Any] | None) -> str:
    if not item:
        return "there is no lock item any more"
    if "Digest" in item:
        return "the item carries a state digest, so it is not touched"
    lock = lock_from_item(item)
    return f"another lock is there now: {lock.info.id}" if lock.info else "the item is not the one that was read"
