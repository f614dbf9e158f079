"""A web page in place of AWS's answer is no answer; least of all is it "free"."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.support.locks import BUCKET, KEY, TABLE, lock_json, make_backend, make_store, put_item
from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Held, LockSnapshot, NotChecked, Store, StoredLock
from tuirunbook.core.values import DeleteOutcome
from tuirunbook.locks import AwsLockStore, clients

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>" + b"x" * 2000 + b"</body></html>"


@contextmanager
def answering(status: int, content_type: str = "text/html", body: bytes = PAGE) -> Iterator[str]:
    """A server that answers every request alike, as a proxy does that lets nothing through."""

    class Proxy(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def store_behind(endpoint: str) -> AwsLockStore:
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": endpoint}
    backend = make_backend()
    address = StateAddress(
        bucket=backend.text("bucket") or "",
        key=backend.text("key") or "",
        region=backend.text("region") or "",
        table=backend.text("dynamodb_table"),
        use_lockfile=True,
    )
    return AwsLockStore(address, clients(backend, environ=environ))


def look_behind(endpoint: str) -> LockSnapshot:
    return store_behind(endpoint).look()


@pytest.mark.parametrize("status", [200, 302, 403, 404, 503])
def test_a_page_is_not_free_whatever_its_status(status: int) -> None:
    with answering(status) as endpoint:
        snapshot = look_behind(endpoint)
    assert not snapshot.free
    for part in (snapshot.dynamodb, snapshot.s3, snapshot.digest, snapshot.state):
        assert isinstance(part, NotChecked)
        assert f"a web page came back (status {status})" in part.why
        assert "<" not in part.why
        assert "HTTPS_PROXY" in part.advice


@pytest.mark.parametrize("body", [b"Please sign in.", b"[]", b""])
def test_what_is_no_object_is_no_answer_of_dynamodb(body: bytes) -> None:
    with answering(200, "text/plain", body) as endpoint:
        assert not look_behind(endpoint).free


@pytest.mark.parametrize("body", [b'{"error": "sign in first"}', b'{"status": "blocked", "Item": {}}', b'{"Item"'])
def test_an_object_of_somebody_elses_is_no_answer_of_dynamodb(body: bytes) -> None:
    with answering(200, "application/json", body) as endpoint:
        snapshot = look_behind(endpoint)
    assert isinstance(snapshot.dynamodb, NotChecked)
    assert isinstance(snapshot.digest, NotChecked)


def test_a_bare_404_is_no_proof_that_there_is_no_lockfile() -> None:
    with answering(404, "text/plain", b"") as endpoint:
        assert isinstance(look_behind(endpoint).s3, NotChecked)


def test_a_page_after_a_delete_is_no_deletion(aws: EmbeddedAws) -> None:
    aws.create_backend(BUCKET, TABLE)
    put_item(aws, lock_json())
    held = make_store(aws).look().dynamodb
    assert isinstance(held, Held)
    with answering(200) as endpoint:
        answer = store_behind(endpoint).delete(held.lock)
    assert answer.outcome is DeleteOutcome.UNKNOWN


def test_a_lockfile_that_is_a_page_is_a_lock_when_s3_says_so(aws: EmbeddedAws) -> None:
    aws.create_backend(BUCKET, TABLE)
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"{KEY}.tflock", Body=PAGE, ContentType="text/html")
    reading = make_store(aws).look().reading(Store.S3)
    assert isinstance(reading, Held)
    assert isinstance(reading.lock, StoredLock)
    assert reading.lock.unreadable
