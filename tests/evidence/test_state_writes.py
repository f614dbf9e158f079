"""The bucket's history, in an S3 that moto plays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.support.aws import EmbeddedAws
from tests.support.locks import BUCKET, KEY, SECOND, lock_json, make_backend, make_clients, make_store, put_lockfile
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.lock import Held, Store, StoredLock
from tuirunbook.evidence.state_writes import EARLIER, TIMES, WRITES, StateWrites, _History, _Version, _writes
from tuirunbook.wiring.evidence import BackendDoor

ADDRESS = StateAddress(bucket=BUCKET, key=KEY, region="eu-west-1", use_lockfile=True)
NOW = datetime.now(UTC)


@pytest.fixture
def source(aws: EmbeddedAws) -> Iterator[StateWrites]:
    door = BackendDoor(make_clients(aws, make_backend()), aws.environ())
    yield StateWrites(door)
    door.close()


def put_state(aws: EmbeddedAws, body: bytes = b"{}") -> str:
    return str(aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body).get("VersionId"))


def held(aws: EmbeddedAws) -> StoredLock:
    """The lockfile as a look reads it."""
    reading = make_store(aws, dynamodb_table=None).look().s3
    assert isinstance(reading, Held)
    return reading.lock


def lock(created: datetime = NOW, store: Store = Store.DYNAMODB, **facts: Any) -> StoredLock:
    return StoredLock.read(store, lock_json(Created=created.isoformat()).encode(), **facts)


def gather(source: StateWrites, about: StoredLock) -> dict[str, Finding]:
    return {finding.key: finding for finding in source.gather(about, ADDRESS, NOW)}


def test_a_state_that_is_written_now_has_a_living_writer(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    versions = [put_state(aws, body) for body in (b"1", b"2", b"3")]
    finding = gather(source, lock(NOW - timedelta(hours=1)))[WRITES]
    assert finding.says is Says.BLOCKS
    assert "3 times" in finding.fact
    assert versions[-1] in finding.fact


def test_a_bucket_without_versions_shows_the_last_write(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET)
    put_state(aws)
    finding = gather(source, lock(NOW - timedelta(hours=1)))[WRITES]
    assert (finding.says, "at least once" in finding.fact) == (Says.BLOCKS, True)


def test_a_state_that_was_not_written_since_proves_nothing(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    put_state(aws)
    finding = gather(source, lock(NOW + timedelta(hours=1)))[WRITES]
    assert (finding.says, "silence proves nothing" in finding.fact) == (Says.NOTHING, True)


def test_a_state_that_does_not_exist_proves_nothing(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    assert gather(source, lock())[WRITES].says is Says.NOTHING


def test_other_states_whose_names_begin_alike_do_not_count(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    for key in (KEY + ".backup", KEY + "2"):
        aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    assert gather(source, lock(NOW - timedelta(hours=1)))[WRITES].says is Says.NOTHING


@pytest.mark.parametrize(
    ("minutes", "expected"), [(1, Says.BLOCKS), (2, Says.BLOCKS), (3, Says.NOTHING), (60, Says.NOTHING)]
)
def test_only_a_recent_write_blocks_by_the_servers_clock(minutes: int, expected: Says) -> None:
    version = _Version(id="v1", at=NOW - timedelta(minutes=minutes))
    history = _History(now=NOW, state=(version,), lockfile=())
    assert _writes(lock(NOW - timedelta(hours=2)), history)[0] is expected


def test_a_write_within_the_clocks_difference_of_the_lock_may_be_from_before() -> None:
    history = _History(now=NOW, state=(_Version(id="v1", at=NOW - timedelta(seconds=30)),), lockfile=())
    assert _writes(lock(NOW - timedelta(seconds=60)), history)[0] is Says.NOTHING
    by_the_server = lock(NOW, Store.S3, last_modified=(NOW - timedelta(seconds=60)).isoformat())
    assert _writes(by_the_server, history)[0] is Says.BLOCKS


@pytest.mark.parametrize(
    ("seconds", "words"), [(42, "42 s after its Created: the holder waited"), (-180, "ahead of the server's"), (3, "")]
)
def test_the_two_clocks_are_compared(aws: EmbeddedAws, source: StateWrites, seconds: int, words: str) -> None:
    aws.create_backend(BUCKET)
    about = lock(NOW, Store.S3, last_modified=(NOW + timedelta(seconds=seconds)).isoformat())
    found = gather(source, about)
    assert (TIMES in found) == bool(words)
    assert not words or words in found[TIMES].fact


def test_earlier_locks_of_a_versioned_bucket_are_told_with_who_took_them(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    put_lockfile(aws, lock_json(SECOND, Who="root@runner-7"))
    aws.client("s3").delete_object(Bucket=BUCKET, Key=KEY + ".tflock")
    put_lockfile(aws, lock_json(SECOND, Who="sam\x1b[31m@laptop"))
    put_lockfile(aws, b"garbage")
    later = datetime.now(UTC) + timedelta(hours=1)
    put_lockfile(aws, lock_json(Created=later.isoformat()))
    about = msgspec.structs.replace(held(aws), last_modified=later.isoformat())
    finding = gather(source, about)[EARLIER]
    assert finding.says is Says.NOTHING
    assert finding.fact.startswith("3 earlier locks")
    assert "sam@laptop" in finding.fact
    assert "1 of these by the holder of this one" in finding.fact


def test_the_lock_itself_is_no_earlier_one(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    put_lockfile(aws, lock_json())
    assert EARLIER not in gather(source, held(aws))


def test_an_unreadable_lock_does_not_say_since_when(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    put_state(aws)
    assert gather(source, StoredLock.read(Store.DYNAMODB, b"garbage"))[WRITES].says is Says.NOTHING


@pytest.mark.parametrize("effect", ["deny", "throttle", "fail"])
def test_a_history_that_may_not_be_read_is_not_an_empty_one(aws: EmbeddedAws, source: StateWrites, effect: str) -> None:
    aws.create_backend(BUCKET, versioned=True)
    getattr(aws, effect)("ListObjectVersions")
    finding = gather(source, lock(NOW - timedelta(hours=1)))[WRITES]
    assert (finding.says, "not known" in finding.fact) == (Says.UNKNOWN, True)


def test_earlier_locks_that_may_not_be_read_are_still_counted(aws: EmbeddedAws, source: StateWrites) -> None:
    aws.create_backend(BUCKET, versioned=True)
    put_lockfile(aws, lock_json(SECOND))
    about = lock(datetime.now(UTC) + timedelta(hours=1))
    aws.deny("GetObject")
    assert "somebody (it could not be read)" in gather(source, about)[EARLIER].fact
