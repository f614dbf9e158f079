"""The conditional delete as an `aws` command, for the one who has the permission: arguments, never shell text."""

from __future__ import annotations

import json

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.locks.deleting import condition, lock_item_key, lockfile_key


def delete_command(address: StateAddress, lock: StoredLock) -> tuple[str, ...]:
    """Delete this lock on the condition that it still is what was read.

    A binary `Info` needs version 2 of the AWS command line; version 1 encodes it twice, and the condition fails.

    Raises:
        ValueError: The address has no such lock.
    """
    if lock.store is Store.S3:
        return (
            *("aws", "s3api", "delete-object", "--bucket", address.bucket, "--key", lockfile_key(address)),
            *("--if-match", lock.etag or "", *_place(address, lock.store)),
        )
    expression, _ = condition(lock)
    values = ("--expression-attribute-values", _values(lock)) if lock.attribute is not None else ()
    return (
        *("aws", "dynamodb", "delete-item", "--table-name", address.table or ""),
        *("--key", _json({"LockID": {"S": lock_item_key(address)}})),
        *("--condition-expression", expression, *values),
        *("--return-values-on-condition-check-failure", "ALL_OLD", *_place(address, lock.store)),
    )


def _values(lock: StoredLock) -> str:
    return _json({":raw": json.loads(lock.attribute or "null")})


def _place(address: StateAddress, store: Store) -> tuple[str, ...]:
    endpoint = address.s3_endpoint if store is Store.S3 else address.dynamodb_endpoint
    return ("--region", address.region, *(("--endpoint-url", endpoint) if endpoint else ()))


def _json(value: object) -> str:
    # ASCII, so that no character of a lock reaches a terminal as anything but text.
    return json.dumps(value, separators=(",", ":"))
