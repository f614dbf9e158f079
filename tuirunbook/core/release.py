"""What a release came to: only a fresh read of all stores says it."""

from __future__ import annotations

import enum

from tuirunbook.core.lock import LockIdentity, LockSnapshot, Store

NIL_LOCK_ID = "00000000-0000-0000-0000-000000000000"
"""What force-unlock is given for a lock that has no ID: it matches no lock, so Terraform can only say why it fails."""


class ReleaseOutcome(enum.StrEnum):
    """What is true after a release was tried."""

    RELEASED = "released"
    PARTLY = "partly"
    """One store let go of it, another still holds it."""
    STILL_HELD = "still-held"
    NEW_HOLDER = "new-holder"
    """It is gone, and somebody else holds the state now."""
    UNKNOWN = "unknown"
    """The stores could not be read afterwards."""
    NOT_TRIED = "not-tried"
    """Nothing was sent."""


def read_back(lock: LockIdentity, was_in: tuple[Store, ...], after: LockSnapshot | None) -> ReleaseOutcome:
    """What became of `lock`, which was in the stores `was_in`, by the read that followed the attempt."""
    if after is None or after.blind:
        return ReleaseOutcome.UNKNOWN
    left = {half.store for half in after.find(lock)}
    if not left:
        return ReleaseOutcome.NEW_HOLDER if after.held else ReleaseOutcome.RELEASED
    return ReleaseOutcome.PARTLY if left < set(was_in) else ReleaseOutcome.STILL_HELD
