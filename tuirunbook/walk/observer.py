"""Turns looks into events: what appeared, left, changed hands, and what that makes of the answers so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.incident import (
    CommandStarted,
    FindingRecorded,
    LockChanged,
    LockObserved,
    SnapshotRecord,
    WatchLost,
    WatchRestored,
    timestamp,
    voided_by,
)
from tuirunbook.core.lock import Change, LockIdentity, LockSnapshot, StoredLock, changes
from tuirunbook.walk.scribe import Scribe


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A look was taken in.

    Attributes:
        snapshot: What it showed.
        number: How many looks this session has taken.
        found: What changed since the one before.
        ours: The locks that our own commands hold.
    """

    snapshot: LockSnapshot
    number: int
    found: tuple[Change, ...] = ()
    ours: tuple[LockIdentity, ...] = ()


class Observer:
    """Keeps the latest look. Only the incident's thread calls it.

    Attributes:
        latest: The latest look, or None before the first.
        looks: How many there were.
    """

    def __init__(self, scribe: Scribe, host: str) -> None:
        self.latest: LockSnapshot | None = None
        self.looks = 0
        self._scribe = scribe
        self._host = host

    def take_in(self, snapshot: LockSnapshot) -> Looked:
        """Record what a look shows, if it shows anything new."""
        scribe = self._scribe
        before = self.latest
        if before is not None and snapshot.taken_at < before.taken_at:
            return Looked(snapshot=before, number=self.looks)
        self.latest = snapshot
        self.looks += 1
        self._sight(snapshot)
        ours = tuple(lock.identity for lock in snapshot.locks if self._is_ours(lock))
        record = SnapshotRecord.of(snapshot, ours)
        known = scribe.incident.snapshot
        if known is None:
            scribe.record(LockObserved, snapshot=record)
            return Looked(snapshot=snapshot, number=self.looks, ours=ours)
        if known.fingerprint == record.fingerprint and known.locks == record.locks:
            return Looked(snapshot=snapshot, number=self.looks, ours=ours)
        theirs = scribe.incident.identities
        found = changes(before, snapshot) if before else _since_the_journal(known, record)
        scribe.record(LockChanged, snapshot=record, changes=found, voided=voided_by(found, theirs))
        self._state_writes(found, theirs, snapshot.taken_at)
        return Looked(snapshot=snapshot, number=self.looks, found=found, ours=ours)

    def _sight(self, snapshot: LockSnapshot) -> None:
        blind = snapshot.blind
        if blind and not self._scribe.incident.blind_since:
            self._scribe.record(WatchLost, why="; ".join(f"{store.label}: {reading.why}" for store, reading in blind))
        elif not blind and self._scribe.incident.blind_since:
            self._scribe.record(WatchRestored)

    def _is_ours(self, lock: StoredLock) -> bool:
        return any(_holds(started, lock, self._host) for started in self._scribe.incident.running.values())

    def _state_writes(self, found: Iterable[Change], present: Iterable[LockIdentity], moment: datetime) -> None:
        """A state that is written while a lock is held has a living writer."""
        incident = self._scribe.incident
        for change in found:
            if change.what not in {"state-written", "digest-written"}:
                continue
            for lock in present:
                if lock in incident.identities:
                    finding = Finding(
                        key=f"state.{change.what}",
                        lock=lock,
                        says=Says.BLOCKS,
                        fact=f"{change.sentence} while the lock was held",
                        source="HeadObject and GetItem, two looks",
                        observed_at=timestamp(moment),
                    )
                    self._scribe.record(FindingRecorded, finding=finding)


def _holds(started: CommandStarted, lock: StoredLock, host: str) -> bool:
    """Whether a command of ours took this lock: from this host, and not before the command began.

    The tolerance of a second covers that process start times are told in clock ticks.
    """
    info = lock.info
    if info is None or info.created_at is None or info.who.rpartition("@")[2] != host:
        return False
    return info.created_at.timestamp() >= started.child.started - 1


def _since_the_journal(known: SnapshotRecord, now: SnapshotRecord) -> tuple[Change, ...]:
    """What changed since the last session's last look, of which only the record is left."""
    found: list[Change] = []
    if known.identities != now.identities:
        what, verb = ("changed-hands", "changed hands") if now.identities else ("left", "left")
        found.append(Change(what=what, sentence=f"the lock {verb} while nobody was looking"))
    elif [(lock.sha256, lock.etag) for lock in known.locks] != [(lock.sha256, lock.etag) for lock in now.locks]:
        found.append(Change(what="rewritten", sentence="the lock was rewritten while nobody was looking"))
    if known.state != now.state:
        found.append(Change(what="state-written", sentence="the state was written while nobody was looking"))
    if known.digest != now.digest:
        found.append(Change(what="digest-written", sentence="the digest was written while nobody was looking"))
    return tuple(found)
