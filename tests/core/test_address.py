"""Addresses: every name that a release may touch is computed, and joined as Go joins it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.incidents import DUAL
from tuirunbook.core.address import (
    DIGEST_SUFFIX,
    LOCKFILE_SUFFIX,
    AddressError,
    StateAddress,
    join_key,
    shortest_unique_end,
)

SEGMENTS = st.sampled_from(["a", "b", "env:", ".", "..", "", "x.tfstate", "...", ".a", "prod"])
PATHS = st.lists(SEGMENTS, max_size=6).map("/".join)
KEYS = st.text("ab/.-é", min_size=1, max_size=12)


def go_join(*elements: str) -> str:
    """Go's `path.Join`: empty elements ignored, the rest joined with slashes and cleaned, segment by segment."""
    joined = "/".join(element for element in elements if element)
    if not joined:
        return ""
    rooted = joined[0] == "/"
    kept: list[str] = []
    for segment in joined.split("/"):
        if segment in {"", "."}:
            continue
        if segment != "..":
            kept.append(segment)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif not rooted:
            kept.append("..")
    return "/" * rooted + "/".join(kept) or "."


@given(PATHS, SEGMENTS.filter(bool), PATHS)
def test_a_workspaces_key_is_joined_as_go_joins_it(prefix: str, workspace: str, key: str) -> None:
    assert join_key(prefix, workspace, key) == go_join(prefix, workspace, key)


@given(st.text("a/.", max_size=12), st.text("ab./", min_size=1, max_size=12))
def test_a_key_is_joined_as_go_joins_it_whatever_its_slashes(prefix: str, key: str) -> None:
    assert join_key(prefix, "prod", key) == go_join(prefix, "prod", key)


@given(PATHS, PATHS)
def test_the_default_workspaces_key_is_used_as_it_is_written(prefix: str, key: str) -> None:
    assert join_key(prefix, "default", key) == key


@pytest.mark.parametrize(
    ("prefix", "workspace", "key", "expected"),
    [
        ("env:", "prod", "ws/terraform.tfstate", "env:/prod/ws/terraform.tfstate"),
        ("spaces/team", "stage", "wkp/terraform.tfstate", "spaces/team/stage/wkp/terraform.tfstate"),
        ("", "prod", "k", "prod/k"),
        ("wms//", "xe02", "./a", "wms/xe02/a"),
        ("env:", "default", "a//b", "a//b"),
    ],
)
def test_keys_are_those_that_were_seen_on_aws(prefix: str, workspace: str, key: str, expected: str) -> None:
    assert join_key(prefix, workspace, key) == expected


@given(KEYS, st.sampled_from(["default", "prod"]))
def test_s2_lock_digest_and_lockfile_names_follow_from_the_address_and_never_coincide(key: str, workspace: str) -> None:
    try:
        address = StateAddress(bucket="acme", key=key, region="r", workspace=workspace)
    except AddressError:
        assume(False)  # noqa: FBT003
    assert address.lock_id == "acme/" + address.state_key
    assert address.digest_id == address.lock_id + "-md5"
    assert address.lockfile_key == address.state_key + ".tflock"
    assert not address.lock_id.endswith((DIGEST_SUFFIX, LOCKFILE_SUFFIX))
    assert address.lockfile_key != address.state_key


@pytest.mark.parametrize("suffix", [DIGEST_SUFFIX, LOCKFILE_SUFFIX])
@pytest.mark.parametrize("workspace", ["default", "prod"])
@pytest.mark.parametrize("key", ["{}", "a{}", "network/terraform.tfstate{}"])
def test_s2_the_key_of_a_digest_or_a_lockfile_is_no_states(suffix: str, workspace: str, key: str) -> None:
    with pytest.raises(AddressError, match="nothing here will touch it"):
        StateAddress(bucket="acme", key=key.format(suffix), region="r", workspace=workspace)


@pytest.mark.parametrize("trick", ["a-md5/", "a-md5/.", "a-md5//", "x/../a-md5", "./a.tflock/"])
def test_s2_a_key_that_becomes_a_digests_when_it_is_joined_is_refused(trick: str) -> None:
    with pytest.raises(AddressError):
        StateAddress(bucket="acme", key=trick, region="r", workspace="prod")


@pytest.mark.parametrize(("bucket", "key"), [("", "k"), ("a/b", "k"), ("b", "")])
def test_an_address_without_a_bucket_or_a_key_is_none(bucket: str, key: str) -> None:
    with pytest.raises(AddressError):
        StateAddress(bucket=bucket, key=key, region="r")


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "1"},
        {"caller": "x"},
        {"region": "x"},
        {"s3_endpoint": "x"},
        {"dynamodb_endpoint": "x"},
        {"bucket": "x"},
        {"table": "x"},
        {"key": "x"},
        {"workspace": "x"},
        {"workspace": "x", "workspace_key_prefix": "y"},
    ],
)
def test_s15_the_place_is_all_that_must_not_change(changed: dict[str, str]) -> None:
    assert msgspec.structs.replace(DUAL, **changed).place != DUAL.place


# The end of a path that a person types

PATH = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map("/".join)


@given(PATH, st.lists(PATH, max_size=5))
def test_s7_the_shortest_unique_end_is_an_end_and_tells_the_path_from_the_others(path: str, others: list[str]) -> None:
    end = shortest_unique_end(path, others)
    assert path == end or path.endswith("/" + end)
    assert end.count("/") >= min(1, path.count("/"))
    ending = [other for other in others if other != path and (other == end or other.endswith("/" + end))]
    assert not ending or end == path


@given(PATH, st.lists(PATH, max_size=5))
def test_s7_no_shorter_end_would_do(path: str, others: list[str]) -> None:
    end = shortest_unique_end(path, others)
    _, slash, shorter = end.partition("/")
    if slash and shorter.count("/") >= 1:
        rivals = [other for other in others if other != path]
        assert any(other == shorter or other.endswith("/" + shorter) for other in rivals)


@pytest.mark.parametrize(
    ("path", "others", "expected"),
    [
        ("b/network/terraform.tfstate", [], "network/terraform.tfstate"),
        ("b/network/terraform.tfstate", ["b/dns/terraform.tfstate"], "network/terraform.tfstate"),
        ("b/prod/network/t", ["b/stage/network/t"], "prod/network/t"),
        ("b/network/t", ["c/network/t"], "b/network/t"),
        ("b/network/t", ["b/network/t"], "network/t"),
        ("network/t", ["a/network/t"], "network/t"),
    ],
)
def test_s7_ends_that_people_type(path: str, others: list[str], expected: str) -> None:
    assert shortest_unique_end(path, others) == expected
