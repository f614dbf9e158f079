"""Looking at both stores: what each shape of lock becomes, and that what cannot be read never counts as free."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aws import ACCOUNT, REGION
from tests.support.locks import (
    BUCKET,
    FIRST,
    KEY,
    LOCK_ID,
    SECOND,
    TABLE,
    get_item,
    lock_json,
    make_backend,
    make_clients,
    make_store,
    put_item,
    put_lockfile,
)
from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Digest, Free, Held, NotChecked, Reading, StateObject, Store, StoredLock, TableFacts
from tuirunbook.core.values import Caller, StateContent
from tuirunbook.locks import AwsLockStore

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws
    from tuirunbook.walk.ports import LockStore


@pytest.fixture
def backend(aws: EmbeddedAws) -> EmbeddedAws:
    aws.create_backend(BUCKET, TABLE)
    return aws


def lock_of(reading: Reading) -> StoredLock:
    assert isinstance(reading, Held), reading
    return reading.lock


def why_of(value: object) -> NotChecked:
    assert isinstance(value, NotChecked), value
    return value


def test_importing_the_room_imports_no_aws_library() -> None:
    code = "import sys, tuirunbook.locks; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_store_is_what_a_walk_asks_for(backend: EmbeddedAws) -> None:
    port: LockStore = make_store(backend)  # the type checker is the judge
    assert port.look().free


def test_a_free_state_is_free_in_both_stores(backend: EmbeddedAws) -> None:
    snapshot = make_store(backend).look()
    assert snapshot.free
    assert snapshot.dynamodb == snapshot.s3 == Free()
    assert snapshot.digest == Digest(md5=None)
    assert snapshot.state == StateObject(exists=False)
    assert snapshot.table == TableFacts(status="ACTIVE", key_schema="LockID HASH S")


def test_one_lock_in_both_stores_is_one_lock(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    etag = put_lockfile(backend, lock_json())
    snapshot = make_store(backend).look()
    assert snapshot.identities == (FIRST,)
    assert lock_of(snapshot.s3).etag == etag
    assert lock_of(snapshot.s3).last_modified
    assert lock_of(snapshot.dynamodb).raw == lock_of(snapshot.s3).raw == lock_json()


def test_state_and_digest_are_read_with_the_lock(backend: EmbeddedAws) -> None:
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"{}")
    backend.client("dynamodb").put_item(
        TableName=TABLE, Item={"LockID": {"S": LOCK_ID + "-md5"}, "Digest": {"S": "ab" * 16}}
    )
    snapshot = make_store(backend).look()
    assert snapshot.digest == Digest(md5="ab" * 16)
    assert isinstance(snapshot.state, StateObject)
    assert snapshot.state.exists
    assert snapshot.state.size == 2


def test_dynamodb_is_asked_first_and_told_before_the_rest(backend: EmbeddedAws) -> None:
    told: list[tuple[Store, int]] = []
    make_store(backend).look(lambda store, _: told.append((store, len(backend.called("GetObject")))))
    assert told == [(Store.DYNAMODB, 0), (Store.S3, 1)]


def test_reads_of_the_table_are_consistent(backend: EmbeddedAws) -> None:
    make_store(backend).look()
    assert [call.json["ConsistentRead"] for call in backend.called("GetItem")] == [True, True]


@pytest.mark.parametrize(
    ("info", "unreadable"),
    [
        pytest.param("lock me", "it is not JSON", id="malformed"),
        pytest.param("", "it is empty", id="empty"),
        pytest.param(None, "the item has no Info", id="missing"),
        pytest.param({"N": "5"}, "its Info is a number, not text", id="number"),
        pytest.param({"B": lock_json().encode()}, "its Info is binary, not text", id="binary"),
        pytest.param({"M": {"a": {"L": [{"B": b"\xff"}]}}}, "its Info is a map, not text", id="map"),
        pytest.param({"NULL": True}, "its Info is null, not text", id="null"),
        pytest.param('{"holder": "deploy bot"}', "its ID is not a lock ID", id="foreign"),
        pytest.param(lock_json("-no-color"), "its ID is not a lock ID", id="a flag for an ID"),
        pytest.param("x" * 380_000, "it is not JSON", id="as large as an item can be"),
    ],
)
def test_an_unreadable_item_is_a_lock_with_an_identity(backend: EmbeddedAws, info: Any, unreadable: str) -> None:
    put_item(backend, info)
    lock = lock_of(make_store(backend).look().dynamodb)
    assert lock.info is None
    assert lock.unreadable is not None
    assert unreadable in lock.unreadable
    assert lock.identity == f"sha256:{lock.sha256}"
    assert (lock.attribute is None) == (info is None)


def test_different_unreadable_values_are_different_locks(backend: EmbeddedAws) -> None:
    store, identities = make_store(backend), set()
    for info in ({"N": "5"}, {"N": "6"}, {"B": b"5"}, "5", None):
        put_item(backend, info)
        identities.add(lock_of(store.look().dynamodb).identity)
    assert len(identities) == 5


def test_binary_is_kept_in_base64_as_on_the_wire(backend: EmbeddedAws) -> None:
    put_item(backend, {"B": b"\x00\xff"})
    wire = lock_of(make_store(backend).look().dynamodb).attribute
    assert wire == '{"B": "AP8="}'


def test_other_attributes_are_named(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json(), Digest={"S": "00"}, Owner={"S": "team"})
    assert lock_of(make_store(backend).look().dynamodb).extra == ("Digest", "Owner")


def test_escape_sequences_stay_as_they_are_in_the_raw_lock(backend: EmbeddedAws) -> None:
    evil = lock_json(Who="\x1b]0;owned\x07root@h")
    put_item(backend, evil)
    lock = lock_of(make_store(backend).look().dynamodb)
    assert lock.raw == evil
    assert lock.info is not None
    assert lock.info.who.startswith("\x1b")


def test_a_lockfile_that_is_no_text_is_an_unreadable_lock(backend: EmbeddedAws) -> None:
    put_lockfile(backend, b"\xff\xfe\x00")
    lock = lock_of(make_store(backend).look().s3)
    assert lock.unreadable
    assert lock.raw.encode("utf-8", "surrogateescape") == b"\xff\xfe\x00"


def test_a_huge_lockfile_is_read_up_to_the_limit(backend: EmbeddedAws) -> None:
    put_lockfile(backend, b"{" + b" " * 3_000_000)
    lock = lock_of(make_store(backend).look().s3)
    assert lock.size == 3_000_001
    assert len(lock.raw) == 1024 * 1024
    assert lock.unreadable == "it is 3000001 bytes long; no lock is"


def test_the_lockfile_is_looked_for_although_the_backend_names_none(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    snapshot = make_store(backend, use_lockfile=None).look()
    assert lock_of(snapshot.s3).identity == FIRST


def test_a_table_that_is_not_configured_is_not_checked(backend: EmbeddedAws) -> None:
    snapshot = make_store(backend, dynamodb_table=None).look()
    assert why_of(snapshot.dynamodb).code == "not-configured"
    assert why_of(snapshot.digest).code == "not-configured"
    assert snapshot.table is None
    assert backend.called("GetItem") == []


def test_a_lockfile_that_is_neither_configured_nor_readable_is_not_checked(backend: EmbeddedAws) -> None:
    backend.deny("GetObject")
    snapshot = make_store(backend, use_lockfile=None).look()
    assert why_of(snapshot.s3).code == "AccessDenied"
    assert snapshot.free


def test_a_versioned_lockfile_names_its_version(aws: EmbeddedAws) -> None:
    aws.create_backend(BUCKET, TABLE, versioned=True)
    put_lockfile(aws, lock_json())
    assert lock_of(make_store(aws).look().s3).version_id


def test_a_delete_marker_is_no_lock(aws: EmbeddedAws) -> None:
    aws.create_backend(BUCKET, TABLE, versioned=True)
    put_lockfile(aws, lock_json())
    aws.client("s3").delete_object(Bucket=BUCKET, Key=KEY + ".tflock")
    assert make_store(aws).look().s3 == Free()


def test_denied_reads_are_not_checked_and_the_rest_is_still_read(backend: EmbeddedAws) -> None:
    put_lockfile(backend, lock_json())
    backend.deny("GetItem")
    backend.deny("HeadObject")
    backend.deny("DescribeTable")
    snapshot = make_store(backend).look()
    assert not snapshot.free
    assert why_of(snapshot.dynamodb).code == "AccessDeniedException"
    assert "dynamodb:GetItem" in why_of(snapshot.dynamodb).why
    assert why_of(snapshot.state).code == "403"
    assert why_of(snapshot.table).code == "AccessDeniedException"
    assert lock_of(snapshot.s3).identity == FIRST


def test_a_missing_table_and_a_missing_bucket_are_not_free(aws: EmbeddedAws) -> None:
    snapshot = make_store(aws).look()
    assert why_of(snapshot.dynamodb).why == f"the lock table {TABLE} does not exist in {REGION}"
    assert why_of(snapshot.s3).code == why_of(snapshot.state).code == "NoSuchBucket"


def test_throttling_is_tried_twice_and_then_said(backend: EmbeddedAws) -> None:
    backend.throttle("GetItem", times=2)
    assert "throttling" in why_of(make_store(backend).look().dynamodb).why
    assert len(backend.called("GetItem")) == 3  # two tries, and the digest


def test_without_credentials_nothing_is_sent_and_every_answer_says_so(backend: EmbeddedAws) -> None:
    environ = backend.environ()
    del environ["AWS_ACCESS_KEY_ID"]
    snapshot = make_store(backend, environ=environ).look()
    for value in (snapshot.dynamodb, snapshot.s3, snapshot.digest, snapshot.state, snapshot.table):
        assert why_of(value).code in {"NoCredentialsError", "PartialCredentialsError"}
    assert backend.called("GetItem") == []


def test_an_unreachable_network_is_asked_once_per_service(backend: EmbeddedAws) -> None:
    environ = backend.environ(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    snapshot = make_store(backend, environ=environ).look()
    assert why_of(snapshot.dynamodb).code == "EndpointConnectionError"
    assert "network" in why_of(snapshot.s3).advice
    assert snapshot.address.dynamodb_endpoint == "http://127.0.0.1:9"


def test_expired_keys_say_so(backend: EmbeddedAws) -> None:
    backend.deny("GetItem", code="ExpiredTokenException")
    assert why_of(make_store(backend).look().dynamodb).why == "the credentials have expired"


def test_the_table_is_described_once_a_minute(backend: EmbeddedAws) -> None:
    now = [datetime(2026, 11, 23, tzinfo=UTC)]
    made = make_clients(backend, make_backend())
    address = StateAddress(bucket=BUCKET, key=KEY, region=REGION, table=TABLE)
    store = AwsLockStore(address, made, clock=lambda: now[0])
    store.look()
    assert store.look().taken_at == now[0]
    assert len(backend.called("DescribeTable")) == 1
    now[0] += timedelta(seconds=61)
    store.look()
    assert len(backend.called("DescribeTable")) == 2


def test_the_customer_key_goes_with_reads_only_when_the_backend_encrypts(backend: EmbeddedAws) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    make_store(backend, sse_customer_key=key).look()
    make_store(backend, sse_customer_key=key, encrypt=True).look()
    sent = [call.headers.get("x-amz-server-side-encryption-customer-key") for call in backend.called("GetObject")]
    assert sent == [None, key]
    heads = [call.headers.get("x-amz-server-side-encryption-customer-key") for call in backend.called("HeadObject")]
    assert heads == [None, key]


def test_s15_the_address_knows_account_and_caller_once_they_were_asked(backend: EmbeddedAws) -> None:
    store = make_store(backend)
    assert store.address.account is None
    caller = store.identify()
    assert isinstance(caller, Caller)
    assert caller.account == ACCOUNT
    address = store.look().address
    assert (address.account, address.caller) == (ACCOUNT, caller.arn)
    assert store.address.s3_endpoint == store.address.dynamodb_endpoint == backend.endpoint
    assert store.identify() is caller
    assert len(backend.called("GetCallerIdentity")) == 1


def test_s15_a_refused_identity_is_asked_again(backend: EmbeddedAws) -> None:
    store = make_store(backend)
    rule = backend.deny("GetCallerIdentity")
    assert why_of(store.identify()).code == "AccessDenied"
    backend.remove(rule)
    assert isinstance(store.identify(), Caller)


def test_the_alias_is_told_where_it_may_be_read(backend: EmbeddedAws) -> None:
    backend.client("iam").create_account_alias(AccountAlias="acme-prod")
    caller = make_store(backend).identify()
    assert isinstance(caller, Caller)
    assert caller.alias == "acme-prod"
    store = make_store(backend)
    for _ in range(3):
        again = store.identify(again=True)
        assert isinstance(again, Caller)
        assert again.alias == "acme-prod"
    assert len(backend.called("ListAccountAliases")) == 2
    backend.deny("iam:*")
    other = make_store(backend).identify()
    assert isinstance(other, Caller)
    assert other.alias is None


@pytest.mark.parametrize("flag", ["skip_requesting_account_id", "skip_credentials_validation"])
def test_s15_an_account_that_the_backend_skips_is_not_checked(backend: EmbeddedAws, flag: str) -> None:
    arguments: dict[str, Any] = {flag: True}
    store = make_store(backend, **arguments)
    assert flag in why_of(store.identify()).why
    assert store.address.account is None
    assert backend.called("GetCallerIdentity") == []


@pytest.mark.parametrize("arguments", [{"allowed_account_ids": ["111"]}, {"forbidden_account_ids": [ACCOUNT]}])
def test_s15_an_account_that_the_backend_does_not_allow_is_not_checked(
    backend: EmbeddedAws, arguments: dict[str, Any]
) -> None:
    store = make_store(backend, **arguments)
    assert ACCOUNT in why_of(store.identify()).why
    assert store.address.account is None


def test_expiry_is_told_when_the_credentials_have_one(backend: EmbeddedAws) -> None:
    store = make_store(backend, assume_role={"role_arn": f"arn:aws:iam::{ACCOUNT}:role/on-call", "session_name": "me"})
    caller = store.identify()
    assert isinstance(caller, Caller)
    assert caller.expires_at is not None
    assert caller.expires_at.endswith("Z")
    assert caller.role == "on-call"


def test_lock_ids_leave_digests_out_and_read_all_pages(backend: EmbeddedAws) -> None:
    table = backend.client("dynamodb")
    for number in range(4):
        padding = {"Info": {"S": "x" * 390_000}}
        table.put_item(TableName=TABLE, Item={"LockID": {"S": f"b/{number}"}} | padding)
    table.put_item(TableName=TABLE, Item={"LockID": {"S": "b/0-md5"}})
    put_lockfile(backend, lock_json())
    assert make_store(backend).lock_ids() == (LOCK_ID, "b/0", "b/1", "b/2", "b/3")
    assert make_store(backend, use_lockfile=None).lock_ids() == ("b/0", "b/1", "b/2", "b/3")
    scans = backend.called("Scan")
    assert len(scans) > 2
    assert {scan.json["ProjectionExpression"] for scan in scans} == {"LockID"}
    assert all(scan.json["ConsistentRead"] for scan in scans)


def test_lock_ids_that_cannot_be_listed_are_not_an_empty_list(backend: EmbeddedAws) -> None:
    backend.deny("Scan")
    assert why_of(make_store(backend).lock_ids()).code == "AccessDeniedException"
    assert why_of(make_store(backend, dynamodb_table=None, use_lockfile=None).lock_ids()).code == "not-configured"
    put_lockfile(backend, lock_json())
    assert make_store(backend).lock_ids() == (LOCK_ID,)


def test_state_content_is_hashed_and_its_head_read(backend: EmbeddedAws) -> None:
    body = b'{"version":4,"serial":17,"lineage":"l-1","resources":[{"a":1},{"b":[2]}],"outputs":{"p":"secret"}}'
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    content = make_store(backend).state_content()
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert content == StateContent(md5=md5, serial=17, lineage="l-1", resources=2, version_id=None)


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"serial":"x"}', b"\xff\xff"])
def test_content_that_is_no_state_has_only_an_md5(backend: EmbeddedAws, body: bytes) -> None:
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    assert make_store(backend).state_content() == StateContent(md5=hashlib.md5(body, usedforsecurity=False).hexdigest())


def test_no_state_and_an_empty_one_have_no_md5(backend: EmbeddedAws) -> None:
    assert make_store(backend).state_content() == StateContent(md5=None)
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"")
    assert make_store(backend).state_content() == StateContent(md5=None)


def test_a_state_above_the_limit_is_only_hashed(backend: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuirunbook.locks.reading.STATE_LIMIT", 10)
    body = b'{"serial":17,"lineage":"l-1"}'
    backend.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    assert make_store(backend).state_content() == StateContent(md5=hashlib.md5(body, usedforsecurity=False).hexdigest())


def test_a_lock_that_changed_hands_is_read_as_it_is_now(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    store = make_store(backend)
    assert store.look().identities == (FIRST,)
    put_item(backend, lock_json(SECOND))
    assert store.look().identities == (SECOND,)
    assert get_item(backend)["Info"]["S"] == lock_json(SECOND)
