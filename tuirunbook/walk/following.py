"""One incident that another session writes, read along: its events as they come, and looks of our own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeAlias

import msgspec

from tuirunbook.core.changes import remembered
from tuirunbook.core.events import Event, Opened
from tuirunbook.core.fold import apply, begin
from tuirunbook.core.gates import moved
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, NotChecked
from tuirunbook.core.runbook import Runbook
from tuirunbook.core.values import JournalError, Writer
from tuirunbook.walk.caller import CallerDesk
from tuirunbook.walk.desk import Desk
from tuirunbook.walk.evidence_desk import SourceStatus
from tuirunbook.walk.messages import CaughtUp, Message, ReadingArrived, Trouble, WriterSeen, tolerant
from tuirunbook.walk.observer import Looked, found_between, taken_by_ours
from tuirunbook.walk.ports import FollowedJournal
from tuirunbook.walk.walk import Walk
from tuirunbook.walk.watcher import Watcher
from tuirunbook.walk.world import World

READ_ONLY = "another session writes this incident"


class Following:
    """Reads an incident along, and looks at its lock.

    Nobody here records, answers, runs a command or releases: those parts belong to a `Walk`, and a session that only
    reads is made without them. Its looks are shown and not written. Besides, its policy is read-only, so that the gates
    refuse every change (S11).

    Args:
        world: The incident's world.
        runbook: The incident's copy of its runbook.
        journal: The incident on disk.
        told: The events that were read from it so far, the first one opening it.
        writer: Who writes it.
        publish: Is told what happens, from this session's threads.

    Attributes:
        incident: The incident as far as it was read.
        writer: Who writes it, or did last.
        writer_ended: Whether nobody does any more.
    """

    def __init__(
        self,
        world: World,
        runbook: Runbook,
        journal: FollowedJournal,
        told: tuple[Event, ...],
        writer: Writer,
        publish: Callable[[Message], None],
    ) -> None:
        policy = msgspec.structs.replace(world.policy, read_only=world.policy.read_only or READ_ONLY)
        self.world = dataclasses.replace(world, policy=policy, sources=())
        self.runbook = runbook
        self.incident = told_by(told)
        self.writer = writer
        self.writer_ended = False
        self.desk = Desk(tolerant(self._read_on, publish))
        self.watcher = Watcher(
            world.store,
            lambda snapshot: self.desk.submit(tolerant(self._arrive, publish), snapshot),
            lambda store, reading: publish(ReadingArrived(store, reading)),
            lambda error: publish(Trouble(f"{type(error).__name__}: {error}")),
        )
        self._journal = journal
        self._publish = publish
        self._caller = CallerDesk(world.store, publish, world.clock)
        self._told = told
        self._trouble = ""
        self._latest: LockSnapshot | None = None
        self._known: LockSnapshot | None = None
        self._looks = 0

    unwritable = ""
    """Nothing is written here."""

    sources: tuple[SourceStatus, ...] = ()
    """Nobody is asked here."""

    is_on_disk = True
    """There is an incident to come back to."""

    def start(self) -> None:
        """Tell what was read so far; then read on, and look."""
        self._publish(WriterSeen(writer=self.writer))
        self._publish(CaughtUp(self._told, self.incident))
        self._told = ()
        self.desk.start()
        self.watcher.start()

    def stop(self, wait_seconds: float = 0.0) -> Future[None]:
        """Stop looking and reading. There is nothing to let go of, so the future is done."""
        self.watcher.stop()
        self.desk.stop(wait_seconds)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def know_again(self) -> None:
        """Ask who we are, and say so when this is not the incident's place (S15). For this session's thread."""
        caller = self._caller.ask()
        if isinstance(caller, NotChecked) or self.incident.account is None:
            return
        if difference := moved(self.incident, self.world.store.address):
            self._publish(Trouble(f"This is not the place the incident began in: {difference}."))

    def _read_on(self) -> None:
        """Take in what was written since; who wrote it is looked up first, so that an end comes after the last word."""
        writer = self._journal.writer()
        try:
            events = self._journal.read_new()
            if events:
                self.incident = told_by(events, self.incident)
                self._publish(CaughtUp(tuple(events), self.incident))
            self._trouble = ""
        except JournalError as error:
            if str(error) != self._trouble:
                self._publish(Trouble(str(error)))
            self._trouble = str(error)
        self._see(writer)

    def _see(self, writer: Writer | None) -> None:
        if writer is None and not self.writer_ended:
            self.writer_ended = True
            self._publish(WriterSeen(writer=self.writer, ended=True))
        elif writer is not None and (self.writer_ended or writer != self.writer):
            self.writer, self.writer_ended = writer, False
            self._publish(WriterSeen(writer=writer))

    def _arrive(self, snapshot: LockSnapshot) -> None:
        if self._caller.is_due:
            self.know_again()
        world = self.world
        snapshot = msgspec.structs.replace(snapshot, address=world.store.address)
        before, known = self._latest, self._known
        self._latest = snapshot
        self._known = remembered(known, snapshot) if known else snapshot
        self._looks += 1
        found = found_between(before, known, snapshot) if before and known else ()
        ours = tuple(
            lock.identity for lock in snapshot.locks if taken_by_ours(lock, self.incident, world.me or world.host)
        )
        self._publish(Looked(snapshot=snapshot, number=self._looks, found=found, ours=ours))


AnyWalk: TypeAlias = Walk | Following
"""A walk that a front end shows: ours, or one that is read along."""


def told_by(events: Iterable[Event], before: Incident | None = None) -> Incident:
    """The incident after these events; from its beginning where one of them opens it.

    What damage left before the event that opens the incident has nothing to be about.

    Raises:
        JournalError: Nothing opens an incident.
    """
    incident = before
    for event in events:
        if isinstance(event, Opened):
            incident = begin(event)
        elif incident is not None:
            incident = apply(incident, event)
    if incident is None:
        raise JournalError("nothing in the journal opens an incident")
    return incident
