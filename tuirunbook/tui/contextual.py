"""Which help belongs to which screen."""

from __future__ import annotations

from textual.screen import Screen

from tuirunbook.core.runbook import Section
from tuirunbook.tui.commands import BY_SCREEN, EVERYWHERE
from tuirunbook.tui.screens.help import HelpScreen
from tuirunbook.tui.screens.walk import WalkScreen

_SAFE = (
    "Looking, answering, waiting and leaving change nothing. Only a plan takes the lock, for as long as it runs; only "
    "force-unlock and delete release one, and both ask first, read again, and read back what is true."
)
_ABOUT = {
    "WalkScreen": "One locked state, and the procedure to clear it. n does what the step asks for next.",
    "OutputScreen": "What terraform printed, as it prints it. Closing this does not stop it.",
    "TranscriptScreen": "Everything that happened in this incident, as it stands in the journal.",
    "WaitScreen": "A calm watch. It looks less often with time, and never takes blindness for release.",
    "IncidentsScreen": "Past and open incidents; those that were released but not verified come first.",
    "StatesScreen": "Every state that was found here, with its lock.",
    "StartScreen": "No state was found here. An error or a bucket and key say which one is meant.",
}


def help_for(screen: Screen[object]) -> HelpScreen:
    """The help of the screen that is on top."""
    name = type(screen).__name__
    paragraphs = [_ABOUT.get(name, ""), _SAFE]
    background: tuple[Section, ...] = ()
    if isinstance(screen, WalkScreen) and screen.model is not None:
        state = screen.view.step
        paragraphs.insert(1, f"Step {state.step.number}, {state.step.title}: {state.progress.value}. {state.note}")
        background = screen.view.runbook.background
    commands = (*BY_SCREEN.get(name, ()), *EVERYWHERE)
    return HelpScreen("Help", [text for text in paragraphs if text], commands, background)
