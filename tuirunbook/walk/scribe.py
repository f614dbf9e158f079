"""Writes the incident down: each event is redacted, appended, folded and told to the front end, in this order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from tuirunbook.core.events import (
    CommandIntended,
    CommandStarted,
    ErrorPasted,
    Event,
    LockChanged,
    LockObserved,
    NoteAdded,
    Opened,
    QuestionAnswered,
    ReleaseIntended,
    timestamp,
)
from tuirunbook.core.fold import apply, begin
from tuirunbook.core.incident import Incident
from tuirunbook.core.redaction import redacted
from tuirunbook.core.values import Child, JournalError
from tuirunbook.walk.ports import Journal


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


class Recorded(msgspec.Struct, frozen=True):
    """An event was recorded, and this is the incident after it."""

    event: Event
    incident: Incident


class Scribe:
    """Owns the journal and the folded incident. Only the incident's thread calls it.

    Looking leaves no journal: events are kept in memory until one comes that makes an incident (a lock that is held, a
    pasted error, an answer, a note), and are written from the first one on then.

    Attributes:
        incident: The incident after the last event.
        unwritable: Why the journal cannot be written, or empty. Nothing is changed while it says something (S4).
    """

    def __init__(
        self,
        opened: Opened,
        create: Callable[[Opened], Journal],
        publish: Callable[[Recorded], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.incident: Incident = begin(redacted(opened))
        self.unwritable = ""
        self.journal: Journal | None = None
        self._create = create
        self._publish = publish
        self._clock = clock
        self._unwritten: list[Event] = [self.incident.opened]

    @classmethod
    def resume(
        cls,
        incident: Incident,
        journal: Journal,
        publish: Callable[[Recorded], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> Scribe:
        """A scribe that goes on with a journal that was read back."""
        scribe = cls(incident.opened, lambda _: journal, publish, clock)
        scribe.incident = incident
        scribe.journal = journal
        scribe._unwritten = []
        return scribe

    def now(self) -> datetime:
        """The current time, aware."""
        return self._clock()

    def record(self, kind: type[Event], *, by: str = "tflock-tui", **facts: Any) -> Incident:
        """Record an event of this kind, now.

        An event that cannot be written is still folded and shown, so that nobody loses sight of what happened; it is
        written with the next one that can be. Changes to the world ask `must_write` first.
        """
        event = redacted(kind(at=timestamp(self._clock()), by=by, **facts))
        self._unwritten.append(event)
        self.incident = apply(self.incident, event)
        if self.journal is not None or _makes_an_incident(event):
            self._write()
        self._publish(Recorded(event, self.incident))
        return self.incident

    def announce(self, purpose: str) -> Callable[[Child], None]:
        """Takes down a command of ours before it is started, and once more when its process is known (S4, S9).

        What it returns raises a `JournalError` where the intent cannot be written: nothing may be started then.
        """

        def tell(child: Child) -> None:
            if child.pid:
                self.record(CommandStarted, child=child, purpose=purpose)
            else:
                self.record(CommandIntended, child=child, purpose=purpose)
                self.must_write()

        return tell

    def must_write(self) -> None:
        """Make sure that everything so far is in the journal.

        Raises:
            JournalError: It is not, and cannot be written.
        """
        self._write()
        if self.unwritable:
            raise JournalError(self.unwritable)

    def keep(self) -> Journal:
        """The journal, made now if looking alone has not made one.

        Raises:
            JournalError: It cannot be written.
        """
        self.must_write()
        if self.journal is None:
            raise JournalError("there is no journal")
        return self.journal

    def put_away(self) -> None:
        """Close the journal, so that the incident can be resumed elsewhere, or here."""
        if self.journal is not None:
            self.journal.close()

    def _write(self) -> None:
        try:
            if self.journal is None:
                self.journal = self._create(self.incident.opened)
            while self._unwritten:
                self.journal.append(self._unwritten[0])
                self._unwritten.pop(0)
        except JournalError as error:
            self.unwritable = str(error)
        else:
            self.unwritable = ""


def _makes_an_incident(event: Event) -> bool:
    match event:
        case LockObserved(snapshot=snapshot) | LockChanged(snapshot=snapshot):
            return bool(snapshot.locks)
        case ErrorPasted() | QuestionAnswered() | NoteAdded() | ReleaseIntended():
            return True
        case _:
            return False
