"""Programs in a pseudo terminal, timed from their start; and the lines that a benchmark prints."""

from __future__ import annotations

import fcntl
import os
import select
import statistics
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE = 30.0
_ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[c": b"\x1b[?62;22c"}


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    Attributes:
        what: What was measured.
        ours: The median, in `unit`.
        peer: What stands beside it.
        theirs: The peer's median, or None without one.
        target: What is aimed at, in words.
        unit: `s`, `ms`, `MB` or `%`.
    """

    what: str
    ours: float
    unit: str
    target: str
    peer: str = ""
    theirs: float | None = None

    def __str__(self) -> str:
        """The line."""
        ours = f"{self.ours:.3g} {self.unit}"
        if self.theirs is None:
            return f"{self.what}: {ours} (target: {self.target})"
        ratio = f"ratio {self.ours / self.theirs:.2f}" if self.theirs else "no ratio"
        return f"{self.what}: {ours}, {self.peer}: {self.theirs:.3g} {self.unit}, {ratio} (target: {self.target})"


@dataclass(frozen=True)
class NotMeasured:
    """A benchmark that cannot run here, and why."""

    what: str
    why: str

    def __str__(self) -> str:
        """The line."""
        return f"{self.what}: not measured: {self.why}"


class Pty:
    """A running program with a terminal of 80x24, whose bytes are only searched, so that we take no time from it.

    Attributes:
        began: When it was started.
        seen: Everything that it has written.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path | str) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.seen = bytearray()

    def until(self, text: bytes) -> float:
        """Seconds from the start until the program has written this text.

        Raises:
            RuntimeError: It never does.
        """
        while text not in self.seen:
            if time.perf_counter() - self.began > PATIENCE or not self.read(1.0):
                raise RuntimeError(f"{text!r} was never written; the end of what was: {bytes(self.seen[-400:])!r}")
        return time.perf_counter() - self.began

    def read(self, seconds: float) -> bool:
        """Take in what the program writes, for at most this long; False when it has ended."""
        if not select.select([self._master], [], [], seconds)[0]:
            return self.process.poll() is None
        try:
            written = os.read(self._master, 65536)
        except OSError:
            return False
        for question, answer in _ANSWERS.items():
            if question in written:
                os.write(self._master, answer)
        self.seen += written
        return bool(written)

    def send(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._master, keys)

    def cpu_seconds(self) -> float:
        """Processor time so far, the program's children included."""
        me = psutil.Process(self.process.pid)
        return sum(one.cpu_times().user + one.cpu_times().system for one in (me, *me.children(recursive=True)))

    def end(self) -> None:
        """Kill it; it holds nothing."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextmanager
def in_pty(argv: Sequence[str], env: Mapping[str, str], cwd: Path | str) -> Iterator[Pty]:
    """A program in a terminal of its own, for as long as the block."""
    pty = Pty(argv, env, cwd)
    try:
        yield pty
    finally:
        pty.end()


def until_text(argv: Sequence[str], env: Mapping[str, str], cwd: Path | str, text: bytes) -> float:
    """Seconds from a cold start to this text on the terminal."""
    with in_pty(argv, env, cwd) as pty:
        return pty.until(text)


def peak_memory(pid: int) -> float:
    """The most memory that a process and its children ever held, in MB; what they hold now where no system tells."""
    total = 0
    for one in (process := psutil.Process(pid), *process.children(recursive=True)):
        status = Path(f"/proc/{one.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
        total += peak or one.memory_info().rss
    return total / 1024 / 1024


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def side_by_side(rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, taken in turns after one round that is not counted."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
