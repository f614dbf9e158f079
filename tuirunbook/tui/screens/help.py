"""Contextual help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import ModalScreen

from tuirunbook.core.runbook import Section
from tuirunbook.tui.commands import Command


class HelpScreen(ModalScreen[None]):
    """What a screen or step is for, what is safe, its live keys, and answers to common questions."""

    def __init__(
        self, title: str, paragraphs: Sequence[str], commands: Sequence[Command], faq: Sequence[Section]
    ) -> None:
        super().__init__()
        self._title = title
        self._paragraphs = tuple(paragraphs)
        self._commands = tuple(commands)
        self._faq = tuple(faq)
