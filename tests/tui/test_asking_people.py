"""Asking the team, and what a dead apply left, on a walk whose dialogs are answered by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tests.core.test_inflight import KILLED
from tests.core.test_recurrence import NOT_RELEASED
from tests.support.fronts import EmptyFront
from tests.support.incidents import DUAL, START, A, B, Story, at, lock_text
from tests.support.pilots import OneScreen, painted, piloted, until
from tests.support.views import view_of
from tests.walk.parts import Bench
from tuirunbook.core import inflight
from tuirunbook.core.causes import Cause, Kind, Result
from tuirunbook.core.causes import findings as cause_findings
from tuirunbook.core.events import CheckRecorded, FindingRecorded, NoteAdded, OutsideAction, PreventionChecked
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.gates import Policy
from tuirunbook.core.lock import Store
from tuirunbook.core.people import OWNERS
from tuirunbook.core.recurrence import recurring, unreleased
from tuirunbook.core.runbook import Action, Step
from tuirunbook.terraform.follow import LogFollower
from tuirunbook.tui.dialogs.form import FormScreen
from tuirunbook.tui.doing import CONVERSATIONS
from tuirunbook.tui.doing.asking_people import ask_people, in_flight
from tuirunbook.tui.doing.closing import prevent_next
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes.after import prevent, verify
from tuirunbook.tui.view import View

GROUPED = "One run per state: a concurrency group"
Answer = Callable[[Mapping[str, str]], dict[str, str] | None]


class Channel:
    """The team's channel, as the settings may name one."""

    host = "hooks.example"

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.says = "posted to hooks.example"

    def post(self, text: str) -> str:
        self.posts.append(text)
        return self.says


class Front(EmptyFront):
    def __init__(self, channel: Channel | None) -> None:
        self._channel = channel

    def channel(self) -> Channel | None:
        return self._channel

    def now(self) -> datetime:
        return START


class Scene:
    """A stage whose dialogs get prepared answers; `forms` keeps what was asked."""

    def __init__(self, directory: Path, channel: Channel | None = None, policy: Policy | None = None) -> None:
        self.bench = Bench(directory)
        self.bench.look()
        self.front = Front(channel)
        self.policy = policy or Policy()
        self.answers: list[Answer] = []
        self.forms: list[FormScreen] = []
        self.said: list[str] = []
        self.copied: list[str] = []
        world = SimpleNamespace(terraform=SimpleNamespace(follow=LogFollower))
        self.walk = SimpleNamespace(
            clerk=self.bench.clerk, scribe=self.bench.scribe, observer=self.bench.observer, world=world
        )

    @property
    def view(self) -> View:
        story = Story()
        story.incident = self.bench.incident
        return view_of(story, policy=self.policy)

    async def ask(self, dialog: FormScreen) -> dict[str, str] | None:
        self.forms.append(dialog)
        given = {field.id: field.value or (field.choices[0][0] if field.choices else "") for field in dialog._fields}
        return self.answers.pop(0)(given)

    async def do(self, busy: str, request: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        del busy
        return request(*args, **kwargs)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        self.said.append(f"{'BAD ' if bad else ''}{sentence}")

    def copy(self, text: str, what: str) -> None:
        del what
        self.copied.append(text)

    def play(self, conversation: Callable[[Stage], Any], *answers: Mapping[str, str] | None) -> None:
        for answer in answers:
            self.answers.append(lambda given, answer=answer: None if answer is None else {**given, **answer})  # type: ignore[misc]
        asyncio.run(conversation(cast("Stage", self)))
        assert not self.answers

    def notes(self) -> list[str]:
        return [event.text for event in self.bench.paper.events if isinstance(event, NoteAdded)]


def choices(form: FormScreen) -> list[str]:
    return [value for field in form._fields for value, _ in field.choices]


def test_both_are_commands_of_the_walk() -> None:
    assert CONVERSATIONS["ask_people"] is ask_people
    assert CONVERSATIONS["in_flight"] is in_flight


def test_the_message_is_shown_and_copied_where_there_is_no_channel(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play(ask_people, {})
    assert choices(scene.forms[0]) == ["copy"]
    assert scene.copied[0].startswith("A Terraform lock is in the way: acme-tfstate/network/terraform.tfstate")
    assert "copied, to ask the team" in scene.notes()[0]


def test_what_was_shown_and_changed_is_what_is_posted(tmp_path: Path) -> None:
    channel = Channel()
    scene = Scene(tmp_path, channel)
    scene.play(ask_people, {"text": "Whose is it?", "do": "post"})
    assert channel.posts == ["Whose is it?"]
    assert scene.notes() == ["posted to hooks.example: Whose is it?"]


def test_nothing_is_posted_when_the_dialog_is_left(tmp_path: Path) -> None:
    channel = Channel()
    scene = Scene(tmp_path, channel)
    scene.play(ask_people, None)
    assert (channel.posts, scene.notes()) == ([], [])


def test_a_post_that_failed_is_told_and_written_down(tmp_path: Path) -> None:
    channel = Channel()
    channel.says = "not posted: hooks.example said 404"
    scene = Scene(tmp_path, channel)
    scene.play(ask_people, {"do": "post"})
    assert scene.said[-1].startswith("BAD Not posted")
    assert scene.notes()[0].startswith("not posted")


def test_s11_read_only_offers_no_post(tmp_path: Path) -> None:
    scene = Scene(tmp_path, Channel(), Policy(read_only="--read-only"))
    scene.play(ask_people, {})
    assert choices(scene.forms[0]) == ["copy"]
    assert "nothing is posted" in str(scene.forms[0]._intro)


def test_nobody_is_asked_about_a_lock_that_is_not_there(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.bench.shelf.free()
    scene.bench.look(5)
    scene.play(ask_people)
    assert "nobody to ask" in scene.said[0]


def released(scene: Scene) -> None:
    scene.bench.shelf.free()
    scene.bench.look(5)


def test_a_log_that_is_handed_in_after_the_release_lists_what_it_had_begun(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    released(scene)
    scene.play(in_flight, {"log": KILLED})
    assert inflight.listed(scene.bench.incident)[0].address == "aws_db_instance.main"
    assert "3 resources were under way" in scene.said[-1]
    shown = "\n".join(line.plain for line in verify(scene.view))
    assert "aws_db_instance.main was being created (23m10s elapsed)" in shown
    assert "if the plan wants to create it, look whether it exists already" in shown


def test_each_is_shown_with_what_the_plan_says_of_it_and_its_import_block(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    released(scene)
    scene.play(in_flight, {"log": KILLED})
    scene.bench.scribe.incident = msgspec.structs.replace(scene.bench.incident, commands=2)
    (tmp_path / "plan-2.log").write_text("  # aws_db_instance.main will be created\n")
    scene.bench.scribe.record(CheckRecorded, phase="after", name="plan", result="ok", detail="Plan: 1 to add")
    scene.play(in_flight, {"do": "copy"})
    shown = scene.forms[-1]._fields[0].value
    assert "the plan: will be created" in shown
    assert "the plan: is not named in the plan" in shown
    assert "to = aws_db_instance.main" in scene.copied[0]
    assert "aws_s3_bucket_policy.logs" not in scene.copied[0]


def test_a_log_that_could_not_release_its_lock_becomes_a_cause(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    released(scene)
    scene.play(in_flight, {"log": NOT_RELEASED})
    assert "a permission that is missing" in recurring(scene.bench.incident)[0]


def test_a_dead_plan_left_nothing_to_look_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.bench = Bench(tmp_path)
    for store in Store:
        scene.bench.shelf.hold(store, lock_text(A, Operation="OperationTypePlan"))
    scene.bench.look()
    scene.play(in_flight)
    assert "No lock was seen here" in scene.said[0]


def test_a_log_is_about_the_lock_that_it_names(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for store in Store:
        scene.bench.shelf.hold(store, lock_text(B))
    scene.bench.look(5)
    scene.play(in_flight, {"log": NOT_RELEASED})
    assert [lock for lock, _ in scene.bench.incident.findings] == [A]


@piloted
async def test_the_whole_message_is_on_the_screen_before_it_is_posted() -> None:
    scene = Scene(Path("/nowhere"), Channel())
    scene.bench.observer.weigh_in(
        Finding(
            key=OWNERS,
            lock=A,
            says=Says.NOTHING,
            fact="owners of infra/network: @acme/platform, @sam",
            source="CODEOWNERS",
            observed_at=at(),
        )
    )
    asked: list[FormScreen] = []

    async def ask(dialog: FormScreen) -> None:
        asked.append(dialog)

    scene.ask = ask  # type: ignore[method-assign]
    await ask_people(cast("Stage", scene))
    app = OneScreen(asked[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Please reply by" in painted(app), "the message's last line")
        assert "A Terraform lock is in the way" in painted(app)
        assert "Perhaps yours: @acme/platform, @sam?" in painted(app)
        assert "post it to hooks.example" in painted(app)


def prevention(*causes: Cause) -> tuple[Story, View]:
    story = Story(DUAL)
    story.look()
    for finding in cause_findings(causes, A, START):
        story.add(FindingRecorded, finding=finding)
    step = Step(id="prevent", number=1, title="Prevent", action=Action.PREVENT, items=(GROUPED, "Something else"))
    view = view_of(story)
    steps = (msgspec.structs.replace(view.steps[0], step=step),)
    return story, view_of(story).__class__(**{**vars(view), "steps": steps, "shown": 0})


ALONE = Cause(kind=Kind.CONCURRENCY, result=Result.SHOWN, fact="ci.yml, job apply has no group", source="ci.yml")
SAFE = Cause(kind=Kind.CANCELS, result=Result.NOT_SEEN, fact="nothing cancels it", source="ci.yml")


def test_what_was_looked_for_stands_under_its_item_of_the_prevention_list() -> None:
    _, view = prevention(ALONE, SAFE)
    lines = [line.plain for line in prevent(view)]
    place = lines.index(f"? {GROUPED}")
    assert lines[place + 1 : place + 4] == [
        "    ✗ shown: ci.yml, job apply has no group",
        "    ✓ not seen: nothing cancels it",
        "? Something else",
    ]


def test_a_lock_that_came_back_is_said_to_be_a_cause() -> None:
    story, _ = prevention()
    finding = unreleased(NOT_RELEASED, A, START)
    assert finding is not None
    story.add(FindingRecorded, finding=finding)
    assert "a cause, not an incident" in "\n".join(line.plain for line in prevent(view_of(story)))


class Prevention(Scene):
    """A stage at the last step, with causes that were looked for."""

    causes: tuple[Cause, ...] = ()

    @property
    def view(self) -> View:
        _, view = prevention(*self.causes)
        return view


def suggested(tmp_path: Path, *causes: Cause) -> tuple[str, str]:
    scene = Prevention(tmp_path)
    scene.causes = causes
    scene.play(prevent_next, None)
    values = {field.id: field.value for field in scene.forms[0]._fields}
    return values["state"], values["note"]


def test_a_cause_that_was_shown_suggests_a_follow_up_and_a_sound_one_that_it_is_checked(tmp_path: Path) -> None:
    assert suggested(tmp_path, ALONE, SAFE) == ("follow-up", "ci.yml, job apply has no group; nothing cancels it")
    assert suggested(tmp_path, SAFE)[0] == "checked"
    unread = msgspec.structs.replace(ALONE, result=Result.NOT_CHECKED, fact="no CI file")
    assert suggested(tmp_path, unread, SAFE)[0] == "not-checked"


def test_what_nothing_was_seen_of_is_not_called_checked_by_itself(tmp_path: Path) -> None:
    assert suggested(tmp_path) == ("not-checked", "")


def test_what_was_seen_is_written_down_with_the_item(tmp_path: Path) -> None:
    scene = Prevention(tmp_path)
    scene.causes = (ALONE,)
    scene.play(prevent_next, {"owner": "sam", "due": "friday"}, None)
    written = [event for event in scene.bench.paper.events if isinstance(event, PreventionChecked)]
    assert [(event.item, event.state, event.note) for event in written] == [
        (GROUPED, "follow-up", "ci.yml, job apply has no group")
    ]
    assert not any(isinstance(event, OutsideAction) for event in scene.bench.paper.events)
