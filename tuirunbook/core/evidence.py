"""What was found out about a lock's holder: one observed fact each, with its source and its weight."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import msgspec

from tuirunbook.core.lock import LockIdentity, LockInfo, parse_time

SKEW = timedelta(seconds=60)
"""How far two clocks may be apart that were not compared."""

AFTERMATH = ("cause.", "recurrence.", "inflight.")
"""How the keys of findings begin that are for the steps after the release: about causes, and what a dead apply left."""

SEEN_WRITES = frozenset({"state.state-written", "state.digest-written"})
"""The keys of what a look shows when the state, or its digest, was written since the look before."""

FRESH_REFUSAL = timedelta(minutes=5)
"""How old a refusal in CI may be to count as the retry."""


class Says(enum.StrEnum):
    """What a fact says about releasing the lock."""

    BLOCKS = "blocks"
    """The holder may be alive: nothing is released while this stands."""
    SUPPORTS = "supports"
    """The holder has ended."""
    NOTHING = "nothing"
    """It was looked at and proves neither."""
    UNKNOWN = "unknown"
    """Nobody looked, or the one asked does not know. It does not count as a check."""


class Match(enum.StrEnum):
    """How firmly a fact is tied to this state and this lock."""

    NAMES_THIS_STATE = "names-this-state"
    COULD_BE = "could-be"
    CANNOT_BE = "cannot-be"


class InLine(msgspec.Struct, frozen=True, kw_only=True):
    """What starts when the lock is free, or soon (S16).

    Attributes:
        what: The job, for people.
        starts: What makes it start.
        match: How firmly it is tied to this state.
        stage: How far it is: `queued`, `waiting` for somebody, or `scheduled`.
        hold: The command that keeps it from starting; empty where none is known.
        undo: The command that takes the hold back.
        url: Where people look at it.
    """

    what: str
    starts: str
    match: Match
    stage: str = ""
    hold: str = ""
    undo: str = ""
    url: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A run that could have taken the lock; nothing shows which state it works on.

    Attributes:
        id: Names the run, its attempt and its job among all systems (`github:4712`).
        what: The run, for people.
        says: What its status says, if it is the holder.
        fact: That status in words.
        ended_at: When it ended, RFC 3339, where that is known.
        link: Where people look at it.
    """

    id: str
    what: str
    says: Says
    fact: str
    ended_at: str | msgspec.UnsetType = msgspec.UNSET
    link: str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One observed fact.

    Attributes:
        key: Names the fact within its lock (`host.process`, `state.written`); a later finding with the key replaces it.
        lock: The lock that it is about.
        says: What it says about a release.
        match: How firmly it is tied to this state.
        fact: A past-tense sentence.
        source: The command or call that showed it, or who said so.
        observed_at: When, RFC 3339 in UTC.
        link: Where it can be seen again, or None.
        final: True when no dispute can set it aside: the owner's "mine, and running", a process alive on this machine.
        ended_at: When that which took the lock ended, by this fact; RFC 3339. An end before the lock was taken was
            the end of something else, and supports nothing.
        opposes: What cannot be so if this is: keys of other findings, or answers as `holder-host=host-gone`. An
            opposed fact supports nothing, and the contradiction is shown.
        asked: The source of evidence that it came from, by its name. What a look showed, or a person said, has none.
        in_line: What takes the lock next, as far as this source knows.
        refused_at: When this lock refused a run, by this machine's clock and at the earliest; RFC 3339.
        candidates: Runs that could have taken the lock.

    The last six are left out of a journal where they say nothing.
    """

    key: str
    lock: LockIdentity
    says: Says
    match: Match = Match.NAMES_THIS_STATE
    fact: str
    source: str
    observed_at: str
    link: str | None = None
    final: bool = False
    ended_at: str | msgspec.UnsetType = msgspec.UNSET
    opposes: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    asked: str | msgspec.UnsetType = msgspec.UNSET
    in_line: tuple[InLine, ...] | msgspec.UnsetType = msgspec.UNSET
    refused_at: str | msgspec.UnsetType = msgspec.UNSET
    candidates: tuple[Candidate, ...] | msgspec.UnsetType = msgspec.UNSET

    @property
    def witness(self) -> str:
        """The source that it came from, or empty."""
        return self.asked if isinstance(self.asked, str) else ""

    @property
    def could_be_holder(self) -> tuple[Candidate, ...]:
        """The runs that could have taken the lock, or none."""
        return self.candidates if isinstance(self.candidates, tuple) else ()


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """When a lock was taken: not before `earliest`, not after `latest`.

    The holder's clock says when it began to wait for the lock; the server's says when the lockfile was written. Where
    both are known, the window is as wide as they are apart, by waiting or by skew.
    """

    earliest: datetime
    latest: datetime

    def is_after(self, moment: datetime) -> bool:
        """Whether the lock was surely taken after `moment`."""
        return moment < self.earliest

    def is_before(self, moment: datetime) -> bool:
        """Whether the lock was surely taken before `moment`."""
        return moment > self.latest


def taken(info: LockInfo | None, last_modified: str | None = None) -> Taken | None:
    """When a lock was taken, widened by `SKEW`; None when nothing says it."""
    moments = [moment] if info is not None and (moment := info.created_at) else []
    if last_modified:
        try:
            moments.append(parse_time(last_modified))
        except ValueError:
            return None
    if not moments:
        return None
    try:
        return Taken(earliest=min(moments) - SKEW, latest=max(moments) + SKEW)
    except OverflowError:
        return None


def is_fresh(refused_at: datetime, now: datetime) -> bool:
    """Whether a refusal is recent enough to count as the retry; a time that is yet to come tells nothing."""
    return -SKEW <= now - refused_at < FRESH_REFUSAL
