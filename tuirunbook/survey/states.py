"""Reading many states at once, each on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockSnapshot

THREADS = 8
"""States read at the same time: enough for a repository, few enough not to be throttled."""


class Store(Protocol):
    """What a survey needs of a state's lock stores."""

    def look(self) -> LockSnapshot:
        """Read everything, consistently; what cannot be read is said in the snapshot."""
        ...


class StateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the repository: where it is, and its lock as far as it was read.

    Attributes:
        root: The root module.
        snapshot: The look, or None while it is being read.
        trouble: Why it could not be read, or empty.
    """

    root: RootModule
    snapshot: LockSnapshot | None = None
    trouble: str = ""


def read_one(root: RootModule, store_for: Callable[[RootModule], Store]) -> StateRow:
    """One state, read. A `ValueError` of `store_for` is the row's trouble."""
    try:
        return StateRow(root=root, snapshot=store_for(root).look())
    except ValueError as error:
        return StateRow(root=root, trouble=str(error))


def read_all(rows: Iterable[StateRow], store_for: Callable[[RootModule], Store]) -> Iterator[StateRow]:
    """Each row as it is, and again as soon as its state was read; rows that have trouble already come once.

    Rows are read in the order in which the answers arrive. Closing the iterator leaves reads under way behind; they
    end by themselves.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - one state needs no threads

    pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="survey")
    try:
        futures = []
        for row in rows:
            yield row
            if not row.trouble and row.snapshot is None:
                futures.append(pool.submit(read_one, row.root, store_for))
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
