"""Steps 1 and 2: where the state lives, and what locks it."""

from __future__ import annotations

from textual.content import Content

from tuirunbook.core.age import age
from tuirunbook.core.lock import Free, Held, NotChecked, Reading, Store, StoredLock, TableFacts, short
from tuirunbook.core.records import digest_text, state_text
from tuirunbook.core.text import one_line
from tuirunbook.core.values import Caller
from tuirunbook.tui.panes.parts import Lines, heading, key, pair, paragraph
from tuirunbook.tui.panes.rule_out import unseen
from tuirunbook.tui.view import View, clock, operation

_SHOWN = ("bucket", "key", "region", "dynamodb_table", "use_lockfile")
"""The backend's arguments that are shown with where each came from; once for all where that is one place."""


def detect(view: View) -> Lines:
    """Root, backend, workspace, account, region, table, and where each came from."""
    root, address = view.root, view.incident.address
    origins = root.backend.origins
    sources = {origins[name] for name in _SHOWN if name in origins}
    common = next(iter(sources)) if len(sources) == 1 else ""

    def from_(name: str) -> str:
        return f"   ({origins[name]})" if name in origins and not common else ""

    yield pair("root", root.directory or "none; bucket and key were given")
    yield pair("backend", f"{root.backend.type}, {'initialised' if root.initialised else 'not initialised here'}")
    yield pair("bucket", address.bucket + from_("bucket"))
    yield pair("key", address.state_key + from_("key"))
    yield pair("workspace", f"{address.workspace}   ({root.workspace_origin})")
    yield pair("region", (address.region or "not known") + from_("region"))
    yield pair("lock table", (address.table or "none configured") + from_("dynamodb_table"))
    yield pair("lockfile", ("used" if address.use_lockfile else "not configured") + from_("use_lockfile"))
    if common:
        yield pair("all from", common)
    caller = view.caller
    if isinstance(caller, Caller):
        yield pair("account", f"{caller.account} as {caller.arn}")
    else:
        yield pair("account", f"not checked: {caller.why}" if caller else "reading…")
    program = view.incident.checks.get(("look", "program"))
    yield pair("program", program.detail if program else f"{root.program}, version not asked yet")
    for difference in root.disagreements:
        where = f"{difference.where} says {difference.files}"
        yield paragraph(f"! {difference.argument}: init saved {difference.saved}, {where}; the saved one counts.")
    for missing in root.missing:
        yield paragraph(f"! {missing.argument} is missing: {missing.how}")
    for note in root.notes:
        yield paragraph(f"! {one_line(note, 300)}")


def inspect(view: View) -> Lines:
    """Both stores, digest, state object, table."""
    snapshot = view.snapshot
    if snapshot is None:
        yield paragraph("Reading the lock…")
        for store, reading in view.readings.items():
            yield from _store(view, store, reading)
        yield from unseen(view)
        return
    if view.incident.unseen and not snapshot.held:
        for store in Store:
            yield from _store(view, store, snapshot.reading(store))
        yield from unseen(view)
        return
    if not snapshot.held and not view.incident.gone:
        yield from _nothing_to_release() if view.incident.verifiable else _never_seen(view)
    for store in Store:
        yield from _store(view, store, snapshot.reading(store))
    yield pair("digest", digest_text(snapshot.digest))
    yield pair("state", state_text(snapshot))
    table = snapshot.table
    if isinstance(table, TableFacts):
        yield pair("table", f"{table.status}, key {table.key_schema}")
    elif isinstance(table, NotChecked) and table.code != "not-configured":
        yield pair("table", f"not checked: {table.why}")
    yield Content("")
    yield key("enter", "the whole lock, raw")


def _nothing_to_release() -> Lines:
    yield heading("No lock is held, and this runbook releases none.")
    yield paragraph("Compare the path above with the one in the error: a repair of another state breaks that one.")
    yield key("r", "look again")
    yield Content("")


def _never_seen(view: View) -> Lines:
    address = view.incident.address
    if view.snapshot is not None and view.snapshot.blind:
        yield heading("The lock could not be read, so nothing is known about it.")
    else:
        yield heading("No lock was seen here. That does not mean that it is gone.")
    if not address.locks_at_all:
        yield paragraph("This backend takes no lock at all: it names no table and no lockfile.")
        return
    yield paragraph("If Terraform still reports one, check account, region, table and workspace in step 1.")
    near = view.incident.checks.get(("look", "near-misses"))
    if near is None:
        yield key("n", "list the locks that are there, the nearest names first")
    else:
        yield pair("nearest", near.detail)
    yield key("e", "paste the error: its Path says which state it is about")
    yield key("r", "look again")
    yield Content("")


def _store(view: View, store: Store, reading: Reading) -> Lines:
    match reading:
        case Held(lock=lock):
            yield Content.assemble(("■ ", "$text-error"), (store.label, "bold"), f" holds {short(lock.identity)}")
            yield from lock_lines(view, lock)
        case Free():
            yield Content.assemble(("□ ", "$text-success"), (store.label, "bold"), " is free")
        case NotChecked(code="not-configured"):
            yield Content.assemble("– ", store.label, " is not configured")
        case NotChecked():
            yield Content.assemble(("? ", "$text-warning"), (store.label, "bold"), f": {one_line(reading.why, 300)}")
            if reading.advice:
                yield Content(f"    {one_line(reading.advice, 300)}")


def lock_lines(view: View, lock: StoredLock) -> Lines:
    """A lock's fields, indented."""
    if lock.info is None:
        yield Content(f"    It cannot be read: {one_line(lock.unreadable or '', 200)}.")
        yield Content(f"    {lock.size} bytes, SHA-256 {lock.sha256[:16]}…; Terraform cannot read it either.")
        return
    info = lock.info
    yield pair("    who", info.who or "(nobody named)", 15)
    wrote = "may have written" if info.may_have_written else "wrote nothing"
    yield pair("    operation", f"{operation(info)} ({wrote})", 15)
    if info.created_at:
        since = f"{clock(info.created_at, view.zone)}, {age(info.created_at, view.now)} ago"
        yield pair("    created", since, 15)
    yield pair("    version", info.version or "not told", 15)
    yield pair("    id", info.id, 15)
