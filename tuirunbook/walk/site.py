"""What all who act on one incident share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tuirunbook.walk.messages import Message
from tuirunbook.walk.observer import Observer
from tuirunbook.walk.scribe import Scribe
from tuirunbook.walk.world import World


@dataclasses.dataclass(frozen=True)
class Site:
    """One incident's world, who writes it down, who keeps the latest look, and where messages go.

    Attributes:
        world: Where it acts.
        scribe: Who writes it down.
        observer: Who keeps the latest look.
        publish: Takes messages; called from the walk's threads.
    """

    world: World
    scribe: Scribe
    observer: Observer
    publish: Callable[[Message], None]
