"""An AWS on this machine: moto behind a small shim that can refuse, stall, lose replies and hold a request.

Moto's own access control answers DynamoDB in the wrong shape and cannot be scoped to a table, so denials are made here,
in the shape that AWS gives them. Moto keeps its state per process: one server per process. Training
runs one in a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - the key of AWS's own documentation, of nobody

_SCOPE = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/")
_S3_QUERY_ACTIONS = {
    "versioning": "BucketVersioning",
    "acl": "Acl",
    "location": "BucketLocation",
    "tagging": "Tagging",
    "delete": "DeleteObjects",
}


@dataclass(frozen=True)
class Call:
    """One request as the server saw it. `action` is AWS's name for it, `GetItem` or `HeadObject`."""

    method: str
    service: str
    action: str
    access_key: str
    region: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body of a DynamoDB request."""
        return json.loads(self.body)


@dataclass
class Hold:
    """A request that waits in front of AWS. `arrived` is set when it is there; `release` lets it through."""

    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float = 20) -> None:
        """Until the request is there."""
        if not self.arrived.wait(timeout):
            raise TimeoutError("the request that should be held never came")

    def release(self) -> None:
        """Let it through."""
        self.released.set()


@dataclass
class Rule:
    """What happens to the requests that match; the first rule that matches is the one that counts.

    `action` is an AWS action, `service:*`, or `*`. `match` must occur in the request's path or body. `times` limits
    how often the rule applies. `effect` is `deny`, `throttle`, `fail`, `delay`, `drop` or `hold`.
    """

    effect: str
    action: str
    access_key: str | None = None
    match: str = ""
    times: int | None = None
    seconds: float = 0
    status: int = 503
    code: str = ""
    held: Hold | None = None

    def applies(self, call: Call) -> bool:
        """Whether it is about this request."""
        wanted = {"*", f"{call.service}:*", call.action, f"{call.service}:{call.action}"}
        return (
            self.times != 0
            and self.action in wanted
            and self.access_key in {None, call.access_key}
            and self.match in call.path + call.body.decode("utf-8", "replace")
        )


class EmbeddedAws:
    """A true TCP server on 127.0.0.1 that speaks S3, DynamoDB, STS and IAM.

    Args:
        parent: Where its home directory is made; the temporary directory by default.
    """

    def __init__(self, parent: Path | None = None) -> None:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - slow; only who asks pays
            DomainDispatcherApplication,
            create_backend_app,
        )
        from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

        class Quiet(WSGIRequestHandler):
            # Headers and body in one packet: Terraform's client can close the connection between two, and then
            # tries PutItem again and is refused by its own lock.
            wbufsize = 1 << 16

            def handle_expect_100(self) -> bool:
                """Say "go on" at once: a client that has to wait for it gives up after a whole second."""
                going_on = super().handle_expect_100()
                self.wfile.flush()
                return going_on

            def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - its name in werkzeug
                """Say nothing."""

        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._home = tempfile.TemporaryDirectory(prefix="embedded-aws-", dir=parent)
        self._lock = threading.Lock()
        self.rules: list[Rule] = []
        self.calls: list[Call] = []
        self._clients: list[Any] = []
        self._arranging: dict[str, Any] = {}
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True  # type: ignore[attr-defined] # the threaded server has it
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """Where it listens, on the loopback."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop, and close every connection that is ours."""
        self.release_all()
        for client in self._clients:
            client.close()
        self._server.shutdown()
        self._server.server_close()
        self._home.cleanup()

    def reset(self) -> None:
        """Forget everything: items, objects, rules and the record of calls."""
        self.release_all()
        with urlopen(Request(self.endpoint + "/moto-api/reset", method="POST")) as reply:  # noqa: S310 - our own
            reply.read()
        with self._lock:
            self.rules.clear()
            self.calls.clear()

    def release_all(self) -> None:
        """Let every request that is held through."""
        for rule in self.rules:
            if rule.held is not None:
                rule.held.release()

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a child that may only see this AWS, made from nothing."""
        nowhere = str(Path(self._home.name) / "no-such-file")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self._home.name,
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            **more,
        }

    def client(self, service: Any) -> Any:
        """A boto3 client for arranging and for checking, which no rule is about; made once."""
        with self._lock:
            if service not in self._arranging:
                self._arranging[service] = self._make_client(service)
            return self._arranging[service]

    def _make_client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415 - slow; only who asks pays
        from botocore.config import Config  # noqa: PLC0415

        make: Any = boto3.client
        client = make(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="AKIATESTARRANGEMENTS",
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={}),
        )
        self._clients.append(client)
        return client

    def closing(self, closeable: Any) -> None:
        """Close this with the server, so that no connection is left behind."""
        self._clients.append(closeable)

    def create_backend(self, bucket: str, table: str | None = None, *, versioned: bool = False) -> None:
        """A bucket and, if named, a lock table as Terraform's documentation makes them."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        if table is not None:
            self.client("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def called(self, action: str) -> list[Call]:
        """The requests for one action so far, the arranging ones left out."""
        with self._lock:
            return [call for call in self.calls if call.action == action and "ARRANGE" not in call.access_key]

    def deny(self, action: str, *, access_key: str | None = None, match: str = "", code: str = "") -> Rule:
        """Refuse an action as AWS refuses it, or with another code (`ExpiredTokenException`)."""
        return self._add(Rule("deny", action, access_key=access_key, match=match, code=code))

    def throttle(self, action: str, *, times: int | None = None) -> Rule:
        """Answer as a busy AWS does."""
        return self._add(Rule("throttle", action, times=times))

    def fail(
        self, action: str, *, status: int = 503, code: str = "InternalServerError", times: int | None = None
    ) -> Rule:
        """Answer with a failure of the server's own."""
        return self._add(Rule("fail", action, status=status, code=code, times=times))

    def delay(self, action: str, seconds: float, *, match: str = "") -> Rule:
        """Answer late."""
        return self._add(Rule("delay", action, seconds=seconds, match=match))

    def drop_reply(self, action: str, *, match: str = "", times: int | None = 1) -> Rule:
        """Do it, then close the connection without an answer."""
        return self._add(Rule("drop", action, match=match, times=times))

    @contextmanager
    def hold(self, action: str, *, match: str = "", access_key: str | None = None) -> Iterator[Hold]:
        """Keep the next matching request in front of AWS until it is released, or the block ends."""
        rule = self._add(Rule("hold", action, match=match, access_key=access_key, times=1, held=Hold()))
        if rule.held is None:
            raise AssertionError
        try:
            yield rule.held
        finally:
            rule.held.release()

    def remove(self, rule: Rule) -> None:
        """Forget a rule."""
        with self._lock:
            self.rules.remove(rule)

    def _add(self, rule: Rule) -> Rule:
        with self._lock:
            self.rules.append(rule)
        return rule

    def _take(self, call: Call) -> Rule | None:
        with self._lock:
            self.calls.append(call)
            for rule in self.rules:
                # Requests that arrange a world pass through holds and denials that are meant for others.
                if "ARRANGE" not in call.access_key and rule.applies(call):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return None

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = _read_body(environ)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._app(environ, start_response)
        call = _call(environ, body)
        rule = self._take(call)
        if rule is None:
            return self._app(environ, start_response)
        match rule.effect:
            case "deny" | "throttle" | "fail":
                return _refuse(rule, call, start_response)
            case "delay":
                time.sleep(rule.seconds)
            case "hold" if rule.held is not None:
                rule.held.arrived.set()
                rule.held.released.wait(60)
            case "drop":
                b"".join(self._app(environ, lambda *_: lambda _: None))
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError("the reply is lost on purpose")
        return self._app(environ, start_response)


def _read_body(environ: WSGIEnvironment) -> bytes:
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        return bytes(stream.read(int(length)))
    return bytes(stream.read()) if environ.get("wsgi.input_terminated") else b""


def _call(environ: WSGIEnvironment, body: bytes) -> Call:
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, service = scope.groups() if scope else ("", "", "")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if target := environ.get("HTTP_X_AMZ_TARGET", ""):
        action = target.rsplit(".", 1)[-1]
    elif service in {"sts", "iam"} or (not service and b"Action=" in body):
        action = (parse_qs(body.decode()).get("Action") or [""])[0]
        service = service or "sts"
    else:
        action = _s3_action(environ, query)
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    path = unquote(environ["PATH_INFO"]) + (
        f"?{unquote(environ['QUERY_STRING'])}" if environ.get("QUERY_STRING") else ""
    )
    return Call(environ["REQUEST_METHOD"], service, action, access_key, region, path, headers, body)


def _s3_action(environ: WSGIEnvironment, query: dict[str, list[str]]) -> str:
    method: str = environ["REQUEST_METHOD"]
    verb = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "DELETE": "Delete", "POST": "Post"}.get(method, method)
    for name, noun in _S3_QUERY_ACTIONS.items():
        if name in query:
            return noun if name == "delete" else verb + noun
    if environ["PATH_INFO"].strip("/").count("/"):
        return verb + "Object"
    if "versions" in query:
        return "ListObjectVersions"
    if method == "GET":
        return "ListObjectsV2" if "list-type" in query else "ListObjects"
    return "CreateBucket" if method == "PUT" else verb + "Bucket"


def _refuse(rule: Rule, call: Call, start_response: StartResponse) -> Iterable[bytes]:
    json_shaped = call.service == "dynamodb"
    codes = {
        "deny": "AccessDeniedException" if json_shaped else "AccessDenied",
        "throttle": "ThrottlingException" if json_shaped else "SlowDown",
    }
    code = rule.code or codes[rule.effect]
    message = "Rate exceeded" if rule.effect == "throttle" else "The service has a problem"
    if rule.effect == "deny":
        doing = f"{call.service}:{call.action}"
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/on-call/someone"
        message = (
            f"User: {who} is not authorized to perform: {doing} "
            f"because no identity-based policy allows the {doing} action"
        )
    status = {"deny": 400 if json_shaped else 403, "throttle": 400 if json_shaped else 503}.get(
        rule.effect, rule.status
    )
    if json_shaped:
        namespace = "com.amazon.coral.service" if code != "InternalServerError" else "com.amazonaws.dynamodb.v20120810"
        body = json.dumps({"__type": f"{namespace}#{code}", "message": message}).encode()
    else:
        body = b"" if call.method == "HEAD" else _xml_error(call, code, message)
    kind = "application/x-amz-json-1.0" if json_shaped else "application/xml"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-RequestId", "EMBEDDED")]
    start_response(f"{status} Refused", headers)
    return [body]


def _xml_error(call: Call, code: str, message: str) -> bytes:
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if call.service in {"sts", "iam"}:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>EMBEDDED</RequestId></ErrorResponse>"
        )
    else:
        text = f"<Error>{inner}<RequestId>EMBEDDED</RequestId></Error>"
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
