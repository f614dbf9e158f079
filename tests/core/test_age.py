"""How long ago something was, short and in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.incidents import START
from tuirunbook.core.age import age, age_in_words


@pytest.mark.parametrize(
    ("elapsed", "short", "words"),
    [
        (timedelta(seconds=-5), "0s", "0 s"),
        (timedelta(seconds=59.9), "59s", "59 s"),
        (timedelta(seconds=60), "1m", "1 min"),
        (timedelta(minutes=59, seconds=59), "59m", "59 min"),
        (timedelta(hours=1, minutes=1), "1h01m", "1 h 1 min"),
        (timedelta(hours=23, minutes=59), "23h59m", "23 h 59 min"),
        (timedelta(days=3, hours=4, minutes=50), "3d4h", "3 d 4 h"),
    ],
)
def test_a_span_is_told_in_its_largest_units(elapsed: timedelta, short: str, words: str) -> None:
    assert (age(START, START + elapsed), age_in_words(START, START + elapsed)) == (short, words)
