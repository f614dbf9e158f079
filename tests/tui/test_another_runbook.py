"""Leaving a walk for the one of another runbook, on the same state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fronts import EmptyFront
from tests.support.pilots import piloted, until
from tests.walk.test_following import Reader
from tuirunbook.tui.app import TflockApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuirunbook.core.backend import RootModule
    from tuirunbook.walk.following import AnyWalk
    from tuirunbook.walk.messages import Message


class OneState(EmptyFront):
    """A repository with one state; every walk of it is read along."""

    def __init__(self) -> None:
        self.opened: list[tuple[RootModule, str]] = []
        self.readers: list[Reader] = []

    def find(self) -> RootModule:
        return Reader().following.world.root

    def open_walk(self, root: RootModule, publish: Callable[[Message], None], runbook: str) -> AnyWalk:
        self.opened.append((root, runbook))
        reader = Reader()
        reader.following._publish = publish
        self.readers.append(reader)
        return reader.following

    def compare(self, root: RootModule) -> RootModule:
        return root

    def other_incidents(self, root: RootModule) -> list[Any]:
        del root
        return []


@piloted
async def test_another_runbook_is_walked_on_the_same_state_in_place_of_the_first() -> None:
    front = OneState()
    app = TflockApp(front.front)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.walk_screen and app.walk_screen.model.lines)
        first = app.walk_screen
        assert first is not None
        first.stage.walk_instead("digest-mismatch")
        await until(pilot, lambda: app.walk_screen is not first and app.walk_screen and app.walk_screen.model.lines)
        assert app.screen is app.walk_screen
        (root, _), again = front.opened
        assert again == (root, "digest-mismatch")
        assert not first.is_attached
    for reader in front.readers:
        reader.following.stop(20).result()
