"""Who the reads are made as: asked at first, soon again while it is not known, and now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tuirunbook.core.lock import NotChecked
from tuirunbook.core.values import Caller
from tuirunbook.walk.messages import CallerKnown
from tuirunbook.walk.ports import LockStore

WHO_SECONDS = 15.0
"""How long after a refusal it is asked again who we are."""


class CallerDesk:
    """Asks AWS who we are, and tells it. Only the session's thread calls it."""

    def __init__(self, store: LockStore, publish: Callable[[CallerKnown], None], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock
        self._asked_at: datetime | None = None
        self._known: Caller | NotChecked | None = None

    @property
    def is_due(self) -> bool:
        """At first, soon again while it is not known, and now and then for what the login has left."""
        if self._asked_at is None:
            return True
        if isinstance(self._known, NotChecked) and self._known.code == "skipped":
            return False
        pause = WHO_SECONDS if isinstance(self._known, NotChecked) else WHO_SECONDS * 20
        return (self._clock() - self._asked_at).total_seconds() >= pause

    def ask(self) -> Caller | NotChecked:
        """Ask, and tell the front end."""
        self._asked_at = self._clock()
        self._known = caller = self._store.identify(again=True)
        self._publish(CallerKnown(caller))
        return caller
