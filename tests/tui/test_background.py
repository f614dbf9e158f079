"""Work off the screen's thread: results arrive, failures are told, and nothing of it holds the end of the program."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from textual.screen import Screen

from tests.support.pilots import HOSTILE, OneScreen, piloted, until
from tuirunbook.tui.background import aside, in_background

LEAVES = """
import asyncio, threading
from tuirunbook.tui.background import aside

async def main():
    begun = threading.Event()
    asyncio.create_task(aside(lambda: (begun.set(), threading.Event().wait())))
    while not begun.is_set():
        await asyncio.sleep(0)

asyncio.run(main())
"""


class Working(Screen[None]):
    """Keeps what its work hands over."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, bool]] = []

    @in_background
    def work_on(self, what: str, *, fail: bool = False) -> None:
        if fail:
            raise OSError(what)
        self.call_later(self.heard.append, (what, threading.current_thread().daemon))


@piloted
async def test_a_result_arrives_from_a_thread_that_nobody_waits_for() -> None:
    app = OneScreen(screen := Working())
    async with app.run_test() as pilot:
        screen.work_on("a look")
        await until(pilot, lambda: screen.heard, "the result")
        assert screen.heard == [("a look", True)]


@piloted
async def test_what_work_does_not_handle_is_told_and_is_no_markup() -> None:
    app = OneScreen(screen := Working())
    async with app.run_test(notifications=True) as pilot:
        screen.work_on(HOSTILE, fail=True)
        await until(pilot, lambda: app._notifications, "the notice")
        (notice,) = app._notifications
        assert notice.message.startswith("OSError: ")
        assert "[PROD]" in notice.message
        assert "\x1b" not in notice.message


@piloted
async def test_what_arrives_after_the_end_is_dropped() -> None:
    app = OneScreen(screen := Working())
    async with app.run_test():
        pass
    screen.work_on("too late")
    screen.work_on("too late", fail=True)
    for thread in threading.enumerate():
        if thread.name == "work_on":
            thread.join(10)
    assert screen.heard == []


@piloted
async def test_what_is_done_aside_returns_or_raises() -> None:
    assert await aside(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await aside(int, "seven")


def test_the_end_of_the_loop_waits_for_nothing_that_is_done_aside() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""
