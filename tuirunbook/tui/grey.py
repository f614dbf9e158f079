"""A key that is grey says why; by itself Textual says nothing."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.screen import Screen

R = TypeVar("R")


class GreyKeys(Screen[R]):
    """A screen that greys keys with `check_action`, and is told when somebody presses one of them all the same."""

    def on_key(self, event: events.Key) -> None:
        """Keys come here before the bindings are looked up."""
        bound = self.active_bindings.get(event.key)
        if bound is not None and not bound.enabled and bound.node is self:
            event.stop()
            self.refuse(bound.binding.action)

    def refuse(self, action: str) -> None:
        """Say why this action is not possible now."""
        raise NotImplementedError
