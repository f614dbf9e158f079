"""The calm watch."""

from __future__ import annotations

import time

from tuirunbook.core.events import WaitEnded, WaitStarted
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.screens.wait import WaitScreen


async def wait(stage: Stage) -> None:
    """Watch until the lock leaves, changes hands, or the operator comes back."""
    watcher = stage.session.watcher
    if not stage.view.reads_only:
        await stage.do("", stage.walk.clerk.tell, WaitStarted)
    watcher.calm_since = time.monotonic()
    try:
        outcome = await stage.ask(WaitScreen(stage.view))
    finally:
        watcher.calm_since = None
        watcher.look_now()
    if not stage.view.reads_only:
        await stage.do("", stage.walk.clerk.tell, WaitEnded, outcome=outcome or "stopped")
