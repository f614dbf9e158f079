"""All incidents of this machine: list, find, open, prune."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import Event, Opened, Verified
from tuirunbook.core.incident import Incident, Status
from tuirunbook.core.lock import parse_time
from tuirunbook.core.values import Child, JournalError
from tuirunbook.journal import names, reader
from tuirunbook.journal.claim import writer_of
from tuirunbook.journal.follower import Follower
from tuirunbook.journal.writer import JournalWriter, refusal

_WORTH = {Status.UNBLOCKED: 0, Status.OPEN: 1, Status.VERIFIED: 2, Status.CLOSED: 2}


class IncidentSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One incident in a list.

    Attributes:
        id: Its name.
        status: How far it is.
        address: The state.
        root: The root module's name.
        opened_at: When it began.
        last_at: When something last happened in it.
        operator: Who opened it.
        host: The machine it was opened on.
        released_at: When the lock was found gone, or None.
        closed_at: When it was closed, or None.
        verified: What was read after the release, or None.
        training: Whether it is practice.
        running: The commands that had no end yet when it was last written.
        holds: What was stopped for a release and is not undone.
        chain: Whether the journal still is what was written.
    """

    id: str
    status: Status
    address: StateAddress
    root: str
    opened_at: str
    last_at: str
    operator: str
    host: str
    released_at: str | None
    closed_at: str | None
    verified: Verified | None
    training: bool
    running: tuple[Child, ...]
    holds: tuple[str, ...]
    chain: ChainReport

    @classmethod
    def of(cls, incident: Incident, chain: ChainReport) -> IncidentSummary:
        """The summary of a folded incident."""
        return cls(
            id=incident.id,
            status=incident.status,
            address=incident.address,
            root=incident.opened.root,
            opened_at=incident.opened.at,
            last_at=incident.last_at,
            operator=incident.opened.operator,
            host=incident.opened.host,
            released_at=incident.gone_at or None,
            closed_at=incident.closed.at if incident.closed else None,
            verified=incident.verified,
            training=incident.opened.training,
            running=tuple(started.child for started in incident.running.values()),
            holds=tuple(incident.holds),
            chain=chain,
        )


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A journal that opens no incident: its name, and why."""

    id: str
    why: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All incidents, read once.

    Attributes:
        incidents: Released but not verified first, then open ones, then the rest; the newest first in each.
        unreadable: The journals that are left out, each with the reason.
    """

    incidents: tuple[IncidentSummary, ...]
    unreadable: tuple[Unreadable, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that was not pruned: its name, and why."""

    id: str
    why: str


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What pruning did: the names that are gone, and those that stay."""

    removed: tuple[str, ...]
    kept: tuple[Kept, ...]


class Journals:
    """The incidents under one directory, one directory each.

    Raises:
        JournalError: From any method: the directory cannot be read or written; the sentence says where and why.
    """

    def __init__(self, directory: Path, *, choose: Callable[[Sequence[str]], str] = secrets.choice) -> None:
        self.directory = directory
        self._choose = choose

    def fresh_name(self, now: datetime) -> str:
        """A name for an incident that begins now. Nothing is written for it; looking leaves no trace."""
        try:
            return names.name_for(now, self._taken(), self._choose)
        except OSError as error:
            raise refusal("read", self.directory, error) from error

    def create(self, opened: Opened) -> JournalWriter:
        """A new, empty journal for the incident that `opened` begins; appending that event is the first thing to do."""
        directory = self._path(opened.incident)
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            directory.mkdir(mode=0o700)
        except FileExistsError:
            if (directory / reader.JOURNAL).exists():
                raise JournalError(f"there is an incident {opened.incident} already; start again") from None
        except OSError as error:
            raise refusal("written", self.directory, error) from error
        return JournalWriter.create(directory)

    def _taken(self) -> tuple[str, ...]:
        return tuple(path.name for path in self.directory.iterdir()) if self.directory.exists() else ()

    def names(self) -> tuple[str, ...]:
        """The names of all incidents, oldest first."""
        try:
            return tuple(sorted(path.name for path in self.directory.iterdir() if _begun(path)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise refusal("read", self.directory, error) from error

    def overview(self) -> Overview:
        """Every journal, read once."""
        read = [self._summary(name) for name in self.names()]
        found = [summary for summary in read if isinstance(summary, IncidentSummary)]
        newest = sorted(found, key=lambda summary: (summary.opened_at, summary.id), reverse=True)
        return Overview(
            incidents=tuple(sorted(newest, key=lambda summary: _WORTH[summary.status])),
            unreadable=tuple(entry for entry in read if isinstance(entry, Unreadable)),
        )

    def list(self) -> tuple[IncidentSummary, ...]:
        """All incidents, in the overview's order."""
        return self.overview().incidents

    def _summary(self, name: str) -> IncidentSummary | Unreadable:
        try:
            incident, chain = reader.replay(self._journal(name))
        except JournalError as error:
            return Unreadable(id=name, why=str(error))
        return msgspec.structs.replace(IncidentSummary.of(incident, chain), id=name)

    def find(self, asked: str) -> str:
        """The name of the one incident that is meant: by its name, the beginning of it, or its word.

        Raises:
            JournalError: None or several are meant; the sentence names them.
        """
        found = names.matching(asked.strip().lower(), self.names())
        if len(found) == 1:
            return found[0]
        if not found:
            raise JournalError(f"no incident is called {asked!r}; `tflock-tui incidents` lists them")
        raise JournalError(f"{asked!r} can mean {', '.join(found)}; give more of the name")

    def summary(self, name: str) -> IncidentSummary:
        """One incident."""
        incident, chain = reader.replay(self._journal(name))
        return msgspec.structs.replace(IncidentSummary.of(incident, chain), id=name)

    def read(self, name: str) -> tuple[tuple[Event, ...], ChainReport]:
        """All events of an incident, and whether its journal verifies. It may be written meanwhile."""
        return reader.read(self._journal(name))

    def replay(self, name: str) -> tuple[Incident, ChainReport]:
        """The incident that a journal tells. It may be written meanwhile."""
        return reader.replay(self._journal(name))

    def open_for_writing(self, name: str) -> JournalWriter:
        """An incident to go on with.

        Raises:
            LockedError: Another process writes it.
        """
        return JournalWriter.reopen(self._path(name))

    def follow(self, name: str) -> Follower:
        """An incident that another process writes, to be read along."""
        return Follower(self._path(name))

    def written_elsewhere(self, address: Callable[[], StateAddress]) -> str | None:
        """The incident on a state, not closed, that another process of this machine writes now; None without one.

        Only the journals that are being written are read, and the address is only asked for then, so that this costs
        next to nothing where there are none.
        """
        for name in reversed(self.names()):
            writer = writer_of(self._path(name))
            if writer is None or writer.pid == os.getpid():
                continue
            summary = self._summary(name)
            if isinstance(summary, IncidentSummary) and _open_on(summary, address()):
                return name
        return None

    def unfinished(self, lock_id: str, address: Callable[[], StateAddress], host: str) -> IncidentSummary | None:
        """The newest incident on a state that is open, can be resumed here, and that nobody writes; None without one.

        Of the journals of other states only the first line is read, and the whole address is only asked for where one
        has this lock ID.
        """
        for name in reversed(self.names()):
            if self._is_about(name, lock_id) and writer_of(self._path(name)) is None:
                summary = self._summary(name)
                if isinstance(summary, IncidentSummary) and _goes_on(summary, address(), host):
                    return summary
        return None

    def _is_about(self, name: str, lock_id: str) -> bool:
        opened = reader.opened(self._journal(name))
        return opened is not None and opened.address.lock_id == lock_id

    def same_address(self, address: StateAddress) -> tuple[IncidentSummary, ...]:
        """The incidents on this state that are not closed."""
        return tuple(summary for summary in self.list() if _open_on(summary, address))

    def prune(
        self,
        older_than: timedelta,
        now: datetime,
        *,
        alive: Callable[[Child], bool] = lambda _child: False,
        dry_run: bool = False,
    ) -> Pruned:
        """Remove closed incidents that were closed longer ago than this, with their backups and logs; nothing else.

        Args:
            older_than: How long ago.
            now: The time.
            alive: Whether a command of an incident still runs; its log is then still written.
            dry_run: Only say what would go.
        """
        removed: list[str] = []
        kept: list[Kept] = []
        for name in self.names():
            why = self._reason_to_keep(name, now - older_than, alive) or ("" if dry_run else self._remove(name))
            if why:
                kept.append(Kept(id=name, why=why))
            else:
                removed.append(name)
        return Pruned(removed=tuple(removed), kept=tuple(kept))

    def _reason_to_keep(self, name: str, before: datetime, alive: Callable[[Child], bool]) -> str:
        summary = self._summary(name)
        if isinstance(summary, Unreadable):
            return f"it cannot be read: {summary.why}"
        if summary.closed_at is None:
            return "it was released but is not closed" if summary.released_at else "it is not closed"
        if not summary.chain.verified:
            return f"its journal is damaged; look at it and remove it by hand: {summary.chain.sentence}"
        if summary.holds:
            return f"something was held for its release and is not undone: {'; '.join(summary.holds)}"
        if running := [child.id for child in summary.running if alive(child)]:
            return f"{running[0]} of it still runs"
        try:
            recent = parse_time(summary.closed_at) >= before
        except ValueError:
            return f"its time of closing is not a time: {summary.closed_at!r}"
        return f"it was closed at {summary.closed_at}" if recent else ""

    def _remove(self, name: str) -> str:
        try:
            with JournalWriter.reopen(self.directory / name):
                shutil.rmtree(self.directory / name)
        except JournalError as error:
            return str(error)
        except OSError as error:
            return str(refusal("removed", self.directory / name, error))
        return ""

    def _path(self, name: str) -> Path:
        if not names.NAME.fullmatch(name):
            raise JournalError(f"{name!r} is no name of an incident")
        return self.directory / name

    def _journal(self, name: str) -> Path:
        return self._path(name) / reader.JOURNAL


def resumable(summary: IncidentSummary, host: str) -> str | None:
    """Why this incident cannot be resumed on this machine, or None when it can."""
    if summary.status is Status.CLOSED:
        return f"incident {summary.id} was closed at {summary.closed_at}; it can be read and exported"
    if summary.host != host:
        return (
            f"incident {summary.id} was walked on {summary.host}, and this is {host}; "
            "it can be read and exported here, and resumed there"
        )
    return None


def _begun(directory: Path) -> bool:
    """Whether a directory holds an incident; a journal without a line is one that could not be begun."""
    journal = directory / reader.JOURNAL
    return bool(names.NAME.fullmatch(directory.name)) and journal.is_file() and journal.stat().st_size > 0


def _open_on(summary: IncidentSummary, address: StateAddress) -> bool:
    return summary.status is not Status.CLOSED and _same(summary.address, address)


def _goes_on(summary: IncidentSummary, address: StateAddress, host: str) -> bool:
    return summary.status is Status.OPEN and resumable(summary, host) is None and _same(summary.address, address)


def _same(one: StateAddress, other: StateAddress) -> bool:
    """Whether two addresses are one state. An account that was not checked may be any."""
    accounts_differ = one.account and other.account and one.account != other.account
    return not accounts_differ and (one.lock_id, one.s3_endpoint) == (other.lock_id, other.s3_endpoint)
