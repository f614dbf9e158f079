"""A lock's backup: the raw lock as the restore command wants it, and the facts about it beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import LockIdentity, Store, StoredLock
from tuirunbook.core.restore import restore_command
from tuirunbook.journal.disk import sync


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `backup-<n>-<store>.meta.json` holds.

    Attributes:
        place: The lock's name in its store: partition key or object key, and the table or bucket.
        identity: The lock.
        sha256: Of the raw bytes.
        size: In bytes.
        complete: Whether the backup holds all of them; a reader stops at its limit.
        left_out: Attributes of the item whose values were not read.
        restore: The command that puts it back.
    """

    store: Store
    place: Mapping[str, str]
    identity: LockIdentity
    sha256: str
    size: int
    complete: bool
    restore: tuple[str, ...]
    etag: str | None = None
    version_id: str | None = None
    last_modified: str | None = None
    left_out: tuple[str, ...] = ()


def keep(directory: Path, address: StateAddress, lock: StoredLock) -> Path:
    """Write the backup of one stored lock and its facts, 0600, flushed; the file that restores it.

    Raises:
        OSError: It could not be written. What was begun is removed.
    """
    content = _content(address, lock)
    number = 1 + sum(1 for path in directory.glob("backup-*.json") if not path.name.endswith(".meta.json"))
    path = directory / f"backup-{number}-{lock.store}.json"
    while path.exists():
        number += 1
        path = directory / f"backup-{number}-{lock.store}.json"
    facts = msgspec.json.format(msgspec.json.encode(_facts(address, lock, path)), indent=2)
    _write(path, content)
    try:
        _write(path.with_suffix(".meta.json"), facts + b"\n")
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _content(address: StateAddress, lock: StoredLock) -> bytes:
    if lock.store is Store.S3:
        return lock.raw.encode("utf-8", "surrogateescape")
    item: dict[str, object] = {"LockID": {"S": address.lock_id}}
    if lock.attribute is not None:
        item["Info"] = msgspec.Raw(lock.attribute.encode("utf-8", "surrogatepass"))
    elif lock.raw:
        item["Info"] = {"S": lock.raw.encode("utf-8", "replace").decode()}
    return msgspec.json.encode(item)


def _facts(address: StateAddress, lock: StoredLock, path: Path) -> Facts:
    if lock.store is Store.DYNAMODB:
        place = {"table": address.table or "", "LockID": address.lock_id}
    else:
        place = {"bucket": address.bucket, "key": address.lockfile_key}
    held = len(lock.raw.encode("utf-8", "surrogateescape"))
    return Facts(
        store=lock.store,
        place=place | {"region": address.region, "account": address.account or "not checked"},
        identity=lock.identity,
        sha256=lock.sha256,
        size=lock.size,
        complete=held >= lock.size and not lock.extra,
        restore=restore_command(address, lock.store, str(path)),
        etag=lock.etag,
        version_id=lock.version_id,
        last_modified=lock.last_modified,
        left_out=lock.extra,
    )


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            sync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
