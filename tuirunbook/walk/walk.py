"""One incident under way: its parts, put together, and the thread that they share."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

from tuirunbook.core.diagnosis import Diagnosis
from tuirunbook.core.events import NeighboursFound, Opened, timestamp
from tuirunbook.core.incident import Incident
from tuirunbook.core.runbook import Runbook
from tuirunbook.walk.checks import Checks
from tuirunbook.walk.clerk import Clerk
from tuirunbook.walk.commands import Commands
from tuirunbook.walk.desk import Desk
from tuirunbook.walk.evidence_desk import EvidenceDesk, SourceStatus
from tuirunbook.walk.messages import Message, ReadingArrived, Trouble, tolerant
from tuirunbook.walk.observer import Observer
from tuirunbook.walk.reception import Reception
from tuirunbook.walk.releases import Releases
from tuirunbook.walk.responder import Responder
from tuirunbook.walk.scribe import Scribe
from tuirunbook.walk.site import Site
from tuirunbook.walk.watcher import Watcher
from tuirunbook.walk.world import Resumption, World

MOST_NEIGHBOURS = 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Walk:
    """The parts of a walk.

    All but `desk`, `watcher` and `evidence` belong to the incident's thread: reach them with `desk.submit`.
    """

    world: World
    runbook: Runbook
    desk: Desk
    watcher: Watcher
    evidence: EvidenceDesk
    scribe: Scribe
    observer: Observer
    clerk: Clerk
    commands: Commands
    checks: Checks
    responder: Responder
    reception: Reception

    def start(self) -> None:
        """Begin to look and to take requests."""
        self.desk.start()
        self.desk.submit(self.reception.turn_off)
        self.watcher.start()
        threading.Thread(target=self._find_neighbours, name="neighbours", daemon=True).start()

    def _find_neighbours(self) -> None:
        mine = self.world.store.address.lock_id
        end = "/" + mine.rsplit("/", 1)[-1]
        alike = [one for one in self.world.neighbours() if one != mine and one.endswith(end)][:MOST_NEIGHBOURS]
        if alike:
            self.desk.submit(self.scribe.record, NeighboursFound, lock_ids=tuple(alike))

    @property
    def incident(self) -> Incident:
        """The incident as it is now."""
        return self.scribe.incident

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        """Who is asked for evidence, and how that stands."""
        return self.evidence.sources

    @property
    def unwritable(self) -> str:
        """Why the journal cannot be written, or empty."""
        return self.scribe.unwritable

    @property
    def is_on_disk(self) -> bool:
        """Whether there is an incident to come back to."""
        return self.scribe.journal is not None

    def know_again(self) -> None:
        """Ask again who we are, after a login say. For the incident's thread."""
        self.reception.identify()

    def stop(self, wait_seconds: float = 0.0) -> Future[None]:
        """Stop looking; requests already made are still done. Commands of ours keep running.

        The future is done when the journal was let go, so that another session may write it.
        """
        self.watcher.stop()
        self.evidence.stop()
        self.desk.submit(self.responder.put_away)
        let_go = self.desk.submit(self.scribe.put_away)
        self.desk.stop(wait_seconds)
        return let_go

    def paste(self, text: str, printed_at: datetime | None = None, link: str = "") -> Diagnosis:
        """Take in what Terraform printed; who holds what it claims is asked at once. For the incident's thread."""
        diagnosis = self.clerk.paste(text, printed_at=printed_at, link=link)
        self.reception.ask_unseen()
        return diagnosis


def set_up(
    world: World,
    runbook: Runbook,
    publish: Callable[[Message], None],
    *,
    incident_id: str = "",
    resumption: Resumption | None = None,
) -> Walk:
    """A walk of `runbook` in `world`; `start` it to begin. `publish` is called from the walk's threads."""
    if resumption is None:
        scribe = Scribe(_opened(world, runbook, incident_id), world.create_journal, publish, world.clock)
    else:
        scribe = Scribe.resume(resumption.incident, resumption.journal, publish, world.clock)
    site = Site(world, scribe, Observer(scribe, world.me or world.host), publish)
    desk = Desk()
    evidence = EvidenceDesk(
        world.sources,
        lambda finding: desk.submit(tolerant(reception.hear, publish), finding),
        world.clock,
        off=lambda: scribe.incident.off,
    )
    releases, checks = Releases(site), Checks(site)
    commands = Commands(site, releases)
    responder = Responder(site, releases, evidence.again)
    clerk = Clerk(scribe, site.observer, runbook, world.operator)
    reception = Reception(site, clerk, responder, checks, evidence, resumed=resumption is not None)
    desk.tick = tolerant(commands.poll, publish)
    return Walk(
        world=world,
        runbook=runbook,
        desk=desk,
        watcher=_watcher(site, desk, reception),
        evidence=evidence,
        scribe=scribe,
        observer=site.observer,
        clerk=clerk,
        commands=commands,
        checks=checks,
        responder=responder,
        reception=reception,
    )


def _watcher(site: Site, desk: Desk, reception: Reception) -> Watcher:
    """A watcher whose looks the incident's thread takes in."""
    publish = site.publish
    return Watcher(
        site.world.store,
        lambda snapshot, turn: desk.submit(tolerant(reception.arrive, publish), snapshot, turn),
        lambda store, reading: publish(ReadingArrived(store, reading)),
        lambda error: publish(Trouble(f"{type(error).__name__}: {error}")),
        site.observer.ticket,
    )


def _opened(world: World, runbook: Runbook, incident_id: str) -> Opened:
    backend = world.root.backend
    return Opened(
        at=timestamp(world.clock()),
        by=world.operator,
        incident=incident_id,
        address=world.store.address,
        root=world.root.name,
        directory=world.root.directory,
        origins=dict(backend.origins),
        operator=world.operator,
        host=world.host,
        tool=world.tool,
        runbook=f"{runbook.name} {runbook.version}",
        runbook_sha256=runbook.sha256,
        runbook_text=runbook.text,
        repairs=not runbook.releases,
        training=world.training,
    )
