"""How releases end: read back from the stores, and written down; also those that the tool died in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from tuirunbook.core.diagnosis import UnlockOutcome, read_unlock
from tuirunbook.core.events import CommandEnded, NoteAdded, ReleaseEnded, ReleaseIntended, RetryEnded
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, LockSnapshot, Store
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.release import ReleaseOutcome, contradiction, listed_failure, read_back
from tuirunbook.core.text import one_line
from tuirunbook.core.values import Child, JournalError, ProgramError
from tuirunbook.core.verdict import judge
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.site import Site

RELEASING = "force-unlock"
"""The purpose of a force-unlock of ours; nothing else is released while it runs (S9)."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How a release ended, by a fresh read of all stores."""

    outcome: ReleaseOutcome
    detail: str
    exit_code: int | None = None
    failure: str = ""
    after: LockSnapshot | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What the attempt itself came back with; recorded, not believed."""

    detail: str
    exit_code: int | None = None
    said: UnlockOutcome = UnlockOutcome.FAILED


class Releases:
    """Ends releases in the journal. Only the incident's thread calls it."""

    def __init__(self, site: Site) -> None:
        self._scribe = site.scribe
        self._observer = site.observer
        self._store = site.world.store
        self._terraform = site.world.terraform
        self._publish = site.publish
        self._awaited = ""

    def look(self) -> LockSnapshot:
        """Ask again who we are, look, and tell it (S15)."""
        self._store.identify(again=True)
        ticket = self._observer.ticket()
        snapshot = self._store.look()
        self._publish(self._observer.take_in(snapshot, ticket=ticket))
        return snapshot

    def conclude(self, number: int, lock: LockIdentity, before: LockSnapshot, attempt: Attempt) -> Released:
        """Read back what became of a lock after an attempt on it, whatever that came back with."""
        after: LockSnapshot | None = None
        looked: Looked | None = None
        detail = attempt.detail
        try:
            ticket = self._observer.ticket()
            after = self._store.look()
            looked = self._observer.take_in(after, released=lock, ticket=ticket)
        except Exception as error:  # noqa: BLE001 - an attempt has an outcome, even an unknown one
            detail = f"{detail}; {told(error)}"
        was_in = tuple(half.store for half in before.find(lock))
        released = _judged(lock, was_in, before.identities, after, msgspec.structs.replace(attempt, detail=detail))
        self.end(number, released)
        if looked:
            self._publish(looked)
        self._doubt(lock, attempt, released)
        return released

    def end(self, number: int, released: Released) -> None:
        """Write down how a release ended."""
        self._scribe.record(
            ReleaseEnded,
            release=number,
            outcome=released.outcome,
            snapshot=SnapshotRecord.of(released.after) if released.after else None,
            exit_code=released.exit_code,
            detail=released.detail,
            failure=released.failure,
        )

    def unusable(self, lock: LockIdentity, snapshot: LockSnapshot, error: ProgramError, *, by: str) -> bool:
        """Whether Terraform's own `init` said why force-unlock is impossible; then that is on record.

        A program that is missing or of another version, credentials and the network are not among the reasons (S7).
        """
        failure = _INIT_FAILURES.get(read_unlock(getattr(error, "output", ""), 1).outcome)
        if failure is None:
            return False
        number = len(self._scribe.incident.releases) + 1
        self._scribe.record(
            ReleaseIntended,
            by=by,
            release=number,
            method="force-unlock",
            lock=lock,
            fingerprint=snapshot.fingerprint,
            verdict=judge(self._scribe.incident, lock).opinion,
        )
        self.end(number, Released(outcome=ReleaseOutcome.NOT_TRIED, detail=told(error), failure=failure))
        return True

    def recover(self) -> Incident:
        """Read back the outcome of a release that was under way when the tool died.

        While its force-unlock still runs, the release has no end: what the stores say may change any moment.
        """
        pending = self._scribe.incident.unended_release
        if pending is None:
            return self._scribe.incident
        number, lock = pending.intended.release, pending.intended.lock
        started = self._scribe.incident.running.get(command_name(number))
        if started is not None:
            ended = self._terraform.poll(started.child)
            if ended is None:
                self._say_it_runs(started.child)
                return self._scribe.incident
            self._scribe.record(CommandEnded, by="terraform", command=started.child.id, exit_code=ended.code)
        last = self._scribe.incident.snapshot
        was_in = {half.store for half in last.locks if half.identity == lock} if last else set()
        others = last.identities if last else ()
        after = self.look()
        detail = "the tool ended during this release; this is what was read afterwards"
        self.end(number, _judged(lock, was_in, others, after, Attempt(detail=detail)))
        return self._scribe.incident

    def take_end(self, command: str, code: int | None) -> None:
        """A force-unlock of ours has ended that nobody waited for: write it down, and read what it did."""
        self._scribe.record(CommandEnded, by="terraform", command=command, exit_code=code)
        if self._scribe.incident.unended_release:
            self.recover()
        else:
            self.look()

    def _say_it_runs(self, child: Child) -> None:
        if self._awaited != child.id:
            self._awaited = child.id
            process = f" (process {child.pid})" if child.pid else ""
            text = f"{child.id}, begun before the tool ended, still runs{process}; its outcome is awaited"
            self._scribe.record(NoteAdded, text=text)

    def _doubt(self, lock: LockIdentity, attempt: Attempt, released: Released) -> None:
        if doubt := contradiction(lock, attempt.said, released.outcome):
            self._scribe.record(
                RetryEnded, by="terraform", outcome="inconclusive", source=RELEASING, lock=lock, elsewhere=doubt
            )


_INIT_FAILURES: Mapping[UnlockOutcome, str] = {
    UnlockOutcome.DENIED: "denied",
    UnlockOutcome.UNUSABLE_CONFIG: "unusable",
}


def _judged(
    lock: LockIdentity,
    was_in: Collection[Store],
    others: Collection[LockIdentity],
    after: LockSnapshot | None,
    attempt: Attempt,
) -> Released:
    outcome = read_back(lock, was_in, after, others)
    return Released(
        outcome=outcome,
        detail=attempt.detail,
        exit_code=attempt.exit_code,
        failure=listed_failure(lock, was_in, attempt.said, outcome),
        after=after,
    )


def command_name(number: int) -> str:
    """The command of a release by force-unlock."""
    return f"{RELEASING}-{number}"


def read_answer(output: str, code: int | None) -> Attempt:
    """What a force-unlock said."""
    reading = read_unlock(output, code)
    unlocked = reading.outcome is UnlockOutcome.UNLOCKED
    detail = "Terraform reported success" if unlocked else one_line(reading.diagnosis.explanation, 400)
    return Attempt(detail=detail, exit_code=code, said=reading.outcome)


def told(error: Exception) -> str:
    """A failure as one line."""
    sentence = str(error) if isinstance(error, (ProgramError, JournalError)) else f"{type(error).__name__}: {error}"
    return one_line(sentence, 400)
