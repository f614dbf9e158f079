"""A plan of 100,000 lines on the output screen, and on Textual's own Log: keypress to repaint, memory.

Run as `python -m tests.benchmarks.bench_output [--quick]`. Each contender runs in a pseudo terminal of 80x24 while
another process writes the log; keys are sent through the terminal, and the repaint is the moment when the terminal has
been sent the line that the key brings into view. It fails on nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pexpect
import psutil

from tests.benchmarks.measure import Figure
from tuirunbook.core.text import clean

LINES = 100_000
ENVIRONMENT = dict(os.environ) | {"TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
LINE = re.compile(rb"line (\d{7}) #")


class Measured(NamedTuple):
    """What one contender did."""

    keys: int
    p50_ms: float
    p95_ms: float
    worst_ms: float
    resident_mb: float
    to_end_ms: float


def write_plan(path: Path, lines: int, seconds: float) -> None:
    """The log of a big plan, at an even pace."""
    began = time.monotonic()
    with path.open("w", encoding="utf-8") as log:
        for number in range(lines):
            log.write(f"line {number:07} # module.network.aws_instance.web[{number}] will be created by this plan\n")
            if number % 200 == 0:
                log.flush()
                time.sleep(max(0.0, began + seconds * number / lines - time.monotonic()))


def show_ours(path: Path) -> None:
    """The output screen."""
    from tests.support.pilots import OneScreen  # noqa: PLC0415 - a contender pays only for itself
    from tuirunbook.tui.screens.output import OutputScreen  # noqa: PLC0415

    OneScreen(OutputScreen("plan", path, lambda: True)).run()


def show_log(path: Path) -> None:
    """Textual's Log, fed as its documentation does it, with the same cleaning of text."""
    from textual.app import App, ComposeResult  # noqa: PLC0415
    from textual.widgets import Log  # noqa: PLC0415

    from tuirunbook.terraform.follow import LogFollower  # noqa: PLC0415

    class Peer(App[None]):
        def compose(self) -> ComposeResult:
            # Following, it snaps back to the end while a key scrolls it up, so it is measured standing still.
            yield Log(auto_scroll=False)

        def on_mount(self) -> None:
            self.follower = LogFollower(path)
            self.set_interval(0.1, self.feed)

        def feed(self) -> None:
            if text := self.follower.read_new():
                self.query_one(Log).write(clean(text))

    Peer().run()


class Terminal:
    """A child in a pseudo terminal. Its bytes are searched, not drawn, so that drawing does not add to the times."""

    def __init__(self, contender: str, log: Path) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            [__file__, "--show", contender, str(log)],
            dimensions=(24, 80),
            env=ENVIRONMENT,
            timeout=60,
        )
        self.resident = 0

    def read(self, seconds: float) -> bytes:
        """What the child writes within that time."""
        ready, _, _ = select.select([self.child.child_fd], [], [], seconds)
        return os.read(self.child.child_fd, 1 << 16) if ready else b""

    def read_for(self, seconds: float) -> bytes:
        """What the child writes in that time."""
        until, data = time.monotonic() + seconds, b""
        while time.monotonic() < until:
            data += self.read(0.01)
        self.resident = max(self.resident, psutil.Process(self.child.pid).memory_info().rss)
        return data

    def until(self, wanted: bytes, seconds: float = 60) -> float:
        """Milliseconds until the child has written these bytes."""
        began, data = time.perf_counter(), b""
        while wanted not in data and time.perf_counter() - began < seconds:
            data = data[-200:] + self.read(0.002)
        return (time.perf_counter() - began) * 1000


def run(contender: str, lines: int, seconds: float) -> Measured:
    """One run."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "plan.log"
        terminal = Terminal(contender, log)
        terminal.read_for(2)
        writer = subprocess.Popen(
            [sys.executable, __file__, "--write", str(log), str(lines), str(seconds)], env=ENVIRONMENT
        )
        terminal.read_for(seconds / 10)
        terminal.child.send("\x1b[5~\x1b[5~")
        terminal.read_for(0.5)
        painted = b""
        for key in ("\x1b[A", "\x1b[B", "\x1b[A"):
            terminal.child.send(key)
            fresh = terminal.read_for(0.4)
            painted = fresh if key == "\x1b[B" else painted + fresh
        # Going to and fro by one line paints the lines in view and the one below them.
        numbers = [int(number) for number in LINE.findall(painted)]
        top, below = min(numbers), max(numbers)
        taken: list[float] = []
        while writer.poll() is None:
            down = len(taken) % 2 == 0
            terminal.child.send("\x1b[B" if down else "\x1b[A")
            taken.append(terminal.until(b"line %07d" % (below if down else top), 5))
            terminal.read_for(0.02)
        terminal.child.send("\x1b[F")
        to_end = terminal.until(b"line %07d" % (lines - 1))
        terminal.read_for(0.2)
        terminal.child.close(force=True)
    ordered = sorted(taken)
    p95 = ordered[int(len(ordered) * 0.95)]
    return Measured(len(taken), statistics.median(ordered), p95, ordered[-1], terminal.resident / 1e6, to_end)


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """The figures of one run, ours beside the peer's."""
    lines, seconds = LINES, 5.0 if quick else 15.0
    ours, peer = run("ours", lines, seconds), run("log", lines, seconds)
    what = f"a plan of {lines:,} lines in {seconds:g} s"

    def figure(name: str, field: str, unit: str, target: str) -> Figure:
        return Figure(f"{what}: {name}", getattr(ours, field), unit, target, "Textual's own Log", getattr(peer, field))

    yield figure("keypress to repaint, median", "p50_ms", "ms", "none")
    yield figure("keypress to repaint, p95", "p95_ms", "ms", "under 100 ms")
    yield figure("resident memory", "resident_mb", "MB", "under 150 MB")
    yield figure("End to the last line", "to_end_ms", "ms", "none")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="The output screen beside Textual's Log, while a plan streams.")
    parser.add_argument("--quick", action="store_true", help="5 seconds of streaming instead of 15")
    for figure in measure(quick=parser.parse_args().quick):
        sys.stdout.write(f"{figure}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--show"]:
        {"ours": show_ours, "log": show_log}[sys.argv[2]](Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--write"]:
        write_plan(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
