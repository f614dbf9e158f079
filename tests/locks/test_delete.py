"""Deleting a lock: only that lock, only while it still is what was read, and only once."""

from __future__ import annotations

import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.aws import REGION
from tests.support.locks import (
    BUCKET,
    FIRST,
    KEY,
    LOCK_ID,
    SECOND,
    TABLE,
    get_item,
    lock_json,
    make_store,
    object_keys,
    put_item,
    put_lockfile,
)
from tuirunbook.core.address import AddressError, StateAddress
from tuirunbook.core.endpoints import honours_if_match
from tuirunbook.core.lock import Free, Held, Reading, Store, StoredLock
from tuirunbook.core.restore import restore_command
from tuirunbook.core.values import DeleteAnswer, DeleteOutcome
from tuirunbook.locks import AwsLockStore
from tuirunbook.locks.deleting import lock_item_key, lockfile_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.aws import EmbeddedAws

EVERY_INFO = [
    pytest.param(lock_json(), id="readable"),
    pytest.param("lock me", id="malformed"),
    pytest.param("", id="empty"),
    pytest.param(None, id="missing"),
    pytest.param({"N": "5"}, id="number"),
    pytest.param({"B": b"\x00\xff"}, id="binary"),
    pytest.param({"M": {"a": {"L": [{"B": b"\xff"}, {"BS": [b"1", b"2"]}]}}}, id="nested"),
    pytest.param('{"holder": "deploy bot"}', id="foreign"),
    pytest.param(lock_json(Who="\x1b[2J\u202eroot@h & <b>", Extra='"\\'), id="escapes"),
    pytest.param("x" * 380_000, id="as large as an item can be"),
]


@pytest.fixture
def backend(aws: EmbeddedAws) -> EmbeddedAws:
    aws.create_backend(BUCKET, TABLE)
    return aws


def lock_of(reading: Reading) -> StoredLock:
    assert isinstance(reading, Held), reading
    return reading.lock


def item_lock(store: AwsLockStore) -> StoredLock:
    return lock_of(store.look().dynamodb)


def file_lock(store: AwsLockStore) -> StoredLock:
    return lock_of(store.look().s3)


def delete_while(
    aws: EmbeddedAws, action: str, store: AwsLockStore, lock: StoredLock, swap: Callable[[], Any]
) -> DeleteAnswer:
    """Delete `lock`, and run `swap` while the request is on its way."""
    answers: list[DeleteAnswer] = []
    with aws.hold(action) as held:
        thread = threading.Thread(target=lambda: answers.append(store.delete(lock)))
        thread.start()
        held.wait()
        swap()
        held.release()
        thread.join(20)
    return answers[0]


@pytest.mark.parametrize("info", EVERY_INFO)
def test_s3_an_item_of_any_shape_goes_when_it_is_what_was_read(backend: EmbeddedAws, info: Any) -> None:
    put_item(backend, info)
    store = make_store(backend)
    assert store.delete(item_lock(store)) == DeleteAnswer(outcome=DeleteOutcome.DELETED)
    assert get_item(backend) is None


@pytest.mark.parametrize("info", EVERY_INFO)
def test_s3_an_item_that_became_another_lock_stays(backend: EmbeddedAws, info: Any) -> None:
    put_item(backend, info)
    store = make_store(backend)
    lock = item_lock(store)
    put_item(backend, lock_json(SECOND))
    answer = store.delete(lock)
    assert (answer.outcome, answer.code) == (DeleteOutcome.CHANGED, "ConditionalCheckFailedException")
    assert SECOND in answer.message
    assert get_item(backend)["Info"]["S"] == lock_json(SECOND)


def test_s3_the_same_text_with_another_type_is_another_lock(backend: EmbeddedAws) -> None:
    put_item(backend, "5")
    store = make_store(backend)
    lock = item_lock(store)
    put_item(backend, {"N": "5"})
    assert store.delete(lock).outcome is DeleteOutcome.CHANGED
    assert get_item(backend) is not None


def test_s3_an_item_without_info_is_not_one_with_an_empty_info(backend: EmbeddedAws) -> None:
    put_item(backend, None)
    store = make_store(backend)
    lock = item_lock(store)
    put_item(backend, "")
    assert store.delete(lock).outcome is DeleteOutcome.CHANGED
    assert get_item(backend) is not None


def test_s3_the_same_lock_written_with_other_bytes_is_not_what_was_read(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    lock = item_lock(store)
    put_item(backend, lock_json().replace(",", ", "))
    assert store.delete(lock).outcome is DeleteOutcome.CHANGED
    assert get_item(backend) is not None


def test_s3_an_item_that_left_is_changed_not_deleted_by_us(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    lock = item_lock(store)
    backend.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": LOCK_ID}})
    answer = store.delete(lock)
    assert (answer.outcome, answer.message) == (DeleteOutcome.CHANGED, "there is no lock item any more")


def test_s3_a_lock_that_replaces_the_item_on_the_way_survives(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    swap = lambda: put_item(backend, lock_json(SECOND))  # noqa: E731 - read beside its use
    answer = delete_while(backend, "DeleteItem", store, item_lock(store), swap)
    assert answer.outcome is DeleteOutcome.CHANGED
    assert SECOND in answer.message
    assert item_lock(store).identity == SECOND


def test_s3_a_lockfile_goes_when_it_is_what_was_read(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"{}")
    store = make_store(backend)
    lock = file_lock(store)
    assert store.delete(lock) == DeleteAnswer(outcome=DeleteOutcome.DELETED)
    assert object_keys(backend) == [KEY]
    (call,) = backend.called("DeleteObject")
    assert call.headers["if-match"] == lock.etag


def test_s3_a_lockfile_that_replaces_it_on_the_way_survives(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    swap = lambda: put_lockfile(backend, lock_json(SECOND))  # noqa: E731 - read beside its use
    answer = delete_while(backend, "DeleteObject", store, file_lock(store), swap)
    assert answer.outcome is DeleteOutcome.CHANGED
    assert file_lock(store).identity == SECOND


def test_s3_a_lockfile_that_left_is_changed(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    lock = file_lock(store)
    backend.client("s3").delete_object(Bucket=BUCKET, Key=KEY + ".tflock")
    assert store.delete(lock).outcome is DeleteOutcome.CHANGED


def test_s3_in_a_versioned_bucket_the_old_lock_stays_as_evidence(aws: EmbeddedAws) -> None:
    aws.create_backend(BUCKET, TABLE, versioned=True)
    put_lockfile(aws, lock_json())
    store = make_store(aws)
    lock = file_lock(store)
    assert store.delete(lock).outcome is DeleteOutcome.DELETED
    assert store.look().s3 == Free()
    versions = aws.client("s3").list_object_versions(Bucket=BUCKET)["Versions"]
    assert [version["VersionId"] for version in versions] == [lock.version_id]


def test_s3_an_endpoint_that_may_ignore_if_match_is_sent_nothing(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    store = make_store(backend, known=False)
    answer = store.delete(file_lock(store))
    assert answer.outcome is DeleteOutcome.UNSUPPORTED
    assert backend.called("DeleteObject") == []
    put_item(backend, lock_json())
    assert store.delete(item_lock(store)).outcome is DeleteOutcome.DELETED


@pytest.mark.parametrize(
    ("endpoint", "honours"),
    [
        (None, True),
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("http://s3.eu-west-1.amazonaws.com", False),
        ("https://amazonaws.com.evil.example", False),
        ("https://evilamazonaws.com", False),
        ("https://minio.internal:9000", False),
    ],
)
def test_s3_only_endpoints_of_aws_are_taken_for_aws(endpoint: str | None, *, honours: bool) -> None:
    assert honours_if_match(endpoint) is honours


def test_s3_an_endpoint_that_the_user_knows_honours_it_however_it_is_written() -> None:
    assert honours_if_match("https://minio.internal:9000", ["https://minio.internal:9000/"])


def test_s3_a_lost_reply_is_unknown_although_the_item_is_gone(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    lock = item_lock(store)
    backend.drop_reply("DeleteItem")
    assert store.delete(lock).outcome is DeleteOutcome.UNKNOWN
    assert len(backend.called("DeleteItem")) == 1
    assert get_item(backend) is None


def test_s3_a_lost_reply_is_unknown_although_the_lockfile_is_gone(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    lock = file_lock(store)
    backend.drop_reply("DeleteObject")
    assert store.delete(lock).outcome is DeleteOutcome.UNKNOWN
    assert len(backend.called("DeleteObject")) == 1
    assert object_keys(backend) == []


@pytest.mark.parametrize(("store_kind", "action"), [(Store.DYNAMODB, "DeleteItem"), (Store.S3, "DeleteObject")])
def test_s3_a_delete_is_tried_once_whatever_goes_wrong(backend: EmbeddedAws, store_kind: Store, action: str) -> None:
    put_item(backend, lock_json())
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    lock = lock_of(store.look().reading(store_kind))
    backend.fail(action, times=1)
    assert store.delete(lock).outcome is DeleteOutcome.UNKNOWN
    backend.throttle(action, times=1)
    assert store.delete(lock).outcome is DeleteOutcome.UNKNOWN
    assert len(backend.called(action)) == 2
    assert store.look().held


@pytest.mark.parametrize(("store_kind", "action"), [(Store.DYNAMODB, "DeleteItem"), (Store.S3, "DeleteObject")])
def test_a_denied_delete_says_who_may_not_what(backend: EmbeddedAws, store_kind: Store, action: str) -> None:
    put_item(backend, lock_json())
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    lock = lock_of(store.look().reading(store_kind))
    backend.deny(action)
    answer = store.delete(lock)
    assert answer.outcome is DeleteOutcome.DENIED
    assert f"{action} action" in answer.message
    assert store.look().held


def test_s2_the_key_is_computed_from_the_address(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json(Path="acme-tfstate/billing/terraform.tfstate"))
    store = make_store(backend)
    store.delete(item_lock(store))
    (call,) = backend.called("DeleteItem")
    assert call.json["Key"] == {"LockID": {"S": LOCK_ID}}


def test_s2_the_digest_and_the_state_survive_a_delete_of_both_locks(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    put_lockfile(backend, lock_json())
    digest = {"LockID": {"S": LOCK_ID + "-md5"}, "Digest": {"S": "ab" * 16}}
    backend.client("dynamodb").put_item(TableName=TABLE, Item=digest)
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"{}")
    store = make_store(backend)
    for lock in store.look().locks:
        assert store.delete(lock).outcome is DeleteOutcome.DELETED
    assert get_item(backend, LOCK_ID + "-md5") == digest
    assert object_keys(backend) == [KEY]


def test_s2_an_item_with_a_digest_is_never_deleted(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json(), Digest={"S": "ab" * 16})
    store = make_store(backend)
    answer = store.delete(item_lock(store))
    assert answer.outcome is DeleteOutcome.CHANGED
    assert "digest" in answer.message
    assert get_item(backend) is not None


@pytest.mark.parametrize("key", ["a/b-md5", "a/b.tflock"])
def test_s2_no_address_has_the_key_of_a_digest_or_a_lockfile(key: str) -> None:
    with pytest.raises(AddressError):
        StateAddress(bucket=BUCKET, key=key, region=REGION, table=TABLE)


class _Disguised:
    """What an address would be if its own checks were gone."""

    bucket, state_key, table = BUCKET, "a/b-md5", TABLE
    lock_id, lockfile_key = f"{BUCKET}/a/b-md5", "a/b-md5"


def test_s2_a_key_that_is_not_a_locks_is_refused_once_more_before_it_is_sent() -> None:
    disguised: Any = _Disguised()
    with pytest.raises(ValueError, match="nothing is deleted"):
        lock_item_key(disguised)
    with pytest.raises(ValueError, match="nothing is deleted"):
        lockfile_key(disguised)


def test_s2_a_lock_of_a_table_that_the_address_lacks_is_refused(backend: EmbeddedAws) -> None:
    lock = StoredLock.read(Store.DYNAMODB, lock_json().encode(), attribute="{}")
    with pytest.raises(ValueError, match="nothing is deleted"):
        make_store(backend, dynamodb_table=None).delete(lock)
    assert backend.called("DeleteItem") == []


def test_s3_a_lockfile_without_an_etag_is_refused(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    with pytest.raises(ValueError, match="ETag"):
        store.delete(msgspec.structs.replace(file_lock(store), etag=None))
    assert backend.called("DeleteObject") == []


def test_the_command_for_an_item_carries_condition_raw_value_and_place(backend: EmbeddedAws) -> None:
    put_item(backend, "lock me")
    store = make_store(backend)
    assert store.delete_command(item_lock(store)) == (
        "aws",
        "dynamodb",
        "delete-item",
        "--table-name",
        TABLE,
        "--key",
        '{"LockID":{"S":"acme-tfstate/network/terraform.tfstate"}}',
        "--condition-expression",
        "attribute_exists(LockID) AND attribute_not_exists(Digest) AND Info = :raw",
        "--expression-attribute-values",
        '{":raw":{"S":"lock me"}}',
        "--return-values-on-condition-check-failure",
        "ALL_OLD",
        "--region",
        REGION,
        "--endpoint-url",
        backend.endpoint,
    )


def test_the_command_for_an_item_without_info_asks_for_its_absence(backend: EmbeddedAws) -> None:
    put_item(backend, None)
    store = make_store(backend)
    command = store.delete_command(item_lock(store))
    assert "--expression-attribute-values" not in command
    assert any(argument.endswith("AND attribute_not_exists(Info)") for argument in command)


def test_the_command_holds_no_character_that_a_terminal_obeys(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json(Who="\x1b[2J\u202e"))
    store = make_store(backend)
    assert all(argument.isascii() and argument.isprintable() for argument in store.delete_command(item_lock(store)))


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the aws command")
@pytest.mark.parametrize("info", [lock_json(Who="o'brien@h\x1b[2J"), None])
def test_the_commands_do_what_they_say(backend: EmbeddedAws, info: Any) -> None:
    put_item(backend, info)
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    commands = [store.delete_command(lock) for lock in store.look().locks]
    environ = backend.environ(AWS_CLI_FILE_ENCODING="utf-8")
    for command in commands:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert store.look().free


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the aws command")
def test_the_command_refuses_a_lock_that_changed(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    put_lockfile(backend, lock_json())
    store = make_store(backend)
    commands = [store.delete_command(lock) for lock in store.look().locks]
    put_item(backend, lock_json(SECOND))
    put_lockfile(backend, lock_json(SECOND))
    for command in commands:
        done = subprocess.run(command, env=backend.environ(), capture_output=True, check=False)
        assert done.returncode != 0
    assert store.look().identities == (SECOND,)


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the aws command")
def test_a_deleted_lock_comes_back_by_the_command_but_never_over_another(backend: EmbeddedAws, tmp_path: Any) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    lock = item_lock(store)
    backup = tmp_path / "backup-1-dynamodb.json"
    backup.write_text(msgspec.json.encode({"LockID": {"S": LOCK_ID}, "Info": {"S": lock.raw}}).decode())
    command = restore_command(store.look().address, lock.store, str(backup))
    assert subprocess.run(command, env=backend.environ(), capture_output=True, check=False).returncode != 0
    store.delete(lock)
    assert subprocess.run(command, env=backend.environ(), capture_output=True, check=False).returncode == 0
    assert item_lock(store).identity == FIRST
