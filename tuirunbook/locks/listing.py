"""The lock IDs that exist around an address: names only, digests left out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from tuirunbook.core.address import DIGEST_SUFFIX, LOCKFILE_SUFFIX, StateAddress

if TYPE_CHECKING:
    from tuirunbook.locks.clients import Clients

LIMIT = 5000
"""How many lock IDs are listed at most."""

OBJECT_LIMIT = 10_000
"""How many objects of a bucket are looked through."""


def table_lock_ids(clients: Clients, address: StateAddress) -> tuple[str, ...]:
    """The partition keys of the table's locks, read consistently."""
    return tuple(islice(_table_keys(clients, address), LIMIT))


def _table_keys(clients: Clients, address: StateAddress) -> Iterator[str]:
    pages = (
        clients.dynamodb()
        .get_paginator("scan")
        .paginate(TableName=address.table or "", ProjectionExpression="LockID", ConsistentRead=True)
    )
    for page in pages:
        for item in page.get("Items", []):
            key = item.get("LockID", {}).get("S")
            if isinstance(key, str) and not key.endswith(DIGEST_SUFFIX):
                yield key


def state_ids(clients: Clients, address: StateAddress) -> tuple[str, ...]:
    """The objects of the bucket that may be states, as `bucket/key`: all but lockfiles; names only."""
    return tuple(f"{address.bucket}/{key}" for key in _keys(clients, address) if not key.endswith(LOCKFILE_SUFFIX))


def lockfile_lock_ids(clients: Clients, address: StateAddress) -> tuple[str, ...]:
    """The states of the bucket that have a lockfile, as `bucket/key`."""
    keys = (key for key in _keys(clients, address) if key.endswith(LOCKFILE_SUFFIX))
    return tuple(islice((f"{address.bucket}/{key[: -len(LOCKFILE_SUFFIX)]}" for key in keys), LIMIT))


def _keys(clients: Clients, address: StateAddress) -> Iterator[str]:
    pages: Any = (
        clients.s3()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=address.bucket, PaginationConfig={"MaxItems": OBJECT_LIMIT})
    )
    return (entry["Key"] for page in pages for entry in page.get("Contents", []))
