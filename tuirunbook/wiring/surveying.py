"""Every state of a repository, also in the workspaces that are not selected where a lock is held in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import NotChecked
from tuirunbook.survey.states import StateRow, read_all
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem

_ORIGIN = "a lock that is held there"


def survey(adapters: Adapters) -> Iterator[StateRow]:
    """Every root module in its selected workspace, unread and then read; then what is held in its other workspaces."""
    roots: list[RootModule] = []
    for row in read_all(adapters.roots.all(), adapters.store):
        if row.snapshot is not None:
            roots.append(row.root)
        yield row
    yield from read_all(_elsewhere(adapters, roots), adapters.store)


def _elsewhere(adapters: Adapters, roots: list[RootModule]) -> Iterator[StateRow]:
    """The states of these roots in other workspaces whose lock the stores list."""
    from tuirunbook.repository.roots import split_path, workspace_of  # noqa: PLC0415 - see the package

    known = {root.address().lock_id for root in roots}
    for lock_id in sorted(_listed(adapters, roots) - known):
        bucket, state_key = split_path(lock_id)
        for root in roots:
            address = root.address()
            if address.bucket != bucket:
                continue
            workspace = workspace_of(state_key, address.key, address.workspace_key_prefix)
            if workspace is not None:
                yield StateRow(root=msgspec.structs.replace(root, workspace=workspace, workspace_origin=_ORIGIN))


def _listed(adapters: Adapters, roots: Iterable[RootModule]) -> set[str]:
    """The lock IDs in the stores of these roots, each store listed once; what may not be listed is left out."""
    found: set[str] = set()
    asked: set[tuple[object, ...]] = set()
    for root in roots:
        address = root.address()
        place = (address.table, address.region, address.bucket if address.use_lockfile else None)
        if place in asked:
            continue
        asked.add(place)
        try:
            ids = adapters.store(root).lock_ids()
        except Problem:
            continue
        if not isinstance(ids, NotChecked):
            found.update(lock_id for lock_id in ids if "/" in lock_id.strip("/"))
    return found
