"""Policies that let somebody take a lock and not release it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import DUAL, DYNAMODB_ONLY, LOCKFILE_ONLY
from tuirunbook.core.policies import Statement, gaps, speaks_of

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/tf-locks"
BUCKET = "arn:aws:s3:::acme-tfstate"


def allow(*actions: str, on: str = TABLE) -> Statement:
    return Statement(allows=True, actions=actions, resources=(on,))


@pytest.mark.parametrize(
    "statements",
    [
        (allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),),
        (allow("dynamodb:*"),),
        (allow("*", on="*"),),
        (allow("dynamodb:PutItem"), allow("dynamodb:Delete*", on="arn:aws:dynamodb:*:*:table/tf-*")),
        (allow("DynamoDB:putitem"), allow("dynamodb:DELETEITEM")),
        (allow("dynamodb:GetItem"),),
        (Statement(allows=True, not_actions=("iam:*",), resources=("*",)),),
    ],
)
def test_a_policy_that_gives_both_or_neither_lacks_nothing(statements: tuple[Statement, ...]) -> None:
    assert gaps(statements, DYNAMODB_ONLY) == ()


@pytest.mark.parametrize(
    "statements",
    [
        (allow("dynamodb:GetItem", "dynamodb:PutItem"),),
        (allow("dynamodb:PutItem"), allow("dynamodb:DeleteItem", on=TABLE + "-other")),
        (Statement(allows=True, not_actions=("dynamodb:Delete*",), resources=("*",)),),
        (allow("dynamodb:PutItem", on="arn:aws:dynamodb:*:*:table/tf-locks"),),
    ],
)
def test_a_policy_that_lets_take_and_not_release_is_found(statements: tuple[Statement, ...]) -> None:
    (gap,) = gaps(statements, DYNAMODB_ONLY)
    assert (gap.missing, gap.surely) == ("dynamodb:DeleteItem", True)
    assert "every run leaves a lock" in gap.fact


def test_the_lockfile_needs_delete_object_on_its_own_name() -> None:
    assert (
        gaps((allow("s3:GetObject", "s3:PutObject", on=f"{BUCKET}/*"),), LOCKFILE_ONLY)[0].missing == "s3:DeleteObject"
    )
    both = (
        allow("s3:PutObject", on=f"{BUCKET}/*"),
        allow("s3:DeleteObject", on=f"{BUCKET}/network/terraform.tfstate.tflock"),
    )
    assert gaps(both, LOCKFILE_ONLY) == ()
    state_alone = (
        allow("s3:PutObject", on=f"{BUCKET}/*"),
        allow("s3:DeleteObject", on=f"{BUCKET}/network/terraform.tfstate"),
    )
    assert gaps(state_alone, LOCKFILE_ONLY) != ()


def test_both_stores_are_looked_at_where_both_lock() -> None:
    statements = (allow("dynamodb:PutItem"), allow("s3:PutObject", on=f"{BUCKET}/*"))
    assert {gap.missing for gap in gaps(statements, DUAL)} == {"dynamodb:DeleteItem", "s3:DeleteObject"}


def test_a_denial_counts_more_than_what_is_allowed() -> None:
    denial = Statement(allows=False, actions=("dynamodb:Delete*",), resources=(TABLE,))
    (gap,) = gaps((allow("dynamodb:*"), denial), DYNAMODB_ONLY)
    assert gap.denied
    assert "denies dynamodb:DeleteItem" in gap.fact


def test_a_name_that_is_not_known_here_may_be_the_lock_and_is_said_to_be_so() -> None:
    (gap,) = gaps((allow("dynamodb:PutItem", on="${aws_dynamodb_table.locks.arn}"),), DYNAMODB_ONLY)
    assert not gap.surely
    assert "if that is where" in gap.fact
    assert gaps((allow("s3:PutObject", on="${aws_s3_bucket.uploads.arn}/*"),), LOCKFILE_ONLY) == ()


def test_policies_of_other_places_do_not_speak_of_this_state() -> None:
    other = (allow("dynamodb:PutItem", on="arn:aws:dynamodb:eu-west-1:123456789012:table/orders"),)
    assert not speaks_of(other, DYNAMODB_ONLY)
    assert gaps(other, DYNAMODB_ONLY) == ()


@given(st.lists(st.text(max_size=30), max_size=4), st.lists(st.text(max_size=60), max_size=4))
def test_no_policy_breaks_the_reading(actions: list[str], resources: list[str]) -> None:
    gaps((Statement(allows=True, actions=tuple(actions), resources=tuple(resources)),), DUAL)


def test_a_pattern_of_many_stars_takes_no_long_time() -> None:
    gaps((allow("dynamodb:PutItem", on="*a" * 200),), DYNAMODB_ONLY)
