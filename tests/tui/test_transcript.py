"""The transcript: ten thousand lines, live, searched and copied."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from tests.support.pilots import HOSTILE, SIZES, OneScreen, painted, piloted, text_of, until
from tuirunbook.core.events import Marker
from tuirunbook.core.timeline import TimelineLine
from tuirunbook.tui.screens.transcript import TranscriptScreen

ZONE = timezone(timedelta(hours=2))


def told(fact: str, minute: int = 0, **facts: object) -> TimelineLine:
    given = {"actor": "Priya Raman", "marker": None, "source": "", "link": "", "routine": False} | facts
    return TimelineLine(at=f"2026-11-23T03:{minute % 60:02}:16.000Z", fact=fact, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_it_begins_at_the_newest_line_and_shows_it_in_full(size: tuple[int, int]) -> None:
    lines = [told(f"Fact {number} was seen.", number) for number in range(100)]
    lines.append(told("It ended.", 40, marker=Marker.KEY_MOMENT, source="gh api", link="https://ci/4711"))
    app = OneScreen(TranscriptScreen(lines, ZONE))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "▸ 03:40:16Z *" in painted(app))
        detail = text_of(app, "#transcript-detail")
        assert detail.startswith("2026-11-23 03:40:16Z (05:40)   Priya Raman   key moment\nIt ended.")
        assert "https://ci/4711" in detail
        await pilot.press("g")
        await until(pilot, lambda: "Fact 0" in text_of(app, "#transcript-detail"))
        await pilot.press("escape")
        assert app.outcomes == [None]


@piloted
async def test_what_happens_meanwhile_is_shown_without_moving_a_reader() -> None:
    lines = [told(f"Fact {number}.") for number in range(50)]
    screen = TranscriptScreen(lines)
    app = OneScreen(screen)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Fact 49" in painted(app))
        screen.add(told("The lock left."))
        await until(pilot, lambda: "The lock left." in text_of(app, "#transcript-detail"))
        await pilot.press("k", "k")
        before = screen.rows.cursor
        screen.add(told("Another came."))
        await until(pilot, lambda: "of 52" in text_of(app, "#transcript-status"))
        assert screen.rows.cursor == before


@piloted
async def test_a_search_goes_back_in_time_first_and_round_the_end() -> None:
    screen = TranscriptScreen([told("The plan ran." if number in {3, 30} else "Hay.") for number in range(50)])
    app = OneScreen(screen)
    async with app.run_test() as pilot:
        await pilot.press("slash", *"PLAN", "enter")
        await until(pilot, lambda: screen.rows.cursor == 30)
        await pilot.press("N")
        await until(pilot, lambda: screen.rows.cursor == 3)
        await pilot.press("N")
        await until(pilot, lambda: screen.rows.cursor == 30)
        await pilot.press("slash", *"x", "enter")
        await until(pilot, lambda: "not found" in text_of(app, "#transcript-status"))
        assert screen.rows.cursor == 30


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_hostile_lines_are_text(size: tuple[int, int]) -> None:
    app = OneScreen(TranscriptScreen([told(HOSTILE + "y" * 400_000, actor="[/x]", source="[PROD]", link="[bold]")]))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "red [PROD] [/x] [bold]loud[/bold]" in painted(app))
        assert "[/x]" in text_of(app, "#transcript-detail")
        assert "\x1b" not in text_of(app, "#transcript-detail")
        await pilot.press("c")
        assert "[PROD]" in app.clipboard


@piloted
async def test_ten_thousand_lines_open_and_move() -> None:
    lines = [told(f"Fact {number} was seen.") for number in range(10_000)]
    screen = TranscriptScreen(lines)
    app = OneScreen(screen)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Fact 9999" in painted(app))
        screen.rows.action_cursor_first()
        await until(pilot, lambda: "▸ 03:00:16Z   Fact 0 " in painted(app))
        await pilot.press("slash", *"fact 5000", "enter")
        await until(pilot, lambda: screen.rows.cursor == 5000)


@piloted
async def test_nothing_yet_is_said() -> None:
    screen = TranscriptScreen([])
    app = OneScreen(screen)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has happened yet." in painted(app))
        await pilot.press("n", "escape", "c", "k", "enter")
        screen.add(told("Something."))
        await until(pilot, lambda: "Something." in painted(app))
