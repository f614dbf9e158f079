"""Every state of the repository, with its lock."""

from __future__ import annotations

from textual.screen import Screen

from tuirunbook.core.backend import RootModule
from tuirunbook.tui.front import Front


class StatesScreen(Screen[RootModule | None]):
    """Every state of the repository, with its lock."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front
