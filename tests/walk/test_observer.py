"""What looks become: events for what is new, and doubt where sight was lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import DUAL, FREE, START, UNREAD, A, B, lock_text, look
from tests.walk.parts import Bench, Clock, Witness, child, written
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.events import (
    CommandStarted,
    FindingRecorded,
    LockChanged,
    RetryEnded,
    WatchLost,
    WatchRestored,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.gates import Policy, obstacle
from tuirunbook.core.lock import Store
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.walk.observer import Observer


def resumed(first: Bench, directory: Path) -> Bench:
    """The next session on the same shelf."""
    second = Bench(directory, resumed=first.incident, clock=first.clock)
    second.shelf.readings, second.shelf.state = dict(first.shelf.readings), first.shelf.state
    return second


def count(bench: Bench, kind: type) -> int:
    return sum(isinstance(event, kind) for event in bench.paper.events)


def test_an_unchanged_look_is_no_event(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    before = bench.incident.events
    for _ in range(5):
        bench.look(3)
    assert bench.incident.events == before


def test_a_look_that_is_older_than_the_latest_is_dropped(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    old = bench.shelf.look()
    bench.shelf.free()
    bench.look(1)
    bench.clock.forward(1)
    looked = bench.observer.take_in(old)
    assert looked.snapshot.free
    assert bench.incident.identities == ()


def test_looks_are_in_the_order_in_which_they_began_whatever_the_clock_says(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    early = bench.observer.ticket()
    old = bench.shelf.look()
    bench.shelf.free()
    looked = bench.look(-3600)
    assert (looked.snapshot.free, looked.number) == (True, 2)
    assert bench.observer.take_in(old, ticket=early).snapshot.free
    assert bench.incident.identities == ()


def test_s6_a_clock_that_is_set_back_is_no_time_that_has_passed(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.free(Store.S3)
    bench.look(1)
    bench.answer()
    bench.refused()
    bench.look(-3600)
    found = obstacle(ForceUnlock(lock=A), bench.incident, bench.observer.latest, Policy())
    assert found is not None
    assert found.why.startswith("only one of the two stores")


def test_s1_answers_are_void_after_a_state_write_although_the_lock_is_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.state = written(bench.shelf.state)
    bench.look(3)
    assert (bench.incident.answers, bench.incident.refused_by) == ({}, {})
    assert bench.incident.identities == (A,)


def test_a_state_write_while_the_lock_is_held_blocks(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.state = written(bench.shelf.state)
    bench.look(3)
    bench.answer()
    assert judge(bench.incident, A).opinion is Opinion.ACTIVE


def test_each_state_write_needs_its_own_dispute(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    for etag in ('"v2"', '"v3"'):
        bench.shelf.state = written(bench.shelf.state, etag)
        bench.look(3)
        bench.answer()
        assert judge(bench.incident, A).opinion is Opinion.ACTIVE
        bench.dispute("state.state-written", how="it was me")
        assert judge(bench.incident, A).opinion is Opinion.CANNOT_TELL


def test_s1_a_state_write_behind_a_gap_in_sight_voids_the_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    before = dict(bench.shelf.readings), bench.shelf.state
    bench.shelf.readings = dict.fromkeys(Store, UNREAD)
    bench.shelf.state = bench.shelf.digest = UNREAD
    bench.look(3)
    assert bench.incident.answers
    assert bench.incident.blind_since
    bench.shelf.readings, bench.shelf.state = before[0], written(before[1])
    looked = bench.look(3)
    assert {"sees-again", "state-written"} <= {change.what for change in looked.found}
    assert bench.incident.answers == {}
    bench.answer()
    assert judge(bench.incident, A).opinion is Opinion.ACTIVE


def test_s1_a_state_write_behind_a_gap_blocks_also_before_anything_was_answered(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    before = dict(bench.shelf.readings), bench.shelf.state
    bench.shelf.readings = dict.fromkeys(Store, UNREAD)
    bench.shelf.state = UNREAD
    bench.look(3)
    bench.shelf.readings, bench.shelf.state = before[0], written(before[1])
    bench.look(3)
    bench.answer()
    assert judge(bench.incident, A).opinion is Opinion.ACTIVE


def test_s1_a_lock_that_was_rewritten_behind_a_gap_voids_the_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.readings[Store.S3] = UNREAD
    bench.look(3)
    bench.shelf.hold(Store.S3, lock_text(Who="x@y"))
    bench.look(3)
    assert bench.incident.answers == {}


def test_a_gap_that_hid_nothing_leaves_the_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    before = bench.shelf.readings[Store.S3]
    bench.shelf.readings[Store.S3] = UNREAD
    bench.look(3)
    bench.shelf.readings[Store.S3] = before
    bench.look(3)
    assert (A, "owner") in bench.incident.answers


# From one session to the next


def test_a_resumed_walk_that_finds_everything_as_it_was_keeps_the_answers(tmp_path: Path) -> None:
    bench = resumed(Bench(tmp_path).ready(), tmp_path)
    bench.look(60)
    assert (A, "owner") in bench.incident.answers
    assert obstacle(ForceUnlock(lock=A), bench.incident, bench.observer.latest, Policy()) is None


@pytest.mark.parametrize("what", ["state", "rewritten", "handed over", "left", "blind", "state unread"])
def test_s1_what_changed_between_two_sessions_voids_the_answers(tmp_path: Path, what: str) -> None:
    bench = resumed(Bench(tmp_path).ready(), tmp_path)
    match what:
        case "state":
            bench.shelf.state = written(bench.shelf.state)
        case "rewritten":
            bench.shelf.hold(Store.S3, lock_text(Who="x@y"))
        case "handed over":
            bench.shelf.hold(Store.S3, lock_text(B))
        case "left":
            bench.shelf.free()
        case "blind":
            bench.shelf.readings[Store.S3] = UNREAD
        case "state unread":
            bench.shelf.state = UNREAD
    bench.look(60)
    assert bench.incident.answers == {}


def test_s1_a_session_that_ended_blind_does_not_carry_answers_past_a_state_write(tmp_path: Path) -> None:
    first = Bench(tmp_path).ready()
    before = dict(first.shelf.readings), first.shelf.state
    first.shelf.readings = dict.fromkeys(Store, UNREAD)
    first.shelf.state = first.shelf.digest = UNREAD
    first.look(3)
    second = resumed(first, tmp_path)
    second.shelf.readings, second.shelf.state = before[0], written(before[1])
    second.look(60)
    assert second.incident.answers == {}


@pytest.mark.parametrize("looks", [1, 2])
def test_s1_a_session_that_begins_as_blind_as_the_last_one_ended_sees_the_state_write(
    tmp_path: Path, looks: int
) -> None:
    first = Bench(tmp_path).ready()
    sight = dict(first.shelf.readings), first.shelf.state, first.shelf.digest
    first.shelf.readings = dict.fromkeys(Store, UNREAD)
    first.shelf.state = first.shelf.digest = UNREAD
    first.look(3)
    second = resumed(first, tmp_path)
    second.shelf.digest = UNREAD
    for _ in range(looks):
        second.look(60)
    assert second.incident.answers == {}
    second.shelf.readings, second.shelf.state, second.shelf.digest = sight[0], written(sight[1]), sight[2]
    second.look(60)
    second.answer()
    assert judge(second.incident, A).opinion is Opinion.ACTIVE


def test_a_session_that_ended_blind_and_finds_everything_as_it_was_keeps_the_answers(tmp_path: Path) -> None:
    first = Bench(tmp_path).ready()
    sight = dict(first.shelf.readings), first.shelf.state
    first.shelf.readings = dict.fromkeys(Store, UNREAD)
    first.shelf.state = UNREAD
    first.look(3)
    second = resumed(first, tmp_path)
    second.shelf.readings, second.shelf.state = sight
    second.look(60)
    assert (A, "owner") in second.incident.answers
    assert not second.incident.blind_since


def test_s15_a_lock_that_cannot_be_read_on_resuming_is_not_said_to_have_left(tmp_path: Path) -> None:
    bench = resumed(Bench(tmp_path).ready(), tmp_path)
    bench.shelf.readings = dict.fromkeys(Store, UNREAD)
    looked = bench.look(60)
    assert {change.what for change in looked.found} == {"not-comparable"}
    assert not bench.incident.gone


# Gone


def test_s15_a_lock_that_was_seen_and_left_is_gone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    bench.shelf.free()
    bench.look(3)
    assert bench.incident.gone


def test_s15_nothing_is_gone_that_was_never_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.free()
    for _ in range(3):
        bench.look(3)
    assert not bench.incident.gone


def test_s15_nothing_is_gone_while_terraform_sees_another_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    bench.scribe.record(RetryEnded, outcome="obtained", source="plan", elsewhere="it took the lock")
    bench.shelf.free()
    bench.look(3)
    assert not bench.incident.gone


def test_s15_a_store_out_of_sight_makes_nothing_gone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    bench.shelf.readings = {Store.S3: FREE, Store.DYNAMODB: UNREAD}
    bench.look(3)
    assert not bench.incident.gone


# Our own locks

OUR_PLAN = {"Who": "priya@oncall", "Operation": "OperationTypePlan"}


def test_a_lock_that_our_own_command_takes_is_ours_until_the_command_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.free()
    bench.look()
    bench.scribe.record(CommandStarted, child=child("plan-1", tmp_path / "log"), purpose="plan")
    created = START.isoformat().replace("+00:00", "Z")
    bench.shelf.hold(Store.S3, lock_text(B, Who="priya@oncall", Created=created, Operation="OperationTypePlan"))
    assert bench.look(1).ours == (B,)
    assert bench.incident.identities == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"Who": "priya@elsewhere"},
        {"Created": "2026-11-23T03:11:00Z"},
        {"Created": None},
        {"Who": ""},
        {"Operation": "OperationTypeApply"},
        {"Operation": "state-rm"},
    ],
)
def test_a_lock_of_another_host_or_from_before_or_of_an_apply_is_not_ours(
    tmp_path: Path, fields: dict[str, str | None]
) -> None:
    bench = Bench(tmp_path)
    bench.scribe.record(CommandStarted, child=child("plan-1", tmp_path / "log"), purpose="plan")
    created = START.isoformat().replace("+00:00", "Z")
    bench.shelf.hold(Store.S3, lock_text(B, **(OUR_PLAN | {"Created": created} | fields)))
    assert bench.look(1).ours == ()
    assert B in bench.incident.identities


@pytest.mark.parametrize(("who", "ours"), [("priya@oncall", (B,)), ("sam@oncall", ()), ("oncall", ())])
def test_where_the_user_is_known_too_a_colleagues_plan_on_this_host_is_not_ours(
    tmp_path: Path, who: str, ours: tuple[str, ...]
) -> None:
    bench = Bench(tmp_path)
    observer = Observer(bench.scribe, "priya@oncall")
    bench.scribe.record(CommandStarted, child=child("plan-1", tmp_path / "log"), purpose="plan")
    created = START.isoformat().replace("+00:00", "Z")
    bench.shelf.hold(Store.S3, lock_text(B, **(OUR_PLAN | {"Created": created, "Who": who})))
    assert observer.take_in(bench.shelf.look()).ours == ours


def test_a_force_unlock_of_ours_takes_no_lock(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    unlock = msgspec.structs.replace(child("force-unlock-1", tmp_path / "log"), argv=("terraform", "force-unlock", A))
    bench.scribe.record(CommandStarted, child=unlock, purpose="force-unlock")
    created = START.isoformat().replace("+00:00", "Z")
    bench.shelf.hold(Store.S3, lock_text(B, **(OUR_PLAN | {"Created": created})))
    assert bench.look(1).ours == ()


# Findings


def test_s6_a_fact_that_arrives_after_a_dispute_is_not_the_disputed_one_however_early_it_was_asked_for(
    tmp_path: Path,
) -> None:
    witness = Witness()
    bench = Bench(tmp_path).ready()

    def told() -> Finding:
        assert bench.observer.latest is not None
        (finding,) = witness.gather(bench.observer.latest.locks[0], DUAL, bench.clock())
        return finding

    witness.blocks("run 1")
    bench.observer.weigh_in(told())
    witness.blocks("run 2")
    late = told()
    bench.clock.forward(5)
    bench.dispute("ci.run")
    bench.observer.weigh_in(late)
    assert judge(bench.incident, A).opinion is Opinion.ACTIVE


def test_a_finding_that_repeats_itself_is_recorded_once(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path)
    witness.blocks()
    bench.look()
    for _ in range(3):
        bench.clock.forward(1)
        for finding in witness.gather(look().locks[0], DUAL, bench.clock()):
            bench.observer.weigh_in(finding)
    assert count(bench, FindingRecorded) == 1


@given(st.sampled_from(["says", "fact", "match", "final", "source", "link"]))
def test_a_finding_that_says_anything_new_is_recorded(changed: str) -> None:
    bench = Bench(Path("/nowhere"))
    witness = Witness()
    witness.blocks()
    (finding,) = witness.gather(look().locks[0], DUAL, Clock()())
    news = {"says": Says.SUPPORTS, "fact": "x", "match": "could-be", "final": True, "source": "x", "link": "x"}
    bench.look()
    bench.observer.weigh_in(finding)
    bench.observer.weigh_in(msgspec.structs.replace(finding, **{changed: news[changed]}))
    assert count(bench, FindingRecorded) == 2


def test_a_finding_with_a_secret_in_it_is_still_recognised(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    witness = Witness()
    witness.blocks("the job ran with password=correcthorse")
    bench.look()
    for _ in range(2):
        for finding in witness.gather(look().locks[0], DUAL, bench.clock()):
            bench.observer.weigh_in(finding)
    assert count(bench, FindingRecorded) == 1


def test_a_change_names_the_locks_whose_answers_it_voids(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.hold(Store.DYNAMODB, lock_text(B))
    bench.look(3)
    changed = next(event for event in reversed(bench.paper.events) if isinstance(event, LockChanged))
    assert changed.voided == (A,)


def test_lost_sight_is_told_at_once_and_its_return_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    before = bench.shelf.readings[Store.S3]
    bench.shelf.readings[Store.S3] = UNREAD
    for _ in range(3):
        bench.look(3)
    assert bench.incident.blind_since == timestamp(START + timedelta(seconds=3))
    bench.shelf.readings[Store.S3] = before
    bench.look(3)
    assert (bench.incident.blind_since, count(bench, WatchLost), count(bench, WatchRestored)) == ("", 1, 1)
