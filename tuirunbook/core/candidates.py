"""Runs that could have taken a lock, as one question: which of them was it?

Sources find them, where nothing shows which state a run works on. Who picks one says how they know; from then on its
own status counts as that of the lock's holder, as it is found each time it is asked for. "None of them" covers the runs
that were shown, and no later one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tuirunbook.core.evidence import Candidate, Finding, Match, Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.runbook import Option, Question
from tuirunbook.core.text import one_line

QUESTION = "holder-run"
"""The question's ID. No runbook asks it: it is there when candidates are."""

NONE = "none"
"""The answer that no run of those that were shown took the lock."""

_DONT_KNOW = Option(value="dont-know", label="don't know", says=Says.UNKNOWN)


def candidates(incident: Incident, lock: LockIdentity) -> tuple[Candidate, ...]:
    """The runs that could have taken a lock, of every source: those in progress first."""
    found = [
        one for (about, _), finding in incident.findings.items() if about == lock for one in finding.could_be_holder
    ]
    return tuple(sorted(found, key=lambda one: one.says is not Says.BLOCKS))


def question(incident: Incident, lock: LockIdentity) -> Question | None:
    """The question which of them it was; None without candidates."""
    found = candidates(incident, lock)
    if not found:
        return None
    runs = tuple(Option(value=one.id, label=one_line(f"{one.what}: {one.fact}", 200), needs=("how",)) for one in found)
    return Question(
        id=QUESTION,
        text="Which of these runs took this lock?",
        why="Nothing shows which state they work on. The status of the one that you pick counts as the holder's.",
        options=(*runs, Option(value=NONE, label="none of them", needs=("how",)), _DONT_KNOW),
    )


def wants_an_answer(incident: Incident, lock: LockIdentity) -> bool:
    """Whether there are runs that nobody was asked about yet."""
    answer = incident.answers.get((lock, QUESTION))
    asked = answer.among if answer else ()
    return any(one.id not in asked for one in candidates(incident, lock))


def as_picked(incident: Incident, lock: LockIdentity, finding: Finding) -> Iterator[Finding]:
    """A finding as it counts after the answer: the picked run by itself, and the runs that nobody was asked about.

    Both have keys of their own: a dispute of the whole finding is not about them. The answer itself can be changed.
    """
    answer = incident.answers.get((lock, QUESTION))
    runs = finding.could_be_holder
    if not runs or answer is None or answer.says is Says.UNKNOWN:
        yield finding
        return
    told = f"{answer.who or answer.by}: {answer.how}"
    for one in runs:
        if one.id == answer.answer:
            yield msgspec.structs.replace(
                finding,
                key=f"{finding.key}.picked",
                says=one.says,
                match=Match.NAMES_THIS_STATE,
                fact=one_line(f"the run that took the lock, by {told}: {one.what}, {one.fact}", 900),
                link=one.link or finding.link,
                ended_at=one.ended_at,
                candidates=msgspec.UNSET,
            )
    later = tuple(one for one in runs if one.id not in answer.among and one.id != answer.answer)
    if later:
        names = "; ".join(f"{one.what}, {one.fact}" for one in later)
        blocks = any(one.says is Says.BLOCKS for one in later)
        yield msgspec.structs.replace(
            finding,
            key=f"{finding.key}.later",
            says=Says.BLOCKS if blocks else Says.NOTHING,
            fact=one_line(f"could be about this state, and nobody was asked about it: {names}", 900),
            candidates=later,
        )
    elif all(one.id != answer.answer for one in runs):
        fact = one_line(f"none of these took the lock, by {told}: {'; '.join(one.what for one in runs)}", 900)
        yield msgspec.structs.replace(finding, says=Says.NOTHING, fact=fact, candidates=msgspec.UNSET)
