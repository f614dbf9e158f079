"""What the lock's own `Who` tells, as a row among the findings: a hint about where to look, and no evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import WhoRule, read_who
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.text import one_line

KEY = "holder.who"


class WhoTells:
    """Reads the name; asks nobody.

    Args:
        rules: What the settings say about holders.
    """

    name = "the lock's Who"
    can_block = False

    def __init__(self, rules: Sequence[WhoRule] = ()) -> None:
        self._rules = tuple(rules)

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding; none for a lock that cannot be read."""
        del address
        if lock.info is None:
            return
        holder = read_who(lock.info.who, self._rules)
        told = ", ".join(
            f"{name} {holder.fact(fact)}" for fact, name in _FACTS.items() if holder.clues and holder.fact(fact)
        )
        who = one_line(holder.who, 120)
        yield Finding(
            key=KEY,
            lock=lock.identity,
            says=Says.NOTHING,
            match=Match.NAMES_THIS_STATE,
            fact=f"{who}: {holder.sentence}{f' ({told})' if told else ''}" if who else holder.sentence,
            source="Who of the lock",
            observed_at=timestamp(now),
        )


_FACTS = {"address": "address", "region": "region", "project": "project", "runner": "runner", "container": "container"}
