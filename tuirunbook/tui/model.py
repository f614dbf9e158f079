"""A walk as its screen keeps it: takes messages in, gives views out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tuirunbook.core.procedure import current_index
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import TimelineLine
from tuirunbook.tui.view import View
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.messages import Message, PlanEnded, Trouble, WriterSeen
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import Recorded
from tuirunbook.walk.told import Told

FLASH_SECONDS = 8


class Model(Told):
    """What the walk has told, and what the operator does on the screen with it.

    Args:
        session: The walk that is shown: ours, or one that is read along.
        now: The time, in the operator's zone.

    Attributes:
        log_line: The latest line of the command log.
        shown: The index of the step that the operator looks at, or None to follow the current one.
        busy: What is under way, for the header; empty when nothing is.
        deaf: Why no command begins at the moment; empty when one may.
        news: Sentences to say to the operator; whoever says them clears it.
        seen_at: When the latest look was taken in.
    """

    def __init__(self, session: AnyWalk, now: Callable[[], datetime]) -> None:
        super().__init__(session)
        self.now = now
        self.log_line = ""
        self.shown: int | None = None
        self.busy = ""
        self.deaf = ""
        self.news: list[str] = []
        self.seen_at: datetime | None = None
        self._flash = ""
        self._flash_at: datetime | None = None
        self._unwritable = ""

    def take(self, message: Message) -> Sequence[TimelineLine]:
        """Take one message in, and keep what is to be said of it."""
        writer = self.writer
        lines = super().take(message)
        if lines:
            self.log(f"{lines[-1].at[11:19]}Z {lines[-1].fact}")
        match message:
            case Recorded():
                self._tell_of_the_journal()
            case Looked():
                self._tell_of_the_look(message)
            case WriterSeen(ended=True):
                self.news.append("The session that wrote this incident has ended. T takes it over.")
            case WriterSeen() if writer is not None:
                self.news.append(f"{message.writer.words} writes this incident now.")
            case PlanEnded():
                self.news.extend(message.sentences)
            case Trouble():
                self.news.append(message.sentence)
            case _:
                pass
        return lines

    def _tell_of_the_look(self, look: Looked) -> None:
        self.seen_at = self.now()
        if look.found:
            self.flash("; ".join(change.sentence for change in look.found))
        elif not self.log_line or " look " in self.log_line:
            held = "held" if look.snapshot.held else "free" if look.snapshot.free else "not told"
            self.log(f"{self.seen_at:%H:%M:%S} {self._reads()} ▸ {held}, unchanged, look {look.number}")

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
        steps = self.steps()
        fresh = self._flash_at is not None and (now - self._flash_at).total_seconds() < FLASH_SECONDS
        return View(
            root=self.root,
            incident=self.incident,
            runbook=self.session.runbook,
            steps=steps,
            shown=current_index(steps) if self.shown is None else min(self.shown, len(steps) - 1),
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

    def move(self, by: int) -> None:
        """Look at another step; back at the current one, follow it again."""
        view = self.view()
        there = max(0, min(len(view.steps) - 1, view.shown + by))
        self.shown = None if there == current_index(view.steps) else there
