"""The postmortem as data. This is what `export --format json` prints; fields are added, never renamed.

Times are RFC 3339 in UTC; a time that nobody knows is None.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import Marker
from tuirunbook.core.lock import Store


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the incident was about, who walked it, and with what."""

    incident: str
    status: str
    ticket: str
    operators: tuple[str, ...]
    caller: str
    account: str
    region: str
    state: str
    workspace: str
    stores: tuple[str, ...]
    root: str
    tool: str
    program: str
    runbook: str
    runbook_sha256: str
    chain: ChainReport


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the way from the lock to its end.

    Attributes:
        name: What happened then.
        at: When, or None.
        after: Seconds since the point before it that is known, or None.
        note: How sure the time is.
    """

    name: str
    at: str | None
    after: float | None = None
    note: str = ""


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What was blocked, and for how long.

    Attributes:
        begin: The earliest known sign of it, or None.
        since: What that sign was.
        end: The release, or None.
        seconds: How long that was; None where it is not known, or the times contradict each other.
        could_not_ship: What waited.
    """

    begin: str | None
    since: str = ""
    end: str | None
    seconds: float | None
    could_not_ship: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the timeline, or a gap in it.

    Attributes:
        at: When.
        local: The same in the exporter's time zone (`04:12:07 CET`).
        actor: Who or what.
        marker: What part it plays.
        fact: What happened.
        source: Where that comes from.
        link: Where it can be seen again.
        routine: Whether the story reads as well without it.
        gap: For a gap: its length in seconds; nothing else is set then.
    """

    at: str = ""
    local: str = ""
    actor: str = ""
    marker: Marker | None = None
    fact: str = ""
    source: str = ""
    link: str = ""
    routine: bool = False
    gap: float | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was believed when a release was confirmed, and what came of it.

    `changed` are answers against a release that had been given by then and did not stand any more.
    """

    release: int
    at: str
    by: str
    method: str
    lock: str
    believed: str
    supports: tuple[str, ...]
    blocks: tuple[str, ...]
    not_checked: tuple[str, ...]
    answers: tuple[str, ...]
    changed: tuple[str, ...] = ()
    advised: str
    reasons: Mapping[str, str]
    accepted_by: str
    outcome: str
    detail: str
    exit_code: int | None


class LockBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A lock as it was found."""

    store: Store
    lock: str
    description: str
    sha256: str
    raw: str
    seen_at: str


class StateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The state at one moment: version, serial and digest, or None where they were not read."""

    at: str
    version_id: str | None
    serial: int | None
    md5: str | None
    resources: int | None
    detail: str


class BeforeAfter(msgspec.Struct, frozen=True, kw_only=True):
    """What was there before the release and afterwards."""

    locks: tuple[LockBefore, ...]
    before: StateFacts | None
    after: StateFacts | None
    read_back: str
    plan_summary: str
    read_by: str


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A heading to fill in: what to ask, and what the journal already knows."""

    heading: str
    question: str
    known: tuple[str, ...]


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """Something still to be done: by whom, by when."""

    what: str
    owner: str
    due: str
    note: str = ""


class Prevention(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the prevention list that is no follow-up, and whether it was checked."""

    item: str
    checked: bool
    note: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command or call that was made for this incident; the read-back is what was true afterwards."""

    id: str
    argv: tuple[str, ...]
    started_at: str
    ended_at: str | None
    exit_code: int | None
    summary: str
    read_back: str = ""


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it last stood.

    Attributes:
        at: When it was observed, RFC 3339.
        lock: The identity of the lock that it is about.
        asked: The source that was asked, by its name; empty for what a look showed.
        source: The command or call.
    """

    at: str
    lock: str
    asked: str
    says: str
    match: str
    fact: str
    source: str
    link: str
    disputed: bool


class Restore(msgspec.Struct, frozen=True, kw_only=True):
    """How one backup is put back."""

    backup: str
    store: Store
    argv: tuple[str, ...]


class Postmortem(msgspec.Struct, frozen=True, kw_only=True):
    """The whole document."""

    format: int = 1
    title: str
    training: bool
    anonymised: bool
    header: Header
    summary: tuple[str, ...]
    impact: Impact
    durations: tuple[Point, ...]
    timeline: tuple[Row, ...]
    decisions: tuple[Decision, ...]
    disputes: tuple[str, ...]
    skips: tuple[str, ...]
    outside: tuple[str, ...]
    before_after: BeforeAfter
    prompts: tuple[Prompt, ...]
    follow_ups: tuple[FollowUp, ...]
    holds: tuple[FollowUp, ...]
    prevention: tuple[Prevention, ...]
    prevention_note: str = ""
    commands: tuple[Command, ...]
    findings: tuple[FindingRow, ...]
    restores: tuple[Restore, ...]
