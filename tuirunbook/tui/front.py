"""What the screens need from whoever composes the world; `wiring` satisfies it, and so does training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Event
from tuirunbook.core.runbook import Runbook
from tuirunbook.survey.states import StateRow

if TYPE_CHECKING:
    from tuirunbook.walk.following import AnyWalk
    from tuirunbook.walk.messages import Message

__all__ = ["Front", "IncidentRow", "NoRoot", "StateRow"]


class NoRoot(msgspec.Struct, frozen=True, kw_only=True):
    """No state was found to walk: what was looked for, and what to do."""

    sentence: str
    next_step: str


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in the list.

    Attributes:
        id: Its name.
        status: `open`, `unblocked`, `verified`, `closed`.
        state: The state's lock ID.
        opened_at: RFC 3339.
        operator: Who walked it.
        resumable: Why it cannot be resumed here, or empty.
        training: Whether it is practice.
    """

    id: str
    status: str
    state: str
    opened_at: str
    operator: str
    resumable: str = ""
    training: bool = False


class Front(Protocol):
    """Everything the application asks of the world outside a walk. All of it may block; call it from a thread."""

    def find(self) -> RootModule | Sequence[RootModule] | NoRoot:
        """The root module to walk, several to choose from, or why there is none."""
        ...

    def compare(self, root: RootModule) -> RootModule:
        """The root with what its files say differently; it reads HCL, so ask after the first look."""
        ...

    def open_walk(self, root: RootModule, publish: Callable[[Message], None], runbook: str = "") -> AnyWalk:
        """A walk of this root, not started yet; of the runbook that the options or the error ask for, unless named.

        Where another session of this machine writes an incident on this state, that one, to be read along.

        Raises:
            ValueError: It cannot be walked as it stands; the sentence says why and what to do.
        """
        ...

    def resume_walk(self, incident: str, publish: Callable[[Message], None]) -> AnyWalk:
        """A walk that goes on with an incident; where another session writes it, one that reads along.

        Raises:
            JournalError: It cannot be resumed here; the sentence says why.
            ValueError: Its state cannot be read as things are.
        """
        ...

    def pasted(self) -> str:
        """The error that was handed in on the command line, or empty."""
        ...

    def pasted_link(self) -> str:
        """The address of the run that it was read from, or empty."""
        ...

    def find_by_error(self, text: str) -> Sequence[RootModule] | NoRoot:
        """The root modules whose state the error's `Path` names."""
        ...

    def root_from(self, bucket: str, key: str, table: str, region: str) -> RootModule:
        """A root for a state that no repository here describes.

        Raises:
            ValueError: Those are no bucket and key; the sentence says why.
        """
        ...

    def survey(self) -> Iterator[StateRow]:
        """Every state of this repository, each first unread and then again when it was read."""
        ...

    def incidents(self) -> Sequence[IncidentRow]:
        """Past and open incidents, those that need somebody first."""
        ...

    def events(self, incident: str) -> Sequence[Event]:
        """An incident's events."""
        ...

    def export(self, incident: str) -> str:
        """An incident as Markdown."""
        ...

    def other_incidents(self, root: RootModule) -> Sequence[IncidentRow]:
        """Other open incidents on the same state."""
        ...

    def unfinished(self, root: RootModule) -> IncidentRow | None:
        """The newest incident on this state that is open and that nobody walks at the moment; None without one."""
        ...

    def login_command(self, root: RootModule) -> tuple[str, ...] | None:
        """The command that renews expired credentials, or None when there is none to run."""
        ...

    def runbook(self, name: str) -> Runbook:
        """A runbook by name."""
        ...

    def now(self) -> datetime:
        """The time, aware, in the operator's zone."""
        ...
