"""The single reads that a look is made of. Each raises what boto3 raises; `store` turns that into a value."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Digest, Free, Held, Reading, StateObject, Store, StoredLock, TableFacts
from tuirunbook.core.values import StateContent
from tuirunbook.locks.errors import error_code
from tuirunbook.locks.wire import lock_from_item

if TYPE_CHECKING:
    from tuirunbook.locks.clients import Clients

LOCKFILE_LIMIT = 1024 * 1024
"""More of a lockfile than this is not read; Terraform's are some 300 bytes."""

STATE_LIMIT = 64 * 1024 * 1024
"""A state larger than this is hashed, but not parsed."""

_ABSENT = frozenset({"NoSuchKey", "NotFound"})
_NO_HEAD = _ABSENT | {"404"}
"""The answer to HEAD has no body, so no code; that to GET has one, and a bare 404 is not S3's."""


class _StateHead(msgspec.Struct):
    """The parts of a state file that are shown; nothing else of it is decoded."""

    serial: int | None = None
    lineage: str | None = None
    resources: list[msgspec.Raw] | None = None


def read_item(clients: Clients, address: StateAddress) -> Reading:
    """The lock item, read consistently."""
    item = _get_item(clients, address, address.lock_id)
    return Free() if item is None else Held(lock=lock_from_item(item))


def read_digest(clients: Clients, address: StateAddress) -> Digest:
    """The digest item, read consistently."""
    item = _get_item(clients, address, address.digest_id) or {}
    md5 = item.get("Digest", {}).get("S")
    return Digest(md5=md5 if isinstance(md5, str) and md5 else None)


def _get_item(clients: Clients, address: StateAddress, lock_id: str) -> dict[str, Any] | None:
    answer = clients.dynamodb().get_item(
        TableName=address.table or "", Key={"LockID": {"S": lock_id}}, ConsistentRead=True
    )
    return dict(answer["Item"]) if "Item" in answer else None


def read_lockfile(clients: Clients, address: StateAddress) -> Reading:
    """The lockfile and the ETag that came with its body."""
    answer = _get_object(clients, address, address.lockfile_key)
    if answer is None:
        return Free()
    with closing(answer["Body"]) as body:
        raw = body.read(LOCKFILE_LIMIT)
    size = int(answer.get("ContentLength", len(raw)))
    lock = StoredLock.read(
        Store.S3,
        raw,
        etag=answer["ETag"],
        version_id=answer.get("VersionId"),
        last_modified=answer["LastModified"].isoformat(),
    )
    if size > len(raw):
        why = f"it is {size} bytes long; no lock is"
        lock = msgspec.structs.replace(lock, info=None, unreadable=why, size=size)
    return Held(lock=lock)


def read_state_head(clients: Clients, address: StateAddress) -> StateObject:
    """The head of the state object."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - AWS is imported when it is first asked

    try:
        head = clients.s3().head_object(Bucket=address.bucket, Key=address.state_key, **clients.sse_arguments())
    except ClientError as error:
        if error_code(error) in _NO_HEAD:
            return StateObject(exists=False)
        raise
    return StateObject(
        exists=True,
        etag=head["ETag"],
        version_id=head.get("VersionId"),
        last_modified=head["LastModified"].isoformat(),
        size=head["ContentLength"],
    )


def read_table(clients: Clients, address: StateAddress) -> TableFacts:
    """The table's status and key schema."""
    table = clients.dynamodb().describe_table(TableName=address.table or "")["Table"]
    types = {item["AttributeName"]: item["AttributeType"] for item in table.get("AttributeDefinitions", [])}
    keys = [
        f"{key['AttributeName']} {key['KeyType']} {types.get(key['AttributeName'], '?')}" for key in table["KeySchema"]
    ]
    return TableFacts(status=table["TableStatus"], key_schema=", ".join(keys))


def read_state(clients: Clients, address: StateAddress) -> StateContent:
    """The state's MD5 and what its head says.

    The MD5 is of the bytes: an ETag is none when the object is encrypted or was uploaded in parts.
    """
    answer = _get_object(clients, address, address.state_key)
    if answer is None:
        return StateContent(md5=None)
    md5, kept, size = hashlib.md5(usedforsecurity=False), bytearray(), 0
    with closing(answer["Body"]) as body:
        for chunk in body.iter_chunks(1024 * 1024):
            md5.update(chunk)
            size += len(chunk)
            if size <= STATE_LIMIT:
                kept += chunk
    head = _StateHead()
    if size <= STATE_LIMIT:
        try:
            head = msgspec.json.decode(kept, type=_StateHead)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            head = _StateHead()
    return StateContent(
        # Terraform takes an empty object for none.
        md5=md5.hexdigest() if size else None,
        serial=head.serial,
        lineage=head.lineage,
        resources=None if head.resources is None else len(head.resources),
        version_id=answer.get("VersionId"),
    )


def _get_object(clients: Clients, address: StateAddress, key: str) -> Any:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - AWS is imported when it is first asked

    try:
        return clients.s3().get_object(Bucket=address.bucket, Key=key, **clients.sse_arguments())
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return None
        raise
