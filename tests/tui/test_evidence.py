"""The evidence, row by row: what each row says, and what can be done about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from textual.screen import Screen

from tests.support.incidents import START, UNREAD, A, Story
from tests.support.pilots import HOSTILE, SIZES, OneScreen, painted, piloted, text_of, until
from tests.support.views import view_of
from tests.walk.parts import Bench, Witness
from tuirunbook.core.events import FindingDisputed, SourceSwitched
from tuirunbook.core.evidence import InLine, Match, Says
from tuirunbook.core.lock import Store
from tuirunbook.core.recurrence import FRESH
from tuirunbook.core.runbook import Action
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.tui.dialogs.form import FormScreen
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes import pane
from tuirunbook.tui.panes.exhibits import in_full, rows_of, source_word
from tuirunbook.tui.panes.parts import verdict_lines
from tuirunbook.tui.rows import Rows
from tuirunbook.tui.screens.evidence import EvidenceScreen
from tuirunbook.tui.view import View
from tuirunbook.walk.evidence_desk import SourceStatus
from tuirunbook.walk.exhibits import LOOKS, PEOPLE

CI = SourceStatus(name="GitHub Actions of acme/infra", can_block=True, answered_at=START)
TRAIL = SourceStatus(name="CloudTrail", can_block=True, asking_since=START - timedelta(seconds=3))
EC2 = SourceStatus(name="EC2", can_block=False, answered_at=START)
CLUSTER = SourceStatus(name="Kubernetes", can_block=True, answered_at=START)
HERE = SourceStatus(name="processes", can_block=True, why_always="it is here", answered_at=START)
SOURCES = (CI, TRAIL, EC2, CLUSTER, HERE)


def gathered() -> Story:
    story = Story()
    story.look()
    story.finding("ci.next", Says.NOTHING, asked=CI.name, fact="next in line: run 815")
    story.finding("ci.active", Says.BLOCKS, asked=CI.name, fact="run 820 is in progress", source="gh api runs")
    story.finding("k8s.asked", Says.UNKNOWN, asked=CLUSTER.name, fact="kubectl: the server refused the login")
    story.finding("state.state-written", Says.BLOCKS, fact="the state was written while the lock was held")
    story.answer(A, "owner", "mine-unsure", who="Kim")
    return story


def words(view: View) -> dict[str, str]:
    return {row.source: source_word(row, view)[0] for row in rows_of(view) if row.finding is None}


def test_every_source_is_a_row_before_its_findings_and_so_are_looks_and_people() -> None:
    rows = rows_of(view_of(gathered(), sources=SOURCES))
    assert [(row.source, row.finding.key if row.finding else "") for row in rows] == [
        (CI.name, ""),
        (CI.name, "ci.active"),
        (CI.name, "ci.next"),
        (TRAIL.name, ""),
        (EC2.name, ""),
        (CLUSTER.name, ""),
        (CLUSTER.name, "k8s.asked"),
        (HERE.name, ""),
        (LOOKS, ""),
        (LOOKS, "state.state-written"),
        (PEOPLE, ""),
        (PEOPLE, "answer.owner"),
    ]


def test_a_source_that_failed_is_off_or_is_still_asked_never_reads_as_one_that_found_nothing() -> None:
    story = gathered()
    assert words(view_of(story, sources=SOURCES)) == {
        CI.name: "✗ blocks",
        TRAIL.name: "… asking, 3s",
        EC2.name: "· knows nothing of it",
        CLUSTER.name: "? not known",
        HERE.name: "· knows nothing of it",
        LOOKS: "✗ blocks",
        PEOPLE: "· says nothing",
    }
    story.add(SourceSwitched, source=EC2.name, off=True)
    story.add(SourceSwitched, source=HERE.name, off=True)
    told = words(view_of(story, sources=SOURCES))
    assert (told[EC2.name], told[HERE.name]) == ("– off: not checked", "· knows nothing of it")


def test_step_3_says_who_is_asked_for_how_long_who_is_off_and_why_a_source_failed() -> None:
    story = gathered()
    story.add(SourceSwitched, source=EC2.name, off=True)
    view = view_of(story, sources=SOURCES)
    third = next(number for number, step in enumerate(view.steps) if step.step.action is Action.RULE_OUT)
    said = pane(dataclasses.replace(view, shown=third)).plain
    assert "… CloudTrail: asking, 3s" in said
    assert "– EC2: off, so not checked" in said
    assert "? kubectl: the server refused the login → not known (Kubernetes)" in said


def test_what_is_not_answered_is_named_where_it_matters_and_not_beside_a_fact_that_blocks() -> None:
    story = Story()
    story.look()
    waiting = "no decisive answer: CI, the owner, the holder's host"
    assert waiting in "\n".join(line.plain for line in verdict_lines(judge(story.incident, A)))
    story.finding("ci.run", Says.BLOCKS, fact="run 820 is in progress")
    assert "no decisive answer" not in "\n".join(line.plain for line in verdict_lines(judge(story.incident, A)))


@pytest.mark.parametrize("action", [Action.RULE_OUT, Action.FORCE_UNLOCK])
def test_where_the_holder_has_left_two_locks_within_minutes_it_says_so_before_a_release(action: Action) -> None:
    story = Story()
    story.look()
    story.finding(FRESH, Says.NOTHING, fact="a fresh lock by the same ci, 2 min after: a cause, not an incident")
    view = view_of(story)
    shown = next(number for number, step in enumerate(view.steps) if step.step.action is action)
    said = pane(dataclasses.replace(view, shown=shown)).plain
    assert "a cause, not an incident; step 9 has the usual causes" in said


def test_a_row_in_full_says_what_was_asked_when_about_which_lock_how_firmly_and_where_to_see_it() -> None:
    story = Story()
    story.look()
    line = InLine(what="run 815", starts="by itself", match=Match.COULD_BE, hold="gh cancel 815", undo="gh rerun 815")
    story.finding(
        "ci.next",
        Says.NOTHING,
        match=Match.COULD_BE,
        asked=CI.name,
        source="GET repos/acme/infra/actions/runs, by gh",
        fact="next in line: run 815",
        link="https://github.com/acme/infra/actions/runs/815",
        in_line=(line,),
    )
    view = view_of(story, sources=(CI,))
    said = in_full(rows_of(view)[1], view).plain
    for part in (
        "says nothing: it was looked at, and proves neither",
        CI.name,
        "GET repos/acme/infra/actions/runs, by gh",
        "2026-11-23",
        A,
        "could be",
        "https://github.com/acme/infra/actions/runs/815",
        "gh cancel 815",
        "gh rerun 815",
    ):
        assert part in said


class Scene:
    """A stage on a bench: dialogs open on the screen, and the sources are really asked."""

    def __init__(self, directory: Path, *witnesses: Witness) -> None:
        self.bench = Bench(directory, sources=witnesses)
        self.bench.look()
        self.said: list[str] = []
        self.app: OneScreen | None = None
        self.walk = self.bench

    @property
    def view(self) -> View:
        story = Story()
        story.incident = self.bench.incident
        return view_of(story, snapshot=self.bench.observer.latest, sources=self.walk.evidence.sources)

    async def ask(self, dialog: Screen[Any]) -> Any:
        assert self.app is not None
        return await self.app.push_screen_wait(dialog)

    async def do(self, busy: str, request: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        del busy
        return request(*args, **kwargs)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        del bad
        self.said.append(sentence)

    def screen(self) -> EvidenceScreen:
        return EvidenceScreen(cast("Stage", self))

    def hear(self, *facts: str) -> None:
        """Have the walk's witness found something."""
        for fact in facts:
            story = Story()
            story.finding(fact, Says.BLOCKS, fact=fact, asked=Witness.name)
            self.bench.observer.weigh_in(next(iter(story.incident.findings.values())))


async def _type(pilot: Any, text: str) -> None:
    for letter in text:
        await pilot.press(letter)
    await pilot.press("enter")


@pytest.mark.parametrize("size", SIZES)
def test_a_row_can_be_selected_and_opened_whatever_its_text(tmp_path: Path, size: tuple[int, int]) -> None:
    scene = Scene(tmp_path, Witness())
    scene.hear(HOSTILE)

    @piloted
    async def drive() -> None:
        app = OneScreen(scene.screen())
        async with app.run_test(size=size) as pilot:
            assert "CANNOT TELL" in painted(app) or "ACTIVE" in painted(app)
            await pilot.press("down", "enter")
            await until(pilot, lambda: not app.screen.query_one(Rows).display, "the row alone")
            assert "nothing is released while this stands" in text_of(app, "#evidence-detail")
            assert "[PROD]" in text_of(app, "#evidence-detail")
            assert "\x1b" not in text_of(app, "#evidence-detail")
            await pilot.press("escape")
            await until(pilot, lambda: app.screen.query_one(Rows).display, "the list")
            await pilot.press("escape")
            await until(pilot, lambda: app.outcomes, "the way out")

    drive()


def test_one_source_is_asked_again_by_itself_and_its_row_shows_the_new_answer(tmp_path: Path) -> None:
    witness, other = Witness(), Witness()
    other.name = "another"
    scene = Scene(tmp_path, witness, other)

    @piloted
    async def drive() -> None:
        app = OneScreen(screen := scene.screen())
        async with app.run_test() as pilot:
            witness.blocks("run 4712 is in progress")
            await pilot.press("r")
            await until(pilot, lambda: scene.bench.incident.findings, "the finding")
            screen.update_view(scene.view)
            await until(pilot, lambda: "run 4712 is in progress" in painted(app), "the row")
        assert (witness.asked, other.asked) == (1, 0)

    drive()


def test_a_dispute_starts_from_the_row_of_the_fact(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Witness())
    scene.hear("ci.one", "ci.two")

    @piloted
    async def drive() -> None:
        scene.app = app = OneScreen(scene.screen())
        async with app.run_test() as pilot:
            await pilot.press("down", "down", "d")
            await until(pilot, lambda: isinstance(app.screen, FormScreen), "the form")
            await _type(pilot, "kim")
            await _type(pilot, "looked")
            await until(pilot, lambda: scene.bench.incident.disputes, "the dispute")
        ((lock, key),) = scene.bench.incident.disputes
        assert (lock, key) == (A, "ci.two")

    drive()


def test_s6_a_source_is_turned_off_with_a_reason_and_what_it_said_still_blocks_until_it_is_asked_again(
    tmp_path: Path,
) -> None:
    witness = Witness()
    scene = Scene(tmp_path, witness)
    scene.hear("ci.run")

    @piloted
    async def drive() -> None:
        scene.app = app = OneScreen(screen := scene.screen())
        async with app.run_test() as pilot:
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, FormScreen), "the form")
            await _type(pilot, "slow")
            await until(pilot, lambda: scene.bench.incident.off, "the switch")
            assert judge(scene.bench.incident, A).opinion is Opinion.ACTIVE
            screen.update_view(scene.view)
            await until(pilot, lambda: "– off: not checked" in painted(app), "the row")
            await pilot.press("r")
            await until(pilot, lambda: scene.said, "the refusal")
            assert witness.asked == 0
            witness.blocks("ci.run ended", key="ci.run", says=Says.NOTHING)
            await pilot.press("o")
            await until(pilot, lambda: witness.asked == 1, "the question")
            await until(pilot, lambda: judge(scene.bench.incident, A).opinion is not Opinion.ACTIVE, "the answer")
        assert not scene.bench.incident.off
        kinds = [event for event in scene.bench.paper.events if isinstance(event, SourceSwitched)]
        assert [(event.off, event.why, event.by) for event in kinds] == [(True, "slow", "priya"), (False, "", "priya")]

    drive()


class Steady(Witness):
    """One that is always asked."""

    why_always = "it is here"


def test_s6_a_source_that_is_always_asked_is_not_turned_off(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Steady())

    @piloted
    async def drive() -> None:
        scene.app = app = OneScreen(scene.screen())
        async with app.run_test() as pilot:
            await pilot.press("o")
            await until(pilot, lambda: scene.said, "the refusal")
        assert "it is here" in scene.said[0]
        assert not [event for event in scene.bench.paper.events if isinstance(event, SourceSwitched | FindingDisputed)]

    drive()


def test_the_cursor_stays_on_its_row_when_others_come(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Witness())
    scene.hear("ci.mine")

    @piloted
    async def drive() -> None:
        app = OneScreen(screen := scene.screen())
        async with app.run_test() as pilot:
            await pilot.press("down")
            story = Story()
            story.incident = scene.bench.incident
            story.finding("ci.earlier", Says.BLOCKS, fact="run 1", asked="a first source")
            first = SourceStatus(name="a first source", can_block=True)
            screen.update_view(view_of(story, sources=(first, *scene.walk.evidence.sources)))
            await until(pilot, lambda: "run 1" in painted(app), "the other rows")
            assert "ci.mine" in text_of(app, "#evidence-detail")

    drive()


def test_while_the_lock_cannot_be_read_the_sources_that_need_no_login_are_asked_and_the_others_say_why_not(
    tmp_path: Path,
) -> None:
    witness, trail = Witness(), Trail()
    trail.name = "CloudTrail"
    scene = Scene(tmp_path, witness, trail)
    for store in Store:
        scene.bench.shelf.readings[store] = UNREAD
    scene.bench.look()

    @piloted
    async def drive() -> None:
        app = OneScreen(scene.screen())
        async with app.run_test() as pilot:
            await pilot.press("r")
            await until(pilot, lambda: witness.asked, "the question")
            await pilot.press("down", "r")
            await until(pilot, lambda: scene.said, "the refusal")
        assert "cannot read them now" in scene.said[0]
        assert (witness.asked, trail.asked) == (1, 0)

    drive()


class Trail(Witness):
    """One that is asked with the login that the locks are read with."""

    asks_aws = True
