"""Which page a trainee has taken, and the run of it that is under way."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message
from textual.message_pump import MessagePump

from tuirunbook.tui.screens.training_coach import Coach, MenuRow, Run


class WorldTold(Message):
    """Something was said in the practice world."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class WorldDied(Message):
    """The practice world ended by itself."""


class Sitting:
    """One trainee at one terminal.

    Args:
        coach: Which pages there are.
        only: The one page that was asked for; empty for the menu.

    Attributes:
        page: The page that was taken last, by its name.
        run: Its run while it is under way.
    """

    def __init__(self, coach: Coach, only: str = "") -> None:
        self.page = only
        self.run: Run | None = None
        self.only = bool(only)
        self._coach = coach

    def menu(self) -> Sequence[MenuRow]:
        """The pages."""
        return self._coach.menu()

    def begin(self, page: str, listener: MessagePump) -> Run:
        """Take a page. What happens in its world is posted to `listener`, as `WorldTold` and `WorldDied`."""
        self.page = page
        self.run = self._coach.begin(
            page,
            lambda text: listener.post_message(WorldTold(text)),
            lambda: listener.post_message(WorldDied()),
        )
        return self.run

    def take(self) -> Run | None:
        """The run that is under way, which from now on is the caller's to end."""
        run, self.run = self.run, None
        return run

    def end(self) -> None:
        """End the world that is under way, if there is one. It blocks."""
        if (run := self.take()) is not None:
            run.end()
