"""The sources of evidence of one root module, and how they reach AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tuirunbook.core.holder import WhoRule
from tuirunbook.core.lock import LockIdentity, NotChecked
from tuirunbook.evidence.aws_trail import AwsTrail
from tuirunbook.evidence.ec2 import Ec2
from tuirunbook.evidence.kubernetes import Kubernetes
from tuirunbook.evidence.state_writes import StateWrites
from tuirunbook.evidence.this_machine import ThisMachine
from tuirunbook.evidence.who import WhoTells
from tuirunbook.locks.clients import Clients
from tuirunbook.locks.settings import Settings
from tuirunbook.walk.ports import EvidenceSource

T = TypeVar("T")


def host_and_aws_sources(
    clients: Clients,
    *,
    host: str,
    directories: Iterable[Path],
    own: Callable[[], tuple[int, ...]],
    known: Callable[[LockIdentity], Iterable[str]],
    rules: Sequence[WhoRule],
    environ: Mapping[str, str],
) -> tuple[EvidenceSource, ...]:
    """Those that ask this machine, the cluster and AWS.

    Args:
        clients: Who reads the locks.
        host: This machine's name.
        directories: Where the root module's commands run.
        own: The processes that we started ourselves.
        known: The findings about a lock that are on record, by key.
        rules: What the settings say about holders.
        environ: The environment.
    """
    door = BackendDoor(clients, environ)
    return (
        WhoTells(rules),
        ThisMachine(host, directories, own=own, known=known),
        StateWrites(door),
        AwsTrail(door, rules),
        Ec2(door, rules),
        Kubernetes(rules, environ),
    )


class BackendDoor:
    """Asks AWS as whom the locks are read, in any region. It satisfies `evidence.aws_door.AwsDoor`.

    Args:
        clients: Who reads the locks.
        environ: The environment that those were made from.
    """

    def __init__(self, clients: Clients, environ: Mapping[str, str]) -> None:
        self._settings = clients.settings
        self._environ = dict(environ)
        self._profile = clients.profile
        self._lock = threading.Lock()
        self._regions: dict[str | None, _AnyService] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """The boto3 client of a service, in the backend's region unless another is named."""
        return self._in(region or self._settings.region).service(service)

    def ask(self, what: str, call: Callable[[], T]) -> T | NotChecked:
        """The call's answer, or why `what` could not be read."""
        from tuirunbook.locks.errors import aws_errors, explain  # noqa: PLC0415 - AWS is imported when it is asked

        try:
            return call()
        except aws_errors() as error:
            return explain(error, what=what, profile=self._profile, region=self._settings.region)

    def why_not(self, service: str) -> str:
        """Why a service is not asked at all, or empty: a practice AWS, or another maker's S3, has no such service."""
        if not self._settings.endpoints.get("s3") or self._in(self._settings.region).endpoint(service):
            return ""
        return f"the state is kept at {self._settings.endpoints['s3']}, and no endpoint of {service} is set for it"

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for clients in self._regions.values():
                clients.close()

    def _in(self, region: str | None) -> _AnyService:
        with self._lock:
            if region not in self._regions:
                settings = msgspec.structs.replace(self._settings, region=region)
                self._regions[region] = _AnyService(settings, self._environ)
            return self._regions[region]


class _AnyService(Clients):
    """Clients of the services that hold no lock; one attempt each, since they are asked again anyway."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        super().__init__(settings, environ)
        self._variables = dict(environ)

    def service(self, name: str) -> Any:
        """The client of any service."""
        return self._client(name, 1)

    def endpoint(self, service: str) -> str | None:
        """The custom endpoint, also of a service that the backend has no argument for."""
        variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        named = self._variables.get(variable) or self._variables.get("AWS_ENDPOINT_URL")
        return super().endpoint(service) or named or None
