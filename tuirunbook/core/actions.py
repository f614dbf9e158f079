"""What can be asked of the world."""

from __future__ import annotations

import msgspec

from tuirunbook.core.lock import LockIdentity, Store


class RetryPlan(msgspec.Struct, frozen=True, tag="retry-plan"):
    """Run a plan (it takes the lock if it can), or the lock probe."""

    probe: bool = False


class ForceUnlock(msgspec.Struct, frozen=True, tag="force-unlock"):
    """Have Terraform release this lock ID."""

    lock: LockIdentity


class DeleteLock(msgspec.Struct, frozen=True, tag="delete-lock"):
    """Delete this lock from one store, on the condition that it still is this lock."""

    lock: LockIdentity
    store: Store


Action = RetryPlan | ForceUnlock | DeleteLock
