"""A command's output file as lines, without holding the lines in memory."""

from __future__ import annotations

import os
import re
import threading
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

from tuirunbook.core.text import clean, redact, strip_escapes

LINE_LIMIT = 4_000
"""Bytes of one line that are shown and searched; a longer line is cut, and says so."""

_BLOCK = 1 << 18
_NEWLINE = re.compile(b"\n")
_KEY_BEGINS, _KEY_ENDS = "-----BEGIN ", "-----END "
_TAB = 8


class LogFile:
    """Knows where each line of a growing file begins, and reads lines when they are wanted.

    One thread calls `read_more`; every thread may call the rest. Text comes out cleaned.

    Attributes:
        path: The file; it need not exist yet.
        size: How many of its bytes are indexed.
        width: The longest line's length in bytes, at most `LINE_LIMIT`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.width = 0
        self._starts = array("Q", [0])
        self._file: int | None = None
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many lines there are, one that is still being written included."""
        return len(self._starts) - (self._starts[-1] == self.size)

    @property
    def complete(self) -> int:
        """How many lines have ended."""
        return len(self._starts) - 1

    def read_more(self, limit: int = 1 << 21) -> bool:
        """Index at most `limit` bytes more; whether there were any.

        Raises:
            OSError: The file is there and cannot be read.
        """
        if self._file is None:
            try:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
        data = os.pread(self._file, limit, self.size)
        before, last = self.complete, self._starts[-1]
        self._starts.extend(self.size + match.end() for match in _NEWLINE.finditer(data))
        self.size += len(data)
        for end in (*self._starts[before + 1 :], self.size):
            self.width = max(self.width, end - last)
            last = end
        self.width = min(self.width, LINE_LIMIT)
        return bool(data)

    def line(self, number: int) -> str:
        """A line's text, cleaned, tabs expanded, cut at `LINE_LIMIT` bytes; empty where there is none."""
        if not 0 <= number < self.count:
            return ""
        begin, end = self._span(number, number + 1)
        data = self._read(begin, min(end, begin + LINE_LIMIT))
        text = data.decode("utf-8", "replace").rstrip("\r\n").expandtabs(_TAB)
        if not (text.isascii() and text.isprintable()):
            text = clean(text, keep_newlines=False)
        return text + "…" if end - begin > LINE_LIMIT + 1 else text

    def find(self, needle: str, start: int, step: int, wanted: Callable[[], bool]) -> int | None:
        """The next line that contains `needle`, from `start` on in the direction of `step`, round the end.

        Case does not matter. Reads in blocks; asks `wanted` between them and gives up when it says no.
        """
        needle = needle.casefold()
        count = self.count
        start = start % count if count else 0
        pieces = [(start, count), (0, start)] if step > 0 else [(0, start + 1), (start + 1, count)]
        for first, last in pieces:
            blocks = list(self._blocks(first, last))
            for low, high in blocks if step > 0 else reversed(blocks):
                if not wanted():
                    return None
                if needle not in strip_escapes(self._text(low, high)).casefold():
                    continue
                numbers = range(low, high) if step > 0 else range(high - 1, low - 1, -1)
                found = next((number for number in numbers if needle in self.line(number).casefold()), None)
                if found is not None:
                    return found
        return None

    def lines(self, first: int, last: int, limit: int) -> Iterator[str]:
        """The lines from `first` up to and without `last`, about `limit` characters of them at most."""
        for number in range(max(0, first), min(last, self.count)):
            text = self.line(number)
            yield text
            limit -= len(text) + 1
            if limit <= 0:
                return

    def save_copy(self, target: Path) -> int:
        """Write all that is indexed to a new private file, cleaned and without secrets; how many lines.

        Raises:
            OSError: It cannot be written, or is there already.
        """
        count = self.count
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as copy:
            held = ""
            for low, high in self._blocks(0, count):
                text = held + clean(self._text(low, high))
                held = ""
                begun = text.rfind(_KEY_BEGINS)
                if begun >= 0 and _KEY_ENDS not in text[begun:] and len(text) - begun < _BLOCK:
                    text, held = text[:begun], text[begun:]
                copy.write(redact(text))
            copy.write(redact(held))
        return count

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _span(self, first: int, last: int) -> tuple[int, int]:
        return self._starts[first], self._starts[last] if last <= self.complete else self.size

    def _read(self, begin: int, end: int) -> bytes:
        with self._lock:
            return os.pread(self._file, end - begin, begin) if self._file is not None else b""

    def _text(self, first: int, last: int) -> str:
        return self._read(*self._span(first, last)).decode("utf-8", "replace")

    def _blocks(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Runs of lines of about `_BLOCK` bytes; a longer line is a block of its own."""
        low = first
        while low < last:
            high = low + 1
            begin = self._starts[low]
            while high < last and self._span(high, high + 1)[1] - begin <= _BLOCK:
                high += 1
            yield low, high
            low = high
