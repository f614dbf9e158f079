"""One look as scripts read it: a JSON object, and an exit code that is never a false "free"."""

from __future__ import annotations

import enum

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX
from tuirunbook.core.events import timestamp
from tuirunbook.core.lock import Digest, LockSnapshot, NotChecked, StateObject, Store, StoredLock
from tuirunbook.survey.doubt import Doubt
from tuirunbook.survey.states import StateRow


class Status(enum.IntEnum):
    """The exit codes of `status`, `locks` and `wait`."""

    FREE = 0
    """Every configured store was read and is free."""
    UNKNOWN = 1
    """It could not be told: something was not read, or nothing locks here."""
    USAGE = 2
    HELD = 10


def status_exit(snapshot: LockSnapshot, doubt: Doubt | None = None) -> Status:
    """What this look says; nothing, where the state that was looked at may not be the one that is meant."""
    if snapshot.held:
        return Status.HELD
    if doubt is not None and doubt.decides:
        return Status.UNKNOWN
    nowhere = isinstance(snapshot.state, NotChecked) and snapshot.state.code == "NoSuchBucket"
    return Status.FREE if snapshot.free and not nowhere else Status.UNKNOWN


def status_object(snapshot: LockSnapshot, doubt: Doubt | None = None) -> dict[str, object]:
    """The look for `--json`; every key is always there."""
    return {
        "address": _address(snapshot),
        "held": {Status.HELD: True, Status.FREE: False}.get(status_exit(snapshot, doubt)),
        "locks": [_lock(lock) for lock in snapshot.locks],
        "digest": snapshot.digest.md5 if isinstance(snapshot.digest, Digest) else None,
        "state": _state(snapshot.state) if isinstance(snapshot.state, StateObject) else None,
        "not_checked": _not_checked(snapshot, doubt),
        "observed_at": timestamp(snapshot.taken_at),
    }


def row_exit(row: StateRow) -> Status:
    """What a row says; one that was not read says nothing."""
    return Status.UNKNOWN if row.snapshot is None else status_exit(row.snapshot, row.doubt)


def row_object(row: StateRow) -> dict[str, object]:
    """One state for `locks --json`; every key is always there."""
    backend = row.root.backend
    s3 = backend.type == "s3"
    prefix = backend.arguments.get("workspace_key_prefix")
    shown_prefix = prefix if isinstance(prefix, str) else DEFAULT_KEY_PREFIX
    lock = None if row.snapshot is None else status_object(row.snapshot, row.doubt)
    if lock is not None:
        del lock["address"]
    return {
        "root": row.root.name,
        "backend": backend.type,
        "workspace": row.root.workspace,
        "bucket": backend.text("bucket") if s3 else None,
        "key": backend.text("key") if s3 else None,
        "region": backend.text("region") if s3 else None,
        "dynamodb_table": backend.text("dynamodb_table") if s3 else None,
        "use_lockfile": s3 and backend.flag("use_lockfile"),
        "workspace_key_prefix": shown_prefix if s3 else None,
        "config_files": list(row.config_files),
        "source": row.source,
        "unresolved": [msgspec.to_builtins(lack) for lack in row.unresolved],
        "hazards": [msgspec.to_builtins(hazard) for hazard in row.hazards],
        "lock": lock,
    }


def unknown_object(why: str, advice: str, observed_at: str) -> dict[str, object]:
    """The same object where no look was possible at all."""
    return {
        "address": None,
        "held": None,
        "locks": [],
        "digest": None,
        "state": None,
        "not_checked": [{"what": "backend", "why": why, "code": "not-found", "advice": advice}],
        "observed_at": observed_at,
    }


def _address(snapshot: LockSnapshot) -> dict[str, object]:
    address = snapshot.address
    return {
        "path": address.lock_id,
        "account": address.account,
        "region": address.region or None,
        "bucket": address.bucket,
        "key": address.state_key,
        "workspace": address.workspace,
        "table": address.table,
        "lockfile": address.lockfile_key if address.use_lockfile else None,
    }


def _lock(lock: StoredLock) -> dict[str, object]:
    info = lock.info
    return {
        "store": lock.store.value,
        "id": info.id if info else None,
        "who": info.who if info else None,
        "operation": info.operation if info else None,
        "created": info.created if info else None,
        "readable": info is not None,
        "raw": lock.raw.encode("utf-8", "replace").decode(),
    }


def _state(state: StateObject) -> dict[str, object]:
    found = msgspec.to_builtins(state)
    assert isinstance(found, dict)  # noqa: S101 - a struct becomes an object
    del found["type"]
    return found


def _not_checked(snapshot: LockSnapshot, doubt: Doubt | None) -> list[dict[str, object]]:
    parts: dict[str, object] = {
        Store.DYNAMODB.value: snapshot.dynamodb,
        Store.S3.value: snapshot.s3,
        "digest": snapshot.digest,
        "state": snapshot.state,
        "table": snapshot.table,
    }
    found = [(what, part) for what, part in parts.items() if isinstance(part, NotChecked)]
    if not snapshot.address.locks_at_all:
        why = "the backend configures neither a lock table nor a lockfile, so Terraform takes no lock here"
        found.append(("locking", NotChecked(why=why, code="not-configured", advice="set use_lockfile = true")))
    if doubt is not None:
        found = [(what, part) for what, part in found if what != "state"] + [("state", doubt.unread)]
    return [{"what": what, "why": part.why, "code": part.code, "advice": part.advice} for what, part in found]
