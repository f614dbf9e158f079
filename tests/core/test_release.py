"""What a release came to: the read-back decides, not what Terraform said (lock-semantics, dual mode)."""

from __future__ import annotations

import pytest

from tests.support.incidents import (
    DUAL,
    DYNAMODB_ONLY,
    FREE,
    LOCKFILE_ONLY,
    NOT_CONFIGURED,
    UNREAD,
    A,
    B,
    held,
    lock_text,
    look,
)
from tuirunbook.core.address import StateAddress
from tuirunbook.core.diagnosis import UnlockOutcome
from tuirunbook.core.lock import LockIdentity, Reading, Store
from tuirunbook.core.release import ReleaseOutcome, contradiction, has_no_id, listed_failure, read_back

A_IN_S3, A_IN_DYNAMODB = held(Store.S3), held(Store.DYNAMODB)
B_IN_S3, B_IN_DYNAMODB = held(Store.S3, lock_text(B)), held(Store.DYNAMODB, lock_text(B))
BOTH = (Store.S3, Store.DYNAMODB)
UNREADABLE = LockIdentity("sha256:" + "ab" * 32)


@pytest.mark.parametrize(
    ("was_in", "others", "s3", "dynamodb", "expected"),
    [
        # Terraform's exit code is 0, 1, 1, 1, 1 for these five (lock-semantics §1.5).
        (BOTH, (A,), FREE, FREE, "released"),
        ((Store.DYNAMODB,), (A,), FREE, FREE, "released"),
        ((Store.S3,), (A,), FREE, FREE, "released"),
        ((Store.DYNAMODB,), (A, B), B_IN_S3, FREE, "released"),
        (BOTH, (A,), FREE, A_IN_DYNAMODB, "partly"),
        (BOTH, (A,), A_IN_S3, FREE, "partly"),
        (BOTH, (A,), A_IN_S3, A_IN_DYNAMODB, "still-held"),
        ((Store.S3,), (A,), A_IN_S3, FREE, "still-held"),
        (BOTH, (A,), B_IN_S3, B_IN_DYNAMODB, "new-holder"),
        (BOTH, (A,), B_IN_S3, FREE, "new-holder"),
        ((Store.DYNAMODB,), (A, B), B_IN_S3, B_IN_DYNAMODB, "released"),
        (BOTH, (A,), UNREAD, FREE, "unknown"),
        (BOTH, (A,), FREE, UNREAD, "unknown"),
        (BOTH, (A,), UNREAD, A_IN_DYNAMODB, "unknown"),
    ],
)
def test_s5_the_outcome_in_dual_mode_is_what_both_stores_say(
    was_in: tuple[Store, ...], others: tuple[LockIdentity, ...], s3: Reading, dynamodb: Reading, expected: str
) -> None:
    assert read_back(A, was_in, look(s3=s3, dynamodb=dynamodb), others) == expected


def test_s5_without_a_read_the_outcome_is_unknown() -> None:
    assert read_back(A, BOTH, None) is ReleaseOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("address", "s3", "dynamodb"), [(DYNAMODB_ONLY, UNREAD, FREE), (LOCKFILE_ONLY, FREE, NOT_CONFIGURED)]
)
def test_s5_a_store_that_never_held_it_need_not_be_read(address: StateAddress, s3: Reading, dynamodb: Reading) -> None:
    was_in = (Store.DYNAMODB,) if address.table else (Store.S3,)
    assert read_back(A, was_in, look(address=address, s3=s3, dynamodb=dynamodb)) is ReleaseOutcome.RELEASED


def test_s5_a_store_that_held_it_must_be_read_although_the_backend_does_not_lock_in_it() -> None:
    after = look(address=DYNAMODB_ONLY, s3=UNREAD, dynamodb=FREE)
    assert read_back(A, BOTH, after) is ReleaseOutcome.UNKNOWN


SAID = list(UnlockOutcome)
HELD = ReleaseOutcome.STILL_HELD


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("outcome", [o for o in ReleaseOutcome if o not in {HELD, ReleaseOutcome.PARTLY}])
def test_s7_a_lock_that_is_gone_needs_no_last_resort(said: UnlockOutcome, outcome: ReleaseOutcome) -> None:
    for lock in (A, UNREADABLE):
        assert (listed_failure(lock, BOTH, said, outcome), contradiction(lock, said, outcome)) == ("", "")


@pytest.mark.parametrize(
    ("said", "readable", "unreadable"),
    [
        (UnlockOutcome.DENIED, "denied", "denied"),
        (UnlockOutcome.UNUSABLE_CONFIG, "unusable", "unusable"),
        (UnlockOutcome.UNREADABLE_OR_GONE, "", "unreadable"),
        (UnlockOutcome.OTHER_ID, "", "unreadable"),
        (UnlockOutcome.NOTHING_THERE, "", ""),
        (UnlockOutcome.UNLOCKED, "", ""),
        (UnlockOutcome.FAILED, "", ""),
    ],
)
def test_s7_only_listed_failures_open_the_last_resort(said: UnlockOutcome, readable: str, unreadable: str) -> None:
    assert listed_failure(A, BOTH, said, HELD) == readable
    assert listed_failure(UNREADABLE, BOTH, said, HELD) == unreadable


def test_s7_a_row_that_opentofu_takes_for_no_lock_is_unreadable() -> None:
    assert listed_failure(UNREADABLE, (Store.DYNAMODB,), UnlockOutcome.NOTHING_THERE, HELD) == "unreadable"


def test_s7_the_half_that_stayed_opens_the_last_resort_when_its_delete_was_denied() -> None:
    assert listed_failure(A, BOTH, UnlockOutcome.DENIED, ReleaseOutcome.PARTLY) == "denied"
    assert listed_failure(A, BOTH, UnlockOutcome.UNUSABLE_CONFIG, ReleaseOutcome.PARTLY) == ""


@pytest.mark.parametrize(
    "said",
    [
        UnlockOutcome.UNLOCKED,
        UnlockOutcome.OTHER_ID,
        UnlockOutcome.NOTHING_THERE,
        UnlockOutcome.UNREADABLE_OR_GONE,
    ],
)
def test_s15_terraform_not_seeing_a_lock_that_is_read_here_is_a_contradiction(said: UnlockOutcome) -> None:
    assert "still read here" in contradiction(A, said, HELD)


@pytest.mark.parametrize("said", [UnlockOutcome.DENIED, UnlockOutcome.UNUSABLE_CONFIG, UnlockOutcome.FAILED])
def test_s15_a_force_unlock_that_could_not_is_no_contradiction(said: UnlockOutcome) -> None:
    assert contradiction(A, said, HELD) == ""


def test_s15_only_success_contradicts_an_unreadable_lock_that_stayed() -> None:
    assert {said for said in SAID if contradiction(UNREADABLE, said, HELD)} == {UnlockOutcome.UNLOCKED}


def test_a_lock_without_an_id_is_known_by_its_identity() -> None:
    assert (has_no_id(A), has_no_id(UNREADABLE)) == (False, True)
    assert look(address=DUAL).identities == (A,)
