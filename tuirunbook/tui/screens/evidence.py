"""The evidence, row by row: sources and what they said, each to open, ask again, dispute or turn off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from tuirunbook.core.claims import in_question
from tuirunbook.core.lock import short
from tuirunbook.core.values import ReadsOnlyError
from tuirunbook.core.verdict import judge
from tuirunbook.tui.commands import ABIDING, EVIDENCE, bindings
from tuirunbook.tui.doing import evidence as doing
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.grey import GreyKeys
from tuirunbook.tui.panes.exhibits import in_full, row_line, rows_of
from tuirunbook.tui.panes.parts import OPINION_STYLE
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.view import View, who_writes
from tuirunbook.walk.exhibits import Exhibit

_DOING = frozenset({"ask", "dispute", "switch"})
"""The actions that ask somebody or add to the incident."""


class EvidenceScreen(GreyKeys[None]):
    """A row for each source and each finding; below them, or alone when it is opened, the row under the cursor in full.

    The cursor stays on its row when others come and go.

    Args:
        stage: The walk that it belongs to.
    """

    CSS_PATH = "evidence.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(EVIDENCE), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Every source with what it found: ✓ supports a release, ✗ blocks it, · proves neither, ? is not known.",
        "A source that failed says why; it does not count as one that found nothing. Asking again only reads.",
        "A dispute sets a blocking fact aside by somebody's word, and stands in the export.",
        "A source that is off counts as not checked: what it said still blocks, and no longer supports.",
    )

    rows = getters.query_one("#evidence-rows", Rows)
    title_line = getters.query_one("#evidence-title", Static)
    scroll = getters.query_one("#evidence-scroll", VerticalScroll)
    detail = getters.query_one("#evidence-detail", Static)

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._shown = stage.view
        self._exhibits = rows_of(self._shown)

    def compose(self) -> ComposeResult:
        """The verdict, the rows, the one under the cursor."""
        yield Static(Content(""), id="evidence-title")
        yield Rows(self._row, id="evidence-rows")
        with VerticalScroll(id="evidence-scroll"):
            yield Static(Content("No source is asked, and nobody has said anything."), id="evidence-detail")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin at the first row."""
        self.rows.set_count(len(self._exhibits), 0)
        self._show()

    def update_view(self, view: View) -> None:
        """Take in what is known now; the cursor stays on its row."""
        here = self._here.key if self._here else None
        self._shown, self._exhibits = view, rows_of(view)
        cursor = next((number for number, row in enumerate(self._exhibits) if row.key == here), None)
        self.rows.set_count(len(self._exhibits), cursor)
        self._show()

    @property
    def _here(self) -> Exhibit | None:
        """The row under the cursor."""
        cursor = self.rows.cursor
        return self._exhibits[cursor] if cursor < len(self._exhibits) else None

    def _row(self, index: int, width: int) -> Content:
        return row_line(self._exhibits[index], self._shown, width)

    @on(Rows.Moved)
    def _show(self) -> None:
        parts: list[str | tuple[str, str]] = [("Evidence", "bold")]
        for lock in in_question(self._shown.incident):
            opinion = judge(self._shown.incident, lock).opinion
            parts += [f"   {short(lock)} ", (opinion.value.upper(), OPINION_STYLE[opinion])]
        place = f"   {self.rows.cursor + 1} of {len(self._exhibits)}" if self._exhibits else ""
        _update(self.title_line, Content.assemble(*parts, place))
        if self._here is not None:
            _update(self.detail, in_full(self._here, self._shown))

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """The row in full, alone; once more, back to the list."""
        opened = self.toggle_class("-open").has_class("-open")
        (self.scroll if opened else self.rows).focus()

    def action_copy(self) -> None:
        """Copy the selected text, or else all that is known of this row."""
        text = self.get_selected_text() or (in_full(self._here, self._shown).plain if self._here else "")
        if text:
            self.app.copy_to_clipboard(text)
            self.notify("Copied.", markup=False)

    def action_ask(self) -> None:
        """Ask the source of this row again."""
        self._do(doing.ask_again)

    def action_dispute(self) -> None:
        """Dispute the fact of this row."""
        self._do(doing.dispute_row)

    def action_switch(self) -> None:
        """Turn the source of this row off, or on."""
        self._do(doing.switch)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who reads an incident along may look at its evidence, and do nothing about it."""
        del parameters
        return None if action in _DOING and self._shown.reads_only else True

    def refuse(self, action: str) -> None:
        """A grey key says why it is grey."""
        del action
        self._stage.say(who_writes(self._shown))

    @work(group="evidence", exit_on_error=False)
    async def _do(self, what: Callable[[Stage, Exhibit], Awaitable[None]]) -> None:
        if self._here is None or self._shown.reads_only:
            return
        try:
            await what(self._stage, self._here)
        except ReadsOnlyError as error:
            self._stage.say(f"{error}.")
        except Exception as error:  # noqa: BLE001 - the walk goes on, and says what failed
            self._stage.say(f"{type(error).__name__}: {error}", bad=True)

    def action_leave(self) -> None:
        """Back to the list, or to the walk."""
        if self.has_class("-open"):
            self.action_open()
        else:
            self.dismiss(None)


def _update(widget: Static, content: Content) -> None:
    shown = widget.content
    if not isinstance(shown, Content) or not shown.is_same(content):
        widget.update(content)
