"""The practice shell: raw commands, which work."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tuirunbook.core.score import is_raw_release
from tuirunbook.core.text import clean
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import PRACTICE_SHELL, bindings
from tuirunbook.tui.screens.training_coach import Run, ShellSaid

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MOST_LINES = 400


class PracticeShellScreen(Screen[None]):
    """A prompt, and what came back.

    Args:
        run: The run of practice.
        judge: Has the trainee write down what they believe; False when they left that.
        released: Takes a line that released locks, and the locks.
    """

    CSS_PATH = "practice_shell.tcss"
    AUTO_FOCUS = "#shell-line"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PRACTICE_SHELL)

    class Answered(Message):
        """A command has ended."""

        def __init__(self, line: str, said: ShellSaid) -> None:
            super().__init__()
            self.line = line
            self.said = said

    class Moved(Message):
        """The trainee is somebody else from now on; `told` says who."""

        def __init__(self, told: str) -> None:
            super().__init__()
            self.told = told

    def __init__(
        self, run: Run, judge: Callable[[], Awaitable[bool]], released: Callable[[str, tuple[str, ...]], None]
    ) -> None:
        super().__init__()
        self._run_of_practice = run
        self._judge = judge
        self._released = released
        self._lines: list[str] = []
        self._past: list[str] = []
        self._back = 0

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
        self._back = 0
        self._add(f"$ {line}")
        if is_raw_release(line):
            self._judge_then_do(line)
        else:
            self._do(line)

    @work(group="practice-judging", exit_on_error=False)
    async def _judge_then_do(self, line: str) -> None:
        """A raw release is a release: what is believed is written down before it."""
        if await self._judge():
            self._do(line)
        else:
            self._add("(not run: you left before you had written down what you believe)")

    @in_background
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
        if event.said.moved:
            self.post_message(self.Moved(event.said.moved))

    def people_say(self, text: str) -> None:
        """Somebody of the practice world says something."""
        self._add(f"▸ {text}")

    def _add(self, text: str) -> None:
        self._lines = [*self._lines, *clean(text).splitlines()][-_MOST_LINES:]
        self.query_one("#shell-output", Static).update(Content("\n".join(self._lines)))
        self.query_one("#shell-scroll", VerticalScroll).scroll_end(animate=False)

    def action_earlier(self) -> None:
        """Bring back the line before; again for the one before that."""
        if self._back < len(self._past):
            self._back += 1
            field = self.query_one("#shell-line", Input)
            field.value = self._past[-self._back]
            field.cursor_position = len(field.value)

    def action_leave(self) -> None:
        """Back to the walk."""
        self.dismiss(None)
