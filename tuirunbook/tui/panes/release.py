"""Steps 6 and 7: the release, and the last resort."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from tuirunbook.core.actions import Action, DeleteLock, ForceUnlock
from tuirunbook.core.gates import obstacle
from tuirunbook.core.incident import Release
from tuirunbook.core.lock import short
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.recurrence import fresh
from tuirunbook.core.text import one_line
from tuirunbook.core.verdict import judge
from tuirunbook.tui.panes.parts import Lines, comes_back, key, paragraph, verdict_lines
from tuirunbook.tui.view import View

OUTCOMES = {
    "released": "released: no store holds it any more",
    "partly": "partly released: one store still holds it",
    "still-held": "not released: it is still held",
    "new-holder": "released, and somebody else holds the state now",
    "unknown": "outcome unknown: the stores could not be read afterwards",
    "not-tried": "nothing was sent",
}


def force_unlock(view: View) -> Lines:
    """Whether force-unlock may be tried, on which lock, and how earlier attempts ended."""
    incident = view.incident
    lock = lock_in_hand(incident)
    if lock is None:
        yield paragraph("No lock is held, so there is nothing to unlock.")
    else:
        yield from _attempts(incident.releases_of(lock))
        yield from comes_back(fresh(incident, lock))
        yield from verdict_lines(judge(incident, lock), advises=False)
        yield Content("")
        if lock.startswith("sha256:"):
            yield paragraph(
                "This lock has no readable ID, so force-unlock cannot release it. The attempt shows on record why, and "
                "that opens step 7."
            )
        yield from _may(view, ForceUnlock(lock=lock), f"force-unlock {short(lock)}: opens the confirmation")
        yield Content("")
        yield paragraph(
            "Terraform reads the lock, compares the ID and then deletes it without a condition: a lock taken in those "
            "milliseconds would be lost. That is why runs that wait are held first."
        )
        yield key("c", "copy the command instead")
        yield key("o", "somebody else did it: say who")


def delete_lock(view: View) -> Lines:
    """Whether the last resort is open."""
    incident = view.incident
    lock = lock_in_hand(incident)
    if lock is None:
        yield paragraph("No lock is held, so there is nothing to delete.")
        return
    yield from _attempts(incident.releases_of(lock))
    for half in incident.locks:
        if half.identity == lock:
            action = DeleteLock(lock=lock, store=half.store)
            yield from _may(view, action, f"delete {short(lock)} from {half.store.label}, if it still is this lock")
    yield Content("")
    yield key("c", "copy the conditional delete instead, for the one who has the permission")
    yield key("o", "somebody else did it: say who")


def _may(view: View, action: Action, label: str) -> Lines:
    if view.incident.unended_release:
        yield Content.styled("A release is under way; what it came to is read back.", "bold")
        return
    if view.reads_only:
        yield key("n", label)
        return
    refusal = obstacle(action, view.incident, view.snapshot, view.policy)
    if refusal is None:
        yield key("n", label)
    else:
        yield Content.assemble(("Not yet: ", "bold $text-warning"), f"{one_line(refusal.why, 300)}.")
        yield Content(f"  {one_line(refusal.enable, 300)}")


def _attempts(releases: Iterable[Release]) -> Lines:
    for release in releases:
        ended = release.ended
        said = OUTCOMES.get(ended.outcome, ended.outcome) if ended else "under way…"
        yield Content.assemble((f"{release.intended.method}: ", "bold"), said)
        if ended and ended.detail:
            yield Content(f"  {one_line(ended.detail, 300)}")
