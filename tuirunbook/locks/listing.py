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
"""How many objects of a bucket are looked through for lockfiles."""


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


def lockfile_lock_ids(clients: Clients, address: StateAddress) -> tuple[str, ...]:
    """The states of the bucket that have a lockfile, as `bucket/key`."""
    pages: Any = (
        clients.s3()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=address.bucket, PaginationConfig={"MaxItems": OBJECT_LIMIT})
    )
    keys = (entry["Key"] for page in pages for entry in page.get("Contents", []))
    locked = (f"{address.bucket}/{key[: -len(LOCKFILE_SUFFIX)]}" for key in keys if key.endswith(LOCKFILE_SUFFIX))
    return tuple(islice(locked, LIMIT))
