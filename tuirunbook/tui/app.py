"""The application: which screen comes first, and how it ends.

Only what the first frame needs is imported here; every other screen is imported when it is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App
from textual.content import Content

from tuirunbook.tui.palette import RegistryCommands
from tuirunbook.tui.screens.opening import OpeningScreen

if TYPE_CHECKING:
    from tuirunbook.core.backend import RootModule
    from tuirunbook.tui.front import Front, NoRoot
    from tuirunbook.tui.screens.opening import Scout
    from tuirunbook.tui.screens.stage import ScreenStage
    from tuirunbook.tui.screens.walk import WalkScreen


class TflockApp(App[int]):
    """Composition only: the screens show, the walk does.

    Args:
        front: The world.
        scout: A first look that is under way.
        resume: An incident to go on with.
        states: Begin with the list of states.
        incidents: Begin with the list of incidents.
        keymap: Keys by command ID, from the user's settings.
    """

    TITLE = "tflock-tui"
    COMMANDS: ClassVar = {RegistryCommands}

    def __init__(
        self,
        front: Front,
        *,
        scout: Scout | None = None,
        resume: str = "",
        states: bool = False,
        incidents: bool = False,
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.front = front
        self._scout = scout
        self._resume = resume
        self._states = states
        self._incidents = incidents
        self.set_keymap(dict(keymap or {}))

    async def on_mount(self) -> None:
        """Show the first screen; it fills itself in."""
        if self._states:
            self.choose_state()
        elif self._incidents:
            self.action_incidents()
        else:
            await self.push_screen(OpeningScreen(self.front, resume=self._resume, scout=self._scout))

    @on(OpeningScreen.Opened)
    async def _opened(self, event: OpeningScreen.Opened) -> None:
        from tuirunbook.tui.screens.walk import WalkScreen  # noqa: PLC0415 - see the module

        await self.switch_screen(
            WalkScreen(self.front, event.walk, event.mailbox, resumed=event.resumed, hands_in=event.hands_in)
        )

    @on(OpeningScreen.Unfinished)
    @work(group="choose", exit_on_error=False)
    async def _ask_what_to_do(self, event: OpeningScreen.Unfinished) -> None:
        """Go on with the incident that is open, or begin another; the state is the same."""
        from tuirunbook.tui.dialogs.unfinished import GO_ON, ask  # noqa: PLC0415 - see the module

        chosen = await self.push_screen_wait(ask(event.incident, self.front.now()))
        await self.pop_screen()
        if chosen is None:
            self.exit(0)
        elif chosen["what"] == GO_ON:
            await self.push_screen(OpeningScreen(self.front, resume=event.incident.id, hands_in=True))
        else:
            await self.push_screen(OpeningScreen(self.front, event.root, anew=True))

    @work(group="incidents", exit_on_error=False)
    async def on_walk_screen_taken_over(self, event: WalkScreen.TakenOver) -> None:
        """Write an incident that was read along."""
        await self._go_on_with(event.incident)

    async def on_screen_stage_walk_instead(self, event: ScreenStage.WalkInstead) -> None:
        """Walk another runbook on the same root."""
        await self.switch_screen(OpeningScreen(self.front, event.root, runbook=event.runbook))

    async def _go_on_with(self, incident: str) -> None:
        """Leave the walk that is shown, and go on with an incident, which may be the same."""
        walk = self.walk_screen
        if walk is not None and self.screen is walk:
            await walk.leave()
            await self.pop_screen()
        await self.push_screen(OpeningScreen(self.front, resume=incident))

    @on(OpeningScreen.Unopened)
    async def _unopened(self, event: OpeningScreen.Unopened) -> None:
        await self.pop_screen()
        if isinstance(event.found, tuple):
            self.choose_state()
        else:
            self.start_over(event.found)

    def on_wait_screen_look_asked(self) -> None:
        """The calm watch asks for a look now; the walk beneath it has the watcher."""
        if (walk := self.walk_screen) is not None:
            walk.action_look()

    @property
    def walk_screen(self) -> WalkScreen | None:
        """The walk on the stack, or None."""
        from tuirunbook.tui.screens.walk import WalkScreen  # noqa: PLC0415 - see the module

        return next((screen for screen in self.screen_stack if isinstance(screen, WalkScreen)), None)

    @work(group="choose", exit_on_error=False)
    async def choose_state(self) -> None:
        """Choose one state of the repository, and walk it."""
        from tuirunbook.tui.screens.states import StatesScreen  # noqa: PLC0415 - loaded when it is wanted

        await self._walk_or_leave(await self.push_screen_wait(StatesScreen(self.front)))

    @work(group="choose", exit_on_error=False)
    async def start_over(self, why: NoRoot) -> None:
        """Ask for an error or an address, and walk that."""
        from tuirunbook.tui.screens.start import StartScreen  # noqa: PLC0415

        await self._walk_or_leave(await self.push_screen_wait(StartScreen(self.front, why)))

    async def _walk_or_leave(self, root: RootModule | None) -> None:
        if root is None:
            self.exit(0)
        else:
            await self.push_screen(OpeningScreen(self.front, root))

    @work(group="incidents", exit_on_error=False)
    async def action_incidents(self) -> None:
        """Past and open incidents; one of them may be gone on with."""
        from tuirunbook.tui.screens.incidents import IncidentsScreen  # noqa: PLC0415

        chosen = await self.push_screen_wait(IncidentsScreen(self.front))
        if chosen is not None and chosen[0] == "resume":
            await self._go_on_with(chosen[1])
        elif self._incidents:
            self.exit(0)

    def action_help(self) -> None:
        """What this screen is for, what is safe, and its keys."""
        from tuirunbook.tui.screens.help import help_for  # noqa: PLC0415

        self.push_screen(help_for(self.screen))

    @work(group="leave", exit_on_error=False)
    async def action_leave(self) -> None:
        """Leave; says what keeps running, and how to come back."""
        walk = self.walk_screen
        if walk is None:
            self.exit(0)
            return
        model = walk.model
        running = None if model.writer else next(iter(model.incident.running.values()), None)
        if (model.busy or running) and not await self._sure(model.busy, running.child.log if running else ""):
            return
        kept = f"Incident {model.incident.id} is {model.incident.status.value}: tflock-tui resume {model.incident.id}"
        ours = model.session.is_on_disk and (model.writer is None or model.writer_ended)
        self.exit(0, message=Content(kept).plain if ours and not model.incident.closed else None)

    async def _sure(self, busy: str, log: str) -> bool:
        from tuirunbook.tui.dialogs.form import FormField, FormScreen  # noqa: PLC0415 - see the module

        what = f"Under way: {busy}" if busy else f"Our plan keeps running, and may hold the lock. Its output: {log}"
        told = await self.push_screen_wait(
            FormScreen(
                "Leave now?",
                [FormField(id="sure", label="", choices=[("no", "no, stay"), ("yes", "yes, leave it running")])],
                intro=Content(f"{what}\ntflock-tui resume finds it again."),
            )
        )
        return told is not None and told["sure"] == "yes"

    async def action_quit(self) -> None:
        """Whatever asks the app to quit gets the same words."""
        self.action_leave()

    def _handle_exception(self, error: Exception) -> None:
        """End with what went wrong; but once the app leaves, a screen that was just being opened may lack its parts."""
        if not self._exit:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End with a traceback that shows no local variables: they hold locks, answers and credentials."""
        import traceback  # noqa: PLC0415 - see the module

        from rich.text import Text  # noqa: PLC0415

        from tuirunbook.core.text import redact  # noqa: PLC0415

        self.bell()
        # Python's own words: a secret is not recognised where colours or folded lines cut it to pieces.
        self._exit_renderables.append(Text(redact(traceback.format_exc())))
        self._close_messages_no_wait()
