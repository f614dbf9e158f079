"""The runbook as a value: what the core questions weigh, and where values may go."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import (
    CORE_QUESTIONS,
    NEEDS,
    VALUE_NAMES,
    Action,
    ArgumentError,
    Runbook,
    Step,
    fill_arguments,
    is_plain,
    substitute,
    substitute_plain,
)

NAMES = st.sampled_from(sorted(VALUE_NAMES))
ANY_VALUES = st.dictionaries(NAMES, st.text(max_size=40))


def runbook(*steps: Step) -> Runbook:
    return Runbook(
        name="x",
        title="X",
        version="1",
        owner="us",
        expected_minutes=5,
        steps=steps,
        text="",
        sha256="0" * 64,
        origin="here",
    )


@pytest.mark.parametrize(
    ("question", "option", "says", "needs", "final"),
    [
        ("ci", "running", Says.BLOCKS, (), False),
        ("ci", "ended", Says.SUPPORTS, ("how", "link"), False),
        ("ci", "cancelled", Says.NOTHING, ("link",), False),
        ("ci", "none", Says.NOTHING, ("where",), False),
        ("ci", "dont-know", Says.UNKNOWN, (), False),
        ("owner", "mine-running", Says.BLOCKS, (), True),
        ("owner", "mine-died", Says.SUPPORTS, ("who", "how"), False),
        ("owner", "mine-unsure", Says.NOTHING, ("who",), False),
        ("owner", "not-mine", Says.NOTHING, ("who",), False),
        ("owner", "nobody-reachable", Says.NOTHING, ("who", "where"), False),
        ("owner", "dont-know", Says.UNKNOWN, (), False),
        ("holder-host", "alive", Says.BLOCKS, (), False),
        ("holder-host", "ended", Says.SUPPORTS, ("how",), False),
        ("holder-host", "host-gone", Says.SUPPORTS, ("how",), False),
        ("holder-host", "unreachable", Says.NOTHING, ("how",), False),
        ("holder-host", "dont-know", Says.UNKNOWN, (), False),
        ("next", "nothing", Says.NOTHING, ("how",), False),
        ("next", "held", Says.NOTHING, ("how", "undo"), False),
        ("next", "not-held", Says.NOTHING, ("note",), False),
        ("next", "dont-know", Says.UNKNOWN, (), False),
    ],
)
def test_s6_core_answers_weigh_what_the_safety_floor_says(
    question: str, option: str, says: Says, needs: tuple[str, ...], *, final: bool
) -> None:
    answer = CORE_QUESTIONS[question].option(option)
    assert answer is not None
    assert (answer.says, answer.needs, answer.final) == (says, needs, final)


def test_core_questions_are_marked_and_ask_only_for_what_can_be_told() -> None:
    assert list(CORE_QUESTIONS) == ["ci", "owner", "holder-host", "next"]
    for question in CORE_QUESTIONS.values():
        assert question.core
        assert all(need in NEEDS for option in question.options for need in option.needs)


def test_steps_and_questions_are_found_by_what_they_are() -> None:
    asking = Step(id="b", number=2, title="B", action=Action.RULE_OUT, questions=(CORE_QUESTIONS["ci"],))
    book = runbook(Step(id="a", number=1, title="A", action=Action.NOTE), asking)
    assert book.step(Action.RULE_OUT) is asking
    assert book.step(Action.VERIFY) is None
    assert book.question("ci") is CORE_QUESTIONS["ci"]
    assert book.question("owner") is None


def test_values_go_in_where_their_names_stand() -> None:
    values = {"state.bucket": "b", "state.key": "k"}
    assert substitute("{{ state.bucket }}/{{state.key}} {{ lock.id }}", values) == "b/k {{ lock.id }}"


def test_names_of_ci_systems_stay_as_they_are() -> None:
    assert substitute("group: ${{ state.key }}", {"state.key": "k"}) == "group: ${{ state.key }}"


def test_a_value_is_never_read_for_names_again() -> None:
    values = {"state.bucket": "{{ state.key }}", "state.key": "secret"}
    assert substitute("{{ state.bucket }}", values) == "{{ state.key }}"


def test_s12_a_value_arrives_on_one_line_and_without_escape_sequences() -> None:
    assert substitute("who: {{ lock.who }}", {"lock.who": "\x1b[31mme\x1b[0m\r\n# title"}) == "who: me # title"


@given(st.text(), ANY_VALUES)
def test_text_without_names_stays_itself(text: str, values: dict[str, str]) -> None:
    assume("{{" not in text)
    assert substitute(text, values) == text


@given(NAMES, st.text(min_size=1, max_size=60))
def test_s12_what_a_shell_or_markdown_could_read_stays_out_of_copied_text(name: str, value: str) -> None:
    shown = substitute_plain("aws x --key {{ " + name + " }}", {name: value})
    assert shown in ("aws x --key {{ " + name + " }}", f"aws x --key {value}")
    if shown == f"aws x --key {value}" and not value.endswith("}}"):
        assert is_plain(value)
        assert not set(value) & set("$`\"'\\;|&<>()*?[]#~! \t\n{}")


@given(st.lists(st.one_of(NAMES.map(lambda name: "{{ " + name + " }}"), st.text(max_size=10))), ANY_VALUES)
def test_s14_filling_in_never_makes_more_arguments_or_an_option(argv: list[str], values: dict[str, str]) -> None:
    try:
        filled = fill_arguments(argv, values)
    except ArgumentError:
        return
    assert len(filled) == len(argv)
    for before, after in zip(argv, filled, strict=True):
        assert after == before or not after.startswith("-")


@pytest.mark.parametrize("value", ["", "-rf", "--endpoint-url=http://x", "a\nb", "a\x00b", "a\x1b[0m"])
def test_s14_a_value_that_is_no_plain_argument_stops_the_command(value: str) -> None:
    with pytest.raises(ArgumentError, match=r"state\.key"):
        fill_arguments(["x", "{{ state.key }}"], {"state.key": value})


def test_a_line_of_braces_and_blanks_takes_no_time() -> None:
    text = "{{" + " " * 100_000 + "{{ \t" * 10_000
    assert substitute(text, {}) == text
