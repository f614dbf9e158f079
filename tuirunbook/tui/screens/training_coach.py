"""What the screens of training need from whoever runs it; `training` satisfies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tuirunbook.core.score import Debrief
from tuirunbook.tui.front import Front


class MenuRow(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario of the menu.

    Attributes:
        name: Its name, which may tell what it is about, so it is shown only when it was done.
        page: What the page says.
        teaches: What it teaches; empty until it was done.
        last: What it came to the last time, or empty.
    """

    name: str
    page: str
    teaches: str = ""
    last: str = ""


class InquiryRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be found out; the answer is empty until it was asked."""

    id: str
    who: str
    ask: str
    costs: str
    answer: str = ""


class ShellSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What a raw command came to.

    Attributes:
        output: What it printed.
        released: The locks that it released.
        moved: Who the trainee is from now on, when that changed; the walk has to begin anew then.
    """

    output: str
    released: tuple[str, ...] = ()
    moved: str = ""


class Run(Protocol):
    """One run of a scenario. Everything but the properties may block; call it from a thread."""

    @property
    def front(self) -> Front:
        """The world, as the screens see it."""
        ...

    @property
    def page(self) -> str:
        """What the page said."""
        ...

    @property
    def guided(self) -> bool:
        """Whether the hints are shown unasked."""
        ...

    def program(self) -> str:
        """What stands in for terraform here, or empty."""
        ...

    def hints(self, step: str) -> Sequence[str]:
        """The hints for a step by its action, the gentlest first. Does not block."""
        ...

    def inquiries(self) -> Sequence[InquiryRow]:
        """What can be found out. Does not block."""
        ...

    def inquire(self, name: str) -> str:
        """Ask; what it leaves in the transcript."""
        ...

    def shell(self, line: str) -> ShellSaid:
        """Run a raw command in the practice world."""
        ...

    def confirming(self) -> None:
        """A release is about to be confirmed."""
        ...

    def finish(self) -> Debrief:
        """End the run, and say what it came to."""
        ...

    def end(self) -> None:
        """End the world; nothing is written down."""
        ...


class Coach(Protocol):
    """Which scenarios there are."""

    def menu(self) -> Sequence[MenuRow]:
        """Every scenario by its page."""
        ...

    def begin(self, name: str, told: Callable[[str], object], died: Callable[[], object]) -> Run:
        """Begin a run; `told` and `died` are called from a thread of the run's own."""
        ...
