"""What else is in the stores of a repository's states: their other workspaces, and locks that no state here has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from tuirunbook.core.address import LOCKFILE_SUFFIX, StateAddress
from tuirunbook.core.backend import LISTED, Backend, RootModule
from tuirunbook.core.lock import NotChecked
from tuirunbook.core.workspace import around_workspace, workspace_of
from tuirunbook.locks import listing
from tuirunbook.locks.bulk import BulkReader
from tuirunbook.locks.caller import Caller
from tuirunbook.locks.errors import aws_errors

OBJECTS = 20_000
"""How many objects below a workspace prefix are looked through."""


class Around:
    """Lists what is around the states that a `BulkReader` reads.

    Args:
        reader: Whose clients are asked.
    """

    def __init__(self, reader: BulkReader) -> None:
        self._reader = reader

    def workspaces(self, roots: Sequence[RootModule]) -> tuple[list[RootModule], list[str]]:
        """These roots in the other workspaces that the buckets list, and sentences about what may not be listed."""
        groups: dict[tuple[int, str, str], tuple[Caller, dict[str, list[RootModule]]]] = {}
        for root, caller, address in self._readable(roots):
            before, after = around_workspace(address.key, address.workspace_key_prefix)
            if before:
                _, ends = groups.setdefault((id(caller), address.bucket, before), (caller, {}))
                ends.setdefault(after, []).append(root)
        known = {(root.directory, root.address().lock_id) for root in roots}
        found: list[RootModule] = []
        remarks: list[str] = []
        for (_, bucket, before), (caller, ends) in groups.items():
            keys = _keys(caller, bucket, before)
            if isinstance(keys, NotChecked):
                remarks.append(f"Other workspaces in {bucket}/{before} are not known: {keys.why}")
                continue
            if len(keys) == OBJECTS:
                remarks.append(f"Only the first {OBJECTS:,} objects of {bucket}/{before} were looked through.")
            for root in _named(before, keys, ends):
                place = root.directory, root.address().lock_id
                if place not in known:
                    known.add(place)
                    found.append(root)
        return found, remarks

    def orphans(self, roots: Sequence[RootModule]) -> tuple[list[RootModule], list[str]]:
        """The locks in the stores of these roots that belong to none of them. Scans tables and lists buckets."""
        known = {root.address().lock_id for root in roots}
        asked: set[tuple[object, ...]] = set()
        found: dict[str, RootModule] = {}
        remarks: list[str] = []
        for root, caller, address in self._readable(roots):
            for name, store in (("dynamodb_table", address.table), ("bucket", address.bucket)):
                if (
                    store is None
                    or (name == "bucket" and not address.use_lockfile)
                    or (id(caller), name, store) in asked
                ):
                    continue
                asked.add((id(caller), name, store))
                ids = _lock_ids(caller, address, name)
                if isinstance(ids, NotChecked):
                    remarks.append(f"Locks without a state here are not known: {ids.why}")
                    continue
                for lock_id in ids:
                    if lock_id not in known and "/" in lock_id.strip("/"):
                        found[lock_id] = _orphan(found.get(lock_id), root, lock_id, name, store)
        return [found[lock_id] for lock_id in sorted(found)], remarks

    def _readable(self, roots: Sequence[RootModule]) -> Iterator[tuple[RootModule, Caller, StateAddress]]:
        for _, root, caller in self._reader.callers(roots):
            if isinstance(caller, NotChecked):
                continue
            caller.sign_in()
            if caller.trouble is None:
                yield root, caller, caller.locate(root.address())


def _keys(caller: Caller, bucket: str, prefix: str) -> list[str] | NotChecked:
    try:
        pages: Any = caller.clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return list(islice((entry["Key"] for page in pages for entry in page.get("Contents", [])), OBJECTS))
    except aws_errors() as error:
        return caller.failed("s3-list", f"the bucket {bucket}", error)


def _named(before: str, keys: list[str], ends: dict[str, list[RootModule]]) -> Iterator[RootModule]:
    for key in keys:
        state_key = key.removesuffix(LOCKFILE_SUFFIX)
        slash = state_key.find("/", len(before))
        for root in ends.get(state_key[slash:], ()) if slash > 0 else ():
            address = root.address()
            workspace = workspace_of(state_key, address.key, address.workspace_key_prefix)
            if workspace is not None:
                yield msgspec.structs.replace(root, workspace=workspace, workspace_origin=LISTED)


def _lock_ids(caller: Caller, address: StateAddress, store: str) -> tuple[str, ...] | NotChecked:
    try:
        if store == "bucket":
            return listing.lockfile_lock_ids(caller.clients, address)
        return listing.table_lock_ids(caller.clients, address)
    except aws_errors() as error:
        what = f"the bucket {address.bucket}" if store == "bucket" else f"the lock table {address.table}"
        return caller.failed("list", what, error)


def _orphan(before: RootModule | None, root: RootModule, lock_id: str, store: str, name: str) -> RootModule:
    """A lock as a state of its own; one that was found in another store `before` is read in both."""
    lock: dict[str, object] = {"dynamodb_table": name} if store == "dynamodb_table" else {"use_lockfile": True}
    if before is not None:
        backend = msgspec.structs.replace(before.backend, arguments={**lock, **before.backend.arguments})
        return msgspec.structs.replace(before, backend=backend)
    bucket, _, key = lock_id.partition("/")
    # whoever may read the store may read this lock in it
    own = {"key", "bucket", "workspace_key_prefix", "dynamodb_table", "use_lockfile"}
    arguments = {argument: value for argument, value in root.backend.arguments.items() if argument not in own}
    given = {"bucket": bucket, "key": key, **lock}
    origin = f"a lock in {name}"
    return RootModule(
        directory=None,
        name=lock_id,
        checkout=root.checkout,
        backend=Backend(
            type="s3",
            arguments={**arguments, **given},
            origins={**root.backend.origins, **dict.fromkeys(given, origin)},
        ),
        workspace_origin=origin,
        needs_trust=root.needs_trust,
    )
