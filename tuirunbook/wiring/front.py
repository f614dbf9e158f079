"""What the screens ask for, over the real world. It satisfies `tui.front.Front`."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook import __version__
from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Event, Opened
from tuirunbook.core.runbook import Runbook
from tuirunbook.core.values import JournalError
from tuirunbook.survey.states import StateRow
from tuirunbook.tui.front import IncidentRow, NoRoot
from tuirunbook.walk.messages import Message
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import Resumption, World
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.archive import Archive
from tuirunbook.wiring.books import DEFAULT, Books
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.resuming import changed_since, root_of
from tuirunbook.wiring.surveying import fresh, survey

if TYPE_CHECKING:
    from tuirunbook.evidence.people import Webhook
    from tuirunbook.journal.writer import JournalWriter


class WiredFront:
    """The real world behind the screens.

    Args:
        adapters: Makes the adapters.
    """

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._archive = Archive(adapters)
        self._listed: list[RootModule] = []

    @property
    def keymap(self) -> Mapping[str, str]:
        """The user's keys, by command ID."""
        return self._adapters.settings.user.keymap

    @property
    def theme(self) -> str | None:
        """The user's theme."""
        return self._adapters.settings.user.theme

    def find(self) -> RootModule | Sequence[RootModule] | NoRoot:
        """The root module to walk, several to choose from, or why there is none."""
        try:
            return self._adapters.roots.find()
        except Problem as problem:
            return _no_root(problem)

    def compare(self, root: RootModule) -> RootModule:
        """The root with what its files say differently; it reads HCL, so it is for after the first look."""
        try:
            return self._adapters.roots.compare(root)
        except Problem:
            return root

    def open_walk(self, root: RootModule, publish: Callable[[Message], None], runbook: str = "") -> Walk:
        """A walk of this root, not started yet; of the runbook that the options or the error ask for, unless named.

        Raises:
            Problem: It cannot be walked as it stands.
        """
        if root in self._listed:
            # a list may show what an earlier start remembered; what is acted on is read now
            root = fresh(self._adapters, root)
        name = runbook or self._adapters.options.runbook or self._diagnosed()
        book, note = self._books(root).load_to_walk(name)
        notes = tuple(filter(None, (note, self._adapters.settings.ignored)))
        root = msgspec.structs.replace(root, notes=(*root.notes, *notes))
        started: list[Walk] = []
        world = self._world(root, started)
        walk = set_up(world, book, publish, incident_id=self._fresh_name())
        started.append(walk)
        return walk

    def resume_walk(self, incident: str, publish: Callable[[Message], None]) -> Walk:
        """A walk that goes on with an incident.

        Raises:
            JournalError: It cannot be resumed here; the sentence says why.
            Problem: Its state cannot be read as things are.
        """
        from tuirunbook.journal.journals import resumable  # noqa: PLC0415 - only a resumption needs it

        journals = self._adapters.journals()
        name = journals.find(incident)
        if (why_not := resumable(journals.summary(name), self._adapters.host())) is not None:
            raise JournalError(why_not)
        journal = journals.open_for_writing(name)
        try:
            return self._resume(journal, publish)
        except BaseException:
            journal.close()
            raise

    def pasted(self) -> str:
        """The error that was handed in on the command line, or empty."""
        return self._adapters.options.error

    def find_by_error(self, text: str) -> Sequence[RootModule] | NoRoot:
        """The root modules whose state the error's `Path` names."""
        try:
            return self._adapters.roots.by_error(text)
        except Problem as problem:
            return _no_root(problem)

    def root_from(self, bucket: str, key: str, table: str, region: str) -> RootModule:
        """A root for a state that no repository here describes.

        Raises:
            Problem: Those are no bucket and key, or the region is not known.
        """
        return self._adapters.roots.named(bucket, key, table=table, region=region)

    def survey(self) -> Iterator[StateRow]:
        """Every state of this repository, each first unread and then again when it was read."""
        for row in survey(self._adapters):
            if row.snapshot is None:
                self._listed.append(row.root)
            yield row

    def incidents(self) -> Sequence[IncidentRow]:
        """Past and open incidents, those that need somebody first."""
        return self._archive.rows()

    def events(self, incident: str) -> Sequence[Event]:
        """An incident's events."""
        return self._archive.events(incident)

    def export(self, incident: str) -> str:
        """An incident as Markdown."""
        return self._archive.export(incident)

    def other_incidents(self, root: RootModule) -> Sequence[IncidentRow]:
        """Other open incidents on the same state."""
        try:
            # Custom endpoints from the environment are part of a state's address.
            address = self._adapters.store(root).address
        except Problem:
            address = root.address()
        return self._archive.rows_on(address)

    def login_command(self, root: RootModule) -> tuple[str, ...] | None:
        """The command that renews expired credentials, or None when there is none to run."""
        from tuirunbook.locks.login import login_command  # noqa: PLC0415 - only expired credentials need it

        try:
            return login_command(self._adapters.clients(root))
        except Problem:
            return None

    def runbook(self, name: str) -> Runbook:
        """A runbook by name.

        Raises:
            Problem: There is none, or it has mistakes.
        """
        return Books(self._adapters.roots.checkout()).load(name)

    def channel(self) -> Webhook | None:
        """The team's channel, where the user's settings name one.

        Raises:
            Problem: The settings name something else.
        """
        from tuirunbook.wiring import team  # noqa: PLC0415 - only who posts needs it

        settings = self._adapters.settings
        return team.channel(settings.user.webhook, settings.read_only)

    def now(self) -> datetime:
        """The time, aware, in the operator's zone."""
        return datetime.now(UTC).astimezone(self._adapters.zone())

    def _books(self, root: RootModule) -> Books:
        return Books(Path(root.checkout) if root.checkout else self._adapters.roots.checkout())

    def _diagnosed(self) -> str:
        """The runbook that the pasted error asks for."""
        if not self._adapters.options.error:
            return DEFAULT
        from tuirunbook.core.diagnosis import diagnose  # noqa: PLC0415 - only a pasted error needs it

        return diagnose(self._adapters.options.error).runbook or DEFAULT

    def _fresh_name(self) -> str:
        """A name for the incident; where the directory cannot be read, the walk says so when it writes."""
        from tuirunbook.journal.names import name_for  # noqa: PLC0415 - adapters are imported when they are needed

        now = datetime.now(UTC)
        try:
            return self._adapters.journals().fresh_name(now)
        except JournalError:
            return name_for(now, (), secrets.choice)

    def _world(self, root: RootModule, walks: Sequence[Walk] = ()) -> World:
        adapters = self._adapters
        from tuirunbook.wiring.sources import evidence_sources  # noqa: PLC0415 - adapters come when they are needed

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

    def _resume(self, journal: JournalWriter, publish: Callable[[Message], None]) -> Walk:
        incident = journal.incident
        assert incident is not None  # noqa: S101 - reopening folds it
        opened = incident.opened
        root = root_of(self._adapters.roots, opened)
        runbook = self._books(root).parse(opened.runbook_text, f"incident {incident.id}")
        if note := changed_since(self._books(root), opened):
            root = msgspec.structs.replace(root, notes=(*root.notes, note))
        started: list[Walk] = []
        resumption = Resumption(incident=incident, journal=journal)
        world = self._world(root, started)
        walk = set_up(world, runbook, publish, resumption=resumption)
        started.append(walk)
        return walk


def _lock_ids(adapters: Adapters) -> tuple[str, ...]:
    """The lock IDs of all states that the repository's files tell; where they cannot be read, none."""
    from tuirunbook.wiring.surveying import found_states  # noqa: PLC0415 - it reads the whole repository

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


def _no_root(problem: Problem) -> NoRoot:
    return NoRoot(sentence=problem.sentence, next_step=problem.next_step)
