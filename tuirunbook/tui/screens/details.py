"""The whole lock: both stores, raw text, hashes, digest, state object, table."""

from __future__ import annotations

from textual.screen import Screen

from tuirunbook.tui.view import View


class DetailsScreen(Screen[None]):
    """The whole lock: both stores, raw text, hashes, digest, state object, table."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
