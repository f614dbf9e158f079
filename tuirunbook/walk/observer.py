"""Turns looks into events: what appeared, left, changed hands, and what that makes of the answers so far."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from tuirunbook.core.changes import Change, changes, remembered
from tuirunbook.core.events import (
    CommandIntended,
    CommandStarted,
    FindingRecorded,
    LockChanged,
    LockObserved,
    WatchLost,
    WatchRestored,
    timestamp,
)
from tuirunbook.core.evidence import SEEN_WRITES, Finding, Says
from tuirunbook.core.fold import voided_by
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, LockSnapshot, NotChecked, StoredLock
from tuirunbook.core.records import UNREAD, SnapshotRecord
from tuirunbook.core.redaction import redacted
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

    Args:
        scribe: Who writes it down.
        me: Who a lock of ours is taken by, as its `Who` tells it: `user@host`, or the host alone.

    Attributes:
        latest: The latest look, or None before the first.
        looks: How many there were.
    """

    def __init__(self, scribe: Scribe, me: str) -> None:
        self.latest: LockSnapshot | None = None
        self.looks = 0
        self._known: LockSnapshot | None = None
        self._scribe = scribe
        self._me = me
        self._tickets = itertools.count(1)
        self._newest = 0

    def ticket(self) -> int:
        """The turn of a look that is about to begin, for `take_in`. From any thread.

        The order of looks, which the wall clock does not tell: it may be set back.
        """
        return next(self._tickets)

    def take_in(
        self, snapshot: LockSnapshot, *, released: LockIdentity | None = None, ticket: int | None = None
    ) -> Looked:
        """Record what a look shows, if it shows anything new.

        Args:
            snapshot: The look.
            released: The lock that was just released. That it left, and nothing else, is told by the release's own end.
            ticket: The look's turn. One that began before the latest is dropped; without a ticket, its time decides.
        """
        scribe = self._scribe
        before = self.latest
        if before is not None and self._is_late(snapshot, before, ticket):
            return Looked(snapshot=before, number=self.looks)
        self._newest = self.ticket() if ticket is None else ticket
        was_blind = bool(scribe.incident.blind_since)
        looked = self._compare(before, snapshot, released)
        self._sight(snapshot, was_blind=was_blind)
        return looked

    def _is_late(self, snapshot: LockSnapshot, latest: LockSnapshot, ticket: int | None) -> bool:
        return snapshot.taken_at < latest.taken_at if ticket is None else ticket < self._newest

    def _compare(self, before: LockSnapshot | None, snapshot: LockSnapshot, released: LockIdentity | None) -> Looked:
        scribe, incident, read = self._scribe, self._scribe.incident, self._known
        self.latest = snapshot
        self._known = remembered(read, snapshot) if read else snapshot
        self.looks += 1
        ours = tuple(lock.identity for lock in snapshot.locks if self._is_ours(lock))
        record = SnapshotRecord.of(snapshot, ours)
        known = incident.snapshot
        if known is None:
            scribe.record(LockObserved, snapshot=record)
            return Looked(snapshot=snapshot, number=self.looks, ours=ours)
        if before and read:
            found = (*_written_since_the_journal(incident, read, record), *found_between(before, read, snapshot))
        else:
            found = _since_the_journal(incident.read or known, record)
        if not found and known.fingerprint == record.fingerprint and known.locks == record.locks:
            return Looked(snapshot=snapshot, number=self.looks, ours=ours)
        looked = Looked(snapshot=snapshot, number=self.looks, found=found, ours=ours)
        if released and before and found and all(_is_departure(change, before, released) for change in found):
            return looked
        scribe.record(LockChanged, snapshot=record, changes=found, voided=voided_by(found, _spoken_of(incident)))
        self._state_writes(found, _held_before(incident), snapshot.taken_at)
        return looked

    def weigh_in(self, finding: Finding) -> None:
        """Record a finding that says something new.

        One that repeats what is known keeps its first time: a dispute is about the fact as it was then.
        """
        known = self._scribe.incident.findings.get((finding.lock, finding.key))
        if known is None or _substance(known) != _substance(finding):
            self._scribe.record(FindingRecorded, finding=finding)

    def _sight(self, snapshot: LockSnapshot, *, was_blind: bool) -> None:
        """Told after the look itself, so that the record has the lock first and the loss of sight second."""
        blind = snapshot.blind
        if blind and not self._scribe.incident.blind_since:
            self._scribe.record(WatchLost, why="; ".join(f"{store.label}: {reading.why}" for store, reading in blind))
        elif was_blind and not blind:
            self._scribe.record(WatchRestored)

    def _is_ours(self, lock: StoredLock) -> bool:
        return taken_by_ours(lock, self._scribe.incident, self._me)

    def _state_writes(self, found: Iterable[Change], before: Iterable[LockIdentity], moment: datetime) -> None:
        """A state that is written while a lock is held has a living writer; the verdict says until when that blocks.

        A lock that was there `before`, and is there, was held all the time, whatever could be read in between.
        """
        incident = self._scribe.incident
        for change in found:
            key = f"state.{change.what}"
            if key not in SEEN_WRITES:
                continue
            for lock in before:
                if lock in incident.identities:
                    finding = Finding(
                        key=key,
                        lock=lock,
                        says=Says.BLOCKS,
                        fact=f"{change.sentence} while the lock was held",
                        source="HeadObject and GetItem, two looks",
                        observed_at=timestamp(moment),
                    )
                    self._scribe.record(FindingRecorded, finding=finding)


def _substance(finding: Finding) -> Finding:
    """A finding as it would be recorded, without its time, and without who was asked."""
    recorded = redacted(FindingRecorded(at="", finding=finding)).finding
    return msgspec.structs.replace(recorded, observed_at="", asked=msgspec.UNSET)


def _spoken_of(incident: Incident) -> tuple[LockIdentity, ...]:
    """The locks that are present, and those that something counts for although the last look could not see them."""
    said = (*incident.answers, *incident.disputes, *incident.skips)
    locks = (*incident.identities, *incident.refused_by, *(lock for lock, _ in said))
    return tuple(dict.fromkeys(lock for lock in locks if lock))


def _held_before(incident: Incident) -> tuple[LockIdentity, ...]:
    """The locks that were held when they were read last, and those that are spoken of."""
    read = incident.read.locks if incident.read else ()
    return tuple(dict.fromkeys((*(lock.identity for lock in read if not lock.ours), *_spoken_of(incident))))


_SIGHT = frozenset({"blind", "sees-again"})


def found_between(before: LockSnapshot, known: LockSnapshot, now: LockSnapshot) -> tuple[Change, ...]:
    """What changed since it was last read, however long ago that was; and what is, or is no more, out of sight."""
    real = tuple(change for change in changes(known, remembered(known, now)) if change.what not in _SIGHT)
    return (*real, *(change for change in changes(before, now) if change.what in _SIGHT))


def _is_departure(change: Change, before: LockSnapshot, released: LockIdentity) -> bool:
    return change.what == "left" and change.store in {half.store for half in before.find(released)}


_OUR_OPERATIONS = frozenset({"OperationTypePlan", "OperationTypeRefresh"})
"""What we run; a lock of an apply is somebody else's, wherever it was taken."""


def taken_by_ours(lock: StoredLock, incident: Incident, me: str) -> bool:
    """Whether a running command of the incident took this lock."""
    return any(_holds(started, lock, me) for started in incident.running.values())


def _holds(started: CommandIntended | CommandStarted, lock: StoredLock, me: str) -> bool:
    """Whether a command of ours took this lock: a plan, by us, and not before the command began.

    The tolerance of a second covers that process start times are told in clock ticks.
    """
    info = lock.info
    if "plan" not in started.child.argv:
        return False
    if info is None or info.created_at is None or info.operation not in _OUR_OPERATIONS:
        return False
    who = info.who if "@" in me else info.who.rpartition("@")[2]
    if who != me:
        return False
    return info.created_at.timestamp() >= started.child.started - 1


def _written_since_the_journal(incident: Incident, known: LockSnapshot, now: SnapshotRecord) -> Iterator[Change]:
    """Writes since an earlier session of what this one can read for the first time now."""
    earlier = incident.read
    if earlier is not None:
        if isinstance(known.state, NotChecked):
            yield from _written("state", earlier.state, now.state)
        if isinstance(known.digest, NotChecked):
            yield from _written("digest", earlier.digest, now.digest)


def _written(name: str, then: str, now: str) -> Iterator[Change]:
    if then and then != now and not then.startswith(UNREAD) and not now.startswith(UNREAD):
        yield Change(what=f"{name}-written", sentence=f"the {name} was written while nobody was looking")


def _since_the_journal(known: SnapshotRecord, now: SnapshotRecord) -> tuple[Change, ...]:
    """What changed since it was last read in an earlier session, of which only the record is left."""
    found: list[Change] = []
    if any(now.readings.get(lock.store, "").startswith(UNREAD) for lock in known.locks):
        return (Change(what="not-comparable", sentence="whether the lock still stands cannot be read"),)
    if known.identities != now.identities:
        what, verb = ("changed-hands", "changed hands") if now.identities else ("left", "left")
        found.append(Change(what=what, sentence=f"the lock {verb} while nobody was looking"))
    elif [(lock.sha256, lock.etag) for lock in known.locks] != [(lock.sha256, lock.etag) for lock in now.locks]:
        found.append(Change(what="rewritten", sentence="the lock was rewritten while nobody was looking"))
    for name, then, at_present in (("state", known.state, now.state), ("digest", known.digest, now.digest)):
        if then != at_present and (then.startswith(UNREAD) or at_present.startswith(UNREAD)):
            sentence = f"whether the {name} was written meanwhile cannot be told: it could not be read"
            found.append(Change(what="not-comparable", sentence=sentence))
        found.extend(_written(name, then, at_present))
    return tuple(found)
