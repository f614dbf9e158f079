"""Threads that leaving never waits for.

Python joins the threads of `concurrent.futures` when it exits, and `asyncio.run` those of its executor: whoever left
would wait for every answer of AWS or of a CI server that is still to come. These are daemons; what they were about to
say is dropped when the program has gone. Every room may use them; they know of none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def aside(work: Callable[[], Found], name: str) -> Future[Found]:
    """Do `work` in a thread of its own; its result or exception arrives in the future."""
    future: Future[Found] = Future()
    threading.Thread(target=_do, args=(work, future), name=name, daemon=True).start()
    return future


class Hands:
    """Several threads that share work, no more of them than there is work for.

    Args:
        most: How many work at a time.
        name: What they are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._guard = threading.Lock()
        self._busy = 0
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def give(self, work: Callable[[], Found]) -> Future[Found]:
        """Have `work` done as soon as there is a hand for it; its result or exception arrives in the future."""
        future: Future[Found] = Future()
        with self._guard:
            self._waiting.append(lambda: _do(work, future))
            if self._busy == self._most:
                return future
            self._busy += 1
            self._begun += 1
            thread = threading.Thread(target=self._work, name=f"{self._name} {self._begun}", daemon=True)
        thread.start()
        return future

    def put_down(self) -> None:
        """Begin nothing more of what was given; what has begun goes on."""
        with self._guard:
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._busy -= 1
                    return
                work = self._waiting.popleft()
            work()


def each(do: Callable[[Given], Found], given: Sequence[Given], most: int, name: str) -> list[Found]:
    """`do` for each, `most` at a time, in their order; the first failure is raised, and nothing more is begun then."""
    hands = Hands(most, name)
    futures = [hands.give(lambda one=one: do(one)) for one in given]  # type: ignore[misc]
    try:
        return [future.result() for future in futures]
    finally:
        hands.put_down()


def _do(work: Callable[[], Found], future: Future[Found]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - the one who asked handles it
        future.set_exception(error)
