"""The only one who changes the world: how it refuses, what it sends, and what it says came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.support.incidents import DUAL, DYNAMODB_ONLY, FREE, LOCKFILE_ONLY, UNREAD, A, B, held, lock_text
from tests.walk.parts import DENIED, NOT_JSON, UNLOCKED, Bench, Witness, written
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import FindingRecorded, NoteAdded, ReleaseEnded, ReleaseIntended, SourceSwitched
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.gates import Policy, Refusal
from tuirunbook.core.lock import Digest, LockIdentity, Store
from tuirunbook.core.release import NIL_LOCK_ID
from tuirunbook.core.values import DeleteAnswer, DeleteOutcome, Exit, JournalError, ProgramError, Ran
from tuirunbook.walk.responder import Prepared, Released

UNLOCK = ForceUnlock(lock=A)
DELETE = DeleteLock(lock=A, store=Store.DYNAMODB)


def refusal(answer: object) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def released(answer: object) -> Released:
    assert isinstance(answer, Released), answer
    return answer


def says(bench: Bench, output: str, *, code: int = 1) -> None:
    """Terraform prints this and does nothing."""
    bench.terraform.root.says = lambda lock_id: Ran(argv=("terraform", lock_id), exit_code=code, output=output)


def last_end(bench: Bench) -> ReleaseEnded:
    return next(event for event in reversed(bench.paper.events) if isinstance(event, ReleaseEnded))


def after_denied_unlock(directory: Path, address: StateAddress = DUAL) -> Bench:
    """A bench on which force-unlock was tried and denied."""
    bench = Bench(directory, address).ready()
    says(bench, DENIED)
    assert released(bench.release(UNLOCK)).failure == "denied"
    bench.shelf.calls.clear()
    return bench


# It works


@pytest.mark.parametrize("address", [DUAL, DYNAMODB_ONLY, LOCKFILE_ONLY])
def test_a_force_unlock_releases_and_the_read_back_says_so(tmp_path: Path, address: StateAddress) -> None:
    bench = Bench(tmp_path, address).ready()
    outcome = released(bench.release(UNLOCK))
    assert (outcome.outcome, bench.shelf.changes) == ("released", [f"force-unlock {A}"])
    assert bench.incident.gone
    assert bench.paper.kinds()[-4:] == ["CommandIntended", "CommandStarted", "CommandEnded", "ReleaseEnded"]


def test_the_last_resort_deletes_one_half_and_leaves_the_other_to_be_decided(tmp_path: Path) -> None:
    bench = after_denied_unlock(tmp_path)
    assert released(bench.release(DELETE)).outcome == "partly"
    assert bench.shelf.changes == ["delete dynamodb"]
    bench.look(6)
    assert released(bench.release(DeleteLock(lock=A, store=Store.S3))).outcome == "released"


def test_the_private_root_is_made_before_the_confirmation_and_removed_after_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    assert (bench.terraform.entered, bench.terraform.left) == (1, 0)
    bench.confirm(prepared)
    assert (bench.terraform.entered, bench.terraform.left) == (1, 1)


# S1


def test_s1_everything_is_read_again_between_the_last_keystroke_and_the_act(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.shelf.calls.clear()
    bench.confirm(prepared)
    assert bench.shelf.calls == ["look", f"force-unlock {A}", "look"]


def _replaced(bench: Bench) -> None:
    for store in Store:
        bench.shelf.hold(store, lock_text(B))


def _rewritten(bench: Bench) -> None:
    bench.shelf.hold(Store.S3, lock_text(Who="x@y"))


def _state_written(bench: Bench) -> None:
    bench.shelf.state = written(bench.shelf.state)


def _digest_written(bench: Bench) -> None:
    bench.shelf.digest = Digest(md5="cd" * 16)


def _half_left(bench: Bench) -> None:
    bench.shelf.free(Store.S3)


def _out_of_sight(bench: Bench) -> None:
    bench.shelf.readings[Store.S3] = UNREAD


def _another_account(bench: Bench) -> None:
    bench.shelf.address = msgspec.structs.replace(DUAL, account="999999999999")


@pytest.mark.parametrize(
    "happens",
    [_replaced, _rewritten, _state_written, _digest_written, _half_left, _out_of_sight, _another_account],
)
@pytest.mark.parametrize("action", [UNLOCK, DELETE])
def test_s1_whatever_changes_while_the_confirmation_is_open_nothing_is_sent(
    tmp_path: Path, happens: object, action: ForceUnlock | DeleteLock
) -> None:
    bench = after_denied_unlock(tmp_path)
    prepared = bench.prepare(action)
    happens(bench)  # type: ignore[operator]
    refusal(bench.confirm(prepared))
    assert bench.shelf.changes == []
    assert last_end(bench).outcome == "not-tried"
    assert bench.incident.unended_release is None


def test_s1_a_state_write_during_the_confirmation_voids_the_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    _state_written(bench)
    assert "the state was written" in refusal(bench.confirm(prepared)).why
    assert bench.incident.answers == {}
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S6"


def test_s1_a_source_that_can_block_is_asked_again_and_blocks(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    prepared = bench.prepare(UNLOCK)
    witness.blocks()
    assert "run 4712 is in progress" in refusal(bench.confirm(prepared)).why
    assert (bench.shelf.changes, witness.asked) == ([], 1)


@pytest.mark.parametrize(("says_then", "expected"), [("run 1", "released"), ("run 2", "S6")])
def test_s1_a_dispute_covers_the_fact_it_was_about_and_nothing_later(
    tmp_path: Path, says_then: str, expected: str
) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    witness.blocks("run 1")
    assert bench.observer.latest is not None
    for finding in witness.gather(bench.observer.latest.locks[0], DUAL, bench.clock()):
        bench.observer.weigh_in(finding)
    bench.dispute("ci.run", how="it plans another root")
    prepared = bench.prepare(UNLOCK)
    bench.clock.forward(1)
    witness.blocks(says_then)
    answer = bench.confirm(prepared)
    assert (answer.rule if isinstance(answer, Refusal) else answer.outcome) == expected


def test_s1_a_source_that_falls_silent_refuses_once_and_is_known_to_be_silent_then(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    prepared = bench.prepare(UNLOCK)
    witness.blocks("gh did not answer", says=Says.UNKNOWN)
    answer = refusal(bench.confirm(prepared))
    assert (answer.rule, "gh did not answer" in answer.why) == ("S1", True)
    assert bench.shelf.changes == []
    assert released(bench.release(UNLOCK)).outcome == "released"


def test_s6_turning_off_the_source_of_a_blocking_finding_does_not_open_the_release(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    prepared = bench.prepare(UNLOCK)
    witness.blocks()
    assert refusal(bench.confirm(prepared)).rule == "S6"
    bench.clerk.tell(SourceSwitched, source=witness.name, off=True, why="it is in the way")
    witness.says = lambda _lock, _now: ()
    assert "run 4712 is in progress" in refusal(bench.responder.prepare(UNLOCK)).why
    assert (bench.shelf.changes, witness.asked) == ([], 1)


def test_s1_a_source_that_is_turned_off_while_the_confirmation_is_open_refuses_it_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sources=[Witness()]).ready()
    prepared = bench.prepare(UNLOCK)
    bench.clerk.tell(SourceSwitched, source=Witness.name, off=True)
    answer = refusal(bench.confirm(prepared))
    assert (answer.rule, "a witness: turned off" in answer.why) == ("S1", True)
    assert bench.shelf.changes == []
    assert released(bench.release(UNLOCK)).outcome == "released"


def test_s1_a_source_that_can_not_block_is_not_waited_for(tmp_path: Path) -> None:
    witness = Witness(can_block=False)
    bench = Bench(tmp_path, sources=[witness]).ready()
    witness.blocks()
    assert released(bench.release(UNLOCK)).outcome == "released"
    assert witness.asked == 0


def test_s1_a_confirmation_is_good_for_one_attempt(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    says(bench, "Error: something\n")
    prepared = bench.prepare(UNLOCK)
    assert released(bench.confirm(prepared)).outcome == "still-held"
    assert refusal(bench.confirm(prepared)).rule == "S1"
    assert bench.shelf.changes == [f"force-unlock {A}"]


def test_s1_a_confirmation_of_a_snapshot_that_was_made_up_is_void(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    forged = msgspec.structs.replace(prepared, snapshot=msgspec.structs.replace(prepared.snapshot, s3=FREE))
    refusal(bench.confirm(forged))
    assert bench.shelf.changes == []


# S3


def test_s3_a_delete_is_given_the_lock_that_was_read_last(tmp_path: Path) -> None:
    bench = after_denied_unlock(tmp_path)
    bench.shelf.delete_answer = DeleteAnswer(outcome=DeleteOutcome.CHANGED)
    assert released(bench.release(DELETE)).outcome == "still-held"
    assert bench.shelf.changes == ["delete dynamodb"]


def test_s3_a_delete_without_an_answer_is_told_by_the_read_back(tmp_path: Path) -> None:
    bench = after_denied_unlock(tmp_path, DYNAMODB_ONLY)
    bench.shelf.delete_answer = DeleteAnswer(outcome=DeleteOutcome.UNKNOWN)
    prepared = bench.prepare(DELETE)
    bench.shelf.before_look = [lambda: None, bench.shelf.free]
    assert released(bench.confirm(prepared)).outcome == "released"


# S4


@pytest.mark.parametrize("action", [UNLOCK, DELETE])
def test_s4_an_intent_that_cannot_be_written_stops_the_release(
    tmp_path: Path, action: ForceUnlock | DeleteLock
) -> None:
    bench = after_denied_unlock(tmp_path)
    prepared = bench.prepare(action)
    bench.paper.refuses = lambda event: isinstance(event, ReleaseIntended)
    with pytest.raises(JournalError):
        bench.confirm(prepared)
    assert bench.shelf.changes == []


def test_s4_once_the_journal_can_be_written_again_the_walk_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.paper.refuses = lambda event: isinstance(event, ReleaseIntended)
    with pytest.raises(JournalError):
        bench.confirm(prepared)
    bench.paper.refuses = lambda _: False
    assert released(bench.release(UNLOCK)).outcome == "released"
    assert [e.outcome for e in bench.paper.events if isinstance(e, ReleaseEnded)] == ["not-tried", "released"]


def test_s4_a_backup_that_cannot_be_written_stops_the_release(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.paper.refuses_backups = True
    with pytest.raises(JournalError):
        bench.confirm(prepared)
    assert (bench.shelf.changes, bench.incident.releases) == ([], ())


def test_s4_a_journal_that_fails_between_intent_and_act_stops_the_release(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    witness.blocks(match=Match.CANNOT_BE)
    prepared = bench.prepare(UNLOCK)
    bench.paper.refuses = lambda event: isinstance(event, FindingRecorded)
    with pytest.raises(JournalError):
        bench.confirm(prepared)
    assert bench.shelf.changes == []
    assert bench.incident.unended_release is None


def test_s4_backup_and_intent_are_written_before_anything_is_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    seen: list[list[str]] = []

    def unlock(lock_id: str) -> Ran:
        seen.append(bench.paper.kinds())
        bench.shelf.free()
        return Ran(argv=(lock_id,), exit_code=0, output=UNLOCKED)

    bench.terraform.root.says = unlock
    bench.release(UNLOCK)
    assert seen[0][-2:] == ["CommandIntended", "CommandStarted"]
    assert {lock.identity for lock in bench.paper.backups} == {A}
    assert {lock.store for lock in bench.paper.backups} == set(Store)


def test_s4_an_unwritable_journal_refuses_even_to_prepare(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.paper.refuses = lambda _: True
    bench.look()
    bench.clerk.answer(A, "ci", "dont-know", {})
    with pytest.raises(JournalError):
        bench.responder.prepare(UNLOCK)
    assert bench.terraform.entered == 0


def test_s4_an_outcome_that_cannot_be_written_is_still_told_and_written_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.paper.refuses = lambda event: isinstance(event, ReleaseEnded)
    assert released(bench.confirm(prepared)).outcome == "released"
    assert bench.scribe.unwritable
    bench.paper.refuses = lambda _: False
    bench.look(1)
    bench.scribe.must_write()
    assert last_end(bench).outcome == "released"


# S5


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("output", [UNLOCKED, DENIED, NOT_JSON, ""])
def test_s5_the_outcome_is_read_and_not_believed(tmp_path: Path, code: int, output: str) -> None:
    bench = Bench(tmp_path).ready()
    says(bench, output, code=code)
    outcome = released(bench.release(UNLOCK))
    assert (outcome.outcome, outcome.exit_code) == ("still-held", code)
    assert not bench.incident.gone

    bench = Bench(tmp_path).ready()

    def unlock(lock_id: str) -> Ran:
        bench.shelf.free()
        return Ran(argv=(lock_id,), exit_code=code, output=output)

    bench.terraform.root.says = unlock
    outcome = released(bench.release(UNLOCK))
    assert (outcome.outcome, outcome.exit_code, outcome.failure) == ("released", code, "")


@pytest.mark.parametrize(
    ("s3", "dynamodb", "left", "expected"),
    [
        (A, A, (), "released"),
        (None, A, (), "released"),
        (A, None, (), "released"),
        (B, A, (Store.S3,), "released"),
        (A, A, (Store.S3,), "partly"),
        (A, A, (Store.DYNAMODB,), "partly"),
    ],
)
def test_s5_the_dual_matrix_where_terraform_says_one_and_most_of_it_is_gone(
    tmp_path: Path,
    s3: LockIdentity | None,
    dynamodb: LockIdentity | None,
    left: tuple[Store, ...],
    expected: str,
) -> None:
    bench = Bench(tmp_path)
    for store, lock in ((Store.S3, s3), (Store.DYNAMODB, dynamodb)):
        bench.shelf.readings[store] = held(store, lock_text(lock)) if lock else FREE
    bench.ready()

    def unlock(lock_id: str) -> Ran:
        bench.shelf.free(*(store for store in Store if store not in left))
        return Ran(argv=(lock_id,), exit_code=1, output="Failed to unlock state: failed to unlock S3: …")

    bench.terraform.root.says = unlock
    assert released(bench.release(UNLOCK)).outcome == expected


def test_s5_somebody_who_took_the_lock_at_once_is_a_new_holder(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()

    def unlock(lock_id: str) -> Ran:
        _replaced(bench)
        return Ran(argv=(lock_id,), exit_code=0, output=UNLOCKED)

    bench.terraform.root.says = unlock
    assert released(bench.release(UNLOCK)).outcome == "new-holder"
    assert not bench.incident.gone
    assert refusal(bench.responder.prepare(ForceUnlock(lock=B))).rule == "S6"


def test_s5_what_cannot_be_read_afterwards_is_unknown(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.shelf.before_look = [lambda: None, lambda: _out_of_sight(bench)]
    assert released(bench.confirm(prepared)).outcome == "unknown"
    assert not bench.incident.gone


def test_s5_a_state_write_during_the_attempt_voids_the_answers_and_blocks(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    says(bench, DENIED)
    prepared = bench.prepare(UNLOCK)
    bench.shelf.before_look = [lambda: None, lambda: _state_written(bench)]
    assert released(bench.confirm(prepared)).outcome == "still-held"
    assert bench.incident.answers == {}
    assert "is active" in refusal(bench.responder.prepare(DELETE)).why


def test_s5_an_attempt_that_blew_up_has_an_outcome_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()

    def unlock(_: str) -> Ran:
        bench.shelf.free()
        raise OSError("fork failed")

    bench.terraform.root.says = unlock
    outcome = released(bench.release(UNLOCK))
    assert (outcome.outcome, "fork failed" in outcome.detail) == ("released", True)
    assert bench.terraform.left == 1


def test_s5_answers_about_the_half_that_stayed_still_count_after_our_own_release(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.hold(Store.DYNAMODB, lock_text(B))
    bench.ready()
    assert released(bench.release(UNLOCK)).outcome == "released"
    assert (B, "owner") in bench.incident.answers
    assert refusal(bench.responder.prepare(ForceUnlock(lock=B))).why.startswith("only one of the two stores")
    bench.look(6)
    assert released(bench.release(ForceUnlock(lock=B))).outcome == "released"
    assert bench.incident.gone


# S7


@pytest.mark.parametrize("output", [NOT_JSON, UNLOCKED])
def test_s15_terraform_seeing_no_lock_where_we_read_one_ends_the_walk_and_opens_no_delete(
    tmp_path: Path, output: str
) -> None:
    bench = Bench(tmp_path).ready()
    says(bench, output)
    assert released(bench.release(UNLOCK)).failure == ""
    assert "we are not reading what Terraform reads" in refusal(bench.responder.prepare(DELETE)).why
    assert bench.shelf.changes == [f"force-unlock {A}"]


def test_s12_an_unreadable_lock_is_tried_with_an_id_that_no_lock_has(tmp_path: Path) -> None:
    bench = Bench(tmp_path, DYNAMODB_ONLY)
    bench.shelf.hold(Store.DYNAMODB, '{"ID":"-no-color"}')
    bench.ready()
    (lock,) = bench.incident.identities
    says(bench, NOT_JSON)
    prepared = bench.prepare(ForceUnlock(lock=lock))
    assert prepared.command[-1] == NIL_LOCK_ID
    assert released(bench.confirm(prepared)).failure == "unreadable"
    assert bench.shelf.changes == [f"force-unlock {NIL_LOCK_ID}"]
    assert released(bench.release(DeleteLock(lock=lock, store=Store.DYNAMODB))).outcome == "released"


class InitError(ProgramError):
    """What the terraform room raises when `init` fails."""

    def __init__(self, output: str) -> None:
        super().__init__("terraform could not initialise the backend")
        self.output = output


@pytest.mark.parametrize(
    ("output", "failure"),
    [
        (
            (
                'Error: Unable to list objects in S3 bucket "b" with prefix "env:/": operation error S3: '
                "ListObjectsV2, https response error StatusCode: 403, api error AccessDenied: Access Denied"
            ),
            "denied",
        ),
        ("\nError: Unsupported argument\n\n  on main.tf.json line 4", "unusable"),
    ],
)
def test_s7_an_init_that_cannot_work_opens_the_last_resort(tmp_path: Path, output: str, failure: str) -> None:
    bench = Bench(tmp_path).ready()
    bench.terraform.broken = InitError(output)
    refusal(bench.responder.prepare(UNLOCK))
    assert last_end(bench).failure == failure
    assert isinstance(bench.responder.prepare(DELETE), Prepared)


@pytest.mark.parametrize(
    "error",
    [
        ProgramError("terraform is not on PATH"),
        ProgramError("terraform is 1.11.4 in the root module but 1.5.0 elsewhere"),
        InitError("\nError: No valid credential sources found\n"),
        InitError("\nError: error configuring S3 Backend: dial tcp: i/o timeout\n"),
        InitError("operation error STS: GetCallerIdentity, api error ExpiredToken: The security token is expired"),
        InitError(""),
    ],
)
def test_s7_trouble_that_passes_opens_nothing(tmp_path: Path, error: ProgramError) -> None:
    bench = Bench(tmp_path).ready()
    bench.terraform.broken = error
    with pytest.raises(ProgramError):
        bench.responder.prepare(UNLOCK)
    assert bench.incident.releases == ()
    assert refusal(bench.responder.prepare(DELETE)).rule == "S7"


# S9, S11


def test_s9_a_force_unlock_that_did_not_end_keeps_everything_else_waiting(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()

    def unlock(_: str) -> Ran:
        raise ProgramError("it did not answer within 300 seconds")

    bench.terraform.root.says = unlock
    assert released(bench.release(UNLOCK)).outcome == "still-held"
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S9"
    assert "not interrupted" in str(bench.commands.interrupt("force-unlock-1"))
    assert bench.terraform.interrupts == []
    bench.terraform.endings["force-unlock-1"] = Exit(code=None)
    bench.commands.poll()
    assert bench.incident.running == {}
    assert isinstance(bench.responder.prepare(UNLOCK), Prepared)


def test_s9_a_plan_of_ours_keeps_a_release_waiting(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    bench.commands.start()
    assert refusal(bench.confirm(prepared)).rule == "S9"
    assert bench.shelf.changes == []


def test_s11_read_only_makes_not_even_the_private_root(tmp_path: Path) -> None:
    bench = Bench(tmp_path, policy=Policy(read_only="--read-only")).ready()
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S11"
    assert refusal(bench.commands.start()).rule == "S11"
    assert (bench.terraform.entered, bench.terraform.plans, bench.shelf.changes) == (0, [], [])


def test_a_source_that_breaks_its_promise_and_raises_refuses_once_as_one_that_fell_silent(tmp_path: Path) -> None:
    witness = Witness()
    bench = Bench(tmp_path, sources=[witness]).ready()
    prepared = bench.prepare(UNLOCK)

    def fail(*_: object) -> list[Finding]:
        raise RuntimeError("boom")

    witness.says = fail
    assert "boom" in refusal(bench.confirm(prepared)).why
    assert bench.shelf.changes == []
    assert last_end(bench).outcome == "not-tried"


def test_when_the_sources_cannot_be_asked_at_all_the_release_stops_and_the_walk_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    prepared = bench.prepare(UNLOCK)
    whole = bench.sources_say

    def fail(_: object) -> list[Finding]:
        raise RuntimeError("no thread can be started")

    bench.sources_say = fail
    with pytest.raises(RuntimeError):
        bench.confirm(prepared)
    assert bench.shelf.changes == []
    assert last_end(bench).outcome == "not-tried"
    bench.sources_say = whole
    assert released(bench.release(UNLOCK)).outcome == "released"


# Recovery


def crashed(directory: Path, *, address: StateAddress = DUAL, ended: bool = True) -> Bench:
    """A walk whose tool died after it had sent the release, and the next session's bench on the same shelf."""
    first = Bench(directory, address).ready()

    def die(_: str) -> Ran:
        raise KeyboardInterrupt

    first.terraform.root.says = die
    prepared = first.prepare(UNLOCK)
    with pytest.raises(KeyboardInterrupt):
        first.confirm(prepared)
    first.clock.forward(60)
    second = Bench(directory, address, resumed=first.incident, clock=first.clock)
    second.shelf.readings = dict(first.shelf.readings)
    second.shelf.state = first.shelf.state
    if ended:
        second.terraform.endings["force-unlock-1"] = Exit(code=None)
    return second


def test_a_release_that_the_tool_died_in_stands_against_the_next_until_it_is_read_back(tmp_path: Path) -> None:
    bench = crashed(tmp_path)
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S9"
    bench.responder.recover()
    assert last_end(bench).outcome == "still-held"
    assert isinstance(bench.responder.prepare(UNLOCK), Prepared)


@pytest.mark.parametrize(
    ("free", "expected"), [((), "still-held"), ((Store.S3,), "partly"), (tuple(Store), "released")]
)
def test_recovery_says_what_is_true_now(tmp_path: Path, free: tuple[Store, ...], expected: str) -> None:
    bench = crashed(tmp_path)
    if free:
        bench.shelf.free(*free)
    bench.responder.recover()
    assert last_end(bench).outcome == expected
    assert bench.incident.gone == (expected == "released")


def test_recovery_does_not_hide_a_state_write_that_happened_meanwhile(tmp_path: Path) -> None:
    bench = crashed(tmp_path)
    _state_written(bench)
    bench.responder.recover()
    bench.look(1)
    assert bench.incident.answers == {}
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S6"


def test_recovery_finds_a_new_holder_and_keeps_the_old_answers_from_it(tmp_path: Path) -> None:
    bench = crashed(tmp_path)
    _replaced(bench)
    bench.responder.recover()
    assert last_end(bench).outcome == "new-holder"
    assert refusal(bench.responder.prepare(ForceUnlock(lock=B))).rule == "S6"


def test_s9_a_release_has_no_end_while_the_force_unlock_of_a_dead_session_runs(tmp_path: Path) -> None:
    bench = crashed(tmp_path, ended=False)
    for _ in range(3):
        bench.responder.recover()
    assert bench.incident.unended_release
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S9"
    (said,) = (event.text for event in bench.paper.events if isinstance(event, NoteAdded))
    assert "force-unlock-1, begun before the tool ended, still runs" in said

    bench.shelf.free()
    bench.terraform.endings["force-unlock-1"] = Exit(code=None)
    bench.commands.poll()
    assert (dict(bench.incident.running), last_end(bench).outcome) == ({}, "released")
    assert bench.incident.gone


def test_s5_a_force_unlock_that_ended_unseen_is_read_back_also_when_the_first_look_fails(tmp_path: Path) -> None:
    bench = crashed(tmp_path)

    def fail() -> None:
        raise OSError("no route")

    bench.shelf.before_look = [fail]
    with pytest.raises(OSError, match="no route"):
        bench.commands.poll()
    assert refusal(bench.responder.prepare(UNLOCK)).rule == "S5"
    bench.responder.recover()
    assert last_end(bench).outcome == "still-held"


def test_recovery_without_a_pending_release_reads_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.shelf.calls.clear()
    bench.responder.recover()
    assert bench.shelf.calls == []
