"""Every page, played in a real terminal to its end: the right way, and the ways that people take at night."""

from __future__ import annotations

import shutil

import psutil
import pytest

from tests.support.stuck import wait_for
from tests.training.playing import Desk, Trainee
from tuirunbook.core.scenario import Fate, drawn
from tuirunbook.training.scenarios import SHIPPED, load

pytestmark = pytest.mark.pty
HAS_TERRAFORM = shutil.which("terraform") is not None


@pytest.fixture(params=["real", "ours"])
def any_desk(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    """With the terraform on PATH, and with the practice terraform."""
    if request.param == "real" and not HAS_TERRAFORM:
        pytest.skip("there is no terraform on PATH")
    desk.ours = request.param == "ours"
    return desk


def through_a_dead_plan(trainee: Trainee, *asked: int) -> None:
    """From the first screen to the confirmed release, asking so much."""
    trainee.on_walk()
    if asked:
        trainee.find_out(*asked)
    trainee.rule_out_as_ended()
    trainee.retry_plan()
    trainee.before_release()
    trainee.release()


def seeded_alive(seed: int) -> bool:
    """Whether the holder of a twin lives with this seed; the seed decides, not the page."""
    return drawn(load(SHIPPED / "twin-1.toml"), seed).locks[0].fate is Fate.ALIVE


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def type_delete(trainee: Trainee, key: str = "prod/network/terraform.tfstate") -> None:
    """What somebody says one should do, up to the judgement that comes before it."""
    trainee.press("!")
    trainee.wait_for("PRACTICE shell")
    item = f'{{"LockID": {{"S": "acme-practice-tfstate/{key}"}}}}'
    trainee.terminal.type(f"aws dynamodb delete-item --table-name acme-practice-tflock --key '{item}'")
    trainee.press("enter")
    trainee.wait_for("Before you act")


def test_a_dead_plan_released_after_all_was_asked_is_best_and_leaves_nothing(any_desk: Desk) -> None:
    any_desk.break_settings()
    trainee = any_desk.start("dead-plan")
    through_a_dead_plan(trainee, 0, 1, 2, 3)
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"
    trainee.press("enter")
    assert trainee.terminal.wait_for_end() == 0
    assert any_desk.leftovers() == []
    (done,) = any_desk.progress()
    assert done["grade"] == "best"
    any_desk.mend_settings()
    exported = any_desk.run("export", done["incidents"][0], "--journal-dir", str(any_desk.incidents))
    assert "This was a training" in exported


def test_the_same_release_is_unsafe_when_nobody_was_asked_before(any_desk: Desk) -> None:
    trainee = any_desk.start("dead-plan", size=(120, 60))
    through_a_dead_plan(trainee)
    trainee.wait_for("□ FREE")

    assert trainee.done() == "unsafe"
    assert trainee.sees("you could not know that")
    assert trainee.sees("costs about 120 s")
    assert trainee.sees("You wrote: dead, 90 % sure")
    assert trainee.sees("What could have gone wrong")
    assert not trainee.sees("What it broke")


def test_a_live_apply_is_waited_for_and_ends_by_itself(any_desk: Desk) -> None:
    trainee = any_desk.start("live-apply", "--speed", "10")
    trainee.on_walk()
    trainee.find_out(0, 1)
    trainee.wait_for("Just delete the row?")
    trainee.press("w")
    trainee.wait_for("□ FREE")

    assert trainee.done("alive") == "best"


def test_deleting_the_row_of_a_live_apply_really_loses_what_another_one_wrote(any_desk: Desk) -> None:
    trainee = any_desk.start("live-apply", size=(120, 60))
    trainee.on_walk()
    type_delete(trainee)
    trainee.fill_judgement("dead", wrong="a run that is not on the list")
    trainee.wait_for("(a lock is gone)")
    trainee.wait_for("exists, and no state knows it")
    trainee.terminal.type("terraform state list")
    trainee.press("enter")
    trainee.wait_for("terraform_data.flow_logs")
    assert not trainee.sees("\nterraform_data.peering")
    trainee.press("escape")
    trainee.wait_for(lambda: not trainee.sees("PRACTICE shell"))

    assert trainee.done() == "unsafe"
    assert trainee.sees("its holder was alive")
    assert trainee.sees("pid 2114") or trainee.sees("is in progress")
    assert trainee.sees("You wrote: dead, 90 % sure; wrong if: a run that is not on the list")


def test_a_raw_delete_is_not_run_by_who_leaves_before_writing_down_what_they_believe(desk: Desk) -> None:
    trainee = desk.start("live-apply")
    trainee.on_walk()
    type_delete(trainee)
    trainee.press("escape")
    trainee.wait_for("(not run: ")
    trainee.terminal.type("terraform version")
    trainee.press("enter")
    trainee.wait_for("Terraform v")
    assert not trainee.sees("(a lock is gone)")
    trainee.press("escape")
    trainee.wait_for("■ HELD")


def test_a_queued_apply_is_held_before_a_dead_apply_is_released(desk: Desk) -> None:
    trainee = desk.start("dead-apply")
    trainee.on_walk()
    trainee.wait_for("1 queued (starts on release)")
    trainee.find_out(0, 1, 2, 4, 5)
    trainee.wait_for("1 waiting")
    through_a_dead_plan(trainee)
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"


def test_a_queued_apply_that_was_not_held_fails_on_what_the_dead_one_left(desk: Desk) -> None:
    trainee = desk.start("dead-apply", size=(120, 60))
    through_a_dead_plan(trainee, 0, 1, 2)
    trainee.wait_for("The queued apply ran on the half-written state and failed")

    assert trainee.done() == "unsafe"
    assert trainee.sees("ran on the half-written state")


def test_a_lock_in_another_account_is_found_and_released_there(any_desk: Desk) -> None:
    trainee = any_desk.start("wrong-account")
    trainee.wait_for("acme-dev 210987654321 as OnCall")
    trainee.wait_for("No lock was seen here")
    trainee.find_out(0)
    trainee.press("!")
    trainee.wait_for("PRACTICE shell")
    trainee.terminal.type("export AWS_PROFILE=acme-prod")
    trainee.press("enter")
    trainee.wait_for("acme-prod 123456789012 as OnCall")
    through_a_dead_plan(trainee, 1, 2, 3)
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"


def test_an_all_clear_from_another_account_leaves_the_lock_where_it_is(desk: Desk) -> None:
    trainee = desk.start("wrong-account")
    trainee.wait_for("No lock was seen here")

    assert trainee.done("not-a-lock") == "incomplete"
    assert trainee.sees("The lock was dead, and it was not released")


def test_a_lock_in_another_workspace_is_found_and_released_there(desk: Desk) -> None:
    trainee = desk.start("wrong-workspace")
    trainee.wait_for("No lock was seen here")
    trainee.press("y")
    trainee.wait_for("■ held")
    trainee.choose_row("■ held")
    through_a_dead_plan(trainee, 0, 1, 2, 3)
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"


def test_a_lock_that_changes_hands_in_the_confirmation_is_left_to_its_new_holder(desk: Desk) -> None:
    trainee = desk.start("changes-hands")
    trainee.on_walk()
    trainee.find_out(0, 1, 2)
    trainee.rule_out_as_ended()
    trainee.retry_plan()
    trainee.before_release()
    trainee.next_to("Before you act")
    trainee.fill_judgement("dead")
    trainee.wait_for("The confirmation was closed")
    trainee.wait_for("runnervm9q2xk")
    trainee.find_out(4)

    assert trainee.done("alive") == "best"


def test_a_raw_delete_hits_whoever_holds_it_by_then(desk: Desk) -> None:
    trainee = desk.start("changes-hands")
    trainee.on_walk()
    trainee.find_out(0, 1, 2)
    type_delete(trainee)
    trainee.fill_judgement("dead")
    trainee.wait_for("started my deploy")
    trainee.wait_for("exists, and no state knows it")
    trainee.press("escape")
    trainee.wait_for(lambda: not trainee.sees("PRACTICE shell"))

    assert trainee.done() == "unsafe"
    assert trainee.sees("its holder was alive")


def test_a_lock_that_comes_back_is_answered_with_its_cause(desk: Desk) -> None:
    trainee = desk.start("comes-back")
    through_a_dead_plan(trainee, 0, 1, 2)
    trainee.wait_for("the scheduled plan of prod/network has run")
    trainee.wait_for("■ HELD")
    trainee.find_out(4, 5)

    assert trainee.done() == "best"


def test_of_three_locks_of_a_pod_the_living_one_stays(desk: Desk) -> None:
    trainee = desk.start("evicted-pod")
    for number, root in enumerate(("cache", "network")):
        if number:
            trainee.press("y")
        trainee.wait_for(f"prod/{root}")
        trainee.wait_for(lambda: trainee.terminal.text.count("■ held") + trainee.terminal.text.count("■ HELD") >= 2)
        trainee.choose_row(f"prod/{root}")
        through_a_dead_plan(trainee, *((0, 1, 2) if not number else ()))
        trainee.wait_for("□ FREE")

    assert trainee.done() == "best"


def test_a_stale_half_is_released_whatever_the_exit_code_says(desk: Desk) -> None:
    trainee = desk.start("stale-half")
    through_a_dead_plan(trainee, 0, 1, 2)
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"


def test_what_is_not_a_lock_is_left_alone_and_named(desk: Desk) -> None:
    trainee = desk.start("not-a-lock")
    trainee.wait_for(" as OnCall")
    trainee.find_out(0)

    assert trainee.done("not-a-lock") == "best"


def test_an_unreadable_lock_is_deleted_as_the_last_resort(desk: Desk) -> None:
    trainee = desk.start("unreadable")
    trainee.on_walk()
    trainee.find_out(0, 1, 2)
    trainee.rule_out_as_ended()
    trainee.retry_plan()
    trainee.before_release()
    trainee.release_unreadable()
    trainee.wait_for("□ FREE")
    trainee.verify()

    assert trainee.done() == "best"


def test_a_digest_that_does_not_match_is_told_apart_from_a_lock(desk: Desk) -> None:
    trainee = desk.start("digest")
    through_a_dead_plan(trainee, 0, 1, 2)
    trainee.wait_for("□ FREE")
    trainee.find_out(4)

    assert trainee.done() == "best"


def test_contention_clears_by_itself(desk: Desk) -> None:
    trainee = desk.start("contention", "--speed", "6")
    trainee.on_walk()
    trainee.find_out(0)
    trainee.wait_for("□ FREE")

    assert trainee.done("alive") == "best"


@pytest.mark.parametrize("twin", ["twin-1", "twin-2", "twin-3"])
def test_a_twin_is_waited_for_when_it_lives_and_released_when_it_does_not(desk: Desk, twin: str) -> None:
    alive = next(seed for seed in range(20) if seeded_alive(seed))
    dead = next(seed for seed in range(20) if not seeded_alive(seed))
    trainee = desk.start(twin, "--seed", str(alive))
    trainee.on_walk()
    trainee.find_out(0, 1)
    assert trainee.done("alive") == "best"
    trainee.press("enter")
    trainee.terminal.wait_for_end()
    trainee = desk.start(twin, "--seed", str(dead))
    through_a_dead_plan(trainee, 0, 1, 2)
    trainee.wait_for("□ FREE")
    assert trainee.done() == "best"
    assert [done["twin"] for done in desk.progress()] == [True, True]


def _words(process: psutil.Process) -> list[str]:
    """Its arguments; none of one that has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_an_aws_that_dies_is_said_and_the_page_begins_anew(desk: Desk) -> None:
    trainee = desk.start("dead-plan")
    trainee.on_walk()
    before = trainee.lock_id()
    children = psutil.Process(trainee.terminal.pid).children()
    (world,) = (child for child in children if "tuirunbook.training.world" in _words(child))
    world.kill()
    trainee.wait_for("The practice AWS has died")
    trainee.wait_for(lambda: trainee.sees("■ HELD") and not trainee.sees(before))
    trainee.on_walk()
    assert trainee.quit() == 0
    assert desk.leftovers() == []


def test_killing_the_app_ends_its_world(desk: Desk) -> None:
    trainee = desk.start("live-apply")
    trainee.on_walk()
    family = psutil.Process(trainee.terminal.pid).children(recursive=True)
    assert len(family) > 2
    trainee.terminal.kill()
    wait_for(lambda: not any(_lives(process) for process in family), "the end of the world")
    assert desk.leftovers() == []


def test_one_can_ask_while_a_dialog_is_open(desk: Desk) -> None:
    trainee = desk.start("dead-plan")
    trainee.on_walk()
    trainee.next_to("enter chooses, then goes on")
    trainee.terminal.type("\x1bOQ")
    trainee.wait_for("Find out: whom do you ask?")
    trainee.press("enter")
    trainee.wait_for("Cancelled 44 minutes ago")
    trainee.press("escape")
    trainee.wait_for(lambda: not trainee.sees("Find out: whom do you ask?"))
    trainee.answer("ci", "ended", how="asked CI", link="ci.example/8121")


def test_every_screen_says_that_it_is_practice(desk: Desk) -> None:
    trainee = desk.start("evicted-pod")
    trainee.wait_for(lambda: trainee.sees("Looking for the root module") and trainee.sees("PRACTICE"))
    trainee.wait_for("■ held")
    assert trainee.sees("PRACTICE")
    trainee.choose_row("prod/cache")
    trainee.on_walk()
    screens = (
        ("t", "Transcript"),
        ("enter", "Lock details"),
        ("!", "what it does, it does"),
        ("v", "CANNOT TELL   1 of"),
        ("w", "stop waiting"),
        ("i", "Incidents"),
    )
    for key, shown in screens:
        trainee.wait_for(lambda: trainee.terminal.screen[0].startswith(" PRACTICE"))
        trainee.press(key)
        trainee.wait_for(lambda shown=shown: trainee.sees(shown) and trainee.sees("PRACTICE"))  # type: ignore[misc]
        trainee.press("escape")
        trainee.wait_for(lambda shown=shown: not trainee.sees(shown))  # type: ignore[misc]


def test_hints_come_one_by_one_and_go_again(desk: Desk) -> None:
    trainee = desk.start("live-apply")
    trainee.on_walk()
    trainee.press("h")
    trainee.wait_for("asks CI, Ines and the host")
    assert not trainee.sees("An old lock is an old lock")
    trainee.press("h")
    trainee.wait_for("An old lock is an old lock")
    assert not trainee.sees("asks CI, Ines and the host")
    trainee.press("h")
    trainee.wait_for(lambda: not trainee.sees("An old lock is an old lock"))
    assert not trainee.sees("asks CI, Ines and the host")


def test_the_menu_tells_nothing_but_the_page(desk: Desk) -> None:
    trainee = desk.start()
    trainee.wait_for("which page do you take?")
    trainee.wait_for("03:10 prod/network is blocked")
    trainee.wait_for("Not done yet")
    assert not trainee.sees("dead-plan")
    trainee.press("escape")
    assert trainee.terminal.wait_for_end() == 0
