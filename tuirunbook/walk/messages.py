"""What a walk tells its front end, from its own threads, in the past tense."""

from __future__ import annotations

import msgspec

from tuirunbook.core.diagnosis import PlanReading
from tuirunbook.core.events import RetryEnded
from tuirunbook.core.lock import NotChecked, Reading, Store
from tuirunbook.core.values import Caller, Child
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.scribe import Recorded


class PlanEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A plan or probe of ours has ended, and this is what it showed."""

    child: Child
    exit_code: int | None
    reading: PlanReading
    retry: RetryEnded | None = None


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
"""Whatever a front end is handed."""
