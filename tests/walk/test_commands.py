"""Our own plans: what their end means for the lock."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.incidents import FREE, UNREAD, A, B, lock_text
from tests.walk.parts import Bench, child
from tests.walk.test_clerk import REFUSAL
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.events import CheckRecorded, CommandIntended, CommandStarted
from tuirunbook.core.gates import Policy, Refusal, obstacle
from tuirunbook.core.lock import LockIdentity, Store
from tuirunbook.core.values import Exit, JournalError
from tuirunbook.walk.messages import PlanEnded

UNLOCK = ForceUnlock(lock=A)
NO_CHANGES = "No changes. Your infrastructure matches the configuration.\n"
NO_VARIABLE = "\nError: No value for required variable\n\n  on main.tf.json line 1\n"


def run(bench: Bench, output: str, code: int | None = 1, *, probe: bool = False) -> PlanEnded:
    """A plan from its start to its end."""
    started = bench.commands.start(probe=probe)
    assert not isinstance(started, Refusal), started
    Path(started.log).write_text(output)
    bench.terraform.endings[started.id] = Exit(code=code)
    bench.clock.forward(1)
    bench.commands.poll()
    return next(message for message in reversed(bench.told) if isinstance(message, PlanEnded))


def refusal(lock: LockIdentity) -> str:
    return REFUSAL.replace(A, lock)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.look()
    return made


def stands_in_the_way(bench: Bench) -> str:
    found = obstacle(UNLOCK, bench.incident, bench.observer.latest, Policy())
    return found.rule if found else ""


def test_a_plan_that_this_lock_refused_is_the_retry(bench: Bench) -> None:
    bench.answer()
    ended = run(bench, refusal(A))
    assert ended.retry is not None
    assert (ended.retry.outcome, ended.retry.lock) == ("refused-by-this", A)
    assert stands_in_the_way(bench) == ""


def test_s15_a_plan_that_an_unseen_lock_refused_shows_another_place(bench: Bench) -> None:
    bench.answer()
    run(bench, refusal(B))
    assert (bench.incident.refused_by, stands_in_the_way(bench)) == ({}, "S15")


def test_s15_a_plan_that_took_the_lock_which_is_still_read_here_shows_another_place(bench: Bench) -> None:
    bench.answer()
    run(bench, NO_CHANGES, 0)
    assert stands_in_the_way(bench) == "S15"


def test_s15_after_such_doubt_nothing_is_gone(bench: Bench) -> None:
    run(bench, NO_CHANGES, 0)
    bench.shelf.free()
    bench.look(3)
    assert not bench.incident.gone


def test_a_plan_that_took_the_lock_after_the_holder_left_is_no_doubt(bench: Bench) -> None:
    bench.commands.start()
    bench.shelf.free()
    Path(bench.paper.log_path("plan-1")).write_text(NO_CHANGES)
    bench.terraform.endings["plan-1"] = Exit(code=0)
    bench.commands.poll()
    assert bench.incident.elsewhere == ""
    assert bench.incident.gone


def test_s15_a_probe_is_a_retry_and_no_proof_of_the_place(bench: Bench) -> None:
    bench.answer()
    run(bench, refusal(A), probe=True)
    assert stands_in_the_way(bench) == ""
    bench.clock.forward(1)
    bench.clerk.paste(refusal(B))
    assert stands_in_the_way(bench) == "S15"
    run(bench, refusal(A), probe=True)
    assert stands_in_the_way(bench) == "S15"
    run(bench, refusal(A))
    assert stands_in_the_way(bench) == ""


def test_a_probe_that_stopped_at_its_variable_took_the_lock(bench: Bench) -> None:
    bench.shelf.free()
    bench.look(1)
    bench.shelf.hold(Store.S3, lock_text(A))
    bench.look(1)
    ended = run(bench, NO_VARIABLE, probe=True)
    assert ended.retry is not None
    assert (ended.retry.outcome, bool(ended.retry.elsewhere)) == ("obtained", True)


@pytest.mark.parametrize("output", ["", "Error: Backend initialization required\n", "Error: Missing provider\n"])
def test_a_plan_that_shows_nothing_of_the_lock_is_no_retry(bench: Bench, output: str) -> None:
    bench.answer()
    run(bench, output)
    assert stands_in_the_way(bench) == "S6"


def test_an_earlier_refusal_does_not_outlive_a_state_write(bench: Bench) -> None:
    bench.answer()
    run(bench, refusal(A))
    bench.shelf.digest = UNREAD
    bench.shelf.state = UNREAD
    bench.look(3)
    bench.shelf.hold(Store.S3, lock_text(Who="x@y"))
    bench.look(3)
    assert bench.incident.refused_by == {}


def gone(bench: Bench) -> None:
    bench.shelf.free()
    bench.look(3)
    assert bench.incident.gone


@pytest.mark.parametrize(("output", "code", "result"), [(NO_CHANGES, 0, "ok"), (NO_CHANGES, 1, "bad"), ("", 1, "bad")])
def test_a_plan_after_the_release_verifies_it(bench: Bench, output: str, code: int, result: str) -> None:
    gone(bench)
    run(bench, output, code)
    checks = [event.result for event in bench.paper.events if isinstance(event, CheckRecorded) and event.name == "plan"]
    assert checks == [result]


def test_s15_a_plan_after_the_release_that_an_unseen_lock_refuses_is_bad_and_shows_another_place(bench: Bench) -> None:
    gone(bench)
    ended = run(bench, refusal(B))
    assert ended.retry is not None
    assert bench.incident.elsewhere
    assert bench.incident.checks["after", "plan"].result == "bad"


def test_the_private_root_of_a_probe_lives_until_the_probe_has_ended(bench: Bench) -> None:
    bench.commands.start(probe=True)
    assert (bench.terraform.entered, bench.terraform.left) == (1, 0)
    bench.commands.poll()
    assert bench.terraform.left == 0
    bench.terraform.endings["probe-1"] = Exit(code=1)
    bench.commands.poll()
    assert bench.terraform.left == 1


def test_s9_one_command_at_a_time(bench: Bench) -> None:
    bench.commands.start()
    second = bench.commands.start()
    assert isinstance(second, Refusal)
    assert (second.rule, bench.terraform.plans) == ("S9", ["plan-1"])


def test_s4_no_plan_is_started_that_could_not_be_written_down(bench: Bench) -> None:
    bench.paper.refuses = lambda _: True
    bench.clerk.answer(A, "ci", "dont-know", {})
    with pytest.raises(JournalError):
        bench.commands.start()
    assert bench.terraform.plans == []


@pytest.mark.parametrize(
    ("output", "outcome"),
    [(refusal(A), "refused-by-this"), (refusal(B), "refused-by-another"), (NO_CHANGES, "obtained")],
)
def test_a_plan_has_its_end_and_its_meaning_also_when_the_look_after_it_fails(
    bench: Bench, output: str, outcome: str
) -> None:
    def fail() -> None:
        raise OSError("no route")

    bench.shelf.before_look = [fail]
    ended = run(bench, output)
    assert ended.retry is not None
    assert (ended.retry.outcome, ended.retry.elsewhere) == (outcome, "")
    assert "no route" in ended.retry.detail
    assert bench.incident.running == {}


def test_a_command_of_an_earlier_session_is_followed_to_its_end(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.look()
    first.answer()
    first.commands.start()
    second = Bench(tmp_path, resumed=first.incident, clock=first.clock)
    second.shelf.readings = dict(first.shelf.readings)
    assert isinstance(next(iter(second.incident.running.values())), CommandStarted)
    Path(first.paper.log_path("plan-1")).write_text(refusal(A))
    second.terraform.endings["plan-1"] = Exit(code=None)
    second.commands.poll()
    assert (second.incident.running, A in second.incident.refused_by) == ({}, True)


def test_s4_a_plan_is_written_down_before_it_is_started(bench: Bench) -> None:
    bench.paper.refuses = lambda event: isinstance(event, CommandIntended)
    with pytest.raises(JournalError):
        bench.commands.start()
    assert bench.terraform.plans == []
    bench.paper.refuses = lambda _: False
    bench.terraform.endings["plan-1"] = Exit(code=None)
    bench.commands.poll()
    bench.commands.start()
    assert bench.terraform.plans == ["plan-2"]
    assert bench.paper.kinds()[-2:] == ["CommandIntended", "CommandStarted"]


def intended(tmp_path: Path) -> Bench:
    """A later session, after one that was killed between the start of its plan and the word of it."""
    first = Bench(tmp_path)
    first.look()
    first.answer()
    first.refused()
    plan = msgspec.structs.replace(child("plan-1", Path(first.paper.log_path("plan-1"))), pid=0)
    first.scribe.record(CommandIntended, child=plan, purpose="plan")
    second = Bench(tmp_path, resumed=first.incident, clock=first.clock)
    second.shelf.readings = dict(first.shelf.readings)
    second.look()
    return second


def test_s9_nothing_is_released_while_a_plan_may_run_whose_process_nobody_wrote_down(tmp_path: Path) -> None:
    bench = intended(tmp_path)
    assert stands_in_the_way(bench) == "S9"
    bench.commands.poll()
    assert stands_in_the_way(bench) == "S9"
    bench.terraform.processes["plan-1"] = 4711
    bench.commands.poll()
    assert [started.child.pid for started in bench.incident.running.values()] == [4711]
    assert stands_in_the_way(bench) == "S9"
    Path(bench.paper.log_path("plan-1")).write_text(refusal(A))
    bench.terraform.endings["plan-1"] = Exit(code=None)
    bench.commands.poll()
    assert (bench.incident.running, stands_in_the_way(bench)) == ({}, "")
    assert bench.incident.commands == 1


def test_a_plan_that_was_never_started_is_no_retry(tmp_path: Path) -> None:
    bench = intended(tmp_path)
    before = bench.incident.last_retry
    bench.terraform.endings["plan-1"] = Exit(code=None)
    bench.commands.poll()
    assert (bench.incident.running, bench.incident.last_retry) == ({}, before)
    assert stands_in_the_way(bench) == ""


def test_a_cancel_is_sent_to_what_runs_and_to_nothing_else(bench: Bench) -> None:
    assert bench.commands.interrupt("plan-1") == "it has ended"
    bench.commands.start()
    assert bench.commands.interrupt("plan-1") is None
    assert bench.terraform.interrupts == ["plan-1"]


def test_an_unreadable_lock_that_refuses_without_a_name_is_this_lock(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.hold(Store.DYNAMODB, "?")
    bench.shelf.readings[Store.S3] = FREE
    bench.look()
    (lock,) = bench.incident.identities
    ended = run(
        bench,
        "\nError: Error acquiring the state lock\n\nError message: operation error DynamoDB: PutItem, https response "
        "error StatusCode: 400, RequestID: X, ConditionalCheckFailedException: The conditional request failed\n"
        "invalid character '?' looking for beginning of value\n\nTerraform acquires a state lock to protect the state "
        "from being written\nby multiple users at the same time.\n",
    )
    assert ended.retry is not None
    assert (ended.retry.outcome, ended.retry.lock) == ("refused-by-this", lock)
