"""Everybody who may know something about a lock's holder, or about why its locks are left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockIdentity
from tuirunbook.locks import Clients
from tuirunbook.walk.ports import EvidenceSource
from tuirunbook.walk.walk import Walk
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.ci import ci_sources
from tuirunbook.wiring.evidence import BackendDoor, host_and_aws_sources
from tuirunbook.wiring.team import team_sources


def evidence_sources(
    adapters: Adapters, root: RootModule, clients: Clients, walks: Sequence[Walk]
) -> tuple[EvidenceSource, ...]:
    """The sources of one walk.

    Args:
        adapters: Settings, environment, incidents.
        root: The root module.
        clients: Who reads the locks.
        walks: The walk that asks them, once it is set up.
    """
    door = BackendDoor(clients, adapters.environ)
    directories = [Path(place) for place in (root.directory, root.working_directory) if place]
    return (
        *host_and_aws_sources(
            clients,
            host=adapters.host(),
            directories=directories,
            own=lambda: _children_of(walks),
            known=lambda lock: _findings_about(walks, lock),
            rules=adapters.settings.who,
            environ=adapters.environ,
        ),
        *ci_sources(root, adapters.environ, lambda: door.client("codebuild")),
        *team_sources(root, adapters.journals, door),
    )


def _children_of(walks: Sequence[Walk]) -> tuple[int, ...]:
    """The processes that a walk has started; none before it is set up."""
    children = [started.child.pid for walk in walks for started in walk.scribe.incident.running.values()]
    # One that is about to be started has no process yet; process 0 is the system's, from which all others come.
    return tuple(pid for pid in children if pid)


def _findings_about(walks: Sequence[Walk], lock: LockIdentity) -> Iterable[str]:
    """The keys of what is on record about a lock."""
    return [key for walk in walks for about, key in walk.scribe.incident.findings if about == lock]
