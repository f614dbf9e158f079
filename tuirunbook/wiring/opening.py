"""A walk of one root module, opened or resumed: its world, its runbook, its name."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook import __version__
from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Opened
from tuirunbook.core.values import JournalError
from tuirunbook.walk.following import AnyWalk, Following, told_by
from tuirunbook.walk.messages import Message
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import Resumption, World
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.books import DEFAULT, Books
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.resuming import scene_of

if TYPE_CHECKING:
    from tuirunbook.journal.follower import Follower
    from tuirunbook.journal.writer import JournalWriter


class Opening:
    """Opens walks over the real world. What practice does otherwise, it overrides.

    Args:
        adapters: Makes the adapters.
    """

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters

    def open(self, root: RootModule, publish: Callable[[Message], None], runbook: str = "") -> AnyWalk:
        """A walk of this root, not started yet; of the runbook that the options or the error ask for, unless named.

        Where another session of this machine writes an incident on this state, that one, to be read along.

        Raises:
            Problem: It cannot be walked as it stands.
        """
        if (followed := self.written_elsewhere(root, publish)) is not None:
            return followed
        name = runbook or self.adapters.options.runbook or self._diagnosed()
        book, note = self.books(root).load_to_walk(name)
        notes = tuple(filter(None, (note, self.adapters.settings.ignored)))
        root = msgspec.structs.replace(root, notes=(*root.notes, *notes))
        started: list[Walk] = []
        walk = set_up(self.world(root, started), book, publish, incident_id=self.fresh_name())
        started.append(walk)
        return walk

    def resume(self, incident: str, publish: Callable[[Message], None]) -> AnyWalk:
        """A walk that goes on with an incident; where another session writes it, one that reads along.

        Raises:
            JournalError: It cannot be resumed here; the sentence says why.
            Problem: Its state cannot be read as things are.
        """
        from tuirunbook.journal.claim import LockedError  # noqa: PLC0415 - only a resumption needs it
        from tuirunbook.journal.journals import resumable  # noqa: PLC0415 - likewise

        journals = self.adapters.journals()
        name = journals.find(incident)
        if (why_not := resumable(journals.summary(name), self.adapters.host())) is not None:
            raise JournalError(why_not)
        try:
            journal = journals.open_for_writing(name)
        except LockedError:
            followed = self._follow(journals.follow(name), publish)
            if followed is None:
                raise
            return followed
        try:
            return self._resume(journal, publish)
        except BaseException:
            journal.close()
            raise

    def _resume(self, journal: JournalWriter, publish: Callable[[Message], None]) -> Walk:
        incident = journal.incident
        assert incident is not None  # noqa: S101 - reopening folds it
        root, runbook = scene_of(self.adapters.roots, self.books, incident.opened)
        started: list[Walk] = []
        resumption = Resumption(incident=incident, journal=journal)
        world = self.world(root, started)
        walk = set_up(world, runbook, publish, resumption=resumption)
        started.append(walk)
        return walk

    def written_elsewhere(self, root: RootModule, publish: Callable[[Message], None]) -> Following | None:
        """The incident on this state that another session writes now, to be read along; None without one."""
        journals = self.adapters.journals()
        try:
            name = journals.written_elsewhere(lambda: self.adapters.store(root).address)
            return self._follow(journals.follow(name), publish) if name else None
        except JournalError:
            # It cannot be read along; a walk of our own says what is wrong with the journals when it writes.
            return None

    def _follow(self, journal: Follower, publish: Callable[[Message], None]) -> Following | None:
        """Read along what another process writes; None where no other one is seen to."""
        writer = journal.writer()
        if writer is None or writer.pid == os.getpid():
            return None
        told = journal.read_new()
        root, runbook = scene_of(self.adapters.roots, self.books, told_by(told).opened)
        return Following(self.world(root), runbook, journal, told, writer, publish)

    def books(self, root: RootModule) -> Books:
        """Where this root's runbooks are from."""
        return Books(Path(root.checkout) if root.checkout else self.adapters.roots.checkout())

    def _diagnosed(self) -> str:
        """The runbook that the pasted error asks for."""
        if not self.adapters.options.error:
            return DEFAULT
        from tuirunbook.core.diagnosis import diagnose  # noqa: PLC0415 - only a pasted error needs it

        return diagnose(self.adapters.options.error).runbook or DEFAULT

    def fresh_name(self) -> str:
        """A name for the incident; where the directory cannot be read, the walk says so when it writes."""
        from tuirunbook.journal.names import name_for  # noqa: PLC0415 - adapters are imported when they are needed

        now = datetime.now(UTC)
        try:
            return self.adapters.journals().fresh_name(now)
        except JournalError:
            return name_for(now, (), secrets.choice)

    def world(self, root: RootModule, walks: Sequence[Walk] = ()) -> World:
        """What a walk of this root reads and acts on; `walks` holds the walk itself once it is there."""
        adapters = self.adapters
        from tuirunbook.wiring.sources import evidence_sources  # noqa: PLC0415 - adapters come when they are needed

        root = msgspec.structs.replace(root, program=adapters.program(root))
        clients = adapters.clients(root)
        return World(
            root=root,
            store=adapters.store(root, clients),
            terraform=adapters.terraform(root, clients),
            sources=evidence_sources(adapters, root, clients, walks),
            sources_off=adapters.settings.user.sources_off,
            policy=adapters.policy,
            create_journal=_create_journal(adapters),
            operator=adapters.operator(),
            host=adapters.host(),
            me=adapters.me(),
            tool=__version__,
            plan_args=adapters.plan_args(),
            neighbours=lambda: _lock_ids(adapters),
        )


def _lock_ids(adapters: Adapters) -> tuple[str, ...]:
    """The lock IDs of all states that the repository's files tell; where they cannot be read, none."""
    from tuirunbook.wiring.states import found_states  # noqa: PLC0415 - it reads the whole repository

    found: list[str] = []
    try:
        for state in found_states(adapters):
            with contextlib.suppress(AddressError):
                found.append(state.root.address().lock_id)
    except Problem:
        pass
    return tuple(found)


def _create_journal(adapters: Adapters) -> Callable[[Opened], JournalWriter]:
    def create(opened: Opened) -> JournalWriter:
        return adapters.journals().create(opened)

    return create
