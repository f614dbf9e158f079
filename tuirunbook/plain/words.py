"""Words for weights, moments, spans of time, and what is next in line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tuirunbook.core.evidence import InLine, Says
from tuirunbook.core.text import one_line
from tuirunbook.plain.session import Session

SAYS = {Says.BLOCKS: "BLOCKS", Says.SUPPORTS: "supports", Says.NOTHING: "says nothing", Says.UNKNOWN: "not known"}


def moment(when: datetime, session: Session) -> str:
    """A moment in UTC with local time beside it."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z ({when.astimezone(session.now.tzinfo):%H:%M} here)"


def age(since: datetime, now: datetime) -> str:
    """How long, for people: `45 s`, `12 min`, `1 h 1 min`, `3 d 4 h`."""
    seconds = max(0, int((now - since).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if not days else f"{days} d {hours % 24} h"


def line_rows(lines: Iterable[InLine]) -> Iterator[str]:
    """What takes the lock next, each with what holds it and what takes the hold back."""
    for line in lines:
        yield f"next in line: {one_line(line.what, 200)}, {one_line(line.starts, 200)}"
        if line.hold:
            yield "what holds it, and what takes the hold back:"
            yield f"  $ {one_line(line.hold, 1_000)}"
            yield f"  $ {one_line(line.undo, 1_000)}"
