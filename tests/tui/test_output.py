"""The output of a command: followed, searched, copied, saved."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input

from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, text_of, until
from tuirunbook.tui.logfile import LINE_LIMIT, LogFile
from tuirunbook.tui.screens.output import OutputScreen

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(text)


def opened(path: Path, *, running: bool = True) -> tuple[OneScreen, OutputScreen]:
    screen = OutputScreen("plan-1", path, lambda: running)
    return OneScreen(screen), screen


def indexed(path: Path) -> LogFile:
    log = LogFile(path)
    while log.read_more():
        pass
    return log


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_it_follows_the_end_while_the_command_prints(tmp_path: Path, size: tuple[int, int]) -> None:
    log = tmp_path / "plan.log"
    app, screen = opened(log)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "nothing printed yet" in text_of(app, "#output-status"))
        write(log, "".join(f"line {number}\n" for number in range(500)))
        await until(pilot, lambda: "line 499" in painted(app))
        write(log, "the last word\n")
        await until(pilot, lambda: "the last word" in painted(app))
        assert "▶ running  501 lines  following" in text_of(app, "#output-status")
        assert screen.output.follow


@piloted
async def test_scrolling_up_stays_where_it_is_until_the_end_is_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    write(log, "".join(f"line {number}\n" for number in range(500)))
    app, screen = opened(log)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "line 499" in painted(app))
        await pilot.press("k")
        top = screen.output.scroll_offset.y
        write(log, "more\n" * 100)
        await until(pilot, lambda: "600 lines" in text_of(app, "#output-status"))
        assert screen.output.scroll_offset.y == top
        await pilot.press("G")
        await until(pilot, lambda: screen.output.is_vertical_scroll_end)
        write(log, "the last word\n")
        await until(pilot, lambda: "the last word" in painted(app))
        await pilot.press("g")
        await until(pilot, lambda: "line 0" in painted(app))


@piloted
async def test_a_search_goes_on_round_the_end_in_both_directions(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    write(log, "".join(f"{'Needle' if number in {100, 4000} else 'hay'} {number}\n" for number in range(5000)))
    app, screen = opened(log, running=False)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "hay 4999" in painted(app))
        await pilot.press("g", "slash", *"needle", "enter")
        await until(pilot, lambda: "needle: line 101" in text_of(app, "#output-status"))
        assert "Needle 100" in painted(app)
        await pilot.press("n")
        await until(pilot, lambda: "needle: line 4,001" in text_of(app, "#output-status"))
        await pilot.press("n")
        await until(pilot, lambda: "needle: line 101" in text_of(app, "#output-status"))
        await pilot.press("N")
        await until(pilot, lambda: "needle: line 4,001" in text_of(app, "#output-status"))
        assert not screen.output.follow
        await pilot.press("slash", *"nowhere", "enter")
        await until(pilot, lambda: "not found" in text_of(app, "#output-status"))


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_hostile_output_is_shown_as_text(tmp_path: Path, size: tuple[int, int]) -> None:
    log = tmp_path / "plan.log"
    write(log, f"{HOSTILE}\n[/x]\n" + "x" * 400_000 + "\n\tindented\rback\n")
    app, screen = opened(log)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "indented" in painted(app))
        shown = painted(app)
        assert "red [PROD] [/x] [bold]loud[/bold]" in shown
        assert "owned" not in shown
        assert "\x1b" not in screen.output.on_screen()
        assert "indented back" in shown
        await pilot.press("slash", *"x[/]", "enter")
        await until(pilot, lambda: "x[/]: line 1" in text_of(app, "#output-status"))


@piloted
async def test_a_long_line_is_cut_and_scrolls_sideways(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    write(log, "a" * 200 + "the end\n" + "b" * (LINE_LIMIT * 2) + "\n")
    app, screen = opened(log)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "2 lines" in text_of(app, "#output-status"))
        await pilot.press("slash", *"the end", "enter")
        await until(pilot, lambda: "the end" in painted(app))
        assert indexed(log).line(1).endswith("b…")
        assert screen.output.scroll_offset.x > 0


@piloted
async def test_what_is_selected_or_else_visible_is_copied(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    write(log, "first line\nsecond line\nthird line\n")
    app, _ = opened(log)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "third" in painted(app))
        await pilot.press("c")
        assert app.clipboard == "first line\nsecond line\nthird line"
        await pilot.mouse_down("#output-lines", offset=(6, 0))
        await pilot.hover("#output-lines", offset=(6, 1))
        await pilot.mouse_up("#output-lines", offset=(6, 1))
        await pilot.press("c")
        assert app.clipboard.startswith("line\nsecond")
        assert "S saves to a file" in notices(app)


@piloted
async def test_a_copy_is_saved_without_secrets_and_never_over_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "raw.log"
    write(log, "\x1b[1mAKIAABCDEFGHIJKLMNOP\x1b[0m used\n" + "line\n" * 100_000)
    app, screen = opened(log)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "100,001 lines" in text_of(app, "#output-status"))
        await pilot.press("S", "enter")
        saved = tmp_path / "plan-1.log"
        await until(pilot, lambda: str(saved) in notices(app).replace("\n", ""))
        text = saved.read_text(encoding="utf-8")
        assert text.startswith("[redacted] used\nline\n")
        assert text.count("\n") == 100_001
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        await pilot.press("S", "enter")
        await until(pilot, lambda: "is there already" in notices(app))
        assert screen.query_one(Input).has_class("-asking")
        await pilot.press("escape")
        assert app.outcomes == []
        await pilot.press("escape")
        assert app.outcomes == [None]


def test_a_private_key_across_two_blocks_is_not_saved(tmp_path: Path) -> None:
    log = tmp_path / "raw.log"
    begin, end = "-----BEGIN RSA PRIVATE KEY-----\n", "-----END RSA PRIVATE KEY-----\n"
    filler = "x" * 99 + "\n"
    write(log, filler * 2_620 + begin + "c2VjcmV0\n" * 200 + end + filler)
    indexed(log).save_copy(tmp_path / "copy")
    assert "c2VjcmV0" not in (tmp_path / "copy").read_text(encoding="utf-8")


def test_lines_are_known_while_the_last_one_is_still_written(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = LogFile(path)
    assert not log.read_more()
    write(path, "one\ntw")
    assert log.read_more()
    assert (log.count, log.complete, log.line(1)) == (2, 1, "tw")
    write(path, "o\n")
    assert log.read_more()
    assert (log.count, log.line(1), log.line(2), log.width) == (2, "two", "", 4)


@pytest.mark.parametrize(("start", "step", "found"), [(0, 1, 3), (4, 1, 3), (3, -1, 3), (2, -1, 3), (0, -1, 3)])
def test_a_search_begins_anywhere(tmp_path: Path, start: int, step: int, found: Any) -> None:
    write(tmp_path / "log", "a\nb\nc\nthe NEEDLE\ne\n")
    assert indexed(tmp_path / "log").find("needle", start, step, lambda: True) == found


def test_a_search_that_nobody_wants_any_more_ends(tmp_path: Path) -> None:
    write(tmp_path / "log", "needle\n")
    assert indexed(tmp_path / "log").find("needle", 0, 1, lambda: False) is None
