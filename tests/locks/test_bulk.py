"""Many states at once: each row says what is known about it, and none waits for or suffers from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aws import REGION
from tests.support.locks import BUCKET, TABLE, lock_json, make_clients
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.lock import Free, Held, LockSnapshot, NotChecked
from tuirunbook.locks.bulk import ATTEMPTS, BulkReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.aws import EmbeddedAws
    from tuirunbook.locks import Clients


@pytest.fixture
def backend(aws: EmbeddedAws) -> EmbeddedAws:
    aws.create_backend(BUCKET, TABLE)
    return aws


def root(key: str, **arguments: object) -> RootModule:
    given = {"bucket": BUCKET, "key": key, "region": REGION, "dynamodb_table": TABLE} | arguments
    given = {name: value for name, value in given.items() if value is not None}
    return RootModule(directory=None, name=key, backend=Backend(type="s3", arguments=given))


def lock(aws: EmbeddedAws, key: str) -> None:
    item = {"LockID": {"S": f"{BUCKET}/{key}"}, "Info": {"S": lock_json()}}
    aws.client("dynamodb").put_item(TableName=TABLE, Item=item)


def reader(
    aws: EmbeddedAws, environ: Mapping[str, str] | None = None, wrap: Callable[[Clients], Clients] = lambda one: one
) -> tuple[BulkReader, list[float]]:
    pauses: list[float] = []

    def clients_for(one: RootModule) -> Clients:
        if one.name == "refused":
            raise ValueError("it needs trust")
        return wrap(make_clients(aws, one.backend, environ))

    return BulkReader(clients_for, sleep=pauses.append), pauses


def read(one: BulkReader, *roots: RootModule) -> list[LockSnapshot]:
    found = dict(one.read(roots))
    assert sorted(found) == list(range(len(roots)))
    return [found[number] for number in range(len(roots))]


class Halving:
    """A client whose table answers no more than `most` keys a time."""

    def __init__(self, client: Any, most: int) -> None:
        self._client = client
        self._most = most
        self.requests = 0

    def batch_get_item(self, **arguments: Any) -> Any:
        self.requests += 1
        ((table, wanted),) = arguments["RequestItems"].items()
        keys, left = wanted["Keys"][: self._most], wanted["Keys"][self._most :]
        answer: dict[str, Any] = {"Responses": {table: []}, "UnprocessedKeys": {}}
        if keys:
            answer = self._client.batch_get_item(RequestItems={table: {**wanted, "Keys": keys}})
        if left:
            answer["UnprocessedKeys"] = {table: {**wanted, "Keys": left}}
        return answer


def halved(most: int) -> tuple[Callable[[Clients], Clients], list[Halving]]:
    made: list[Halving] = []

    def wrap(clients: Clients) -> Clients:
        real = clients.dynamodb

        def dynamodb() -> Any:
            made.append(Halving(real(), most))
            return made[-1]

        clients.dynamodb = dynamodb  # type: ignore[method-assign]
        return clients

    return wrap, made


def test_keys_that_the_table_left_out_are_asked_for_again(backend: EmbeddedAws) -> None:
    lock(backend, "k3")
    wrap, _ = halved(2)
    one, pauses = reader(backend, wrap=wrap)
    found = read(one, *(root(f"k{number}") for number in range(4)))
    assert [snapshot.held for snapshot in found] == [False, False, False, True]
    assert all(snapshot.free for snapshot in found[:3])
    assert len(pauses) == 1


def test_what_is_never_answered_is_not_known_and_never_free(backend: EmbeddedAws) -> None:
    wrap, made = halved(0)
    one, pauses = reader(backend, wrap=wrap)
    (snapshot,) = read(one, root("k"))
    assert isinstance(snapshot.dynamodb, NotChecked)
    assert not snapshot.free
    assert made[0].requests == ATTEMPTS
    assert pauses == sorted(pauses) or len(pauses) == ATTEMPTS - 1


def test_a_table_that_is_throttled_for_good_says_so(backend: EmbeddedAws) -> None:
    backend.throttle("BatchGetItem")
    (snapshot,) = read(reader(backend)[0], root("k"))
    assert isinstance(snapshot.dynamodb, NotChecked)
    assert snapshot.dynamodb.code == "ThrottlingException"


def test_two_states_at_one_place_are_one_key_and_two_answers(backend: EmbeddedAws) -> None:
    lock(backend, "k")
    assert all(snapshot.held for snapshot in read(reader(backend)[0], root("k"), root("k")))
    (call,) = backend.called("BatchGetItem")
    assert len(call.json["RequestItems"][TABLE]["Keys"]) == 1
    assert call.json["RequestItems"][TABLE]["ConsistentRead"] is True


def test_a_missing_table_and_a_missing_bucket_spoil_their_own_rows_only(backend: EmbeddedAws) -> None:
    lock(backend, "a")
    good, table, bucket = read(
        reader(backend)[0],
        root("a"),
        root("b", dynamodb_table="gone"),
        root("c", bucket="gone", dynamodb_table=None, use_lockfile=True),
    )
    assert good.held
    assert isinstance(table.dynamodb, NotChecked)
    assert isinstance(bucket.s3, NotChecked)


def test_a_state_that_nobody_may_read_says_why(backend: EmbeddedAws) -> None:
    refused, good = read(reader(backend)[0], root("refused"), root("b"))
    assert isinstance(refused.dynamodb, NotChecked)
    assert refused.dynamodb.why == "it needs trust"
    assert good.free


def test_states_with_the_same_settings_share_their_clients(backend: EmbeddedAws) -> None:
    one, _ = reader(backend)
    callers = [caller for _, _, caller in one.callers([root("a"), root("b"), root("c", region="us-east-1")])]
    assert callers[0] is callers[1]
    assert callers[0] is not callers[2]


def test_both_stores_of_a_dual_backend_are_read(backend: EmbeddedAws) -> None:
    lock(backend, "k")
    (snapshot,) = read(reader(backend)[0], root("k", use_lockfile=True))
    assert isinstance(snapshot.dynamodb, Held)
    assert isinstance(snapshot.s3, Free)


def test_a_slow_answer_keeps_no_other_back(backend: EmbeddedAws) -> None:
    one, _ = reader(backend)
    with backend.hold("GetObject", match="slow") as held:
        answers = one.read([root("slow", dynamodb_table=None, use_lockfile=True), root("fast")])
        assert next(answers)[0] == 1
        held.release()
        assert next(answers)[0] == 0


def test_an_account_that_is_slow_to_sign_in_keeps_no_other_back(backend: EmbeddedAws) -> None:
    one, _ = reader(backend)
    role = {"role_arn": "arn:aws:iam::123456789012:role/slow"}
    with backend.hold("AssumeRole") as held:
        answers = one.read([root("slow", assume_role=role), root("fast")])
        assert next(answers)[0] == 1
        held.release()
        number, snapshot = next(answers)
        assert (number, snapshot.free) == (0, True)


def test_who_was_not_signed_in_is_asked_again_at_the_next_look(backend: EmbeddedAws) -> None:
    one, _ = reader(backend)
    rule = backend.deny("BatchGetItem", code="ExpiredTokenException")
    assert not read(one, root("k"))[0].free
    backend.remove(rule)
    assert read(one, root("k"))[0].free


def test_a_host_that_cannot_be_reached_is_not_tried_for_every_state(backend: EmbeddedAws) -> None:
    environ = backend.environ(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    roots = [root(f"k{number}", dynamodb_table=None, use_lockfile=True) for number in range(60)]
    found = read(reader(backend, environ)[0], *roots)
    assert all(isinstance(snapshot.s3, NotChecked) for snapshot in found)


def test_no_credentials_cost_no_calls(backend: EmbeddedAws) -> None:
    environ = {**backend.environ(), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    before = len(backend.calls)
    (snapshot,) = read(reader(backend, environ)[0], root("k", use_lockfile=True))
    assert isinstance(snapshot.dynamodb, NotChecked)
    assert snapshot.dynamodb.code == "NoCredentialsError"
    assert len(backend.calls) == before
