"""What is known of an incident: computed from its events, never stored."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import (
    CheckRecorded,
    Closed,
    CommandIntended,
    CommandStarted,
    DetailsGiven,
    ErrorPasted,
    FindingDisputed,
    Opened,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    SourceSwitched,
    StepDeferred,
    StepDone,
    StepSkipped,
    Verified,
)
from tuirunbook.core.evidence import Finding
from tuirunbook.core.lock import LockIdentity, LockInfo, Store, parse_time
from tuirunbook.core.records import LockRecord, SnapshotRecord


class Status(enum.StrEnum):
    """How far an incident is."""

    OPEN = "open"
    UNBLOCKED = "unblocked"
    VERIFIED = "verified"
    CLOSED = "closed"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: what was intended, and how it ended (None while it is under way, or when the tool died in it)."""

    intended: ReleaseIntended
    ended: ReleaseEnded | None = None


PROVES_NO_PLACE = frozenset({"probe", "ci-log"})
"""Retries that show the lock to be in the way, and not that we read what the operator's Terraform reads (S15)."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an incident, folded from its events.

    `answers`, `findings` and `disputes` are keyed by (lock, question or finding key): nothing said about one lock ever
    counts for another. `running` has the commands of ours that were intended and have not ended, so far as is known.
    `read` is the last look with what was read before in place of what it could not read.
    """

    opened: Opened
    account: str | None = None
    caller: str | None = None
    siblings: tuple[str, ...] = ()
    events: int = 1
    last_at: str = ""
    snapshot: SnapshotRecord | None = None
    read: SnapshotRecord | None = None
    unchanged_since: str = ""
    seen: Mapping[LockIdentity, str] = {}
    seen_in: frozenset[Store] = frozenset()
    may_have_written: bool = False
    pasted: Mapping[LockIdentity, str] = {}
    refusals: Mapping[LockIdentity, ErrorPasted] = {}
    claims: Mapping[LockIdentity, LockInfo] = {}
    lost: tuple[LockRecord, ...] = ()
    voided: Mapping[LockIdentity, str] = {}
    answers: Mapping[tuple[LockIdentity, str], QuestionAnswered] = {}
    findings: Mapping[tuple[LockIdentity, str], Finding] = {}
    disputes: Mapping[tuple[LockIdentity, str], FindingDisputed] = {}
    switched: Mapping[str, SourceSwitched] = {}
    refused_by: Mapping[LockIdentity, RetryEnded] = {}
    last_retry: RetryEnded | None = None
    elsewhere: str = ""
    skips: Mapping[tuple[LockIdentity | None, str], StepSkipped] = {}
    steps_done: Mapping[str, StepDone] = {}
    deferred: Mapping[str, StepDeferred] = {}
    running: Mapping[str, CommandIntended | CommandStarted] = {}
    commands: int = 0
    checks: Mapping[tuple[str, str], CheckRecorded] = {}
    releases: tuple[Release, ...] = ()
    outside: tuple[OutsideAction, ...] = ()
    holds: Mapping[str, QuestionAnswered] = {}
    prevention: Mapping[str, PreventionChecked] = {}
    details: DetailsGiven | None = None
    blind_since: str = ""
    waiting: bool = False
    gone_at: str = ""
    released_at: str = ""
    verified: Verified | None = None
    closed: Closed | None = None

    @property
    def id(self) -> str:
        """The incident's name."""
        return self.opened.incident

    @property
    def address(self) -> StateAddress:
        """The state that it is about, with account and caller as far as they are known."""
        return msgspec.structs.replace(self.opened.address, account=self.account, caller=self.caller)

    @property
    def status(self) -> Status:
        """How far it is. Only a lock that was seen here and left, or that was released, makes an incident unblocked."""
        if self.closed:
            return Status.CLOSED
        if self.verified and (self.gone_at or self.opened.repairs):
            return Status.VERIFIED
        return Status.UNBLOCKED if self.gone_at or self.released_at else Status.OPEN

    @property
    def off(self) -> Mapping[str, SourceSwitched]:
        """The sources of evidence that are not asked, by name, with who turned them off and why."""
        return {name: event for name, event in self.switched.items() if event.off}

    @property
    def locks(self) -> tuple[LockRecord, ...]:
        """The stored locks of the last look, ours left out."""
        return tuple(lock for lock in self.snapshot.locks if not lock.ours) if self.snapshot else ()

    @property
    def identities(self) -> tuple[LockIdentity, ...]:
        """The distinct locks of the last look, ours left out."""
        return tuple(dict.fromkeys(lock.identity for lock in self.locks))

    @property
    def unseen(self) -> tuple[LockInfo, ...]:
        """The locks that may be there while they cannot be read; nothing can be released by them (S15).

        They were seen before sight was lost, or a pasted error claims them and no look could show whether they are so.
        """
        if self.snapshot is not None and not self.blind_since:
            return ()
        lost = [lock.info for lock in self.lost if lock.info is not None and not lock.ours]
        found = {info.id: info for info in lost}
        found |= {name: info for name, info in self.claims.items() if name not in self.seen}
        return tuple(info for name, info in found.items() if name not in self.identities)

    @property
    def gone(self) -> bool:
        """Whether a lock that was seen here has left, and every configured store reads free."""
        return bool(self.gone_at)

    @property
    def verifiable(self) -> bool:
        """Whether there is something to verify: the lock has left, or a repair is done that no lock stands beside."""
        if self.gone or not self.opened.repairs or self.snapshot is None:
            return self.gone
        read = self.snapshot.free or bool(self.snapshot.locks) or not self.address.locks_at_all
        return read and not self.locks and not self.blind_since

    @property
    def ending(self) -> str:
        """What the state is verified after: `dead-apply`, `dead-plan` or `repair`."""
        if self.may_have_written:
            return "dead-apply"
        return "dead-plan" if self.seen or not self.opened.repairs else "repair"

    def record(self, identity: LockIdentity) -> LockRecord | None:
        """The record of a lock that is present."""
        return next((lock for lock in self.locks if lock.identity == identity), None)

    @property
    def unproven_paste(self) -> LockIdentity | None:
        """A pasted lock ID that was never seen here, unless a plan was refused by a lock that is, since it was pasted.

        A probe proves nothing: it asks at the very address that we read. Nor does a log that was found: it tells what
        some run reads, not that it is the operator's.
        """
        proofs = [parse_time(retry.at) for retry in self.refused_by.values() if retry.source not in PROVES_NO_PLACE]
        for lock, at in self.pasted.items():
            if lock not in self.seen and not any(proof >= parse_time(at) for proof in proofs):
                return lock
        return None

    def releases_of(self, identity: LockIdentity) -> tuple[Release, ...]:
        """The attempts on one lock."""
        return tuple(release for release in self.releases if release.intended.lock == identity)

    @property
    def unended_release(self) -> Release | None:
        """A release whose outcome was never written: the tool died in it."""
        return next((release for release in self.releases if release.ended is None), None)
