"""What a release came to: only a fresh read of all stores says it."""

from __future__ import annotations

import enum
from collections.abc import Collection

from tuirunbook.core.diagnosis import UnlockOutcome
from tuirunbook.core.lock import LockIdentity, LockSnapshot, NotChecked, Store, short

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


def read_back(
    lock: LockIdentity,
    was_in: Collection[Store],
    after: LockSnapshot | None,
    others: Collection[LockIdentity] = (),
) -> ReleaseOutcome:
    """What became of a lock, by the read that followed the attempt.

    Args:
        lock: The lock.
        was_in: The stores that held it.
        after: The read, or None when there was none.
        others: The locks that stood beside it before; they are no new holders.
    """
    if after is None or after.blind or any(isinstance(after.reading(store), NotChecked) for store in was_in):
        return ReleaseOutcome.UNKNOWN
    left = {half.store for half in after.find(lock)}
    if not left:
        return ReleaseOutcome.NEW_HOLDER if set(after.identities) - set(others) else ReleaseOutcome.RELEASED
    return ReleaseOutcome.PARTLY if left < set(was_in) else ReleaseOutcome.STILL_HELD


def has_no_id(lock: LockIdentity) -> bool:
    """Whether the lock could not be read, so that force-unlock has nothing to name it by."""
    return lock.startswith("sha256:")


def listed_failure(lock: LockIdentity, was_in: Collection[Store], said: UnlockOutcome, outcome: ReleaseOutcome) -> str:
    """Why force-unlock cannot release this lock, if that is a reason which the last resort accepts (S7), or empty.

    For a lock that we can read, Terraform's "no lock here" is not one: then we do not read what Terraform reads.
    """
    if outcome not in {ReleaseOutcome.STILL_HELD, ReleaseOutcome.PARTLY}:
        return ""
    if said is UnlockOutcome.DENIED:
        return "denied"
    if outcome is ReleaseOutcome.PARTLY:
        return ""
    if said is UnlockOutcome.UNUSABLE_CONFIG:
        return "unusable"
    if said is UnlockOutcome.NOT_AS_WRITTEN:
        return "unreadable"
    cannot_name = {UnlockOutcome.UNREADABLE_OR_GONE, UnlockOutcome.OTHER_ID}
    if Store.S3 not in was_in:
        # For a row without Info, OpenTofu says that there is no lock.
        cannot_name.add(UnlockOutcome.NOTHING_THERE)
    return "unreadable" if has_no_id(lock) and said in cannot_name else ""


def contradiction(lock: LockIdentity, said: UnlockOutcome, outcome: ReleaseOutcome) -> str:
    """How what force-unlock said shows that Terraform does not see the lock that is read here (S15), or empty.

    Where the backend has no lock configured, Terraform says "unlocked" and does nothing.
    """
    if outcome is not ReleaseOutcome.STILL_HELD:
        return ""
    if said is UnlockOutcome.UNLOCKED:
        return f"Terraform says that it released lock {short(lock)}, which is still read here"
    unseen = {UnlockOutcome.UNREADABLE_OR_GONE, UnlockOutcome.OTHER_ID, UnlockOutcome.NOTHING_THERE}
    if said in unseen and not has_no_id(lock):
        return f"Terraform found no lock {short(lock)}, which is still read here"
    return ""
