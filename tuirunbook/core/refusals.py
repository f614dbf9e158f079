"""Refusals that nobody here asked for: a run in CI that this very lock refused a moment ago stands for the retry.

It does while it is fresh, names a lock that is present, and came after whatever last voided what counted for that
lock; and where a source found it, while that source is not turned off. It shows that the lock is in the way, and no
more: that we read what the operator's Terraform reads is for a plan to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from tuirunbook.core.events import ErrorPasted
from tuirunbook.core.evidence import is_fresh
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, parse_time


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal that counts as the retry.

    Attributes:
        lock: The lock that refused.
        source: `ci` when somebody handed it in, `ci-log` when it was found.
        by: Who handed it in, or empty.
        locks: The locks that Terraform named.
        link: Where it was printed.
        detail: One line for people.
    """

    lock: LockIdentity
    source: str
    by: str = ""
    locks: tuple[LockIdentity, ...] = ()
    link: str = ""
    detail: str


def counting(incident: Incident, now: datetime) -> Iterator[Counting]:
    """The refusals that count now, one for each lock that is present and for which no retry counts yet."""
    for lock in incident.identities:
        if lock not in incident.refused_by and (found := _of(incident, lock, now)) is not None:
            yield found


def _of(incident: Incident, lock: LockIdentity, now: datetime) -> Counting | None:
    pasted = incident.refusals.get(lock)
    if (
        pasted is not None
        and _counts(incident, lock, pasted.printed_at, now)
        and _first_present(incident, pasted) == lock
    ):
        detail = "a run in CI was refused by this lock"
        return Counting(lock=lock, source="ci", by=pasted.by, locks=pasted.locks, link=pasted.link, detail=detail)
    for (about, _), finding in incident.findings.items():
        if about == lock and finding.witness not in incident.off and _counts(incident, lock, finding.refused_at, now):
            return Counting(lock=lock, source="ci-log", locks=(lock,), link=finding.link or "", detail=finding.fact)
    return None


def _counts(incident: Incident, lock: LockIdentity, refused_at: str | msgspec.UnsetType, now: datetime) -> bool:
    if not isinstance(refused_at, str) or not refused_at:
        return False
    try:
        moment = parse_time(refused_at)
        voided = incident.voided.get(lock)
        return is_fresh(moment, now) and (voided is None or moment > parse_time(voided))
    except ValueError:
        return False


def _first_present(incident: Incident, pasted: ErrorPasted) -> LockIdentity | None:
    """Of several locks that a text names, the first that is there: not each of them need have refused anything."""
    return next((lock for lock in pasted.locks if lock in incident.identities), None)
