"""Details of the lock, and steps that only read."""

from __future__ import annotations

import shlex

from tuirunbook.core.events import StepDone
from tuirunbook.tui.doing.stage import Stage


async def details(stage: Stage) -> None:
    """The whole lock, raw."""
    stage.show_details()


async def look_next(stage: Stage) -> None:
    """The whole lock; where one is looked for and none was ever seen, the locks with the nearest names."""
    incident = stage.view.incident
    if incident.seen or incident.opened.repairs or ("look", "near-misses") in incident.checks:
        stage.show_details()
    else:
        await stage.do("listing the table's locks…", stage.walk.checks.near_misses)


async def run_next(stage: Stage) -> None:
    """Mark a step done that people do by hand; its commands are copied, so that they can run them."""
    step = stage.view.step.step
    if step.commands and step.id not in stage.view.incident.steps_done:
        stage.copy("\n".join(shlex.join(command) for command in step.commands), shlex.join(step.commands[0]))
    await stage.do("", stage.walk.clerk.tell, StepDone, step=step.id)
