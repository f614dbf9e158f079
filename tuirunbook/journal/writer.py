"""Writing a journal: one process at a time, whole lines or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import (
    ActionRefused,
    Event,
    FindingRecorded,
    Identified,
    LockChanged,
    LockObserved,
    Opened,
    WaitEnded,
    WaitStarted,
    WatchLost,
    WatchRestored,
)
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.redaction import redacted
from tuirunbook.core.values import JournalError
from tuirunbook.journal import backup, lines, reader
from tuirunbook.journal.claim import claim, let_go
from tuirunbook.journal.disk import sync

CHEAP = (ActionRefused, FindingRecorded, LockChanged, LockObserved, WaitEnded, WaitStarted, WatchLost, WatchRestored)
"""Kinds that a loss of power may take: they can be seen again. Others are on the disk before `append` returns."""

_COMMAND_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class JournalWriter:
    """One incident, open for writing. It satisfies `walk.ports.Journal`.

    An event is redacted, chained and appended with one write. When a write fails, what it left is cut away again, and
    nothing is appended until that has worked: the journal never holds half an event, and a change to the world is
    refused meanwhile.

    Attributes:
        directory: The incident's directory.
        incident: What the journal told when it was opened; None for a new one.
        chain: What reading it back found out.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.incident: Incident | None = None
        self.chain = ChainReport(lines=0)
        self._path = directory / reader.JOURNAL
        self._address: StateAddress | None = None
        self._position = reader.Position(1, lines.GENESIS, 0)
        try:
            self._claim = claim(directory)
        except OSError as error:
            raise refusal("claimed", directory, error) from error
        try:
            self._file = _open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        except JournalError:
            let_go(self._claim)
            raise

    @classmethod
    def create(cls, directory: Path) -> JournalWriter:
        """A new journal, empty, in a directory that was just made for it.

        Raises:
            JournalError: It could not be written.
        """
        journal = cls(directory)
        try:
            _sync_directory(directory)
            _sync_directory(directory.parent)
        except JournalError:
            journal.close()
            raise
        return journal

    @classmethod
    def reopen(cls, directory: Path) -> JournalWriter:
        """A journal that is there already. A line that a crash cut off is removed.

        Raises:
            LockedError: Another process writes it.
            JournalError: It cannot be read or written, or opens no incident.
        """
        if not (directory / reader.JOURNAL).is_file():
            raise JournalError(f"there is no journal in {directory}")
        journal = cls(directory)
        try:
            journal._read_back()
        except JournalError:
            journal.close()
            raise
        return journal

    def _read_back(self) -> None:
        events = reader.Reader(self._path)
        self.incident = reader.fold(events, self._path)
        self.chain = events.report
        self._address = self.incident.address
        self._position = events.position
        self._cut()
        if self._position.unfinished:
            self._write(b"\n", durable=True)
            self._position = reader.Position(self._position.seq, self._position.prev, self._position.length + 1)

    def append(self, event: Event) -> None:
        """Write one event, on the disk before this returns unless its kind is `CHEAP`.

        Raises:
            JournalError: It could not be written, and is not in the journal. Nothing may be changed then.
        """
        event = redacted(event)
        self._cut()
        line, digest = lines.encode(event, self._position.seq, self._position.prev)
        self._write(line, durable=not isinstance(event, CHEAP))
        self._position = reader.Position(self._position.seq + 1, digest, self._position.length + len(line))
        if isinstance(event, Opened):
            self._address = event.address
        elif isinstance(event, Identified) and self._address is not None:
            self._address = msgspec.structs.replace(self._address, account=event.account, caller=event.caller)

    def _write(self, data: bytes, *, durable: bool) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if durable:
                sync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._position.length)
            raise refusal("written", self._path, error) from error

    def _cut(self) -> None:
        """Leave nothing behind the last whole line, whatever a crash or a failed write has put there."""
        try:
            facts = os.fstat(self._file)
            if facts.st_size > self._position.length:
                os.ftruncate(self._file, self._position.length)
        except OSError as error:
            raise refusal("written", self._path, error) from error
        if facts.st_nlink == 0 or facts.st_size < self._position.length:
            raise JournalError(
                f"the journal {self._path} was removed or shortened by somebody else; nothing is changed"
            )

    def keep_backup(self, lock: StoredLock) -> Path:
        """Write the raw lock to a private file of its own, on the disk before this returns, and say where.

        Raises:
            JournalError: It could not be written.
        """
        if self._address is None:
            raise JournalError("the incident has no address yet, so a backup would not say where it belongs")
        try:
            path = backup.keep(self.directory, self._address, lock)
        except OSError as error:
            raise refusal("written", self.directory, error) from error
        _sync_directory(self.directory)
        return path

    def log_path(self, command_id: str) -> Path:
        """Where a command's output goes.

        Raises:
            JournalError: This is no name for a command.
        """
        if not _COMMAND_ID.fullmatch(command_id):
            raise JournalError(f"{command_id!r} is no name for a command")
        return self.directory / f"{command_id}.log"

    def close(self) -> None:
        """Let another process write. Closing twice is closing once."""
        if self._file < 0:
            return
        os.close(self._file)
        let_go(self._claim)
        self._file = self._claim = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise refusal("opened for writing", path, error) from error


def _sync_directory(directory: Path) -> None:
    """Make new names in a directory survive a loss of power, where the file system can."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise refusal("written", directory, error) from error
    try:
        sync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise refusal("written", directory, error) from error
    finally:
        os.close(descriptor)


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or point --journal-dir to another one",
    errno.EDQUOT: "the disk quota is used up; free some space, or point --journal-dir elsewhere",
    errno.EFBIG: "the file may not grow any further (file size limit); raise it, or point --journal-dir elsewhere",
    errno.EACCES: "permission denied; mend its permissions, or point --journal-dir to a directory of yours",
    errno.EPERM: "permission denied; mend its permissions, or point --journal-dir to a directory of yours",
    errno.EROFS: "the file system is read-only; point --journal-dir to another one",
    errno.ENOLCK: "the file system cannot lock files; point --journal-dir to a local disk",
}


def refusal(what: str, path: Path, error: OSError) -> JournalError:
    """A failed file operation as a sentence: what could not be done, where, why, and what helps."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return JournalError(f"the journal cannot be {what} ({path}): {reason}")
