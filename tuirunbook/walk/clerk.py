"""Takes down what people say. It changes nothing in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tuirunbook.core import candidates
from tuirunbook.core.answers import answer_facts
from tuirunbook.core.ci import printed_at as time_of_refusal
from tuirunbook.core.claims import claims
from tuirunbook.core.diagnosis import Diagnosis, Kind, diagnose
from tuirunbook.core.events import (
    CheckRecorded,
    Closed,
    DetailsGiven,
    ErrorPasted,
    Event,
    FindingDisputed,
    HoldUndone,
    NoteAdded,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    RetryEnded,
    SourceSwitched,
    StepDeferred,
    StepDone,
    StepSkipped,
    Verified,
    WaitEnded,
    WaitStarted,
    timestamp,
)
from tuirunbook.core.evidence import Finding, is_fresh
from tuirunbook.core.gates import SKIP_REASONS
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.refusals import counting
from tuirunbook.core.runbook import Runbook
from tuirunbook.core.text import clean, clip, one_line
from tuirunbook.core.verdict import as_finding
from tuirunbook.walk.observer import Observer
from tuirunbook.walk.scribe import Scribe

PASTED_LIMIT = 8_000
"""Characters of a pasted error that the journal keeps."""

TAKES_BACK = {"mine-running": ("mine-died", "mine-unsure")}
"""For an answer that no dispute sets aside, the answers by which the one who gave it takes it back."""

TOLD: frozenset[type[Event]] = frozenset(
    {
        DetailsGiven,
        HoldUndone,
        NoteAdded,
        OutsideAction,
        PreventionChecked,
        SourceSwitched,
        StepDeferred,
        StepDone,
        Verified,
        WaitEnded,
        WaitStarted,
        Closed,
    }
)
"""The kinds of event that people may add as they stand."""


class Clerk:
    """Records answers, notes, disputes and the like. Only the incident's thread calls it."""

    def __init__(self, scribe: Scribe, observer: Observer, runbook: Runbook, operator: str) -> None:
        self._scribe = scribe
        self._observer = observer
        self._runbook = runbook
        self._operator = operator

    def tell(self, kind: type[Event], **facts: object) -> Incident:
        """Record something that people may say as it stands.

        Raises:
            ValueError: This kind of event is not for people to add, or its facts are not complete.
        """
        if kind not in TOLD:
            raise ValueError(f"{kind.__name__} is not for people to add")
        return self._scribe.record(kind, by=self._operator, **facts)

    def dispute(self, fact: Finding, *, who: str, how: str) -> Incident:
        """Record that a blocking fact is held to be wrong.

        Args:
            fact: The fact as it was on the screen, or an answer as one. A source may have said something else under the
                same key since then: that is another fact, which nobody has looked at (S6).
            who: Who says that it is wrong.
            how: How they know.

        Raises:
            ValueError: There is no such fact any more, it cannot be disputed, or who and how are not told.
        """
        incident = self._scribe.incident
        _, is_answer, question = fact.key.partition("answer.")
        answer = incident.answers.get((fact.lock, question)) if is_answer else None
        known = as_finding(answer) if answer else incident.findings.get((fact.lock, fact.key))
        if known is None:
            raise ValueError("there is no such fact about this lock")
        if known.final:
            raise ValueError("this fact cannot be disputed; only its source can take it back")
        if known != fact:
            raise ValueError(f"it says something else by now, which is to be read first: {one_line(known.fact, 300)}")
        if not who.strip() or not how.strip():
            raise ValueError("a dispute says who holds it to be wrong, and how they know")
        return self._scribe.record(FindingDisputed, by=self._operator, lock=fact.lock, key=fact.key, who=who, how=how)

    def answer(
        self,
        lock: LockIdentity,
        question_id: str,
        value: str,
        told: Mapping[str, str],
        among: Sequence[str] = (),
    ) -> Incident:
        """Record an answer about one lock.

        Args:
            lock: The lock.
            question_id: The question.
            value: The option.
            told: What was told with it.
            among: The options that were on the screen, where they are runs: no answer covers one that came later.

        Raises:
            ValueError: No such question or option, the lock is not there any more, or the answer is not complete.
        """
        incident = self._scribe.incident
        runs = candidates.question(incident, lock) if question_id == candidates.QUESTION else None
        question = runs or self._runbook.question(question_id)
        if question is None:
            raise ValueError(f"the runbook asks no question {question_id!r}")
        if lock and lock not in incident.identities:
            raise ValueError("that lock is not there any more; the answer would be about the old one")
        facts = answer_facts(lock, question, value, told)
        if runs is not None:
            facts["among"] = tuple(among)
        self._must_be_replaceable(lock, question_id, value, told)
        return self._scribe.record(QuestionAnswered, by=self._operator, **facts)

    def skip(self, step: str, reason: str, *, lock: LockIdentity | None = None, note: str = "") -> Incident:
        """Record that a step is left out, for one of its listed reasons.

        Raises:
            ValueError: The reason is not on the step's list.
        """
        reasons = SKIP_REASONS.get(step)
        if reasons is not None and reason not in reasons:
            raise ValueError(f"{reason!r} is no reason to skip {step}; the reasons are {', '.join(reasons)}")
        said = note or (reasons[reason] if reasons else reason)
        return self._scribe.record(StepSkipped, by=self._operator, step=step, reason=reason, lock=lock, note=said)

    def paste(self, text: str, *, printed_at: datetime | None = None, link: str = "") -> Diagnosis:
        """Record what Terraform printed somewhere, and say what it is.

        A refusal counts as the retry if it was printed less than five minutes ago, by the log's own times or, where
        it has none, by the operator's word, and names a lock that is there now, or that a look shows before it has
        grown old.
        """
        diagnosis = diagnose(text)
        printed_at = time_of_refusal(text) or printed_at
        named = tuple(dict.fromkeys(LockIdentity(lock.id) for lock in diagnosis.locks if lock.id))
        fresh = printed_at is not None and is_fresh(printed_at, self._scribe.now())
        self._scribe.record(
            ErrorPasted,
            by=self._operator,
            text=clip(clean(text), PASTED_LIMIT),
            diagnosis=diagnosis.kind,
            locks=named if diagnosis.kind is Kind.HELD else (),
            fresh=fresh,
            link=link,
            printed_at=timestamp(printed_at) if printed_at else "",
            claims=claims(diagnosis, self._scribe.incident.address),
        )
        self.count_refusals()
        return diagnosis

    def count_refusals(self) -> None:
        """Record each refusal in CI, handed in or found, that counts as the retry of a lock that is there now."""
        for found in tuple(counting(self._scribe.incident, self._scribe.now())):
            self._scribe.record(
                RetryEnded,
                by=found.by or "tflock-tui",
                outcome="refused-by-this",
                source=found.source,
                locks=found.locks,
                lock=found.lock,
                detail=found.detail,
                link=found.link,
            )

    def check(self, name: str, result: str, detail: str) -> Incident:
        """Record a check after the release that a person made."""
        return self._scribe.record(
            CheckRecorded, by=self._operator, phase="after", name=name, result=result, detail=detail
        )

    def _must_be_replaceable(self, lock: LockIdentity, question: str, value: str, told: Mapping[str, str]) -> None:
        """What cannot be disputed cannot be answered away either: its source alone takes it back."""
        standing = self._scribe.incident.answers.get((lock, question))
        if standing is None or not standing.final or value == standing.answer:
            return
        source = standing.who or standing.by
        if value not in TAKES_BACK.get(standing.answer, ()) or _name(told.get("who", "")) != _name(source):
            ways = " or ".join(f"“{self._label(question, way)}”" for way in TAKES_BACK.get(standing.answer, ()))
            by = f" by answering {ways}" if ways else ""
            raise ValueError(f"“{standing.label}” stands: only {source} can take it back{by}, under the same name")

    def _label(self, question_id: str, value: str) -> str:
        question = self._runbook.question(question_id)
        option = question.option(value) if question else None
        return option.label if option else value


def _name(text: str) -> str:
    return " ".join(text.casefold().split())
