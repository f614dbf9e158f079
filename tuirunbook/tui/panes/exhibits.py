"""How the rows of the evidence look. Pure functions of a view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from textual.content import Content

from tuirunbook.core.age import age
from tuirunbook.core.claims import in_question
from tuirunbook.core.evidence import Finding, InLine
from tuirunbook.core.lock import parse_time, short
from tuirunbook.core.text import one_line
from tuirunbook.tui.panes.parts import SAYS_GLYPH, SAYS_STYLE, SAYS_WORDS, heading, pair
from tuirunbook.tui.view import View, clock
from tuirunbook.walk.evidence_desk import SourceStatus
from tuirunbook.walk.exhibits import MEANS, NOT_TO_DISPUTE, WEIGHT, Exhibit, dispute_of, exhibits, weighs

_WIDTH = 8


def rows_of(view: View) -> tuple[Exhibit, ...]:
    """Every row of the evidence."""
    return exhibits(view.incident, view.sources)


def asking_for(status: SourceStatus | None, now: datetime) -> str:
    """How long a source has been asked without an answer (`3s`), or empty."""
    return age(status.asking_since, now) if status is not None and status.asking_since else ""


def source_word(row: Exhibit, view: View) -> tuple[str, str]:
    """How a source stands, in a few words with a glyph, and its style."""
    status, says = row.status, min((finding.says for finding in row.said), key=WEIGHT.__getitem__, default=None)
    if row.source in view.incident.off and not (status and status.why_always):
        return "– off: not checked", "$text-warning"
    if since := asking_for(status, view.now):
        again = " again" if row.said else ""
        return f"… asking{again}, {since}", "$text-accent"
    if says is not None:
        return f"{SAYS_GLYPH[says]} {SAYS_WORDS[says]}", SAYS_STYLE[says]
    answered = status is not None and status.answered_at is not None
    return ("· knows nothing of it", "$text-muted") if answered else ("? not asked yet", "$text-warning")


def row_line(row: Exhibit, view: View, width: int) -> Content:
    """A row on one line, a cell short of where a scrollbar may stand."""
    width -= 1
    if row.finding is None:
        word, style = source_word(row, view)
        name = one_line(row.source, max(8, width - len(word) - 2))
        return Content.assemble((name, "bold"), " " * max(2, width - len(name) - len(word)), (word, style))
    finding = row.finding
    about = f"[{short(finding.lock)}] " if len(in_question(view.incident)) > 1 else ""
    mark = ("disputed: ", "bold $text-warning") if dispute_of(view.incident, finding) else ""
    glyph = (f"  {SAYS_GLYPH[finding.says]} ", SAYS_STYLE[finding.says])
    return Content.assemble(glyph, about, mark, one_line(finding.fact, width))


def in_full(row: Exhibit, view: View) -> Content:
    """Everything that is known of a row."""
    lines = _finding(row.finding, row, view) if row.finding else _source(row, view)
    return Content("\n").join(list(lines))


def _source(row: Exhibit, view: View) -> Iterator[Content]:
    word, style = source_word(row, view)
    yield Content.assemble((row.source, "bold"), "   ", (word, style))
    off, status = view.incident.off.get(row.source), row.status
    if off is not None and not (status and status.why_always):
        why = f": {one_line(off.why, 300)}" if off.why else ""
        yield Content(f"Turned off by {one_line(off.by, 80)} at {_moment(off.at, view)}{why}.")
        yield Content("What it would know is not checked. What it said before still blocks, and no longer supports.")
    if status is not None:
        yield Content(weighs(status))
        if status.why_always:
            yield Content(f"It cannot be turned off: {status.why_always}.")
        if status.answered_at:
            yield pair("answered", f"{clock(status.answered_at, view.zone)}, {age(status.answered_at, view.now)} ago")
    for finding in row.said:
        yield Content.assemble((f"{SAYS_GLYPH[finding.says]} ", SAYS_STYLE[finding.says]), one_line(finding.fact, 400))


def _finding(finding: Finding, row: Exhibit, view: View) -> Iterator[Content]:
    word = f"{SAYS_GLYPH[finding.says]} {SAYS_WORDS[finding.says]}"
    yield Content.assemble((word, f"bold {SAYS_STYLE[finding.says]}".strip()), f": {MEANS[finding.says]}")
    yield Content(one_line(finding.fact, 2_000))
    if dispute := dispute_of(view.incident, finding):
        by = f"{one_line(dispute.who, 80)} at {_moment(dispute.at, view)}"
        yield Content.assemble(("Disputed ", "bold $text-warning"), f"by {by}: {one_line(dispute.how, 400)}")
    if finding.final:
        yield Content(NOT_TO_DISPUTE)
    yield pair("asked", row.source, _WIDTH)
    if call := finding.source.removeprefix(row.source).lstrip(": "):
        yield pair("with", call, _WIDTH)
    yield pair("at", _times(finding, row.status, view), _WIDTH)
    record = view.incident.record(finding.lock)
    who = f" of {record.info.who}" if record and record.info and record.info.who else ""
    yield pair("lock", f"{finding.lock}{who}" if finding.lock else "the incident itself", _WIDTH)
    yield pair("match", finding.match.replace("-", " "), _WIDTH)
    if finding.link:
        yield pair("link", finding.link, _WIDTH)
    if isinstance(finding.in_line, tuple):
        yield heading("Next in line")
        yield from line_rows(finding.in_line)


def line_rows(lines: Iterable[InLine]) -> Iterator[Content]:
    """What takes the lock next, each with what holds it and what takes the hold back."""
    for line in lines:
        yield Content(f"→ {one_line(line.what, 200)}, {one_line(line.starts, 200)}")
        if line.hold:
            yield pair("  hold", one_line(line.hold, 400), _WIDTH)
            yield pair("  undo", one_line(line.undo, 400), _WIDTH)


def _times(finding: Finding, status: SourceStatus | None, view: View) -> str:
    first = _moment(finding.observed_at, view)
    last = status.answered_at if status is not None else None
    try:
        later = last is not None and (last - parse_time(finding.observed_at)).total_seconds() >= 1
    except ValueError:
        later = False
    return f"{first}; the same at {clock(last, view.zone)}" if later and last else first


def _moment(at: str, view: View) -> str:
    try:
        moment = parse_time(at)
    except ValueError:
        return one_line(at, 40)
    return f"{moment:%Y-%m-%d} {clock(moment, view.zone)}, {age(moment, view.now)} ago"
