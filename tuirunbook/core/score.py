"""What a practice run comes to: judged on what was known when the trainee acted, never on speed.

The same force-unlock is *best* when what had to be ruled out was ruled out before it, and *unsafe* when it was not,
however it ended. Everything here is computed from the incident's events and from what was so in the practice world.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tuirunbook.core.events import (
    Event,
    FindingRecorded,
    NoteAdded,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    Verified,
    WaitStarted,
)
from tuirunbook.core.lock import parse_time, short
from tuirunbook.core.scenario import Debriefing, Right, Scenario, seconds
from tuirunbook.core.timeline import line

_ASKED = re.compile(r"^Asked \[([\w-]+)\] ")
_JUDGED = re.compile(r"^Judgement: (\S+), (\d+) % sure\. Wrong if: (.*)$", re.DOTALL)
_SHELL = "practice shell: "
_RAW_RELEASES = frozenset({"delete-item", "delete-object", "rm", "force-unlock"})
_QUOTED = (NoteAdded, QuestionAnswered, FindingRecorded, RetryEnded, WaitStarted, Verified, PreventionChecked)
_MOST_QUOTED = 14


class Grade(enum.StrEnum):
    """What a run comes to."""

    BEST = "best"
    INCOMPLETE = "incomplete"
    UNSAFE = "unsafe"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainee wrote down before acting: a verdict, how sure, and what would prove it wrong."""

    at: str
    verdict: str
    confidence: int
    wrong_if: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that released a lock.

    Attributes:
        at: When.
        lock: The lock.
        how: `force-unlock`, `delete-dynamodb`, …, or the raw command.
        worked: Whether the lock was gone afterwards.
    """

    at: str
    lock: str
    how: str
    worked: bool = True


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A check that was not made before the act: what it was, what it would have said, and what it costs."""

    what: str
    answer: str
    costs: int


class Debrief(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about a run.

    Attributes:
        scenario: Its name.
        teaches: What it teaches.
        grade: What it comes to.
        why: One sentence.
        truth: What was so.
        known: The trainee's own transcript up to the act, or to the end.
        missed: The checks that would have changed it.
        broke: What the act broke.
        risk: What could have gone wrong, where an unsafe act broke nothing.
        judgement: What was written down before the act, in words.
        sufficed: When the evidence sufficed against when it was acted on, in words, or empty.
        habit: One habit for the next page.
        unsafe: How many acts were unsafe, of `acts`.
        acts: How many acts there were.
    """

    scenario: str
    teaches: str
    grade: Grade
    why: str
    truth: str
    known: tuple[str, ...] = ()
    missed: tuple[Missed, ...] = ()
    broke: tuple[str, ...] = ()
    risk: str = ""
    judgement: str = ""
    sufficed: str = ""
    habit: str = ""
    unsafe: int = 0
    acts: int = 0


def asked_note(name: str, who: str, ask: str, answer: str) -> str:
    """The note that an inquiry leaves in the transcript."""
    return f"Asked [{name}] {who}: {ask} → {answer}"


def judged_note(verdict: str, confidence: int, wrong_if: str) -> str:
    """The note that a judgement leaves in the transcript."""
    return f"Judgement: {verdict}, {confidence} % sure. Wrong if: {wrong_if}"


def is_raw_release(line_: str) -> bool:
    """Whether a raw command is one that releases a lock, wherever it is aimed."""
    program, *words = line_.split() or [""]
    return program in {"aws", "terraform"} and not _RAW_RELEASES.isdisjoint(words)


def shell_action(line_: str) -> str:
    """How a raw command is told that released a lock."""
    return f"{_SHELL}{line_}"


def acts_of(events: Sequence[Event]) -> tuple[Act, ...]:
    """Everything in a transcript that released a lock, or tried to with the tool."""
    intended: dict[tuple[str, int], ReleaseIntended] = {}
    found: list[Act] = []
    incident = ""
    for event in events:
        match event:
            case ReleaseIntended():
                intended[incident, event.release] = event
            case ReleaseEnded() if event.outcome != "not-tried":
                begun = intended[incident, event.release]
                worked = event.outcome in {"released", "new-holder", "partly"}
                found.append(Act(at=begun.at, lock=begun.lock, how=begun.method, worked=worked))
            case OutsideAction() if event.action.startswith(_SHELL):
                how = event.action.removeprefix(_SHELL)
                found += [Act(at=event.at, lock=lock, how=how) for lock in event.note.split()]
            case _:
                incident = getattr(event, "incident", incident)
    return tuple(found)


def asked_in(events: Iterable[Event]) -> dict[str, str]:
    """The inquiries that were made, each with the time of the first one."""
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, NoteAdded) and (asked := _ASKED.match(event.text)):
            found.setdefault(asked[1], event.at)
    return found


def judgements_in(events: Iterable[Event]) -> tuple[Judgement, ...]:
    """What the trainee wrote down."""
    return tuple(
        Judgement(at=event.at, verdict=told[1], confidence=int(told[2]), wrong_if=told[3].strip())
        for event in events
        if isinstance(event, NoteAdded) and (told := _JUDGED.match(event.text))
    )


def debrief(
    scenario: Scenario, events: Sequence[Event], alive: Mapping[str, bool], damage: Sequence[str] = ()
) -> Debrief:
    """Judge a run.

    Args:
        scenario: What was played, the seed's decisions made.
        events: The events of the run's incidents, in their order.
        alive: For each lock of the world whether its holder lived until something ended it.
        damage: What broke, in sentences.
    """
    asked, acts = asked_in(events), acts_of(events)
    judgements = judgements_in(events)
    unsafe = [act for act in acts if act.worked and (alive.get(act.lock, False) or _unmet(scenario, asked, act.at))]
    decisive = (unsafe or [act for act in acts if act.worked])[:1]
    moment = decisive[0].at if decisive else ""
    unmet = _unmet(scenario, asked, moment)
    grade, why = _grade(scenario, acts, unsafe, alive, asked, events, judgements)
    told: Debriefing = scenario.debrief
    return Debrief(
        scenario=scenario.name,
        teaches=scenario.teaches,
        grade=grade,
        why=why,
        truth=told.truth,
        known=_known(events, moment),
        missed=tuple(_missed(scenario, unmet)) if grade is not Grade.BEST else (),
        broke=tuple(damage),
        risk=told.breaks if unsafe and not damage else "",
        judgement=_in_words(judgements, moment),
        sufficed=_sufficed(scenario, asked, moment, events),
        habit=told.habit,
        unsafe=len(unsafe),
        acts=len(acts),
    )


def _unmet(scenario: Scenario, asked: Mapping[str, str], moment: str) -> tuple[str, ...]:
    """The inquiries that are needed and were not made before `moment`; all that were never made without one."""
    return tuple(name for name in scenario.judge.needs if name not in asked or (moment and asked[name] > moment))


def _grade(
    scenario: Scenario,
    acts: Sequence[Act],
    unsafe: Sequence[Act],
    alive: Mapping[str, bool],
    asked: Mapping[str, str],
    events: Sequence[Event],
    judgements: Sequence[Judgement],
) -> tuple[Grade, str]:
    rules = scenario.judge
    if unsafe:
        first = unsafe[0]
        if alive.get(first.lock, False):
            return Grade.UNSAFE, f"You released {short_name(first.lock)}, and its holder was alive."
        return (
            Grade.UNSAFE,
            "It was released and nothing broke, but you could not know that: what would have told was not asked.",
        )
    worked = {act.lock for act in acts if act.worked}
    if rules.right is Right.RELEASE:
        return _released(scenario, len(worked), asked, events)
    if worked:
        return Grade.INCOMPLETE, "You released a lock where nothing had to be released."
    if _unmet(scenario, asked, ""):
        return Grade.INCOMPLETE, "You left it alone, which was right; but you left before you knew why."
    if not judgements or judgements[-1].verdict != rules.verdict:
        said = f"“{judgements[-1].verdict}”" if judgements else "nothing"
        return Grade.INCOMPLETE, f"You left it alone, which was right; but your verdict was {said}."
    if rules.right is not Right.WAIT:
        return Grade.BEST, "You saw that this was nothing to release, and said so."
    waited = any(isinstance(event, WaitStarted) for event in events)
    return Grade.BEST, f"You found out that the holder was alive, and {'waited' if waited else 'left its lock alone'}."


def _released(
    scenario: Scenario, released: int, asked: Mapping[str, str], events: Sequence[Event]
) -> tuple[Grade, str]:
    wanted = scenario.judge.releases
    if released < wanted:
        some = f"{released} of {wanted} dead locks were" if wanted > 1 else "The lock was dead, and it was not"
        return Grade.INCOMPLETE, f"{some} released: whoever waits behind it still waits."
    for name in scenario.judge.then:
        if name == "verify" and not any(isinstance(event, Verified) for event in events):
            return Grade.INCOMPLETE, "The release was right; nobody then read what the dead run left (step 8)."
        inquiry = scenario.inquiry(name)
        if inquiry is not None and name not in asked:
            return Grade.INCOMPLETE, f"The release was right, but this was left out: {inquiry.ask}"
    return Grade.BEST, "You ruled the holder out before you released, and looked at what it left."


def _missed(scenario: Scenario, names: Iterable[str]) -> Iterable[Missed]:
    for name in names:
        inquiry = scenario.inquiry(name)
        if inquiry is not None:
            yield Missed(what=f"{inquiry.who}: {inquiry.ask}", answer=inquiry.answer, costs=seconds(inquiry.costs))


def _known(events: Sequence[Event], moment: str) -> tuple[str, ...]:
    """The trainee's own transcript, up to the act."""
    said = [line(event) for event in events if isinstance(event, _QUOTED) and (not moment or event.at <= moment)]
    return tuple(f"{one.at[11:19]}Z {one.fact}" for one in said[-_MOST_QUOTED:])


def _in_words(judgements: Sequence[Judgement], moment: str) -> str:
    before = [one for one in judgements if not moment or one.at <= moment]
    if not before:
        return "Nothing was written down before the act."
    last = before[-1]
    return f"You wrote: {last.verdict}, {last.confidence} % sure; wrong if: {last.wrong_if}"


def _sufficed(scenario: Scenario, asked: Mapping[str, str], moment: str, events: Sequence[Event]) -> str:
    if not events or not scenario.judge.needs:
        return ""
    began = events[0].at
    acted = f"You acted in minute {_minute(began, moment)}" if moment else "You released nothing"
    if any(name not in asked for name in scenario.judge.needs):
        return f"{acted}; the evidence never sufficed."
    enough = max(asked[name] for name in scenario.judge.needs)
    return f"{acted}; the evidence sufficed in minute {_minute(began, enough)}."


def _minute(began: str, moment: str) -> int:
    return int((parse_time(moment) - parse_time(began)).total_seconds() // 60)


def short_name(lock: str) -> str:
    """A lock as people call it."""
    return f"lock {short(lock)}" if lock else "a lock"
