"""What a walk tells its front end, from its own threads, in the past tense."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

import msgspec

from tuirunbook.core.diagnosis import PlanReading
from tuirunbook.core.events import Event, RetryEnded
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import NotChecked, Reading, Store
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import retry_in_words
from tuirunbook.core.values import Caller, Child, Writer
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import Recorded

P = ParamSpec("P")


class PlanEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or probe of ours has ended, and this is what it showed."""

    child: Child
    exit_code: int | None
    reading: PlanReading
    retry: RetryEnded | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What came of it, for people; also that it left its lock behind."""
        said = retry_in_words(self.retry.outcome if self.retry else self.reading.outcome.value)
        ended = f"{self.child.id} {said}. {one_line(self.reading.summary_line or '', 200)}".strip()
        if not self.reading.release_failed:
            return (ended,)
        return ended, f"It could not release the lock: {one_line(self.reading.diagnosis.explanation, 400)}"


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


class CaughtUp(msgspec.Struct, frozen=True):
    """Another session wrote these events, and this is the incident after them.

    They are all of its events when the first one opens it.
    """

    events: tuple[Event, ...]
    incident: Incident


class WriterSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes the incident that this session reads along: for the first time, somebody else, or nobody any more."""

    writer: Writer
    ended: bool = False


Message = Recorded | Looked | PlanEnded | ReadingArrived | CallerKnown | Trouble | CaughtUp | WriterSeen
"""Whatever a front end is handed."""


def tolerant(work: Callable[P, None], publish: Callable[[Message], None]) -> Callable[P, None]:
    """`work` without a caller who could handle its failure: the failure is told, and the walk goes on."""

    def tolerant_work(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            publish(Trouble(f"{type(error).__name__}: {error}"))

    return tolerant_work
