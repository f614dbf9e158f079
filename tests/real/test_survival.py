"""The tool dies in every way while a plan of ours holds the lock: no lock stays, and the walk goes on."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from tests.real.walking import TOOL, Desk, Operator, stuck_on_a_runner
from tests.support.stuck import REAL, Gate, hold_plans, wait_for

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]


def killed(operator: Operator) -> None:
    operator.terminal.kill()


def closed(operator: Operator) -> None:
    operator.terminal.close_terminal()
    operator.terminal.wait_for_end()


def quit_by_hand(operator: Operator) -> None:
    operator.press("ctrl+q")
    operator.wait_for("Our plan keeps running, and may hold the lock.")
    operator.press("down", "enter")
    assert operator.terminal.wait_for_end() == 0


def with_our_plan_in_hand(desk: Desk) -> tuple[Operator, Gate]:
    """Somebody released the stuck lock elsewhere; the plan that verifies it now holds the lock itself."""
    operator, gate = with_a_plan_begun(desk)
    gate.wait_for_reader()
    operator.wait_for("■ your plan")
    return operator, gate


def with_a_plan_begun(desk: Desk, program: Sequence[str] = TOOL) -> tuple[Operator, Gate]:
    """The plan that verifies the release is about to be started."""
    root = desk.root
    stuck = stuck_on_a_runner(root)
    operator = desk.start(program=program)
    operator.arrive()
    root.terraform("force-unlock", "-force", stuck.lock_id)
    operator.press("r")
    operator.wait_for("□ FREE")
    operator.next_to("plan again (takes the lock")
    gate = hold_plans(root)
    operator.press("n")
    return operator, gate


@pytest.mark.parametrize("end", [killed, closed, quit_by_hand], ids=["killed", "terminal closed", "quit"])
def test_the_end_of_the_tool_leaves_no_lock_and_a_resumed_walk_sees_the_end_of_its_plan(
    make_desk: MakeDesk, end: object
) -> None:
    desk = make_desk()
    root = desk.root
    operator, gate = with_our_plan_in_hand(desk)
    assert callable(end)
    end(operator)
    assert root.locked()

    resumed = desk.start("resume")
    resumed.wait_for("■ your plan")
    resumed.step(8)
    resumed.wait_for("is running and holds the lock")
    gate.open()
    resumed.wait_for("✓ plan: Plan: ")
    resumed.wait_for("□ FREE")
    assert root.locks() == {}

    resumed.next_to("Who looked?")
    resumed.fill("by name", "Kim")
    resumed.press("enter", "enter")
    resumed.fill("(or: nobody has to)", "nobody has to")
    resumed.press("enter")
    resumed.step(9)
    incident = desk.incident()
    assert (incident["status"], incident["chain_verified"]) == ("verified", True)


def test_a_plan_that_ends_while_nobody_looks_is_found_ended(make_desk: MakeDesk) -> None:
    desk = make_desk()
    operator, gate = with_our_plan_in_hand(desk)
    operator.terminal.kill()
    gate.open()
    wait_for(lambda: not desk.root.locks(), "the end of the plan")

    resumed = desk.start("resume")
    resumed.wait_for("✓ plan: Plan: ")
    resumed.wait_for("□ FREE")
    assert desk.root.locks() == {}


DIES_BEFORE_THE_WORD = """
import os, signal
from tuirunbook.cli import main
from tuirunbook.core.events import CommandStarted
from tuirunbook.walk.scribe import Scribe

record = Scribe.record

def dying(self, kind, **facts):
    if kind is CommandStarted:
        os.kill(os.getpid(), signal.SIGKILL)
    return record(self, kind, **facts)

Scribe.record = dying
main()
"""
"""The tool, killed when its command runs, and before it could write down which process that is."""


def test_s9_a_plan_that_was_started_at_the_moment_of_death_is_found_by_the_resumed_walk(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    operator, gate = with_a_plan_begun(desk, ("-c", DIES_BEFORE_THE_WORD))
    assert operator.terminal.wait_for_end() == -signal.SIGKILL
    gate.wait_for_reader()

    resumed = desk.start("resume")
    resumed.wait_for("■ your plan")
    resumed.step(8)
    resumed.wait_for("is running and holds the lock")
    resumed.press("x")
    resumed.wait_for("Cancel our plan after the release?")
    resumed.press("down", "enter")
    resumed.wait_for("Interrupted. It ends when")
    gate.open()
    resumed.wait_for("□ FREE")
    assert root.locks() == {}
