"""What one plain walk knows, kept up to date by the walk's messages, and how it asks the walk for something."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from datetime import datetime
from typing import ParamSpec, TypeVar

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Event, Opened
from tuirunbook.core.gates import Policy
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, NotChecked
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import TimelineLine
from tuirunbook.plain.console import Console
from tuirunbook.tui.front import Front
from tuirunbook.walk.following import AnyWalk, Following
from tuirunbook.walk.mailbox import Mailbox
from tuirunbook.walk.messages import CallerKnown, CaughtUp, Message, PlanEnded, Trouble, WriterSeen
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.told import Told
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
        self._told: Told | None = None
        self._news = threading.Condition()

    def begin(self, open_walk: Callable[[Callable[[Message], None]], AnyWalk]) -> None:
        """Open the walk and start it.

        Raises:
            ValueError: It cannot be walked as it stands.
            JournalError: It cannot be resumed here.
        """
        mailbox = Mailbox()
        walk = open_walk(mailbox.put)
        self._told = Told(walk)
        mailbox.attach(self._publish)
        walk.start()

    @property
    def opened(self) -> bool:
        """Whether there is a walk."""
        return self._told is not None

    @property
    def told(self) -> Told:
        """What the walk has told so far."""
        if self._told is None:
            raise RuntimeError("the walk is not open yet")
        return self._told

    @property
    def shown(self) -> AnyWalk:
        """The walk, which may only be read along."""
        return self.told.session

    @property
    def followed(self) -> Following | None:
        """The walk that is read along, or None where this session writes."""
        walk = self._told.session if self._told else None
        return walk if isinstance(walk, Following) else None

    @property
    def walk(self) -> Walk:
        """The walk, whose parts write and act.

        Raises:
            ReadsOnlyError: It is only read along.
        """
        return self.told.walk

    @property
    def root(self) -> RootModule:
        """The root module."""
        return self.told.root

    @property
    def incident(self) -> Incident:
        """The incident after the last message."""
        return self.told.incident

    @property
    def snapshot(self) -> LockSnapshot | None:
        """The latest look."""
        return self.told.snapshot

    @property
    def policy(self) -> Policy:
        """What the settings allow."""
        return self.told.policy

    @property
    def now(self) -> datetime:
        """The time, in the operator's zone."""
        return self.front.now()

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
        if self._told is not None:
            with contextlib.suppress(CancelledError):
                self._told.session.stop(wait_seconds=5)

    # What the walk tells, in its own threads

    def _publish(self, message: Message) -> None:
        with self._news:
            self._take(message)
            self._news.notify_all()

    def _take(self, message: Message) -> None:
        """Take one message in, and say what is new in it."""
        asked_before = self.told.caller is not None
        lines = self.told.take(message)
        if not (isinstance(message, CaughtUp) and isinstance(message.events[0], Opened)):
            for said in lines:
                self.console.say(transcript_line(said), indent="    ")
        for sentence in _sentences(message, reads_along=self.followed is not None, asked_before=asked_before):
            self.console.say(sentence)


def _sentences(message: Message, *, reads_along: bool, asked_before: bool) -> Iterator[str]:
    """What is said of a message besides its lines of the transcript."""
    match message:
        case WriterSeen():
            words = one_line(message.writer.words, 80)
            if message.ended:
                yield f"The session that wrote this incident ({words}) has ended. It can be taken over."
            else:
                yield f"Somebody else writes this incident: {words}. This session only reads along."
        case Looked() if reads_along:
            for change in message.found:
                yield f"Seen here: {one_line(change.sentence, 300)}"
        case CallerKnown(NotChecked(why=why)) if not asked_before:
            yield f"The account is not checked: {one_line(why, 300)}"
        case PlanEnded():
            yield from message.sentences
        case Trouble():
            yield f"Trouble: {one_line(message.sentence, 400)}"
        case _:
            pass


def transcript_line(said: TimelineLine) -> str:
    """One event as it is printed when it happens."""
    source = f" [{said.source}]" if said.source else ""
    return f"* {said.at[11:19]}Z {said.actor}: {said.fact}{source}"
