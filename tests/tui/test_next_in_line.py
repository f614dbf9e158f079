"""What takes the lock next (S16): the header, step 5 with its question, and the close that asks for each undo."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from textual.screen import Screen

from tests.core.test_next_in_line import QUEUED, TIMED, WAITING
from tests.support.fronts import EmptyFront
from tests.support.incidents import A, Story
from tests.support.pilots import OneScreen, painted, piloted, until
from tests.support.views import view_of
from tests.walk.parts import Bench
from tuirunbook.core.events import Closed, FindingRecorded, HoldUndone
from tuirunbook.core.evidence import Finding, InLine, Says
from tuirunbook.core.runbook import Action
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.dialogs.form import FormScreen
from tuirunbook.tui.doing.answering import ask_next
from tuirunbook.tui.doing.closing import close, prevent_next
from tuirunbook.tui.doing.copying import copy_command
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes import pane
from tuirunbook.tui.view import View, header


class Scene:
    """A stage that shows one step of a bench's incident; dialogs are answered by the test."""

    def __init__(self, directory: Path, action: Action = Action.PREPARE, *lines: InLine) -> None:
        self.bench = Bench(directory)
        self.bench.look()
        if lines:
            finding = Finding(
                key="ci.github.next",
                lock=A,
                says=Says.NOTHING,
                fact="next in line",
                source="GET",
                observed_at="2026-11-23T03:12:00Z",
                asked="GitHub",
                in_line=lines,
            )
            self.bench.scribe.record(FindingRecorded, finding=finding)
        self.action = action
        self.dialogs: list[Screen[Any]] = []
        self.answers: list[Any] = []
        self.copied: list[str] = []
        self.front = EmptyFront().front
        world = SimpleNamespace(terraform=self.bench.terraform, store=self.bench.shelf)
        self.walk = self.session = SimpleNamespace(clerk=self.bench.clerk, world=world)

    @property
    def view(self) -> View:
        story = Story()
        story.incident = self.bench.incident
        view = view_of(story, snapshot=self.bench.observer.latest)
        shown = next(number for number, step in enumerate(view.steps) if step.step.action is self.action)
        return dataclasses.replace(view, shown=shown)

    async def ask(self, dialog: Screen[Any]) -> Any:
        self.dialogs.append(dialog)
        return self.answers.pop(0)

    async def do(self, busy: str, request: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        del busy
        return request(*args, **kwargs)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        del sentence, bad

    def copy(self, text: str, what: str) -> None:
        del what
        self.copied.append(text)

    def play(self, conversation: Callable[[Stage], Any], *answers: Any) -> None:
        self.answers += answers
        asyncio.run(conversation(cast("Stage", self)))
        assert not self.answers


def held(scene: Scene) -> Scene:
    scene.bench.clerk.answer(A, "next", "held", {"how": "cancelled", "undo": "gh run rerun 815; gh workflow enable d"})
    return scene


def test_s16_the_header_says_what_ci_shows_until_somebody_has_said_what_comes_next(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Action.PREPARE, QUEUED, WAITING, TIMED)
    line = header(scene.view, 78).plain.splitlines()[3]
    assert line == "Next in line, by CI: 1 queued (starts on release), 1 waiting, 1 scheduled"
    assert "it is kept from starting" in header(held(scene).view, 78).plain.splitlines()[3]


def test_s16_the_header_does_not_call_held_what_was_let_go_again(tmp_path: Path) -> None:
    scene = held(Scene(tmp_path, Action.PREPARE, QUEUED))
    for hold in scene.bench.incident.holds:
        scene.bench.clerk.tell(HoldUndone, hold=hold)
    line = header(scene.view, 78).plain.splitlines()[3]
    assert line == "Next in line: what was held back may start again; its holds are undone"


def test_s16_step_5_shows_each_with_the_command_that_holds_it_and_its_undo_and_copies_them(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Action.PREPARE, QUEUED, WAITING, TIMED)
    said = pane(scene.view).plain
    for part in ("run 816, apply", "gh run cancel 815", "gh run rerun 815", "gh workflow disable drift.yml"):
        assert part in said
    scene.play(copy_command)
    assert scene.copied == ["gh run cancel 815\ngh workflow disable drift.yml"]


def test_s16_the_question_begins_with_what_was_found_and_nothing_is_answered_by_itself(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Action.PREPARE, QUEUED)
    scene.play(ask_next, None)
    assert scene.bench.incident.answers == {}
    (dialog,) = scene.dialogs

    @piloted
    async def look() -> None:
        app = OneScreen(dialog)
        async with app.run_test() as pilot:
            await pilot.press("enter")
            await until(pilot, lambda: "gh run rerun 815" in painted(app), "the undo")
            assert "it is kept from starting" in painted(app)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: "still missing: how they know" in painted(app), "what is missing")

    assert isinstance(dialog, AnswerScreen)
    look()


def test_s16_the_close_asks_for_each_hold_and_leaves_open_what_is_not_undone(tmp_path: Path) -> None:
    scene = held(Scene(tmp_path, Action.PREVENT))
    closing = {"page": "", "ticket": "", "impact": "", "surprise": ""}
    scene.play(close, {"done": "yes"}, {"done": "no"}, closing)
    assert [type(dialog) for dialog in scene.dialogs] == [FormScreen] * 3
    assert list(scene.bench.incident.holds) == ["gh workflow enable d"]
    undone = [event.hold for event in scene.bench.paper.events if isinstance(event, HoldUndone)]
    assert undone == ["gh run rerun 815"]
    assert scene.bench.incident.closed is not None


def test_s16_a_hold_that_is_not_undone_yet_can_be_copied_and_nothing_is_closed(tmp_path: Path) -> None:
    scene = held(Scene(tmp_path, Action.PREVENT))
    scene.play(close, {"done": "copy"})
    assert scene.copied == ["gh run rerun 815"]
    assert not [event for event in scene.bench.paper.events if isinstance(event, Closed | HoldUndone)]
    scene.play(prevent_next, {"done": "yes"}, {"done": "yes"})
    assert scene.bench.incident.holds == {}
