"""Lines fit the terminal, and what people copy stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.text import clean
from tuirunbook.core.wrapping import NARROWEST, fold

ID = "9f8b3c21-1111-2222-3333-444455556666"


def test_no_line_is_longer_than_the_terminal_and_no_word_is_lost() -> None:
    words = [f"word{number}" for number in range(60)]
    folded = fold(" ".join(words), 40, "    ")
    assert max(map(len, folded)) <= 40
    assert " ".join(folded).split() == words
    assert all(line.startswith("    word") for line in folded[1:])


def test_an_id_is_never_broken_at_its_hyphens() -> None:
    assert ID in fold(f"The lock that is held here has the ID {ID} now", 30)


def test_a_command_in_backquotes_is_never_broken() -> None:
    command = "`aws sso login --profile production-network-account`"
    assert command in fold(f"Sign in again with {command} and go on.", 40)


def test_an_option_stays_with_its_value() -> None:
    assert any("--backend-config bucket=VALUE" in line for line in fold("give x --backend-config bucket=VALUE", 30))


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_line_that_is_a_command_stays_whole(indent: str) -> None:
    line = f"{indent}$ " + "argument " * 30 + "end"
    assert fold(line, 40) == [line]


def test_a_terminal_that_says_it_has_no_columns_is_not_believed() -> None:
    assert fold("one two three", 0) == ["one two three"]


@given(st.text(alphabet=st.sampled_from("ab `$-\t"), max_size=200), st.integers(1, 60))
def test_folding_changes_nothing_but_space(text: str, width: int) -> None:
    line = clean(text)
    assert "".join("".join(fold(line, width)).split()) == "".join(line.split())
    assert max(map(len, fold("a " * 50, width))) <= max(width, NARROWEST)
