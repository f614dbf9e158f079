"""The main screen: one lock, one runbook, and what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, ParamSpec, TypeVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import clean, one_line
from tuirunbook.tui.commands import EVERYWHERE, WALK, bindings
from tuirunbook.tui.dialogs.confirm import ConfirmScreen
from tuirunbook.tui.doing import CONVERSATIONS
from tuirunbook.tui.doing.disabled import why_not
from tuirunbook.tui.front import Front, IncidentRow, NoRoot
from tuirunbook.tui.model import Model
from tuirunbook.tui.panes import pane, side
from tuirunbook.tui.view import View, header, step_list
from tuirunbook.walk.walk import Message, Walk

P = ParamSpec("P")
R = TypeVar("R")


class WalkTold(TextualMessage):
    """The walk told something, from one of its threads."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message


class WalkScreen(Screen[None]):
    """Shows a walk and collects what the operator wants of it; decides nothing itself.

    It is the stage (`doing.stage.Stage`) that the conversations take place on.
    """

    CSS_PATH = "walk.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (50, "-narrow"), (70, "-normal"), (120, "-wide")]  # noqa: RUF012 - as Screen declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WALK), *bindings(EVERYWHERE)]

    header_line = getters.query_one("#walk-header", Static)
    steps = getters.query_one("#walk-steps", Static)
    scroll = getters.query_one("#walk-scroll", VerticalScroll)
    pane = getters.query_one("#walk-pane", Static)
    side = getters.query_one("#walk-side", Static)
    log_line = getters.query_one("#walk-log", Static)

    class Unopened(TextualMessage):
        """There is not one root to walk, or it cannot be walked: several, none, or why."""

        def __init__(self, found: tuple[RootModule, ...] | NoRoot) -> None:
            super().__init__()
            self.found = found

    def __init__(self, front: Front, root: RootModule | None = None, *, resume: str = "", runbook: str = "") -> None:
        super().__init__()
        self.front = front
        self.model: Model | None = None
        self._root = root
        self._resume = resume
        self._runbook = runbook
        self._talking = ""
        self._early: list[Message] = []

    def compose(self) -> ComposeResult:
        """Header, runbook and step side by side, command log, footer."""
        yield Static(Content("Looking for the root module and its backend…\n\n\n"), id="walk-header")
        with Horizontal(id="walk-body"):
            yield Static(Content(""), id="walk-steps")
            with VerticalScroll(id="walk-scroll", can_focus=False):
                yield Static(Content("reading…"), id="walk-pane")
            with VerticalScroll(id="walk-side-scroll", can_focus=False):
                yield Static(Content(""), id="walk-side")
        yield Static(Content(""), id="walk-log")
        yield Footer(compact=True)
        yield Static(Content("Too small: this needs 50 columns and 15 rows at least."), id="walk-small")

    def on_mount(self) -> None:
        """Set the walk up once the first frame is painted."""
        self.steps.border_title = "Runbook"
        self.call_after_refresh(self._open)
        self.set_interval(1.0, self.show)

    def on_unmount(self) -> None:
        """Stop looking; whatever was begun is still done."""
        if self.model is not None:
            self.model.walk.stop()

    @work(thread=True, group="open", exit_on_error=False)
    def _open(self) -> None:
        """Find the root and set its walk up; off the screen's thread, for it imports and asks."""
        try:
            found = self._root or (None if self._resume else self.front.find())
            if self._resume:
                walk = self.front.resume_walk(self._resume, self._publish)
            elif isinstance(found, RootModule):
                walk = self.front.open_walk(found, self._publish, self._runbook)
            else:
                self.post_message(self.Unopened(found if isinstance(found, NoRoot) else tuple(found or ())))
                return
            walk.start()
            self.app.call_from_thread(self._begin, walk)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            self.post_message(self.Unopened(NoRoot(sentence=f"{error}", next_step="See `tflock-tui doctor`.")))

    def _publish(self, message: Message) -> None:
        self.post_message(WalkTold(message))

    def _begin(self, walk: Walk) -> None:
        root = walk.world.root
        self.model = Model(walk=walk, now=self.front.now, incident=walk.scribe.incident, root=root)
        if text := self.front.pasted():
            walk.desk.submit(walk.paste, text)
        early, self._early = self._early, []
        for message in early:
            self._take(message)
        self.refresh_bindings()
        self.show()
        self._look_around(root)

    @work(thread=True, group="look-around", exit_on_error=False)
    def _look_around(self, root: RootModule) -> None:
        """What takes longer than the first look: the files' own word, and other incidents on this state."""
        compared = self.front.compare(root)
        mine = self._resume or (self.model.incident.id if self.model else "")
        others = [row for row in self.front.other_incidents(root) if row.id != mine]
        self.app.call_from_thread(self._looked_around, compared, others)

    def _looked_around(self, root: RootModule, others: list[IncidentRow]) -> None:
        if self.model is None:
            return
        self.model.root = root
        if others:
            first, more = others[0], f" and {len(others) - 1} more" if len(others) > 1 else ""
            self.say(f"Other incidents on this state: {first.id} by {first.operator}{more}; i shows them.")
        self.show()

    @on(WalkTold)
    def _told(self, event: WalkTold) -> None:
        if self.model is None:
            self._early.append(event.message)
        else:
            self._take(event.message)

    def _take(self, message: Message) -> None:
        if self.model is None:
            return
        before = self.model.snapshot
        self.model.take(message)
        for sentence in self.model.news:
            self.say(sentence)
        self.model.news.clear()
        if before is not None and self.model.snapshot is not None and before is not self.model.snapshot:
            self._close_overtaken()
        self.show()

    def _close_overtaken(self) -> None:
        """A confirmation about what is not so any more goes away by itself (S1)."""
        dialog, snapshot = self.app.screen, self.view.snapshot
        if not isinstance(dialog, ConfirmScreen) or snapshot is None:
            return
        if dialog.prepared.snapshot.fingerprint != snapshot.fingerprint:
            dialog.dismiss(None)
            self.say("The confirmation was closed: what it was about has changed. Look again.", bad=True)

    @property
    def view(self) -> View:
        """What is on the screen now."""
        if self.model is None:
            raise RuntimeError("the walk is not open yet")
        return self.model.view()

    @property
    def walk(self) -> Walk:
        """The walk."""
        if self.model is None:
            raise RuntimeError("the walk is not open yet")
        return self.model.walk

    def show(self) -> None:
        """Put the current view on the screen; widgets whose text is the same are left alone."""
        if self.model is None:
            return
        view = self.view
        width = max(20, self.size.width - 2)
        state = view.step
        number = f"{state.step.number}/{len(view.steps)}" if self.has_class("-narrow") else f"{state.step.number}"
        self.scroll.border_title = Content(f"{number}  {one_line(state.step.title, 60)}")
        _update(self.header_line, header(view, width))
        _update(self.steps, step_list(view))
        _update(self.pane, pane(view))
        _update(self.log_line, Content(self.model.log_line).truncate(width, ellipsis=True))
        if self.has_class("-wide"):
            _update(self.side, side(view, self.model.lines))
        for listener in self.app.screen_stack:
            update = getattr(listener, "update_view", None)
            if update is not None:
                update(view)

    # The stage

    async def ask(self, dialog: Screen[R]) -> R | None:
        """Show a dialog and wait for what it hands back."""
        return await self.app.push_screen_wait(dialog)

    async def do(self, busy: str, request: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the incident's thread do something, and say meanwhile what it is."""
        if self.model is not None:
            self.model.busy = busy
            self.show()
        try:
            return await asyncio.wrap_future(self.walk.desk.submit(request, *args, **kwargs))
        finally:
            if self.model is not None:
                self.model.busy = ""
                self.call_later(self.show)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """Tell the operator something, and put it into the command log."""
        text = clean(sentence)
        self.notify(text, severity="error" if bad else "information", timeout=10 if bad else 3, markup=False)
        if self.model is not None:
            self.model.log(text)
            self.show()

    def copy(self, text: str, what: str) -> None:
        """Copy text to the clipboard and say so."""
        self.app.copy_to_clipboard(text)
        self.say(f"Copied: {what}")

    def walk_instead(self, runbook: str) -> None:
        """Leave this walk for one of another runbook, on the same root."""
        self.app.switch_screen(WalkScreen(self.front, self.view.root, runbook=runbook))

    def interrupted(self, command: str) -> None:
        """Remember that a command of ours was interrupted."""
        if self.model is not None:
            self.model.interrupted |= {command}

    def suspended(self) -> AbstractContextManager[None]:
        """Give the terminal to another program for a while."""
        return self.app.suspend()

    def show_output(self, command: str = "") -> None:
        """Open the output of a command; of the latest one, unless it is named."""
        from tuirunbook.tui.screens.output import OutputScreen  # noqa: PLC0415 - loaded when it is wanted

        logs = self.model.logs if self.model else {}
        name = command or next(reversed(logs), "")
        if name not in logs:
            self.say("No command of ours has run yet.")
            return
        self.app.push_screen(OutputScreen(name, Path(logs[name]), lambda: name in self.view.incident.running))

    def show_details(self) -> None:
        """Open the whole lock, raw."""
        from tuirunbook.tui.screens.details import DetailsScreen  # noqa: PLC0415

        self.app.push_screen(DetailsScreen(self.view))

    # Commands

    @work(group="talk", exit_on_error=False)
    async def action_talk(self, name: str) -> None:
        """Hold a conversation; one at a time."""
        if self.model is None:
            return
        if self._talking:
            self.say(f"One moment, this is still under way: {self.model.busy or self._talking.replace('_', ' ')}")
            return
        refusal = why_not(name, self.view)
        if refusal:
            self.say(refusal)
            return
        self._talking = name
        try:
            await CONVERSATIONS[name](self)
        except Exception as error:  # noqa: BLE001 - the walk goes on, and says what failed
            self.say(f"{type(error).__name__}: {error}", bad=True)
        finally:
            self._talking = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Conversations that are not possible now are grey; pressing them still says why."""
        del parameters
        walks = {"talk", "step", "current", "look", "details", "output", "transcript"}
        return None if self.model is None and action in walks else True

    def action_step(self, by: int) -> None:
        """Look at another step."""
        if self.model is not None:
            self.model.move(by)
            self.scroll.scroll_home(animate=False)
            self.show()

    def action_current(self) -> None:
        """Go back to the current step."""
        if self.model is not None:
            self.model.shown = None
            self.show()

    def action_look(self) -> None:
        """Look at once."""
        if self.model is not None:
            self.walk.watcher.look_now()

    def action_details(self) -> None:
        """Open the whole lock."""
        self.show_details()

    def action_output(self) -> None:
        """Open the latest output."""
        self.show_output()

    def action_transcript(self) -> None:
        """Everything that happened so far."""
        from tuirunbook.tui.screens.transcript import TranscriptScreen  # noqa: PLC0415

        if self.model is not None:
            self.app.push_screen(TranscriptScreen(self.model.lines))


def _update(widget: Static, content: Content) -> None:
    if widget.content != content:
        widget.update(content)
