"""What an embedded AWS does to requests instead of answering them: refuse, stall, lose the reply, hold.

Moto's own access control answers DynamoDB in the wrong shape and cannot be scoped to a table, so denials are made here,
in the shape that AWS gives them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuirunbook.training.calls import Call

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


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


def refuse(rule: Rule, call: Call, who: str, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as AWS does that refuses, is busy, or fails.

    Args:
        rule: What happens: `deny`, `throttle` or `fail`.
        call: The request.
        who: The ARN of the caller, as a refusal names it.
        start_response: WSGI's.
    """
    json_shaped = call.service == "dynamodb"
    codes = {
        "deny": "AccessDeniedException" if json_shaped else "AccessDenied",
        "throttle": "ThrottlingException" if json_shaped else "SlowDown",
    }
    code = rule.code or codes[rule.effect]
    message = "Rate exceeded" if rule.effect == "throttle" else "The service has a problem"
    if rule.effect == "deny":
        doing = f"{call.service}:{call.action}"
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
