"""The one thread that owns an incident: it takes requests from a queue and does them one after the other."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

TICK_SECONDS = 0.2


class Desk:
    """A daemon thread with a queue. Nothing that it has begun is ever cancelled; quitting does not wait for it.

    Between requests it calls `tick`, at most every 0.2 s, for what has no caller: commands that end by themselves.
    """

    def __init__(self, tick: Callable[[], None] = lambda: None) -> None:
        self.tick = tick
        self._requests: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="incident", daemon=True)

    def start(self) -> None:
        """Begin to take requests."""
        self._thread.start()

    def stop(self, wait_seconds: float = 0.0) -> None:
        """Take no more requests after those already queued; wait for them at most `wait_seconds`."""
        with self._gate:
            self._stopped = True
            self._requests.put(None)
        if wait_seconds and self._thread.is_alive():
            self._thread.join(wait_seconds)

    def submit(self, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have `request` done by the incident's thread; its result or exception arrives in the future.

        After `stop` nothing is taken any more, and the future is cancelled.
        """
        future: Future[R] = Future()
        with self._gate:
            if self._stopped:
                future.cancel()
            else:
                self._requests.put((future, lambda: request(*args, **kwargs)))
        return future

    def _run(self) -> None:
        due = time.monotonic() + TICK_SECONDS
        while True:
            try:
                request = self._requests.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                self.tick()
                due = time.monotonic() + TICK_SECONDS
                continue
            if request is None:
                return
            future, work = request
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - the one who asked handles it
                future.set_exception(error)
