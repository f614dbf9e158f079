"""What a walk has told so far, as every front end keeps it: a fold of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tuirunbook.core.events import CommandIntended, CommandStarted, Opened
from tuirunbook.core.procedure import StepState, progress
from tuirunbook.core.timeline import TimelineLine, line
from tuirunbook.core.values import ReadsOnlyError
from tuirunbook.walk.messages import CallerKnown, CaughtUp, Message, PlanEnded, ReadingArrived, Trouble, WriterSeen
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import Recorded
from tuirunbook.walk.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuirunbook.core.backend import RootModule
    from tuirunbook.core.events import Event
    from tuirunbook.core.gates import Policy
    from tuirunbook.core.incident import Incident
    from tuirunbook.core.lock import LockIdentity, LockSnapshot, NotChecked, Reading, Store
    from tuirunbook.core.values import Caller, Writer
    from tuirunbook.walk.following import AnyWalk


class Told:
    """Belongs to whoever takes the messages in; the walk's own threads never touch it.

    Attributes:
        session: The walk: ours, or one that is read along.
        root: The root module, with what its files say differently once a front end has compared them.
        incident: The incident after the last message.
        lines: The transcript, a line for each event.
        logs: The output of each command, by its ID.
        snapshot: The latest look.
        looks: Its number.
        ours: The locks in it that commands of ours hold.
        readings: What each store said first, while the others were still asked.
        caller: Who we are, or why nobody said; None as long as it is asked.
        writer: Who writes the incident that is read along; None where this session does.
        writer_ended: Whether that one has ended.
        interrupted: The commands of ours that this session has interrupted.
    """

    def __init__(self, session: AnyWalk) -> None:
        self.session = session
        self.root: RootModule = session.world.root
        self.incident: Incident = session.incident
        self.lines: list[TimelineLine] = []
        self.logs: dict[str, str] = {}
        self.snapshot: LockSnapshot | None = None
        self.looks = 0
        self.ours: frozenset[LockIdentity] = frozenset()
        self.readings: dict[Store, Reading] = {}
        self.caller: Caller | NotChecked | None = None
        self.writer: Writer | None = None
        self.writer_ended = False
        self.interrupted: frozenset[str] = frozenset()

    def take(self, message: Message) -> Sequence[TimelineLine]:
        """Take one message in; the lines that it brought."""
        match message:
            case Recorded():
                self.incident = message.incident
                return self._write([message.event])
            case CaughtUp():
                if isinstance(message.events[0], Opened):
                    self.lines.clear()
                self.incident = message.incident
                return self._write(message.events)
            case Looked():
                self.snapshot, self.looks, self.ours = message.snapshot, message.number, frozenset(message.ours)
            case ReadingArrived():
                self.readings[message.store] = message.reading
            case CallerKnown():
                self.caller = message.caller
            case WriterSeen():
                self.writer, self.writer_ended = message.writer, message.ended
            case PlanEnded() | Trouble():
                pass
            case _:
                assert_never(message)
        return ()

    def _write(self, events: Iterable[Event]) -> Sequence[TimelineLine]:
        written = []
        for event in events:
            written.append(line(event))
            if isinstance(event, CommandIntended | CommandStarted):
                self.logs[event.child.id] = event.child.log
        self.lines.extend(written)
        return written

    def recall(self, events: Iterable[Event]) -> None:
        """Take in what happened before this session began."""
        since, self.lines[:] = list(self.lines), []
        self._write(events)
        self.lines.extend(since)

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        if isinstance(self.session, Walk):
            return self.session
        raise ReadsOnlyError(f"{self.session.writer.words} writes this incident; this session only reads along")

    @property
    def policy(self) -> Policy:
        """What the settings allow."""
        return self.session.world.policy

    def steps(self) -> tuple[StepState, ...]:
        """The runbook's steps with their progress."""
        return progress(self.incident, self.session.runbook)
