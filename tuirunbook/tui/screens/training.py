"""The menu of training: pages, and nothing that gives them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.text import one_line
from tuirunbook.tui.commands import ABIDING, PAGES, bindings
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.screens.training_coach import MenuRow

_STYLES = {"best": "$text-success", "incomplete": "$text-warning", "unsafe": "bold $text-error"}
_GLYPHS = {"best": "✓", "incomplete": "…", "unsafe": "!", "": " "}
WELCOME = (
    "Each line is a page as the pager shows it. Nothing here is real: the AWS, the repository, the people. "
    "The tool is the one of an incident, with the same safety."
)


class TrainingMenu(Screen[str | None]):
    """Dismisses with the name of a scenario, or None."""

    CSS_PATH = "training.tcss"
    AUTO_FOCUS = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PAGES), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        WELCOME,
        "What a page teaches appears once it was done. The first one explains the screen as it goes.",
    )

    rows = getters.query_one("#training-rows", Rows)
    detail = getters.query_one("#training-detail", Static)

    def __init__(self, listed: Sequence[MenuRow], cursor: str = "") -> None:
        super().__init__()
        self._listed = tuple(listed)
        self._cursor = cursor

    def compose(self) -> ComposeResult:
        """The pages, and what is known of the one under the cursor."""
        yield Static(Content(" PRACTICE   which page do you take?"), id="training-title")
        yield Static(Content(WELCOME), id="training-welcome")
        yield Rows(self._row, id="training-rows")
        yield Static(Content(""), id="training-detail")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin at the first page that was not done, or at the one that was just left."""
        names = [row.name for row in self._listed]
        fresh = next((index for index, row in enumerate(self._listed) if not row.last), 0)
        self.rows.set_count(len(self._listed), names.index(self._cursor) if self._cursor in names else fresh)
        self._show()

    def _row(self, index: int, width: int) -> Content:
        row = self._listed[index]
        style = _STYLES.get(row.last, "")
        mark = Content.styled(_GLYPHS[row.last], style) if style else Content(_GLYPHS[row.last])
        return Content.assemble(mark, f" {one_line(row.page, max(10, width - 3))}")

    @on(Rows.Moved)
    def _show(self) -> None:
        if not self._listed:
            self.detail.update(Content("There are no scenarios."))
            return
        row = self._listed[self.rows.cursor]
        if not row.last:
            told = Content("Not done yet.\nWhat it teaches appears afterwards.")
        else:
            told = Content.assemble((row.name, "bold"), "  ", (row.last, _STYLES[row.last]), f"\n{row.teaches}")
        self.detail.update(told)

    @on(Rows.Chosen)
    def action_begin(self) -> None:
        """Take the page under the cursor."""
        if self._listed:
            self.dismiss(self._listed[self.rows.cursor].name)

    def action_leave(self) -> None:
        """Leave."""
        self.dismiss(None)
