"""What a conversation needs of the screen that it takes place on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ParamSpec, Protocol, TypeVar

from textual.screen import Screen

from tuirunbook.tui.front import Front
from tuirunbook.tui.view import View
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.walk import Walk

P = ParamSpec("P")
R = TypeVar("R")


class Stage(Protocol):
    """The walk's screen, as the conversations see it."""

    @property
    def view(self) -> View:
        """What is on the screen now."""
        ...

    @property
    def session(self) -> AnyWalk:
        """The walk that is shown, which may only be read along: its world, its watcher, its thread."""
        ...

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        ...

    @property
    def front(self) -> Front:
        """The world outside the walk."""
        ...

    async def ask(self, dialog: Screen[R]) -> R | None:
        """Show a dialog and wait for what it hands back."""
        ...

    async def do(self, busy: str, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the incident's thread do something, and say meanwhile what it is."""
        ...

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """Tell the operator something, and put it into the command log."""
        ...

    def copy(self, text: str, what: str) -> None:
        """Copy text to the clipboard and say so."""
        ...

    def show_output(self, command: str = "") -> None:
        """Open the output of a command; of the latest one, unless it is named."""
        ...

    def suspended(self) -> AbstractContextManager[None]:
        """Give the terminal to another program for a while."""
        ...

    def show_details(self) -> None:
        """Open the whole lock, raw."""
        ...

    def show_evidence(self) -> None:
        """Open the evidence, row by row."""
        ...

    def walk_instead(self, runbook: str) -> None:
        """Leave this walk for one of another runbook, on the same root."""
        ...

    def interrupted(self, command: str) -> None:
        """Remember that a command of ours was interrupted."""
        ...
