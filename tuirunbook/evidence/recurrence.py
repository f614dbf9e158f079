"""Looks through the incidents of this machine for ones that are like this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding
from tuirunbook.core.lock import LockIdentity, StoredLock
from tuirunbook.core.recurrence import Earlier, findings


class Recurrence:
    """Compares a lock with those of earlier incidents.

    Args:
        past: Reads the incidents of this machine; the one under way may be among them.
        jobs: The CI jobs that are known to have held a lock, as `core.recurrence.job_named` says them.
    """

    name = "earlier incidents"
    can_block = False

    def __init__(
        self,
        past: Callable[[], Iterable[Earlier]],
        jobs: Callable[[LockIdentity], Sequence[str]] = lambda _: (),
    ) -> None:
        self._past = past
        self._jobs = jobs

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """How often it happened before, and whether this lock came right after another by the same holder."""
        return tuple(findings(lock, address, tuple(self._past()), now, self._jobs(lock.identity)))
