"""Asks one core question about one lock: pick an answer, then say how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static

from tuirunbook.core.answers import NEED_LABELS, incomplete
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.runbook import Option, Question
from tuirunbook.tui.dialogs.choices import Choices
from tuirunbook.tui.panes.parts import SAYS_GLYPH

OPTIONAL = ("who", "link", "note")
"""What every answer may carry besides what its option needs."""


class AnswerScreen(ModalScreen[tuple[str, dict[str, str]] | None]):
    """Dismisses with the option's value and what was told with it, or None when it was left.

    Attributes:
        asks_about: The lock that it asks about; empty for the incident itself.
    """

    CSS_PATH = "answer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="answer.back"),
        Binding("ctrl+s", "submit", "save", id="answer.save", priority=True),
    ]

    def __init__(
        self, question: Question, about: str, *, lock: LockIdentity, before: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.asks_about = lock
        self._question = question
        self._about = about
        self._before = dict(before or {})
        self._option: Option | None = None

    def compose(self) -> ComposeResult:
        """The question, its answers, and below them what the chosen one needs."""
        question = self._question
        with Vertical(id="answer"):
            yield Static(Content.assemble((question.text, "bold"), f"\n{self._about}"), id="answer-question")
            yield Static(Content(question.why), id="answer-why")
            yield Choices(self._choices(), id="answer-options")
            yield VerticalScroll(id="answer-needs", can_focus=False)
            yield Static(Content(""), id="answer-trouble")
            yield Static(Content("enter chooses, then goes on   ctrl+s save   esc back"), id="answer-keys")

    def _choices(self) -> list[tuple[str, str]]:
        return [(option.value, f"{SAYS_GLYPH[option.says]} {option.label}") for option in self._question.options]

    def on_mount(self) -> None:
        """Begin at the answer that was given before, if there is one."""
        options = self.query_one(OptionList)
        values = [option.value for option in self._question.options]
        before = self._before.get("answer", "")
        options.highlighted = values.index(before) if before in values else 0
        options.focus()

    @on(OptionList.OptionSelected)
    async def _choose(self, event: OptionList.OptionSelected) -> None:
        self._option = self._question.option(str(event.option_id))
        if self._option is None:
            return
        self._say("")
        self.query_one(OptionList).display = False
        needs = self.query_one("#answer-needs", VerticalScroll)
        await needs.remove_children()
        chosen = Content.assemble((f"{SAYS_GLYPH[self._option.says]} {self._option.label}", "bold"))
        await needs.mount(Static(chosen, classes="answer-chosen"))
        wanted = [*self._option.needs, *(name for name in OPTIONAL if name not in self._option.needs)]
        for need in wanted:
            optional = "" if need in self._option.needs else "  (if there is one)"
            await needs.mount(Label(Content(f"{NEED_LABELS[need]}{optional}"), classes="answer-label"))
            await needs.mount(Input(self._before.get(need, ""), id=f"need-{need}", compact=True))
        self.query_one(f"#need-{wanted[0]}", Input).focus()

    @on(Input.Submitted)
    def _next_input(self, event: Input.Submitted) -> None:
        if event.input is list(self.query(Input))[-1]:
            self.action_submit()
        else:
            self.focus_next()

    def action_submit(self) -> None:
        """Hand back the answer, if it says what it must."""
        option = self._option
        if option is None:
            self._say("choose an answer with enter first")
            return
        told = {str(field.id).removeprefix("need-"): field.value.strip() for field in self.query(Input)}
        lacking = incomplete(option, told)
        if lacking:
            need, label = next(iter(lacking.items()))
            self._say(f"still missing: {label}")
            self.query_one(f"#need-{need}", Input).focus()
            return
        self.dismiss((option.value, {need: text for need, text in told.items() if text}))

    def _say(self, trouble: str) -> None:
        self.query_one("#answer-trouble", Static).update(Content(trouble))

    async def action_back(self) -> None:
        """From the fields back to the answers; from the answers, leave."""
        if self._option is not None:
            self._option = None
            self._say("")
            await self.query_one("#answer-needs", VerticalScroll).remove_children()
            options = self.query_one(OptionList)
            options.display = True
            options.focus()
        else:
            self.dismiss(None)
