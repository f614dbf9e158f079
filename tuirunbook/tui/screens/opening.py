"""The first thing that is painted: what is being looked for, while it is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import EVERYWHERE, bindings

if TYPE_CHECKING:
    from tuirunbook.core.backend import RootModule
    from tuirunbook.core.lock import Reading, Store
    from tuirunbook.tui.front import Front, IncidentRow, NoRoot
    from tuirunbook.walk.following import AnyWalk
    from tuirunbook.walk.mailbox import Mailbox


class Sighting(Protocol):
    """What one store of a state said, to be shown and nothing else."""

    @property
    def lock_id(self) -> str: ...  # noqa: D102 - see the class

    @property
    def store(self) -> Store: ...  # noqa: D102

    @property
    def reading(self) -> Reading: ...  # noqa: D102


class Scout(Protocol):
    """A first look that began before the application."""

    def sightings(self) -> Iterable[Sighting]:
        """What it reads, as it arrives; blocks in between."""
        ...


class OpeningScreen(Screen[None]):
    """Finds the root and sets its walk up, in a thread that begins after the first frame was painted.

    Args:
        front: The world.
        root: The root to walk, or None to find it.
        resume: An incident to go on with instead.
        anew: Begin an incident even where one on this state is open.
        hands_in: Hand in the error from the command line also where an incident is gone on with.
        runbook: The runbook to walk, or empty for the one that fits.
        scout: A first look that is under way.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(EVERYWHERE)]

    class Opened(Message):
        """The walk has started, or is read along from now on."""

        def __init__(self, walk: AnyWalk, mailbox: Mailbox, *, resumed: bool, hands_in: bool) -> None:
            super().__init__()
            self.walk = walk
            self.mailbox = mailbox
            self.resumed = resumed
            self.hands_in = hands_in

    class Unfinished(Message):
        """There is an open incident on this state, which nobody walks at the moment."""

        def __init__(self, root: RootModule, incident: IncidentRow) -> None:
            super().__init__()
            self.root = root
            self.incident = incident

    class Unopened(Message):
        """There is not one root to walk, or it cannot be walked: several, none, or why."""

        def __init__(self, found: tuple[RootModule, ...] | NoRoot) -> None:
            super().__init__()
            self.found = found

    def __init__(
        self,
        front: Front,
        root: RootModule | None = None,
        *,
        resume: str = "",
        anew: bool = False,
        hands_in: bool = False,
        runbook: str = "",
        scout: Scout | None = None,
    ) -> None:
        super().__init__()
        self._front = front
        self._root = root
        self._resume = resume
        self._anew = anew
        self._hands_in = hands_in or not resume
        self._runbook = runbook
        self._scout = scout
        self._lines: list[str] = []

    def compose(self) -> ComposeResult:
        """One line."""
        what = f"Reading incident {self._resume}…" if self._resume else "Looking for the root module and its backend…"
        self._lines.append(what)
        yield Static(Content(f" {what}"))

    def on_mount(self) -> None:
        """Paint first."""
        self.call_after_refresh(self._open)
        if self._scout is not None:
            self._listen(self._scout)

    def on_unmount(self) -> None:
        """Whoever looked first is not needed any more."""
        stop = getattr(self._scout, "stop", None)
        if stop is not None:
            stop()

    @in_background
    def _listen(self, scout: Scout) -> None:
        from tuirunbook.core.lock import Free, Held, describe  # noqa: PLC0415 - not needed to paint

        for sighting in scout.sightings():
            match sighting.reading:
                case Held(lock):
                    said = f"■ HELD in {sighting.store.label}: {describe(lock)}"
                case Free():
                    said = f"□ {sighting.store.label} is free"
                case _:
                    continue
            self.call_later(self._show, sighting.lock_id, said)

    def _show(self, lock_id: str, said: str) -> None:
        """A first look, on the screen before anything else is known."""
        from tuirunbook.core.text import one_line  # noqa: PLC0415 - not needed to paint

        if not self.is_attached:
            return
        self._lines += [said] if len(self._lines) > 1 else [one_line(lock_id, 200), said]
        self.query_one(Static).update(Content("\n".join(f" {one_line(text, 200)}" for text in self._lines)))

    @in_background
    def _open(self) -> None:
        # Nothing of this is needed to paint, and the screen of the walk is needed as soon as there is one.
        from tuirunbook.core.backend import RootModule  # noqa: PLC0415
        from tuirunbook.tui.front import NoRoot  # noqa: PLC0415
        from tuirunbook.walk.mailbox import Mailbox  # noqa: PLC0415

        mailbox = Mailbox()
        try:
            if self._resume:
                walk = self._front.resume_walk(self._resume, mailbox.put)
            else:
                found = self._root or self._front.find()
                if not isinstance(found, RootModule):
                    self.post_message(self.Unopened(found if isinstance(found, NoRoot) else tuple(found)))
                    return
                if not (self._anew or self._runbook) and (unfinished := self._front.unfinished(found)) is not None:
                    self.post_message(self.Unfinished(found, unfinished))
                    return
                walk = self._front.open_walk(found, mailbox.put, self._runbook)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Unopened(NoRoot(sentence=f"{error}", next_step="See `tflock-tui doctor`.")))
            return
        walk.start()
        import tuirunbook.tui.screens.walk  # noqa: F401, PLC0415 - in this thread, while AWS is asked

        self.post_message(self.Opened(walk, mailbox, resumed=bool(self._resume), hands_in=self._hands_in))
