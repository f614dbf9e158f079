"""A lock that comes back is a cause, not an incident: what earlier incidents on this machine say about this one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.diagnosis import read_plan
from tuirunbook.core.events import Event, FindingRecorded, LockChanged, LockObserved, Opened, ReleaseEnded, timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import read_who
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, StoredLock, parse_time, short
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.text import one_line

SAME, FRESH, UNRELEASED = "recurrence.incidents", "recurrence.fresh", "recurrence.unreleased"
WITHIN = timedelta(minutes=10)
"""A new lock by the same `Who` so soon after a stuck one was left by what still runs, or starts again and again."""

_MOST_NAMED = 4
_BUCKETS_HISTORY = "lockfile.versions"
_JOB = re.compile(r"names this state(?: \([^)]{0,200}\))?: (?:run [^,]{1,90}, )?(?P<name>.{1,120}?), started ")


class PastLock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock that an incident was about.

    Attributes:
        identity: Its identity.
        who: As it stood in the lock.
        operation: Likewise.
        created: When it was taken, by its own word, or None.
        until: When it was last seen, or found gone.
    """

    identity: LockIdentity
    who: str
    operation: str
    created: datetime | None
    until: datetime


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An incident, as far as its likeness to another is concerned.

    Attributes:
        id: Its name.
        at: When it was opened.
        state: The state's lock ID.
        locks: Its locks, the oldest first.
        jobs: The CI jobs that were found to have held them.
    """

    id: str
    at: datetime
    state: str
    locks: tuple[PastLock, ...]
    jobs: tuple[str, ...] = ()


def earlier(events: Iterable[Event]) -> Earlier | None:
    """An incident from its events; None for practice, and for one without a lock."""
    opened: Opened | None = None
    locks: dict[LockIdentity, PastLock] = {}
    jobs: list[str] = []
    present: set[LockIdentity] = set()
    for event in events:
        match event:
            case Opened():
                opened = event
            case LockObserved() | LockChanged():
                present = _taken_in(locks, present, event.snapshot, parse_time(event.at))
            case ReleaseEnded(snapshot=SnapshotRecord() as snapshot):
                present = _taken_in(locks, present, snapshot, parse_time(event.at))
            case FindingRecorded(finding=finding):
                jobs += job_named(finding)
            case _:
                pass
    if opened is None or opened.training or not locks:
        return None
    return Earlier(
        id=opened.incident,
        at=parse_time(opened.at),
        state=opened.address.lock_id,
        locks=tuple(locks.values()),
        jobs=tuple(dict.fromkeys(jobs)),
    )


def _taken_in(
    locks: dict[LockIdentity, PastLock], present: set[LockIdentity], snapshot: SnapshotRecord, at: datetime
) -> set[LockIdentity]:
    """Note what a look shows: new locks, and until when the known ones were there."""
    theirs = [lock for lock in snapshot.locks if not lock.ours]
    for identity in present | {lock.identity for lock in theirs if lock.identity in locks}:
        locks[identity] = msgspec.structs.replace(locks[identity], until=at)
    for lock in theirs:
        if lock.identity not in locks:
            info = lock.info
            locks[lock.identity] = PastLock(
                identity=lock.identity,
                who=info.who if info else "",
                operation=info.operation if info else "",
                created=info.created_at if info else None,
                until=at,
            )
    return {lock.identity for lock in theirs}


def job_named(finding: Finding) -> tuple[str, ...]:
    """The CI job that a finding shows to have held the lock, as `system: name`."""
    system = finding.key.removeprefix("ci.").removesuffix(".holder")
    if finding.key != f"ci.{system}.holder" or finding.match is not Match.NAMES_THIS_STATE:
        return ()
    named = _JOB.search(finding.fact)
    return (f"{system}: {named['name']}",) if named else ()


def findings(
    lock: StoredLock, address: StateAddress, past: Sequence[Earlier], now: datetime, jobs: Sequence[str] = ()
) -> Iterator[Finding]:
    """What earlier incidents say about a lock: how often, and whether it came right after another by the same holder.

    Args:
        lock: The lock.
        address: Its state.
        past: The incidents of this machine; the one under way may be among them.
        now: The time.
        jobs: The CI jobs that are known to have held this lock, as `job_named` says them.
    """
    others = [one for one in past if not _about(one, lock)]
    like = [(one, why) for one in others if (why := _likeness(one, lock, address, jobs))]
    like.sort(key=lambda pair: pair[0].at, reverse=True)
    yield _finding(lock, SAME, _said(like, len(others)), now)
    before = _just_before(lock, address, past)
    if before is not None:
        minutes = max(0, round(_apart(lock, before).total_seconds() / 60))
        fact = (
            f"a fresh lock by the same {one_line(before.who, 100)}, {minutes} min after lock {short(before.identity)}: "
            "a cause, not an incident. Stop releasing, and look for what leaves them"
        )
        yield _finding(lock, FRESH, fact, now)


def _about(one: Earlier, lock: StoredLock) -> bool:
    """Whether an incident is about this very lock, as the one under way is: it is no earlier case."""
    return any(past.identity == lock.identity for past in one.locks)


def _likeness(one: Earlier, lock: StoredLock, address: StateAddress, jobs: Sequence[str]) -> tuple[str, ...]:
    """What an earlier incident has in common with this lock."""
    who = lock.info.who if lock.info else ""
    common = ["same state"] if one.state == address.lock_id else []
    if who and any(past.who == who for past in one.locks):
        common.append("same holder")
    elif who and one.state == address.lock_id and any(_same_kind(past.who, who) for past in one.locks):
        common.append("same kind of holder")
    common += [f"same job {one_line(job, 100)}" for job in one.jobs if job in jobs]
    return tuple(common)


def _same_kind(one: str, other: str) -> bool:
    """Whether two names are of machines that the same platform makes for one job each."""
    first, second = read_who(one), read_who(other)
    return first.single_use and second.single_use and first.clues[0].platform is second.clues[0].platform


def _said(like: Sequence[tuple[Earlier, tuple[str, ...]]], known: int) -> str:
    if not known:
        return "there was no earlier incident on this machine"
    if not like:
        return f"no earlier incident on this machine was about the same state, holder or job ({known} looked at)"
    named = "; ".join(
        f"{one.id} of {one.at.astimezone(UTC):%Y-%m-%d} ({', '.join(why)})" for one, why in like[:_MOST_NAMED]
    )
    more = f"; and {len(like) - _MOST_NAMED} more" if len(like) > _MOST_NAMED else ""
    many = "1 earlier incident is" if len(like) == 1 else f"{len(like)} earlier incidents are"
    return f"{many} like this one: {named}{more}. A lock that comes back has a cause"


def _just_before(lock: StoredLock, address: StateAddress, past: Sequence[Earlier]) -> PastLock | None:
    """The latest other lock on this state by the same holder that was there less than `WITHIN` before this one."""
    who = lock.info.who if lock.info else ""
    if not who or lock.info is None or lock.info.created_at is None:
        return None
    others = [
        before
        for one in past
        if one.state == address.lock_id
        for before in one.locks
        if before.identity != lock.identity and before.who == who and -WITHIN <= _apart(lock, before) <= WITHIN
    ]
    older = [before for before in others if before.created is None or before.created < lock.info.created_at]
    return max(older, key=lambda before: before.until, default=None)


def _apart(lock: StoredLock, before: PastLock) -> timedelta:
    """How long after the other one this lock was taken; less than nothing where the clocks differ."""
    created = lock.info.created_at if lock.info else None
    return created - before.until if created else timedelta.max


def unreleased(log: str, lock: LockIdentity, now: datetime, link: str = "") -> Finding | None:
    """What a run's log says about a lock that it could not release itself; None when it says no such thing."""
    reading = read_plan(log, None)
    if not reading.release_failed or lock not in reading.lock_ids:
        return None
    return Finding(
        key=UNRELEASED,
        lock=lock,
        says=Says.NOTHING,
        match=Match.NAMES_THIS_STATE,
        fact="the log of its run says “Error releasing the state lock”: it could not release this very lock",
        source="the log, as it was handed in",
        observed_at=timestamp(now),
        link=link or None,
    )


def fresh(incident: Incident, lock: LockIdentity) -> str:
    """Why this lock was left by what leaves them again and again, minutes after another; empty where it was not."""
    finding = incident.findings.get((lock, FRESH))
    return finding.fact if finding is not None else ""


def recurring(incident: Incident) -> tuple[str, ...]:
    """The facts of an incident which say that its lock has come back."""
    facts = {finding.key: finding.fact for finding in incident.findings.values()}
    found = [facts[FRESH]] if FRESH in facts else []
    found += [fact for key, fact in facts.items() if key == SAME and "like this one" in fact]
    found += [fact for key, fact in facts.items() if key == _BUCKETS_HISTORY and "by the holder of this one" in fact]
    found += [
        f"its log says so: it could not release the lock ({one_line(fact, 200)})"
        for key, fact in facts.items()
        if key.startswith("ci.") and "could not release this" in fact
    ]
    found += [
        f"{fact}; look for a permission that is missing, or credentials that had expired"
        for key, fact in facts.items()
        if key == UNRELEASED
    ]
    return tuple(found)


def _finding(lock: StoredLock, key: str, fact: str, now: datetime) -> Finding:
    return Finding(
        key=key,
        lock=lock.identity,
        says=Says.NOTHING,
        match=Match.COULD_BE,
        fact=fact,
        source="the incidents on this machine",
        observed_at=timestamp(now),
    )
