"""Past and open incidents."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.age import age
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import clean, one_line
from tuirunbook.core.timeline import TimelineLine, line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, INCIDENTS, bindings
from tuirunbook.tui.front import Front, IncidentRow
from tuirunbook.tui.rows import Rows

_WORDS = {
    "unblocked": ("released, not verified", "bold $text-warning"),
    "open": ("open", "bold $text-error"),
    "verified": ("verified, not closed", ""),
    "closed": ("closed", "$text-muted"),
}
_ORDER = list(_WORDS)
EMPTY = (
    "No incidents yet.\n\n"
    "One begins when you enter the walk of a held state, hand in an error, or answer the first question. "
    "Looking leaves none."
)


class IncidentsScreen(Screen[tuple[str, str] | None]):
    """Those that need somebody first. Dismisses with `("resume", id)`, or None."""

    CSS_PATH = "incidents.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(INCIDENTS), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Every incident on this machine; first those that were released and never verified, then the open ones.",
        "Resuming goes on where it stopped and changes nothing by itself. The export is a Markdown postmortem.",
    )

    rows = getters.query_one("#incidents-rows", Rows)
    detail = getters.query_one("#incidents-detail", Static)

    class Loaded(Message):
        """The list was read."""

        def __init__(self, rows: Sequence[IncidentRow]) -> None:
            super().__init__()
            self.rows = rows

    class TranscriptRead(Message):
        """An incident's events were read."""

        def __init__(self, request: int, lines: Sequence[TimelineLine]) -> None:
            super().__init__()
            self.request = request
            self.lines = lines

    class Exported(Message):
        """An incident was written to a file."""

        def __init__(self, target: Path) -> None:
            super().__init__()
            self.target = target

    class Failed(Message):
        """Something could not be read or written; the sentence says what and why."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front
        self._listed: list[IncidentRow] = []
        self._now: datetime | None = None
        self._request = 0

    def compose(self) -> ComposeResult:
        """The rows, and the one under the cursor in full."""
        yield Static(Content.styled("Incidents", "bold"), id="incidents-title")
        yield Rows(self._row, id="incidents-rows")
        yield Static(Content("reading…"), id="incidents-detail")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Read the list, off the screen's thread."""
        self._load()

    @in_background
    def _load(self) -> None:
        try:
            self.post_message(self.Loaded(tuple(self._front.incidents())))
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Failed(f"The incidents cannot be read: {error}"))

    @on(Loaded)
    def _loaded(self, event: Loaded) -> None:
        self._now = self._front.now()
        # Newest first within each status: two stable sorts.
        newest = sorted(event.rows, key=lambda row: row.opened_at, reverse=True)
        self._listed = sorted(newest, key=lambda row: _ORDER.index(row.status) if row.status in _ORDER else 1)
        self.rows.set_count(len(self._listed), 0)
        self._show()

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        sentence = one_line(event.sentence, 400)
        self.notify(sentence, severity="error", timeout=12, markup=False)
        if not self._listed:
            self.detail.update(Content(sentence))

    def _row(self, index: int, width: int) -> Content:
        row = self._listed[index]
        words, style = _WORDS.get(row.status, (one_line(row.status, 22), ""))
        kind = "practice " if row.training else ""
        fixed = Content.assemble(
            f"{one_line(row.id, 20):<17} ", (f"{words:<22}", style), f" {self._age(row):>6}  {kind}"
        )
        room = width - fixed.cell_length
        if room < 16:  # noqa: PLR2004 - less of a path than that tells nothing; it stands in full below
            return fixed
        who = f"  {one_line(row.operator, 16)}" if room > 40 else ""  # noqa: PLR2004 - the state's name and a person
        return Content.assemble(fixed, _end(one_line(row.state, 1_000), room - len(who)), (who, "$text-muted"))

    def _age(self, row: IncidentRow) -> str:
        try:
            return age(parse_time(row.opened_at), self._now) if self._now else ""
        except ValueError:
            return "?"

    @property
    def _current(self) -> IncidentRow | None:
        return self._listed[self.rows.cursor] if self._listed else None

    @on(Rows.Moved)
    def _show(self) -> None:
        row = self._current
        if row is None:
            self.detail.update(Content(EMPTY))
            return
        words, style = _WORDS.get(row.status, (one_line(row.status, 40), ""))
        lines = [
            Content.assemble(
                (one_line(row.id, 60), "bold"), "  ", (words, style), "  practice" if row.training else ""
            ),
            Content(one_line(row.state, 300)),
            Content(f"opened {one_line(row.opened_at[:19], 30)}Z by {one_line(row.operator, 60)}"),
            Content(f"cannot be resumed here: {one_line(row.resumable, 200)}" if row.resumable else ""),
        ]
        self.detail.update(Content("\n").join(lines))

    @on(Rows.Chosen)
    def action_resume(self) -> None:
        """Go on with the incident under the cursor."""
        row = self._current
        if row is None:
            return
        if row.resumable:
            self.notify(f"It cannot be resumed here: {one_line(row.resumable, 300)}", severity="warning", markup=False)
            return
        self.dismiss(("resume", row.id))

    def action_transcript(self) -> None:
        """Show everything that happened in it."""
        row = self._current
        if row is not None:
            self._request += 1
            self._read_transcript(self._request, row.id)

    @in_background
    def _read_transcript(self, request: int, incident: str) -> None:
        try:
            lines = [line(event) for event in self._front.events(incident)]
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Failed(f"{incident} cannot be read: {error}"))
        else:
            self.post_message(self.TranscriptRead(request, lines))

    @on(TranscriptRead)
    def _show_transcript(self, event: TranscriptRead) -> None:
        if event.request != self._request or not self.is_current:
            return
        from tuirunbook.tui.screens.transcript import TranscriptScreen  # noqa: PLC0415 - loaded when it is wanted

        self.app.push_screen(TranscriptScreen(event.lines, self._front.now().tzinfo))

    def action_export(self) -> None:
        """Write it as Markdown to a file in the current directory."""
        row = self._current
        if row is not None:
            self._export(row.id)

    @in_background
    def _export(self, incident: str) -> None:
        try:
            target = _write_new(Path.cwd(), incident, self._front.export(incident))
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Failed(f"{incident} could not be exported: {error}"))
        else:
            self.post_message(self.Exported(target))

    @on(Exported)
    def _exported(self, event: Exported) -> None:
        self.notify(f"Written to {clean(str(event.target), keep_newlines=False)}", timeout=20, markup=False)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


def _end(text: str, room: int) -> str:
    """The end of a path, which tells more than its beginning, in exactly `room` characters."""
    shown = text if len(text) <= room else "…" + text[len(text) - room + 1 :]
    return f"{shown:<{max(room, 0)}}"


def _write_new(directory: Path, name: str, text: str) -> Path:
    """Write to a file that was not there before, numbered where needed."""
    stem = "incident-" + (re.sub(r"[^\w.-]+", "-", name).strip("-.") or "unnamed")
    number = 1
    while True:
        target = directory / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        try:
            file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(file, "w", encoding="utf-8") as written:
            written.write(text)
        return target
