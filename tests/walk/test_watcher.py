"""Looks again and again, and decides nothing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from tests.support.incidents import look
from tests.walk.parts import Clock, Shelf
from tuirunbook.core.lock import LockSnapshot, Reading, Store
from tuirunbook.walk.watcher import Watcher

LONG = 20.0


class Telling:
    """A store that can be made to fail, and says from which thread it was asked."""

    def __init__(self) -> None:
        self.shelf = Shelf(Clock())
        self.fails = False
        self.hold: threading.Event | None = None
        self.asked = threading.Event()

    def look(self, on_reading: Callable[[Store, Reading], None] | None = None) -> LockSnapshot:
        self.asked.set()
        if self.hold is not None:
            self.hold.wait(LONG)
        if self.fails:
            self.fails = False
            raise RuntimeError("boom")
        return self.shelf.look(on_reading)


def watching(store: Telling, seen: queue.SimpleQueue[Any], **more: Any) -> Watcher:
    watcher = Watcher(store, seen.put, **more)  # type: ignore[arg-type]
    watcher.start()
    return watcher


def test_it_looks_at_once_and_again_when_it_is_asked() -> None:
    seen: queue.SimpleQueue[LockSnapshot] = queue.SimpleQueue()
    watcher = watching(Telling(), seen)
    assert seen.get(timeout=LONG).fingerprint == look().fingerprint
    watcher.look_now()
    seen.get(timeout=LONG)
    watcher.stop()


def test_a_look_comes_with_the_turn_that_it_had_when_it_began() -> None:
    turns: queue.SimpleQueue[tuple[LockSnapshot, int]] = queue.SimpleQueue()
    watcher = Watcher(Telling(), lambda *told: turns.put(told), ticket=lambda: 7)  # type: ignore[arg-type]
    watcher.start()
    assert turns.get(timeout=LONG)[1] == 7
    watcher.stop()


def test_only_the_first_look_tells_each_store_as_it_answers() -> None:
    seen: queue.SimpleQueue[LockSnapshot] = queue.SimpleQueue()
    told: list[Store] = []
    watcher = watching(Telling(), seen, on_reading=lambda store, _: told.append(store))
    seen.get(timeout=LONG)
    watcher.look_now()
    seen.get(timeout=LONG)
    watcher.stop()
    assert sorted(told) == sorted(Store)


def test_a_look_that_blows_up_is_told_and_the_watch_goes_on() -> None:
    seen: queue.SimpleQueue[LockSnapshot] = queue.SimpleQueue()
    failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
    store = Telling()
    store.fails = True
    watcher = watching(store, seen, on_failure=failures.put)
    assert str(failures.get(timeout=LONG)) == "boom"
    watcher.look_now()
    seen.get(timeout=LONG)
    watcher.stop()


def test_a_look_that_ends_after_the_stop_is_dropped() -> None:
    seen: queue.SimpleQueue[LockSnapshot] = queue.SimpleQueue()
    store = Telling()
    store.hold = threading.Event()
    watcher = watching(store, seen)
    store.asked.wait(LONG)
    watcher.stop()
    store.hold.set()
    watcher._thread.join(LONG)
    assert seen.empty()
    assert watcher._thread.daemon
