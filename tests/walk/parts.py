"""A walk on stand-ins: a shelf that holds locks, a terraform that says what it is told to, a journal that can fail.

For what real parts cannot be made to do at the right moment. The walk's own parts are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tests.support.incidents import DUAL, FREE, GOOD_ANSWERS, NOT_CONFIGURED, RUNBOOK, START, TOLD, A, held, look
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.events import Event, Opened, RetryEnded, timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.gates import Policy, Refusal
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import (
    Digest,
    Free,
    Held,
    LockIdentity,
    LockSnapshot,
    NotChecked,
    Reading,
    StateObject,
    Store,
    StoredLock,
)
from tuirunbook.core.values import Caller, Child, DeleteAnswer, DeleteOutcome, Exit, JournalError, Ran, StateContent
from tuirunbook.core.verdict import as_finding
from tuirunbook.walk.checks import Checks
from tuirunbook.walk.clerk import Clerk
from tuirunbook.walk.commands import Commands
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.walk.observer import Looked, Observer
from tuirunbook.walk.reception import Reception
from tuirunbook.walk.releases import Releases
from tuirunbook.walk.responder import Prepared, Released, Responder
from tuirunbook.walk.scribe import Scribe
from tuirunbook.walk.site import Site
from tuirunbook.walk.world import World

UNLOCKED = "Terraform state has been successfully unlocked!\n"
DENIED = (
    "Failed to unlock state: operation error DynamoDB: DeleteItem, https response error StatusCode: 400, RequestID: X, "
    "api error AccessDeniedException: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: "
    "dynamodb:DeleteItem on resource: arn:aws:dynamodb:eu-west-1:1:table/t\n"
)
NOT_JSON = 'Failed to unlock state: failed to retrieve lock info for lock ID "X": unexpected end of JSON input\n'


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Shelf:
    """Two lock stores and a state, in memory. `deleted` and `calls` tell what was asked of it, in order."""

    def __init__(self, clock: Clock, address: StateAddress = DUAL) -> None:
        self.address = address
        self.readings: dict[Store, Reading] = {
            Store.S3: held(Store.S3) if address.use_lockfile else FREE,
            Store.DYNAMODB: held(Store.DYNAMODB) if address.table else NOT_CONFIGURED,
        }
        self.state: StateObject | NotChecked = look().state
        self.digest: Digest | NotChecked = look().digest
        self.calls: list[str] = []
        self.before_look: list[Callable[[], None]] = []
        self.delete_answer: DeleteAnswer | None = None
        self._clock = clock

    def identify(self, *, again: bool = False) -> Caller | NotChecked:
        del again
        return Caller(account=self.address.account or "", arn=self.address.caller or "")

    def look(self, on_reading: Callable[[Store, Reading], None] | None = None) -> LockSnapshot:
        self.calls.append("look")
        if self.before_look:
            self.before_look.pop(0)()
        for store, reading in self.readings.items():
            if on_reading:
                on_reading(store, reading)
        return LockSnapshot(
            address=self.address,
            taken_at=self._clock(),
            s3=self.readings[Store.S3],
            dynamodb=self.readings[Store.DYNAMODB],
            digest=self.digest,
            state=self.state,
        )

    def lock_ids(self) -> tuple[str, ...] | NotChecked:
        return ()

    def state_content(self) -> StateContent | NotChecked:
        return StateContent(md5="ab" * 16, serial=7)

    def delete(self, lock: StoredLock) -> DeleteAnswer:
        self.calls.append(f"delete {lock.store}")
        if self.delete_answer is not None:
            return self.delete_answer
        reading = self.readings[lock.store]
        if not isinstance(reading, Held) or reading.lock != lock:
            return DeleteAnswer(outcome=DeleteOutcome.CHANGED)
        self.readings[lock.store] = Free()
        return DeleteAnswer(outcome=DeleteOutcome.DELETED)

    def delete_command(self, lock: StoredLock) -> tuple[str, ...]:
        return ("aws", "delete", lock.store)

    def hold(self, store: Store, raw: str) -> None:
        self.readings[store] = held(store, raw)

    def free(self, *stores: Store) -> None:
        for store in stores or Store:
            self.readings[store] = Free()

    @property
    def changes(self) -> list[str]:
        """The calls that could have changed something."""
        return [call for call in self.calls if call != "look"]


class PrivateRoot:
    """A release root that releases from the shelf as Terraform does, unless `says` is set."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.says: Callable[[str], Ran] | None = None

    def force_unlock_argv(self, lock_id: str) -> tuple[str, ...]:
        return ("terraform", "force-unlock", "-no-color", "-force", lock_id)

    def force_unlock(self, lock_id: str, *, command_id: str, log: Path, tell: Callable[[Child], None]) -> Ran:
        begin(command_id, log, tell)
        self.shelf.calls.append(f"force-unlock {lock_id}")
        if self.says is not None:
            return self.says(lock_id)
        for store, reading in self.shelf.readings.items():
            if isinstance(reading, Held) and reading.lock.info and reading.lock.info.id == lock_id:
                self.shelf.readings[store] = Free()
        return Ran(argv=self.force_unlock_argv(lock_id), exit_code=0, output=UNLOCKED)

    def probe(self, command_id: str, log: Path, tell: Callable[[Child], None]) -> Child:
        return begin(command_id, log, tell)


def child(name: str, log: Path) -> Child:
    return Child(
        id=name, argv=("terraform", "plan"), cwd="/", pid=1, started=START.timestamp(), boot_id="b", log=str(log)
    )


def begin(name: str, log: Path, tell: Callable[[Child], None]) -> Child:
    """Start a child, as real ones are started: told before and after."""
    begun = child(name, log)
    tell(msgspec.structs.replace(begun, pid=0))
    tell(begun)
    return begun


class FakeTerraform:
    """A terraform whose plans end when `endings` says so."""

    program = "terraform"

    def __init__(self, shelf: Shelf) -> None:
        self.root = PrivateRoot(shelf)
        self.entered = 0
        self.left = 0
        self.broken: Exception | None = None
        self.endings: dict[str, Exit] = {}
        self.processes: dict[str, int] = {}
        self.plans: list[str] = []
        self.interrupts: list[str] = []

    def version(self) -> str:
        return "1.11.4"

    def plan_argv(self, extra: Sequence[str]) -> tuple[str, ...]:
        return ("terraform", "plan", *extra)

    def plan(self, command_id: str, log: Path, extra: Sequence[str], tell: Callable[[Child], None]) -> Child:
        del extra
        begun = begin(command_id, log, tell)
        self.plans.append(command_id)
        return begun

    def state_list(self) -> Ran:
        return Ran(argv=("terraform", "state", "list"), exit_code=0, output="a.b\n")

    def workspaces(self) -> tuple[str, ...]:
        return ("default",)

    def init_command(self) -> str:
        return "terraform init"

    def poll(self, child: Child) -> Exit | None:
        return self.endings.get(child.id)

    def attach(self, child: Child) -> Child:
        return msgspec.structs.replace(child, pid=self.processes.get(child.id, child.pid))

    def interrupt(self, child: Child) -> None:
        self.interrupts.append(child.id)

    def follow(self, log: Path) -> Any:
        raise NotImplementedError

    def errored_state(self) -> Path | None:
        return None

    def can_interrupt(self) -> str | None:
        return None

    @contextmanager
    def release_root(self, address: StateAddress) -> Iterator[PrivateRoot]:
        del address
        if self.broken is not None:
            raise self.broken
        self.entered += 1
        try:
            yield self.root
        finally:
            self.left += 1


class Paper:
    """A journal in memory. `refuses` says which events it cannot write."""

    incident_id = "261123-0312-kiwi"

    def __init__(self, directory: Path) -> None:
        self.events: list[Event] = []
        self.backups: list[StoredLock] = []
        self.refuses: Callable[[Event], bool] = lambda _: False
        self.refuses_backups = False
        self._directory = directory

    def append(self, event: Event) -> None:
        if self.refuses(event):
            raise JournalError("the disk is full")
        self.events.append(event)

    def keep_backup(self, lock: StoredLock) -> Path:
        if self.refuses_backups:
            raise JournalError("the disk is full")
        self.backups.append(lock)
        return self._directory / f"backup-{len(self.backups)}-{lock.store}.json"

    def close(self) -> None:
        """Nothing is held."""

    def log_path(self, command_id: str) -> Path:
        return self._directory / f"{command_id}.log"

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class Witness:
    """A source of evidence that says what it is told to say."""

    name = "a witness"

    def __init__(self, *, can_block: bool = True) -> None:
        self.can_block = can_block
        self.says: Callable[[StoredLock, datetime], Iterable[Finding]] = lambda _lock, _now: ()
        self.asked = 0

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        del address
        self.asked += 1
        return self.says(lock, now)

    def blocks(self, fact: str = "run 4712 is in progress", **facts: Any) -> None:
        def say(lock: StoredLock, now: datetime) -> Iterable[Finding]:
            told: dict[str, Any] = {"key": "ci.run", "source": "gh run list", "observed_at": timestamp(now)}
            yield Finding(lock=lock.identity, fact=fact, **told | {"says": Says.BLOCKS} | facts)

        self.says = say


class Bench:
    """The parts of a walk, each reachable, on one clock."""

    def __init__(
        self,
        directory: Path,
        address: StateAddress = DUAL,
        *,
        policy: Policy | None = None,
        sources: Sequence[Witness] = (),
        resumed: Incident | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.shelf = Shelf(self.clock, address)
        self.terraform = FakeTerraform(self.shelf)
        self.paper = Paper(directory)
        self.told: list[object] = []
        publish = self.told.append
        if resumed is None:
            opened = Opened(
                at=timestamp(self.clock()),
                incident=self.paper.incident_id,
                address=address,
                root="infra/network",
                operator="priya",
                host="oncall",
                tool="0",
            )
            self.scribe = Scribe(opened, lambda _: self.paper, publish, self.clock)
        else:
            self.scribe = Scribe.resume(resumed, self.paper, publish, self.clock)
        world = World(
            root=RootModule(directory=None, name="infra/network", backend=Backend(type="s3"), initialised=True),
            store=self.shelf,
            terraform=self.terraform,
            policy=policy or Policy(),
            create_journal=lambda _: self.paper,
            operator="priya",
            host="oncall",
            tool="0",
            clock=self.clock,
        )
        self.observer = Observer(self.scribe, "oncall")
        site = Site(world, self.scribe, self.observer, publish)
        self.clerk = Clerk(self.scribe, self.observer, RUNBOOK, "priya")
        releases = Releases(site)
        self.commands = Commands(site, releases)
        self.checks = Checks(site)
        self.evidence = EvidenceDesk(sources, self.observer.weigh_in, self.clock, off=lambda: self.scribe.incident.off)
        self.sources_say: Callable[[LockSnapshot], Iterable[Finding]] = self.evidence.again
        self.responder = Responder(site, releases, self._ask_again)
        self.reception = Reception(site, self.clerk, self.responder, self.checks, self.evidence, resumed=False)

    def _ask_again(self, snapshot: LockSnapshot) -> Iterable[Finding]:
        return self.sources_say(snapshot)

    @property
    def incident(self) -> Incident:
        return self.scribe.incident

    def look(self, seconds: float = 0) -> Looked:
        """Let time pass, look, and take the look in."""
        self.clock.forward(seconds)
        ticket = self.observer.ticket()
        return self.observer.take_in(self.shelf.look(), ticket=ticket)

    def answer(self, lock: LockIdentity = A, **values: str) -> None:
        """The core questions, answered through the clerk; by default all of it says that the holder ended."""
        for question, value in (GOOD_ANSWERS | {name.replace("_", "-"): v for name, v in values.items()}).items():
            self.clerk.answer(lock, question, value, TOLD)

    def dispute(self, key: str, lock: LockIdentity = A, who: str = "sam", how: str = "looked") -> None:
        """Dispute the fact that the incident knows under this key; one that nobody found, if there is none."""
        answered = {(lock, f"answer.{question}"): given for (lock, question), given in self.incident.answers.items()}
        known = self.incident.findings.get((lock, key))
        if given := answered.get((lock, key)):
            known = as_finding(given)
        nobody_found = Finding(key=key, lock=lock, says=Says.BLOCKS, fact="?", source="?", observed_at="")
        self.clerk.dispute(known or nobody_found, who=who, how=how)

    def refused(self, lock: LockIdentity = A, source: str = "plan") -> None:
        self.scribe.record(RetryEnded, outcome="refused-by-this", source=source, lock=lock, locks=(lock,))

    def ready(self) -> Bench:
        """Everything that a release of every lock present asks for is done."""
        self.look()
        for lock in self.incident.identities:
            self.answer(lock)
            self.refused(lock)
        self.look(10)
        return self

    def prepare(self, action: ForceUnlock | DeleteLock) -> Prepared:
        prepared = self.responder.prepare(action)
        assert isinstance(prepared, Prepared), prepared
        return prepared

    def release(self, action: ForceUnlock | DeleteLock, **changed: str) -> Released | Refusal:
        """Prepare, type what is asked for, release."""
        return self.confirm(self.prepare(action), **changed)

    def confirm(self, prepared: Prepared, **changed: str) -> Released | Refusal:
        return self.responder.release(prepared, self.typed(prepared) | changed)

    def typed(self, prepared: Prepared) -> dict[str, str]:
        return {
            field.id: field.exactly or f"{field.id} was looked at: {', '.join(field.names)}"
            for field in prepared.fields
        }


def written(state: StateObject | NotChecked, etag: str = '"v2"') -> StateObject:
    """The state object after somebody wrote it."""
    assert isinstance(state, StateObject)
    return msgspec.structs.replace(state, etag=etag)
