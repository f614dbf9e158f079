"""The AWS that the other tests lean on does what they count on."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.support.aws import ACCOUNT

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

ITEM: Any = {"LockID": {"S": "b/k"}}


@pytest.fixture
def operator(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make clients that the rules apply to."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    environ = aws.environ()
    for name in ("AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, environ[name])
    made = []

    def make(service: Any) -> Any:
        made.append(
            boto3.client(
                service,
                region_name=environ["AWS_REGION"],
                aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1}),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_it_answers_dynamodb_s3_and_sts_and_records_the_calls(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme", "locks", versioned=True)
    operator("dynamodb").put_item(TableName="locks", Item=ITEM)
    operator("s3").put_object(Bucket="acme", Key="a/b", Body=b"x" * 2_000_000)
    assert operator("s3").head_object(Bucket="acme", Key="a/b")["ContentLength"] == 2_000_000
    assert operator("sts").get_caller_identity()["Account"] == ACCOUNT
    (put,) = aws.called("PutItem")
    assert put.service == "dynamodb"
    assert put.json == {"TableName": "locks", "Item": ITEM}
    assert [call.path for call in aws.called("HeadObject")] == ["/acme/a/b"]


def test_a_client_that_waits_to_be_told_to_go_on_is_told_before_it_sends_its_body(aws: EmbeddedAws) -> None:
    place = urlsplit(aws.endpoint)
    with socket.create_connection((place.hostname, place.port), timeout=10) as client:
        client.sendall(b"PUT /acme/k HTTP/1.1\r\nHost: s3\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 100")
        client.sendall(b"x")


def test_a_reset_forgets_everything(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme")
    aws.deny("*")
    aws.reset()
    assert operator("s3").list_buckets()["Buckets"] == []


def test_denials_have_the_shape_of_each_service(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme", "locks")
    aws.deny("GetItem")
    aws.deny("s3:*")
    with pytest.raises(ClientError) as dynamodb:
        operator("dynamodb").get_item(TableName="locks", Key=ITEM)
    with pytest.raises(ClientError) as get:
        operator("s3").get_object(Bucket="acme", Key="k")
    with pytest.raises(ClientError) as head:
        operator("s3").head_object(Bucket="acme", Key="k")
    assert dynamodb.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "dynamodb:GetItem" in dynamodb.value.response["Error"]["Message"]
    assert get.value.response["Error"]["Code"] == "AccessDenied"
    assert head.value.response["Error"]["Code"] == "403"


def test_a_dropped_reply_comes_after_the_deed(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme", "locks")
    aws.drop_reply("PutItem")
    with pytest.raises(ConnectionClosedError):
        operator("dynamodb").put_item(TableName="locks", Item=ITEM)
    assert operator("dynamodb").get_item(TableName="locks", Key=ITEM)["Item"] == ITEM


def test_a_held_request_waits_while_others_pass(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme", "locks")
    client = operator("dynamodb")
    with aws.hold("PutItem") as held:
        thread = threading.Thread(target=client.put_item, kwargs={"TableName": "locks", "Item": ITEM})
        thread.start()
        held.wait()
        assert "Item" not in operator("dynamodb").get_item(TableName="locks", Key=ITEM)
        held.release()
        thread.join(20)
    assert "Item" in client.get_item(TableName="locks", Key=ITEM)


def test_throttling_ends_when_it_was_limited(aws: EmbeddedAws, operator: Any) -> None:
    aws.create_backend("acme", "locks")
    aws.throttle("GetItem", times=1)
    client = operator("dynamodb")
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.get_item(TableName="locks", Key=ITEM)
    assert "Item" not in client.get_item(TableName="locks", Key=ITEM)
