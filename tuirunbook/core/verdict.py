"""Is the holder dead? Findings and answers about one lock, weighed by ordered rules.

The rules, first match wins:

1. Anything that names this state and blocks, undisputed → *active*. A dispute is about the fact as it was then.
2. A core question without an answer that counts → *cannot tell*.
3. A blocking finding that was disputed, or one that could be about this state → *cannot tell*.
4. Positive evidence that the holder ended → *orphaned*.
5. Otherwise → *cannot tell*.

Age is not among them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator

import msgspec

from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.incident import Incident, QuestionAnswered
from tuirunbook.core.lock import LockIdentity, parse_time

HOLDER_QUESTIONS = ("ci", "owner", "holder-host")
"""The core questions about the holder, in the order they are asked."""

CHECK_NAMES = {"ci": "CI", "owner": "the owner", "holder-host": "the holder's host"}
"""How a missing check is named, on screen and in the sentence that accepts it."""


class Opinion(enum.StrEnum):
    """What the evidence comes to."""

    ACTIVE = "active"
    ORPHANED = "orphaned"
    CANNOT_TELL = "cannot tell"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An opinion and its reasons.

    Attributes:
        opinion: What the evidence comes to.
        blocks: Facts that speak against a release, disputed ones marked so.
        supports: Facts that speak for one.
        contradictions: Sentences about facts that cannot both be so.
        missing: The holder questions that gave no evidence either way, by ID; each must be named to go on.
        unanswered: Those among them without an answer that counts; nothing is released before they have one.
        advice: One sentence: what to do now.
    """

    opinion: Opinion
    blocks: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    advice: str = ""


def judge(incident: Incident, lock: LockIdentity) -> Verdict:
    """The verdict on one lock, from everything the incident knows about it."""
    answers = {name: answer for name in HOLDER_QUESTIONS if (answer := incident.answers.get((lock, name)))}
    findings = [finding for (about, _), finding in incident.findings.items() if about == lock]
    findings += [as_finding(answer) for answer in _weighing(incident, lock)]
    disputed = [finding.key for finding in findings if _is_disputed(incident, finding)]
    return weigh(findings, disputed, answers.values())


def _weighing(incident: Incident, lock: LockIdentity) -> Iterator[QuestionAnswered]:
    """The answers that weigh: to the holder questions, and to a runbook's own where they block; those never support."""
    for (about, question), answer in incident.answers.items():
        if about == lock and (question in HOLDER_QUESTIONS or answer.says is Says.BLOCKS):
            yield answer


def _is_disputed(incident: Incident, finding: Finding) -> bool:
    """Whether this very fact was disputed. What was observed after the dispute is another fact under the same key."""
    dispute = incident.disputes.get((finding.lock, finding.key))
    try:
        return dispute is not None and parse_time(dispute.at) >= parse_time(finding.observed_at)
    except ValueError:
        return False


def as_finding(answer: QuestionAnswered) -> Finding:
    """A person's answer as a finding; its source is who said it."""
    said = " ".join(part for part in (answer.how, answer.where, answer.note) if part)
    fact = f"{CHECK_NAMES.get(answer.question, answer.question)}: {answer.label or answer.answer}"
    return Finding(
        key=f"answer.{answer.question}",
        lock=answer.lock,
        says=answer.says,
        fact=f"{fact} ({said})" if said else fact,
        source=answer.who or answer.by,
        observed_at=answer.at,
        link=answer.link or None,
        final=answer.final,
    )


def weigh(findings: Iterable[Finding], disputed: Iterable[str], answers: Iterable[QuestionAnswered]) -> Verdict:
    """Apply the rules of this module to findings, the keys of disputed ones, and the answers to the core questions."""
    set_aside = set(disputed)
    relevant = [finding for finding in findings if finding.match is not Match.CANNOT_BE]
    blocking = [finding for finding in relevant if finding.says is Says.BLOCKS]
    standing = [
        finding
        for finding in blocking
        if finding.match is Match.NAMES_THIS_STATE and (finding.final or finding.key not in set_aside)
    ]
    supporting = [
        finding for finding in relevant if finding.says is Says.SUPPORTS and finding.match is Match.NAMES_THIS_STATE
    ]
    told = {answer.question: answer for answer in answers}
    unanswered = tuple(name for name in HOLDER_QUESTIONS if name not in told or told[name].says is Says.UNKNOWN)
    missing = tuple(
        name for name in HOLDER_QUESTIONS if name not in told or told[name].says in {Says.UNKNOWN, Says.NOTHING}
    )
    if standing:
        opinion = Opinion.ACTIVE
    elif unanswered or blocking or not supporting:
        opinion = Opinion.CANNOT_TELL
    else:
        opinion = Opinion.ORPHANED
    return Verdict(
        opinion=opinion,
        blocks=tuple(_told(finding, set_aside) for finding in blocking),
        supports=tuple(finding.fact for finding in supporting),
        contradictions=_contradictions(blocking, supporting),
        missing=missing,
        unanswered=unanswered,
        advice=_advice(opinion, unanswered, missing),
    )


def _told(finding: Finding, set_aside: set[str]) -> str:
    return f"{finding.fact} (disputed)" if finding.key in set_aside and not finding.final else finding.fact


def _contradictions(blocking: list[Finding], supporting: list[Finding]) -> tuple[str, ...]:
    if not blocking or not supporting:
        return ()
    return (f"“{blocking[0].fact}” and “{supporting[0].fact}” cannot both be so",)


def _advice(opinion: Opinion, unanswered: tuple[str, ...], missing: tuple[str, ...]) -> str:
    match opinion:
        case Opinion.ACTIVE:
            return "Wait. The holder may be working; releasing its lock now can corrupt the state."
        case Opinion.ORPHANED:
            return "The holder has ended. Retry the plan, then force-unlock this ID."
        case Opinion.CANNOT_TELL:
            names = " and ".join(CHECK_NAMES[name] for name in unanswered or missing)
            return f"Find out about {names} first." if names else "The facts contradict each other. Settle that first."
