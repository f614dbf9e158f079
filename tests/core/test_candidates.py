"""What could be the holder becomes one question; the run that is picked counts by its own status, and no other does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import RUNBOOK, START, A, B, Story, look, state_head
from tuirunbook.core import candidates
from tuirunbook.core.ci import Holder, Job, Report, Runner, Stage, Target, findings
from tuirunbook.core.events import QuestionAnswered, timestamp
from tuirunbook.core.evidence import Candidate, Match, Says
from tuirunbook.core.procedure import open_questions
from tuirunbook.core.runbook import Action
from tuirunbook.core.verdict import Opinion, Verdict, as_counted, judge

RULE_OUT = next(step for step in RUNBOOK.steps if step.action is Action.RULE_OUT)
KEY = "ci.github.candidates"
END = timestamp(START)


def run(number: int, says: Says = Says.BLOCKS, **facts: Any) -> Candidate:
    status = {Says.BLOCKS: "is running", Says.SUPPORTS: "completed on a hosted runner that is used once"}
    return Candidate(
        id=f"github:{number}", what=f"run {number}", says=says, fact=status.get(says, "was cancelled"), **facts
    )


def story(*runs: Candidate) -> Story:
    """Every question answered, none with an end; and these runs could be the holder."""
    told = Story()
    told.look()
    told.answers(ci="none", owner="not-mine", holder_host="unreachable")
    found(told, *runs)
    return told


def found(told: Story, *runs: Candidate, key: str = KEY) -> None:
    says = Says.BLOCKS if any(one.says is Says.BLOCKS for one in runs) else Says.NOTHING
    told.finding(key, says, match=Match.COULD_BE, candidates=runs, fact="could be about this state")


def pick(told: Story, answer: str, *among: str, says: Says = Says.NOTHING) -> Verdict:
    shown = among or tuple(one.id for one in candidates.candidates(told.incident, A))
    told.add(
        QuestionAnswered,
        lock=A,
        question=candidates.QUESTION,
        answer=answer,
        says=says,
        among=shown,
        who="sam",
        how="its log",
    )
    return judge(told.incident, A)


def asked(told: Story) -> list[str]:
    return [one.question.id for one in open_questions(told.incident, RULE_OUT)]


def test_the_question_names_each_run_with_its_status_those_in_progress_first() -> None:
    told = story(run(1, Says.NOTHING), run(2))
    found(told, run(3, Says.SUPPORTS), key="ci.gitlab.candidates")
    question = candidates.question(told.incident, A)
    assert question is not None
    assert [option.value for option in question.options] == ["github:2", "github:1", "github:3", "none", "dont-know"]
    assert question.options[0].label == "run 2: is running"
    assert {option.says for option in question.options} == {Says.NOTHING, Says.UNKNOWN}


def test_runs_that_could_hold_another_lock_are_not_asked_about() -> None:
    told = story(run(1))
    told.finding(KEY, Says.BLOCKS, lock=B, match=Match.COULD_BE, candidates=(run(2),))
    assert [one.id for one in candidates.candidates(told.incident, A)] == ["github:1"]


def test_without_candidates_nothing_is_asked() -> None:
    told = story()
    assert candidates.question(told.incident, A) is None
    assert candidates.QUESTION not in asked(told)


def test_it_is_asked_in_step_3_until_it_is_answered_and_again_when_another_run_comes_up() -> None:
    told = story(run(1))
    assert asked(told) == [candidates.QUESTION]
    pick(told, "dont-know", says=Says.UNKNOWN)
    assert asked(told) == []
    found(told, run(1), run(2))
    assert asked(told) == [candidates.QUESTION]


@pytest.mark.parametrize(
    ("says", "opinion"),
    [(Says.BLOCKS, Opinion.ACTIVE), (Says.SUPPORTS, Opinion.ORPHANED), (Says.NOTHING, Opinion.CANNOT_TELL)],
)
def test_the_status_of_the_picked_run_counts_as_the_holders(says: Says, opinion: Opinion) -> None:
    told = story(run(1, says), run(2))
    assert judge(told.incident, A).opinion is Opinion.CANNOT_TELL
    verdict = pick(told, "github:1")
    assert (verdict.opinion, verdict.candidates) == (opinion, ())
    picked = next(finding for finding in as_counted(told.incident, A) if finding.key == f"{KEY}.picked")
    assert picked.match is Match.NAMES_THIS_STATE
    assert "by sam: its log" in picked.fact


def test_a_picked_run_that_ends_afterwards_counts_by_its_end() -> None:
    told = story(run(1))
    assert pick(told, "github:1").opinion is Opinion.ACTIVE
    found(told, run(1, Says.SUPPORTS, ended_at=END))
    assert judge(told.incident, A).opinion is Opinion.ORPHANED


def test_a_picked_run_that_ended_before_the_lock_was_taken_says_nothing() -> None:
    told = story(run(1, Says.SUPPORTS, ended_at=timestamp(START - timedelta(days=1))))
    assert pick(told, "github:1").opinion is Opinion.CANNOT_TELL


def test_none_of_them_covers_the_runs_that_were_shown_and_no_later_one() -> None:
    told = story(run(1))
    told.finding("host", Says.SUPPORTS)
    assert judge(told.incident, A).opinion is Opinion.CANNOT_TELL
    assert pick(told, candidates.NONE).opinion is Opinion.ORPHANED
    found(told, run(1), run(2))
    verdict = judge(told.incident, A)
    assert (verdict.opinion, len(verdict.candidates)) == (Opinion.CANNOT_TELL, 1)
    assert "run 2" in verdict.candidates[0]
    assert "run 1" not in verdict.candidates[0]


def test_a_run_that_comes_up_after_another_was_picked_is_open_as_well() -> None:
    told = story(run(1, Says.SUPPORTS))
    assert pick(told, "github:1").opinion is Opinion.ORPHANED
    found(told, run(1, Says.SUPPORTS), run(2))
    assert judge(told.incident, A).opinion is Opinion.CANNOT_TELL


def test_the_run_picked_in_one_system_answers_for_the_others() -> None:
    told = story(run(1, Says.SUPPORTS))
    found(told, run(2), key="ci.gitlab.candidates")
    assert pick(told, "github:1").opinion is Opinion.ORPHANED


def test_dont_know_changes_nothing() -> None:
    told = story(run(1))
    before = judge(told.incident, A)
    assert pick(told, "dont-know", says=Says.UNKNOWN) == before


def test_a_dispute_of_the_whole_does_not_set_the_picked_run_aside() -> None:
    told = story(run(1))
    told.disputed(KEY)
    assert pick(told, "github:1").opinion is Opinion.ACTIVE
    told.disputed(KEY)
    assert judge(told.incident, A).opinion is Opinion.ACTIVE


def test_an_answer_about_another_lock_or_before_a_change_picks_nothing() -> None:
    told = story(run(1, Says.SUPPORTS))
    told.add(
        QuestionAnswered,
        lock=B,
        question=candidates.QUESTION,
        answer="github:1",
        says=Says.NOTHING,
        among=("github:1",),
    )
    assert judge(told.incident, A).opinion is Opinion.CANNOT_TELL
    pick(told, "github:1")
    told.clock = 60
    told.look(look(state=state_head(2)))
    told.answers(ci="none", owner="not-mine", holder_host="unreachable")
    assert judge(told.incident, A).opinion is Opinion.CANNOT_TELL
    assert candidates.QUESTION in asked(told)


def test_what_would_decide_is_which_run_it_was() -> None:
    told = story(run(1), run(2))
    (check,) = judge(told.incident, A).checks
    assert check.what == "whether one of the 2 runs that could be about this state took the lock"


RUNS = st.lists(
    st.builds(run, st.integers(1, 4), st.sampled_from(list(Says))), max_size=4, unique_by=lambda one: one.id
)
PERMISSIVE = [Opinion.ACTIVE, Opinion.CANNOT_TELL, Opinion.ORPHANED]


@given(RUNS, st.integers(1, 5), st.sets(st.integers(1, 4)))
def test_a_pick_never_opens_more_than_the_end_of_the_picked_run_does(
    runs: list[Candidate], picked: int, shown: set[int]
) -> None:
    told = story(*runs)
    verdict = pick(told, f"github:{picked}", f"github:{picked}", *(f"github:{number}" for number in shown))
    ended = any(one.id == f"github:{picked}" and one.says is Says.SUPPORTS for one in runs)
    later = [one for one in runs if one.id != f"github:{picked}" and int(one.id[-1]) not in shown]
    assert (verdict.opinion is Opinion.ORPHANED) == (ended and all(one.says is not Says.BLOCKS for one in later))


@given(RUNS, st.sets(st.integers(1, 4)))
def test_none_of_them_never_supports(runs: list[Candidate], shown: set[int]) -> None:
    told = story(*runs)
    assert pick(told, candidates.NONE, *(f"github:{number}" for number in shown)).opinion is not Opinion.ORPHANED


# Where they come from

TAKEN = START - timedelta(minutes=30)
POSSIBLE = Job(name="deploy", stage=Stage.RUNNING, run="7", id="70", started=TAKEN - timedelta(minutes=1))
TARGET = Target(names=(), root="infra/prod")


def reported(*jobs: Job) -> tuple[Candidate, ...]:
    report = Report(system="github", place="GitHub", source="GET", jobs=jobs, skew=timedelta(seconds=5))
    made = findings(report, TARGET, Holder(lock=A, created=TAKEN), START)
    return next(one for one in made if one.key == KEY).could_be_holder


def job(**facts: Any) -> Job:
    return msgspec.structs.replace(POSSIBLE, **facts)


def test_a_systems_candidates_carry_their_status_end_and_link() -> None:
    ended = job(
        id="71",
        stage=Stage.ENDED,
        result="cancelled",
        cut=True,
        ended=START,
        runner=Runner.SINGLE_USE,
        url="https://ci/71",
    )
    running, over = reported(POSSIBLE, ended)
    assert (running.id, running.says, running.fact) == ("github:70", Says.BLOCKS, "is running")
    assert (over.id, over.says, over.link) == ("github:71", Says.SUPPORTS, "https://ci/71")
    assert over.ended_at == timestamp(START - timedelta(seconds=5))


def test_a_run_that_began_after_the_lock_was_taken_says_so() -> None:
    (late,) = reported(job(started=TAKEN + timedelta(minutes=5)))
    assert late.says is Says.BLOCKS
    assert "began after the lock was taken" in late.fact


def test_two_attempts_of_a_run_without_jobs_are_two_candidates() -> None:
    assert len({one.id for one in reported(job(id=""), job(id="", attempt=2))}) == 2


def test_more_runs_than_anybody_can_choose_from_are_no_question() -> None:
    assert reported(*(job(id=str(number)) for number in range(21))) == ()
    assert len(reported(*(job(id=str(number)) for number in range(20)))) == 20


def test_s12_a_candidates_names_are_one_line_of_text() -> None:
    (hostile,) = reported(job(name="a\nb\x1b[31m[/x]", run="7", id="1\n2"))
    assert "\n" not in hostile.what + hostile.id
    assert "\x1b" not in hostile.what
