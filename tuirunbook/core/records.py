"""What one look showed, as the journal keeps it: cleaned, redacted and clipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tuirunbook.core.lock import (
    Digest,
    Free,
    Held,
    LockIdentity,
    LockInfo,
    LockSnapshot,
    NotChecked,
    Reading,
    Store,
    StoredLock,
)
from tuirunbook.core.text import clip, one_line, redact

UNREAD = "not checked"
"""How a `SnapshotRecord` begins what could not be read."""

RAW_LIMIT = 4_000
"""Characters of a lock's raw text that an event keeps; the whole of it is in the backup."""


class LockRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored lock as the journal keeps it: cleaned, redacted, clipped; bytes are told by their hash."""

    store: Store
    identity: LockIdentity
    sha256: str
    info: LockInfo | None = None
    unreadable: str | None = None
    raw: str = ""
    etag: str | None = None
    version_id: str | None = None
    last_modified: str | None = None
    ours: bool = False

    @classmethod
    def of(cls, lock: StoredLock, *, ours: bool = False) -> LockRecord:
        """The record of a stored lock; `ours` when a command that we started holds it."""
        return cls(
            store=lock.store,
            identity=lock.identity,
            sha256=lock.sha256,
            info=lock.info and _recorded(lock.info),
            unreadable=lock.unreadable and one_line(redact(lock.unreadable)),
            raw=clip(redact(lock.raw.encode("utf-8", "replace").decode()), RAW_LIMIT),
            etag=lock.etag,
            version_id=lock.version_id,
            last_modified=lock.last_modified,
            ours=ours,
        )


def _recorded(info: LockInfo) -> LockInfo:
    clipped = {name: one_line(redact(getattr(info, name))) for name in ("operation", "info", "who", "version")}
    return LockInfo(id=info.id, created=info.created, path=one_line(info.path, 1_200), **clipped)


class SnapshotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one look showed, as the journal keeps it.

    Attributes:
        fingerprint: `LockSnapshot.fingerprint`.
        locks: The locks that were present.
        readings: For each store `held`, `free`, or why it was not checked.
        digest: MD5, `none`, or why it was not checked.
        state: VersionId or ETag and time of the state object, `none`, or why it was not checked.
    """

    fingerprint: str
    locks: tuple[LockRecord, ...] = ()
    readings: Mapping[str, str] = {}
    digest: str = ""
    state: str = ""
    free: bool = False

    @classmethod
    def of(cls, snapshot: LockSnapshot, ours: Iterable[LockIdentity] = ()) -> SnapshotRecord:
        """The record of a snapshot; `ours` are the locks that our own commands hold."""
        mine = set(ours)
        return cls(
            fingerprint=snapshot.fingerprint,
            locks=tuple(LockRecord.of(lock, ours=lock.identity in mine) for lock in snapshot.locks),
            readings={store: _reading_text(snapshot.reading(store)) for store in Store},
            digest=digest_text(snapshot.digest),
            state=state_text(snapshot),
            free=snapshot.free,
        )

    @property
    def identities(self) -> tuple[LockIdentity, ...]:
        """The distinct locks that were present."""
        return tuple(dict.fromkeys(lock.identity for lock in self.locks))


def _reading_text(reading: Reading) -> str:
    match reading:
        case Held():
            return "held"
        case Free():
            return "free"
        case NotChecked():
            return f"{UNREAD}: {one_line(reading.why)}"


def digest_text(digest: Digest | NotChecked) -> str:
    """The digest in words: its MD5, `none`, or why it was not checked."""
    return digest.md5 or "none" if isinstance(digest, Digest) else f"{UNREAD}: {one_line(digest.why)}"


def state_text(snapshot: LockSnapshot) -> str:
    """The head of the state object in words: its version or ETag and when it was written."""
    state = snapshot.state
    if isinstance(state, NotChecked):
        return f"{UNREAD}: {one_line(state.why)}"
    return f"{state.version_id or state.etag} of {state.last_modified}" if state.exists else "none"
