"""A front end's world that has nothing in it; a test fills in what its screen asks for."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, cast

from tests.support.incidents import START

if TYPE_CHECKING:
    from datetime import datetime

    from tuirunbook.core.backend import RootModule
    from tuirunbook.tui.front import Front, IncidentRow


class EmptyFront:
    """Knows the time and no error; whatever else a screen asks, its test must answer."""

    def pasted_link(self) -> str:
        return ""

    def pasted(self) -> str:
        return ""

    def unfinished(self, root: RootModule) -> IncidentRow | None:
        del root
        return None

    def now(self) -> datetime:
        return START.astimezone(timezone(timedelta(hours=2)))

    @property
    def front(self) -> Front:
        """Itself, as a screen takes it: it asks only for what the test has given."""
        return cast("Front", self)
