"""Training's application: the app of an incident, between a menu and a debrief."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.content import Content

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.tui.app import TflockApp
from tuirunbook.tui.background import aside, in_background
from tuirunbook.tui.commands import PRACTICE
from tuirunbook.tui.front import NoRoot
from tuirunbook.tui.screens.debrief import DebriefScreen
from tuirunbook.tui.screens.opening import OpeningScreen
from tuirunbook.tui.screens.practice_shell import PracticeShellScreen
from tuirunbook.tui.screens.training import TrainingMenu
from tuirunbook.tui.screens.training_ask import FindOutScreen
from tuirunbook.tui.screens.training_coach import Coach
from tuirunbook.tui.screens.training_sitting import Sitting, WorldDied, WorldTold
from tuirunbook.tui.screens.training_walk import PracticeWalk, walk_of

if TYPE_CHECKING:
    from tuirunbook.tui.front import Front


BANNER = " PRACTICE  nothing is real "


class TrainingApp(TflockApp):
    """Composition only, as its base.

    Args:
        coach: Which scenarios there are.
        name: Begin with this one, and leave after it; empty for the menu.
    """

    TITLE = "tflock-tui PRACTICE"
    CSS = """
    Screen {
        border-top: heavy $warning;
        border-title-color: $background;
        border-title-background: $warning;
        border-title-style: bold;
    }
    PracticeWalk, TrainingMenu, PracticeShellScreen, DebriefScreen, ModalScreen {
        border-top: none;
    }
    """
    """Every screen carries the banner as its upper edge; the walk and training's own have a line of their own."""
    BINDINGS: ClassVar[list[BindingType]] = [
        # In a dialog, letters are typed; the function keys of training go past it.
        Binding(key, command.action.removeprefix("app."), command.label, show=False, priority=True)
        for command in PRACTICE
        for key in command.keys.split(",")
        if key in {"f2", "f3", "f4"}
    ]

    def __init__(self, coach: Coach, name: str = "") -> None:
        # Which world it is, is only known once a page was taken; no screen asks before.
        super().__init__(cast("Front", None))
        self._sitting = Sitting(coach, name)

    async def on_mount(self, event: events.Mount | None = None) -> None:
        """The menu, or the one scenario that was asked for."""
        if event is not None:
            # The first screen of an incident is not wanted here.
            event.prevent_default()
        if self._sitting.only:
            await self._begin(self._sitting.page)
        else:
            self._menu()

    def post_display_hook(self) -> None:
        """Whatever screen comes: its upper edge, where it has one, says that it is practice."""
        if not self.screen.border_title:
            self.screen.border_title = BANNER

    def end_practice(self) -> None:
        """End the world that is under way, if there is one. It blocks; call it from a thread, or after the end."""
        self._sitting.end()

    def _menu(self) -> None:
        self.push_screen(TrainingMenu(self._sitting.menu(), self._sitting.page), self._chosen)

    async def _chosen(self, name: str | None) -> None:
        if name is None:
            self.exit(0)
        else:
            await self._begin(name)

    async def _begin(self, name: str) -> None:
        try:
            self.front = self._sitting.begin(name, self).front
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be said
            await self._give_up(f"The practice world cannot be started: {error}")
            return
        await self._show_opening(OpeningScreen(self.front))

    async def _show_opening(self, opening: OpeningScreen) -> None:
        opening.border_title = BANNER
        await self.push_screen(opening)

    async def _give_up(self, why: str) -> None:
        """Say why there is no practice; back to the menu, or out with it where there was none."""
        if self._sitting.only:
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
        if (run := self._sitting.run) is not None:
            await self.switch_screen(PracticeWalk(run, event.walk, event.mailbox, run.page))

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
        if self._sitting.take() is None:
            return
        await self._clear()
        await self._begin(self._sitting.page)
        said = "The practice AWS has died. It was started again, and this page begins anew."
        self.notify(said, severity="warning", timeout=20, markup=False)

    def action_find_out(self) -> None:
        """Ask somebody in the practice world."""
        walk, run = walk_of(self), self._sitting.run
        if isinstance(self.screen, FindOutScreen):
            self.screen.action_leave()
        elif walk is not None and run is not None:
            self.push_screen(FindOutScreen(run, walk.found_out))

    def action_hint(self) -> None:
        """Show the next hint for the current step."""
        if (walk := walk_of(self)) is not None:
            walk.hint()

    def action_practice_shell(self) -> None:
        """Open the practice shell."""
        walk, run = walk_of(self), self._sitting.run
        if isinstance(self.screen, PracticeShellScreen):
            self.screen.action_leave()
        elif walk is not None and run is not None:
            self.push_screen(PracticeShellScreen(run, walk.before_raw_release, walk.released_by_hand))

    @on(PracticeShellScreen.Moved)
    async def _moved(self, event: PracticeShellScreen.Moved) -> None:
        """The trainee is somebody else now, as after starting the tool with another profile."""
        await self._clear()
        await self._show_opening(OpeningScreen(self.front))
        self.notify(one_line(event.told, 400), timeout=12, markup=False)

    def action_states(self) -> None:
        """Choose another state of the practice repository."""
        if self._sitting.run is not None:
            self.choose_state()

    @work(group="done", exit_on_error=False)
    async def action_done(self) -> None:
        """End this practice: first the judgement, if none was written, then the debrief."""
        walk = walk_of(self)
        if self._sitting.run is None:
            return
        if walk is not None and not walk.has_acted and not await walk.judge("Before you end"):
            return
        run = self._sitting.take()
        if run is None:
            return
        if walk is not None:
            await walk.put_away()
        self.notify("Ending the practice world…", timeout=3)
        try:
            told = await aside(run.finish)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be said
            await self._give_up(f"The debrief could not be made: {error}")
            return
        await self._clear()
        self.clear_notifications()
        self.push_screen(DebriefScreen(told), self._debriefed)

    async def _debriefed(self, where: str | None) -> None:
        if where == "again":
            await self._begin(self._sitting.page)
        elif self._sitting.only:
            self.exit(0)
        else:
            self._menu()

    @in_background
    def _end_in_background(self) -> None:
        self.end_practice()

    async def action_quit(self) -> None:
        """Leave: practice keeps nothing running."""
        self.exit(0)

    @work(group="leave", exit_on_error=False)
    async def action_leave(self) -> None:
        """Leave: practice keeps nothing running."""
        self.exit(0)
