"""Reading along an incident that another session writes: everything is seen, and nothing can be done."""

from __future__ import annotations

import inspect
import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from tests.support.incidents import RUNBOOK, A, Story, lock_text
from tests.walk.parts import Clock, FakeTerraform, Shelf
from tuirunbook.core.actions import DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.confirmation import Confirmation
from tuirunbook.core.events import CommandStarted, Event, Identified, NoteAdded, Opened
from tuirunbook.core.gates import Policy, Refusal, permit
from tuirunbook.core.lock import Store
from tuirunbook.core.values import Child, JournalError, Writer
from tuirunbook.walk import clerk, commands, responder
from tuirunbook.walk.following import Following
from tuirunbook.walk.messages import CaughtUp, Message, Trouble, WriterSeen
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.world import World

PATIENCE = 20
THEM = Writer(pid=4711, since="2026-11-23T03:12:00.000Z", host="oncall", terminal="pts/3")
OTHERS = Writer(pid=4712, since="2026-11-23T03:20:00.000Z", host="oncall")

M = TypeVar("M")


class Notebook:
    """An incident that somebody else writes, in memory."""

    def __init__(self) -> None:
        self.added: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.who: Writer | None = THEM
        self.failure = ""

    def read_new(self) -> Sequence[Event]:
        if self.failure:
            raise JournalError(self.failure)
        found = []
        while not self.added.empty():
            found.append(self.added.get())
        return found

    def writer(self) -> Writer | None:
        return self.who


class Reader:
    """Somebody who reads along, and what was told to them."""

    def __init__(self, **world: Any) -> None:
        self.clock = Clock()
        self.shelf = Shelf(self.clock)
        self.terraform = FakeTerraform(self.shelf)
        self.notebook = Notebook()
        self.told: queue.Queue[Message] = queue.Queue()
        self.story = story_so_far()
        self.following = Following(
            World(
                root=RootModule(directory=None, name="infra/network", backend=Backend(type="s3"), initialised=True),
                store=self.shelf,
                terraform=self.terraform,
                policy=Policy(),
                create_journal=_none,
                operator="sam",
                host="oncall",
                tool="0",
                clock=self.clock,
                **world,
            ),
            RUNBOOK,
            self.notebook,
            self.story,
            THEM,
            self.told.put,
        )

    def until(self, kind: type[M], holds: Callable[[M], object] = lambda _: True) -> M:
        while True:
            message = self.told.get(timeout=PATIENCE)
            if isinstance(message, kind) and holds(message):
                return message


def _none(_: Opened) -> Any:
    raise AssertionError("who reads along makes no journal")


def story_so_far() -> tuple[Event, ...]:
    """The events of an incident with a lock in it."""
    events: list[Event] = []

    class Told(Story):
        def add(self, kind: type[Event], **facts: Any) -> Any:
            incident = super().add(kind, **facts)
            events.append(kind(at=incident.last_at, by="priya", **facts))
            return incident

    story = Told()
    story.add(Identified, account=Shelf(Clock()).address.account, caller=Shelf(Clock()).address.caller)
    story.look()
    return (story.incident.opened, *events)


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    made.following.start()
    yield made
    made.following.stop(PATIENCE)


def note(text: str) -> NoteAdded:
    return NoteAdded(at="2026-11-23T03:13:00.000Z", by="priya", text=text)


def test_the_whole_incident_is_told_and_who_writes_it(reader: Reader) -> None:
    assert reader.until(WriterSeen) == WriterSeen(writer=THEM)
    caught_up = reader.until(CaughtUp)
    assert caught_up.events == reader.story
    assert caught_up.incident.identities == (A,)


def test_what_is_written_meanwhile_is_folded_and_told(reader: Reader) -> None:
    reader.notebook.added.put(note("they looked"))
    told = reader.until(CaughtUp, lambda message: len(message.events) == 1)
    assert told.incident.events == len(reader.story) + 1
    assert reader.following.incident is told.incident


def test_an_incident_that_is_read_again_from_its_beginning_is_folded_anew(reader: Reader) -> None:
    reader.until(CaughtUp)
    for event in (*reader.story, note("again")):
        reader.notebook.added.put(event)
    told = reader.until(CaughtUp, lambda message: note("again") in message.events)
    assert told.incident.events == len(reader.story) + 1


def test_the_lock_is_shown_by_looks_of_its_own_that_change_no_incident(reader: Reader) -> None:
    first = reader.until(Looked)
    assert (first.number, first.snapshot.identities) == (1, (A,))
    before = reader.following.incident
    reader.shelf.free()
    reader.following.watcher.look_now()
    second = reader.until(Looked, lambda looked: looked.found)
    assert not second.snapshot.held
    assert reader.following.incident is before


def test_the_writers_own_plan_is_known_as_theirs(reader: Reader) -> None:
    began = reader.clock().timestamp() - 5
    argv = ("terraform", "plan")
    child = Child(id="plan-1", argv=argv, cwd="/", pid=1, started=began, boot_id="b", log="/l")
    reader.notebook.added.put(CommandStarted(at="2026-11-23T03:13:00.000Z", by="x", child=child, purpose="plan"))
    reader.until(CaughtUp, lambda message: message.incident.running)
    theirs = lock_text(Who="priya@oncall", Operation="OperationTypePlan", Created="2026-11-23T03:12:00Z")
    reader.shelf.hold(Store.DYNAMODB, theirs)
    reader.shelf.free(Store.S3)
    reader.following.watcher.look_now()
    assert reader.until(Looked, lambda looked: looked.ours).ours == (A,)


def test_the_end_of_the_writer_comes_after_its_last_word(reader: Reader) -> None:
    reader.notebook.added.put(note("the last"))
    reader.notebook.who = None
    last = None
    while not isinstance(message := reader.told.get(timeout=PATIENCE), WriterSeen) or not message.ended:
        last = message if isinstance(message, CaughtUp) else last
    assert last is not None
    assert last.events == (note("the last"),)
    assert reader.following.writer_ended


def test_somebody_else_who_writes_on_is_told(reader: Reader) -> None:
    reader.notebook.who = None
    reader.until(WriterSeen, lambda seen: seen.ended)
    reader.notebook.who = OTHERS
    assert reader.until(WriterSeen) == WriterSeen(writer=OTHERS)
    assert not reader.following.writer_ended


def test_a_journal_that_cannot_be_read_is_told_once(reader: Reader) -> None:
    reader.notebook.failure = "the journal cannot be read: it is gone"
    reader.until(Trouble)
    reader.notebook.who = None
    seen = []
    while not isinstance(message := reader.told.get(timeout=PATIENCE), WriterSeen):
        seen.append(message)
    assert not [message for message in seen if isinstance(message, Trouble)]


def test_s15_another_place_than_the_incidents_is_said() -> None:
    elsewhere = Reader()
    elsewhere.shelf.address = msgspec.structs.replace(elsewhere.shelf.address, account="999999999999")
    elsewhere.following.start()
    told = elsewhere.until(Trouble)
    elsewhere.following.stop(PATIENCE)
    assert told.sentence == (
        "This is not the place the incident began in: the account is now 999999999999; it was 123456789012."
    )


def test_s11_the_gates_refuse_whoever_only_reads_every_change(reader: Reader) -> None:
    snapshot = reader.until(Looked).snapshot
    policy = reader.following.world.policy
    for action in (RetryPlan(), RetryPlan(probe=True), ForceUnlock(lock=A), DeleteLock(lock=A, store=Store.DYNAMODB)):
        confirmation = Confirmation(fingerprint=snapshot.fingerprint)
        answer = permit(action, reader.following.incident, snapshot, policy, confirmation)
        assert isinstance(answer, Refusal)
        assert answer.rule == "S11"


def test_who_only_reads_has_no_part_that_writes_acts_or_answers(reader: Reader) -> None:
    reader.until(Looked)
    acting = (responder.Responder, commands.Commands, clerk.Clerk)
    held = [value for _, value in inspect.getmembers(reader.following)]
    assert not [value for value in held if isinstance(value, acting)]
    assert not hasattr(reader.following, "scribe")
    assert not reader.following.world.sources


def test_reading_along_and_leaving_changes_nothing(reader: Reader) -> None:
    reader.until(Looked)
    reader.following.desk.submit(reader.following.know_again).result(PATIENCE)
    reader.following.stop(PATIENCE)
    assert set(reader.shelf.calls) == {"look"}
