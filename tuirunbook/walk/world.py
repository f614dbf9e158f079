"""What a walk is given: the world that it acts in, and the incident that it goes on with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Opened
from tuirunbook.core.gates import Policy
from tuirunbook.core.incident import Incident
from tuirunbook.walk.ports import EvidenceSource, Journal, LockStore, Terraform
from tuirunbook.walk.scribe import utc_now


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The real world, or a practice one, as a walk needs it.

    Attributes:
        root: The root module.
        store: Its lock stores.
        terraform: Its terraform.
        sources: Who may know whether the holder lives.
        sources_off: How the names of the sources begin that the user's settings turn off.
        policy: What the settings allow.
        create_journal: Makes the incident's journal when it becomes one.
        operator: Who walks.
        host: This machine's name, as the `Who` of a lock taken here would end.
        me: `user@host` as a lock taken here would name its holder, or empty when only the host is known.
        tool: This tool's version.
        plan_args: Arguments that this root's plan needs.
        neighbours: Finds the lock IDs of other states of this repository; it may take a while.
        training: Whether this is practice.
        clock: The time.
    """

    root: RootModule
    store: LockStore
    terraform: Terraform
    policy: Policy
    create_journal: Callable[[Opened], Journal]
    operator: str
    host: str
    tool: str
    sources: Sequence[EvidenceSource] = ()
    sources_off: Sequence[str] = ()
    plan_args: Sequence[str] = ()
    me: str = ""
    neighbours: Callable[[], Sequence[str]] = tuple
    training: bool = False
    clock: Callable[[], datetime] = utc_now


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resumption:
    """An incident that was read back, and its journal, opened for writing."""

    incident: Incident
    journal: Journal
