"""A calm watch until the holder lets go."""

from __future__ import annotations

from typing import Literal, TypeAlias

from textual.screen import Screen

from tuirunbook.tui.view import View

Outcome: TypeAlias = Literal["released", "changed", "stopped"]


class WaitScreen(Screen[Outcome]):
    """Dismisses with how the wait ended."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def update(self, view: View) -> None:
        """Show a newer view."""
        self._view = view
