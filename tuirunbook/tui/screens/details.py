"""The whole lock: both stores, raw text, hashes, digest, state object, table."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.lock import Free, Held, LockSnapshot, NotChecked, Reading, Store, StoredLock, TableFacts
from tuirunbook.core.records import digest_text
from tuirunbook.core.text import clean, clip
from tuirunbook.tui.commands import ABIDING, DETAILS, bindings
from tuirunbook.tui.panes.look import lock_lines
from tuirunbook.tui.panes.parts import Lines, heading, pair, paragraph
from tuirunbook.tui.view import View, clock

RAW_LIMIT = 20_000
"""Characters of a lock's raw text that are shown."""

_WIDTH = 11
_INNER = 15


class DetailsScreen(Screen[None]):
    """Everything that the last look showed, to be read, selected and copied. It stands still; the walk looks on."""

    CSS_PATH = "details.tcss"
    AUTO_FOCUS = "#details-scroll"
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (120, "-beside")]  # noqa: RUF012 - Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DETAILS), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "What both stores, the digest and the state object said when this screen was opened. Nothing is changed here.",
        "Raw text is shown as it was read, without control characters; c copies it. The hash is that of all its bytes.",
    )

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._opened_on = view.snapshot.fingerprint if view.snapshot else ""

    def compose(self) -> ComposeResult:
        """When it was read; the two stores; what belongs to the state."""
        yield Static(self._title(), id="details-title")
        with VerticalScroll(id="details-scroll"):
            if self._view.snapshot is None:
                yield Static(Content("Nothing was read yet. Go back and wait for the first look."), id="details-empty")
            else:
                with Horizontal(id="details-stores"):
                    for store in Store:
                        yield Static(_joined(_store(self._view, store)), id=f"details-{store}", classes="details-store")
                yield Static(_joined(_state(self._view, self._view.snapshot)), id="details-state")
        yield Footer(compact=True)

    def _title(self, changed: str = "") -> Content:
        snapshot = self._view.snapshot
        read = f"   read {clock(snapshot.taken_at, self._view.zone)}" if snapshot else ""
        return Content.assemble(("Lock details", "bold"), read, (changed, "bold $text-warning"))

    def update_view(self, view: View) -> None:
        """Say when what stands here is not what is there any more; the text itself stays, for it is being read."""
        if view.snapshot is not None and view.snapshot.fingerprint != self._opened_on:
            self.query_one("#details-title", Static).update(self._title("   CHANGED SINCE; go back and look again"))

    def action_copy_raw(self) -> None:
        """Copy the selected text, or else the raw locks."""
        selected = self.get_selected_text()
        locks = self._view.snapshot.locks if self._view.snapshot else ()
        raws = dict.fromkeys(clean(lock.attribute or lock.raw) if not lock.raw else clean(lock.raw) for lock in locks)
        text = selected or "\n".join(raws)
        if not text:
            self.notify("There is no lock to copy.", markup=False)
            return
        self.app.copy_to_clipboard(text)
        self.notify("Copied the selected text." if selected else "Copied the raw lock.", markup=False)

    def action_copy_hash(self) -> None:
        """Copy the hashes of the locks, whole."""
        locks = self._view.snapshot.locks if self._view.snapshot else ()
        if not locks:
            self.notify("There is no lock to copy.", markup=False)
            return
        self.app.copy_to_clipboard("\n".join(dict.fromkeys(lock.sha256 for lock in locks)))
        self.notify("Copied the SHA-256.", markup=False)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


def _joined(lines: Lines) -> Content:
    return Content("\n").join(list(lines))


def _store(view: View, store: Store) -> Lines:
    snapshot = view.snapshot
    if snapshot is None:
        return
    reading = snapshot.reading(store)
    where = snapshot.address.table if store is Store.DYNAMODB else snapshot.address.lockfile_key
    yield Content.assemble((store.label, "bold"), "  ", _word(reading))
    yield pair("    in", where or "no table is configured", _INNER)
    match reading:
        case Held(lock=lock):
            yield from lock_lines(view, lock)
            yield from _facts(lock)
        case NotChecked():
            yield paragraph(clean(reading.why, keep_newlines=False))
            if reading.code != "not-configured":
                yield pair("    code", reading.code, _INNER)
            if reading.advice:
                yield pair("    advice", reading.advice, _INNER)
        case Free():
            yield paragraph("The store was read and holds no lock for this state.")


def _word(reading: Reading) -> Content:
    match reading:
        case Held():
            return Content.styled("■ HELD", "bold $text-error")
        case Free():
            return Content.styled("□ free", "$text-success")
        case NotChecked(code="not-configured"):
            return Content("– not configured")
        case NotChecked():
            return Content.styled("? NOT CHECKED", "bold $text-warning")


def _facts(lock: StoredLock) -> Lines:
    facts = {
        "SHA-256": f"{lock.sha256[:16]} … {lock.sha256[-16:]} (h copies it whole)",
        "size": f"{lock.size:,} bytes",
        "ETag": lock.etag or "",
        "version": lock.version_id or "",
        "written": f"{lock.last_modified} by the server's clock" if lock.last_modified else "",
        "also in it": ", ".join(lock.extra),
    }
    for name, value in facts.items():
        if value:
            yield pair(f"    {name}", value, _INNER)
    raw = lock.raw or lock.attribute or ""
    yield Content("")
    if not raw:
        yield paragraph("It has no content at all.")
        return
    yield heading("Raw")
    yield Content(clip(clean(raw), RAW_LIMIT))
    if len(raw) > RAW_LIMIT:
        yield paragraph(f"({len(raw):,} characters; the first {RAW_LIMIT:,} are shown)", "$text-muted")


def _state(view: View, snapshot: LockSnapshot) -> Lines:
    address, state, table = snapshot.address, snapshot.state, snapshot.table
    yield Content("")
    yield heading("State object")
    yield pair("bucket", address.bucket, _WIDTH)
    yield pair("key", address.state_key, _WIDTH)
    if isinstance(state, NotChecked):
        yield pair("not checked", f"{state.why} ({state.code})", _WIDTH)
    elif not state.exists:
        yield paragraph("There is none yet: this state was never written.")
    else:
        yield pair("written", state.last_modified or "not told", _WIDTH)
        yield pair("ETag", state.etag or "not told", _WIDTH)
        yield pair("version", state.version_id or "the bucket keeps none", _WIDTH)
        yield pair("size", f"{state.size:,} bytes", _WIDTH)
    yield pair("digest", digest_text(snapshot.digest), _WIDTH)
    if isinstance(table, TableFacts):
        yield pair("lock table", f"{address.table}: {table.status}, key {table.key_schema}", _WIDTH)
    elif isinstance(table, NotChecked) and table.code != "not-configured":
        yield pair("lock table", f"not checked: {table.why}", _WIDTH)
    yield pair("lock item", address.lock_id, _WIDTH)
    yield pair("digest item", address.digest_id, _WIDTH)
    yield pair("account", address.account or "not checked", _WIDTH)
    yield pair("caller", address.caller or "not checked", _WIDTH)
    yield pair("region", address.region or "not known", _WIDTH)
    yield pair("read", f"{view.looks:,} times by this session", _WIDTH)
