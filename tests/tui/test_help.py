"""Contextual help, and the palette that is made from the same registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widgets import Static

from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, text_of, until
from tests.support.views import view_after
from tuirunbook.core.runbook import Section
from tuirunbook.tui.commands import BY_SCREEN, EVERYWHERE, PRACTICE, WAIT, WALK, Command, key_table
from tuirunbook.tui.palette import RegistryCommands
from tuirunbook.tui.screens.details import DetailsScreen
from tuirunbook.tui.screens.help import HelpScreen, help_for
from tuirunbook.tui.screens.wait import WaitScreen


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_help_names_purpose_keys_effects_and_answers(size: tuple[int, int]) -> None:
    faq = [Section(title="Is it safe? [/x]", body=f"It is. {HOSTILE}")]
    app = OneScreen(HelpScreen("Step 6: Force-unlock [PROD]", ["What it is for. [/x]"], WALK, faq))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "Step 6: Force-unlock [PROD]" in painted(app))
        text = text_of(app, "#help-text")
        assert "What it is for. [/x]" in text
        assert "palette force-unlock DESTROYS: Release the lock with Terraform." in " ".join(text.split())
        assert "Is it safe? [/x]\nIt is. red [PROD] [/x] [bold]loud[/bold]" in text
        assert "esc back" in painted(app)
        await pilot.press("end")
        await until(pilot, lambda: "Is it safe?" in painted(app))
        await pilot.press("escape")
        assert app.outcomes == [None]


def test_help_for_a_screen_has_its_words_and_its_keys() -> None:
    shown = help_for(WaitScreen(view_after()))
    assert shown._paragraphs == WaitScreen.ABOUT
    assert set(WAIT) <= set(shown._commands)


def test_every_screen_of_the_registry_is_in_the_key_table() -> None:
    table = key_table()
    for commands in BY_SCREEN.values():
        for command in commands:
            assert f"| {command.id} |" in table


def test_what_training_adds_takes_no_key_of_the_walk() -> None:
    def keys(commands: Iterable[Command]) -> set[str]:
        return {key for command in commands for key in command.keys.split(",") if key}

    assert keys(PRACTICE).isdisjoint(keys((*WALK, *EVERYWHERE)))


class Palette(App[None]):
    """An app whose palette is the registry's."""

    COMMANDS: ClassVar = {RegistryCommands}

    def __init__(self, screen: Screen[None]) -> None:
        super().__init__()
        self.below = screen

    async def on_mount(self) -> None:
        await self.push_screen(self.below)


class Barred(Screen[None]):
    """Details whose copy is not possible now."""

    def compose(self) -> ComposeResult:
        yield Static("below")

    def why_not(self, command: str) -> str | None:
        return "there is no [/x] lock [PROD]" if command == "details.copy-raw" else None


@piloted
async def test_the_palette_runs_what_is_picked() -> None:
    app = Palette(DetailsScreen(view_after()))
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p", *"copy raw")
        await until(pilot, lambda: "details: copy raw" in painted(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: "3f8f3f8f" in app.clipboard)


@piloted
async def test_the_palette_says_why_something_cannot_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_SCREEN, "Barred", BY_SCREEN["DetailsScreen"])
    app = Palette(Barred())
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("ctrl+p", *"copy raw")
        await until(pilot, lambda: "details: copy raw (not now)" in painted(app))
        assert "Not now: there is no [/x] lock [PROD]" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: "there is no [/x] lock [PROD]" in notices(app))
        assert app.clipboard == ""


@piloted
async def test_the_palette_marks_what_destroys() -> None:
    screen = type("WalkScreen", (Screen,), {})()
    app = Palette(screen)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p", *"force-unlock")
        await until(pilot, lambda: "lock: force unlock (destroys)" in painted(app))
