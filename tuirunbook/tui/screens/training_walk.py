"""The walk of a practice: the very screen of an incident, below a banner that cannot be missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tuirunbook.core.events import Marker, NoteAdded, OutsideAction
from tuirunbook.core.score import judged_note, shell_action
from tuirunbook.core.text import one_line
from tuirunbook.tui.background import aside, in_background
from tuirunbook.tui.commands import PRACTICE, bindings, short_keys
from tuirunbook.tui.dialogs.confirm import ConfirmScreen
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.screens.stage import ScreenStage
from tuirunbook.tui.screens.training_coach import Run
from tuirunbook.tui.screens.walk import WalkScreen
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.mailbox import Mailbox

if TYPE_CHECKING:
    from textual.app import App

R = TypeVar("R")
_VERDICTS = (
    ("", "(choose one)"),
    ("dead", "the holder is dead"),
    ("alive", "the holder is alive"),
    ("cannot-tell", "I cannot tell"),
    ("not-a-lock", "this is not a stuck lock"),
)
WIDE_ENOUGH = 76
"""Columns from which on the banner also says what stands in for terraform."""

_MORE = "  (h: another hint)"


class PracticeStage(ScreenStage):
    """A stage that asks for a judgement before any release, and lets the world know."""

    def __init__(self, screen: PracticeWalk) -> None:
        super().__init__(screen, screen.front, screen.model, screen.show)
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

    ABOUT: ClassVar[tuple[str, ...]] = (
        "This is practice. Ask CI, people and hosts (q), then answer the runbook's questions with what they said.",
        "Before a release you write down what you believe. When you think it is over, z ends the page.",
    )
    CSS_PATH = ["walk.tcss", "training_walk.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - Screen takes several
    BINDINGS: ClassVar[list[BindingType]] = bindings(PRACTICE)

    banner = getters.query_one("#practice-banner", Static)
    word = getters.query_one("#practice-word", Static)

    def __init__(self, run: Run, walk: AnyWalk, mailbox: Mailbox, said: str = "") -> None:
        super().__init__(run.front, walk, mailbox)
        self.run_of_practice = run
        self.stage = PracticeStage(self)
        self._hinted: dict[str, int] = {}
        self._said = said
        self._released_by_hand = False
        self._program = ""

    def compose(self) -> ComposeResult:
        """The banner, the walk, and a line for hints and for what people say."""
        yield Static(Content(""), id="practice-banner")
        yield from super().compose()
        yield Static(Content(""), id="practice-word")

    def on_mount(self) -> None:
        """Learn what stands in for terraform; the walk's own beginning follows by itself."""
        self._learn_program()

    @in_background
    def _learn_program(self) -> None:
        self._program = self.run_of_practice.program()
        self.call_later(self.show)

    def show(self) -> None:
        """Put the view on the screen, with the hint of its step."""
        super().show()
        what = "practice terraform   " if self._program else "nothing is real   "
        what = what if self.size.width >= WIDE_ENOUGH else ""
        self.banner.update(Content(f" PRACTICE  {what}{short_keys(PRACTICE)}"))
        parts = [text for text in (self._said, self._hint) if text]
        self.word.display = bool(parts)
        told = Content("\n").join([Content(one_line(text, 320)) for text in parts])
        if self.word.content != told:
            self.word.update(told)

    def people_say(self, text: str) -> None:
        """Somebody of the practice world says something; it stays on the screen and in the transcript."""
        self._said = f"▸ {text}"
        self.note(f"Heard: {text}")
        self.show()

    def hint(self) -> None:
        """Show the next hint for this step; after the last one, none."""
        hints = self.run_of_practice.hints(self._step)
        if not hints:
            self.stage.say("There is no hint for this step.")
        self._hinted[self._step] = (self._hint_number + 1) % (len(hints) + 1)
        self.show()

    @property
    def _step(self) -> str:
        return self.view.step.step.action.value

    @property
    def _hint_number(self) -> int:
        """Which of the step's hints is shown, from 1; 0 for none."""
        return self._hinted.get(self._step, 1 if self.run_of_practice.guided else 0)

    @property
    def _hint(self) -> str:
        hints, number = self.run_of_practice.hints(self._step), self._hint_number
        if not 0 < number <= len(hints):
            return ""
        return f"{hints[number - 1]}{_MORE if number < len(hints) else ''}"

    def note(self, text: str, marker: Marker | None = None) -> None:
        """Put something into the transcript."""
        walk = self.model.walk
        walk.desk.submit(walk.clerk.tell, NoteAdded, text=text, marker=marker)

    def found_out(self, text: str) -> None:
        """Somebody was asked, perhaps for something: what CI shows by itself may be another thing now."""
        self.note(text)
        walk = self.model.walk
        for source in walk.world.sources:
            walk.desk.submit(walk.reception.ask_again, source.name)

    def released_by_hand(self, line: str, locks: tuple[str, ...]) -> None:
        """A raw command released locks: it belongs into the transcript like everything else."""
        self._released_by_hand = True
        walk = self.model.walk
        self.note(f"Ran in the practice shell: {line}")
        walk.desk.submit(
            walk.clerk.tell, OutsideAction, action=shell_action(line), who=walk.world.operator, note=" ".join(locks)
        )
        walk.watcher.look_now()

    async def judge(self, before: str = "Before you act") -> bool:
        """Ask for the judgement, and write it down; False when it was left."""
        told = await ScreenStage.ask(self.stage, judgement_form(before))
        if told is None:
            return False
        text = judged_note(told["verdict"], int(told["confidence"].rstrip(" %")), told["wrong"])
        walk = self.model.walk
        await self.stage.do("", walk.clerk.tell, NoteAdded, text=text, marker=Marker.DIAGNOSIS)
        return True

    async def before_raw_release(self) -> bool:
        """The judgement, and whatever happens in the world while somebody is about to act; False when it was left."""
        if not await self.judge():
            return False
        await aside(self.run_of_practice.confirming)
        return True

    @property
    def has_acted(self) -> bool:
        """Whether something was released from here, so that the judgement stands already."""
        return self._released_by_hand or bool(self.model.incident.releases)

    async def put_away(self) -> None:
        """Have everything that was asked for written down."""
        await self.stage.do("", self.model.walk.scribe.put_away)

    @in_background
    def confirming(self) -> None:
        """Let the world know that a confirmation is open."""
        self.run_of_practice.confirming()


def judgement_form(before: str) -> FormScreen:
    """The verdict, how sure, and what would prove it wrong; written before anything is released."""
    return FormScreen(
        f"{before}: what do you believe, and why could it be wrong?",
        [
            FormField(id="verdict", label="verdict", choices=_VERDICTS),
            FormField(id="confidence", label="how sure, in %", required=True),
            FormField(id="wrong", label="what would prove me wrong", required=True),
        ],
        check=_judgement_trouble,
        intro=Content("The debrief will quote it. Nobody else reads it."),
    )


def _judgement_trouble(values: Mapping[str, str]) -> str | None:
    if not values["verdict"]:
        return "choose a verdict"
    number = values["confidence"].rstrip(" %")
    return None if number.isdecimal() and int(number) <= 100 else "how sure: a number from 0 to 100"  # noqa: PLR2004


def walk_of(app: App[int]) -> PracticeWalk | None:
    """The practice walk on the stack, the topmost one."""
    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, PracticeWalk)), None)
