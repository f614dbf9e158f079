"""Jobs of a CI system as any of them tells about itself, and the lock that is asked about."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta

import msgspec

from tuirunbook.core.lock import LockIdentity, StoredLock, parse_time
from tuirunbook.core.text import one_line

SLACK = timedelta(seconds=60)
"""How far a job's start and a lock's `Created` may be apart the wrong way round on clocks that seem to agree."""

WORTH_SAYING = timedelta(seconds=10)
"""From here on a difference of clocks is told; below, it is the time that an answer takes."""


_WELL = frozenset({"success", "succeeded", "passed"})


class Stage(enum.StrEnum):
    """How far a job has come."""

    RUNNING = "running"
    QUEUED = "queued"
    """It starts by itself: as soon as a runner, or the lock, is free."""
    WAITING = "waiting"
    """It starts when somebody approves it."""
    SCHEDULED = "scheduled"
    """It starts at a time."""
    ENDED = "ended"


class Runner(enum.StrEnum):
    """What a job runs on, as far as its end is concerned."""

    SINGLE_USE = "hosted, used once"
    """The machine is the CI system's own and is destroyed when the job has completed."""
    LASTING = "of its own"
    """Something that may live on after the job: what the job started may live on as well."""
    UNKNOWN = "unknown"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job of one attempt of one run, build or pipeline; for systems without jobs, the run itself.

    Attributes:
        name: The job's name, with the values of its matrix (`apply (infra/prod)`).
        stage: How far it has come.
        run: What people call the run (`812`).
        id: The system's own name for the job, or empty.
        attempt: Which attempt of the run, from 1.
        definition: The text that defines it in this checkout, or None where that is not known. It may differ from what
            the run's commit had.
        paths: The path filters that its trigger went through; empty without any.
        branch: The branch or tag.
        actor: Who started it.
        result: How it ended, in the system's words.
        cut: Whether that means cancelled or timed out: the job was ended, and not by itself.
        started: When it started.
        ended: When it ended.
        runner: What it runs on.
        host: Names of the machine or agent it runs on.
        unlike: A pattern for the whole of a `Who` that no job on this runner leaves; empty where nothing is known.
        lost: Whether the system lost sight of the runner.
        doubt: What contradicts that it is in progress, in the system's own answers; empty when nothing does.
        log: Its log, or None when it was not read.
        url: Where people look at it.
        hold: The command that keeps it from starting; empty where none is known.
        undo: The command that takes the hold back.
        starts: What makes it start (`when somebody approves environment prod`).
    """

    name: str
    stage: Stage
    run: str = ""
    id: str = ""
    attempt: int = 1
    definition: str | None = None
    paths: tuple[str, ...] = ()
    branch: str = ""
    actor: str = ""
    result: str = ""
    cut: bool = False
    started: datetime | None = None
    ended: datetime | None = None
    runner: Runner = Runner.UNKNOWN
    host: tuple[str, ...] = ()
    unlike: str = ""
    lost: bool = False
    doubt: str = ""
    log: str | None = None
    url: str = ""
    hold: str = ""
    undo: str = ""
    starts: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it ended well. A terraform that ends well has given its lock back."""
        return self.stage is Stage.ENDED and self.result.lower() in _WELL

    @property
    def words(self) -> str:
        """The job in a few words."""
        attempt = f" attempt {self.attempt}" if self.attempt > 1 else ""
        run = f"run {one_line(self.run, 60)}{attempt}, " if self.run else ""
        started = f", started {at(self.started)}" if self.started else ""
        return f"{run}{one_line(self.name, 100)}{started}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a system answered.

    Attributes:
        system: The first part of the findings' keys (`github`).
        place: What was asked, for people (`GitHub Actions of acme/infra on github.com`).
        source: The calls that were made, in short.
        jobs: Everything that it told.
        skew: Its clock minus this machine's.
        notes: What it could not tell, as sentences: what was cut off, what could not be read.
    """

    system: str
    place: str
    source: str
    jobs: tuple[Job, ...] = ()
    skew: timedelta = timedelta(0)
    notes: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The state that runs are matched with.

    Attributes:
        names: Texts that name the state and no other: `bucket/key`, the lock ID.
        root: The root module's directory in the checkout (`infra/prod`); empty at its top, or without a checkout.
        workspace: The workspace.
        others: The other root modules of the checkout, likewise.
    """

    names: tuple[str, ...]
    root: str = ""
    workspace: str = "default"
    others: tuple[str, ...] = ()


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock says about who took it, and when.

    Attributes:
        lock: The lock.
        who: `user@host`, or empty.
        created: When the holder began to wait for the lock, by its clock; None when the lock does not say.
        ahead: How much its clock is ahead of the store's, as far as the two times of a lockfile show.
    """

    lock: LockIdentity
    who: str = ""
    created: datetime | None = None
    ahead: timedelta = timedelta(0)

    @classmethod
    def of(cls, lock: StoredLock) -> Holder:
        """From a lock as it was read. `Created` after the store's own time of the write shows a clock that is ahead."""
        if lock.info is None:
            return cls(lock=lock.identity)
        created, ahead = lock.info.created_at, timedelta(0)
        if created is not None and lock.last_modified:
            try:
                ahead = max(created - parse_time(lock.last_modified), timedelta(0))
            except ValueError:
                ahead = timedelta(0)
        return cls(lock=lock.identity, who=lock.info.who, created=created, ahead=ahead)

    @property
    def host(self) -> str:
        """The part after the last `@`."""
        return self.who.rpartition("@")[2] if "@" in self.who else ""


def slack(holder: Holder, skew: timedelta) -> timedelta:
    """By how much a window is widened: `SLACK` and what the clocks are seen to differ by."""
    return SLACK + abs(skew) + holder.ahead


def covers(job: Job, holder: Holder, skew: timedelta) -> bool:
    """Whether the job was running when the lock was taken. Without both times nothing is known, and it was not."""
    if job.started is None or holder.created is None:
        return False
    widened = slack(holder, skew)
    if holder.created < job.started - widened:
        return False
    return job.ended is None or holder.created <= job.ended + widened


def at(moment: datetime | None) -> str:
    """A time as findings show it, in UTC to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else "an unknown time"
