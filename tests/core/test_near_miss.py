"""Ranking of lock IDs that may have been meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.near_miss import SHOWN, rank

LOOKED_FOR = "acme/network/terraform.tfstate"


def why(candidate: str, lock_id: str = LOOKED_FOR) -> str | None:
    ranked = rank(lock_id, [candidate])
    return ranked[0].why if ranked else None


def test_the_lock_itself_is_no_near_miss() -> None:
    assert rank(LOOKED_FOR, [LOOKED_FOR]) == ()


def test_another_workspace_of_the_same_key_is_named() -> None:
    assert why("acme/env:/prod/network/terraform.tfstate") == "the same key in the workspace prod"
    assert why(LOOKED_FOR, "acme/env:/prod/network/terraform.tfstate") == "the same key in the workspace default"
    assert why("acme/env:/prod/k", "acme/env:/stage/k") == "the same key in the workspace prod"


def test_the_same_key_under_another_prefix_or_in_another_bucket_is_near() -> None:
    assert why("acme/live/network/terraform.tfstate") == "the same key under another prefix"
    assert why("acme-old/network/terraform.tfstate") == "the same key in another bucket"
    assert (
        why("acme-old/env:/prod/network/terraform.tfstate") == "the same key in another bucket, in the workspace prod"
    )


def test_a_key_with_the_same_last_two_segments_is_near_but_one_segment_tells_nothing() -> None:
    assert why("acme/aws/network/terraform.tfstate", "acme/gcp/network/terraform.tfstate") == "the key ends the same"
    assert why("acme/billing/terraform.tfstate") is None


def test_slips_of_the_finger_are_near() -> None:
    assert why("acme/netwrok/terraform.tfstate") == "spelled almost the same"
    assert why("acme/Network/terraform.tfstate") == "differs only in upper and lower case"
    assert why("acme//network/terraform.tfstate") == "differs only in slashes"


def test_the_most_telling_comes_first_and_strangers_not_at_all() -> None:
    candidates = [
        "acme/billing/db.tfstate",
        "acme/netwrok/terraform.tfstate",
        "acme-old/network/terraform.tfstate",
        "acme/live/network/terraform.tfstate",
        "acme/env:/prod/network/terraform.tfstate",
    ]
    assert [miss.lock_id for miss in rank(LOOKED_FOR, candidates)] == candidates[:0:-1]


def test_only_so_many_are_shown() -> None:
    assert len(rank("b/k", [f"b/env:/ws{number}/k" for number in range(50)])) == SHOWN


@given(st.text(), st.lists(st.text(max_size=30), max_size=8))
def test_ranking_takes_any_text_and_ignores_order_and_repetition(lock_id: str, candidates: list[str]) -> None:
    ranked = rank(lock_id, candidates)
    assert ranked == rank(lock_id, [*reversed(candidates), *candidates])
    assert lock_id not in {miss.lock_id for miss in ranked}
