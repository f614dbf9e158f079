"""What is said after a practice: the trainee's own words, held against what was so."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuirunbook.core.score import Debrief, Grade
from tuirunbook.core.text import one_line
from tuirunbook.tui.commands import DEBRIEF, bindings

_STYLES = {Grade.BEST: "bold $text-success", Grade.INCOMPLETE: "bold $text-warning", Grade.UNSAFE: "bold $text-error"}
_GLYPHS = {Grade.BEST: "✓", Grade.INCOMPLETE: "…", Grade.UNSAFE: "!"}


class DebriefScreen(Screen[str]):
    """Dismisses with `again`, or `menu`."""

    CSS_PATH = "debrief.tcss"
    AUTO_FOCUS = "#debrief-scroll"
    BINDINGS: ClassVar[list[BindingType]] = bindings(DEBRIEF)

    def __init__(self, told: Debrief) -> None:
        super().__init__()
        self._debrief = told

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        yield Static(Content(f" PRACTICE   debrief: {one_line(self._debrief.scenario, 40)}"), id="debrief-title")
        with VerticalScroll(id="debrief-scroll"):
            yield Static(debrief_text(self._debrief), id="debrief-text")
        yield Static(Content(" ↑ ↓ scroll   enter back to the pages   r once more"), id="debrief-keys")

    def action_scroll(self, by: int) -> None:
        """Some lines up or down."""
        self.query_one("#debrief-scroll", VerticalScroll).scroll_relative(y=3 * by, animate=False)

    def action_leave(self, where: str) -> None:
        """Leave."""
        self.dismiss(where)


def debrief_text(told: Debrief) -> Content:
    """The debrief, for people."""
    parts: list[Content] = [
        Content.assemble((f"{_GLYPHS[told.grade]} {told.grade.value.upper()}", _STYLES[told.grade]), f"   {told.why}"),
        Content(""),
        *_section("What was so", (told.truth,)),
        *_section("What it broke", told.broke),
        *_section("What could have gone wrong", (told.risk,)),
        *_section("What you had written down", (told.judgement,)),
        *_section(
            "The checks that would have told",
            tuple(f"{one.what}\n  would have said: {one.answer}\n  costs about {one.costs} s" for one in told.missed),
        ),
        *_section("When", (told.sufficed,)),
        *_section("One habit for the next page", (told.habit,)),
        *_section("What this page teaches", (told.teaches,)),
        *_section(
            f"What you knew {'when you acted' if told.acts else 'at the end'}, in your own transcript", told.known
        ),
    ]
    return Content("\n").join(parts)


def _section(title: str, lines: tuple[str, ...]) -> list[Content]:
    said = [line for line in lines if line]
    if not said:
        return []
    return [Content.styled(title, "bold"), *(Content(line) for line in said), Content("")]
