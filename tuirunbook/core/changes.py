"""What differs between two looks."""

from __future__ import annotations

import msgspec

from tuirunbook.core.lock import (
    Digest,
    Free,
    Held,
    LockSnapshot,
    NotChecked,
    Reading,
    StateObject,
    Store,
    StoredLock,
    describe,
)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two looks.

    Attributes:
        what: `appeared`, `left`, `changed-hands`, `rewritten` (same lock, other bytes), `state-written`,
            `digest-written`, `blind`, `sees-again`, `not-comparable` (with what an earlier session read).
        sentence: The same for people.
        store: Where, unless it is the state or its digest.
    """

    what: str
    sentence: str
    store: Store | None = None


def changes(before: LockSnapshot, after: LockSnapshot) -> tuple[Change, ...]:
    """What differs between two looks, most important first; empty when nothing does."""
    found: list[Change] = []
    for store in (Store.S3, Store.DYNAMODB):
        change = _store_change(store, before.reading(store), after.reading(store))
        if change is not None:
            found.append(change)
    if isinstance(before.state, StateObject) and isinstance(after.state, StateObject) and before.state != after.state:
        found.append(Change(what="state-written", sentence=f"the state was written ({_when(after.state)})"))
    if isinstance(before.digest, Digest) and isinstance(after.digest, Digest) and before.digest != after.digest:
        found.append(Change(what="digest-written", sentence="the state's digest was written"))
    return tuple(found)


def _when(state: StateObject) -> str:
    return state.last_modified or "no object any more"


def _store_change(store: Store, before: Reading, after: Reading) -> Change | None:
    match before, after:
        case NotChecked(), NotChecked():
            return None
        case _, NotChecked():
            return Change(
                what="blind",
                store=store,
                sentence=f"{store.label} cannot be read any more: {after.why}",
            )
        case NotChecked(), _:
            return Change(what="sees-again", store=store, sentence=f"{store.label} can be read again")
        case Held(), Free():
            return Change(what="left", store=store, sentence=f"the lock left {store.label}")
        case Free(), Held():
            return Change(
                what="appeared",
                store=store,
                sentence=f"{describe(after.lock)} appeared in {store.label}",
            )
        case Held(), Held():
            if before.lock.identity != after.lock.identity:
                sentence = f"the lock changed hands in {store.label}: now {describe(after.lock)}"
                return Change(what="changed-hands", store=store, sentence=sentence)
            if _bytes(before.lock) != _bytes(after.lock):
                return Change(
                    what="rewritten",
                    store=store,
                    sentence=f"the lock in {store.label} was rewritten",
                )
    return None


def _bytes(lock: StoredLock) -> tuple[object, ...]:
    return lock.sha256, lock.etag, lock.attribute, lock.extra


def remembered(before: LockSnapshot, after: LockSnapshot) -> LockSnapshot:
    """`after`, and what was read before in place of what it could not read: a gap in sight hides no change."""
    kept = {
        name: getattr(before, name)
        for name in ("dynamodb", "s3", "digest", "state")
        if isinstance(getattr(after, name), NotChecked)
    }
    return msgspec.structs.replace(after, **kept)
