"""The main screen: one lock, one runbook, and what to do next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import Footer, Static

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Event
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import EVERYWHERE, WALK, bindings
from tuirunbook.tui.dialogs.overtaken import overtaken
from tuirunbook.tui.doing.disabled import why_no_take_over
from tuirunbook.tui.doing.talks import TAKE_OVER, Talks, refusal_of, talk_of
from tuirunbook.tui.front import Front, IncidentRow
from tuirunbook.tui.grey import GreyKeys
from tuirunbook.tui.model import Model
from tuirunbook.tui.screens.stage import ScreenStage
from tuirunbook.tui.view import View
from tuirunbook.tui.walk_body import WalkBody
from tuirunbook.walk.following import AnyWalk, Following
from tuirunbook.walk.mailbox import Mailbox
from tuirunbook.walk.messages import Message
from tuirunbook.walk.walk import Walk

DEAF_SECONDS = 3.0
"""How long no command begins after a dialog went away by itself: the rest of a sentence may still be on its way."""


class WalkScreen(GreyKeys[None]):
    """Shows a walk and collects what the operator wants of it; decides nothing itself.

    Args:
        front: The world.
        session: The walk, started; or one that is read along.
        mailbox: Where it tells what happens.
        resumed: Whether it goes on with an incident.
        hands_in: Whether the error from the command line is still to be handed in.
    """

    CSS_PATH = "walk.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (50, "-narrow"), (70, "-normal"), (120, "-wide")]  # noqa: RUF012 - as in Screen
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WALK), *bindings(EVERYWHERE)]

    body = getters.query_one(WalkBody)

    class Told(TextualMessage):
        """The walk told something, from one of its threads."""

        def __init__(self, message: Message) -> None:
            super().__init__()
            self.message = message

    class TakenOver(TextualMessage):
        """The operator wants to write an incident that was only read so far."""

        def __init__(self, incident: str) -> None:
            super().__init__()
            self.incident = incident

    def __init__(
        self, front: Front, session: AnyWalk, mailbox: Mailbox, *, resumed: bool = False, hands_in: bool = True
    ) -> None:
        super().__init__()
        self.front = front
        self.model = Model(session, front.now)
        self.stage = ScreenStage(self, front, self.model, self.show)
        self.talks = Talks(self.model)
        self._mailbox = mailbox
        self._hands_in = hands_in
        self._told_before = session.incident.events if resumed and isinstance(session, Walk) else 0
        self._stale = False

    def compose(self) -> ComposeResult:
        """Header, runbook and step side by side, command log, footer."""
        yield WalkBody()
        yield Footer(compact=True)
        yield Static(Content("Too small: this needs 50 columns and 15 rows at least."), id="walk-small")

    def on_mount(self) -> None:
        """Begin to listen; the walk has begun already."""
        self._mailbox.attach(lambda message: self.post_message(self.Told(message)))
        self.show()
        self.set_interval(1.0, self._pass_time)
        if self._hands_in:
            self._hand_in_error()
        self._look_around(self.model.root)

    def _pass_time(self) -> None:
        self.body.notices.tick(seen=self.is_current)
        self.show()

    def on_resize(self) -> None:
        """Fill what has become visible."""
        self.call_after_refresh(self.show)

    def on_unmount(self) -> None:
        """Stop looking; whatever was begun is still done."""
        self.model.session.stop()

    async def leave(self) -> None:
        """Stop looking, and wait until the incident was let go, so that it may be written by whoever comes next."""
        self.model.busy = "writing down what is left, before this incident is let go…"
        self.show()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wrap_future(self.model.session.stop())

    @in_background
    def _look_around(self, root: RootModule) -> None:
        """What takes longer than the first look: the files' own word, and other incidents on this state."""
        compared = self.front.compare(root)
        incident = self.model.incident.id
        others = [row for row in self.front.other_incidents(root) if row.id != incident]
        before = self.front.events(incident)[: self._told_before] if self._told_before else ()
        self.call_later(self._looked_around, compared, others, before)

    def _looked_around(self, root: RootModule, others: list[IncidentRow], before: Sequence[Event]) -> None:
        self.model.root = root
        self.model.recall(before)
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
        if not self._stale:
            self._stale = True
            self.call_later(self._catch_up)

    def _catch_up(self) -> None:
        """Show what several messages have changed, at once: sources answer at the same moment."""
        self._stale = False
        self.show()

    def _hand_in_error(self) -> None:
        """The error from the command line, at once: what it claims can be asked about before AWS has answered."""
        text = self.front.pasted()
        if text and isinstance(self.model.session, Following):
            self.stage.say("The error was not handed in, for this window only reads. Paste it where the walk is (e).")
        elif text:
            self.model.walk.desk.submit(self.model.walk.paste, text, None, self.front.pasted_link())

    def _close_overtaken(self) -> None:
        """A dialog about what is not so any more goes away by itself, and nothing begins right after it (S1)."""
        dialog, snapshot = self.app.screen, self.model.snapshot
        why = overtaken(dialog, snapshot) if snapshot is not None else None
        if why is None:
            return
        dialog.dismiss(None)
        self.model.deaf = "what is typed for the dialog that closed begins nothing; one moment"
        self.set_timer(DEAF_SECONDS, self._hear_again)
        self.stage.say(why, bad=True)

    def _hear_again(self) -> None:
        self.model.deaf = ""
        self.show()

    @property
    def view(self) -> View:
        """What is on the screen now."""
        return self.model.view()

    def show(self) -> None:
        """Put the current view on the screen, and hand it to the screens above."""
        view = self.view
        self.body.show(view, self.model)
        if self.talks.judge(view):
            self.refresh_bindings()
        for listener in self.app.screen_stack:
            update = getattr(listener, "update_view", None)
            if update is None:
                continue
            if listener.is_mounted:
                update(view)
            else:
                # It was opened this very moment, and has none of its parts yet.
                listener.call_later(update, view)

    @work(group="talk", exit_on_error=False)
    async def action_talk(self, name: str) -> None:
        """Hold a conversation; one at a time."""
        self.body.notices.clear()
        await self.talks.hold(name, self.stage)

    def why_not(self, command_id: str) -> str | None:
        """Why a command is not possible now, for the palette; None when it is."""
        return refusal_of(command_id, self.view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done now is grey."""
        return self.talks.may(action, parameters)

    def refuse(self, action: str) -> None:
        """A grey key says why it is grey."""
        if action == TAKE_OVER:
            self.action_take_over()
        else:
            self.action_talk(talk_of(action))

    def action_take_over(self) -> None:
        """Go on with the incident as its writer; everything is read again, as when it is resumed."""
        if refusal := why_no_take_over(self.view):
            self.stage.say(refusal)
        else:
            self.post_message(self.TakenOver(self.model.incident.id))

    def action_page(self, by: int) -> None:
        """Scroll what the step says."""
        self.body.page(by)

    def action_step(self, by: int) -> None:
        """Look at another step."""
        self.model.move(by)
        self.body.scroll.scroll_home(animate=False)
        self.show()

    def action_current(self) -> None:
        """Go back to the current step."""
        self.model.shown = None
        self.show()

    def action_look(self) -> None:
        """Look at once."""
        self.model.session.watcher.look_now()

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
