"""A dialog about what is not so any more goes away by itself (S1)."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from tuirunbook.core.lock import LockSnapshot
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.dialogs.confirm import ConfirmScreen


def overtaken(dialog: Screen[Any], snapshot: LockSnapshot) -> str | None:
    """Why a dialog that is open has to be closed now that this was read, or None when it may stay."""
    if isinstance(dialog, ConfirmScreen) and dialog.prepared.snapshot.fingerprint != snapshot.fingerprint:
        return "The confirmation was closed: what it was about has changed. Look again."
    if (
        isinstance(dialog, AnswerScreen)
        and dialog.asks_about
        and not snapshot.find(dialog.asks_about)
        and not snapshot.blind
    ):
        return "The question was closed: the lock that it was about is not there any more."
    return None
