"""Moto, and what stands in front of it: rules, a record of the calls, and who asks from which account."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from tuirunbook.training.calls import Call, call_of, read_body
from tuirunbook.training.identities import NOBODY, Identity, about_oneself
from tuirunbook.training.rules import Hold, Rule, refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ACCOUNT_HEADER = "HTTP_X_MOTO_ACCOUNT_ID"
"""Moto answers for the account that this header names."""
_ABOUT_ONESELF = ("GetCallerIdentity", "ListAccountAliases")


def load() -> None:
    """Import what a shim needs, ahead of the time when it is needed."""
    import moto.moto_server.werkzeug_app  # noqa: F401, PLC0415 - slow; only who asks pays
    from moto.backends import get_backend  # noqa: PLC0415 - likewise

    get_backend("s3")
    get_backend("dynamodb")


class Shim:
    """An AWS without a server yet.

    Attributes:
        rules: What happens to requests; the first one that matches counts.
        calls: The requests so far.
        identities: Who asks, by access key. Whoever is not here has assumed a role of moto's, or is a user of the
            first account.
    """

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - slow; only who asks pays
            DomainDispatcherApplication,
            create_backend_app,
        )

        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self.rules: list[Rule] = []
        self.calls: list[Call] = []
        self.identities: dict[str, Identity] = {}

    def release_all(self) -> None:
        """Let every request that is held through."""
        for rule in self.rules:
            if rule.held is not None:
                rule.held.release()

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

    def serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request: the application that the server serves."""
        body = read_body(environ)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._app(environ, start_response)
        call = call_of(environ, body)
        who = self.identities.get(call.access_key, NOBODY)
        if who is not NOBODY:
            environ[_ACCOUNT_HEADER] = who.account
        rule = self._take(call)
        if rule is None:
            return self._answer(call, who, environ, start_response)
        match rule.effect:
            case "deny" | "throttle" | "fail":
                return refuse(rule, call, who.arn, start_response)
            case "delay":
                time.sleep(rule.seconds)
            case "hold" if rule.held is not None:
                rule.held.arrived.set()
                rule.held.released.wait(60)
            case "drop":
                b"".join(self._app(environ, lambda *_: lambda _: None))
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError("the reply is lost on purpose")
        return self._answer(call, who, environ, start_response)

    def _answer(
        self, call: Call, who: Identity, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """By moto; but who somebody is, it does not know, and loads two more services to say so."""
        if call.access_key in self.identities and call.action in _ABOUT_ONESELF:
            return about_oneself(call, who, start_response)
        return self._app(environ, start_response)
