"""What went wrong, for people: one sentence and the next step, whichever room it comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tuirunbook.core.text import clean


class Problem(ValueError):  # noqa: N818 - it is told, not raised to programmers
    """Something foreseeable that ends what was asked for.

    Attributes:
        sentence: What is wrong.
        next_step: What to do about it; may be empty.
    """

    def __init__(self, sentence: str, next_step: str = "") -> None:
        self.sentence = clean(sentence)
        self.next_step = clean(next_step)
        super().__init__(f"{self.sentence} {self.next_step}".strip())


@contextmanager
def told() -> Iterator[None]:
    """Turn every foreseeable failure of an adapter into a `Problem`; what nobody foresaw passes through."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        problem = _translate(error)
        if problem is None:
            raise
        raise problem from error


def _translate(error: Exception) -> Problem | None:
    from tuirunbook.core.values import JournalError, ProgramError  # noqa: PLC0415 - only a failure needs it

    if isinstance(error, JournalError | ProgramError):
        return Problem(_sentence(error))
    for module, name, translate in _LAZY:
        # An adapter that was not imported raised nothing.
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, name)):
            return translate(error)
    return None


def _sentence(error: Exception) -> str:
    text = str(error).strip()
    return text if text.endswith((".", "!", "?", ")", "`")) else text + "."


def _detection(error: Any) -> Problem:
    return Problem(f"{error.place}{error.sentence}", error.next_step)


_LAZY: tuple[tuple[str, str, Callable[[Any], Problem]], ...] = (
    ("tuirunbook.repository.errors", "DetectionError", _detection),
    (
        "tuirunbook.library.mistakes",
        "RunbookErrors",
        lambda error: Problem(str(error), "Mend the runbook; `tflock-tui runbook check FILE` lists all mistakes."),
    ),
    ("tuirunbook.core.address", "AddressError", lambda error: Problem(_sentence(error), "Check bucket and key.")),
    ("tuirunbook.locks.settings", "SettingsError", lambda error: Problem(_sentence(error))),
    (
        "tuirunbook.settings",
        "SettingsFileError",
        lambda error: Problem(_sentence(error), "Mend that file, or move it away."),
    ),
)
