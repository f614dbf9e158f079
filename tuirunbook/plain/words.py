"""Words for weights, moments, and what is next in line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tuirunbook.core.age import age_in_words
from tuirunbook.core.evidence import InLine, Says
from tuirunbook.core.text import one_line
from tuirunbook.plain.session import Session

SAYS = {Says.BLOCKS: "BLOCKS", Says.SUPPORTS: "supports", Says.NOTHING: "says nothing", Says.UNKNOWN: "not known"}


def moment(when: datetime, session: Session) -> str:
    """A moment in UTC with local time beside it."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z ({when.astimezone(session.now.tzinfo):%H:%M} here)"


def moment_ago(when: datetime, session: Session) -> str:
    """A moment, and how long ago it was."""
    return f"{moment(when, session)}, {age_in_words(when, session.now)} ago"


def line_rows(lines: Iterable[InLine]) -> Iterator[str]:
    """What takes the lock next, each with what holds it and what takes the hold back."""
    for line in lines:
        yield f"next in line: {one_line(line.what, 200)}, {one_line(line.starts, 200)}"
        if line.hold:
            yield "what holds it, and what takes the hold back:"
            yield f"  $ {one_line(line.hold, 1_000)}"
            yield f"  $ {one_line(line.undo, 1_000)}"
