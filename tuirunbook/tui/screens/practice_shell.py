"""The practice shell: raw commands, which work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tuirunbook.core.text import clean
from tuirunbook.tui.screens.training_coach import Run, ShellSaid

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MOST_LINES = 400


class PracticeShellScreen(Screen[None]):
    """A prompt, and what came back.

    Args:
        run: The run of practice.
        released: Takes a line that released locks, and the locks.
    """

    CSS_PATH = "practice_shell.tcss"
    AUTO_FOCUS = "#shell-line"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f4", "leave", "back", id="practice-shell.leave")]

    class Answered(Message):
        """A command has ended."""

        def __init__(self, line: str, said: ShellSaid) -> None:
            super().__init__()
            self.line = line
            self.said = said

    def __init__(self, run: Run, released: Callable[[str, tuple[str, ...]], None]) -> None:
        super().__init__()
        self._run_of_practice = run
        self._released = released
        self._lines: list[str] = []
        self._past: list[str] = []

    def compose(self) -> ComposeResult:
        """What came back, and the prompt."""
        yield Static(
            Content(" PRACTICE shell   what it does, it does   esc back   help lists the commands"), id="shell-title"
        )
        with VerticalScroll(id="shell-scroll", can_focus=False):
            yield Static(Content(""), id="shell-output")
        yield Input(placeholder="aws dynamodb scan --table-name …   (help)", id="shell-line", compact=True)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        line = event.value.strip()
        if not line:
            return
        event.input.clear()
        self._past.append(line)
        self._add(f"$ {line}")
        self._do(line)

    @work(thread=True, group="practice-shell", exit_on_error=False)
    def _do(self, line: str) -> None:
        try:
            said = self._run_of_practice.shell(line)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one at the prompt must hear of it
            said = ShellSaid(output=str(error))
        self.post_message(self.Answered(line, said))

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        self._add(_COLOURS.sub("", event.said.output).rstrip("\n"))
        if event.said.released:
            self._add("(a lock is gone)")
            self._released(event.line, event.said.released)

    def people_say(self, text: str) -> None:
        """Somebody of the practice world says something."""
        self._add(f"▸ {text}")

    def _add(self, text: str) -> None:
        self._lines = [*self._lines, *clean(text).splitlines()][-_MOST_LINES:]
        self.query_one("#shell-output", Static).update(Content("\n".join(self._lines)))
        self.query_one("#shell-scroll", VerticalScroll).scroll_end(animate=False)

    def on_key(self, event: object) -> None:
        """The line before, with the arrow up."""
        if getattr(event, "key", "") == "up" and self._past:
            field = self.query_one("#shell-line", Input)
            field.value = self._past[-1]
            field.cursor_position = len(field.value)

    def action_leave(self) -> None:
        """Back to the walk."""
        self.dismiss(None)
