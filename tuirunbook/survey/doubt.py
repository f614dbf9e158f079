"""A free lock of a state that is not there: nobody has applied yet, or another state is meant?"""

from __future__ import annotations

from typing import Protocol

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockSnapshot, NotChecked
from tuirunbook.core.near_miss import rank
from tuirunbook.core.text import one_line

_SHOWN = 5


class Listing(Protocol):
    """The lock stores of one state, and which states there are beside it."""

    @property
    def address(self) -> StateAddress:
        """The state that is looked at; its account is filled in once `identify` has answered."""
        ...

    def look(self) -> LockSnapshot:
        """Read everything, consistently."""
        ...

    def identify(self) -> object:
        """Find out who the reads are made as."""
        ...

    def state_ids(self) -> tuple[str, ...] | NotChecked:
        """The state objects of its bucket, as `bucket/key`."""
        ...


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why a free lock may not be the one that is meant.

    Attributes:
        unread: What is said about the state.
        decides: Whether the state's name may be a slip, so that "free" is not known to be true of what is meant.
        near: The states that are there with a name near to this one, each with in what it differs.
    """

    unread: NotChecked
    decides: bool
    near: tuple[str, ...] = ()


def look_once(store: Listing, root: RootModule) -> tuple[LockSnapshot, Doubt | None]:
    """One look, with the account in its address, and what is doubtful about it."""
    snapshot = store.look()
    store.identify()
    return msgspec.structs.replace(snapshot, address=store.address), doubt(snapshot, root, store)


def doubt(snapshot: LockSnapshot, root: RootModule, listing: Listing | None = None) -> Doubt | None:
    """The doubt about a look that saw nothing held; None where a state is there, or a lock is held.

    A state that the files name may never have been applied; see `RootModule.may_not_be_there`. Without a `listing` no
    near names are looked for.
    """
    if not snapshot.free:
        return None
    typed, state = root.was_typed, snapshot.state
    if isinstance(state, NotChecked):
        why = f"whether there is such a state could not be read: {state.why}"
        unread = NotChecked(why=why, code=state.code, advice=state.advice)
        # A bucket that is not there speaks for itself.
        return Doubt(unread=unread, decides=True) if typed and state.code != "NoSuchBucket" else None
    if state.exists:
        return None
    return _absent(snapshot.address, listing, decides=root.may_not_be_there)


def _absent(address: StateAddress, listing: Listing | None, *, decides: bool) -> Doubt:
    why = f"there is no state object at {one_line(address.lock_id, 1200)}"
    if listing is None:
        advice = "check bucket, key and workspace; `tflock-tui status` lists the states with near names"
        return Doubt(unread=NotChecked(why=why, code="NoSuchKey", advice=advice), decides=decides)
    listed = listing.state_ids()
    if isinstance(listed, NotChecked):
        advice = f"check bucket, key and workspace; what else is there is not known: {listed.why}"
        return Doubt(unread=NotChecked(why=why, code="NoSuchKey", advice=advice), decides=decides)
    near = tuple(one_line(f"{one.lock_id} ({one.why})", 400) for one in rank(address.lock_id, listed)[:_SHOWN])
    if near:
        advice = f"is another state meant? {'; '.join(near)}"
    else:
        advice = "check bucket, key and workspace; no state in this bucket has a name near to it"
    return Doubt(unread=NotChecked(why=why, code="NoSuchKey", advice=advice), decides=decides, near=near)
