"""Who writes an incident: one process, which holds a lock on a file and says in it who it is.

The lock is what counts. What stands in the file tells those who only read whom they read along with, without a lock of
their own that would be in a writer's way. A writer that lets go empties the file; one that was killed leaves it as it
was, and its process is not there any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tuirunbook.core.lock import parse_time
from tuirunbook.core.values import JournalError, Writer

WRITER = "writer"
_MOST_BYTES = 4096
_SLACK_SECONDS = 5
"""How exactly a process's start and the clock at its claim agree; a process ID is not used again so soon."""


class LockedError(JournalError):
    """Another process writes this incident; it can be read meanwhile."""


def claim(directory: Path) -> int:
    """Become the one writer, until the descriptor is let go or the process ends.

    Raises:
        LockedError: Another process is.
        OSError: The file cannot be opened, locked or written.
    """
    descriptor = os.open(directory / WRITER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = msgspec.json.encode(_ourselves())
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    except BlockingIOError as error:
        told = _told(os.pread(descriptor, _MOST_BYTES, 0))
        os.close(descriptor)
        who = f"process {told.pid}" if told else "another process"
        raise LockedError(
            f"{who} writes incident {directory.name}; it can be read, and resumed once that has ended"
        ) from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def let_go(descriptor: int) -> None:
    """Let another process write, and say so in the file first: closing is what gives the lock back."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def writer_of(directory: Path) -> Writer | None:
    """The process of this machine that writes an incident, or None when none is seen to."""
    try:
        with (directory / WRITER).open("rb") as file:
            told = _told(file.read(_MOST_BYTES))
    except OSError:
        return None
    return told if told is not None and _lives(told) else None


def _ourselves() -> Writer:
    since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Writer(pid=os.getpid(), since=since, host=socket.gethostname(), terminal=_terminal())


def _terminal() -> str:
    for stream in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.ttyname(stream).removeprefix("/dev/")
    return ""


def _told(content: bytes) -> Writer | None:
    try:
        return msgspec.json.decode(content, type=Writer)
    except msgspec.DecodeError:
        return None


def _lives(writer: Writer) -> bool:
    if writer.host != socket.gethostname():
        return False
    import psutil  # noqa: PLC0415 - only who meets a writer needs it

    try:
        process = psutil.Process(writer.pid)
        begun = process.create_time()
        return process.status() != psutil.STATUS_ZOMBIE and begun <= _seconds(writer.since) + _SLACK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _seconds(moment: str) -> float:
    try:
        return parse_time(moment).timestamp()
    except ValueError:
        return 0.0
