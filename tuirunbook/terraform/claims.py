"""The log of a child as the mark of its life, kept by the system and by nobody's word.

The log is locked (flock) when it is made, and the child inherits it, locked, as its output. The lock lives exactly as
long as somebody has that very opening of the file: from the fork on, whatever becomes of us in between. So a command
that was about to be started is told apart from one that runs, also where we were killed before its process was known.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import psutil


def claim(log: Path) -> int:
    """Make a log that only we can read, empty and locked; its descriptor.

    Raises:
        OSError: It cannot be written, or is a link. A `BlockingIOError` means that a command still writes to it.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def claimed(log: str) -> bool:
    """Whether somebody still has the log that `claim` made, as its output."""
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def claimant(log: str) -> psutil.Process | None:
    """The process that was started with this log: the one that leads its session. None where none can be seen."""
    return writer(log, lambda process: os.getsid(process.pid) == process.pid)


def writer(log: str, is_meant: Callable[[psutil.Process], bool]) -> psutil.Process | None:
    """The process of this user, of those that are meant, that has this log open."""
    wanted, me = str(Path(log).resolve()), os.geteuid()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            meant = process.uids().effective == me and is_meant(process)
            if meant and any(file.path == wanted for file in process.open_files()):
                return process
    return None
