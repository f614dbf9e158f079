"""The whole incident as lines, the newest at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.events import Marker
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import TimelineLine
from tuirunbook.tui.commands import ABIDING, TRANSCRIPT, bindings
from tuirunbook.tui.prompt import Prompt
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.view import View

_MARKS = {Marker.DETECTION: "!", Marker.DIAGNOSIS: "?", Marker.REPAIR: "+", Marker.KEY_MOMENT: "*"}
_NARROW = 100
"""Columns from which on a row also says who did it; that of the row under the cursor is said below at any width."""


class TranscriptScreen(Screen[None]):
    """One row for each event, and the row under the cursor in full below.

    Args:
        lines: The lines so far. When this is a list that grows, `update_view` takes in what it has more.
        zone: The zone of the local times; this machine's when it is not given.
    """

    CSS_PATH = "transcript.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(TRANSCRIPT), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Everything that happened in this incident, the newest at the end. It is on disk already.",
        "The mark before a line: ! detection, ? diagnosis, + repair, * key moment.",
        "Below the list stands the line under the cursor in full; its text can be selected and copied.",
    )

    rows = getters.query_one("#transcript-rows", Rows)
    status = getters.query_one("#transcript-status", Static)
    detail = getters.query_one("#transcript-detail", Static)
    prompt = getters.query_one("#transcript-prompt", Prompt)

    def __init__(self, lines: Sequence[TimelineLine], zone: tzinfo | None = None) -> None:
        super().__init__()
        self._source = lines
        self._taken = len(lines)
        self._told = list(lines)
        self._zone = zone
        self._needle = ""
        self._said = ""

    def compose(self) -> ComposeResult:
        """How many, the rows, the one under the cursor, a prompt when something is looked for."""
        yield Static(Content("Transcript"), id="transcript-status")
        yield Rows(self._row, id="transcript-rows")
        with VerticalScroll(id="transcript-scroll", can_focus=False):
            yield Static(Content("Nothing has happened yet."), id="transcript-detail")
        yield Prompt(id="transcript-prompt")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin at the newest line."""
        self.rows.set_count(len(self._told), len(self._told) - 1)
        self._show()

    def add(self, line: TimelineLine) -> None:
        """Take in what happened just now; the cursor goes along when it is on the newest line."""
        self._take([line])

    def update_view(self, view: View) -> None:
        """Take in what the given lines have grown by."""
        del view
        fresh = self._source[self._taken :]
        self._taken = len(self._source)
        if fresh:
            self._take(fresh)

    def _take(self, lines: Sequence[TimelineLine]) -> None:
        newest = self.rows.cursor >= len(self._told) - 1
        self._told.extend(lines)
        self.rows.set_count(len(self._told), len(self._told) - 1 if newest else None)
        self._show()

    def _row(self, index: int, width: int) -> Content:
        line = self._told[index]
        mark = _MARKS.get(line.marker, " ") if line.marker else " "
        who = "" if width < _NARROW else f"{one_line(line.actor, 12):<12} "
        time = f"{line.at[11:19]}Z "
        text = one_line(line.fact, width)
        content = Content.assemble((time, "$text-muted"), (f"{mark} ", "bold"), (who, "$text-muted"), text)
        at = text.casefold().find(self._needle.casefold()) if self._needle else -1
        if at >= 0:
            begin = len(content.plain) - len(text) + at
            content = content.stylize("reverse", begin, begin + len(self._needle))
        return content

    @on(Rows.Moved)
    def _show(self) -> None:
        place = f"{self.rows.cursor + 1:,} of {len(self._told):,}" if self._told else "empty"
        said = f"   {self._said}" if self._said else ""
        self.status.update(Content.assemble(("Transcript", "bold"), f"   {place}{said}"))
        if self._told:
            self.detail.update(self._full(self._told[self.rows.cursor]))

    def _full(self, line: TimelineLine) -> Content:
        when = _moments(line.at, self._zone)
        marker = f"   {line.marker.value.replace('-', ' ')}" if line.marker else ""
        parts = [
            Content.assemble((when, "bold"), f"   {one_line(line.actor, 80)}", (marker, "bold")),
            Content(one_line(line.fact, 1_000)),
        ]
        if line.source:
            parts.append(Content.assemble(("source ", "$text-muted"), one_line(line.source, 400)))
        if line.link:
            parts.append(Content.assemble(("link   ", "$text-muted"), one_line(line.link, 1_000)))
        return Content("\n").join(parts)

    # Search and copy

    def action_search(self) -> None:
        """Ask what to look for."""
        self.prompt.ask("search", "find", self._needle)

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        self._needle = event.text
        self.rows.focus()
        self._said = ""
        if self._needle:
            self._go_to_match(-1, from_here=True)
        self.rows.refresh()
        self._show()

    def action_match(self, step: int) -> None:
        """The next or previous line that contains it."""
        if self._needle:
            self._go_to_match(step)
        else:
            self.action_search()

    def _go_to_match(self, step: int, *, from_here: bool = False) -> None:
        needle, count = self._needle.casefold(), len(self._told)
        begin = self.rows.cursor + (0 if from_here else step)
        numbers = ((begin + step * offset) % count for offset in range(count))
        found = next((number for number in numbers if needle in _searched(self._told[number])), None)
        self._said = f"{one_line(self._needle, 40)}: {'not found' if found is None else 'found'}"
        if found is not None:
            self.rows.cursor = found
        self._show()

    def action_copy(self) -> None:
        """Copy the selected text, or else the line under the cursor."""
        text = self.get_selected_text()
        if not text and self._told:
            text = self._full(self._told[self.rows.cursor]).plain
        if text:
            self.app.copy_to_clipboard(text)
            self.notify("Copied.", markup=False)

    def action_newest(self) -> None:
        """To the newest line."""
        self.rows.action_cursor_last()

    def action_oldest(self) -> None:
        """To the first line."""
        self.rows.action_cursor_first()

    def action_leave(self) -> None:
        """Close the prompt, or the screen."""
        if self.prompt.is_asking:
            self.prompt.put_away()
            self.rows.focus()
        else:
            self.dismiss(None)


def _searched(line: TimelineLine) -> str:
    return f"{line.at} {line.actor} {line.marker or ''} {line.fact} {line.source} {line.link}".casefold()


def _moments(at: str, zone: tzinfo | None) -> str:
    """A moment in UTC with its local time; as it was written when it is no time."""
    try:
        moment: datetime = parse_time(at)
    except ValueError:
        return one_line(at, 40)
    return f"{at[:10]} {at[11:19]}Z ({moment.astimezone(zone):%H:%M})"
