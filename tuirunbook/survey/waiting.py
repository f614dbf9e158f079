"""Waiting for a holder to let go. Time alone proves nothing, and neither does blindness."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

import msgspec

from tuirunbook.core.changes import changes
from tuirunbook.core.lock import LockSnapshot, NotChecked, describe
from tuirunbook.core.pace import look_after
from tuirunbook.survey.states import Store


class Outcome(enum.StrEnum):
    """How a wait ended."""

    RELEASED = "released"
    """A lock was seen here, and then every configured store was read and free."""
    HELD = "held"
    """The time was over, and the last look saw a lock."""
    BLIND = "blind"
    """The time was over, and the last look could not tell."""
    NEVER_HELD = "never-held"
    """Nothing held a lock here from the first look on, so nothing was released either."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A wait that has ended: how, the last look, and how long it took in seconds."""

    outcome: Outcome
    snapshot: LockSnapshot
    seconds: float


def wait_for_release(
    store: Store,
    *,
    seconds: float | None,
    tell: Callable[[str], None],
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Wait:
    """Look until the lock that was seen is gone, for at most `seconds`; `tell` gets a line for each change."""
    began = monotonic()
    seen: LockSnapshot | None = None
    before: LockSnapshot | None = None
    failures = 0
    while True:
        snapshot = store.look()
        waited = monotonic() - began
        for line in _news(before, snapshot):
            tell(line)
        before = snapshot
        seen = snapshot if snapshot.held else seen
        if snapshot.free:
            outcome = Outcome.RELEASED if seen is not None else Outcome.NEVER_HELD
            return Wait(outcome=outcome, snapshot=snapshot, seconds=waited)
        failures = 0 if snapshot.held and not snapshot.blind else failures + 1
        pause = look_after(failures=failures, waited=waited)
        if seconds is not None and waited >= seconds:
            outcome = Outcome.HELD if snapshot.held else Outcome.BLIND
            return Wait(outcome=outcome, snapshot=snapshot, seconds=waited)
        # The last look is at the end of the time, not before it.
        sleep(pause if seconds is None else min(pause, seconds - waited))


def _news(before: LockSnapshot | None, now: LockSnapshot) -> list[str]:
    if before is not None:
        return [change.sentence for change in changes(before, now)]
    lines = [f"held: {describe(now.find(identity)[0])}" for identity in now.identities]
    lines += [f"{store.label} cannot be read: {reading.why}{_then(reading)}" for store, reading in now.blind]
    if not now.address.locks_at_all:
        lines.append("the backend configures no locking")
    return lines


def _then(reading: NotChecked) -> str:
    return f"; {reading.advice}" if reading.advice else ""
