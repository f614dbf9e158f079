"""Every state of the repository, with its lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, STATES, bindings
from tuirunbook.tui.front import Front, NoRoot, StateRow
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.state_list import StateList

_REST_SECONDS = 0.05
"""Between two paintings while rows stream in; the first one waits for nothing."""


class StatesScreen(Screen[RootModule | None]):
    """One row for each state, held ones first. Dismisses with the state to walk, or None."""

    CSS_PATH = "states.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STATES), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Every state that this repository describes, and whether it is locked. Only reads are made.",
        "Held ones come first, the oldest lock before the others; then what could not be read.",
        "Enter walks the state under the cursor. A state that could not be read is never shown as free.",
    )

    rows = getters.query_one("#states-rows", Rows)
    status = getters.query_one("#states-status", Static)
    detail = getters.query_one("#states-detail", Static)
    prompt = getters.query_one("#states-filter", Input)

    class Arrived(Message):
        """States were found or read; they wait to be taken."""

    class Surveyed(Message):
        """Every state was read, or `trouble` says what stopped it."""

        def __init__(self, survey: int, trouble: str = "") -> None:
            super().__init__()
            self.survey = survey
            self.trouble = trouble

    class Named(Message):
        """The handed-in error names these states."""

        def __init__(self, roots: Sequence[RootModule], sentence: str = "") -> None:
            super().__init__()
            self.roots = roots
            self.sentence = sentence

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front
        self._states = StateList()
        self._arrived: deque[tuple[int, StateRow]] = deque()
        self._announced = False
        self._resting = False
        self._dirty = False
        self._survey = 0
        self._reading = True
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """How many are held, the rows, the one under the cursor in full."""
        yield Static(Content("States"), id="states-status")
        yield Rows(self._row, id="states-rows")
        yield Static(Content("reading…"), id="states-detail")
        yield Input(id="states-filter", placeholder="show only states with", compact=True)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to read."""
        self._begin()
        self._ask_error()

    def on_unmount(self) -> None:
        """What is still read is dropped."""
        self._survey += 1

    # Reading

    def _begin(self) -> None:
        self._survey += 1
        self._reading, self._trouble = True, ""
        self._states.begin()
        self._paint_soon()
        self._read(self._survey)

    @in_background
    def _read(self, survey: int) -> None:
        trouble = ""
        try:
            for row in self._front.survey():
                if survey != self._survey:
                    return
                self._arrived.append((survey, row))
                # one message for all that arrive before it is answered: a thousand rows are no thousand messages
                if not self._announced:
                    self._announced = True
                    self.post_message(self.Arrived())
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            trouble = f"Reading the states stopped: {error}"
        self.post_message(self.Surveyed(survey, trouble))

    @in_background
    def _ask_error(self) -> None:
        try:
            text = self._front.pasted()
            found = self._front.find_by_error(text) if text else ()
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Named((), f"The error could not be used: {error}"))
            return
        if isinstance(found, NoRoot):
            self.post_message(self.Named((), f"{found.sentence} {found.next_step}"))
        elif found:
            self.post_message(self.Named(tuple(found)))

    @on(Arrived)
    def _take(self) -> None:
        self._announced = False
        while self._arrived:
            survey, row = self._arrived.popleft()
            if survey == self._survey:
                self._states.take(row)
        self._paint_soon()

    @on(Surveyed)
    def _end(self, event: Surveyed) -> None:
        if event.survey != self._survey:
            return
        self._take()
        self._reading = False
        if event.trouble:
            self._trouble = one_line(event.trouble, 300)
            self.notify(self._trouble, severity="error", timeout=12, markup=False)
        else:
            self._states.end()

    @on(Named)
    def _preselect(self, event: Named) -> None:
        if event.sentence:
            self.notify(one_line(event.sentence, 400), severity="warning", timeout=12, markup=False)
        if event.roots:
            self._states.name(event.roots[0])
            self._paint_soon()
            self.notify("The error names the state under the cursor.", markup=False)

    # Showing

    def _paint_soon(self) -> None:
        """Paint now, or with whatever else arrives before the rest is over."""
        self._dirty = True
        if not self._resting:
            self._resting = True
            self.call_next(self._paint)
            self.set_timer(_REST_SECONDS, self._rested)

    def _rested(self) -> None:
        self._resting = False
        if self._dirty:
            self._paint_soon()

    @on(Input.Changed, "#states-filter")
    def _paint(self) -> None:
        self._dirty = False
        cursor = self._states.arrange(self.prompt.value)
        self.rows.set_count(len(self._states.shown), cursor)
        self._show()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        if event.row == self.rows.cursor and event.row < len(self._states.shown) and event.row != self._states.cursor:
            self._states.choose(event.row)
        self._show()

    def _show(self) -> None:
        said = self._states.headline(reading=self._reading, needle=self.prompt.value)
        self.status.update(Content.assemble(("States", "bold"), f"   {said}"))
        shown = self._states.shown
        if shown:
            self.detail.update(shown[self.rows.cursor].in_full(self._front.now()))
        else:
            self.detail.update(Content(self._states.nothing(reading=self._reading, trouble=self._trouble)))

    def _row(self, index: int, width: int) -> Content:
        line = self._states.shown[index]
        return line.painted(width, self._front.now(), with_place=self._states.repeats(line))

    # Commands

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """Walk the state under the cursor."""
        if self._states.shown:
            self.dismiss(self._states.shown[self.rows.cursor].row.root)

    def action_filter(self) -> None:
        """Ask what to show only."""
        self.prompt.add_class("-asking")
        self.prompt.focus()

    @on(Input.Submitted, "#states-filter")
    def _filtered(self, event: Input.Submitted) -> None:
        event.stop()
        self.prompt.set_class(bool(event.value), "-asking")
        self.rows.focus()

    def action_look(self) -> None:
        """Read every lock again."""
        self._begin()

    def action_leave(self) -> None:
        """Clear the filter, or leave."""
        if self.prompt.has_class("-asking"):
            self.prompt.value = ""
            self.prompt.remove_class("-asking")
            self.rows.focus()
        else:
            self.dismiss(None)
