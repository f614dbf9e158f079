"""Locks as a pasted error claims them: enough to ask who holds them before any look has shown them.

A claim opens nothing. What is found about one is kept under the ID that it names, and counts for a lock that a look
shows with this ID, never for another.
"""

from __future__ import annotations

import re

from tuirunbook.core.address import StateAddress
from tuirunbook.core.diagnosis import Diagnosis, Kind
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LOCK_ID, LockIdentity, LockInfo, Store, StoredLock, parse_time
from tuirunbook.core.text import one_line, redact

_MASK = re.compile(r"\*{2,}")


def claims(diagnosis: Diagnosis, address: StateAddress) -> tuple[LockInfo, ...]:
    """The locks that a refusal names and that can be of this state, as far as their path tells."""
    if diagnosis.kind is not Kind.HELD:
        return ()
    found = []
    for lock in diagnosis.locks:
        if lock.id is None or not LOCK_ID.fullmatch(lock.id) or not _can_be(lock.path or "", address.lock_id):
            continue
        told = {name: one_line(redact(getattr(lock, name) or "")) for name in ("operation", "who", "version")}
        found.append(LockInfo(id=lock.id, created=_time(lock.created), path=one_line(lock.path or "", 1_200), **told))
    return tuple(found)


def in_question(incident: Incident) -> tuple[LockIdentity, ...]:
    """The locks that evidence is about: those that are there, then those that may be there unseen."""
    return (*incident.identities, *(LockIdentity(info.id) for info in incident.unseen))


def unseen_in_words(incident: Incident, info: LockInfo) -> str:
    """Why a lock of `Incident.unseen` counts for nothing yet, after its name."""
    if info.id in incident.seen:
        return "it was held when it was read last, and cannot be read now."
    return "the pasted error claims it; the lock itself has not been seen here."


def _can_be(path: str, lock_id: str) -> bool:
    """Whether a printed path can be this one: CI systems mask parts of it, and a paste may lack it."""
    parts = _MASK.split(path)
    if len(parts) == 1:
        return path in {"", lock_id}
    return lock_id.startswith(parts[0]) and lock_id.endswith(parts[-1])


def _time(created: str | None) -> str | None:
    try:
        parse_time(created or "")
    except ValueError:
        return None
    return created


def as_lock(info: LockInfo, address: StateAddress) -> StoredLock:
    """A lock that no look shows now, for the sources of evidence and for nobody else: it has no bytes, and no ETag.

    Nothing is confirmed, released or deleted by it: those take a look's own locks.
    """
    return StoredLock(store=Store.S3 if address.use_lockfile else Store.DYNAMODB, raw="", sha256="", info=info)
