"""A request to an AWS as the server sees it, read from WSGI."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

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


def read_body(environ: WSGIEnvironment) -> bytes:
    """The body of a request."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        return bytes(stream.read(int(length)))
    return bytes(stream.read()) if environ.get("wsgi.input_terminated") else b""


def call_of(environ: WSGIEnvironment, body: bytes) -> Call:
    """What is asked for, by whom."""
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
