"""Which state it is and what is known of its lock, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from tuirunbook.core.claims import as_lock, unseen_in_words
from tuirunbook.core.lock import LockInfo, StoredLock, parse_time, short
from tuirunbook.core.text import one_line
from tuirunbook.core.values import Caller
from tuirunbook.plain.session import Session
from tuirunbook.plain.words import moment, moment_ago


def place(session: Session) -> Iterator[str]:
    """Which state this is, and as whom it is read."""
    address, caller = session.incident.address, session.told.caller
    yield f"State: {one_line(address.lock_id, 300)}"
    if isinstance(caller, Caller):
        alias = f"{caller.alias}, " if caller.alias else ""
        yield one_line(f"Account: {alias}{caller.account} as {caller.role}, region {address.region}", 300)
        if caller.expires_at:
            yield f"Login: until {moment(parse_time(caller.expires_at), session)}"
    if session.shown.world.training:
        yield "This is PRACTICE."


def lock(session: Session) -> Iterator[str]:
    """The lock, in one line or two."""
    snapshot, incident = session.snapshot, session.incident
    if snapshot is None:
        yield "Lock: reading…"
        return
    for identity in snapshot.identities:
        halves = snapshot.find(identity)
        stores = " and ".join(half.store.label for half in halves)
        yield f"Lock: HELD in {stores}: {holder(session, halves[0])}"
    for store, reading in snapshot.blind:
        yield f"Lock: {store.label} cannot be read: {one_line(reading.why, 300)}"
        if reading.advice:
            yield f"  {one_line(reading.advice, 300)}"
    yield from (_unseen(session, info) for info in incident.unseen)
    if not snapshot.held and not incident.unseen:
        yield "Lock: nothing is known about it until that can be read." if snapshot.blind else _nobody(session)
    if incident.elsewhere:
        yield f"STOP: we are not reading what Terraform reads: {one_line(incident.elsewhere, 300)}"
    if session.shown.unwritable:
        yield f"NOT WRITTEN, so every change is refused: {one_line(session.shown.unwritable, 300)}"


def _nobody(session: Session) -> str:
    snapshot, incident = session.snapshot, session.incident
    if incident.gone:
        return f"Lock: gone since {moment(parse_time(incident.gone_at), session)}. The state is free."
    if snapshot is not None and not snapshot.address.locks_at_all:
        return "Lock: this backend takes none at all; it names no table and no lockfile."
    return "Lock: none was seen here. That is not the same as gone: check account, region, table and workspace."


def _unseen(session: Session, info: LockInfo) -> str:
    told = holder(session, as_lock(info, session.incident.address))
    return (
        f"Lock {short(info.id)}: {unseen_in_words(session.incident, info)} Nothing can be released until it is read. "
        f"It is said to be: {told}"
    )


def holder(session: Session, held: StoredLock) -> str:
    """A lock in one line: what, by whom, since when, and whether it may be half done."""
    if held.info is None:
        return f"UNREADABLE ({one_line(held.unreadable or '', 200)}), {short(held.identity)}"
    info = held.info
    wrote = "it may be half done" if info.may_have_written else "it wrote nothing"
    since = f" since {moment_ago(info.created_at, session)}" if info.created_at else ""
    name = one_line(info.operation_name, 30)
    return f"{name} by {one_line(info.who, 80) or 'nobody named'}{since}; {wrote}; ID {info.id}"


def raw(session: Session) -> Iterator[str]:
    """The raw text of every lock that is present."""
    for held in session.snapshot.locks if session.snapshot else ():
        yield f"{held.store.label}, {held.size} bytes, SHA-256 {held.sha256}:"
        yield one_line(held.raw.encode("utf-8", "replace").decode(), 4_000)
