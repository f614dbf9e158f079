"""Is the holder dead? Findings and answers about one lock, weighed by ordered rules.

The rules, first match wins:

1. Anything that names this state and blocks, undisputed → *active*. A dispute is about the fact as it was then.
2. A core question without an answer that counts → *cannot tell*.
3. A blocking finding that was disputed, or one that could be about this state → *cannot tell*.
4. Positive evidence that the holder ended, which nothing opposes → *orphaned*.
5. Otherwise → *cannot tell*.

A write of the state that was seen between two looks shows a writer who lived then. It blocks until somebody disputes it
(“I pushed that state myself”), or until something shows that the holder ended surely after that look: then it was the
holder's own, and past. That nothing was written since does not end it: one long create writes nothing, so silence, like
age, proves nothing. Nor does a person's word: they may speak of another run than the one that wrote.

What only could be about this state never supports. What ended before the lock was taken was not its holder. What could
not be asked is listed and counts for nothing; a source that was turned off is one of those, and what it said before
still blocks and no longer supports. Age is not among the rules, and neither is absence.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tuirunbook.core.candidates import as_picked
from tuirunbook.core.events import QuestionAnswered
from tuirunbook.core.evidence import SEEN_WRITES, SKEW, Finding, Match, Says, Taken, taken
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, parse_time
from tuirunbook.core.text import one_line

HOLDER_QUESTIONS = ("ci", "owner", "holder-host")
"""The core questions about the holder, in the order they are asked."""

CHECK_NAMES = {"ci": "CI", "owner": "the owner", "holder-host": "the holder's host"}
"""How a missing check is named, on screen and in the sentence that accepts it."""

QUESTION_NAMES = {**CHECK_NAMES, "next": "what runs next", "holder-run": "the run that took it"}
"""What a question is about, for people."""

_MINUTES: Mapping[str, int] = {"ci": 2, "owner": 5, "holder-host": 3}
_SETTLE_MINUTES = 2
_MOST_SHOWN = 3
_FACT_SHOWN = 90


class Opinion(enum.StrEnum):
    """What the evidence comes to."""

    ACTIVE = "active"
    ORPHANED = "orphaned"
    CANNOT_TELL = "cannot tell"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Something to find out.

    Attributes:
        what: What it is, as in “find out about …”.
        minutes: About how long it takes.
        question: The core question that it answers, or empty.
    """

    what: str
    minutes: int
    question: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """An opinion and its reasons.

    Attributes:
        opinion: What the evidence comes to.
        because: The rule that decided, in words.
        blocks: Facts that speak against a release, disputed ones marked so.
        supports: Facts that speak for one.
        contradictions: Sentences about facts that cannot both be so.
        missing: The holder questions that gave no evidence either way, by ID; each must be named to go on.
        unanswered: Those among them without an answer that counts; nothing is released before they have one.
        candidates: Facts that block if they are about this state, which is one question for people.
        not_checked: What a source could not find out, and why.
        checks: The shortest list of checks that would decide.
        any_decides: Whether any one of `checks` may be enough; else it takes all of them.
        advice: One sentence: what to do now.
    """

    opinion: Opinion
    because: str = ""
    blocks: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    any_decides: bool = False
    advice: str = ""


def judge(incident: Incident, lock: LockIdentity) -> Verdict:
    """The verdict on one lock, from everything the incident knows about it."""
    answers = {name: answer for name in HOLDER_QUESTIONS if (answer := incident.answers.get((lock, name)))}
    findings = list(as_counted(incident, lock))
    findings += [as_finding(answer) for answer in _weighing(incident, lock)]
    disputed = [finding.key for finding in findings if _is_disputed(incident, finding)]
    weighed = weigh(findings, disputed, answers.values())
    return msgspec.structs.replace(weighed, not_checked=(*weighed.not_checked, *off_in_words(incident)))


def as_counted(incident: Incident, lock: LockIdentity) -> Iterator[Finding]:
    """The findings about a lock as they count: after what people picked, what its times show, and who is turned off."""
    found = [finding for (about, _), finding in incident.findings.items() if about == lock]
    picked = [one for finding in found for one in as_picked(incident, lock, finding)]
    for finding in _about_its_taker(incident, lock, picked):
        yield _as_off(incident, finding)


def off_in_words(incident: Incident) -> Iterator[str]:
    """The sources that are turned off, each as something that was not checked."""
    for name, event in incident.off.items():
        yield f"{name}: turned off for this incident by {event.by}{f' ({event.why})' if event.why else ''}"


def _as_off(incident: Incident, finding: Finding) -> Finding:
    """A finding as it counts now. Of a source that is not asked any more nobody knows whether it would still say so."""
    if finding.says is not Says.SUPPORTS or finding.witness not in incident.off:
        return finding
    fact = f"{finding.fact} (its source is turned off, so it says nothing)"
    return msgspec.structs.replace(finding, says=Says.NOTHING, fact=fact)


def _weighing(incident: Incident, lock: LockIdentity) -> Iterator[QuestionAnswered]:
    """The answers that weigh: to the holder questions, and to a runbook's own where they block; those never support."""
    for (about, question), answer in incident.answers.items():
        if about == lock and (question in HOLDER_QUESTIONS or answer.says is Says.BLOCKS):
            yield answer


def _about_its_taker(incident: Incident, lock: LockIdentity, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; an end is only the holder's where it came after the lock was taken."""
    records = incident.snapshot.locks if incident.snapshot else ()
    halves = [half for half in records if half.identity == lock]
    windows = [taken(half.info, half.last_modified) for half in halves]
    known = [window for window in windows if window is not None]
    window = Taken(earliest=min(w.earliest for w in known), latest=max(w.latest for w in known)) if known else None
    for finding in findings:
        if finding.says is not Says.SUPPORTS or not finding.ended_at or not halves or _in_time(finding, window):
            yield finding
        else:
            fact = f"{finding.fact} (before this lock was taken, as far as the clocks tell, so it says nothing)"
            yield msgspec.structs.replace(finding, says=Says.NOTHING, fact=fact)


def _in_time(finding: Finding, window: Taken | None) -> bool:
    if window is None or not isinstance(finding.ended_at, str):
        return False
    try:
        return not window.is_after(parse_time(finding.ended_at))
    except ValueError:
        return False


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
    fact = f"{QUESTION_NAMES.get(answer.question, answer.question)}: {answer.label or answer.answer}"
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
    told = {answer.question: answer for answer in answers}
    relevant = [finding for finding in findings if finding.match is not Match.CANNOT_BE]
    claimed = [f for f in relevant if f.says is Says.SUPPORTS and f.match is Match.NAMES_THIS_STATE]
    opposed = [(one, other) for one in claimed for other in relevant if _opposes(other, one, told)]
    supporting = [finding for finding in claimed if all(finding is not one for one, _ in opposed)]
    blocking = [finding for finding in relevant if finding.says is Says.BLOCKS and not _is_past(finding, supporting)]
    named = [finding for finding in blocking if finding.match is Match.NAMES_THIS_STATE]
    standing = [finding for finding in named if finding.final or finding.key not in set_aside]
    unanswered = tuple(name for name in HOLDER_QUESTIONS if name not in told or told[name].says is Says.UNKNOWN)
    missing = tuple(
        name for name in HOLDER_QUESTIONS if name not in told or told[name].says in {Says.UNKNOWN, Says.NOTHING}
    )
    opinion, because = _decide(standing, unanswered, blocking, supporting, claimed)
    checks, any_decides = _deciding(opinion, unanswered, missing, blocking, opposed)
    return Verdict(
        opinion=opinion,
        because=because,
        blocks=tuple(_told(finding, set_aside) for finding in (*standing, *_others(blocking, standing))),
        supports=tuple(finding.fact for finding in supporting),
        contradictions=tuple(_contradictions(blocking, claimed, opposed)),
        missing=missing,
        unanswered=unanswered,
        candidates=tuple(finding.fact for finding in blocking if finding.match is Match.COULD_BE),
        not_checked=tuple(
            finding.fact
            for finding in relevant
            if finding.says is Says.UNKNOWN and not finding.key.startswith("answer.")
        ),
        checks=checks,
        any_decides=any_decides,
        advice=_advice(opinion, checks, any_decides=any_decides),
    )


def _is_past(finding: Finding, supporting: Iterable[Finding]) -> bool:
    """Whether this is a write of the state, seen before the holder ended: surely before, however the clocks are set."""
    if finding.key not in SEEN_WRITES:
        return False
    try:
        seen = parse_time(finding.observed_at)
        ends = [parse_time(one.ended_at) for one in supporting if isinstance(one.ended_at, str)]
    except ValueError:
        return False
    return any(end > seen + SKEW for end in ends)


def _others(findings: Iterable[Finding], than: list[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if all(finding is not other for other in than))


def _decide(
    standing: list[Finding],
    unanswered: tuple[str, ...],
    blocking: list[Finding],
    supporting: list[Finding],
    claimed: list[Finding],
) -> tuple[Opinion, str]:
    """The first rule that applies, and why, in words."""
    if standing:
        return Opinion.ACTIVE, f"this names the state and blocks: {standing[0].fact}"
    if unanswered:
        names = ", ".join(CHECK_NAMES[name] for name in unanswered)
        return Opinion.CANNOT_TELL, f"nobody has answered yet about {names}"
    if blocking:
        kind = "could be about this state" if blocking[0].match is Match.COULD_BE else "was disputed and is not settled"
        return Opinion.CANNOT_TELL, f"a fact that blocks {kind}: {blocking[0].fact}"
    if supporting:
        return Opinion.ORPHANED, f"the holder was seen to have ended: {supporting[0].fact}"
    if claimed:
        return Opinion.CANNOT_TELL, "what says that the holder ended is contradicted"
    return Opinion.CANNOT_TELL, "nothing shows that the holder has ended; absence and age do not"


def _opposes(one: Finding, other: Finding, told: Mapping[str, QuestionAnswered]) -> bool:
    """Whether `other` cannot be so if `one` is."""
    if one is other or one.says is Says.UNKNOWN or not isinstance(one.opposes, tuple):
        return False
    names = {other.key}
    question = other.key.removeprefix("answer.")
    if question != other.key and question in told:
        names.add(f"{question}={told[question].answer}")
    return not names.isdisjoint(one.opposes)


def _told(finding: Finding, set_aside: set[str]) -> str:
    return f"{finding.fact} (disputed)" if finding.key in set_aside and not finding.final else finding.fact


def _contradictions(
    blocking: list[Finding], claimed: list[Finding], opposed: list[tuple[Finding, Finding]]
) -> Iterator[str]:
    """Each opposed fact with what opposes it, and each blocking fact with the first that speaks for an end."""
    pairs = [(other, one) for one, other in opposed]
    if claimed:
        pairs += [(finding, claimed[0]) for finding in blocking if (finding, claimed[0]) not in pairs]
    for one, other in pairs[:_MOST_SHOWN]:
        yield f"“{one.fact}” and “{other.fact}” cannot both be so"
    if len(pairs) > _MOST_SHOWN:
        yield f"and {len(pairs) - _MOST_SHOWN} more such pairs"


def _deciding(
    opinion: Opinion,
    unanswered: tuple[str, ...],
    missing: tuple[str, ...],
    blocking: list[Finding],
    opposed: list[tuple[Finding, Finding]],
) -> tuple[tuple[Check, ...], bool]:
    """The shortest list of checks that would decide, and whether any one of them may be enough."""
    if opinion is not Opinion.CANNOT_TELL:
        return (), False
    unsettled = [
        *(_whether(f) for f in blocking if f.match is Match.COULD_BE),
        *(f"who is right about {_quoted(f)}" for f in blocking if f.match is Match.NAMES_THIS_STATE),
        *(f"which is so: {_quoted(one)} or {_quoted(other)}" for one, other in opposed),
    ]
    settle = tuple(Check(what=what, minutes=_SETTLE_MINUTES) for what in dict.fromkeys(unsettled))
    if unanswered or settle:
        return (*_questions(unanswered), *settle), False
    return tuple(sorted(_questions(missing), key=lambda check: check.minutes)), True


def _whether(finding: Finding) -> str:
    if runs := finding.could_be_holder:
        which = "the run" if len(runs) == 1 else f"one of the {len(runs)} runs"
        return f"whether {which} that could be about this state took the lock"
    return f"whether {_quoted(finding)} is about this state"


def _quoted(finding: Finding) -> str:
    return f"“{one_line(finding.fact, _FACT_SHOWN)}”"


def _questions(names: Iterable[str]) -> Iterator[Check]:
    for name in names:
        yield Check(what=CHECK_NAMES[name], minutes=_MINUTES[name], question=name)


def _advice(opinion: Opinion, checks: tuple[Check, ...], *, any_decides: bool) -> str:
    match opinion:
        case Opinion.ACTIVE:
            return "Wait. The holder may be working; releasing its lock now can corrupt the state."
        case Opinion.ORPHANED:
            return "The holder has ended. Go on to the retry, then to what runs next, then to the release."
        case Opinion.CANNOT_TELL if not checks:
            return "Nothing that was found shows the holder's end. Look at its host or its run."
        case Opinion.CANNOT_TELL:
            names = " or " if any_decides else " and "
            told = names.join(f"{check.what} (about {check.minutes} min)" for check in checks[:_MOST_SHOWN])
            told += f"{names}{len(checks) - _MOST_SHOWN} more" if len(checks) > _MOST_SHOWN else ""
            return f"Find out about {told} first." if checks[0].question else f"Settle {told} first."
