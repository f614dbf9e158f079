"""The walk's screen as the conversations see it: it satisfies `doing.stage.Stage`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from textual.message import Message
from textual.screen import ModalScreen, Screen

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import clean
from tuirunbook.tui.front import Front
from tuirunbook.tui.model import Model
from tuirunbook.tui.view import View
from tuirunbook.tui.walk_body import WalkBody
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.walk import Walk

P = ParamSpec("P")
R = TypeVar("R")


class ScreenStage:
    """Dialogs, requests and words, on a walk's screen.

    Args:
        screen: The screen, which has a `WalkBody`.
        front: The world outside the walk.
        model: What the walk has told.
        show: Puts the model's view on the screen.
    """

    class WalkInstead(Message):
        """The operator leaves this walk for one of another runbook, on the same root."""

        def __init__(self, root: RootModule, runbook: str) -> None:
            super().__init__()
            self.root = root
            self.runbook = runbook

    def __init__(self, screen: Screen[Any], front: Front, model: Model, show: Callable[[], None]) -> None:
        self._screen = screen
        self._front = front
        self._model = model
        self._show = show

    @property
    def view(self) -> View:
        """What is on the screen now."""
        return self._model.view()

    @property
    def session(self) -> AnyWalk:
        """The walk that is shown, which may only be read along."""
        return self._model.session

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        return self._model.walk

    @property
    def front(self) -> Front:
        """The world outside the walk."""
        return self._front

    async def ask(self, dialog: Screen[R]) -> R | None:
        """Show a dialog and wait for what it hands back."""
        # A notice of another screen would lie over what the dialog says; what it said is in the command log as well.
        self._screen.app.clear_notifications()
        return await self._screen.app.push_screen_wait(dialog)

    async def do(self, busy: str, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the incident's thread do something, and say meanwhile what it is."""
        self._model.busy = busy
        self._show()
        try:
            return await asyncio.wrap_future(self.session.desk.submit(request, *args, **kwargs))
        finally:
            self._model.busy = ""
            self._screen.call_later(self._show)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """Tell the operator something, and put it into the command log.

        It stands in a line of its own, so that it hides nothing; above another screen it is a notice.
        """
        text = clean(sentence)
        if isinstance(self._screen.app.screen, (type(self._screen), ModalScreen)):
            self._screen.query_one(WalkBody).notices.say(text, bad=bad)
        else:
            severity: Literal["error", "information"] = "error" if bad else "information"
            self._screen.notify(text, severity=severity, timeout=10 if bad else 3, markup=False)
        self._model.log(text)
        self._show()

    def copy(self, text: str, what: str) -> None:
        """Copy text to the clipboard and say so."""
        self._screen.app.copy_to_clipboard(text)
        self.say(f"Copied: {what}")

    def walk_instead(self, runbook: str) -> None:
        """Leave this walk for one of another runbook, on the same root."""
        self._screen.post_message(self.WalkInstead(self._model.root, runbook))

    def interrupted(self, command: str) -> None:
        """Remember that a command of ours was interrupted."""
        self._model.interrupted |= {command}

    def suspended(self) -> AbstractContextManager[None]:
        """Give the terminal to another program for a while."""
        return self._screen.app.suspend()

    def show_output(self, command: str = "") -> None:
        """Open the output of a command; of the latest one, unless it is named."""
        from tuirunbook.tui.screens.output import OutputScreen  # noqa: PLC0415 - loaded when it is wanted

        logs = self._model.logs
        name = command or next(reversed(logs), "")
        if name not in logs:
            self.say("No command of ours has run yet.")
            return
        self._screen.app.push_screen(OutputScreen(name, Path(logs[name]), lambda: name in self.view.incident.running))

    def show_details(self) -> None:
        """Open the whole lock, raw."""
        from tuirunbook.tui.screens.details import DetailsScreen  # noqa: PLC0415 - loaded when it is wanted

        self._screen.app.push_screen(DetailsScreen(self.view))

    def show_evidence(self) -> None:
        """Open the evidence, row by row."""
        from tuirunbook.tui.screens.evidence import EvidenceScreen  # noqa: PLC0415 - loaded when it is wanted

        self._screen.app.push_screen(EvidenceScreen(self))
