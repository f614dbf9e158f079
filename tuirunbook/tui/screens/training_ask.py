"""What can be found out in the practice world: pick somebody, and hear the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tuirunbook.core.text import one_line
from tuirunbook.tui.background import aside
from tuirunbook.tui.commands import FIND_OUT, bindings
from tuirunbook.tui.screens.training_coach import InquiryRow, Run


class FindOutScreen(ModalScreen[None]):
    """Stays open until it is left, so that one can ask on.

    Args:
        run: The run of practice.
        note: Takes what an inquiry leaves in the transcript.
    """

    CSS_PATH = "training_ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FIND_OUT)

    def __init__(self, run: Run, note: Callable[[str], None]) -> None:
        super().__init__()
        self._run_of_practice = run
        self._note = note
        self._rows: Sequence[InquiryRow] = run.inquiries()

    def compose(self) -> ComposeResult:
        """The questions, and below them what was said."""
        with Vertical(id="find-out"):
            yield Static(Content.styled("Find out: whom do you ask?", "bold"), id="find-out-title")
            yield OptionList(*self._options(), id="find-out-rows", markup=False)
            yield Static(Content(""), id="find-out-answer")
            yield Static(Content("enter ask   esc back; asked things are in the transcript (t)"), id="find-out-keys")

    def _options(self) -> list[Option]:
        return [Option(Content(_told(row)), id=row.id) for row in self._rows]

    def on_mount(self) -> None:
        """Begin at the first thing that was not asked."""
        rows = self.query_one(OptionList)
        rows.highlighted = next((index for index, row in enumerate(self._rows) if not row.answer), 0)
        rows.focus()
        self._show()

    @on(OptionList.OptionHighlighted)
    def _show(self) -> None:
        row = self._current
        answer = self.query_one("#find-out-answer", Static)
        if row is None:
            answer.update(Content("There is nothing to ask here."))
        elif row.answer:
            answer.update(Content(f"{row.who}: {row.answer}"))
        else:
            answer.update(Content(f"Not asked yet. In an incident this takes about {row.costs}."))

    @property
    def _current(self) -> InquiryRow | None:
        index = self.query_one(OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    @on(OptionList.OptionSelected)
    async def action_ask(self) -> None:
        """Ask what is under the cursor, once."""
        row = self._current
        if row is None:
            return
        if not row.answer:
            said = await aside(self._run_of_practice.inquire, row.id)
            self._note(said)
            self._rows = self._run_of_practice.inquiries()
            rows = self.query_one(OptionList)
            if rows.highlighted is not None:
                rows.replace_option_prompt_at_index(rows.highlighted, Content(_told(self._rows[rows.highlighted])))
        self._show()

    def action_leave(self) -> None:
        """Back to what was under way."""
        self.dismiss(None)


def _told(row: InquiryRow) -> str:
    return f"{'✓' if row.answer else ' '} {one_line(row.who, 30)}: {one_line(row.ask, 90)}"
