"""What an export has to know beyond the folded incident: gathered in one pass over the events."""

from __future__ import annotations

from collections.abc import Iterable

from tuirunbook.core.events import (
    ActionRefused,
    CheckRecorded,
    CommandEnded,
    CommandIntended,
    CommandStarted,
    ErrorPasted,
    Event,
    FindingDisputed,
    FindingRecorded,
    LockChanged,
    LockObserved,
    Opened,
    OutsideAction,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    Resumed,
    RetryEnded,
    SourceSwitched,
    StepSkipped,
    WatchLost,
    WatchRestored,
)
from tuirunbook.core.evidence import Says
from tuirunbook.core.fold import apply, begin
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, Store, short
from tuirunbook.core.postmortem.times import spoken
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.timeline import TimelineLine, joined, line, question_in_words, without_rule
from tuirunbook.core.verdict import judge

_JUDGED = (QuestionAnswered, FindingRecorded, FindingDisputed, SourceSwitched, LockChanged, LockObserved)


class Account:
    """An incident with the parts of its story that its state does not keep.

    Attributes:
        incident: The folded incident.
        lines: Every event as a row.
        locks: The locks as they were first seen, by store and identity, with the time.
        verdicts: For each lock, its opinion and since when that has been so.
        answers: For each release, what had been answered about its lock when it was confirmed.
        changed: For each release, the blocking answers about its lock that did not stand any more by then.
        decided: For each release, since when its verdict had been what it was.
        started: The commands by their names, in their order.
        ended: Their ends, by name.
        before: The state as it was read before a release, the last time.
        after: The same, after one.
        errors: The errors that were handed in.
        refused_at: When a run was first refused that we know of, or empty.
        disputes: The disputes with what they dispute.
        skips: The skipped steps.
        outside: What others did elsewhere.
        refused: What the safety floor refused.
        blind: When nobody could read the lock: from, until (empty when it never ended), why.
        operators: Everybody who walked.
    """

    def __init__(self, opened: Opened) -> None:
        self.incident: Incident = begin(opened)
        self.lines: list[TimelineLine] = []
        self.locks: dict[tuple[Store, LockIdentity], tuple[LockRecord, str]] = {}
        self.verdicts: dict[LockIdentity, tuple[str, str]] = {}
        self.answers: dict[int, tuple[str, ...]] = {}
        self.changed: dict[int, tuple[str, ...]] = {}
        self.decided: dict[int, str] = {}
        self._changed: list[tuple[LockIdentity, str]] = []
        self.started: dict[str, CommandIntended | CommandStarted] = {}
        self.ended: dict[str, CommandEnded] = {}
        self.before: CheckRecorded | None = None
        self.after: CheckRecorded | None = None
        self.errors: list[ErrorPasted] = []
        self.refused_at = ""
        self.disputes: list[str] = []
        self.skips: list[str] = []
        self.outside: list[OutsideAction] = []
        self.refused: list[str] = []
        self.blind: list[tuple[str, str, str]] = []
        self.operators: dict[str, None] = {opened.operator: None}

    @classmethod
    def of(cls, events: Iterable[Event]) -> Account:
        """The account of a whole journal. Rows of events before the first `Opened` are kept as well.

        Raises:
            ValueError: Nothing opens an incident.
        """
        account: Account | None = None
        early: list[Event] = []
        for event in events:
            if account is not None:
                account.take(event)
            elif isinstance(event, Opened):
                account = cls(event)
                account.lines = [line(before) for before in (*early, event)]
            else:
                early.append(event)
        if account is None:
            raise ValueError("nothing in this journal opens an incident")
        return account

    def take(self, event: Event) -> None:
        """Take in one more event."""
        self._note(event)
        self._note_changed(event)
        self.incident = apply(self.incident, event)
        self.lines.append(line(event))
        if isinstance(event, _JUDGED):
            self._judge(event.at)

    def _judge(self, at: str) -> None:
        for lock in self.incident.identities:
            opinion = str(judge(self.incident, lock).opinion)
            if self.verdicts.get(lock, ("", ""))[0] != opinion:
                self.verdicts[lock] = (opinion, at)

    def _note_changed(self, event: Event) -> None:
        """Keep the blocking answers that `event` replaces or voids; the incident keeps only the last one."""
        match event:
            case QuestionAnswered():
                before = self.incident.answers.get((event.lock, event.question))
                if before and before.says is Says.BLOCKS and (before.answer, before.says) != (event.answer, event.says):
                    self._changed.append((event.lock, f"{_said(before)}, then: {_said(event)}"))
            case LockChanged(voided=voided):
                for (lock, _), answer in self.incident.answers.items():
                    if lock in voided and answer.says is Says.BLOCKS:
                        then = f"the lock changed at {spoken(event.at)} UTC, and it no longer counted"
                        self._changed.append((lock, f"{_said(answer)}, then: {then}"))

    def _note(self, event: Event) -> None:
        match event:
            case LockObserved(snapshot=snapshot) | LockChanged(snapshot=snapshot):
                self._see(snapshot, event.at)
            case CommandIntended() | CommandStarted():
                self.started[event.child.id] = event
            case CommandEnded():
                self.ended[event.command] = event
            case CheckRecorded(state=state) if state is not None:
                if event.phase == "before":
                    self.before = event
                else:
                    self.after = event
            case ReleaseIntended():
                self._decide(event)
            case ReleaseEnded(snapshot=SnapshotRecord() as snapshot):
                self._see(snapshot, event.at)
            case WatchLost():
                self.blind.append((event.at, "", event.why))
            case WatchRestored() if self.blind:
                self.blind[-1] = (self.blind[-1][0], event.at, self.blind[-1][2])
            case _:
                self._note_people(event)

    def _note_people(self, event: Event) -> None:
        match event:
            case Resumed():
                self.operators.setdefault(event.operator)
            case ErrorPasted():
                self.errors.append(event)
                self.refused_at = self.refused_at or (event.at if event.locks else "")
            case RetryEnded() if event.outcome.startswith("refused"):
                self.refused_at = self.refused_at or event.at
            case FindingDisputed():
                self.disputes.append(self._dispute(event))
            case StepSkipped():
                about = f" for {short(event.lock)}" if event.lock else ""
                self.skips.append(f"{event.step}{about}: {event.note or event.reason} ({event.by})")
            case SourceSwitched():
                how = "turned off as a source of evidence" if event.off else "turned on again"
                self.skips.append(f"{event.source}: {how}{f', {event.why}' if event.why else ''} ({event.by})")
            case OutsideAction():
                self.outside.append(event)
            case ActionRefused():
                said = f"{event.action} was refused because {without_rule(event.why)}"
                if said not in self.refused:
                    self.refused.append(said)

    def _see(self, snapshot: SnapshotRecord, at: str) -> None:
        for lock in snapshot.locks:
            if not lock.ours:
                self.locks.setdefault((lock.store, lock.identity), (lock, at))

    def _decide(self, event: ReleaseIntended) -> None:
        answers = (answer for (lock, _), answer in self.incident.answers.items() if lock in {event.lock, ""})
        self.answers[event.release] = tuple(_answer(answer) for answer in answers)
        self.changed[event.release] = tuple(said for lock, said in self._changed if lock in {event.lock, ""})
        opinion, since = self.verdicts.get(event.lock, ("", ""))
        self.decided[event.release] = since if opinion == event.verdict else event.at

    def _dispute(self, event: FindingDisputed) -> str:
        finding = self.incident.findings.get((event.lock, event.key))
        answer = self.incident.answers.get((event.lock, event.key.removeprefix("answer.")))
        fact = finding.fact if finding else (answer.label or answer.answer) if answer else event.key
        return f"“{fact}” ({short(event.lock)}) was held to be wrong by {event.who}: {event.how}"


def _said(answer: QuestionAnswered) -> str:
    """An answer with who gave it, and when."""
    told = joined(answer.how, answer.note, by="; ")
    more = f"{told}; " if told else ""
    return f"{answer.label or answer.answer} ({more}said by {answer.who or answer.by} at {spoken(answer.at)} UTC)"


def _answer(answer: QuestionAnswered) -> str:
    said = joined(answer.how, answer.where, answer.note, by="; ")
    more = f" ({said})" if said else ""
    return (
        f"{question_in_words(answer.question)}: {answer.label or answer.answer}{more}, said {answer.who or answer.by}"
    )
