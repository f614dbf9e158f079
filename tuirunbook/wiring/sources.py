"""Everybody who may know something about a lock's holder, or about why its locks are left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuirunbook.core.backend import RootModule
from tuirunbook.locks import Clients
from tuirunbook.walk.ports import EvidenceSource
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.ci import ci_sources
from tuirunbook.wiring.evidence import BackendDoor, host_and_aws_sources
from tuirunbook.wiring.team import team_sources


def evidence_sources(
    adapters: Adapters, root: RootModule, clients: Clients, own: Callable[[], tuple[int, ...]]
) -> tuple[EvidenceSource, ...]:
    """The sources of one walk.

    Args:
        adapters: Settings, environment, incidents.
        root: The root module.
        clients: Who reads the locks.
        own: The processes that we started ourselves.
    """
    door = BackendDoor(clients, adapters.environ)
    directories = [Path(place) for place in (root.directory, root.working_directory) if place]
    return (
        *host_and_aws_sources(
            clients,
            host=adapters.host(),
            directories=directories,
            own=own,
            rules=adapters.settings.who,
            environ=adapters.environ,
        ),
        *ci_sources(root, adapters.environ, lambda: door.client("codebuild")),
        *team_sources(root, adapters.journals, door),
    )
