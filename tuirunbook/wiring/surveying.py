"""Every state of a repository, also in the workspaces that are not selected where a lock is held in one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import NotChecked
from tuirunbook.survey.states import StateRow, read_all
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem

if TYPE_CHECKING:
    from tuirunbook.locks import AwsLockStore, Clients

_ORIGIN = "a lock that is held there"


def survey(adapters: Adapters) -> Iterator[StateRow]:
    """Every root module in its selected workspace, unread and then read; then what is held in its other workspaces."""
    stores = _Stores(adapters)
    roots: list[RootModule] = []
    for row in read_all(adapters.roots.all(), stores.of):
        if row.snapshot is not None:
            roots.append(row.root)
        yield row
    yield from read_all(_elsewhere(stores, roots), stores.of)


class _Stores:
    """The stores of many roots. Those that ask as the same caller share clients, which take 0.1 s each."""

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        self._lock = threading.Lock()
        self._clients: list[Clients] = []

    def of(self, root: RootModule) -> AwsLockStore:
        """The store of one root."""
        made = self._adapters.clients(root)
        with self._lock:
            shared = next((one for one in self._clients if one.settings == made.settings), None)
            if shared is None:
                self._clients.append(made)
        return self._adapters.store(root, shared or made)


def _elsewhere(stores: _Stores, roots: list[RootModule]) -> Iterator[StateRow]:
    """The states of these roots in other workspaces whose lock the stores list."""
    from tuirunbook.core.workspace import workspace_of  # noqa: PLC0415 - see the package
    from tuirunbook.repository.roots import split_path  # noqa: PLC0415 - see the package

    known = {root.address().lock_id for root in roots}
    for lock_id in sorted(_listed(stores, roots) - known):
        bucket, state_key = split_path(lock_id)
        for root in roots:
            address = root.address()
            if address.bucket != bucket:
                continue
            workspace = workspace_of(state_key, address.key, address.workspace_key_prefix)
            if workspace is not None:
                yield StateRow(root=msgspec.structs.replace(root, workspace=workspace, workspace_origin=_ORIGIN))


def _listed(stores: _Stores, roots: Iterable[RootModule]) -> set[str]:
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
            ids = stores.of(root).lock_ids()
        except Problem:
            continue
        if not isinstance(ids, NotChecked):
            found.update(lock_id for lock_id in ids if "/" in lock_id.strip("/"))
    return found
