"""Which step is current: computed from what is known, never from where one was."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.incidents import DUAL, FREE, RUNBOOK, A, B, Story, held, lock_text, look, ready, state_head
from tuirunbook import library
from tuirunbook.core.events import CheckRecorded, Closed, PreventionChecked, StepDeferred, StepDone, Verified
from tuirunbook.core.gates import LISTED_FAILURES
from tuirunbook.core.incident import Status
from tuirunbook.core.lock import NotChecked, Store
from tuirunbook.core.procedure import (
    AFTER_CHECKS,
    BEFORE_CHECKS,
    NO_LOCK,
    Progress,
    answered,
    current_index,
    lock_in_hand,
    open_questions,
    progress,
)
from tuirunbook.core.runbook import Action, Step

BOTH_FREE = look(s3=FREE, dynamodb=FREE)


def now(story: Story) -> str:
    """The step that is current, or empty."""
    steps = progress(story.incident, RUNBOOK)
    state = steps[current_index(steps)]
    return state.step.id if state.progress is Progress.CURRENT else ""


def how_far(story: Story, step: str) -> Progress:
    return next(state.progress for state in progress(story.incident, RUNBOOK) if state.step.id == step)


def checked(story: Story, phase: str, names: tuple[str, ...]) -> None:
    for name in names:
        story.add(CheckRecorded, phase=phase, name=name, result="ok", detail="seen")


def prepared() -> Story:
    story = ready()
    checked(story, "before", BEFORE_CHECKS)
    return story


def test_the_walk_goes_from_step_to_step_as_facts_come_in() -> None:
    story = Story()
    assert now(story) == "inspect"
    story.look()
    assert now(story) == "rule-out"
    for question in ("ci", "owner", "holder-host"):
        story.answer(A, question, {"ci": "ended", "owner": "mine-died"}.get(question, "ended"))
    assert now(story) == "retry-plan"
    story.refused()
    assert now(story) == "prepare"
    checked(story, "before", BEFORE_CHECKS)
    assert now(story) == "prepare"
    story.answer(A, "next", "nothing")
    assert now(story) == "force-unlock"
    story.look(BOTH_FREE)
    assert now(story) == "verify"
    checked(story, "after", AFTER_CHECKS)
    story.add(Verified, ending="dead-plan", read_by="sam")
    assert now(story) == "prevent"
    story.add(Closed)
    assert now(story) == ""


def test_exactly_one_step_is_current_until_the_end() -> None:
    for story in (Story(), ready(), prepared()):
        assert [state.progress for state in progress(story.incident, RUNBOOK)].count(Progress.CURRENT) == 1


def test_a_state_write_takes_the_walk_back_to_the_questions() -> None:
    story = prepared()
    assert now(story) == "force-unlock"
    story.look(look(state=state_head(2)))
    assert now(story) == "rule-out"


def test_a_dont_know_leaves_the_question_open() -> None:
    story = ready()
    story.answer(A, "owner", "dont-know")
    assert not answered(story.incident, A, "owner")
    assert now(story) == "rule-out"
    step = RUNBOOK.step(Action.RULE_OUT)
    assert step is not None
    assert [(asked.lock, asked.question.id) for asked in open_questions(story.incident, step)] == [(A, "owner")]


def test_every_lock_that_is_present_is_asked_about() -> None:
    story = ready(snapshot=look(dynamodb=held(Store.DYNAMODB, lock_text(B))), locks=[A])
    assert now(story) == "rule-out"
    step = RUNBOOK.step(Action.RULE_OUT)
    assert step is not None
    assert {asked.lock for asked in open_questions(story.incident, step)} == {B}
    assert lock_in_hand(story.incident) == A


def test_without_a_lock_the_questions_are_about_the_incident() -> None:
    step = RUNBOOK.step(Action.RULE_OUT)
    assert step is not None
    assert {asked.lock for asked in open_questions(Story().incident, step)} == {NO_LOCK}
    assert lock_in_hand(Story().incident) is None


def test_a_lock_that_was_never_seen_is_not_gone() -> None:
    story = Story()
    story.look(BOTH_FREE)
    assert (story.incident.gone, now(story)) == (False, "inspect")


def test_a_lock_that_left_by_itself_needs_no_release() -> None:
    story = ready()
    story.look(BOTH_FREE)
    assert {how_far(story, step) for step in ("prepare", "force-unlock", "delete-lock")} == {Progress.NOT_NEEDED}


@pytest.mark.parametrize("failure", sorted(LISTED_FAILURES))
def test_the_last_resort_is_current_once_force_unlock_failed_in_a_listed_way(failure: str) -> None:
    story = prepared()
    assert how_far(story, "delete-lock") is Progress.NOT_NEEDED
    story.failed(A, failure)
    assert (how_far(story, "force-unlock"), now(story)) == (Progress.NOT_NEEDED, "delete-lock")


def test_another_failure_leaves_force_unlock_current() -> None:
    story = prepared()
    story.failed(A, "")
    assert now(story) == "force-unlock"


def test_a_skipped_step_says_why_and_lets_the_next_one_be_current() -> None:
    story = Story()
    story.look()
    story.answers()
    story.skipped(A, "side-effects")
    assert (how_far(story, "retry-plan"), now(story)) == (Progress.SKIPPED, "prepare")


def test_a_deferred_step_names_who_and_when() -> None:
    story = ready()
    story.look(BOTH_FREE)
    story.add(StepDeferred, step="verify", owner="sam", until="2026-11-24")
    state = next(s for s in progress(story.incident, RUNBOOK) if s.step.id == "verify")
    assert (state.progress, state.note, now(story)) == (Progress.DEFERRED, "sam, 2026-11-24", "prevent")


def test_prevention_counts_what_is_left() -> None:
    steps = tuple(
        msgspec.structs.replace(step, items=("concurrency group", "lock timeout")) if step.id == "prevent" else step
        for step in RUNBOOK.steps
    )
    runbook = msgspec.structs.replace(RUNBOOK, steps=steps)
    story = ready(DUAL)
    story.look(BOTH_FREE)
    story.add(PreventionChecked, item="lock timeout", state="checked")
    assert progress(story.incident, runbook)[-1].note == "1 left"


REPAIRS = ["access-denied", "digest-mismatch", "table-missing"]


@pytest.mark.parametrize("name", REPAIRS)
def test_a_runbook_that_releases_nothing_is_walked_to_its_end_without_a_lock(name: str) -> None:
    runbook = library.load(library.find_shipped() / f"{name}.md")
    assert not runbook.releases
    story = Story(repairs=True)
    story.look(BOTH_FREE)

    def current() -> Step | None:
        steps = progress(story.incident, runbook)
        state = steps[current_index(steps)]
        return state.step if state.progress is Progress.CURRENT else None

    while (step := current()) and step.action in {Action.ASK, Action.NOTE, Action.RUN}:
        story.add(StepDone, step=step.id)
    assert step
    assert step.action is Action.VERIFY
    assert story.incident.verifiable
    checked(story, "after", AFTER_CHECKS)
    story.add(Verified, ending=story.incident.ending, read_by="sam")
    step = current()
    assert step
    assert step.action is Action.PREVENT
    assert story.incident.status is Status.VERIFIED
    story.add(Closed)
    assert current() is None


def test_a_repair_is_not_verified_beside_a_lock_nor_blind() -> None:
    story = Story(repairs=True)
    assert not story.incident.verifiable
    story.look()
    assert not story.incident.verifiable
    story.look(BOTH_FREE)
    assert story.incident.verifiable
    blind = Story(repairs=True)
    blind.look(BOTH_FREE)
    blind.look(look(s3=NotChecked(why="no route", code="network"), dynamodb=FREE))
    assert not blind.incident.verifiable


def test_where_a_lock_is_to_be_released_none_that_was_seen_is_nothing_to_verify() -> None:
    story = Story()
    story.look(BOTH_FREE)
    assert not story.incident.verifiable
    assert now(story) == "inspect"
