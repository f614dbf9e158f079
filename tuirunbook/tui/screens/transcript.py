"""The whole incident as lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import Screen

from tuirunbook.core.timeline import TimelineLine


class TranscriptScreen(Screen[None]):
    """The whole incident as lines, the newest at the end."""

    def __init__(self, lines: Sequence[TimelineLine]) -> None:
        super().__init__()
        self._lines = list(lines)

    def add(self, line: TimelineLine) -> None:
        """Take in what happened just now."""
        self._lines.append(line)
