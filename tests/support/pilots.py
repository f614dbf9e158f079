"""Driving screens: wait for a condition, never for a time; and pictures to look at."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING, Any, ParamSpec

from textual.app import App
from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.screen import Screen

P = ParamSpec("P")

SIZES = [(80, 24), (60, 20)]
"""Every screen works at these."""

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 [PROD] [/x] [bold]loud[/bold] [@click=app.quit]x[/] \u202eevil\x00"
"""Escape sequences, console markup of every kind, bidi overrides and a NUL."""

PATIENCE = 20.0


def piloted(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """An async test as one that pytest runs without a plugin."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Let the application work until the condition holds.

    Raises:
        AssertionError: It does not come to hold.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what or 'the condition'}"
        await pilot.pause()
        await asyncio.sleep(0)


class OneScreen(App[Any]):
    """Shows one screen, and keeps what it was dismissed with."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.shown = screen
        self.outcomes: list[Any] = []
        self.bells = 0

    async def on_mount(self) -> None:
        await self.push_screen(self.shown, self.outcomes.append)

    def bell(self) -> None:
        self.bells += 1


def text_of(app: App[Any], selector: str) -> str:
    """What a Static on the current screen says."""
    content = app.screen.query_one(selector, Static).content
    return content.plain if isinstance(content, Content) else str(content)


def painted(app: App[Any]) -> str:
    """The current screen as plain lines, as it is painted."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def notices(app: App[Any]) -> str:
    """The notifications that are up."""
    return "\n".join(str(notice.message) for notice in app._notifications)


def picture(app: App[Any], path: Path) -> None:
    """Export what is on the screen as SVG."""
    path.write_text(app.export_screenshot(), encoding="utf-8")
