"""A refusal in CI stands for the retry while it is fresh, for the lock that it names, and for nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.incidents import START, A, B, Story, held, lock_text, look, state_head
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.events import ErrorPasted, FindingRecorded, RetryEnded, SourceSwitched, timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.gates import Policy, obstacle
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, Store
from tuirunbook.core.refusals import Counting, counting

LINK = "https://github.com/acme/infra/actions/runs/812/job/1"
NOW = START + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def found(lock: LockIdentity, at: datetime | str, key: str = "ci.github.retry") -> Finding:
    return Finding(
        key=key,
        lock=lock,
        says=Says.NOTHING,
        fact="this lock refused run 812",
        source="gh",
        observed_at=timestamp(NOW),
        link=LINK,
        refused_at=at if isinstance(at, str) else timestamp(at),
    )


def told(*findings: Finding) -> Story:
    """An incident whose lock A was seen an hour ago, with these findings."""
    story = Story()
    story.look()
    for finding in findings:
        story.add(FindingRecorded, finding=finding)
    return story


def counts(story: Story, now: datetime = NOW) -> list[Counting]:
    return list(counting(story.incident, now))


def test_a_refusal_in_a_log_counts_with_its_link_and_says_that_it_was_found() -> None:
    (one,) = counts(told(found(A, NOW - MINUTE)))
    assert (one.lock, one.source, one.link, one.locks) == (A, "ci-log", LINK, (A,))


@example(300)
@example(299)
@example(-60)
@example(-61)
@given(st.floats(min_value=-1e6, max_value=1e6))
def test_it_counts_for_five_minutes_and_not_from_the_future(seconds: float) -> None:
    at = NOW - timedelta(seconds=round(seconds))
    assert bool(counts(told(found(A, at)))) is (-60 <= round(seconds) < 300)


def test_a_refusal_by_another_lock_counts_for_none() -> None:
    assert counts(told(found(B, NOW - MINUTE))) == []


@pytest.mark.parametrize("at", ["", "a while ago", "2026-11-23"])
def test_a_refusal_without_a_time_does_not_count(at: str) -> None:
    assert counts(told(found(A, at))) == []


def test_a_finding_that_tells_of_no_refusal_does_not_count() -> None:
    story = Story()
    story.look()
    story.finding("ci.github.active", Says.NOTHING)
    assert counts(story) == []


def test_it_counts_once() -> None:
    story = told(found(A, NOW - MINUTE))
    story.add(RetryEnded, outcome="refused-by-this", source="ci-log", lock=A)
    assert counts(story) == []


def test_a_lock_that_no_look_has_shown_was_not_refused_by() -> None:
    story = Story()
    story.add(FindingRecorded, finding=found(A, NOW - MINUTE))
    assert counts(story) == []


def test_what_voids_the_retry_voids_every_refusal_before_it() -> None:
    story = told(found(A, NOW - 2 * MINUTE))
    story.clock = (NOW - MINUTE - START).total_seconds()
    story.look(look(state=state_head(2)))
    assert counts(story) == []
    story.add(FindingRecorded, finding=found(A, NOW - MINUTE / 2))
    assert len(counts(story)) == 1


def test_an_old_refusal_does_not_hide_a_fresh_one_of_another_system() -> None:
    assert len(counts(told(found(A, START), found(A, NOW - MINUTE, "ci.gitlab.retry")))) == 1


@pytest.mark.parametrize("counted_before", [True, False])
def test_s6_a_refusal_that_a_source_found_does_not_count_while_that_source_is_off(*, counted_before: bool) -> None:
    story = told(msgspec.structs.replace(found(A, NOW - MINUTE), asked="GitHub"))
    if counted_before:
        (one,) = counts(story)
        story.add(RetryEnded, outcome="refused-by-this", source=one.source, lock=A, detail=one.detail)
    story.add(SourceSwitched, source="GitHub", off=True)
    assert (story.incident.refused_by, counts(story)) == ({}, [])
    story.add(SourceSwitched, source="GitHub", off=False)
    assert len(counts(story)) == 1


def test_turning_a_source_off_leaves_the_retries_of_others() -> None:
    story = told(msgspec.structs.replace(found(A, NOW - MINUTE), asked="GitHub"))
    story.refused()
    story.add(SourceSwitched, source="GitHub", off=True)
    assert A in story.incident.refused_by


# What was handed in


def pasted(story: Story, *locks: LockIdentity, at: datetime = NOW - MINUTE) -> None:
    story.add(ErrorPasted, text="…", diagnosis="held", locks=locks, printed_at=timestamp(at), link=LINK)


def test_what_was_handed_in_before_the_lock_was_read_counts_once_it_is() -> None:
    story = Story()
    pasted(story, A)
    assert counts(story) == []
    story.look()
    (one,) = counts(story)
    assert (one.source, one.by, one.link) == ("ci", "priya", LINK)


def test_of_several_locks_that_a_text_names_the_first_that_is_there_counts() -> None:
    story = Story()
    story.look(look(dynamodb=held(Store.DYNAMODB, lock_text(B))))
    assert set(story.incident.identities) == {A, B}
    pasted(story, B, A)
    assert [one.lock for one in counts(story)] == [B]


# What it does not show (S15)


def refused(story: Story, source: str) -> Incident:
    return story.add(RetryEnded, outcome="refused-by-this", source=source, lock=A, locks=(A,))


@pytest.mark.parametrize(("source", "proves"), [("plan", True), ("ci", True), ("ci-log", False), ("probe", False)])
def test_s15_a_log_that_was_found_does_not_show_that_a_pasted_error_is_from_here(source: str, *, proves: bool) -> None:
    story = told()
    pasted(story, B)
    incident = refused(story, source)
    assert (incident.unproven_paste is None) is proves
    refusal = obstacle(ForceUnlock(lock=A), incident, story.last, Policy())
    assert refusal is not None
    assert (refusal.rule == "S15") is not proves


@pytest.mark.parametrize(("source", "clears"), [("plan", True), ("ci-log", False), ("probe", False)])
def test_s15_a_log_that_was_found_does_not_clear_the_doubt_about_the_place(source: str, *, clears: bool) -> None:
    story = told()
    story.add(RetryEnded, outcome="refused-by-another", source="plan", locks=(B,), elsewhere="B refused the plan")
    assert (refused(story, source).elsewhere == "") is clears


def test_s6_a_log_that_was_found_stands_for_the_retry() -> None:
    story = told()
    story.answers()
    before = obstacle(ForceUnlock(lock=A), story.incident, story.last, Policy())
    assert before is not None
    assert "no plan was refused" in before.why
    assert obstacle(ForceUnlock(lock=A), refused(story, "ci-log"), story.last, Policy()) is None
