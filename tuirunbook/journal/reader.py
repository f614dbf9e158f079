"""Reading a journal back: every event that is there, and whether it is what was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuirunbook.core.chain import ChainReport, Damage
from tuirunbook.core.events import Event, Opened
from tuirunbook.core.fold import apply, begin
from tuirunbook.core.incident import Incident
from tuirunbook.core.values import JournalError
from tuirunbook.journal import lines

JOURNAL = "journal.jsonl"


class Position(msgspec.Struct, frozen=True):
    """Where the next line goes: its number, the hash before it, the length of what stays, a line feed that lacks."""

    seq: int
    prev: str
    length: int
    unfinished: bool = False


class Reader:
    """Reads a journal once, event by event, and verifies its chain on the way.

    `report` and `position` are complete when the iteration is. A line that does not verify is reported and its event
    returned all the same; a line that cannot be read at all becomes an `UnknownEvent` with the line as its content.

    Raises:
        JournalError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damage: list[Damage] = []
        self._lines = 0
        self._length = 0
        self._torn = ""
        self._unfinished = False
        self._seq = 1
        self._prev: str | None = lines.GENESIS
        self._stated = lines.GENESIS
        self._last_at = ""

    @property
    def report(self) -> ChainReport:
        """What was found out about the journal so far."""
        return ChainReport(lines=self._lines, damage=tuple(self._damage), torn=self._torn)

    @property
    def position(self) -> Position:
        """Where a writer goes on."""
        return Position(self._seq, self._stated, self._length, self._unfinished)

    def __iter__(self) -> Iterator[Event]:
        """The events in their order."""
        try:
            with self._path.open("rb") as file:
                for line in file:
                    event = self._read(line) if line.endswith(b"\n") else self._read_last(line)
                    if event is not None:
                        self._last_at = event.at
                        yield event
        except OSError as error:
            raise JournalError(f"the journal {self._path} cannot be read: {error.strerror}") from error

    def added(self) -> Iterator[Event]:
        """The events of the whole lines behind those read so far; a line under way is left for the next call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._length)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    event = self._read(line)
                    self._last_at = event.at
                    yield event
        except OSError as error:
            raise JournalError(f"the journal {self._path} cannot be read: {error.strerror}") from error

    def _read(self, line: bytes) -> Event:
        self._lines += 1
        self._length += len(line)
        body = line[:-1]
        if self._prev is not None and (right := lines.verify(body, self._seq, self._prev)):
            event, self._prev = right
            self._stated = self._prev
            self._seq += 1
            return lines.decode(event, last_at=self._last_at)
        return self._read_damaged(body)

    def _read_last(self, line: bytes) -> Event | None:
        """A line without its line feed: complete, or cut off by a crash."""
        if self._prev is not None and lines.verify(line, self._seq, self._prev):
            self._unfinished = True
            event = self._read(line + b"\n")
            self._length -= 1
            return event
        if self._prev is not None and lines.verify(line[:-1], self._seq, self._prev):
            self._unfinished = True
            event = self._read(line[:-1] + b"\n")
            self._length -= 1
            self._report("its line feed is damaged")
            return event
        self._torn = f"the last line was cut off by a crash, {len(line)} bytes of it were dropped"
        return None

    def _read_damaged(self, line: bytes) -> Event:
        """A line that is not what follows; says why, and finds where the chain goes on."""
        around = lines.envelope(line)
        if around is None:
            self._report("it is not a line of a journal; its text is kept")
            self._stated = lines.own_hash(line)
            self._prev = None
            self._seq += 1
            return lines.decode(line, last_at=self._last_at)
        intact = lines.own_hash(line) == around.hash
        if not intact:
            self._report("its content does not match its hash")
        elif self._prev is not None and around.prev != self._prev:
            self._report("it does not follow on the line before it")
        if around.seq != self._seq:
            self._report(f"it says that it is line {around.seq}, where line {self._seq} was due")
        elif intact and self._prev == around.prev and around.v == lines.FORMAT:
            self._report("it is not written the way this format is")
        if intact and around.v > lines.FORMAT:
            self._newer(around.v)
        # The next line is believed when it follows on what this one says of itself; damage here may be in just that.
        self._stated = around.hash
        self._prev = around.hash if intact else None
        self._seq = around.seq + 1 if intact else self._seq + 1
        return lines.decode(around.event, last_at=self._last_at)

    def _newer(self, version: int) -> None:
        sentence = (
            f"it is in format {version}, and this version knows format {lines.FORMAT}; what it knows of it is shown"
        )
        if not any(damage.sentence == sentence for damage in self._damage):
            self._report(sentence)

    def _report(self, sentence: str) -> None:
        self._damage.append(Damage(line=self._lines, sentence=sentence))


def opened(path: Path) -> Opened | None:
    """The event that opens an incident, without reading on; None where the first line tells none.

    Raises:
        JournalError: The file cannot be read.
    """
    first = next(iter(Reader(path)), None)
    return first if isinstance(first, Opened) else None


def read(path: Path) -> tuple[tuple[Event, ...], ChainReport]:
    """All events of a journal, and the report of its chain.

    Raises:
        JournalError: The file cannot be read.
    """
    reader = Reader(path)
    return tuple(reader), reader.report


def replay(path: Path) -> tuple[Incident, ChainReport]:
    """The incident that a journal tells, without keeping its events, and the report of its chain.

    Raises:
        JournalError: The file cannot be read, or nothing in it opens an incident.
    """
    reader = Reader(path)
    return fold(reader, path), reader.report


def fold(events: Reader, path: Path) -> Incident:
    """The incident that a reader's events tell.

    What damage left before the event that opens the incident has nothing to be about.

    Raises:
        JournalError: The file cannot be read, or nothing in it opens an incident.
    """
    incident: Incident | None = None
    for event in events:
        if incident is not None:
            incident = apply(incident, event)
        elif isinstance(event, Opened):
            incident = begin(event)
    if incident is None:
        raise JournalError(f"{path} opens no incident; {events.report.sentence}")
    return incident
