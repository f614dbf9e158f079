"""What one plain walk knows, kept up to date by the walk's messages, and how it asks the walk for something."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from datetime import datetime
from functools import singledispatchmethod
from typing import ParamSpec, TypeVar

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import CommandIntended, CommandStarted, Event, Opened
from tuirunbook.core.gates import Policy
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, NotChecked
from tuirunbook.core.procedure import Progress, StepState, progress
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import TimelineLine, line, retry_in_words
from tuirunbook.core.values import Caller, ReadsOnlyError
from tuirunbook.plain.console import Console
from tuirunbook.tui.front import Front
from tuirunbook.walk.following import AnyWalk, Following
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

P = ParamSpec("P")
R = TypeVar("R")

TICK_SECONDS = 0.5
"""How often a wait looks up, so that ctrl+c is heard."""


class Instead(Exception):  # noqa: N818 - it is no error
    """The operator leaves this walk for one of another runbook, on the same root."""

    def __init__(self, runbook: str) -> None:
        super().__init__(runbook)
        self.runbook = runbook


class Session:
    """One walk, line by line. Messages arrive from the walk's threads; everything else belongs to the main thread."""

    def __init__(self, front: Front, console: Console) -> None:
        self.front = front
        self.console = console
        self.snapshot: LockSnapshot | None = None
        self.caller: Caller | NotChecked | None = None
        self.lines: list[TimelineLine] = []
        self.logs: dict[str, str] = {}
        self.interrupted: set[str] = set()
        self._incident: Incident | None = None
        self._walk: AnyWalk | None = None
        self._root: RootModule | None = None
        self._news = threading.Condition()

    def begin(self, open_walk: Callable[[Callable[[Message], None]], AnyWalk]) -> None:
        """Open the walk and start it.

        Raises:
            ValueError: It cannot be walked as it stands.
            JournalError: It cannot be resumed here.
        """
        walk = open_walk(self._publish)
        self._walk, self._root = walk, walk.world.root
        if self._incident is None:
            self._incident = walk.incident
        walk.start()

    @property
    def opened(self) -> bool:
        """Whether there is a walk."""
        return self._walk is not None

    @property
    def shown(self) -> AnyWalk:
        """The walk, which may only be read along."""
        if self._walk is None:
            raise RuntimeError("the walk is not open yet")
        return self._walk

    @property
    def followed(self) -> Following | None:
        """The walk that is read along, or None where this session writes."""
        return self._walk if isinstance(self._walk, Following) else None

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        if isinstance(walk := self.shown, Walk):
            return walk
        raise ReadsOnlyError(f"{walk.writer.words} writes this incident; this session only reads along")

    @property
    def root(self) -> RootModule:
        """The root module, with what its files say differently once that was read."""
        return self._root or self.shown.world.root

    @root.setter
    def root(self, root: RootModule) -> None:
        self._root = root

    @property
    def incident(self) -> Incident:
        """The incident after the last message."""
        return self._incident or self.shown.incident

    @property
    def policy(self) -> Policy:
        """What the settings allow."""
        return self.shown.world.policy

    @property
    def now(self) -> datetime:
        """The time, in the operator's zone."""
        return self.front.now()

    def steps(self) -> tuple[StepState, ...]:
        """The runbook's steps with their progress."""
        return progress(self.incident, self.shown.runbook)

    def current(self) -> int:
        """The index of the current step; the last one when nothing is left."""
        steps = self.steps()
        return next((i for i, state in enumerate(steps) if state.progress is Progress.CURRENT), len(steps) - 1)

    # Asking the walk

    def do(self, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the incident's thread do something, and wait for its result or exception."""
        return self._result(self.shown.desk.submit(request, *args, **kwargs))

    def do_to_the_end(self, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `do`, for what nothing may cut short: ctrl+c is told so, and the wait goes on."""
        future = self.walk.desk.submit(request, *args, **kwargs)
        while True:
            try:
                return self._result(future)
            except KeyboardInterrupt:
                self.console.say("This cannot be stopped half-way: it is ended, and read back first.")

    def _result(self, future: Future[R]) -> R:
        while True:
            try:
                return future.result(TICK_SECONDS)
            except NotYet:
                if future.done():
                    raise

    def tell(self, kind: type[Event], **facts: object) -> bool:
        """Record something that people may say; False when it is not complete, which is then said."""
        try:
            self.do(self.walk.clerk.tell, kind, **facts)
        except ValueError as error:
            self.console.say(f"Not recorded: {error}.")
            return False
        return True

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Until the condition holds. Ctrl+c ends the wait as `KeyboardInterrupt`; input is not read meanwhile."""
        with self._news:
            while not condition():
                self._news.wait(TICK_SECONDS)

    def close(self) -> None:
        """Stop looking. What was begun is still done, and commands of ours keep running."""
        if self._walk is not None:
            with contextlib.suppress(CancelledError):
                self._walk.stop(wait_seconds=5)

    # What the walk tells, in its own threads

    def _publish(self, message: Message) -> None:
        with self._news:
            self._take(message)
            self._news.notify_all()

    @singledispatchmethod
    def _take(self, message: Message) -> None:
        raise TypeError(f"unknown message {type(message).__name__}")

    @_take.register
    def _(self, message: Recorded) -> None:
        self._incident = message.incident
        self.console.say(transcript_line(self._tell(message.event)), indent="    ")

    def _tell(self, event: Event) -> TimelineLine:
        said = line(event)
        self.lines.append(said)
        if isinstance(event, CommandIntended | CommandStarted):
            self.logs[event.child.id] = event.child.log
        return said

    @_take.register
    def _(self, message: CaughtUp) -> None:
        from_the_beginning = isinstance(message.events[0], Opened)
        if from_the_beginning:
            self.lines.clear()
        self._incident = message.incident
        for event in message.events:
            said = self._tell(event)
            if not from_the_beginning:
                self.console.say(transcript_line(said), indent="    ")

    @_take.register
    def _(self, message: WriterSeen) -> None:
        words = one_line(message.writer.words, 80)
        if message.ended:
            self.console.say(f"The session that wrote this incident ({words}) has ended. It can be taken over.")
        else:
            self.console.say(f"Somebody else writes this incident: {words}. This session only reads along.")

    @_take.register
    def _(self, message: Looked) -> None:
        self.snapshot = message.snapshot
        if self.followed is not None:
            for change in message.found:
                self.console.say(f"Seen here: {one_line(change.sentence, 300)}")

    @_take.register
    def _(self, message: ReadingArrived) -> None:
        del message  # The look that it belongs to follows.

    @_take.register
    def _(self, message: CallerKnown) -> None:
        before, self.caller = self.caller, message.caller
        if isinstance(message.caller, NotChecked) and before is None:
            self.console.say(f"The account is not checked: {one_line(message.caller.why, 300)}")

    @_take.register
    def _(self, message: PlanEnded) -> None:
        said = retry_in_words(message.retry.outcome if message.retry else message.reading.outcome.value)
        self.console.say(f"{message.child.id} {said}. {one_line(message.reading.summary_line or '', 200)}".strip())
        if message.reading.release_failed:
            self.console.say(f"It could not release the lock: {one_line(message.reading.diagnosis.explanation, 400)}")

    @_take.register
    def _(self, message: Trouble) -> None:
        self.console.say(f"Trouble: {one_line(message.sentence, 400)}")


def transcript_line(said: TimelineLine) -> str:
    """One event as it is printed when it happens."""
    source = f" [{said.source}]" if said.source else ""
    return f"* {said.at[11:19]}Z {said.actor}: {said.fact}{source}"
