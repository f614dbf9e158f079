"""The states of a repository with their locks: rows that fill in as answers arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockSnapshot
from tuirunbook.core.state import (
    COLLISION,
    ORPHAN,
    REMOVED_ARGUMENTS,
    Hazard,
    State,
    Unresolved,
    collision,
    hazards,
    is_orphan,
    place_of,
)
from tuirunbook.survey.doubt import Doubt, doubt

_SIGNED_OUT = (
    "Expired",
    "SSOToken",
    "TokenRetrieval",
    "Credential",
    "Login",
    "InvalidClientTokenId",
    "Unrecognized",
    "Mfa",
)
"""What the error codes of missing or expired credentials have in them."""


class Store(Protocol):
    """What a survey needs of a state's lock stores."""

    def look(self) -> LockSnapshot:
        """Read everything, consistently; what cannot be read is said in the snapshot."""
        ...


class Reader(Protocol):
    """Reads the locks of many states at once."""

    def read(self, roots: Sequence[RootModule]) -> Iterator[tuple[int, LockSnapshot]]:
        """Each state's place in `roots` and its locks, as answers arrive. What cannot be read is in the snapshot."""
        ...


class Lister(Protocol):
    """Lists what else is in the stores of states. Each answer is root modules, and what could not be listed."""

    def workspaces(self, roots: Sequence[RootModule]) -> tuple[list[RootModule], list[str]]:
        """These roots in the other workspaces that the buckets list."""
        ...

    def orphans(self, roots: Sequence[RootModule]) -> tuple[list[RootModule], list[str]]:
        """Locks that belong to none of these states, as states of their own."""
        ...


class StateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the repository: where it is, and its lock as far as it was read.

    Attributes:
        root: The root module.
        snapshot: The look, or None while it is being read.
        trouble: Why it cannot be read at all, or empty.
        source: Where its configuration is from; see `State`.
        config_files: The files that complete it.
        unresolved: What no file tells.
        hazards: What is dangerous about it.
        here: Whether it is a state of the root module that the operator stands in.
    """

    root: RootModule
    snapshot: LockSnapshot | None = None
    trouble: str = ""
    source: str = ""
    config_files: tuple[str, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    here: bool = False

    @property
    def doubt(self) -> Doubt | None:
        """Why its free lock may not be the one that is meant."""
        return doubt(self.snapshot, self.root) if self.snapshot is not None else None


class Survey:
    """One survey: every state found, then every lock read, then what else the stores list.

    Args:
        reader: Reads locks, or None to find states only.
        lister: Lists workspaces and orphans, or None to list nothing.
        orphans: Whether locks that belong to no state here are wanted.
        terraform: Asks for the installed Terraform's version, or None when it is not known. It is asked only where a
            backend sets what some versions do not accept.
    """

    def __init__(
        self,
        reader: Reader | None,
        lister: Lister | None = None,
        *,
        orphans: bool = False,
        terraform: Callable[[], tuple[int, ...] | None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._lister = lister
        self._orphans = orphans
        self._terraform = terraform
        self._places: dict[tuple[str | None, ...], list[int]] = {}
        self.rows: list[StateRow] = []
        self.remarks: list[str] = []

    def run(self, states: Iterable[State]) -> Iterator[StateRow]:
        """Each row as it is found, and again whenever more is known about it."""
        for state in states:
            yield from self._add(state)
        if self._reader is None:
            return
        yield from self.look()
        if self._lister is None:
            return
        found, remarks = self._lister.workspaces(self._readable())
        self.remarks += remarks
        yield from self._further(found)
        if self._orphans:
            found, remarks = self._lister.orphans(self._readable())
            self.remarks += remarks
            yield from self._further(found)

    def look(self, start: int = 0) -> Iterator[StateRow]:
        """Read the locks of all rows from `start` on, also of those that were read before."""
        assert self._reader is not None  # noqa: S101 - nothing is read without one
        numbers = [number for number in range(start, len(self.rows)) if not self.rows[number].trouble]
        for place, snapshot in self._reader.read([self.rows[number].root for number in numbers]):
            number = numbers[place]
            self.rows[number] = msgspec.structs.replace(self.rows[number], snapshot=snapshot)
            yield self.rows[number]

    def _further(self, roots: list[RootModule]) -> Iterator[StateRow]:
        start = len(self.rows)
        if not roots:
            return
        rows: dict[str | None, list[StateRow]] = {}
        for row in self.rows:
            rows.setdefault(row.root.directory, []).append(row)
        for root in roots:
            of_directory = rows.get(root.directory, []) if root.directory else []
            like = next((row for row in of_directory if row.root.backend == root.backend), None)
            yield from self._add(
                State(
                    root=root,
                    source=like.source if like else f"{ORPHAN}: {root.workspace_origin}",
                    config_files=like.config_files if like else (),
                    here=like.here if like else False,
                )
            )
        yield from self.look(start)

    def _readable(self) -> list[RootModule]:
        return [row.root for row in self.rows if not row.trouble]

    def _add(self, state: State) -> Iterator[StateRow]:
        number = len(self.rows)
        row = StateRow(
            root=state.root,
            trouble=_trouble(state),
            source=state.source,
            config_files=state.config_files,
            unresolved=state.unresolved,
            hazards=() if state.unresolved or is_orphan(state.source) else self._hazards(state.root),
            here=state.here,
        )
        self.rows.append(row)
        place = place_of(state.root)
        sharing = [] if place is None else self._places.setdefault(place, [])
        sharing.append(number)
        if len(sharing) > 1:
            yield from self._collide(sharing)
        else:
            yield row

    def _hazards(self, root: RootModule) -> tuple[Hazard, ...]:
        asks = not root.backend.arguments.keys().isdisjoint(REMOVED_ARGUMENTS)
        return hazards(root, self._terraform() if asks else None)

    def _collide(self, numbers: list[int]) -> Iterator[StateRow]:
        """All rows of one place, each with the names of the others; the newest first."""
        for number in reversed(numbers):
            row = self.rows[number]
            others = tuple(_called(self.rows[other]) for other in numbers if other != number)
            kept = tuple(one for one in row.hazards if one.hazard != COLLISION)
            self.rows[number] = msgspec.structs.replace(row, hazards=(*kept, collision(others)))
            yield self.rows[number]


def signed_out(snapshot: LockSnapshot) -> bool:
    """Whether a store could not be read for want of live credentials."""
    return any(part in reading.code for _, reading in snapshot.blind for part in _SIGNED_OUT)


def worth(row: StateRow) -> int:
    """How urgent a row is, the lowest first: held, not known, still reading, free."""
    snapshot = row.snapshot
    if snapshot is not None and snapshot.held:
        return 0
    if row.trouble or (snapshot is not None and (not snapshot.free or _decides(row))):
        return 1
    return 2 if snapshot is None else 3


def urgency(row: StateRow) -> tuple[object, ...]:
    """What rows are sorted by: held first, the oldest lock first; then the operator's own root module; then by name."""
    created = [lock.info.created_at for lock in row.snapshot.locks if lock.info] if row.snapshot else []
    oldest = min((moment for moment in created if moment), default=datetime.max.replace(tzinfo=UTC))
    return worth(row), oldest, not row.here, row.root.name, row.root.workspace, row.config_files


def _decides(row: StateRow) -> bool:
    return row.doubt is not None and row.doubt.decides


def _called(row: StateRow) -> str:
    files = f" ({', '.join(row.config_files)})" if row.config_files else ""
    return f"{row.root.name}{files}"


def _trouble(state: State) -> str:
    if not state.unresolved:
        return ""
    whole = [lack for lack in state.unresolved if lack.argument == "backend"]
    if whole:
        return " ".join(f"{lack.why} {lack.how}" for lack in whole)
    # what lacks for the same reason is told together
    reasons: dict[str, list[str]] = {}
    hows: dict[str, None] = {}
    for lack in state.unresolved:
        reasons.setdefault(lack.why, []).append(lack.argument)
        hows[lack.how] = None
    # the longest advice holds the others where arguments lack for one reason
    advice = max(hows, key=len) if len(reasons) == 1 else "; ".join(hows)
    told = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    return f"The backend lacks {told}. {advice[:1].upper()}{advice[1:]}."
