"""Where no backend is: ask, check, lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, TextArea

from tests.support.fronts import EmptyFront
from tests.support.pilots import HOSTILE, SIZES, OneScreen, painted, piloted, text_of, until
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.tui.front import NoRoot
from tuirunbook.tui.screens.start import StartScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

WHY = NoRoot(
    sentence="No S3 backend was found in /home/priya/notes or above it.",
    next_step="Paste the error, or name the state; or change to the root module's directory.",
)
ERROR = """Error: Error acquiring the state lock

Lock Info:
  ID:        3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab
  Path:      acme-tfstate/network/terraform.tfstate
  Operation: OperationTypeApply
  Who:       runner@ci-7
  Version:   1.11.4
  Created:   2026-11-23 02:41:09.123456789 +0000 UTC
"""


def root(name: str) -> RootModule:
    return RootModule(directory=None, name=name, backend=Backend(type="s3"))


class Nowhere(EmptyFront):
    """No repository, until a test says otherwise."""

    def __init__(self, *found: RootModule) -> None:
        self.found = found
        self.asked: list[tuple[str, ...]] = []

    def find_by_error(self, text: str) -> Sequence[RootModule] | NoRoot:
        self.asked.append((text,))
        return self.found or NoRoot(sentence="No root here has the [/x] state.", next_step="Give bucket and key.")

    def root_from(self, bucket: str, key: str, table: str, region: str) -> RootModule:
        self.asked.append((bucket, key, table, region))
        if "/" in bucket:
            raise ValueError(f"the bucket name {bucket!r} is not one")
        return root(f"{bucket}/{key}")


def said(app: OneScreen) -> str:
    return text_of(app, "#start-trouble")


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_it_says_what_was_looked_for_and_takes_an_address(size: tuple[int, int]) -> None:
    front = Nowhere()
    app = OneScreen(StartScreen(front.front, WHY))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "No S3 backend was found" in painted(app))
        await pilot.press("tab", *"acme", "enter", *"net/x", "enter", *"locks", "enter", *"eu-west-1", "enter")
        await until(pilot, lambda: app.outcomes)
        assert app.outcomes[0].name == "acme/net/x"
        assert front.asked == [("acme", "net/x", "locks", "eu-west-1")]


@piloted
async def test_a_pasted_error_finds_its_root() -> None:
    front = Nowhere(root("infra/network"))
    app = OneScreen(StartScreen(front.front, WHY))
    async with app.run_test() as pilot:
        await pilot.pause()
        app.screen.query_one(TextArea).text = ERROR
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.outcomes)
        assert app.outcomes[0].name == "infra/network"


@piloted
async def test_several_roots_of_one_state_are_chosen_from() -> None:
    app = OneScreen(StartScreen(Nowhere(root("infra/a"), root("infra/b")).front, WHY))
    async with app.run_test() as pilot:
        await pilot.pause()
        app.screen.query_one(TextArea).text = ERROR
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Which one" in said(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.outcomes)
        assert app.outcomes[0].name == "infra/b"


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_an_error_of_no_state_here_fills_bucket_and_key_in(size: tuple[int, int]) -> None:
    app = OneScreen(StartScreen(Nowhere().front, WHY))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.screen.query_one(TextArea).text = ERROR
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "No root here has the [/x] state. Give bucket and key." in said(app))
        assert app.screen.query_one("#start-bucket", Input).value == "acme-tfstate"
        assert app.screen.query_one("#start-key", Input).value == "network/terraform.tfstate"
        assert app.screen.query_one(TextArea).text == ERROR


@piloted
async def test_bad_input_gets_a_sentence_and_loses_nothing() -> None:
    app = OneScreen(StartScreen(Nowhere().front, WHY))
    async with app.run_test() as pilot:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Nothing to go by yet" in said(app))
        await pilot.press("tab", *"a/b", "ctrl+s")
        await until(pilot, lambda: "The key is missing" in said(app))
        await pilot.press(*"k", "ctrl+s")
        await until(pilot, lambda: "the bucket name 'a/b' is not one" in said(app))
        assert app.screen.query_one("#start-bucket", Input).value == "a/b"
        await pilot.press("escape")
        await until(pilot, lambda: "Escape once more" in said(app))
        assert app.outcomes == []
        await pilot.press("escape")
        assert app.outcomes == [None]


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_hostile_reasons_are_text(size: tuple[int, int]) -> None:
    app = OneScreen(StartScreen(Nowhere().front, NoRoot(sentence=HOSTILE, next_step=HOSTILE)))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "red [PROD] [/x]" in painted(app))
        app.screen.query_one(TextArea).text = HOSTILE * 10_000
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "No root here" in said(app))
