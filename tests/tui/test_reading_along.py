"""The walk's screen over an incident that another session writes: it shows everything, and begins nothing."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, cast

import pytest
from textual.app import App
from textual.widgets._footer import FooterKey

from tests.support.fronts import EmptyFront
from tests.support.incidents import RUNBOOK, ready
from tests.support.pilots import SIZES, notices, painted, piloted, text_of, until
from tests.support.views import view_of
from tests.walk.test_following import OTHERS, THEM, Reader, note
from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Closed, Event
from tuirunbook.core.values import ReadsOnlyError
from tuirunbook.tui.doing import CONVERSATIONS
from tuirunbook.tui.doing.disabled import why_not
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes import pane
from tuirunbook.tui.screens.transcript import TranscriptScreen
from tuirunbook.tui.screens.wait import WaitScreen
from tuirunbook.tui.screens.walk import WalkScreen
from tuirunbook.tui.view import View
from tuirunbook.walk.mailbox import Mailbox

READS = {"copy", "login", "wait"}
"""The conversations that add nothing to the incident."""


class Front(EmptyFront):
    """Nothing around the walk."""

    def compare(self, root: RootModule) -> RootModule:
        return root

    def other_incidents(self, root: RootModule) -> list[Any]:
        del root
        return []

    def login_command(self, root: RootModule) -> None:
        del root

    def events(self, incident: str) -> list[Event]:
        raise AssertionError(f"{incident} is read along; nobody reads it twice")


class Window(App[int]):
    """A terminal in which an incident is read along."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        mailbox = Mailbox()
        reader.following._publish = mailbox.put
        self.walk = WalkScreen(Front().front, reader.following, mailbox)
        self.taken_over: list[str] = []
        reader.following.start()

    async def on_mount(self) -> None:
        await self.push_screen(self.walk)

    def on_walk_screen_taken_over(self, event: WalkScreen.TakenOver) -> None:
        self.taken_over.append(event.incident)


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.following.stop(20)


def views() -> Iterator[View]:
    """Every step of a walk that is ready to release, as it is read along."""
    story = ready()
    for index in range(len(RUNBOOK.steps)):
        yield dataclasses.replace(view_of(story), shown=index, writer=THEM)


def grey_keys(app: App[int]) -> set[str]:
    return {key for key, bound in app.screen.active_bindings.items() if not bound.enabled}


@pytest.mark.parametrize("name", sorted(set(CONVERSATIONS) - READS - {"next"}))
def test_what_would_write_or_act_is_refused_in_every_step_and_says_who_writes(name: str) -> None:
    for view in views():
        why = why_not(name, view)
        assert why is not None, view.step.step.action
        assert "process 4711 on pts/3 writes this incident" in why


def test_the_next_thing_of_a_step_is_refused_unless_it_only_shows_the_lock() -> None:
    assert [view.step.step.action.value for view in views() if why_not("next", view) is None] == ["detect", "inspect"]


@pytest.mark.parametrize("name", sorted(CONVERSATIONS))
@piloted
async def test_even_a_conversation_that_has_begun_reaches_no_part_that_writes(name: str, reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.walk.model.snapshot is not None)
        with pytest.raises(ReadsOnlyError, match="process 4711 on pts/3 writes this incident"):
            _ = app.walk.stage.walk
        with contextlib.suppress(ReadsOnlyError, Unasked):
            await CONVERSATIONS[name](cast("Stage", Answering(app.walk)))
        assert set(reader.shelf.calls) == {"look"}
        assert (reader.terraform.plans, reader.terraform.interrupts, reader.terraform.entered) == ([], [], 0)


@piloted
async def test_what_happens_while_a_screen_is_being_opened_is_shown_once_it_is(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.walk.model.snapshot is not None)
        lines = list(app.walk.model.lines)
        app.push_screen(transcript := TranscriptScreen(lines))
        lines.append(lines[-1])
        assert not transcript.is_mounted
        app.walk.show()
        await until(pilot, lambda: transcript.is_mounted and f"of {len(lines)}" in text_of(app, "#transcript-status"))


class Unasked(Exception):  # noqa: N818 - it ends a conversation
    """A dialog would have been opened."""


class Answering:
    """The stage of a screen, on which nobody answers a dialog."""

    def __init__(self, screen: WalkScreen) -> None:
        self._stage = screen.stage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)

    async def ask(self, dialog: Any) -> Any:
        raise Unasked(type(dialog).__name__)


@pytest.mark.parametrize("size", [*SIZES, (60, 20), (120, 40)])
@piloted
async def test_who_writes_stands_on_the_screen_at_any_size(size: tuple[int, int], reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "YOU ONLY READ  process 4711 on pts/3 writes since 03:12" in painted(app))
        await until(pilot, lambda: "HELD" in painted(app))
        assert "○ read" in painted(app)
        assert "● rec" not in painted(app)


@piloted
async def test_a_grey_key_says_why_it_is_grey(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: {"n", "a", "p", "s", "m"} <= grey_keys(app))
        assert not {"c", "w", "t", "r", "v", "enter"} & grey_keys(app)
        footer = {str(key.description): key.has_class("-disabled") for key in app.screen.query(FooterKey)}
        assert footer["next"]
        assert not footer["transcript"]
        for key in ("n", "p"):
            app.walk.body.notices.clear()
            await pilot.press(key)
            await until(pilot, lambda: "This window only reads: process 4711 on pts/3 writes" in painted(app))
        assert not app.taken_over


@piloted
async def test_what_the_other_session_writes_is_shown_as_it_comes(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(app.walk.model.lines) == len(reader.story))
        reader.notebook.added.put(note("Kim says that it died"))
        await until(pilot, lambda: "Kim says that it died" in painted(app))
        assert app.walk.model.incident.events == len(reader.story) + 1


@piloted
async def test_once_the_writer_has_ended_its_incident_can_be_taken_over(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "YOU ONLY READ" in painted(app))
        reader.notebook.who = None
        await until(pilot, lambda: "NOBODY WRITES  process 4711 on pts/3 has ended; T takes" in painted(app))
        await until(pilot, lambda: app.screen.active_bindings["T"].enabled)
        await pilot.press("T")
        await until(pilot, lambda: app.taken_over)
        assert app.taken_over == [reader.following.incident.id]


@piloted
async def test_when_somebody_else_takes_over_first_that_is_shown(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "YOU ONLY READ" in painted(app))
        reader.notebook.who = OTHERS
        await until(pilot, lambda: "YOU ONLY READ  process 4712 writes" in painted(app))
        await pilot.press("T", "n")
        await until(pilot, lambda: "This window only reads: process 4712 writes" in painted(app))
        assert app.walk.why_not("incident.take-over")
        assert not app.taken_over


@piloted
async def test_a_closed_incident_is_not_taken_over(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "YOU ONLY READ" in painted(app))
        reader.notebook.added.put(Closed(at="2026-11-23T03:14:00.000Z", by="priya"))
        reader.notebook.who = None
        await until(pilot, lambda: "NOBODY WRITES" in painted(app))
        await pilot.press("T")
        await until(pilot, lambda: "is closed; i shows it" in painted(app))
        assert not app.taken_over


@piloted
async def test_the_evidence_can_be_looked_at_and_nothing_done_about_it(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: app.walk.model.snapshot is not None)
        await pilot.press("v")
        await until(pilot, lambda: {"r", "d", "o"} <= grey_keys(app))
        await pilot.press("d")
        await until(pilot, lambda: "This window only reads: process 4711" in notices(app))


@piloted
async def test_waiting_is_possible_and_writes_nothing(reader: Reader) -> None:
    app = Window(reader)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.walk.model.snapshot is not None)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, WaitScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.walk)
        assert not notices(app)


def test_a_step_offers_only_the_keys_that_show_copy_or_look() -> None:
    for view in views():
        text = pane(view)
        pressable = [span for span in text.spans if span.style == "bold reverse"]
        assert {text.plain[span.start : span.end].strip() for span in pressable} <= {"enter", "f", "c", "r", "v"}
