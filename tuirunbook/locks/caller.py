"""Everybody who asks with the same settings: one set of clients, and what has shown to be hopeless."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import NotChecked
from tuirunbook.locks.clients import Clients
from tuirunbook.locks.errors import (
    BAD_KEY_CODES,
    CREDENTIAL_CLASSES,
    EXPIRED_CODES,
    NETWORK_CLASSES,
    aws_errors,
    explain,
)

T = TypeVar("T")

_HOPELESS = CREDENTIAL_CLASSES | EXPIRED_CODES | BAD_KEY_CODES


class Caller:
    """Who reads for many states.

    Attributes:
        clients: With whose credentials.
        trouble: Why nothing can be read with them, or None.
        unreachable: Per service how often in a row it could not be reached, and why.
    """

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.trouble: NotChecked | None = None
        self.unreachable: dict[str, tuple[int, NotChecked]] = {}
        self._endpoints: tuple[str | None, str | None] | None = None
        self._lock = threading.Lock()
        self._asked = False

    def sign_in(self) -> None:
        """Find out, once, whether these credentials can be used. AWS is asked only where a role has to be assumed."""
        with self._lock:
            if not self._asked:
                self._asked = True
                self.trouble = self._try_credentials()

    def _try_credentials(self) -> NotChecked | None:
        try:
            credentials = self.clients.credentials()
            if credentials is None:
                return _no_credentials(self.clients)
            credentials.get_frozen_credentials()
            self._endpoints = self.clients.endpoint("s3"), self.clients.endpoint("dynamodb")
        except aws_errors() as error:
            return explain(error, what="the credentials", profile=self.clients.profile, region=self.clients.region)
        return None

    def locate(self, address: StateAddress) -> StateAddress:
        """The address with the region and endpoints that are really asked."""
        s3, dynamodb = self._endpoints or (address.s3_endpoint, address.dynamodb_endpoint)
        region = self.clients.region or address.region
        return msgspec.structs.replace(address, region=region, s3_endpoint=s3, dynamodb_endpoint=dynamodb)

    def ask(self, service: str, what: str, call: Callable[[], T]) -> T | NotChecked:
        """One read. What has failed for good, or three times for want of a network, is not tried again."""
        known = self.known_trouble(service)
        if known is not None:
            return known
        try:
            answer = call()
        except aws_errors() as error:
            return self.failed(service, what, error)
        self.unreachable.pop(service, None)
        return answer

    def known_trouble(self, service: str) -> NotChecked | None:
        """The failure that every read of this service will meet, or None."""
        failures, why = self.unreachable.get(service, (0, None))
        return self.trouble or (why if failures > 2 else None)  # noqa: PLR2004 - three are enough

    def failed(self, service: str, what: str, error: Exception) -> NotChecked:
        """A failure in words, remembered when others would meet it as well."""
        why = explain(error, what=what, profile=self.clients.profile, region=self.clients.region)
        if why.code in _HOPELESS:
            self.trouble = why
        elif why.code in NETWORK_CLASSES:
            self.unreachable[service] = (self.unreachable.get(service, (0, None))[0] + 1, why)
        return why


def _no_credentials(clients: Clients) -> NotChecked:
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - AWS is imported when it is first asked

    return explain(NoCredentialsError(), what="the credentials", profile=clients.profile, region=clients.region)
