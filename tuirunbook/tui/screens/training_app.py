"""Training's application: the app of an incident, between a menu and a debrief."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tuirunbook.core.backend import RootModule
from tuirunbook.core.score import Debrief
from tuirunbook.core.text import one_line
from tuirunbook.tui.app import TflockApp
from tuirunbook.tui.commands import Command
from tuirunbook.tui.front import NoRoot
from tuirunbook.tui.palette import RegistryCommands
from tuirunbook.tui.screens.debrief import DebriefScreen
from tuirunbook.tui.screens.opening import OpeningScreen
from tuirunbook.tui.screens.practice_shell import PracticeShellScreen
from tuirunbook.tui.screens.training import TrainingMenu
from tuirunbook.tui.screens.training_ask import FindOutScreen
from tuirunbook.tui.screens.training_coach import Coach, Run
from tuirunbook.tui.screens.training_keys import PRACTICE_WALK
from tuirunbook.tui.screens.training_walk import PracticeWalk, walk_of

if TYPE_CHECKING:
    from tuirunbook.tui.front import Front


BANNER = " PRACTICE  nothing is real "


class PracticeCommands(RegistryCommands):
    """The palette, with what training adds to the walk."""

    @property
    def commands(self) -> tuple[Command, ...]:
        """What can be asked for here."""
        return PRACTICE_WALK if isinstance(self.screen, PracticeWalk) else super().commands


class TrainingApp(TflockApp):
    """Composition only, as its base.

    Args:
        coach: Which scenarios there are.
        name: Begin with this one, and leave after it; empty for the menu.
    """

    TITLE = "tflock-tui PRACTICE"
    CSS = """
    OpeningScreen, StatesScreen, WaitScreen, TranscriptScreen,
    DetailsScreen, OutputScreen, IncidentsScreen, StartScreen {
        border-top: heavy $warning;
        border-title-color: $background;
        border-title-background: $warning;
        border-title-style: bold;
    }
    """
    """The screens of an incident carry the banner as their upper edge; the walk and training's own have a line."""
    COMMANDS: ClassVar = {PracticeCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "find_out", "find out", show=False, priority=True),
        Binding("f3", "hint", "hint", show=False, priority=True),
        Binding("f4", "practice_shell", "practice shell", show=False, priority=True),
    ]

    class WorldTold(Message):
        """Something was said in the practice world."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class WorldDied(Message):
        """The practice world ended by itself."""

    def __init__(self, coach: Coach, name: str = "") -> None:
        # Which world it is, is only known once a page was taken; no screen asks before.
        super().__init__(cast("Front", None))
        self._coach = coach
        self._only = name
        self._last = name
        self._practice: Run | None = None

    async def on_mount(self, event: events.Mount | None = None) -> None:
        """The menu, or the one scenario that was asked for."""
        if event is not None:
            # The first screen of an incident is not wanted here.
            event.prevent_default()
        if self._only:
            await self._begin(self._only)
        else:
            self._menu()

    def post_display_hook(self) -> None:
        """Whatever screen comes: its upper edge, where it has one, says that it is practice."""
        if not self.screen.border_title:
            self.screen.border_title = BANNER

    def end_practice(self) -> None:
        """End the world that is under way, if there is one. It blocks; call it from a thread, or after the end."""
        run, self._practice = self._practice, None
        if run is not None:
            run.end()

    def _menu(self) -> None:
        self.push_screen(TrainingMenu(self._coach.menu(), self._last), self._chosen)

    async def _chosen(self, name: str | None) -> None:
        if name is None:
            self.exit(0)
        else:
            await self._begin(name)

    async def _begin(self, name: str) -> None:
        self._last = name
        try:
            self._practice = self._coach.begin(
                name,
                lambda text: self.post_message(self.WorldTold(text)),
                lambda: self.post_message(self.WorldDied()),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be said
            await self._give_up(f"The practice world cannot be started: {error}")
            return
        self.front = self._practice.front
        await self._show_opening(OpeningScreen(self.front))

    async def _show_opening(self, opening: OpeningScreen) -> None:
        opening.border_title = BANNER
        await self.push_screen(opening)

    async def _give_up(self, why: str) -> None:
        """Say why there is no practice; back to the menu, or out with it where there was none."""
        if self._only:
            self.exit(1, message=Content(one_line(why, 800)).plain)
            return
        await self._clear()
        self._menu()
        self.notify(one_line(why, 600), severity="error", timeout=30, markup=False)

    async def _clear(self) -> None:
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    @on(OpeningScreen.Opened)
    async def _opened(self, event: OpeningScreen.Opened) -> None:
        event.prevent_default()
        if self._practice is not None:
            await self.switch_screen(PracticeWalk(self._practice, event.walk, event.mailbox, self._page))

    @property
    def _page(self) -> str:
        return self._practice.page if self._practice is not None else ""

    @on(OpeningScreen.Unopened)
    async def _unopened(self, event: OpeningScreen.Unopened) -> None:
        event.prevent_default()
        if isinstance(event.found, NoRoot):
            self._end_in_background()
            await self._give_up(event.found.sentence)
        else:
            await self.pop_screen()
            self.choose_state()

    async def _walk_or_leave(self, root: RootModule | None) -> None:
        if root is not None:
            if isinstance(self.screen, PracticeWalk):
                await self.pop_screen()
            await self._show_opening(OpeningScreen(self.front, root))
        elif walk_of(self) is None:
            self.action_done()

    @on(WorldTold)
    def _hear(self, event: WorldTold) -> None:
        text = event.text
        walk = walk_of(self)
        if walk is not None:
            walk.people_say(text)
        if isinstance(self.screen, PracticeShellScreen):
            self.screen.people_say(text)
        elif self.screen is not walk:
            self.notify(one_line(text, 400), timeout=12, markup=False)

    @on(WorldDied)
    def _mourn(self) -> None:
        self._restart()

    @work(group="restart", exit_on_error=False)
    async def _restart(self) -> None:
        if self._practice is None:
            return
        self._practice = None
        await self._clear()
        await self._begin(self._last)
        said = "The practice AWS has died. It was started again, and this page begins anew."
        self.notify(said, severity="warning", timeout=20, markup=False)

    def action_find_out(self) -> None:
        """Ask somebody in the practice world."""
        walk = walk_of(self)
        if isinstance(self.screen, FindOutScreen):
            self.screen.action_leave()
        elif walk is not None and self._practice is not None:
            self.push_screen(FindOutScreen(self._practice, walk.note))

    def action_hint(self) -> None:
        """Show the hint of the current step, or hide it."""
        if (walk := walk_of(self)) is not None:
            walk.toggle_hint()

    def action_practice_shell(self) -> None:
        """Open the practice shell."""
        walk = walk_of(self)
        if isinstance(self.screen, PracticeShellScreen):
            self.screen.action_leave()
        elif walk is not None and self._practice is not None:
            self.push_screen(PracticeShellScreen(self._practice, walk.released_by_hand))

    def action_states(self) -> None:
        """Choose another state of the practice repository."""
        if self._practice is not None:
            self.choose_state()

    @work(group="done", exit_on_error=False)
    async def action_done(self) -> None:
        """End this practice: first the judgement, if none was written, then the debrief."""
        walk, run = walk_of(self), self._practice
        if run is None:
            return
        if walk is not None and not walk.has_acted and not await walk.judge():
            return
        self._practice = None
        if walk is not None:
            await walk.put_away()
        self.notify("Ending the practice world…", timeout=3)
        worker = self.run_worker(run.finish, thread=True, group="finish", exit_on_error=False)
        try:
            told: Debrief = await worker.wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be said
            await self._give_up(f"The debrief could not be made: {error}")
            return
        await self._clear()
        self.clear_notifications()
        self.push_screen(DebriefScreen(told), self._debriefed)

    async def _debriefed(self, where: str | None) -> None:
        if where == "again":
            await self._begin(self._last)
        elif self._only:
            self.exit(0)
        else:
            self._menu()

    @work(thread=True, group="end", exit_on_error=False)
    def _end_in_background(self) -> None:
        self.end_practice()

    def action_help(self) -> None:
        """The help of the screen, with what training adds."""
        if isinstance(self.screen, PracticeWalk):
            from tuirunbook.tui.screens.help import HelpScreen  # noqa: PLC0415 - loaded when it is wanted

            step = self.screen.view.step.step
            background = self.screen.view.runbook.background
            self.push_screen(
                HelpScreen(f"Step {step.number}: {step.title}", (ABOUT, step.body), PRACTICE_WALK, background)
            )
        else:
            super().action_help()

    async def action_quit(self) -> None:
        """Leave: practice keeps nothing running."""
        self.exit(0)

    @work(group="leave", exit_on_error=False)
    async def action_leave(self) -> None:
        """Leave: practice keeps nothing running."""
        self.exit(0)


ABOUT = (
    "This is practice. Find out (v) what CI, people and hosts say, then answer the runbook's questions with it. "
    "Before a release you write down what you believe. When you think it is over, u ends it and tells what it came to."
)
"""What the help says first on a practice walk."""
