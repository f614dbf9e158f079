"""Eight sources of evidence that take 300 ms each, beside one that never answers: rows filled, and keys meanwhile.

The walk's screen runs in a pseudo terminal of 80x24, on a lock in memory and a journal on disk. The peer of the rows
asks the same sources one after the other; the peer of the keys is the same screen when nobody is asked.
"""

from __future__ import annotations

import itertools
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import PATIENCE, Figure, Pty, in_pty
from tests.support.fronts import EmptyFront
from tests.support.incidents import LOCKFILE_ONLY, RUNBOOK, START, A, look
from tests.walk.parts import Clock, FakeTerraform, Shelf
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.gates import Policy
from tuirunbook.core.lock import StoredLock
from tuirunbook.journal.journals import Journals
from tuirunbook.walk.messages import Message
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import utc_now
from tuirunbook.walk.walk import set_up
from tuirunbook.walk.world import World

if TYPE_CHECKING:
    from tuirunbook.tui.screens.walk import WalkScreen

SOURCES = 8
SECONDS = 0.3
ASKED = "asked"
QUIET = "quiet"
ROWS = re.compile(rb"all rows filled after (\d+) ms")
_KEYS = ((b"j", b"with a probe"), (b"k", b"no decisive answer"))
"""A key, and what the screen shows after it and not before."""

_ENVIRONMENT = dict(os.environ) | {"TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2])}


class Slow:
    """Takes its time, and has something new to say each time, so that every answer is an event and a repaint."""

    can_block = True

    def __init__(self, number: int) -> None:
        self.name = f"source {number}"
        self._times = itertools.count(1)

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        del address
        time.sleep(SECONDS)
        yield Finding(
            key=self.name,
            lock=lock.identity,
            says=Says.NOTHING,
            fact=f"{self.name} answered {next(self._times)} times",
            source="the benchmark",
            observed_at=timestamp(now),
        )


class Dead:
    """Never answers."""

    name = "a dead source"
    can_block = True

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        del lock, address, now
        threading.Event().wait()
        return ()


def rows(rounds: int) -> Figure:
    """From the first look to the repaint that shows the last of eight answers."""
    ours = [_filled() for _ in range(rounds)]
    theirs = [_one_after_the_other() for _ in range(rounds)]
    return Figure(
        f"{SOURCES} sources of {SECONDS * 1000:.0f} ms and a dead one, lock known to rows filled",
        statistics.median(ours),
        "ms",
        "at most 600 ms",
        "the same asked one after the other",
        statistics.median(theirs),
    )


def keys(presses: int) -> Iterator[Figure]:
    """From a keypress to its repaint, while all of them are asked over and over, beside a quiet screen."""
    ours, theirs = _pressed(ASKED, presses), _pressed(QUIET, presses)
    for name, pick in (("p50", statistics.median), ("p95", _p95)):
        yield Figure(
            f"keypress to repaint while {SOURCES} sources are asked, {name}",
            pick(ours),
            "ms",
            "p95 at most 100 ms",
            "the same screen, nobody asked",
            pick(theirs),
        )


def _p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20, method="inclusive")[-1]


def _filled() -> float:
    with _shown(ASKED) as pty:
        pty.until(b"all rows filled after")
        while (found := ROWS.search(bytes(pty.seen))) is None:
            pty.read(0.1)
        return float(found[1])


def _one_after_the_other() -> float:
    snapshot = look()
    lock = snapshot.find(A)[0]
    began = time.perf_counter()
    for number in range(SOURCES):
        list(Slow(number).gather(lock, snapshot.address, START))
    return (time.perf_counter() - began) * 1000


def _pressed(how: str, presses: int) -> list[float]:
    with _shown(how) as pty:
        pty.until(b"not asked")
        if how == ASKED:
            pty.until(b"all rows filled after")
        return [_press(pty, *_KEYS[number % 2]) for number in range(presses)]


def _press(pty: Pty, key: bytes, text: bytes) -> float:
    """Milliseconds until `text` is written after `key`."""
    pty.seen.clear()
    began = time.perf_counter()
    pty.send(key)
    while text not in pty.seen:
        if time.perf_counter() - began > PATIENCE or not pty.read(1.0):
            raise RuntimeError(f"{text!r} never came after {key!r}")
    return (time.perf_counter() - began) * 1000


@contextmanager
def _shown(how: str) -> Iterator[Pty]:
    with (
        tempfile.TemporaryDirectory(prefix="gathering-") as directory,
        in_pty((sys.executable, "-m", "tests.benchmarks.gathering", how, directory), _ENVIRONMENT, directory) as pty,
    ):
        yield pty


class Now(Clock):
    """The system's."""

    def __call__(self) -> datetime:
        return utc_now()


class Front(EmptyFront):
    """Nothing else is known."""

    def compare(self, root: RootModule) -> RootModule:
        return root

    def other_incidents(self, root: RootModule) -> tuple[()]:
        del root
        return ()


def show(how: str, directory: Path) -> None:
    """The walk's screen over a lock in memory, which says when all rows are filled. It never ends by itself."""
    from tests.support.pilots import OneScreen  # noqa: PLC0415 - only the measured program needs a screen
    from tuirunbook.tui.screens.walk import WalkScreen  # noqa: PLC0415
    from tuirunbook.walk.mailbox import Mailbox  # noqa: PLC0415

    mailbox = Mailbox()
    known: list[float] = []

    def publish(message: Message) -> None:
        if isinstance(message, Looked) and not known:
            known.append(time.perf_counter())
        mailbox.put(message)

    walk = set_up(_world(how, directory), RUNBOOK, publish, incident_id="260314-0322-kiwi")
    screen = WalkScreen(Front().front, walk, mailbox)
    _say_when_filled(screen, known)
    walk.start()
    OneScreen(screen).run()


def _world(how: str, directory: Path) -> World:
    shelf = Shelf(Now(), LOCKFILE_ONLY)
    return World(
        root=RootModule(directory=None, name="infra", backend=Backend(type="s3", arguments={})),
        store=shelf,
        terraform=FakeTerraform(shelf),
        policy=Policy(),
        create_journal=Journals(directory / "incidents").create,
        operator="priya",
        host="oncall",
        tool="0",
        sources=[] if how == QUIET else [Dead(), *(Slow(number) for number in range(SOURCES))],
    )


def _say_when_filled(screen: WalkScreen, known: Sequence[float]) -> None:
    """Have the screen say it once; from then on all sources are asked over and over."""
    plain_show, said = screen.show, [False]
    walk = screen.model.walk

    def again() -> None:
        while True:
            walk.evidence.ask(walk.world.store.look())
            time.sleep(SECONDS)

    def tell() -> None:
        screen.stage.say(f"all rows filled after {(time.perf_counter() - known[0]) * 1000:.0f} ms")
        threading.Thread(target=again, daemon=True).start()

    def shown() -> None:
        plain_show()
        if not said[0] and known and len(screen.model.incident.findings) >= SOURCES:
            said[0] = True
            screen.call_after_refresh(tell)

    screen.show = shown  # type: ignore[method-assign]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        show(sys.argv[1], Path(sys.argv[2]))
    else:
        for figure in (rows(3), *keys(40)):
            sys.stdout.write(f"{figure}\n")
