"""The walk of a practice: the very screen of an incident, below a banner that cannot be missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import getters, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuirunbook.core.events import Marker, NoteAdded, OutsideAction
from tuirunbook.core.score import judged_note, shell_action
from tuirunbook.core.text import one_line
from tuirunbook.tui.commands import bindings
from tuirunbook.tui.dialogs.confirm import ConfirmScreen
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.mailbox import Mailbox
from tuirunbook.tui.screens.stage import ScreenStage
from tuirunbook.tui.screens.training_coach import Run
from tuirunbook.tui.screens.training_keys import PRACTICE
from tuirunbook.tui.screens.walk import WalkScreen
from tuirunbook.walk.walk import Walk

if TYPE_CHECKING:
    from textual.app import App

R = TypeVar("R")
_VERDICTS = (
    ("", "choose"),
    ("dead", "the holder is dead"),
    ("alive", "the holder is alive"),
    ("cannot-tell", "I cannot tell"),
    ("not-a-lock", "this is not a stuck lock"),
)
WIDE_ENOUGH = 76
"""Columns from which on the banner also says what stands in for terraform."""

_KEYS = "v ask  h hint  b shell  y states  u done"


class PracticeStage(ScreenStage):
    """A stage that asks for a judgement before any release, and lets the world know."""

    def __init__(self, screen: PracticeWalk) -> None:
        super().__init__(screen)
        self._practice = screen

    async def ask(self, dialog: Screen[R]) -> R | None:
        """Show a dialog; before a confirmation, the judgement."""
        if isinstance(dialog, ConfirmScreen):
            if not await self._practice.judge():
                return None
            self._practice.confirming()
        return await super().ask(dialog)


class PracticeWalk(WalkScreen):
    """One walk of a run."""

    CSS_PATH = ["walk.tcss", "training_walk.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - Screen takes several
    BINDINGS: ClassVar[list[BindingType]] = bindings(PRACTICE)

    banner = getters.query_one("#practice-banner", Static)
    word = getters.query_one("#practice-word", Static)

    def __init__(self, run: Run, walk: Walk, mailbox: Mailbox, said: str = "") -> None:
        super().__init__(run.front, walk, mailbox)
        self.run_of_practice = run
        self.stage = PracticeStage(self)
        self._hinting = run.guided
        self._said = said
        self._program = ""

    def compose(self) -> ComposeResult:
        """The banner, the walk, and a line for hints and for what people say."""
        yield Static(Content(""), id="practice-banner")
        yield from super().compose()
        yield Static(Content(""), id="practice-word")

    def on_mount(self) -> None:
        """Learn what stands in for terraform; the walk's own beginning follows by itself."""
        self._learn_program()

    @work(thread=True, group="practice-program", exit_on_error=False)
    def _learn_program(self) -> None:
        self._program = self.run_of_practice.program()
        self.app.call_from_thread(self.show)

    def show(self) -> None:
        """Put the view on the screen, with the hint of its step."""
        super().show()
        what = "practice terraform   " if self._program else "nothing is real   "
        self.banner.update(Content(f" PRACTICE  {what if self.size.width >= WIDE_ENOUGH else ''}{_KEYS}"))
        hint = self.run_of_practice.hint(self.view.step.step.action.value) if self._hinting else ""
        parts = [text for text in (self._said, hint) if text]
        self.word.display = bool(parts)
        told = Content("\n").join([Content(one_line(text, 320)) for text in parts])
        if self.word.content != told:
            self.word.update(told)

    def people_say(self, text: str) -> None:
        """Somebody of the practice world says something; it stays on the screen and in the transcript."""
        self._said = f"▸ {text}"
        self.note(f"Heard: {text}")
        self.show()

    def toggle_hint(self) -> None:
        """Show the hints, or no longer."""
        self._hinting = not self._hinting
        if self._hinting and not self.run_of_practice.hint(self.view.step.step.action.value):
            self.stage.say("There is no hint for this step.")
        self.show()

    def note(self, text: str, marker: Marker | None = None) -> None:
        """Put something into the transcript."""
        walk = self.model.walk
        walk.desk.submit(walk.clerk.tell, NoteAdded, text=text, marker=marker)

    def released_by_hand(self, line: str, locks: tuple[str, ...]) -> None:
        """A raw command released locks: it belongs into the transcript like everything else."""
        walk = self.model.walk
        self.note(f"Ran in the practice shell: {line}")
        walk.desk.submit(
            walk.clerk.tell, OutsideAction, action=shell_action(line), who=walk.world.operator, note=" ".join(locks)
        )
        walk.watcher.look_now()

    async def judge(self) -> bool:
        """Ask for the judgement, and write it down; False when it was left."""
        told = await ScreenStage.ask(self.stage, judgement_form())
        if told is None:
            return False
        text = judged_note(told["verdict"], int(told["confidence"].rstrip(" %")), told["wrong"])
        walk = self.model.walk
        await self.stage.do("", walk.clerk.tell, NoteAdded, text=text, marker=Marker.DIAGNOSIS)
        return True

    @property
    def has_acted(self) -> bool:
        """Whether something was released from here, so that the judgement stands already."""
        return bool(self.model.incident.releases)

    async def put_away(self) -> None:
        """Have everything that was asked for written down."""
        await self.stage.do("", self.model.walk.scribe.put_away)

    @work(thread=True, group="practice-confirming", exit_on_error=False)
    def confirming(self) -> None:
        """Let the world know that a confirmation is open."""
        self.run_of_practice.confirming()


def judgement_form() -> FormScreen:
    """The verdict, how sure, and what would prove it wrong; written before anything is released."""
    return FormScreen(
        "Before you act: what do you believe, and why could it be wrong?",
        [
            FormField(id="verdict", label="verdict", choices=_VERDICTS),
            FormField(id="confidence", label="how sure, in %", required=True),
            FormField(id="wrong", label="what would prove me wrong", required=True),
        ],
        check=_judgement_trouble,
        intro=Content("The debrief quotes it. It is about the page as a whole, and nobody else reads it now."),
    )


def _judgement_trouble(values: Mapping[str, str]) -> str | None:
    if not values["verdict"]:
        return "choose a verdict"
    number = values["confidence"].rstrip(" %")
    return None if number.isdecimal() and int(number) <= 100 else "how sure: a number from 0 to 100"  # noqa: PLR2004


def walk_of(app: App[int]) -> PracticeWalk | None:
    """The practice walk on the stack, the topmost one."""
    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, PracticeWalk)), None)
