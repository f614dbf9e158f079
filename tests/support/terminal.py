"""The application in a real pseudo terminal: keys go in, and what a person would see comes out.

A thread reads everything the application writes, so that it never waits for us, and wakes whoever waits for the screen.
Like the terminals that people use, this one shows whole frames only (mode 2026), so nobody ever sees half of a change.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
} | {f"ctrl+{letter}": chr(ord(letter) - ord("a") + 1) for letter in "abcdefghijklmnopqrstuvwxyz"}
"""What a terminal sends for keys that are more than one letter."""

PATIENCE = 30.0
"""Seconds for something to come on the screen; a slow machine under load needs some of it, and nothing needs more."""

_ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[c": b"\x1b[?62;22c"}
"""What the program may ask of its terminal: whether it shows whole frames, and what it is."""
_OWN_SCREEN = 1049
_FRAME_BEGINS, _FRAME_ENDS = "\x1b[?2026h", "\x1b[?2026l"
_CONTROLLING = 'exec "$@" 0<>"$0" 1>&0 2>&0'
"""A session leader that opens a terminal gets it as its controlling one; closing it then hangs it up."""


class _Screen(pyte.Screen):
    """A screen that takes what real terminals take, and pyte does not."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        """Leave out xterm's key modifier options, which end in the same letter."""
        if not private:
            super().select_graphic_rendition(*attributes)

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        """Begin with an empty screen when a program asks for one of its own; pyte has one screen only."""
        super().set_mode(*modes, **kwargs)
        if kwargs.get("private") and _OWN_SCREEN in modes:
            self._clear()

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        """Show an empty screen when the program gives its own back: nothing was there before."""
        super().reset_mode(*modes, **kwargs)
        if kwargs.get("private") and _OWN_SCREEN in modes:
            self._clear()

    def _clear(self) -> None:
        self.erase_in_display(2)
        self.cursor_position()

    def report_device_attributes(self, *_: Any, **__: Any) -> None:
        """Say nothing: the answer goes through the terminal, not through the screen."""


class Terminal:
    """A program with a terminal of its own.

    Args:
        argv: The program.
        env: All of its environment; `TERM` is added.
        cwd: Where it starts.
        size: Columns and rows.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | str, size: tuple[int, int] = (80, 24)
    ) -> None:
        self._master, slave = os.openpty()
        self._changed = threading.Condition()
        self._screen = _Screen(*size)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._written = bytearray()
        self._unshown = ""
        self._at_end = False
        self._stop_reading, self._stopped = os.pipe()
        self._set_size(*size)
        tty = os.ttyname(slave)
        # Nothing is forked here (threads run in this process): the shell opens the terminal and becomes the program.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _CONTROLLING, tty, *argv],
            cwd=cwd,
            env={"LANG": "C.UTF-8", "COLORTERM": "truecolor", **env, "TERM": "xterm-256color"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._slave = slave
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_terminal()
        if self._process.poll() is None:
            self.kill()
        os.close(self._stop_reading)
        os.close(self._stopped)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._process.poll()

    @property
    def screen(self) -> list[str]:
        """The lines on the screen, without trailing blanks."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.screen)

    @property
    def prose(self) -> list[str]:
        """What stands in each pane, dialog and notice, each on one line: a sentence reads on where it was wrapped."""
        panes: dict[int, list[str]] = {}
        for line in self.screen:
            for part in _FRAMED.finditer(line):
                panes.setdefault(part.start(), []).append(part[0])
        return [" ".join(" ".join(lines).split()) for lines in panes.values()]

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Column and row, from 0, of the light block that marks where typed text goes; None while it is not lit.

        Textual paints its own cursor, and tells the terminal's where the field was before the screen was laid out.
        """
        with self._changed:
            for row in range(self._screen.lines):
                for column, cell in self._screen.buffer[row].items():
                    if _is_light(cell.bg) and not _is_light(self._screen.buffer[row][column + 1].bg):
                        return column, row
        return None

    def above_cursor(self, rows: int = 4) -> str:
        """What stands right above the cursor, as one line: the label of the field that it is in."""
        if (place := self.cursor) is None:
            return ""
        column, row = place
        lines = self.screen[max(0, row - rows) : row]
        parts = (part for line in lines for part in _FRAMED.finditer(line))
        return " ".join(" ".join(part[0] for part in parts if part.start() <= column <= part.end()).split())

    def at_cursor(self) -> str:
        """The line that the cursor is in."""
        place = self.cursor
        return self.screen[place[1]] if place else ""

    @property
    def written(self) -> bytes:
        """Everything that was ever written to the terminal."""
        with self._changed:
            return bytes(self._written)

    @property
    def title(self) -> str:
        """What the window is called."""
        with self._changed:
            return str(self._screen.title)

    def press(self, *keys: str) -> None:
        """Press keys: letters, or names of `KEYS`."""
        for key in keys:
            self._send(KEYS.get(key, key))

    def type(self, text: str) -> None:
        """Type text."""
        self._send(text)

    def _send(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._master, data) :]

    def wait_for(self, wanted: str | Callable[[], object], seconds: float = PATIENCE) -> None:
        """Until a text is on the screen (wrapped or not), or a condition of it holds.

        Raises:
            AssertionError: It does not come; the message shows the screen.
        """
        met: Callable[[], object] = (lambda: self.shows(wanted)) if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + seconds
        with self._changed:
            while not met():
                left = deadline - time.monotonic()
                if left <= 0 or self._at_end:
                    what = repr(wanted) if isinstance(wanted, str) else "what was waited for"
                    why = "the program has ended" if self._at_end else f"{seconds:g} s have passed"
                    raise AssertionError(f"{what} is not on the screen, and {why}:\n{self.picture()}")
                self._changed.wait(min(left, 0.2))

    def shows(self, text: str) -> bool:
        """Whether a text is on the screen, on one line or wrapped."""
        return text in self.text or any(text in pane for pane in self.prose)

    def wait_for_end(self, seconds: float = PATIENCE) -> int:
        """Until the program has ended; its exit code, negative for a signal."""
        code = self._process.wait(seconds)
        self._reader.join(seconds)
        return code

    def picture(self) -> str:
        """The screen in a frame, for messages."""
        width = self._screen.columns
        return "\n".join(("┌" + "─" * width, *(f"│{line}" for line in self.screen), "└" + "─" * width))

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the program is told."""
        with self._changed:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close_terminal(self) -> None:
        """Close the window: the program gets SIGHUP and has no terminal any more."""
        if self._master < 0:
            return
        os.write(self._stopped, b".")
        self._reader.join(PATIENCE)
        os.close(self._slave)
        os.close(self._master)
        self._master = -1

    def kill(self) -> None:
        """Kill the program, and nothing else, at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._stop_reading], [], [], 0.2)
            if self._stop_reading in ready:
                break
            if not ready:
                if self._process.poll() is not None:
                    break
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError as error:
                if error.errno == errno.EIO:
                    break
                raise
            self._take(data)
        with self._changed:
            self._at_end = True
            self._changed.notify_all()

    def _take(self, data: bytes) -> None:
        with self._changed:
            self._written += data
            text = self._unshown + self._decoder.decode(data)
            begins = text.rfind(_FRAME_BEGINS)
            whole = len(text) if text.rfind(_FRAME_ENDS) >= begins else begins
            self._unshown = text[whole:]
            self._stream.feed(text[:whole])
            self._changed.notify_all()
        for query, answer in _ANSWERS.items():
            if query in data:
                with contextlib.suppress(OSError):
                    os.write(self._master, answer)


_FRAME = "│┃║─━╭╮╰╯┌┐└┘┏┓┗┛▐▌▔▁▂▃▄▅▆▇█▎▊"
_FRAMED = re.compile(f"[^{_FRAME}]+")
"""What stands between frames and scroll bars."""


def _is_light(colour: str) -> bool:
    try:
        return min(bytes.fromhex(colour)) > 0xC0
    except ValueError:
        return False
