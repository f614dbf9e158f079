"""Views of a walk for tests of single screens."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from tests.support.incidents import RUNBOOK, START, Story, look
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.procedure import progress
from tuirunbook.tui.view import View

if TYPE_CHECKING:
    from tuirunbook.core.lock import LockSnapshot

ZONE = timezone(timedelta(hours=2))
ROOT = RootModule(directory="/home/priya/infra/network", name="infra/network", backend=Backend(type="s3"))


def view_of(story: Story, **facts: Any) -> View:
    """What the walk's screen would know at this moment of the story."""
    now = (START + timedelta(seconds=story.clock)).astimezone(ZONE)
    known: dict[str, Any] = {"snapshot": story.last, "looks": 3, "seen_at": story.last and now}
    return View(
        root=ROOT,
        incident=story.incident,
        runbook=RUNBOOK,
        steps=progress(story.incident, RUNBOOK),
        now=now,
        **{"shown": 0} | known | facts,
    )


def view_after(snapshot: LockSnapshot | None = None) -> View:
    """The view after one look."""
    story = Story()
    story.look(snapshot or look())
    return view_of(story)
