"""What a look at the place where a holder lives shows of it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import StoredLock


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one instance or pod tells.

    Attributes:
        says: What that says about a release.
        words: The fact, for people.
        alive: Whether it was seen to live.
        ended_at: When it ended, as far as that is known.
    """

    says: Says
    words: str
    alive: bool = False
    ended_at: datetime | None = None

    def about(
        self, lock: StoredLock, key: str, source: str, now: datetime, *, match: Match, opposes: tuple[str, ...] = ()
    ) -> Finding:
        """It as a finding; `opposes` names what it speaks against where it lives."""
        return Finding(
            key=key,
            lock=lock.identity,
            says=self.says,
            match=match,
            fact=self.words,
            source=source,
            observed_at=timestamp(now),
            ended_at=timestamp(self.ended_at) if self.ended_at else msgspec.UNSET,
            opposes=opposes if self.alive and opposes else msgspec.UNSET,
        )
