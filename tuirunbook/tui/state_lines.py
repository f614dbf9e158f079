"""How one state of the list is said: in a word, on a line, in full."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from rich.cells import cell_len, set_cell_size
from textual.content import Content

from tuirunbook.core.address import DEFAULT_WORKSPACE, AddressError
from tuirunbook.core.age import age
from tuirunbook.core.backend import RootModule
from tuirunbook.core.state import NO_LOCKING
from tuirunbook.core.text import one_line
from tuirunbook.survey.states import StateRow, signed_out, urgency
from tuirunbook.tui.view import operation

_WORD_CELLS = 15
_LEAST_NAME_CELLS = 16
"""So much of a name stays, however long what stands beside it."""


class StateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list: said once, painted often.

    Attributes:
        row: What it is about.
        word: The lock in a word with a glyph. What was not read is never free.
        style: The word's style.
        name: The root module, its workspace and the files that complete it.
        place: Where the lock is.
        searched: What the filter looks into.
        order: What the list is sorted by.
    """

    row: StateRow
    word: str
    style: str
    name: str
    place: str
    searched: str
    order: tuple[object, ...]

    @property
    def key(self) -> tuple[str | None, ...]:
        """What tells this state from every other one."""
        root = self.row.root
        return root.directory, root.name, root.workspace, self.place, *self.row.config_files

    def painted(self, width: int, now: datetime, *, with_place: bool) -> Content:
        """The line; `with_place` where another state has the same name."""
        aside = "  ".join(filter(None, (_who(self.row, now) or _why_not(self.row), _dangers(self.row))))
        name = f"{self.name}  {self.place}" if with_place else self.name
        name = f"{name} ◂ here" if self.row.here else name
        spare = width - _WORD_CELLS - 1
        # which state it is comes before who holds it
        beside = min(cell_len(aside) + 2, max(spare * 2 // 5, spare - cell_len(name))) if aside else 0
        return Content.assemble(
            (f"{self.word:<{_WORD_CELLS}} ", self.style),
            _fitted(name, max(_LEAST_NAME_CELLS, spare - beside)),
            f"  {aside}" if aside else "",
        )

    def in_full(self, now: datetime) -> Content:
        """Everything about it: where it is, what holds it, why it could not be read, what is dangerous."""
        row = self.row
        here = "   you are here" if row.here else ""
        lines = [
            Content.assemble((self.word, self.style), f"  {self.name}{here}"),
            Content(f"{self.place}   workspace {one_line(row.root.workspace, 60)}"),
        ]
        lines += [Content(line) for line in _held(row, now)]
        if row.trouble:
            lines.append(Content(one_line(row.trouble, 600)))
        elif row.snapshot is not None:
            lines += [
                Content(f"{store.label}: {one_line(reading.why, 200)}. {one_line(reading.advice, 200)}")
                for store, reading in row.snapshot.blind
            ]
            if row.doubt is not None and row.doubt.decides:
                told = f"{row.doubt.unread.why}: {row.doubt.unread.advice}"
                lines.append(Content(_sentence(one_line(told, 600))))
        lines += [Content(f"! {one_line(one.why, 300)}. {_sentence(one_line(one.how, 300))}") for one in row.hazards]
        if row.source:
            lines.append(Content(f"from {one_line(row.source, 200)}"))
        return Content("\n").join(lines)


def line_of(row: StateRow) -> StateLine:
    """A row, said."""
    word, style = _word(row)
    name, place = _name(row), place_of(row.root)
    parts = [word, name, row.root.workspace, place, *(hazard.label for hazard in row.hazards)]
    if row.snapshot is not None:
        parts += [f"{lock.info.who} {lock.info.id}" for lock in row.snapshot.locks if lock.info]
    return StateLine(
        row=row,
        word=word,
        style=style,
        name=name,
        place=place,
        searched=" ".join(parts).casefold(),
        order=urgency(row),
    )


def place_of(root: RootModule) -> str:
    """Where the lock is, or why nobody can tell."""
    try:
        return one_line(root.address().lock_id, 300)
    except AddressError:
        return "bucket and key are not known"


def _name(row: StateRow) -> str:
    root = row.root
    workspace = "" if root.workspace == DEFAULT_WORKSPACE else f" [{one_line(root.workspace, 40)}]"
    files = f" ({one_line(', '.join(row.config_files), 80)})" if row.config_files else ""
    return f"{one_line(root.name, 300)}{workspace}{files}"


def _word(row: StateRow) -> tuple[str, str]:
    snapshot = row.snapshot
    if snapshot is not None and snapshot.held:
        readable = all(lock.info is not None for lock in snapshot.locks)
        return "■ held" if readable else "■ unreadable", "bold $text-error"
    if row.trouble:
        return "? not read", "bold $text-warning"
    if snapshot is None:
        return "… reading", "$text-muted"
    if snapshot.free:
        doubted = row.doubt is not None and row.doubt.decides
        return ("? no state", "bold $text-warning") if doubted else ("□ free", "$text-success")
    if not snapshot.address.locks_at_all:
        return "! no locking", "$text-warning"
    return "? not signed in" if signed_out(snapshot) else "? not read", "bold $text-warning"


def _who(row: StateRow, now: datetime) -> str:
    lock = next(iter(row.snapshot.locks), None) if row.snapshot else None
    if lock is None or lock.info is None:
        return ""
    since = f" {age(lock.info.created_at, now)}" if lock.info.created_at else ""
    return f"{operation(lock.info)}{since} {one_line(lock.info.who, 40)}"


def _held(row: StateRow, now: datetime) -> Iterator[str]:
    """The locks as the detail tells them, each with its ID: what one reads out over the phone."""
    snapshot = row.snapshot
    for identity in snapshot.identities if snapshot else ():
        locks = snapshot.find(identity) if snapshot else ()
        stores = " and ".join(lock.store.label for lock in locks)
        info = locks[0].info
        if info is None:
            yield f"In {stores}: a lock that cannot be read; enter shows it as it stands."
            continue
        since = f" {age(info.created_at, now)} ago" if info.created_at else ""
        yield f"{operation(info)}{since} by {one_line(info.who, 60)}"
        yield f"lock {one_line(info.id, 40)} in {stores}"


def _why_not(row: StateRow) -> str:
    """Why it could not be read, short."""
    if row.unresolved:
        whole = next((lack.why for lack in row.unresolved if lack.argument == "backend"), "")
        return one_line(whole or f"lacks {', '.join(lack.argument for lack in row.unresolved)}", 100)
    if row.trouble:
        return one_line(row.trouble, 100)
    if row.snapshot is None or row.snapshot.held:
        return ""
    if row.doubt is not None and row.doubt.decides:
        return "no state object there"
    return next((one_line(reading.why, 100) for _, reading in row.snapshot.blind), "")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _dangers(row: StateRow) -> str:
    labels = [hazard.label for hazard in row.hazards if hazard.hazard != NO_LOCKING]
    return f"! {', '.join(labels)}" if labels else ""


def _fitted(name: str, cells: int) -> str:
    """Exactly so wide; of a name that is longer its end stays, which tells most."""
    if cell_len(name) <= cells:
        return set_cell_size(name, cells)
    while cell_len(name) > cells - 1:
        name = name[1:]
    return set_cell_size(f"…{name}", cells)
