"""Contextual help: what this is for, what is safe, the live keys, common questions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tuirunbook.core.placeholders import placeholder_values
from tuirunbook.core.runbook import Section, substitute_plain
from tuirunbook.core.text import clean, one_line
from tuirunbook.tui.commands import BY_SCREEN, EVERYWHERE, HELP, Command, Effect, bindings, shown_keys
from tuirunbook.tui.prose import flow
from tuirunbook.tui.view import View

_EFFECTS = {
    Effect.NOTHING: ("", ""),
    Effect.READ: (" reads", "$text-muted"),
    Effect.CHANGE: (" CHANGES", "bold $text-warning"),
    Effect.DESTROY: (" DESTROYS", "bold $text-error"),
}


class HelpScreen(ModalScreen[None]):
    """Shows what it is given; knows nothing of the screen that it is about.

    Args:
        title: What the help is about.
        paragraphs: What it is for and what is safe.
        commands: What can be done there, with its keys.
        faq: Questions and their answers.
    """

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help-body"
    BINDINGS: ClassVar[list[BindingType]] = bindings(HELP)

    def __init__(
        self, title: str, paragraphs: Sequence[str], commands: Sequence[Command], faq: Sequence[Section]
    ) -> None:
        super().__init__()
        self._heading = title
        self._paragraphs = tuple(paragraphs)
        self._commands = tuple(commands)
        self._faq = tuple(faq)

    def compose(self) -> ComposeResult:
        """One text that scrolls, and how to leave it."""
        with Vertical(id="help"):
            with VerticalScroll(id="help-body"):
                yield Static(self._text(70), id="help-text")
            yield Static(Content("↑ ↓ space scroll   esc back"), id="help-keys")

    def on_mount(self) -> None:
        """Say what it is about in the frame."""
        self.query_one("#help", Vertical).border_title = Content(one_line(self._heading, 70))

    def on_resize(self) -> None:
        """Wrap to the width that there is."""
        self.call_after_refresh(self._wrap)

    def _wrap(self) -> None:
        width = self.query_one("#help-body").scrollable_content_region.width
        self.query_one("#help-text", Static).update(self._text(max(width, 20)))

    def _text(self, width: int) -> Content:
        lines: list[Content] = []
        for paragraph in self._paragraphs:
            lines += [*flow(clean(paragraph).strip()), Content("")]
        if self._commands:
            lines.append(Content.styled("Keys", "bold"))
            column = max(len(shown_keys(command)) for command in self._commands)
            lines += [_key(command, column, width) for command in self._commands]
            lines += [Content.styled("ctrl+p finds every command by name.", "$text-muted"), Content("")]
        for section in self._faq:
            lines += [
                Content.styled(one_line(section.title), "bold"),
                *flow(clean(section.body).strip()),
                Content(""),
            ]
        return Content("\n").join(lines)

    def action_leave(self) -> None:
        """Close the help."""
        self.dismiss(None)


def _key(command: Command, column: int, width: int) -> Content:
    """A command with its keys in a column, its sentence wrapped beside it."""
    word, style = _EFFECTS[command.effect]
    wrapped = textwrap.wrap(f"{command.label}{word}: {command.tooltip}", max(10, width - column - 2))
    told = f"\n{'':<{column + 2}}".join(wrapped)
    content = Content.assemble((f"{shown_keys(command):>{column}}", "bold"), f"  {told}")
    begin = content.plain.find(word) if word else -1
    return content.stylize(style, begin, begin + len(word)) if begin >= 0 else content


def help_for(screen: Screen[Any]) -> HelpScreen:
    """The help of a screen: its `ABOUT` and its commands; on a walk also its step and the runbook's background."""
    name = type(screen).__name__
    about: Sequence[str] = getattr(screen, "ABOUT", ())
    commands = (*BY_SCREEN.get(name, ()), *EVERYWHERE)
    view = _view_of(screen)
    if view is None:
        return HelpScreen("Help", about, commands, ())
    step = view.step.step
    values = placeholder_values(view.root, view.incident.address, view.snapshot, view.incident.opened.operator)
    about = (*about, SAFE, substitute_plain(step.body, values))
    return HelpScreen(f"Step {step.number}: {step.title}", about, commands, view.runbook.background)


SAFE = (
    "Looking, asking, waiting and going through the steps change nothing. A plan takes the lock while it runs. "
    "Only a release changes the lock, and it asks first what you type."
)
"""What is safe on the walk, for every step."""


def _view_of(screen: Screen[Any]) -> View | None:
    view = getattr(screen, "view", None)
    return view if isinstance(view, View) else None
