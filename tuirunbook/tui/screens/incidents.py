"""Past and open incidents."""

from __future__ import annotations

from textual.screen import Screen

from tuirunbook.tui.front import Front


class IncidentsScreen(Screen[tuple[str, str] | None]):
    """Past and open incidents."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front
