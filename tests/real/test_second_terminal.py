"""Two terminals on one incident: the second reads along, can do nothing, and takes over when the first has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.real.walking import Desk, Operator, stuck_on_a_runner
from tests.support.stuck import REAL

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]


def begun(desk: Desk) -> Operator:
    """Somebody who walks, at step 3."""
    operator = desk.start()
    operator.arrive()
    return operator


def beside(desk: Desk, writer: Operator, *arguments: str) -> Operator:
    """A second terminal, which reads along what the first one writes."""
    operator = desk.start(*arguments)
    operator.wait_for(f"YOU ONLY READ  process {writer.terminal.pid} on pts/")
    operator.wait_for("■ HELD")
    operator.step(3)
    return operator


def take_over(operator: Operator) -> None:
    operator.wait_for("NOBODY WRITES")
    operator.press("T")
    operator.wait_for("● rec")


def test_the_second_terminal_follows_cannot_release_and_takes_over(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck = stuck_on_a_runner(desk.root)
    first = begun(desk)
    second = beside(desk, first)

    first.next_to("enter chooses, then goes on")
    first.answer("ci", "cancelled", link="ci.example/8121")
    second.wait_for("Answered about CI: cancelled")
    assert not second.sees("This window only reads")
    second.press("n")
    second.wait_for(f"This window only reads: process {first.terminal.pid} on pts/")
    second.press("down", "down", "down")
    second.wait_for("6  Force-unlock")
    second.press("n", "c")
    second.wait_for("› Copied: cd ")
    assert not second.sees("Release (ctrl+y)")
    assert desk.root.locked()

    first.press("escape")
    assert first.quit() == 0
    take_over(second)
    second.step(3)
    second.next_to("enter chooses, then goes on")
    second.answer("owner", "mine-died", who="Kim", how="her laptop shut down")
    second.answer("holder-host", "ended", how="looked with ps")
    second.step(4)
    second.retry_plan()
    second.before_release()
    second.force_unlock(stuck.lock_id)
    second.wait_for("released: no store holds it any more")
    assert desk.root.locks() == {}
    assert desk.incident()["chain_verified"]


def test_an_incident_whose_writer_lives_is_resumed_by_reading_along_until_that_is_killed(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    first = begun(desk)
    second = beside(desk, first, "resume")
    first.terminal.kill()
    take_over(second)
    second.press("t")
    second.wait_for("The incident was resumed on")
    assert second.sees("The state was locked: ")


def test_the_second_terminal_sees_the_first_one_release(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck = stuck_on_a_runner(desk.root)
    first = begun(desk)
    second = beside(desk, first)
    first.rule_out()
    first.retry_plan()
    first.before_release()
    second.step(6)
    first.force_unlock(stuck.lock_id)
    first.wait_for("released: no store holds it any more")
    second.wait_for("□ FREE")
    second.step(8)
    assert second.quit() == 0
    assert len(desk.run("incidents").splitlines()) == 1


def test_line_by_line_a_second_session_says_who_writes_and_exits_3(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    first = begun(desk)
    done = subprocess.run(
        [sys.executable, "-m", "tuirunbook", "--plain"],
        cwd=desk.root.directory,
        env=desk.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stdout
    assert f"Somebody else writes this incident: process {first.terminal.pid} on pts/" in done.stdout
    assert "Lock: HELD in DynamoDB" in done.stdout
    assert "They are at step 3 of 9" in done.stdout
    assert desk.root.locked()


def test_line_by_line_an_incident_is_taken_over_when_its_writer_has_ended(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    first = begun(desk)
    second = desk.start("--plain", size=(100, 45))
    second.wait_for("6. take the incident over, once nobody else writes it")
    second.wait_for("What now, a number:")
    second.terminal.type("6\r")
    second.wait_for(f"Not now: process {first.terminal.pid} on pts/")
    assert first.quit() == 0
    second.wait_for("has ended. It can be taken over.")
    second.terminal.type("6\r")
    second.wait_for("Step 3 of 9")
    second.wait_for("answer the open questions (3)")
    second.terminal.type("\x04")
    assert second.terminal.wait_for_end() == 0
    assert "resumed" in desk.run("export", desk.incident()["id"])


def left_open(desk: Desk) -> str:
    """An incident with one answer, whose terminal was closed; its name."""
    first = begun(desk)
    first.next_to("enter chooses, then goes on")
    first.answer("ci", "cancelled", link="ci.example/8121")
    first.terminal.close_terminal()
    first.terminal.wait_for_end()
    return str(desk.incident()["id"])


def test_who_starts_again_is_asked_and_goes_on_with_the_incident_that_was_left_open(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    name = left_open(desk)

    again = desk.start()
    again.wait_for(f"go on with {name}")
    again.press("enter")
    again.arrive()
    again.next_to("enter chooses, then goes on")
    again.answer("owner", "mine-died", who="Kim", how="her laptop shut down")
    assert again.quit() == 0
    document = desk.run("export", desk.incident()["id"])
    assert "cancelled, timed out or lost" in document
    assert "her laptop shut down" in document


def test_who_starts_again_may_begin_a_new_incident_or_leave(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    name = left_open(desk)

    leaving = desk.start()
    leaving.wait_for(f"go on with {name}")
    leaving.press("escape")
    assert leaving.terminal.wait_for_end() == 0
    assert desk.incident()["id"] == name

    anew = desk.start()
    anew.wait_for(f"go on with {name}")
    anew.press("down", "enter")
    anew.arrive()
    anew.wait_for(f"Other incidents on this state: {name}")
    assert anew.quit() == 0
    assert len(json.loads(desk.run("incidents", "--json"))["incidents"]) == 2


def test_line_by_line_one_is_asked_as_well(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck_on_a_runner(desk.root)
    name = left_open(desk)

    again = desk.start("--plain")
    again.wait_for("What now, a number")
    assert again.sees(f"This state has an open incident: {name}")
    again.terminal.type("1\r")
    again.wait_for("answer the open questions (2)")
