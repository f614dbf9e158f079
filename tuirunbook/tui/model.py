"""What a walk has told so far, kept for its screen: takes messages in, gives views out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import singledispatchmethod

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import CommandIntended, CommandStarted, Event, Opened
from tuirunbook.core.gates import Policy
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, NotChecked, Reading, Store
from tuirunbook.core.procedure import Progress, progress
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import TimelineLine, line, retry_in_words
from tuirunbook.core.values import Caller, ReadsOnlyError, Writer
from tuirunbook.tui.view import View
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.messages import (
    CallerKnown,
    CaughtUp,
    Message,
    PlanEnded,
    ReadingArrived,
    Trouble,
    WriterSeen,
)
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import Recorded
from tuirunbook.walk.walk import Walk

FLASH_SECONDS = 8


@dataclasses.dataclass
class Model:
    """Belongs to the screen's thread; the walk's own threads never touch it.

    Attributes:
        session: The walk that is shown: ours, or one that is read along.
        now: The time, in the operator's zone.
        incident: The incident after the last message.
        root: The root module, with what its files say differently once they were compared.
        lines: The transcript, a line for each event.
        log_line: The latest line of the command log.
        shown: The index of the step that the operator looks at, or None to follow the current one.
        writer: Who writes the incident that is read along; None where this session does.
        writer_ended: Whether that one has ended.
    """

    session: AnyWalk
    now: Callable[[], datetime]
    incident: Incident
    root: RootModule
    lines: list[TimelineLine] = dataclasses.field(default_factory=list)
    log_line: str = ""
    shown: int | None = None
    writer: Writer | None = None
    writer_ended: bool = False
    busy: str = ""
    deaf: str = ""
    snapshot: LockSnapshot | None = None
    looks: int = 0
    seen_at: datetime | None = None
    readings: dict[Store, Reading] = dataclasses.field(default_factory=dict)
    caller: Caller | NotChecked | None = None
    ours: frozenset[str] = frozenset()
    interrupted: frozenset[str] = frozenset()
    logs: dict[str, str] = dataclasses.field(default_factory=dict)
    news: list[str] = dataclasses.field(default_factory=list)
    _flash: str = ""
    _flash_at: datetime | None = None
    _unwritable: str = ""

    @singledispatchmethod
    def take(self, message: Message) -> None:
        """Take one message of the walk in."""
        raise TypeError(f"unknown message {type(message).__name__}")

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        if isinstance(self.session, Walk):
            return self.session
        raise ReadsOnlyError(f"{self.session.writer.words} writes this incident; this window only reads along")

    @take.register
    def _(self, message: Recorded) -> None:
        self.incident = message.incident
        said = self._tell(message.event)
        self.log(f"{said.at[11:19]}Z {said.fact}")
        self._tell_of_the_journal()

    def _tell(self, event: Event) -> TimelineLine:
        said = line(event)
        self.lines.append(said)
        if isinstance(event, CommandIntended | CommandStarted):
            self.logs[event.child.id] = event.child.log
        return said

    @take.register
    def _(self, message: CaughtUp) -> None:
        if isinstance(message.events[0], Opened):
            self.lines.clear()
        self.incident = message.incident
        for event in message.events:
            said = self._tell(event)
        self.log(f"{said.at[11:19]}Z {said.fact}")

    @take.register
    def _(self, message: WriterSeen) -> None:
        before = self.writer
        self.writer, self.writer_ended = message.writer, message.ended
        if message.ended:
            self.news.append("The session that wrote this incident has ended. T takes it over.")
        elif before is not None:
            self.news.append(f"{message.writer.words} writes this incident now.")

    def recall(self, events: Sequence[Event]) -> None:
        """Take in what happened before this session began."""
        told, self.lines[:] = list(self.lines), []
        for event in events:
            self._tell(event)
        self.lines.extend(told)

    @take.register
    def _(self, message: Looked) -> None:
        self.snapshot, self.looks = message.snapshot, message.number
        self.seen_at = self.now()
        self.ours = frozenset(message.ours)
        if message.found:
            self.flash("; ".join(change.sentence for change in message.found))
        elif not self.log_line or " look " in self.log_line:
            held = "held" if message.snapshot.held else "free" if message.snapshot.free else "not told"
            self.log(f"{self.seen_at:%H:%M:%S} {self._reads()} ▸ {held}, unchanged, look {self.looks}")

    @take.register
    def _(self, message: ReadingArrived) -> None:
        self.readings[message.store] = message.reading

    @take.register
    def _(self, message: CallerKnown) -> None:
        self.caller = message.caller

    @take.register
    def _(self, message: PlanEnded) -> None:
        retry = message.retry
        said = retry_in_words(retry.outcome if retry else message.reading.outcome.value)
        self.news.append(f"{message.child.id} {said}. {message.reading.summary_line or ''}".strip())
        if message.reading.release_failed:
            self.news.append(f"It could not release the lock: {message.reading.diagnosis.explanation}")

    @take.register
    def _(self, message: Trouble) -> None:
        self.news.append(message.sentence)

    def _tell_of_the_journal(self) -> None:
        """Say it once when what happens cannot be written down any more, and once when it can again."""
        why = self.session.unwritable
        if why and not self._unwritable:
            self.news.append(f"Not written down: {why}. Every change is refused until it can be.")
        elif self._unwritable and not why:
            self.news.append("What happens is written down again, and what happened meanwhile too.")
        self._unwritable = why

    def _reads(self) -> str:
        address = self.incident.address
        return " and ".join(
            part for part in (f"GetItem {address.table}" if address.table else "", "GetObject .tflock") if part
        )

    def log(self, text: str) -> None:
        """The latest thing that was done, for the line below the panes."""
        self.log_line = one_line(text, 400)

    def flash(self, sentence: str) -> None:
        """Show a change in words, for some seconds, in the header."""
        self._flash, self._flash_at = sentence, self.now()

    def view(self) -> View:
        """Everything, as it stands now."""
        now = self.now()
        steps = progress(self.incident, self.session.runbook)
        current = next((i for i, state in enumerate(steps) if state.progress is Progress.CURRENT), len(steps) - 1)
        fresh = self._flash_at is not None and (now - self._flash_at).total_seconds() < FLASH_SECONDS
        return View(
            root=self.root,
            incident=self.incident,
            runbook=self.session.runbook,
            steps=steps,
            shown=current if self.shown is None else min(self.shown, len(steps) - 1),
            now=now,
            snapshot=self.snapshot,
            looks=self.looks,
            seen_at=self.seen_at,
            readings=self.readings,
            caller=self.caller,
            sources=self.session.sources,
            ours=self.ours,
            flash=self._flash if fresh else "",
            busy=self.busy or self.deaf,
            unwritable=self.session.unwritable,
            interrupted=self.interrupted,
            policy=self.policy,
            training=self.session.world.training,
            writer=self.writer,
            writer_ended=self.writer_ended,
        )

    @property
    def policy(self) -> Policy:
        """What the settings allow."""
        return self.session.world.policy

    def move(self, by: int) -> None:
        """Look at another step."""
        view = self.view()
        self.shown = max(0, min(len(view.steps) - 1, view.shown + by))
