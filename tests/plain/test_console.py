"""Lines in and lines out."""

from __future__ import annotations

import io

import pytest

from tests.support.pilots import HOSTILE
from tuirunbook.plain.console import Cancelled, Console, Left


def console(typed: str) -> tuple[Console, io.StringIO]:
    said = io.StringIO()
    return Console(io.StringIO(typed), said), said


def test_a_choice_is_made_by_its_number() -> None:
    chooser, said = console("2\n")
    assert chooser.choose("Which", [("a", "the first"), ("b", "the second")]) == "b"
    assert said.getvalue() == "1. the first\n2. the second\nWhich, a number: "


@pytest.mark.parametrize("typed", ["3", "0", "-1", "first", "", "1.0", "²"])
def test_what_is_no_number_of_the_menu_is_asked_again(typed: str) -> None:
    chooser, said = console(f"{typed}\n1\n")
    assert chooser.choose("Which", [("a", "the first"), ("b", "the second")]) == "a"
    assert "none of the numbers above" in said.getvalue()


def test_zero_goes_back_where_that_is_offered() -> None:
    chooser, _ = console("0\n")
    with pytest.raises(Cancelled):
        chooser.choose("Which", [("a", "the first")], back="Back")


def test_the_end_of_the_input_leaves() -> None:
    asker, _ = console("")
    with pytest.raises(Left):
        asker.ask("What")


def test_an_empty_line_goes_back_where_something_is_required() -> None:
    asker, _ = console("  \n")
    with pytest.raises(Cancelled):
        asker.fill({"who": "who said so"})


def test_optional_fields_left_empty_are_left_out() -> None:
    asker, _ = console("Karim\n\n")
    assert asker.fill({"who": "who said so"}, {"note": "anything"}) == {"who": "Karim"}


def test_an_empty_line_keeps_what_is_known_and_a_dash_leaves_it_out_where_it_may_be_left_out() -> None:
    known = {"how": "the queue is empty", "undo": "enable it", "link": "https://ci/1", "note": "found: 815"}
    asker, said = console("\n-\n\n-\n")
    told = asker.fill({"how": "how", "undo": "undo"}, {"link": "a link", "note": "why"}, known)
    assert told == {"how": "the queue is empty", "undo": "-", "link": "https://ci/1"}
    assert "how, as known so far: the queue is empty" in said.getvalue()


def test_nothing_from_outside_reaches_the_terminal_as_a_command() -> None:
    printer, said = console(f"{HOSTILE}\n")
    printer.say(HOSTILE)
    printer.ask(HOSTILE)
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(said.getvalue())


def test_text_is_folded_and_never_cut() -> None:
    printer, said = console("")
    words = [f"word{number}" for number in range(100)]
    printer.say(" ".join(words))
    assert said.getvalue().split() == words
    assert max(map(len, said.getvalue().splitlines())) <= 100


def test_a_reader_that_has_gone_ends_the_questions_and_nothing_else() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    printer = Console(io.StringIO("1\n"), Gone())
    printer.say("anybody there?")
    with pytest.raises(Left):
        printer.ask("What")
