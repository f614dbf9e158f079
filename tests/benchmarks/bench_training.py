"""Training: cold starts to the menu and to a held lock; memory; and how keys are answered meanwhile."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.benchmarks.measure import PATIENCE, Figure, Pty, in_pty, until_text

HELD = b"HELD"
MENU = b"which page do you take"
OPENING = b"Looking for the root module"
HELP = b"finds every command by name"
WALK = b" transcript"
APP = (sys.executable, "-m", "tuirunbook")
TRAIN = (*APP, "train")
SETTLE = 4.0
_TERRAFORM = ("terraform", "sh", "sleep")


def environ(home: Path) -> dict[str, str]:
    """A home without settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def weight(pty: Pty) -> float:
    """Resident memory of the app and of its world, besides terraform, in MB."""
    app = psutil.Process(pty.process.pid)
    family = [app, *app.children(recursive=True)]
    return sum(one.memory_info().rss for one in family if one.name() not in _TERRAFORM) / 1e6


def answers(pty: Pty) -> list[float]:
    """How long the key for the help takes to show the help while the world starts, in milliseconds, again and again."""
    taken: list[float] = []
    pty.until(MENU)
    pty.send(b"\r")
    pty.until(OPENING)
    while True:
        pressed = time.perf_counter()
        pty.send(b"?")
        if not _shown(pty, HELP):
            return taken
        taken.append((time.perf_counter() - pressed) * 1000)
        pty.send(b"q")
        if not _shown(pty, OPENING):
            return taken
        settled = time.perf_counter() + 0.05
        while time.perf_counter() < settled:
            pty.read(0.01)


def _shown(pty: Pty, text: bytes) -> bool:
    """Wait until this is written anew; False when the world has started before that.

    Raises:
        RuntimeError: Neither ever comes.
    """
    before, began = len(pty.seen), time.perf_counter()
    while text not in pty.seen[before:]:
        if time.perf_counter() - began > PATIENCE:
            raise RuntimeError(f"{text!r} was never written")
        if WALK in pty.seen or not pty.read(0.01):
            return False
    return True


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """The figures, beside the app's own cold start."""
    rounds = 3 if quick else 9
    with tempfile.TemporaryDirectory(prefix="bench-training-") as temporary:
        home = Path(temporary)
        env = environ(home)
        own = statistics.median(until_text(APP, env, home, OPENING) for _ in range(rounds))
        menu = statistics.median(until_text(TRAIN, env, home, MENU) for _ in range(rounds))
        yield Figure("training: cold start to the menu", menu, "s", "at most 0.6 s", "the app's first paint", own)
        held = statistics.median(until_text((*TRAIN, "1"), env, home, HELD) for _ in range(rounds))
        yield Figure("training: cold start to a held lock", held, "s", "at most 3 s", "the app's first paint", own)
        with in_pty((*TRAIN, "2"), env, home) as pty:
            pty.until(HELD)
            settled = time.perf_counter() + SETTLE
            while time.perf_counter() < settled:
                pty.read(0.1)
            yield Figure("training: memory of world and app, besides terraform", weight(pty), "MB", "under 300 MB")
        taken: list[float] = []
        for _ in range(rounds):
            with in_pty(TRAIN, env, home) as pty:
                taken += answers(pty)
        p95 = sorted(taken)[int(len(taken) * 0.95)]
        yield Figure("training: keypress while the world starts, p95", p95, "ms", "under 100 ms")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Training: starting, memory, and keys meanwhile.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    for figure in measure(quick=parser.parse_args().quick):
        sys.stdout.write(f"{figure}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
