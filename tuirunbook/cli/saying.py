"""How commands speak: results to standard output, everything about them to standard error, all of it cleaned."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from tuirunbook.core.text import clean
from tuirunbook.core.wrapping import fold
from tuirunbook.terminal import is_terminal, width_of
from tuirunbook.wiring.problem import Problem


def say(text: str = "") -> None:
    """One piece of a result, as it is."""
    print(clean(text))  # noqa: T201 - this is a command's output


def tell(text: str, *, indent: int = 0) -> None:
    """One sentence or row of a result: folded on a terminal, to columns from `indent` on, and whole for a script."""
    print(_folded(clean(text), sys.stdout, indent))  # noqa: T201 - likewise


def remark(text: str) -> None:
    """Something about a result: progress, a note."""
    print(_folded(clean(text), sys.stderr), file=sys.stderr, flush=True)  # noqa: T201 - likewise


def say_json(value: object) -> None:
    """A result for scripts. ASCII only, so that no terminal reads anything into it."""
    print(json.dumps(value, indent=2))  # noqa: T201 - likewise


def complain(problem: Problem) -> None:
    """What went wrong and what to do about it."""
    remark(f"tflock-tui: {problem.sentence}")
    if problem.next_step:
        remark(problem.next_step)


def _folded(text: str, stream: TextIO, indent: int = 0) -> str:
    if not is_terminal(stream):
        return text
    width = width_of(stream)
    return "\n".join(part for line in text.splitlines() for part in fold(line, width, " " * indent))
