"""Threads of our own: work is shared, results keep their order, and the end of the program waits for none of it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tuirunbook.threads import Hands, aside, each

LEAVES = """
import threading
from tuirunbook.threads import Hands, aside

hands, begun = Hands(2, "hand"), threading.Semaphore(0)

def wait_for_ever():
    begun.release()
    threading.Event().wait()

aside(wait_for_ever, "aside")
for _ in range(9):
    hands.give(wait_for_ever)
for _ in range(3):
    begun.acquire()
"""


def test_the_end_of_the_program_waits_for_nothing_that_is_under_way_or_in_line() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, check=True, timeout=20)
    assert done.stderr == ""


def test_work_is_shared_by_so_many_hands_and_no_more() -> None:
    together, at_work, most = threading.Barrier(3, timeout=20), [0], [0]
    counting = threading.Lock()

    def work(number: int) -> int:
        with counting:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        together.wait()
        with counting:
            at_work[0] -= 1
        return number * number

    assert each(work, range(9), 3, "hand") == [number * number for number in range(9)]
    assert most == [3]


def test_hands_that_are_free_take_up_work_again() -> None:
    hands = Hands(1, "hand")
    assert [hands.give(threading.get_ident).result(20) is not None for _ in range(3)] == [True, True, True]


def test_the_first_failure_is_raised_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise OSError("no route")
        gate.wait(20)

    gate = threading.Event()
    with pytest.raises(OSError, match="no route"):
        each(work, range(9), 2, "hand")
    gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("hand "):
            thread.join(20)
    assert len(begun) < 9


def test_what_is_done_aside_arrives_in_the_future_and_so_does_its_failure() -> None:
    assert aside(lambda: int("7"), "aside").result(20) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        aside(lambda: int("seven"), "aside").result(20)
