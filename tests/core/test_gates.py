"""The safety floor: each rule by its number, and every way around it that somebody thought of."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import (
    DUAL,
    DYNAMODB_ONLY,
    FREE,
    LOCKFILE_ONLY,
    UNREAD,
    A,
    B,
    Story,
    ask,
    ask_under,
    held,
    lock_text,
    look,
    ready,
    rule,
    state_head,
    typed,
)
from tuirunbook.core.actions import Action, DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.address import StateAddress
from tuirunbook.core.confirmation import Confirmation, Field, form, mistakes
from tuirunbook.core.events import Closed, CommandEnded, Identified
from tuirunbook.core.evidence import Match, Says
from tuirunbook.core.gates import LISTED_FAILURES, SKIP_REASONS, Permit, Policy, Refusal, moved, obstacle, permit, renew
from tuirunbook.core.lock import Digest, LockIdentity, LockSnapshot, NotChecked, Store
from tuirunbook.core.runbook import CORE_QUESTIONS

UNLOCK = ForceUnlock(lock=A)
DELETE = DeleteLock(lock=A, store=Store.DYNAMODB)
DELETE_FILE = DeleteLock(lock=A, store=Store.S3)
ACTIONS: tuple[Action, ...] = (UNLOCK, DELETE, DELETE_FILE)
UNREADABLE = "this is not a lock"


def ready_to_delete(address: StateAddress = DUAL, failure: str = "denied") -> Story:
    story = ready(address)
    story.failed(A, failure)
    return story


def different_ids() -> LockSnapshot:
    """S3 held by A, DynamoDB held by B."""
    return look(s3=held(Store.S3, lock_text(A)), dynamodb=held(Store.DYNAMODB, lock_text(B)))


def granted(answer: Permit | Refusal) -> Permit:
    assert isinstance(answer, Permit), answer
    return answer


def refused(answer: Permit | Refusal | None) -> Refusal:
    assert isinstance(answer, Refusal), "it was let through"
    return answer


# What the gates let through


@pytest.mark.parametrize("address", [DUAL, DYNAMODB_ONLY, LOCKFILE_ONLY])
def test_a_lock_whose_holder_ended_may_be_force_unlocked_once_all_is_answered(address: StateAddress) -> None:
    given = granted(ask(ready(address), UNLOCK))
    assert (given.action, given.snapshot) == (UNLOCK, given.snapshot)


def test_a_lock_may_be_deleted_after_force_unlock_failed_on_it() -> None:
    granted(ask(ready_to_delete(), DELETE))
    granted(ask(ready_to_delete(), DELETE_FILE))


def test_a_retry_needs_no_answers() -> None:
    granted(permit(RetryPlan(), Story().incident, None, Policy(), Confirmation(fingerprint="")))


# A permit cannot be made


def test_a_permit_comes_from_the_gates_alone() -> None:
    with pytest.raises(TypeError, match=r"gates\.permit"):
        Permit(object(), action=UNLOCK, snapshot=None, confirmation=Confirmation(fingerprint=""))


# S1


def test_s1_a_confirmation_of_another_snapshot_is_void() -> None:
    story = ready()
    assert story.last is not None
    stale = Confirmation(fingerprint="another", typed=typed(UNLOCK, story.incident, story.last))
    assert rule(permit(UNLOCK, story.incident, story.last, Policy(), stale)) == "S1"


def test_s1_nothing_is_released_before_the_first_look() -> None:
    assert refused(obstacle(UNLOCK, Story().incident, None, Policy())).rule == "S1"


def test_s1_a_lock_that_is_not_there_is_not_released() -> None:
    story = ready(locks=[A, B])
    assert rule(ask(story, ForceUnlock(lock=B))) == "S1"


DIFFERENT: dict[str, Callable[[], LockSnapshot]] = {
    "another holder in one store": lambda: look(s3=held(Store.S3, lock_text(B))),
    "the same lock, rewritten": lambda: look(s3=held(Store.S3, lock_text(Who="mallory@x"))),
    "the same bytes under another ETag": lambda: look(s3=held(Store.S3, etag='"new"')),
    "an attribute more": lambda: look(dynamodb=held(Store.DYNAMODB, extra=("Digest",))),
    "the same text as another type": lambda: look(dynamodb=held(Store.DYNAMODB, attribute='{"B": "eA=="}')),
    "one store free": lambda: look(s3=FREE),
    "one store out of sight": lambda: look(s3=UNREAD),
    "a state write": lambda: look(state=state_head(2)),
    "the state out of sight": lambda: look(state=UNREAD),
    "a digest write": lambda: look(digest=Digest(md5="cd" * 16)),
    "no digest": lambda: look(digest=Digest()),
    "another account": lambda: look(address=msgspec.structs.replace(DUAL, account="999999999999")),
    "another caller": lambda: look(address=msgspec.structs.replace(DUAL, caller="arn:aws:iam::1:user/x")),
    "another region": lambda: look(address=msgspec.structs.replace(DUAL, region="eu-central-1")),
    "another table": lambda: look(address=msgspec.structs.replace(DUAL, table="other")),
    "another S3 endpoint": lambda: look(address=msgspec.structs.replace(DUAL, s3_endpoint="https://minio")),
    "another DynamoDB endpoint": lambda: look(address=msgspec.structs.replace(DUAL, dynamodb_endpoint="https://x")),
    "another workspace": lambda: look(address=msgspec.structs.replace(DUAL, workspace="prod")),
}


@pytest.mark.parametrize("name", DIFFERENT)
@pytest.mark.parametrize("action", ACTIONS)
def test_s1_any_difference_after_the_confirmation_refuses(name: str, action: Action) -> None:
    story = ready_to_delete()
    given = granted(ask(story, action))
    assert rule(renew(given, story.incident, DIFFERENT[name](), Policy())) == "S1"


def test_s1_the_refusal_says_what_changed() -> None:
    story = ready()
    given = granted(ask(story, UNLOCK))
    answer = refused(renew(given, story.incident, look(state=state_head(2)), Policy()))
    assert "the state was written" in answer.why


def test_s1_what_became_known_since_the_confirmation_counts() -> None:
    story = ready()
    given = granted(ask(story, UNLOCK))
    story.finding("ci.run", Says.BLOCKS)
    assert story.last is not None
    assert rule(renew(given, story.incident, story.last, Policy())) == "S6"


def test_s1_a_verdict_that_grew_weaker_asks_for_more_than_was_typed() -> None:
    story = ready()
    given = granted(ask(story, UNLOCK))
    story.finding("ci.run", Says.BLOCKS, match=Match.COULD_BE)
    assert story.last is not None
    answer = refused(renew(given, story.incident, story.last, Policy()))
    assert (answer.rule, "confirmation is not complete" in answer.why) == ("S6", True)


def test_s1_the_intent_of_this_very_release_does_not_stand_in_its_way() -> None:
    story = ready()
    given = granted(ask(story, UNLOCK))
    story.intended()
    assert story.last is not None
    granted(renew(given, story.incident, story.last, Policy()))


# S2, S3


def test_s2_an_item_that_carries_a_digest_is_not_deleted() -> None:
    story = ready(snapshot=look(dynamodb=held(Store.DYNAMODB, extra=("Digest",))))
    story.failed(A, "denied")
    assert rule(ask(story, DELETE)) == "S2"


@pytest.mark.parametrize(
    ("endpoint", "known", "allowed"),
    [
        (None, (), True),
        ("https://s3.eu-west-1.amazonaws.com", (), True),
        ("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", (), True),
        ("https://minio.acme.test", (), False),
        ("https://minio.acme.test", ("https://minio.acme.test/",), True),
        ("http://s3.eu-west-1.amazonaws.com", (), False),
        ("https://s3.amazonaws.com.evil.test", (), False),
        ("https://evilamazonaws.com", (), False),
    ],
)
def test_s3_a_lockfile_is_deleted_only_where_if_match_is_honoured(
    endpoint: str | None,
    known: tuple[str, ...],
    allowed: bool,  # noqa: FBT001
) -> None:
    story = ready_to_delete(msgspec.structs.replace(DUAL, s3_endpoint=endpoint))
    answer = ask_under(Policy(if_match_endpoints=known), story, DELETE_FILE)
    assert rule(answer) == ("" if allowed else "S3")


def test_s3_a_lockfile_without_an_etag_is_not_deleted() -> None:
    story = ready(snapshot=look(s3=held(Store.S3, etag=None)))
    story.failed(A, "denied")
    assert rule(ask(story, DELETE_FILE)) == "S3"


# S5


def test_s5_a_release_without_an_outcome_stands_against_the_next() -> None:
    story = ready()
    story.intended()
    assert rule(ask(story, UNLOCK)) == "S5"


# S6: the questions


@pytest.mark.parametrize("question", ["ci", "owner", "holder-host"])
@pytest.mark.parametrize("action", ACTIONS)
def test_s6_each_core_question_must_be_answered(question: str, action: Action) -> None:
    story = Story()
    story.look()
    for name, value in {"ci": "ended", "owner": "mine-died", "holder-host": "ended", "next": "nothing"}.items():
        if name != question:
            story.answer(A, name, value)
    story.refused()
    story.failed(A, "denied")
    assert rule(ask(story, action)) == "S6"


@pytest.mark.parametrize("question", ["ci", "owner", "holder-host"])
def test_s6_a_dont_know_is_no_answer(question: str) -> None:
    story = ready()
    story.answer(A, question, "dont-know")
    assert rule(ask(story, UNLOCK)) == "S6"


@pytest.mark.parametrize(
    ("question", "value"), [("ci", "running"), ("owner", "mine-running"), ("holder-host", "alive")]
)
def test_s6_an_active_lock_is_not_released_whatever_is_typed(question: str, value: str) -> None:
    story = ready()
    story.answer(A, question, value)
    answer = refused(ask(story, UNLOCK, accepts="CI, the owner, the holder's host, dispute"))
    assert "is active" in answer.why


def test_s6_answers_about_one_lock_do_not_count_for_another() -> None:
    story = ready()
    story.look(look(s3=held(Store.S3, lock_text(B)), dynamodb=held(Store.DYNAMODB, lock_text(B))))
    story.refused(B)
    assert "not answered for lock 99999999" in refused(ask(story, ForceUnlock(lock=B))).why


def test_s6_a_state_write_voids_the_answers_although_the_lock_has_the_same_id() -> None:
    story = ready()
    story.look(look(state=state_head(2)))
    assert rule(ask(story, UNLOCK)) == "S6"
    assert story.incident.answers == {}


# S6: the retry


def test_s6_a_plan_must_have_been_refused_by_this_very_lock() -> None:
    story = Story()
    story.look()
    story.answers()
    story.refused(B)
    assert "no plan was refused by lock 3f8f3f8f" in refused(ask(story, UNLOCK)).why


@pytest.mark.parametrize("outcome", ["obtained", "inconclusive", "refused-by-another"])
def test_s6_a_retry_that_was_not_refused_by_it_does_not_count(outcome: str) -> None:
    story = Story()
    story.look()
    story.answers()
    story.refused(A, outcome=outcome)
    assert rule(ask(story, UNLOCK)) == "S6"


@pytest.mark.parametrize("reason", sorted(set(SKIP_REASONS["retry-plan"]) - {"hidden-by-other-half"}))
def test_s6_the_retry_may_be_skipped_for_a_listed_reason(reason: str) -> None:
    story = Story()
    story.look()
    story.answers()
    story.skipped(A, reason)
    granted(ask(story, UNLOCK))


@pytest.mark.parametrize("reason", ["", "no time", "hidden-by-other-half"])
def test_s6_the_retry_is_not_skipped_for_another_reason_or_one_that_does_not_hold(reason: str) -> None:
    story = Story()
    story.look()
    story.answers()
    story.skipped(A, reason)
    assert "no plan was refused" in refused(ask(story, UNLOCK)).why


def test_s6_a_skip_for_one_lock_does_not_count_for_another() -> None:
    story = Story()
    story.look()
    story.answers()
    story.skipped(B)
    assert rule(ask(story, UNLOCK)) == "S6"


def test_s6_the_lock_that_the_other_half_hides_may_go_without_a_refusal() -> None:
    story = Story()
    story.look(different_ids())
    story.answers(A)
    story.answers(B)
    story.refused(A)
    story.skipped(B, "hidden-by-other-half")
    story.pass_time(6)
    story.look(different_ids())
    granted(ask(story, ForceUnlock(lock=B)))


# S6: two stores


def test_s6_in_dual_mode_the_other_lock_needs_its_own_answers() -> None:
    story = ready(snapshot=different_ids(), locks=[A])
    assert "not answered for lock 99999999" in refused(ask(story, UNLOCK)).why


def test_s6_in_dual_mode_an_active_lock_keeps_the_orphaned_one() -> None:
    story = ready(snapshot=different_ids())
    story.answer(B, "owner", "mine-running")
    assert "lock 99999999 is active" in refused(ask(story, UNLOCK)).why


@pytest.mark.parametrize("seen_for", [0, 1, 4.999])
def test_s6_a_lone_half_seen_for_less_than_five_seconds_is_not_released(seen_for: float) -> None:
    story = Story()
    story.look(look(s3=FREE))
    story.answers()
    story.refused()
    story.pass_time(seen_for)
    story.look(look(s3=FREE))
    assert "only one of the two stores" in refused(ask(story, UNLOCK)).why


def test_s6_a_lone_half_that_stood_for_five_seconds_may_be_released() -> None:
    story = Story()
    story.look(look(s3=FREE))
    story.answers()
    story.refused()
    story.pass_time(5)
    story.look(look(s3=FREE))
    granted(ask(story, UNLOCK))


def test_s6_a_half_that_was_whole_a_moment_ago_has_to_be_seen_anew() -> None:
    story = ready()
    story.look(look(s3=FREE))
    story.answers()
    story.refused()
    assert "only one of the two stores" in refused(ask(story, UNLOCK)).why


def test_s6_a_half_that_the_incident_has_not_taken_in_was_not_seen_twice() -> None:
    story = ready(snapshot=look(s3=FREE))
    other = look(s3=FREE, state=state_head(2), seconds=60)
    assert "only one of the two stores" in refused(obstacle(UNLOCK, story.incident, other, Policy())).why


def test_s6_two_locks_with_different_ids_are_two_lone_halves() -> None:
    story = Story()
    story.look(different_ids())
    for lock in (A, B):
        story.answers(lock)
        story.refused(lock)
    assert "only one of the two stores" in refused(ask(story, UNLOCK)).why


# S6: disputes and what has to be typed


def test_s6_a_blocking_finding_may_be_disputed_and_then_asks_for_a_sentence() -> None:
    story = ready()
    story.finding("ci.run", Says.BLOCKS)
    assert "is active" in refused(ask(story, UNLOCK)).why
    story.disputed("ci.run")
    granted(ask(story, UNLOCK))
    assert "accepts" in refused(ask(story, UNLOCK, accepts="")).enable


@pytest.mark.parametrize("key", ["answer.owner", "host.process"])
def test_s6_what_is_final_cannot_be_disputed(key: str) -> None:
    story = ready()
    if key == "answer.owner":
        story.answer(A, "owner", "mine-running")
    else:
        story.finding(key, Says.BLOCKS, final=True)
    story.disputed(key)
    assert "is active" in refused(ask(story, UNLOCK)).why


def test_s6_a_dispute_is_about_the_fact_as_it_was_then() -> None:
    story = ready()
    story.finding("ci.run", Says.BLOCKS, fact="run 1 is in progress")
    story.disputed("ci.run")
    story.pass_time(1)
    story.finding("ci.run", Says.BLOCKS, fact="run 2 is in progress")
    assert "run 2" in refused(ask(story, UNLOCK)).why


def test_s6_a_dispute_of_what_was_never_found_sets_nothing_aside() -> None:
    story = ready()
    story.disputed("ci.run")
    story.pass_time(1)
    story.finding("ci.run", Says.BLOCKS)
    assert "is active" in refused(ask(story, UNLOCK)).why


def test_s6_an_orphaned_lock_asks_for_eight_characters_of_its_id() -> None:
    story = ready()
    assert story.last is not None
    assert [field.id for field in form(UNLOCK, story.incident, story.last)] == ["id"]
    for wrong in ("", "3f8f3f8", "3F8F3F8F", "99999999", A):
        assert rule(ask(story, UNLOCK, id=wrong)) == "S6"
    granted(ask(story, UNLOCK, id=" 3f8f3f8f\n"))


def test_s6_what_is_not_known_has_to_be_named_and_accepted_by_somebody() -> None:
    story = ready()
    story.answers(ci="none", owner="nobody-reachable", holder_host="unreachable")
    granted(ask(story, UNLOCK))
    granted(ask(story, UNLOCK, accepts="CI, The Owner and the holder\u2019s host are not known"))
    for wrong in (
        "",
        "yes",
        "CI and the owner",
        "the owner and the holder's host: I decided, after the incident",
        "Medici: the owner and the holder's host",
    ):
        assert rule(ask(story, UNLOCK, accepts=wrong)) == "S6"
    assert rule(ask(story, UNLOCK, accepted_by="  ")) == "S6"


# S7


@pytest.mark.parametrize("failure", ["", "changed", "failed", "credentials", "network"])
def test_s7_nothing_is_deleted_before_force_unlock_failed_in_a_listed_way(failure: str) -> None:
    assert rule(ask(ready_to_delete(failure=failure), DELETE)) == "S7"
    assert rule(ask(ready(), DELETE)) == "S7"


@pytest.mark.parametrize("failure", sorted(LISTED_FAILURES))
def test_s7_each_listed_failure_opens_the_last_resort(failure: str) -> None:
    granted(ask(ready_to_delete(failure=failure), DELETE))


def test_s7_the_failure_must_have_been_on_this_lock() -> None:
    story = ready(snapshot=different_ids())
    story.failed(A, "denied")
    assert rule(ask(story, DeleteLock(lock=B, store=Store.DYNAMODB))) == "S7"


def test_s7_a_delete_needs_everything_that_a_force_unlock_needs() -> None:
    story = ready_to_delete()
    story.answer(A, "owner", "mine-running")
    assert rule(ask(story, DELETE)) == "S6"


@pytest.mark.parametrize(
    "wrong",
    [
        {"why": ""},
        {"ruled_out": ""},
        {"why": "the role is denied", "ruled_out": "The role is  denied."},
        {"why": "network/terraform.tfstate 9012"},
        {"ruled_out": "network/terraform.tfstate 9012"},
        {"place": ""},
        {"place": "terraform.tfstate 9012"},
        {"place": "network/terraform.tfstate"},
        {"place": "network/terraform.tfstate 0000"},
        {"place": "work/terraform.tfstate 9012"},
        {"place": "etwork/terraform.tfstate 9012"},
        {"place": "x/network/terraform.tfstate 9012"},
    ],
)
def test_s7_three_different_facts_are_asked_for(wrong: dict[str, str]) -> None:
    assert rule(ask(ready_to_delete(), DELETE, **wrong)) == "S7"


@pytest.mark.parametrize("end", ["network/terraform.tfstate", "acme-tfstate/network/terraform.tfstate"])
def test_s7_a_longer_end_of_the_path_is_as_good(end: str) -> None:
    granted(ask(ready_to_delete(), DELETE, place=f" {end} 9012 "))


def test_s7_the_end_must_tell_this_state_from_the_others() -> None:
    story = Story(siblings=("other-bucket/network/terraform.tfstate",))
    story.look()
    story.answers()
    story.refused()
    story.failed(A, "denied")
    assert rule(ask(story, DELETE, place="network/terraform.tfstate 9012")) == "S7"
    granted(ask(story, DELETE, place="acme-tfstate/network/terraform.tfstate 9012"))


def test_s7_an_account_that_is_not_known_is_said_and_not_guessed() -> None:
    story = ready_to_delete(msgspec.structs.replace(DUAL, account=None, caller=None))
    granted(ask(story, DELETE, place="network/terraform.tfstate unknown"))


# S9, S11, closed


@pytest.mark.parametrize("action", [*ACTIONS, RetryPlan(), RetryPlan(probe=True)])
def test_s9_nothing_is_changed_while_a_command_of_ours_runs(action: Action) -> None:
    story = ready_to_delete()
    story.running()
    assert refused(obstacle(action, story.incident, story.last, Policy())).rule == "S9"
    story.add(CommandEnded, command="plan-1", exit_code=1)
    assert obstacle(action, story.incident, story.last, Policy()) is None


@pytest.mark.parametrize("action", [*ACTIONS, RetryPlan(), RetryPlan(probe=True)])
def test_s11_read_only_refuses_every_change(action: Action) -> None:
    story = ready_to_delete()
    policy = Policy(read_only="--read-only")
    assert refused(obstacle(action, story.incident, story.last, policy)).rule == "S11"
    assert rule(permit(action, story.incident, story.last, policy, Confirmation(fingerprint=""))) == "S11"


@pytest.mark.parametrize("action", [*ACTIONS, RetryPlan()])
def test_nothing_is_changed_in_a_closed_incident(action: Action) -> None:
    story = ready_to_delete()
    story.add(Closed)
    assert obstacle(action, story.incident, story.last, Policy()) is not None


# S15


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("store", list(Store))
def test_s15_a_configured_store_that_cannot_be_read_refuses(action: Action, store: Store) -> None:
    story = ready_to_delete()
    story.look(look(s3=UNREAD) if store is Store.S3 else look(dynamodb=UNREAD))
    answer = refused(ask(story, action))
    assert (answer.rule, store.label in answer.why) == ("S15", True)


@pytest.mark.parametrize("action", ACTIONS)
def test_s15_terraform_seeing_another_place_refuses(action: Action) -> None:
    story = ready_to_delete()
    story.refused(A, outcome="obtained", elsewhere="Terraform took the lock while it is read here")
    assert rule(ask(story, action)) == "S15"


def test_s15_a_probe_does_not_prove_the_place_and_a_plan_does() -> None:
    story = ready()
    story.refused(A, outcome="obtained", elsewhere="Terraform took the lock while it is read here")
    story.refused(A, "probe")
    assert rule(ask(story, UNLOCK)) == "S15"
    story.refused(A, "plan")
    granted(ask(story, UNLOCK))


@pytest.mark.parametrize("action", ACTIONS)
def test_s15_a_pasted_id_that_was_never_seen_refuses(action: Action) -> None:
    story = Story()
    story.look()
    story.answers()
    story.refused(A, "probe")
    story.failed(A, "denied")
    story.pasted(B)
    assert "99999999, which was never seen here" in refused(ask(story, action)).why


def test_s15_a_plan_refused_by_the_lock_shown_here_answers_a_pasted_id_of_before() -> None:
    story = ready()
    story.pass_time(1)
    story.pasted(B)
    assert rule(ask(story, UNLOCK)) == "S15"
    story.pass_time(1)
    story.refused(A)
    granted(ask(story, UNLOCK))


def test_s15_a_pasted_id_that_was_seen_is_no_doubt() -> None:
    story = ready()
    story.pasted(A)
    granted(ask(story, UNLOCK))


PLACES: dict[str, dict[str, str | None]] = {
    "account": {"account": "999999999999"},
    "account, no more known": {"account": None},
    "role": {"caller": "arn:aws:sts::123456789012:assumed-role/admin/priya"},
    "user": {"caller": "arn:aws:iam::123456789012:user/priya"},
    "region": {"region": "us-east-1"},
    "table": {"table": "other"},
    "S3 endpoint": {"s3_endpoint": "https://minio"},
    "DynamoDB endpoint": {"dynamodb_endpoint": "https://x"},
    "key": {"key": "other/terraform.tfstate"},
    "bucket": {"bucket": "other"},
    "workspace": {"workspace": "prod"},
}


@pytest.mark.parametrize("name", PLACES)
def test_s15_a_place_that_moved_is_another_place(name: str) -> None:
    story = ready()
    elsewhere = look(address=msgspec.structs.replace(DUAL, **PLACES[name]))
    story.look(elsewhere)
    story.answers()
    story.refused()
    story.pass_time(10)
    story.look(elsewhere)
    assert rule(ask(story, UNLOCK)) == "S15"


def test_s15_another_session_of_the_same_role_is_the_same_caller() -> None:
    other = msgspec.structs.replace(DUAL, caller="arn:aws:sts::123456789012:assumed-role/oncall/sam")
    assert moved(Story().incident, other) == ""


def test_s15_account_and_caller_are_those_that_aws_named() -> None:
    story = Story(msgspec.structs.replace(DUAL, account=None, caller=None))
    assert moved(story.incident, DUAL) != ""
    story.add(Identified, account=str(DUAL.account), caller=str(DUAL.caller))
    assert moved(story.incident, DUAL) == ""


@pytest.mark.parametrize("action", [UNLOCK, DELETE_FILE])
def test_s15_a_lock_in_a_store_that_the_backend_does_not_use_is_left_alone(action: Action) -> None:
    story = Story(DYNAMODB_ONLY)
    story.look(look(address=DYNAMODB_ONLY, dynamodb=FREE, s3=held(Store.S3)))
    story.answers()
    story.refused()
    story.failed(A, "denied")
    assert rule(ask(story, action)) == "S15"


def test_s15_an_unconfigured_store_that_cannot_be_read_is_not_checked_and_refuses_nothing() -> None:
    story = ready(DYNAMODB_ONLY, look(address=DYNAMODB_ONLY, s3=UNREAD))
    granted(ask(story, UNLOCK))


# S16


@pytest.mark.parametrize("value", ["dont-know", None])
@pytest.mark.parametrize("action", ACTIONS)
def test_s16_what_takes_the_lock_next_must_be_known(value: str | None, action: Action) -> None:
    story = Story()
    story.look()
    for name in ("ci", "owner", "holder-host"):
        option = next(o for o in CORE_QUESTIONS[name].options if o.says is Says.SUPPORTS)
        story.answer(A, name, option.value)
    if value:
        story.answer(A, "next", value)
    story.refused()
    story.failed(A, "denied")
    assert rule(ask(story, action)) == "S16"


# An unreadable lock


def test_s12_an_unreadable_lock_is_named_by_the_hash_of_its_bytes() -> None:
    snapshot = look(address=DYNAMODB_ONLY, dynamodb=held(Store.DYNAMODB, UNREADABLE))
    lock = snapshot.identities[0]
    story = ready(DYNAMODB_ONLY, snapshot)
    granted(ask(story, ForceUnlock(lock=lock)))
    assert rule(ask(story, ForceUnlock(lock=lock), id="sha256:")) == "S6"
    assert rule(ask(story, DeleteLock(lock=lock, store=Store.DYNAMODB))) == "S7"


# Age


CREATED = st.one_of(
    st.none(),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["0001-01-01T00:00:00Z", "1999-12-31T23:59:59.999999999+14:00", "9999-12-31T23:59:59Z"]),
)


@given(CREATED, CREATED, st.sampled_from(["died", "unsure", "running"]))
def test_s8_age_opens_no_gate(first: str | None, second: str | None, owner: str) -> None:
    def asked(created: str | None) -> tuple[str, str, list[Field]]:
        snapshot = look(s3=held(Store.S3, lock_text(Created=created)), dynamodb=FREE)
        story = ready(snapshot=snapshot)
        story.answer(A, "owner", f"mine-{owner}")
        assert story.last is not None
        answer = ask(story, UNLOCK)
        return rule(answer), getattr(answer, "why", ""), list(form(UNLOCK, story.incident, story.last))

    assert asked(first) == asked(second)


# Fields


@given(st.text(), st.text(min_size=1))
def test_a_field_that_wants_exact_text_takes_that_and_nothing_else(text: str, wanted: str) -> None:
    mistake = Field(id="x", label="x", exactly=wanted).mistake(text)
    assert (mistake is None) == (bool(text.strip()) and text.strip() == wanted)


@given(st.text().filter(lambda text: "ci" not in text.casefold().replace("\u2019", "'")))
def test_a_sentence_without_the_name_does_not_name_it(text: str) -> None:
    assert Field(id="x", label="x", names=("CI",)).mistake(text) is not None


def test_mistakes_are_told_field_by_field() -> None:
    story = ready_to_delete()
    assert story.last is not None
    assert set(mistakes(DELETE, story.incident, story.last, {})) == {"why", "ruled-out", "place"}


def test_a_refusal_to_read_the_state_is_no_refusal_to_release() -> None:
    unread = NotChecked(why="denied", code="AccessDenied")
    granted(ask(ready(snapshot=look(state=unread, digest=unread)), UNLOCK))


@given(st.text(max_size=12))
def test_no_lock_can_be_named_that_is_not_there(name: str) -> None:
    story = ready()
    if name != A:
        assert rule(ask(story, ForceUnlock(lock=LockIdentity(name)))) == "S1"
