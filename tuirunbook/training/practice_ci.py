"""The practice CI system, through the port of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, InLine, Match, Says
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.scenario import Queued, Scenario

NAME = "practice CI"


class PracticeCi:
    """What a scenario's CI system says about its locks by itself.

    Args:
        scenario: What it says.
        held: Whether the trainee has had the queue held.
    """

    def __init__(self, scenario: Scenario, held: Callable[[], bool]) -> None:
        self._scenario = scenario
        self._held = held

    @property
    def name(self) -> str:
        """What it asks, for people."""
        return NAME

    @property
    def can_block(self) -> bool:
        """It is asked again before an act."""
        return True

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """What it says about this lock, and what is in line behind it."""

        def here(root: str) -> bool:
            return not root or address.key.startswith(f"{root}/")

        for sighting in self._scenario.sightings:
            if here(sighting.root):
                yield Finding(
                    key=f"ci.{sighting.key}",
                    lock=lock.identity,
                    says=Says(sighting.says),
                    match=Match(sighting.match),
                    fact=sighting.fact,
                    source=f"practice: {sighting.source}",
                    observed_at=timestamp(now),
                )
        lines = tuple(self._line(queued) for queued in self._scenario.in_line if here(queued.root))
        if lines:
            yield Finding(
                key="ci.practice.next",
                lock=lock.identity,
                says=Says.NOTHING,
                fact=f"next in line: {'; '.join(f'{line.what}, {line.starts}' for line in lines)}",
                source="practice: the queue of CI",
                observed_at=timestamp(now),
                in_line=lines,
            )

    def _line(self, queued: Queued) -> InLine:
        held = self._held()
        return InLine(
            what=queued.what,
            starts="held until somebody lets it go on" if held else queued.starts,
            match=Match.NAMES_THIS_STATE,
            stage="waiting" if held else queued.stage,
            undo=queued.undo if held else "",
        )
