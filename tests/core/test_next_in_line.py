"""What takes the lock next (S16): what CI shows, and what it makes of the question and of the holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.incidents import A, B, Story
from tuirunbook.core import next_in_line
from tuirunbook.core.answers import each_undo
from tuirunbook.core.events import HoldUndone, SourceSwitched
from tuirunbook.core.evidence import InLine, Match, Says

QUEUED = InLine(
    what="run 815, apply",
    starts="starts by itself",
    match=Match.COULD_BE,
    stage="queued",
    hold="gh run cancel 815",
    undo="gh run rerun 815",
    url="https://ci/815",
)
WAITING = InLine(what="run 816, apply", starts="starts when approved", match=Match.NAMES_THIS_STATE, stage="waiting")
TIMED = InLine(
    what="drift.yml",
    starts="starts on its schedule",
    match=Match.COULD_BE,
    stage="scheduled",
    hold="gh workflow disable drift.yml",
    undo="gh workflow enable drift.yml",
)


def asked(*lines: InLine, story: Story | None = None, system: str = "github") -> Story:
    story = story or Story()
    facts: dict[str, Any] = {"in_line": lines} if lines else {}
    story.finding(f"ci.{system}.next", Says.NOTHING, asked=system, **facts)
    return story


def test_what_names_this_state_comes_first_and_nothing_comes_twice() -> None:
    story = asked(QUEUED, TIMED)
    asked(QUEUED, WAITING, story=story, system="gitlab")
    assert next_in_line.found(story.incident, A) == (WAITING, QUEUED, TIMED)
    assert next_in_line.found(story.incident, B) == ()
    assert next_in_line.holding(story.incident, A) == ("gh run cancel 815", "gh workflow disable drift.yml")


def test_in_brief_it_is_counted_by_what_makes_it_start() -> None:
    story = asked(QUEUED, WAITING, TIMED)
    assert next_in_line.in_brief(story.incident, A) == "1 queued (starts on release), 1 waiting, 1 scheduled"
    assert next_in_line.in_brief(Story().incident, A) == ""
    assert next_in_line.in_brief(asked().incident, A) == "nothing"


def test_s16_what_was_found_begins_the_answer_and_how_it_is_held_is_left_to_the_person() -> None:
    told = next_in_line.suggested(asked(QUEUED, WAITING, TIMED).incident, A)
    assert told["answer"] == "held"
    assert told["undo"] == "gh run rerun 815; gh workflow enable drift.yml"
    assert "run 816, apply, starts when approved" in told["note"]
    assert "how" not in told


def test_s16_nothing_in_line_is_suggested_only_when_all_who_may_know_have_said_so() -> None:
    story = asked()
    assert next_in_line.suggested(story.incident, A)["answer"] == "nothing"
    assert "github" in next_in_line.suggested(story.incident, A)["how"]
    story.finding("ci.gitlab.asked", Says.UNKNOWN, asked="gitlab")
    assert next_in_line.suggested(story.incident, A) == {}


def test_an_answer_begins_with_the_one_before_it_and_else_with_what_was_found() -> None:
    story = asked(QUEUED)
    assert next_in_line.begin_with(story.incident, A, "next") == next_in_line.suggested(story.incident, A)
    assert next_in_line.begin_with(story.incident, A, "ci") == {}
    story.answer(A, "next", "held", how="cancelled it", undo="tell Ana")
    begun = next_in_line.begin_with(story.incident, A, "next")
    assert (begun["answer"], begun["how"], begun["undo"]) == ("held", "cancelled it", "tell Ana")
    assert next_in_line.begin_with(story.incident, B, "ci") == {}


@pytest.mark.parametrize("key", ["ci.unasked", "asked.github"])
def test_s16_a_system_that_was_not_asked_or_did_not_answer_is_not_one_without_a_queue(key: str) -> None:
    story = asked()
    story.finding(key, Says.UNKNOWN, asked="github")
    assert next_in_line.suggested(story.incident, A) == {}
    assert next_in_line.in_brief(story.incident, A) == ""


def test_s16_a_source_that_is_turned_off_says_nothing_about_what_comes_next() -> None:
    story = asked()
    story.add(SourceSwitched, source="github", off=True)
    assert next_in_line.suggested(story.incident, A) == {}
    asked(story=story, system="gitlab")
    assert next_in_line.suggested(story.incident, A) == {}


@pytest.mark.parametrize(
    ("undo", "each"),
    [
        ("enable the deploy workflow", ("enable the deploy workflow",)),
        ("gh run rerun 815; gh workflow enable 'a; b.yml'", ("gh run rerun 815", "gh workflow enable 'a; b.yml'")),
        ('curl -d "x; y" z;  tell Ana', ('curl -d "x; y" z', "tell Ana")),
        ("tell Ana; it's hers", ("tell Ana; it's hers",)),
        ("a;b", ("a;b",)),
        ("; ", ()),
    ],
)
def test_s16_each_command_of_an_undo_is_a_hold_of_its_own(undo: str, each: tuple[str, ...]) -> None:
    assert each_undo(undo) == each


def test_s16_every_hold_is_open_until_it_is_undone() -> None:
    story = Story()
    story.answer(A, "next", "held", how="cancelled", undo="gh run rerun 815; gh workflow enable drift.yml")
    assert list(story.incident.holds) == ["gh run rerun 815", "gh workflow enable drift.yml"]
    story.add(HoldUndone, hold="gh run rerun 815")
    assert list(story.incident.holds) == ["gh workflow enable drift.yml"]
