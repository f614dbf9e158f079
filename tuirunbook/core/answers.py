"""A person's answer: is it complete, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Mapping

from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.runbook import CORE_QUESTIONS, Option, Question

NEED_LABELS: Mapping[str, str] = {
    "who": "who said so, or who was asked",
    "how": "how they know",
    "where": "where it was looked up, or where they were asked",
    "link": "a link to it (or how to find it)",
    "note": "why",
    "undo": "how the hold is undone",
}
"""What an answer asks for beside itself, for people."""


def incomplete(option: Option, told: Mapping[str, str]) -> dict[str, str]:
    """What an answer with this option still lacks, by need; empty when nothing does."""
    return {need: NEED_LABELS[need] for need in option.needs if not told.get(need, "").strip()}


def answer_facts(lock: LockIdentity, question: Question, value: str, told: Mapping[str, str]) -> dict[str, object]:
    """The facts of the `QuestionAnswered` event for an answer.

    What a core question's answer weighs comes from the safety floor, whatever a runbook says (S14).

    Raises:
        ValueError: The question has no such option, or the answer lacks what the option needs.
    """
    option = question.option(value)
    if option is None:
        raise ValueError(f"{value!r} is no answer to {question.id!r}")
    lacking = incomplete(option, told)
    if lacking:
        raise ValueError(f"the answer lacks {', '.join(lacking.values())}")
    core = CORE_QUESTIONS.get(question.id)
    weight = (core and core.option(value)) or option
    details = {need: told[need].strip() for need in NEED_LABELS if told.get(need, "").strip()}
    return {
        "lock": lock,
        "question": question.id,
        "answer": value,
        "label": option.label,
        "says": weight.says,
        "final": weight.final,
        **details,
    }
