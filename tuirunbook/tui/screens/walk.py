"""The main screen: one lock, one runbook, and what to do next."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import EVERYWHERE, WALK, bindings
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.dialogs.confirm import ConfirmScreen
from tuirunbook.tui.doing import CONVERSATIONS
from tuirunbook.tui.doing.disabled import why_not
from tuirunbook.tui.front import Front, IncidentRow
from tuirunbook.tui.mailbox import Mailbox
from tuirunbook.tui.model import Model
from tuirunbook.tui.panes import pane, side
from tuirunbook.tui.screens.stage import ScreenStage
from tuirunbook.tui.view import View, header, step_list
from tuirunbook.walk.messages import Message
from tuirunbook.walk.walk import Walk

DEAF_SECONDS = 3.0
"""How long no command begins after a dialog went away by itself: the rest of a sentence may still be on its way."""


class WalkScreen(Screen[None]):
    """Shows a walk and collects what the operator wants of it; decides nothing itself.

    Args:
        front: The world.
        walk: The walk, started.
        mailbox: Where it tells what happens.
        resumed: Whether it goes on with an incident.
    """

    CSS_PATH = "walk.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (50, "-narrow"), (70, "-normal"), (120, "-wide")]  # noqa: RUF012 - as in Screen
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WALK), *bindings(EVERYWHERE)]

    header_line = getters.query_one("#walk-header", Static)
    steps = getters.query_one("#walk-steps", Static)
    scroll = getters.query_one("#walk-scroll", VerticalScroll)
    pane = getters.query_one("#walk-pane", Static)
    side = getters.query_one("#walk-side", Static)
    log_line = getters.query_one("#walk-log", Static)

    class Told(TextualMessage):
        """The walk told something, from one of its threads."""

        def __init__(self, message: Message) -> None:
            super().__init__()
            self.message = message

    def __init__(self, front: Front, walk: Walk, mailbox: Mailbox, *, resumed: bool = False) -> None:
        super().__init__()
        self.front = front
        self.model = Model(walk=walk, now=front.now, incident=walk.scribe.incident, root=walk.world.root)
        self.stage = ScreenStage(self)
        self._mailbox = mailbox
        self._resumed = resumed
        self._talking = ""

    def compose(self) -> ComposeResult:
        """Header, runbook and step side by side, command log, footer."""
        yield Static(Content("Reading the lock…\n\n\n"), id="walk-header")
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
        """Begin to listen; the walk has begun already."""
        self.steps.border_title = "Runbook"
        self._mailbox.attach(lambda message: self.post_message(self.Told(message)))
        self.show()
        self.set_interval(1.0, self.show)
        if not self._resumed:
            self._hand_in_error()
        self._look_around(self.model.root)

    def on_resize(self) -> None:
        """Fill what has become visible."""
        self.call_after_refresh(self.show)

    def on_unmount(self) -> None:
        """Stop looking; whatever was begun is still done."""
        self.model.walk.stop()

    @in_background
    def _look_around(self, root: RootModule) -> None:
        """What takes longer than the first look: the files' own word, and other incidents on this state."""
        compared = self.front.compare(root)
        others = [row for row in self.front.other_incidents(root) if row.id != self.model.incident.id]
        self.call_later(self._looked_around, compared, others)

    def _looked_around(self, root: RootModule, others: list[IncidentRow]) -> None:
        self.model.root = root
        if others:
            first, more = others[0], f" and {len(others) - 1} more" if len(others) > 1 else ""
            self.stage.say(f"Other incidents on this state: {first.id} by {first.operator}{more}; i shows them.")
        self.show()

    @on(Told)
    def _told(self, event: Told) -> None:
        before = self.model.snapshot
        self.model.take(event.message)
        for sentence in self.model.news:
            self.stage.say(sentence)
        self.model.news.clear()
        if before is not None and self.model.snapshot is not before:
            self._close_overtaken()
        self.show()

    def _hand_in_error(self) -> None:
        """The error from the command line, at once: what it claims can be asked about before AWS has answered."""
        if text := self.front.pasted():
            self.model.walk.desk.submit(self.model.walk.paste, text)

    def _close_overtaken(self) -> None:
        """A dialog about what is not so any more goes away by itself (S1)."""
        dialog, snapshot = self.app.screen, self.model.snapshot
        if snapshot is None:
            return
        if isinstance(dialog, ConfirmScreen) and dialog.prepared.snapshot.fingerprint != snapshot.fingerprint:
            dialog.dismiss(None)
            self._be_deaf()
            self.stage.say("The confirmation was closed: what it was about has changed. Look again.", bad=True)
        elif (
            isinstance(dialog, AnswerScreen)
            and dialog.asks_about
            and not snapshot.find(dialog.asks_about)
            and not snapshot.blind
        ):
            dialog.dismiss(None)
            self._be_deaf()
            self.stage.say("The question was closed: the lock that it was about is not there any more.", bad=True)

    def _be_deaf(self) -> None:
        self.model.deaf = "what is typed for the dialog that closed begins nothing; one moment"
        self.set_timer(DEAF_SECONDS, self._hear_again)

    def _hear_again(self) -> None:
        self.model.deaf = ""
        self.show()

    @property
    def view(self) -> View:
        """What is on the screen now."""
        return self.model.view()

    def show(self) -> None:
        """Put the current view on the screen; widgets whose text is the same are left alone."""
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

    @work(group="talk", exit_on_error=False)
    async def action_talk(self, name: str) -> None:
        """Hold a conversation; one at a time. What was typed for a dialog that went away begins none."""
        if self.model.deaf:
            return
        if self._talking:
            under_way = self.model.busy or self._talking.replace("_", " ")
            self.stage.say(f"One moment, this is still under way: {under_way}")
            return
        refusal = why_not(name, self.view)
        if refusal:
            self.stage.say(refusal)
            return
        self._talking = name
        try:
            await CONVERSATIONS[name](self.stage)
        except Exception as error:  # noqa: BLE001 - the walk goes on, and says what failed
            self.stage.say(f"{type(error).__name__}: {error}", bad=True)
        finally:
            self._talking = ""

    def why_not(self, command_id: str) -> str | None:
        """Why a command is not possible now, for the palette; None when it is."""
        command = next((command for command in WALK if command.id == command_id), None)
        talk = command.action.removeprefix("talk('").removesuffix("')") if command else ""
        return why_not(talk, self.view) if talk in CONVERSATIONS else None

    def action_page(self, by: int) -> None:
        """Scroll what the step says."""
        self.scroll.scroll_relative(y=by * max(1, self.scroll.size.height - 2), animate=False)

    def action_step(self, by: int) -> None:
        """Look at another step."""
        self.model.move(by)
        self.scroll.scroll_home(animate=False)
        self.show()

    def action_current(self) -> None:
        """Go back to the current step."""
        self.model.shown = None
        self.show()

    def action_look(self) -> None:
        """Look at once."""
        self.model.walk.watcher.look_now()

    def action_details(self) -> None:
        """Open the whole lock."""
        self.stage.show_details()

    def action_evidence(self) -> None:
        """Open the evidence, row by row."""
        self.stage.show_evidence()

    def action_output(self) -> None:
        """Open the latest output."""
        self.stage.show_output()

    def action_transcript(self) -> None:
        """Everything that happened so far."""
        from tuirunbook.tui.screens.transcript import TranscriptScreen  # noqa: PLC0415 - loaded when it is wanted

        self.app.push_screen(TranscriptScreen(self.model.lines))


def _update(widget: Static, content: Content) -> None:
    shown = widget.content
    if not isinstance(shown, Content) or not shown.is_same(content):
        widget.update(content)
