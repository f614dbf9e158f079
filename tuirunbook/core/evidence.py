"""What was found out about a lock's holder: one observed fact each, with its source and its weight."""

from __future__ import annotations

import enum

import msgspec

from tuirunbook.core.lock import LockIdentity


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
