"""Every state of the repository, with its lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import RootModule
from tuirunbook.core.state import NO_LOCKING
from tuirunbook.core.text import one_line
from tuirunbook.survey.states import signed_out, urgency
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, STATES, bindings
from tuirunbook.tui.front import Front, NoRoot, StateRow
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.view import age, operation

_PAINT_SECONDS = 0.2
EMPTY = "No state was found in this repository."


class StatesScreen(Screen[RootModule | None]):
    """One row for each state, held ones first. Dismisses with the state to walk, or None."""

    CSS_PATH = "states.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(STATES), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Every state that this repository describes, and whether it is locked. Only reads are made.",
        "Enter walks the state under the cursor. A state that could not be read is never shown as free.",
    )

    rows = getters.query_one("#states-rows", Rows)
    status = getters.query_one("#states-status", Static)
    detail = getters.query_one("#states-detail", Static)
    prompt = getters.query_one("#states-filter", Input)

    class Arrived(Message):
        """A state was found or read."""

        def __init__(self, survey: int, row: StateRow) -> None:
            super().__init__()
            self.survey = survey
            self.row = row

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
        self._known: dict[str, StateRow] = {}
        self._shown: list[str] = []
        self._chosen = ""
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
        """Begin to read; rows are painted together, a few times a second."""
        self.set_interval(_PAINT_SECONDS, self._paint_if_new)
        self._begin()
        self._ask_error()

    def on_unmount(self) -> None:
        """What is still read is dropped."""
        self._survey += 1

    def _begin(self) -> None:
        self._survey += 1
        self._reading, self._trouble, self._dirty = True, "", True
        self._read(self._survey)

    @in_background
    def _read(self, survey: int) -> None:
        trouble = ""
        try:
            for row in self._front.survey():
                if survey != self._survey:
                    return
                self.post_message(self.Arrived(survey, row))
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
    def _take(self, event: Arrived) -> None:
        if event.survey == self._survey:
            self._known[_key(event.row.root)] = event.row
            self._dirty = True

    @on(Surveyed)
    def _end(self, event: Surveyed) -> None:
        if event.survey != self._survey:
            return
        self._reading, self._dirty = False, True
        if event.trouble:
            self._trouble = one_line(event.trouble, 300)
            self.notify(self._trouble, severity="error", timeout=12, markup=False)

    @on(Named)
    def _preselect(self, event: Named) -> None:
        if event.sentence:
            self.notify(one_line(event.sentence, 400), severity="warning", timeout=12, markup=False)
        if event.roots:
            self._chosen = _key(event.roots[0])
            self._dirty = True
            self.notify("The error names the state under the cursor.", markup=False)

    def _paint_if_new(self) -> None:
        if self._dirty:
            self._dirty = False
            self._show_rows()

    def _show_rows(self) -> None:
        needle = self.prompt.value.casefold().strip()
        rows = [(key, row) for key, row in self._known.items() if needle in _searched(row)]
        rows.sort(key=lambda pair: (_rank(pair[1]), urgency(pair[1])[1:]))
        self._shown = [key for key, _ in rows]
        # The cursor stays on its state while rows move around it.
        cursor = self._shown.index(self._chosen) if self._chosen in self._shown else 0
        self.rows.set_count(len(self._shown), cursor)
        self._show()

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        if event.row == self.rows.cursor and event.row < len(self._shown) and event.row != self._place:
            self._chosen = self._shown[event.row]
        self._show()

    @property
    def _place(self) -> int:
        return self._shown.index(self._chosen) if self._chosen in self._shown else 0

    def _show(self) -> None:
        held = sum(row.snapshot is not None and row.snapshot.held for row in self._known.values())
        unread = sum(row.snapshot is None and not row.trouble for row in self._known.values())
        parts = [f"{len(self._known):,} states", f"{held:,} held"]
        if unread:
            parts.append(f"{unread:,} still reading")
        elif self._reading:
            parts.append("reading…")
        if self.prompt.value:
            parts.append(f"{len(self._shown):,} shown with {one_line(self.prompt.value, 30)}")
        self.status.update(Content.assemble(("States", "bold"), "   " + "   ".join(parts)))
        row = self._current
        self.detail.update(self._full(row) if row else Content(self._nothing()))

    def _nothing(self) -> str:
        if self._known:
            return "No state matches; escape clears the filter."
        return "reading…" if self._reading else self._trouble or EMPTY

    @property
    def _current(self) -> StateRow | None:
        return self._known[self._shown[self.rows.cursor]] if self._shown else None

    def _row(self, index: int, width: int) -> Content:
        row = self._known[self._shown[index]]
        word, style = _word(row)
        now = self._front.now()
        workspace = "" if row.root.workspace == "default" else f" [{one_line(row.root.workspace, 20)}]"
        name = one_line(f"{row.root.name}{workspace}", 400)
        who = "  ".join(filter(None, (_who(row, now), _dangers(row))))
        room = max(16, width - 15 - (min(len(who), width // 2) + 2 if who else 0))
        shown = name if len(name) <= room else "…" + name[len(name) - room + 1 :]
        return Content.assemble((f"{word:<14} ", style), f"{shown:<{room}}", f"  {who}" if who else "")

    def _full(self, row: StateRow) -> Content:
        word, style = _word(row)
        source = f"   {one_line(row.source, 80)}" if row.source else ""
        lines = [
            Content.assemble((word, style), f"  {_who(row, self._front.now())}"),
            Content(f"{_place_of(row.root)}   workspace {one_line(row.root.workspace, 60)}{source}"),
        ]
        if row.trouble:
            lines.append(Content(one_line(row.trouble, 400)))
        elif row.snapshot is not None:
            lines += [
                Content(f"{store.label}: {one_line(reading.why, 200)} {one_line(reading.advice, 200)}")
                for store, reading in row.snapshot.blind
            ]
        lines += [Content(f"! {one_line(hazard.why, 200)}. {one_line(hazard.how, 200)}") for hazard in row.hazards]
        return Content("\n").join(lines)

    # Commands

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """Walk the state under the cursor."""
        row = self._current
        if row is not None:
            self.dismiss(row.root)

    def action_filter(self) -> None:
        """Ask what to show only."""
        self.prompt.add_class("-asking")
        self.prompt.focus()

    @on(Input.Changed, "#states-filter")
    def _filter(self) -> None:
        self._show_rows()

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


def _key(root: RootModule) -> str:
    return f"{root.directory}\n{root.workspace}\n{_place_of(root)}"


def _place_of(root: RootModule) -> str:
    try:
        return one_line(root.address().lock_id, 300)
    except AddressError as error:
        return one_line(f"no address: {error}", 200)


def _searched(row: StateRow) -> str:
    who = " ".join(lock.info.who for lock in row.snapshot.locks if lock.info) if row.snapshot else ""
    return f"{row.root.name} {row.root.workspace} {_place_of(row.root)} {_word(row)[0]} {who}".casefold()


def _word(row: StateRow) -> tuple[str, str]:
    """The lock in a word with a glyph, and its style. What was not read is never free."""
    snapshot = row.snapshot
    if snapshot is not None and snapshot.held:
        readable = all(lock.info is not None for lock in snapshot.locks)
        return "■ held" if readable else "■ unreadable", "bold $text-error"
    if row.trouble:
        return "? not read", "bold $text-warning"
    if snapshot is None:
        return "… reading", "$text-muted"
    if snapshot.free:
        return "□ free", "$text-success"
    if not snapshot.address.locks_at_all:
        return "! no locking", "$text-warning"
    return "? signed out" if signed_out(snapshot) else "? not read", "bold $text-warning"


def _rank(row: StateRow) -> int:
    """Held first, then what could not be read, then what is being read, then free."""
    word = _word(row)[0]
    return {"■": 0, "?": 1, "!": 2, "…": 3}.get(word[0], 4)


def _dangers(row: StateRow) -> str:
    labels = [hazard.label for hazard in row.hazards if hazard.hazard != NO_LOCKING]
    return f"! {', '.join(labels)}" if labels else ""


def _who(row: StateRow, now: datetime) -> str:
    lock = next(iter(row.snapshot.locks), None) if row.snapshot else None
    if lock is None or lock.info is None:
        return ""
    since = f" {age(lock.info.created_at, now)}" if lock.info.created_at else ""
    return f"{operation(lock.info.operation)}{since} {one_line(lock.info.who, 40)}"
