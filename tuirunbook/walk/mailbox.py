"""Holds what a walk tells until a front end is there to hear it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tuirunbook.walk.messages import Message


class Mailbox:
    """Passes messages on in their order, from any thread; keeps them until somebody listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Message] = []
        self._listener: Callable[[Message], object] | None = None

    def put(self, message: Message) -> None:
        """Pass a message on, or keep it."""
        with self._lock:
            if self._listener is None:
                self._kept.append(message)
            else:
                self._listener(message)

    def attach(self, listener: Callable[[Message], object]) -> None:
        """Hand over what was kept, and from now on everything."""
        with self._lock:
            for message in self._kept:
                listener(message)
            self._kept.clear()
            self._listener = listener
