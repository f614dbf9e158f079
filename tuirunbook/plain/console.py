"""Lines in and out: numbered menus, typed answers, and two ways to leave."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO, TypeAlias, TypeVar

from tuirunbook.core.text import clean, one_line
from tuirunbook.core.wrapping import fold
from tuirunbook.terminal import width_of

T = TypeVar("T")

Choices: TypeAlias = list[tuple[Callable[[], None], str]]
"""What can be done, each with what it is called in a menu."""

NOTHING = "-"
"""What is typed to leave out what is known so far."""


class Left(Exception):  # noqa: N818 - it is no error
    """The operator left: the input ended."""


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The operator went back from a question, with an empty line where something was wanted."""


class Console:
    """Prints whole lines and asks for whole lines. Only the main thread asks; any thread may print.

    Args:
        stdin: Where answers come from.
        stdout: Where everything goes.
    """

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._lock = threading.RLock()
        self._prompt = ""
        self.gone = False
        for stream in (stdin, stdout):
            # A serial console may know no more than ASCII, and typing may be in any encoding.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors="replace")

    def say(self, text: str = "", *, indent: str = "", whole: bool = False) -> None:
        """Print a paragraph, folded to the terminal's width unless it is to stay `whole`, to be copied.

        While a question waits for its answer, the question is printed again below.
        """
        given = clean(text).splitlines() or [""]
        width = width_of(self._stdout)
        lines = given if whole else [part for line in given for part in fold(line, width, indent)]
        with self._lock:
            waiting = self._prompt
            self._write(("\n" if waiting else "") + "".join(f"{line}\n" for line in lines) + waiting)

    def ask(self, prompt: str) -> str:
        """One line of typing, without the spaces around it.

        Raises:
            Left: The input has ended, or nobody reads the output any more.
        """
        return self.ask_line(prompt).strip()

    def ask_line(self, prompt: str) -> str:
        """One line of typing, as it is.

        Raises:
            Left: The input has ended, or nobody reads the output any more.
        """
        with self._lock:
            self._prompt = f"{one_line(prompt, 400)}: "
            self._write(self._prompt)
        try:
            line = "" if self.gone else self._stdin.readline()
        finally:
            with self._lock:
                self._prompt = ""
        if not line:
            self._write("\n")
            raise Left
        return clean(line).rstrip("\n")

    def require(self, prompt: str) -> str:
        """A line that may not be empty.

        Raises:
            Cancelled: It was empty.
        """
        if not (line := self.ask(f"{prompt} (empty: go back)")):
            raise Cancelled
        return line

    def choose(self, prompt: str, choices: Sequence[tuple[T, str]], *, back: str = "") -> T:
        """One of the choices, by its number; with `back`, 0 goes back and is called so.

        Raises:
            Cancelled: 0 was chosen.
        """
        for number, (_, label) in enumerate(choices, start=1):
            self.say(f"{number}. {one_line(label, 300)}", indent="   ")
        if back:
            self.say(f"0. {back}")
        while True:
            typed = self.ask(f"{prompt}, a number")
            if back and typed == "0":
                raise Cancelled
            if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(choices):
                return choices[int(typed) - 1][0]
            self.say(f"{one_line(typed, 40)!r} is none of the numbers above.")

    def fill(
        self,
        fields: Mapping[str, str],
        optional: Mapping[str, str] | None = None,
        known: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """What was typed for each field, by name; the labels say what to type. Empty ones are left out.

        Args:
            fields: The fields that have to be filled.
            optional: Those that may be left out.
            known: What a field begins with: an empty line keeps it, and a lone dash leaves an optional one out.

        Raises:
            Cancelled: A field that is not optional, and begins with nothing, was left empty.
        """
        told: dict[str, str] = {}
        for name, label in {**fields, **(optional or {})}.items():
            begin = (known or {}).get(name, "")
            if begin:
                self.say(f"{label}, as known so far: {begin}", indent="  ")
                typed = self.ask(f"{label} (empty: as above{'' if name in fields else '; -: nothing'})") or begin
                text = typed if name in fields or typed != NOTHING else ""
            else:
                text = self.require(label) if name in fields else self.ask(f"{label} (empty: nothing)")
            if text:
                told[name] = text
        return told

    def forget_typing(self) -> None:
        """Drop what was typed ahead on a terminal, so that nothing meant for an earlier question confirms anything."""
        with contextlib.suppress(ImportError, OSError, ValueError):
            import termios  # noqa: PLC0415 - only terminals have it

            termios.tcflush(self._stdin.fileno(), termios.TCIFLUSH)

    def _write(self, text: str) -> None:
        try:
            self._stdout.write(text)
            self._stdout.flush()
        except (OSError, ValueError):
            # Whoever read this has gone. The walk goes on to a safe end; the next question leaves.
            self.gone = True


def standard(stdin: TextIO | None, stdout: TextIO | None) -> Console:
    """A console on the given streams, the process's own by default."""
    return Console(stdin or sys.stdin, stdout or sys.stdout)
