"""What a pasted error claims is asked about early; it opens nothing, and counts for the lock with its ID alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import DUAL, FREE, LOCKFILE_ONLY, UNREAD, A, B, Story, held, lock_text, look
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.claims import as_lock, claims
from tuirunbook.core.diagnosis import diagnose
from tuirunbook.core.events import ErrorPasted, WatchLost, WatchRestored
from tuirunbook.core.evidence import Says
from tuirunbook.core.gates import Policy, obstacle
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, LockInfo, Store, parse_lock_info
from tuirunbook.core.verdict import Opinion, judge

BLIND = look(s3=UNREAD, dynamodb=UNREAD)
CLAIM = parse_lock_info(lock_text(A))


def error(lock: str = A, path: str = DUAL.lock_id, **lines: str) -> str:
    told = {"Who": "runner@ci-7", "Created": "2026-11-23 02:41:09.123456789 +0000 UTC"} | lines
    rest = "".join(f"  {name}: {value}\n" for name, value in told.items())
    return (
        "Error: Error acquiring the state lock\n\nError message: ConditionalCheckFailedException: The conditional "
        f"request failed\nLock Info:\n  ID: {lock}\n  Path: {path}\n  Operation: OperationTypeApply\n{rest}"
    )


def claimed(text: str) -> tuple[LockInfo, ...]:
    return claims(diagnose(text), DUAL)


def test_an_error_claims_what_the_lock_itself_says() -> None:
    (claim,) = claimed(error(Version="1.11.4"))
    assert claim == CLAIM
    assert as_lock(claim, DUAL).identity == A


@pytest.mark.parametrize(
    ("path", "is_of_this_state"),
    [
        (DUAL.lock_id, True),
        ("", True),
        ("***/network/terraform.tfstate", True),
        ("acme-***/network/terraform.tfstate", True),
        ("***", True),
        ("acme-tfstate/dns/terraform.tfstate", False),
        ("***/dns/terraform.tfstate", False),
        ("acme-tfstate/env:/prod/network/terraform.tfstate", False),
        (DUAL.lock_id + "-md5", False),
    ],
)
def test_only_a_lock_that_can_be_of_this_state_is_claimed(path: str, *, is_of_this_state: bool) -> None:
    assert bool(claimed(error(path=path))) is is_of_this_state


@pytest.mark.parametrize("text", ["", "I saw it", error(lock="***"), error(lock="-no-color"), error().split("\n")[4]])
def test_what_names_no_lock_claims_none(text: str) -> None:
    assert claimed(text) == ()


def test_a_time_that_cannot_be_read_is_not_claimed() -> None:
    (claim,) = claimed(error(Created="a while ago"))
    assert (claim.created, claim.created_at) == (None, None)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"version": "1.9"}, True),
        ({"who": "me@mac"}, False),
        ({"created": None}, False),
        ({"id": B}, False),
    ],
)
def test_a_claim_holds_for_the_same_lock_holder_and_time(changed: dict[str, Any], *, same: bool) -> None:
    assert CLAIM.tells_of_the_same(msgspec.structs.replace(CLAIM, **changed)) is same
    assert not CLAIM.tells_of_the_same(None)


# What may be there while it cannot be read


def pasted(story: Story, claim: LockInfo = CLAIM) -> Incident:
    return story.add(ErrorPasted, text="…", diagnosis="held", locks=(LockIdentity(claim.id),), claims=(claim,))


def blind(story: Story) -> Incident:
    story.look(BLIND)
    return story.add(WatchLost, why="the login has expired")


def unseen(story: Story) -> list[str]:
    return [info.id for info in story.incident.unseen]


def test_a_claim_is_unseen_until_a_look_has_read_every_store() -> None:
    story = Story()
    pasted(story)
    assert unseen(story) == [A]
    blind(story)
    assert unseen(story) == [A]
    story.add(WatchRestored)
    story.look(look(s3=FREE, dynamodb=FREE))
    assert unseen(story) == []


def test_a_lock_that_was_read_is_present_and_not_unseen() -> None:
    story = Story()
    pasted(story)
    story.look()
    assert (unseen(story), story.incident.identities) == ([], (A,))


def test_a_lock_that_was_read_stays_in_question_while_it_cannot_be_read() -> None:
    story = Story()
    story.look()
    blind(story)
    assert (unseen(story), story.incident.identities) == ([A], ())
    story.add(WatchRestored)
    story.look(look(s3=FREE, dynamodb=FREE))
    assert unseen(story) == []


def test_a_claimed_lock_that_was_read_and_left_is_not_looked_for_any_more() -> None:
    story = Story()
    pasted(story)
    story.look()
    story.look(look(s3=FREE, dynamodb=FREE))
    blind(story)
    assert unseen(story) == []


def test_a_lock_that_one_store_still_shows_is_not_unseen() -> None:
    story = Story()
    story.look()
    story.look(look(s3=UNREAD))
    story.add(WatchLost, why="the lockfile cannot be read")
    assert (unseen(story), story.incident.identities) == ([], (A,))


@pytest.mark.parametrize("action", [ForceUnlock(lock=A), DeleteLock(lock=A, store=Store.S3)])
def test_s15_nothing_is_released_by_a_claim(action: ForceUnlock | DeleteLock) -> None:
    story = Story()
    pasted(story)
    story.answers()
    story.finding("ci.github.holder", Says.SUPPORTS)
    story.refused()
    assert obstacle(action, story.incident, None, Policy()) is not None
    incident = blind(story)
    refusal = obstacle(action, incident, story.last, Policy())
    assert refusal is not None
    assert refusal.rule == "S15"


# What was found by a claim


def found_early(says: Says, claim: LockInfo = CLAIM) -> Story:
    story = Story(LOCKFILE_ONLY)
    pasted(story, claim)
    story.finding("ci.github.holder", says, lock=LockIdentity(claim.id))
    return story


def read(story: Story, **fields: str) -> None:
    story.look(look(address=LOCKFILE_ONLY, s3=held(Store.S3, lock_text(A, **fields))))
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")


@pytest.mark.parametrize(("says", "opinion"), [(Says.BLOCKS, Opinion.ACTIVE), (Says.SUPPORTS, Opinion.ORPHANED)])
def test_it_counts_for_the_lock_that_is_read_with_this_id(says: Says, opinion: Opinion) -> None:
    story = found_early(says)
    read(story)
    assert judge(story.incident, A).opinion is opinion


@given(st.sampled_from(list(Says)))
def test_it_never_counts_for_a_lock_with_another_id(says: Says) -> None:
    story, other = found_early(says, msgspec.structs.replace(CLAIM, id=B)), Story(LOCKFILE_ONLY)
    read(story)
    read(other)
    assert judge(story.incident, A) == judge(other.incident, A)


@pytest.mark.parametrize("wrong", [{"Who": "kim@laptop"}, {"Created": "2026-11-23T01:00:00Z"}])
def test_what_a_wrong_claim_found_does_not_support_and_still_blocks(wrong: dict[str, str]) -> None:
    supporting, blocking = found_early(Says.SUPPORTS), found_early(Says.BLOCKS)
    for story in (supporting, blocking):
        read(story, **wrong)
    assert judge(supporting.incident, A).opinion is Opinion.CANNOT_TELL
    assert judge(blocking.incident, A).opinion is Opinion.ACTIVE


def test_what_the_first_of_two_claims_found_does_not_count_for_the_second() -> None:
    story = found_early(Says.SUPPORTS, msgspec.structs.replace(CLAIM, who="kim@laptop"))
    pasted(story)
    read(story)
    assert judge(story.incident, A).opinion is Opinion.CANNOT_TELL


def test_a_claim_about_a_lock_that_was_read_changes_nothing() -> None:
    story = Story(LOCKFILE_ONLY)
    read(story)
    story.finding("ci.github.holder", Says.SUPPORTS)
    pasted(story, msgspec.structs.replace(CLAIM, who="kim@laptop"))
    story.look(look(address=LOCKFILE_ONLY, s3=UNREAD))
    read(story)
    assert judge(story.incident, A).opinion is Opinion.ORPHANED
