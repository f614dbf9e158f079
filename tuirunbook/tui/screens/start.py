"""Where no backend is: paste the error, or name the state."""

from __future__ import annotations

from textual.screen import Screen

from tuirunbook.core.backend import RootModule
from tuirunbook.tui.front import Front, NoRoot


class StartScreen(Screen[RootModule | None]):
    """Where no backend is: paste the error, or name the state."""

    def __init__(self, front: Front, why: NoRoot) -> None:
        super().__init__()
        self._front = front
        self._why = why
