"""Locks as they are stored, read as Go reads them, and what changes between two looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    state_head,
    stored,
)
from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import changes, remembered
from tuirunbook.core.lock import (
    LOCK_ID,
    Digest,
    Free,
    LockInfo,
    LockSnapshot,
    Reading,
    Store,
    StoredLock,
    UnreadableLockError,
    describe,
    parse_lock_info,
    parse_time,
    short,
)

NAMES = ["ID", "Operation", "Info", "Who", "Version", "Created", "Path"]
HEX = "0123456789abcdefABCDEF"
LOCK_IDS = st.builds(
    lambda digits: "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))),
    st.text(HEX, min_size=32, max_size=32),
)
JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


def any_case(name: str) -> st.SearchStrategy[str]:
    return st.lists(st.booleans(), min_size=len(name), max_size=len(name)).map(
        lambda upper: "".join(c.upper() if up else c.lower() for c, up in zip(name, upper, strict=True))
    )


# What Go's decoder reads


@given(LOCK_IDS, st.text(), st.data())
def test_keys_count_in_any_case_and_unknown_ones_are_ignored(lock: str, who: str, data: st.DataObject) -> None:
    content: dict[str, object] = {data.draw(any_case("ID")): lock, data.draw(any_case("Who")): who}
    unknown: st.SearchStrategy[str] = st.text(min_size=1).filter(
        lambda key: key.casefold() not in {name.casefold() for name in NAMES}
    )
    content |= data.draw(st.dictionaries(unknown, JSON, max_size=3))
    info = parse_lock_info(json.dumps(content))
    assert (info.id, info.who) == (lock, who)


@pytest.mark.parametrize("digits", range(10))
@pytest.mark.parametrize("zone", ["Z", "+00:00", "-07:30"])
def test_created_has_any_number_of_fraction_digits(digits: int, zone: str) -> None:
    fraction = "." + "123456789"[:digits] if digits else ""
    created = f"2026-11-23T09:26:22{fraction}{zone}"
    info = parse_lock_info(lock_text(Created=created))
    assert info.created == created
    assert info.created_at is not None
    assert info.created_at.microsecond == int("123456789"[:digits][:6].ljust(6, "0"))


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 999))
def test_a_time_is_read_to_the_microsecond(moment: datetime, nanoseconds: int) -> None:
    text = moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S.%f") + f"{nanoseconds:03}Z"
    assert parse_time(text) == moment


@pytest.mark.parametrize("created", [None, "0001-01-01T00:00:00Z"])
def test_a_time_that_was_not_set_is_none(created: str | None) -> None:
    assert parse_lock_info(lock_text(Created=created)).created is None


def test_null_leaves_a_field_as_it_was() -> None:
    assert parse_lock_info(f'{{"ID":"{A}","id":null,"Created":null,"Who":null}}') == LockInfo(id=A)


def test_of_several_members_for_a_field_the_last_counts() -> None:
    assert parse_lock_info(f'{{"ID":"{B}","id":"{B}","ID":"{A}"}}').id == A


UNREADABLE = {
    "": "it is empty",
    " \n": "it is empty",
    "lock": "it is not JSON",
    f'{{"ID":"{A}"': "it is not JSON",
    f'{{"ID":"{A}"}} x': "it is not JSON",
    f'{{"ID":"{A}","x":NaN}}': "it is not JSON",
    f'{{"ID":"{A}","x":-Infinity}}': "it is not JSON",
    f'\ufeff{{"ID":"{A}"}}': "it is not JSON",
    f'{{"ID":"{A}","Who":"a\x01"}}': "it is not JSON",
    "[" * 100_000: "it is not JSON",
    "[]": "not an object",
    f'[["ID","{A}"]]': "not an object",
    f'"{A}"': "not an object",
    "null": "not an object",
    "{}": "not a lock ID",
    '{"ID":""}': "not a lock ID",
    '{"ID":"-no-color"}': "not a lock ID",
    '{"id":"lower"}': "not a lock ID",
    f'{{"ID":" {A}"}}': "not a lock ID",
    f'{{"ID":"{A}\\n"}}': "not a lock ID",
    f'{{"ID":"{A}"}}'.replace("3f8f3f8f", "\uff13f8f3f8f"): "not a lock ID",
    '{"ID":7}': "its ID is not text",
    f'{{"ID":"{A}","Who":["x"]}}': "its Who is not text",
    f'{{"ID":"{A}","Created":"yesterday"}}': "its Created is no time",
    f'{{"ID":"{A}","Created":""}}': "its Created is no time",
    f'{{"ID":"{A}","Created":"2026-11-23 09:26:22 +0000 UTC"}}': "its Created is no time",
    f'{{"ID":"{A}","Created":"2026-13-23T09:26:22Z"}}': "its Created is no time",
    f'{{"ID":"{A}","Created":"2026-11-23T09:26:22"}}': "its Created is no time",
    f'{{"ID":"{A}","Created":"\uff12026-11-23T09:26:22Z"}}': "its Created is no time",
    f'{{"ID":"{A}","Created":5}}': "its Created is not text",
}


@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: ascii(raw)[:40])
def test_s12_what_terraform_could_not_read_or_name_is_unreadable_and_says_why(raw: str) -> None:
    with pytest.raises(UnreadableLockError, match=UNREADABLE[raw]):
        parse_lock_info(raw)


@given(st.binary())
def test_any_bytes_make_a_lock_and_not_an_error(raw: bytes) -> None:
    for store in Store:
        lock = StoredLock.read(store, raw)
        assert (lock.info is None) == (lock.unreadable is not None)
        assert lock.size == len(raw)
        assert lock.raw.encode("utf-8", "surrogateescape") == raw


@given(JSON | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), JSON | LOCK_IDS))
def test_whatever_is_read_has_an_id_that_is_no_flag(content: object) -> None:
    try:
        info = parse_lock_info(json.dumps(content))
    except UnreadableLockError:
        return
    assert LOCK_ID.fullmatch(info.id)
    assert not info.id.startswith("-")


# Identity


def test_a_readable_lock_is_its_id_in_both_stores() -> None:
    assert {stored(store, lock_text()).identity for store in Store} == {A}


@given(st.binary(), st.binary())
def test_s12_unreadable_locks_are_told_apart_by_their_bytes(one: bytes, other: bytes) -> None:
    first, second = (StoredLock.read(Store.S3, b"\0" + raw) for raw in (one, other))
    assert first.identity.startswith("sha256:")
    assert (first.identity == second.identity) == (one == other)
    assert short(first.identity) == first.sha256[:8]


@pytest.mark.parametrize(
    ("operation", "may"),
    [
        ("OperationTypePlan", False),
        ("OperationTypeRefresh", False),
        ("OperationTypeInvalid", False),
        ("init", False),
        ("OperationTypeApply", True),
        ("state-rm", True),
        ("", True),
        ("operationtypeplan", True),
        ("something new", True),
    ],
)
def test_whatever_is_not_known_to_be_harmless_may_have_written(operation: str, may: bool) -> None:  # noqa: FBT001
    assert LockInfo(id=A, operation=operation).may_have_written is may


# Looks

READINGS: dict[str, Callable[[Store], Reading]] = {
    "free": lambda _: FREE,
    "A": lambda store: held(store, lock_text(A)),
    "A rewritten": lambda store: held(store, lock_text(A, Who="x@y")),
    "B": lambda store: held(store, lock_text(B)),
    "unreadable": lambda store: held(store, "?"),
    "unread": lambda _: UNREAD,
}
NAMED = st.sampled_from(sorted(READINGS))
STATES = st.sampled_from([1, 2, 0]).map(lambda n: state_head(n) if n else UNREAD)
DIGESTS = st.sampled_from([Digest(md5="ab" * 16), Digest(), UNREAD])
ADDRESSES = st.sampled_from([DUAL, DYNAMODB_ONLY, LOCKFILE_ONLY])
LOOKS = st.builds(
    lambda s3, dynamodb, state, digest, address: look(
        s3=READINGS[s3](Store.S3),
        dynamodb=READINGS[dynamodb](Store.DYNAMODB),
        state=state,
        digest=digest,
        address=address,
    ),
    NAMED,
    NAMED,
    STATES,
    DIGESTS,
    ADDRESSES,
)


@given(LOOKS)
def test_a_look_is_free_only_when_every_configured_store_was_read_and_none_holds_a_lock(snapshot: LockSnapshot) -> None:
    readings = [snapshot.reading(store) for store in Store if snapshot.configured(store)]
    assert snapshot.free == (bool(readings) and all(isinstance(r, Free) for r in readings) and not snapshot.locks)
    assert not (snapshot.free and snapshot.held)
    assert not (snapshot.free and snapshot.blind)


def test_a_backend_that_locks_nowhere_is_never_free() -> None:
    nowhere = StateAddress(bucket="b", key="k", region="r")
    assert not look(address=nowhere, s3=FREE, dynamodb=NOT_CONFIGURED).free


@given(LOOKS)
def test_one_lock_in_both_stores_is_one_lock(snapshot: LockSnapshot) -> None:
    assert len(snapshot.identities) == len({lock.identity for lock in snapshot.locks})
    assert {lock.identity for lock in snapshot.locks} == set(snapshot.identities)


@given(LOOKS, LOOKS)
def test_s1_two_looks_with_one_fingerprint_show_no_change(one: LockSnapshot, other: LockSnapshot) -> None:
    if one.fingerprint == other.fingerprint:
        assert changes(one, other) == ()


@given(LOOKS, LOOKS)
def test_every_difference_between_two_looks_that_saw_everything_is_a_change(
    one: LockSnapshot, other: LockSnapshot
) -> None:
    saw = all(UNREAD not in (s.s3, s.dynamodb, s.state, s.digest) for s in (one, other))
    if saw and one.address == other.address and one.fingerprint != other.fingerprint:
        assert changes(one, other)


@given(LOOKS)
def test_s1_the_time_of_a_look_is_no_difference(snapshot: LockSnapshot) -> None:
    later = look(s3=snapshot.s3, dynamodb=snapshot.dynamodb, state=snapshot.state, digest=snapshot.digest,
                 address=snapshot.address, seconds=60)  # fmt: skip
    assert later.fingerprint == snapshot.fingerprint


@given(LOOKS, LOOKS)
def test_what_could_not_be_read_is_remembered_and_all_else_is_new(before: LockSnapshot, after: LockSnapshot) -> None:
    merged = remembered(before, after)
    for name in ("s3", "dynamodb", "state", "digest"):
        expected = before if getattr(after, name) is UNREAD else after
        assert getattr(merged, name) == getattr(expected, name)
    assert (merged.address, merged.taken_at) == (after.address, after.taken_at)


CHANGES = [
    (look(), look(s3=FREE), ["left"]),
    (look(s3=FREE), look(), ["appeared"]),
    (look(), look(s3=held(Store.S3, lock_text(B))), ["changed-hands"]),
    (look(), look(s3=held(Store.S3, lock_text(Who="x@y"))), ["rewritten"]),
    (look(), look(s3=held(Store.S3, etag='"new"')), ["rewritten"]),
    (look(), look(dynamodb=held(Store.DYNAMODB, extra=("Digest",))), ["rewritten"]),
    (look(), look(s3=UNREAD), ["blind"]),
    (look(s3=UNREAD), look(), ["sees-again"]),
    (look(s3=UNREAD), look(s3=UNREAD), []),
    (look(), look(state=state_head(2)), ["state-written"]),
    (look(), look(digest=Digest(md5="cd" * 16)), ["digest-written"]),
    (look(), look(state=UNREAD, digest=UNREAD), []),
    (
        look(),
        look(s3=FREE, dynamodb=held(Store.DYNAMODB, lock_text(B)), state=state_head(2)),
        ["left", "changed-hands", "state-written"],
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES)
def test_a_change_has_its_name(before: LockSnapshot, after: LockSnapshot, expected: list[str]) -> None:
    assert [change.what for change in changes(before, after)] == expected


@pytest.mark.parametrize(
    ("address", "s3", "dynamodb", "lone"),
    [
        (DUAL, held(Store.S3), held(Store.DYNAMODB), False),
        (DUAL, FREE, held(Store.DYNAMODB), True),
        (DUAL, held(Store.S3), held(Store.DYNAMODB, lock_text(B)), True),
        (DUAL, FREE, FREE, False),
        (DYNAMODB_ONLY, FREE, held(Store.DYNAMODB), False),
    ],
)
def test_a_lone_half_is_a_lock_in_one_of_two_configured_stores(
    address: StateAddress,
    s3: Reading,
    dynamodb: Reading,
    lone: bool,  # noqa: FBT001
) -> None:
    assert look(address=address, s3=s3, dynamodb=dynamodb).lone_half is lone


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (lock_text(), "Apply by runner@ci-7 since 2026-11-23T02:41:09Z (3f8f3f8f)"),
        (lock_text(Operation="", Who="", Created=None), "an operation by nobody named (3f8f3f8f)"),
        ("", "an unreadable lock (it is empty, e3b0c442)"),
    ],
)
def test_a_lock_is_described_in_a_few_words(raw: str, expected: str) -> None:
    assert describe(stored(Store.S3, raw)) == expected


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_created_that_no_calendar_has_in_utc_is_no_time_and_no_error(created: str) -> None:
    raw = f'{{"ID":"3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab","Created":"{created}"}}'
    lock = StoredLock.read(Store.DYNAMODB, raw.encode())
    assert lock.info is not None
    assert lock.info.created_at is None
    assert "3f8f3f8f" in describe(lock)
