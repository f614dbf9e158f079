"""Looks at the lock again and again, in a thread of its own, and hands each look to the incident's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tuirunbook.core.lock import Reading, Store
from tuirunbook.core.pace import look_after
from tuirunbook.walk.ports import LockStore


class Watcher:
    """A daemon thread. It looks, submits, and sleeps; it decides nothing.

    Args:
        store: Where it looks.
        submit: Takes each look, and its turn where `ticket` gives one.
        on_reading: Is called with each store's reading of the first look, as it arrives.
        on_failure: Takes what a look failed with.
        ticket: Gives each look its turn before it begins (`Observer.ticket`).

    Attributes:
        calm_since: Set (a `time.monotonic` moment) while the operator waits: looks then grow rarer with time.
    """

    def __init__(
        self,
        store: LockStore,
        submit: Callable[..., object],
        on_reading: Callable[[Store, Reading], None] | None = None,
        on_failure: Callable[[Exception], None] = lambda _: None,
        ticket: Callable[[], int] | None = None,
    ) -> None:
        self.calm_since: float | None = None
        self._store = store
        self._submit = submit
        self._on_reading = on_reading
        self._on_failure = on_failure
        self._ticket = ticket
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look, at once."""
        self._thread.start()

    def look_now(self) -> None:
        """Look at once instead of at the next turn."""
        self._wake.set()

    def stop(self) -> None:
        """Look no more. A look under way ends by itself and is dropped."""
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        failures = 0
        on_reading = self._on_reading
        while not self._stopped:
            try:
                turn = () if self._ticket is None else (self._ticket(),)
                snapshot = self._store.look(on_reading)
            except Exception as error:  # noqa: BLE001 - one failure must not end the watch unseen
                failures += 1
                self._on_failure(error)
            else:
                if self._stopped:
                    return
                on_reading = None
                failures = failures + 1 if snapshot.blind else 0
                self._submit(snapshot, *turn)
            waited = time.monotonic() - self.calm_since if self.calm_since is not None else 0.0
            self._wake.wait(look_after(failures=failures, waited=waited))
            self._wake.clear()
