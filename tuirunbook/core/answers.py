"""A person's answer: is it complete, and what is recorded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.runbook import CORE_QUESTIONS, Option, Question

NEED_LABELS: Mapping[str, str] = {
    "who": "who said so, or who was asked",
    "how": "how they know",
    "where": "where it was looked up, or where they were asked",
    "link": "a link to it (or how to find it)",
    "note": "why",
    "undo": "how each hold is undone; a semicolon between several",
}
"""What an answer asks for beside itself, for people."""


_BETWEEN = re.compile(r""";\s+(?=(?:[^'"]|'[^']*'|"[^"]*")*$)""")
"""A semicolon that separates commands: outside quotes."""


def each_undo(undo: str) -> tuple[str, ...]:
    """The holds that an answer's `undo` takes back, one by one."""
    return tuple(part for one in _BETWEEN.split(undo) if (part := one.strip()))


def incomplete(option: Option, told: Mapping[str, str]) -> dict[str, str]:
    """What an answer with this option still lacks, by need; empty when nothing does."""
    return {need: NEED_LABELS[need] for need in option.needs if not told.get(need, "").strip()}


def weighed(question_id: str, option: Option) -> Option:
    """`option` as the safety floor weighs it: a runbook rewords, asks for more, and blocks; it never supports (S14)."""
    core = CORE_QUESTIONS.get(question_id)
    given = core.option(option.value) if core else None
    if given is None:
        blocks = option.says is Says.BLOCKS
        says = Says.NOTHING if option.says is Says.SUPPORTS else option.says
        return msgspec.structs.replace(option, says=says, final=option.final and blocks)
    needs = tuple(dict.fromkeys((*given.needs, *option.needs)))
    return msgspec.structs.replace(option, says=given.says, final=given.final, needs=needs)


def answer_facts(lock: LockIdentity, question: Question, value: str, told: Mapping[str, str]) -> dict[str, object]:
    """The facts of the `QuestionAnswered` event for an answer.

    What a core question's answer weighs comes from the safety floor, whatever a runbook says (S14).

    Raises:
        ValueError: The question has no such option, or the answer lacks what the option needs.
    """
    chosen = question.option(value)
    if chosen is None:
        raise ValueError(f"{value!r} is no answer to {question.id!r}")
    option = weighed(question.id, chosen)
    lacking = incomplete(option, told)
    if lacking:
        raise ValueError(f"the answer lacks {', '.join(lacking.values())}")
    details = {need: told[need].strip() for need in NEED_LABELS if told.get(need, "").strip()}
    return {
        "lock": lock,
        "question": question.id,
        "answer": value,
        "label": option.label,
        "says": option.says,
        "final": option.final,
        **details,
    }
