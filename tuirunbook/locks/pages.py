"""Answers that are not AWS's: the page, or the JSON, of a proxy or of a captive portal, in place of the reply.

botocore (1.44) takes such an answer with status 200 for an empty reply: a `GetItem` then finds no item, and a held lock
reads as free. With any other status the page is the error's message.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session

_OURS = "x-amz"
"""What the names of AWS's own headers begin with; every answer of AWS, and of what speaks for it, has some."""

_OF_OBJECTS = frozenset({"GetObject", "HeadObject"})
_PAGE = (b"<!doctype html", b"<html")
_READ = 512
_FIRST_ERROR = 300


class WebPageError(Exception):
    """Something else than AWS has answered. `status` is the answer's HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a web page came back (status {status}) instead of AWS's answer")
        self.status = status


def refuse_pages(session: Session) -> None:
    """Have every client of this session raise `WebPageError` where something else than AWS answers."""
    session.register("before-parse", _require_answer)


def _require_answer(**event: Any) -> None:
    answer, operation = event["response_dict"], event["operation_model"]
    status, headers, body = int(answer["status_code"]), answer["headers"], answer["body"]
    if any(name.lower().startswith(_OURS) for name in headers):
        return
    html = str(headers.get("content-type", "")).lower().startswith("text/html")
    # The body of an object is a stream: it is not read here, and may be anything.
    begin = body[:_READ].lstrip().lower() if isinstance(body, bytes) else b""
    if status < _FIRST_ERROR and operation.service_model.resolved_protocol == "json":
        page = not _can_answer(body, event["operation_model"])
    elif begin:
        page = begin.startswith(_PAGE)
    else:
        page = html or (status < _FIRST_ERROR and operation.name in _OF_OBJECTS and "etag" not in headers)
    if page:
        raise WebPageError(status)


def _can_answer(body: object, operation: Any) -> bool:
    """Whether this is an object with nothing in it that the operation does not answer with."""
    try:
        told = json.loads(body) if isinstance(body, bytes) else None
    except (ValueError, RecursionError):
        return False
    shape = operation.output_shape
    return isinstance(told, dict) and told.keys() <= (shape.members.keys() if shape else set())
