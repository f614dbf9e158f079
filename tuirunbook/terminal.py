"""The terminal as the walk needs it: keys come from it even when standard input was a pipe."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TextIO

TTY = "/dev/tty"

HUNG_UP = 128 + signal.SIGHUP
"""The exit code where the terminal was closed, as a shell tells the end by a signal."""

WIDTH = 80
"""How many columns a line has where nobody says."""


def missing_terminal() -> str | None:
    """Why there is no terminal to walk on, or None when there is one."""
    for stream, name in ((sys.__stdout__, "standard output"), (sys.__stderr__, "standard error")):
        try:
            if stream is None or not os.isatty(stream.fileno()):
                return f"{name} is not a terminal"
        except (OSError, ValueError):
            return f"{name} is closed"
    if _stdin_is_terminal():
        return None
    try:
        os.close(os.open(TTY, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return "standard input is not a terminal, and there is no other one to read keys from"
    return None


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody reads this on a terminal."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def width_of(stream: TextIO) -> int:
    """The columns of the terminal behind a stream, now; what `COLUMNS` says, or 80, where it does not tell."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    told = os.environ.get("COLUMNS", "")
    return columns or (int(told) if told.isascii() and told.isdigit() else 0) or WIDTH


def read_piped() -> str:
    """All of standard input, as text; undecodable bytes are replaced."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def keys_from_terminal() -> None:
    """Make standard input the terminal again, after a pipe was read from it.

    Textual reads `sys.__stdin__` and its file descriptor (8.2.8, `drivers/linux_driver.py`), so both are replaced.

    Raises:
        OSError: There is no terminal.
    """
    if _stdin_is_terminal():
        return
    descriptor = os.open(TTY, os.O_RDWR)
    os.dup2(descriptor, 0)
    os.close(descriptor)
    stream = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - it lives as long as we do
    sys.stdin = stream
    sys.__stdin__ = stream  # type: ignore[misc] # this is what Textual reads


def end_with_terminal() -> None:
    """End when the terminal is closed, also where no signal says so (under `nohup`, or without a session of its own).

    Textual 8.2.8 would go on for ever: its input thread finds the end of the file again and again, and its output
    waits for a thread that has ended. What was under way is left as by SIGHUP: written down, and to be resumed.
    """
    if _stdin_is_terminal():
        threading.Thread(target=_await_hangup, name="terminal", daemon=True).start()


def _await_hangup() -> None:
    poll = select.poll()
    poll.register(0, 0)
    for _, happened in poll.poll():
        if happened & (select.POLLHUP | select.POLLERR):
            os._exit(HUNG_UP)


def _stdin_is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False
