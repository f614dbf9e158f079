"""How commands speak: results to standard output, everything about them to standard error, all of it cleaned."""

from __future__ import annotations

import json
import sys

from tuirunbook.core.text import clean
from tuirunbook.wiring.problem import Problem


def say(text: str = "") -> None:
    """One piece of a result."""
    print(clean(text))  # noqa: T201 - this is a command's output


def remark(text: str) -> None:
    """Something about a result: progress, a note."""
    print(clean(text), file=sys.stderr, flush=True)  # noqa: T201 - likewise


def say_json(value: object) -> None:
    """A result for scripts. ASCII only, so that no terminal reads anything into it."""
    print(json.dumps(value, indent=2))  # noqa: T201 - likewise


def complain(problem: Problem) -> None:
    """What went wrong and what to do about it."""
    remark(f"tflock-tui: {problem.sentence}")
    if problem.next_step:
        remark(problem.next_step)
