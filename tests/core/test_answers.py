"""What an answer needs, and what it weighs whatever a runbook says."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.incidents import TOLD, A
from tuirunbook.core.answers import answer_facts, incomplete, weighed
from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import CORE_QUESTIONS, Option, Question

CORE = [(question, option) for question in CORE_QUESTIONS.values() for option in question.options]


def reworded(question: Question, **changed: object) -> Question:
    """The question with every option's weight replaced, as a runbook that was not checked could bring it."""
    options = tuple(msgspec.structs.replace(option, **changed) for option in question.options)
    return msgspec.structs.replace(question, text="in other words", options=options)


@pytest.mark.parametrize("says", list(Says))
@pytest.mark.parametrize(("question", "option"), CORE)
def test_s14_a_runbook_cannot_change_what_a_core_answer_weighs(question: Question, option: Option, says: Says) -> None:
    facts = answer_facts(A, reworded(question, says=says, final=not option.final), option.value, TOLD)
    assert (facts["says"], facts["final"]) == (option.says, option.final)


@pytest.mark.parametrize(("question", "option"), [(q, o) for q, o in CORE if o.needs])
def test_s14_a_runbook_cannot_take_away_what_a_core_answer_needs(question: Question, option: Option) -> None:
    with pytest.raises(ValueError, match="the answer lacks"):
        answer_facts(A, reworded(question, needs=()), option.value, {})


def test_s14_a_runbook_may_ask_for_more() -> None:
    question = reworded(CORE_QUESTIONS["ci"], needs=("note",))
    with pytest.raises(ValueError, match="why"):
        answer_facts(A, question, "running", {})


@pytest.mark.parametrize("question", ["ci", "owner", "holder-host", "next", "freeze"])
def test_s14_an_option_that_a_runbook_adds_can_block_and_cannot_support(question: str) -> None:
    added = Option(value="looks-fine", label="looks fine", says=Says.SUPPORTS, final=True)
    assert (weighed(question, added).says, weighed(question, added).final) == (Says.NOTHING, False)
    blocking = msgspec.structs.replace(added, says=Says.BLOCKS)
    assert weighed(question, blocking) == blocking


@pytest.mark.parametrize(("question", "option"), CORE)
def test_an_answer_needs_each_thing_that_its_option_asks_for(question: Question, option: Option) -> None:
    assert set(incomplete(option, {})) == set(option.needs)
    assert incomplete(option, TOLD) == {}
    for need in option.needs:
        assert list(incomplete(option, TOLD | {need: " \t"})) == [need]
    assert answer_facts(A, question, option.value, TOLD)["lock"] == A


def test_an_answer_that_the_question_does_not_offer_is_none() -> None:
    with pytest.raises(ValueError, match="is no answer"):
        answer_facts(A, CORE_QUESTIONS["ci"], "maybe", TOLD)


def test_what_was_told_is_kept_without_its_edges_and_nothing_empty_is_kept() -> None:
    facts = answer_facts(A, CORE_QUESTIONS["owner"], "mine-died", {"who": " sam ", "how": "saw it", "note": "  "})
    assert (facts["who"], facts["how"], "note" in facts) == ("sam", "saw it", False)
