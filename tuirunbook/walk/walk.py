"""One incident under way: its parts, put together, and the thread that they share."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ParamSpec

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.diagnosis import Diagnosis
from tuirunbook.core.events import Identified, NeighboursFound, Opened, Resumed, timestamp
from tuirunbook.core.gates import Policy, moved
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, NotChecked, Reading, Store
from tuirunbook.core.runbook import Runbook
from tuirunbook.core.values import Caller
from tuirunbook.walk.checks import Checks
from tuirunbook.walk.clerk import Clerk
from tuirunbook.walk.commands import Commands, PlanEnded
from tuirunbook.walk.desk import Desk
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.walk.observer import Looked, Observer
from tuirunbook.walk.ports import EvidenceSource, Journal, LockStore, Terraform
from tuirunbook.walk.responder import Responder
from tuirunbook.walk.scribe import Recorded, Scribe, utc_now
from tuirunbook.walk.watcher import Watcher

P = ParamSpec("P")

MOST_NEIGHBOURS = 200

WHO_SECONDS = 15.0
"""How long after a refusal it is asked again who we are."""


class ReadingArrived(msgspec.Struct, frozen=True):
    """One store of the first look has answered; the others are still asked."""

    store: Store
    reading: Reading


class CallerKnown(msgspec.Struct, frozen=True):
    """AWS said who we are, or why it did not."""

    caller: Caller | NotChecked


class Trouble(msgspec.Struct, frozen=True):
    """Something of the walk's own failed; the walk goes on."""

    sentence: str


Message = Recorded | Looked | PlanEnded | ReadingArrived | CallerKnown | Trouble
"""What a walk tells its front end, from its own threads, in the past tense."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """The real world, or a practice one, as a walk needs it.

    Attributes:
        root: The root module.
        store: Its lock stores.
        terraform: Its terraform.
        sources: Who may know whether the holder lives.
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
        self.watcher.start()
        threading.Thread(target=self._find_neighbours, name="neighbours", daemon=True).start()

    def _find_neighbours(self) -> None:
        mine = self.world.store.address.lock_id
        end = "/" + mine.rsplit("/", 1)[-1]
        alike = [one for one in self.world.neighbours() if one != mine and one.endswith(end)][:MOST_NEIGHBOURS]
        if alike:
            self.desk.submit(self.scribe.record, NeighboursFound, lock_ids=tuple(alike))

    def know_again(self) -> None:
        """Ask again who we are, after a login say. For the incident's thread."""
        self.reception.identify()

    def stop(self, wait_seconds: float = 0.0) -> None:
        """Stop looking; requests already made are still done. Commands of ours keep running."""
        self.watcher.stop()
        self.evidence.stop()
        self.desk.submit(self.responder.put_away)
        self.desk.submit(self.scribe.put_away)
        self.desk.stop(wait_seconds)

    def paste(self, text: str, printed_at: datetime | None = None, link: str = "") -> Diagnosis:
        """Take in what Terraform printed. For the incident's thread."""
        return self.clerk.paste(text, printed_at=printed_at, link=link)


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
    observer = Observer(scribe, world.me or world.host)
    desk = Desk()
    evidence = EvidenceDesk(
        world.sources,
        lambda finding: desk.submit(_tolerant(observer.weigh_in, publish), finding),
        world.clock,
    )
    commands = Commands(
        scribe=scribe,
        observer=observer,
        store=world.store,
        terraform=world.terraform,
        policy=world.policy,
        publish=publish,
        plan_args=world.plan_args,
    )
    responder = Responder(
        scribe=scribe,
        observer=observer,
        store=world.store,
        terraform=world.terraform,
        ask_again=evidence.again,
        policy=world.policy,
        publish=publish,
        operator=world.operator,
    )
    checks = Checks(
        scribe=scribe,
        observer=observer,
        store=world.store,
        terraform=world.terraform,
        host=world.host,
        initialised=world.root.initialised,
    )
    reception = Reception(world, scribe, observer, responder, checks, evidence, publish, resumed=resumption is not None)
    desk.tick = _tolerant(commands.poll, publish)
    watcher = Watcher(
        world.store,
        lambda snapshot, turn: desk.submit(_tolerant(reception.arrive, publish), snapshot, turn),
        lambda store, reading: publish(ReadingArrived(store, reading)),
        lambda error: publish(Trouble(f"{type(error).__name__}: {error}")),
        observer.ticket,
    )
    return Walk(
        world=world,
        runbook=runbook,
        desk=desk,
        watcher=watcher,
        evidence=evidence,
        scribe=scribe,
        observer=observer,
        clerk=Clerk(scribe, observer, runbook, world.operator),
        commands=commands,
        checks=checks,
        responder=responder,
        reception=reception,
    )


class Reception:
    """Takes in the watcher's looks: the first one also asks who we are, and ends what a crash left open."""

    def __init__(
        self,
        world: World,
        scribe: Scribe,
        observer: Observer,
        responder: Responder,
        checks: Checks,
        evidence: EvidenceDesk,
        publish: Callable[[Message], None],
        *,
        resumed: bool,
    ) -> None:
        self._world = world
        self._scribe = scribe
        self._observer = observer
        self._responder = responder
        self._checks = checks
        self._evidence = evidence
        self._publish = publish
        self._resumed = resumed
        self._asked_at: datetime | None = None
        self._known: Caller | NotChecked | None = None

    def arrive(self, snapshot: LockSnapshot, turn: int | None = None) -> None:
        """Record a look and tell the front end. For the incident's thread."""
        if self._asks_again():
            self.identify()
        snapshot = msgspec.structs.replace(snapshot, address=self._world.store.address)
        if self._resumed:
            self._scribe.record(Resumed, operator=self._world.operator, host=self._world.host, tool=self._world.tool)
            self._resumed = False
        if self._scribe.incident.unended_release:
            # Releases are made in this thread: one without an end was cut off.
            self._responder.recover()
        looked = self._observer.take_in(snapshot, ticket=turn)
        self._publish(looked)
        if looked.number == 1 or looked.found:
            self._evidence.ask(looked.snapshot)
        else:
            self._evidence.refresh(looked.snapshot)
        if looked.number == 1:
            self._checks.program()

    def _asks_again(self) -> bool:
        """At first, soon again while it is not known, and now and then for what the login has left."""
        if self._asked_at is None:
            return True
        if isinstance(self._known, NotChecked) and self._known.code == "skipped":
            return False
        pause = WHO_SECONDS if isinstance(self._known, NotChecked) else WHO_SECONDS * 20
        return (self._world.clock() - self._asked_at).total_seconds() >= pause

    def identify(self) -> None:
        """Ask who we are, and tell it. For the incident's thread."""
        self._asked_at = self._world.clock()
        self._known = caller = self._world.store.identify(again=True)
        self._publish(CallerKnown(caller))
        if isinstance(caller, NotChecked):
            return
        incident = self._scribe.incident
        difference = moved(incident, self._world.store.address)
        if incident.account is None:
            self._scribe.record(Identified, account=caller.account, caller=caller.arn)
        elif difference and self._resumed and incident.account == caller.account:
            self._scribe.record(Identified, account=caller.account, caller=caller.arn)
            self._publish(Trouble(f"Resumed under another role: {difference}."))
        elif difference:
            self._publish(Trouble(f"This is not the place the incident began in: {difference}."))


def _tolerant(work: Callable[P, None], publish: Callable[[Message], None]) -> Callable[P, None]:
    """`work` without a caller who could handle its failure: the failure is told, and the walk goes on."""

    def tolerant(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            publish(Trouble(f"{type(error).__name__}: {error}"))

    return tolerant


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
        training=world.training,
    )
