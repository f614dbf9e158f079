"""A calm watch until the holder lets go."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.age import age
from tuirunbook.core.lock import StoredLock, parse_time, short
from tuirunbook.core.pace import look_after
from tuirunbook.core.text import one_line
from tuirunbook.tui.commands import ABIDING, WAIT, bindings
from tuirunbook.tui.view import View, clock, operation

Outcome: TypeAlias = Literal["released", "changed", "stopped"]


class WaitScreen(Screen[Outcome]):
    """Dismisses with how the wait ended: `released`, `changed` (another lock is there) or `stopped` by the operator.

    Only a look at every configured store that finds them free ends it as released; not seeing is not free. Time alone
    never ends it and advises nothing.

    Args:
        view: The walk as it is now.
        monotonic: Seconds, to let the shown times go on between two views.
    """

    CSS_PATH = "wait.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WAIT), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "Watches the lock and changes nothing. It ends, and rings, when the lock is released or changes hands.",
        "It looks every 3 seconds at first, and more rarely with time, up to once a minute; r looks at once.",
        "That a lock is old does not mean that its holder is dead; this screen never suggests to release it.",
    )

    class LookAsked(Message):
        """The operator wants a look now."""

    def __init__(self, view: View, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._view = view
        self._monotonic = monotonic
        self._taken_at = monotonic()
        self._began = view.now
        self._holders = frozenset(_theirs(view))
        self._over = False
        self._last = _first_lock(view)

    def compose(self) -> ComposeResult:
        """The lock, who has it, how long, what comes then."""
        with VerticalScroll(id="wait-body", can_focus=False):
            yield Static(self._lock(), id="wait-lock")
            yield Static(self._rest(), id="wait-rest")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Let the times go on, and judge the view that it was opened with."""
        self.set_interval(1.0, self._paint)
        self.call_after_refresh(self.update_view, self._view)

    @property
    def _now(self) -> datetime:
        return self._view.now + timedelta(seconds=self._monotonic() - self._taken_at)

    def update_view(self, view: View) -> None:
        """Take a newer view in; end the wait when it shows what was waited for."""
        self._view = view
        self._taken_at = self._monotonic()
        self._last = _first_lock(view) or self._last
        theirs = _theirs(view)
        if self._over or not self.is_attached:
            return
        if not self._holders:
            self._holders = frozenset(theirs)
        if set(theirs) - self._holders:
            self._end("changed", f"The lock changed hands: {self._place()} is locked by somebody else now.")
        elif _released(view):
            self._end("released", f"The lock was released: {self._place()} is free.")
        else:
            self._paint()

    def _end(self, outcome: Outcome, sentence: str) -> None:
        self._over = True
        self._paint()
        self.app.bell()
        self._tell_terminal(sentence)
        self.app.notify(sentence, timeout=30, markup=False)
        self.dismiss(outcome)

    def _tell_terminal(self, sentence: str) -> None:
        """Ask the terminal for a desktop notification (OSC 9); those that do not know it ignore it."""
        driver = self.app._driver  # noqa: SLF001 - Textual offers no other way to its terminal
        if driver is not None and not self.app.is_headless:
            driver.write(f"\x1b]9;{one_line(sentence, 120)}\x1b\\")

    def _paint(self) -> None:
        if self.is_mounted:
            self.query_one("#wait-lock", Static).update(self._lock())
            self.query_one("#wait-rest", Static).update(self._rest())

    def _place(self) -> str:
        name = self._view.incident.address.lock_id
        return one_line(name if len(name) <= 60 else "…" + name[-59:], 60)  # noqa: PLR2004 - see the number beside it

    def _lock(self) -> Content:
        word, style = self._word()
        lines = [Content.styled(word, style), Content.styled(one_line(self._view.incident.address.lock_id), "bold")]
        return Content("\n").join(lines)

    def _word(self) -> tuple[str, str]:
        view, now = self._view, self._now
        snapshot = view.snapshot
        if snapshot is None:
            return "? READING…", "$text-muted"
        lock = next(iter(snapshot.locks), None)
        since = self._blind_since()
        if lock is None and since is not None:
            return f"? CANNOT SEE IT, for {age(since, now)}", "bold $text-warning"
        if view.ours and not _theirs(view):
            return "■ YOUR OWN PLAN HOLDS IT", "bold $text-accent"
        if lock is None:
            return (
                ("□ FREE", "bold $text-success") if _released(view) else ("? NO LOCK SEEN HERE", "bold $text-warning")
            )
        created = lock.info.created_at if lock.info else None
        return (f"■ HELD for {age(created, now)}" if created else "■ HELD"), "bold $text-error"

    def _blind_since(self) -> datetime | None:
        view = self._view
        if view.incident.blind_since:
            return parse_time(view.incident.blind_since)
        return view.snapshot.taken_at if view.snapshot and view.snapshot.blind else None

    def _rest(self) -> Content:
        view, now = self._view, self._now
        lines: list[Content] = []
        if view.snapshot is not None:
            lines += [_holder(view.snapshot.find(name)[0], view) for name in view.snapshot.identities]
            for store, reading in view.snapshot.blind:
                lines.append(Content.assemble(("? ", "$text-warning"), f"{store.label}: {one_line(reading.why, 300)}"))
                if reading.advice:
                    lines.append(Content(f"  {one_line(reading.advice, 300)}"))
            if view.snapshot.blind:
                lines.append(
                    Content("Whether it is still held is not known. This wait goes on until it is seen again.")
                )
                if not view.snapshot.held and self._last is not None:
                    lines += [Content.styled("Last seen", "bold"), _holder(self._last, view)]
        waited = (now - self._began).total_seconds()
        every = look_after(waited=waited)
        seen = f"Last look {age(view.seen_at, now)} ago" if view.seen_at else "Not looked yet"
        lines += [
            Content(""),
            Content(f"Waiting {age(self._began, now)}. {seen}, number {view.looks:,}."),
            Content.styled(f"Looks every {every:.0f} s; more rarely with time, at least once a minute.", "$text-muted"),
            Content(""),
            Content.styled("When it is released", "bold"),
            Content("It rings here. Then plan again, or let the pipeline: whoever is next takes the lock at once."),
        ]
        told = next((answer for (_, name), answer in view.incident.answers.items() if name == "next"), None)
        if told is not None:
            lines.append(Content(f"Next in line: {one_line(f'{told.label} {told.note}', 200)}"))
        lines.append(Content.styled("Waiting changes nothing; stop at any time.", "$text-muted"))
        return Content("\n").join(lines)

    def action_look(self) -> None:
        """Ask for a look now."""
        self.post_message(self.LookAsked())
        self.notify("Looking…", timeout=2, markup=False)

    def action_stop(self) -> None:
        """Back to the walk."""
        if not self._over:
            self._over = True
            self.dismiss("stopped")


def _theirs(view: View) -> tuple[str, ...]:
    return tuple(name for name in view.snapshot.identities if name not in view.ours) if view.snapshot else ()


def _first_lock(view: View) -> StoredLock | None:
    return next(iter(view.snapshot.locks), None) if view.snapshot else None


def _released(view: View) -> bool:
    """A lock that was seen here has left, and every configured store was read and is free."""
    return view.snapshot is not None and view.snapshot.free and view.incident.gone and not view.incident.elsewhere


def _holder(lock: StoredLock, view: View) -> Content:
    if lock.info is None:
        return Content(f"Nobody can read it: {one_line(lock.unreadable or '', 200)} ({short(lock.identity)})")
    info = lock.info
    since = f"\nsince {clock(info.created_at, view.zone)}" if info.created_at else ""
    what = operation(info)
    return Content.assemble(
        (what[0].upper() + what[1:], "bold"),
        " by ",
        (one_line(info.who, 60) or "nobody named", "bold"),
        f"{since}   {short(info.id)}",
    )
