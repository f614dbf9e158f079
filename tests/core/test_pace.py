"""How often to look."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.pace import LOOK_SECONDS, look_after

SECONDS = st.floats(0, 1e9, allow_nan=False)


def test_a_lock_on_the_screen_is_looked_at_every_three_seconds() -> None:
    assert look_after() == LOOK_SECONDS == 3


def test_each_failure_doubles_the_pause_up_to_half_a_minute() -> None:
    assert [look_after(failures=count) for count in range(6)] == [3, 6, 12, 24, 30, 30]


def test_a_calm_wait_slows_to_a_minute() -> None:
    assert [look_after(waited=minutes * 60.0) for minutes in (0, 3, 10, 60, 600)] == [3, 3, 10, 60, 60]


@given(st.integers(0, 10_000), SECONDS)
def test_no_pause_is_shorter_than_a_look_or_longer_than_a_minute(failures: int, waited: float) -> None:
    assert LOOK_SECONDS <= look_after(failures=failures, waited=waited) <= 60


@given(SECONDS, SECONDS)
def test_the_longer_the_wait_the_rarer_the_looks(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert look_after(waited=less) <= look_after(waited=more)
