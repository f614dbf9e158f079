"""One thread per incident: what it began it ends, and quitting waits for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from tuirunbook.walk.desk import Desk

LONG = 20.0


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.start()
    yield made
    made.stop(LONG)


def test_a_result_arrives_in_the_future(desk: Desk) -> None:
    assert desk.submit(divmod, 7, 2).result(LONG) == (3, 1)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_arrives_in_the_future_and_the_thread_lives_on(desk: Desk, error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert desk.submit(fail).exception(LONG) is error
    assert desk.submit(lambda: "alive").result(LONG) == "alive"


def test_requests_are_done_one_after_the_other_in_one_thread(desk: Desk) -> None:
    done: list[tuple[int, int]] = []
    futures = [desk.submit(lambda n=n: done.append((n, threading.get_ident()))) for n in range(50)]  # type: ignore[misc]
    for future in futures:
        future.result(LONG)
    assert [number for number, _ in done] == list(range(50))
    assert len({thread for _, thread in done} - {threading.get_ident()}) == 1


def test_what_has_begun_is_not_cancelled_and_what_waits_can_be(desk: Desk) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        go.wait(LONG)
        done.append("slow")

    first, second = desk.submit(slow), desk.submit(done.append, "second")
    begun.wait(LONG)
    assert (first.cancel(), second.cancel()) == (False, True)
    go.set()
    first.result(LONG)
    desk.submit(lambda: None).result(LONG)
    assert done == ["slow"]


def test_quitting_does_not_wait_for_what_is_under_way() -> None:
    desk = Desk()
    desk.start()
    begun, go = threading.Event(), threading.Event()

    def slow() -> bool:
        begun.set()
        return go.wait(LONG)

    future = desk.submit(slow)
    begun.wait(LONG)
    desk.stop()
    assert not future.done()
    go.set()
    assert future.result(LONG)


def test_what_was_asked_before_the_end_is_done_and_what_comes_later_is_cancelled() -> None:
    desk = Desk()
    desk.start()
    before = desk.submit(lambda: "done")
    desk.stop(LONG)
    assert before.result(0) == "done"
    with pytest.raises(CancelledError):
        desk.submit(lambda: "never").result(LONG)


def test_the_thread_does_not_keep_the_program_alive() -> None:
    assert Desk()._thread.daemon


def test_what_has_no_caller_gets_its_turn_also_among_many_requests() -> None:
    ticked = threading.Event()
    desk = Desk(ticked.set)
    desk.start()
    deadline = time.monotonic() + LONG
    while not ticked.is_set() and time.monotonic() < deadline:
        desk.submit(lambda: None).result(LONG)
    desk.stop(LONG)
    assert ticked.is_set()
