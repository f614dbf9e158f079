"""What a command of ours prints, followed while it is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.screen import Screen


class OutputScreen(Screen[None]):
    """What a command of ours prints, followed while it is printed."""

    def __init__(self, title: str, log_path: Path, running: Callable[[], bool]) -> None:
        super().__init__()
        self._title = title
        self._log_path = log_path
        self._running = running
