"""The fold: an incident is what its events tell, whatever their order of arrival into it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.story import LOCK, OTHER, START, free, held, lock_record, opened, story
from tuirunbook.core.changes import Change
from tuirunbook.core.events import (
    CommandEnded,
    Event,
    FindingDisputed,
    FindingRecorded,
    LockChanged,
    LockObserved,
    Opened,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    StepSkipped,
    UnknownEvent,
    Verified,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.fold import apply, begin, fold, voided_by
from tuirunbook.core.incident import Incident, Status
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.verdict import judge

AT = timestamp(START)
LOCKS = st.sampled_from([LOCK, OTHER])
CHANGED = Change(what="changed-hands", sentence="the lock changed hands")
QUESTIONS = st.sampled_from(["ci", "owner", "holder-host", "next"])


def answer(
    lock: LockIdentity = LOCK, question: str = "ci", says: Says = Says.SUPPORTS, **facts: Any
) -> QuestionAnswered:
    return QuestionAnswered(at=AT, by="priya", lock=lock, question=question, answer="a", says=says, **facts)


def finding(lock: LockIdentity = LOCK, key: str = "k", says: Says = Says.SUPPORTS) -> FindingRecorded:
    told = Finding(key=key, lock=lock, says=says, fact="f", source="s", observed_at=AT)
    return FindingRecorded(at=AT, finding=told)


def changed(*locks: LockIdentity, voided: tuple[LockIdentity, ...] = ()) -> LockChanged:
    snapshot = held(*(lock_record(lock) for lock in locks)) if locks else free()
    return LockChanged(at=AT, snapshot=snapshot, changes=(CHANGED,), voided=voided)


EVENTS = st.one_of(
    st.builds(answer, LOCKS, QUESTIONS, st.sampled_from(Says)),
    st.builds(finding, LOCKS, st.sampled_from(["a", "b"]), st.sampled_from(Says)),
    st.builds(lambda lock: LockObserved(at=AT, snapshot=held(lock_record(lock))), LOCKS),
    st.builds(lambda lock, gone: changed(lock, voided=(gone,)), LOCKS, LOCKS),
    st.builds(lambda gone: changed(voided=(gone,)), LOCKS),
    st.builds(lambda lock: FindingDisputed(at=AT, lock=lock, key="a", who="sam", how="seen"), LOCKS),
    st.builds(
        lambda lock: RetryEnded(at=AT, outcome="refused-by-this", source="plan", locks=(lock,), lock=lock), LOCKS
    ),
    st.builds(lambda lock: StepSkipped(at=AT, step="retry-plan", reason="side-effects", lock=lock), LOCKS),
    st.just(UnknownEvent(at=AT, original="song", content="{}")),
    st.sampled_from(story()[1:]),
)
STORIES = st.lists(EVENTS, max_size=30)


@given(STORIES, st.integers(0, 30))
def test_folding_at_once_is_folding_in_two_parts(events: list[Event], cut: int) -> None:
    incident = fold([opened(), *events[:cut]])
    for event in events[cut:]:
        incident = apply(incident, event)
    assert incident == fold([opened(), *events])


@given(STORIES)
def test_every_event_counts_the_unknown_ones_too(events: list[Event]) -> None:
    assert fold([opened(), *events]).events == len(events) + 1


@given(STORIES)
def test_an_unknown_event_changes_nothing_but_the_count(events: list[Event]) -> None:
    before = fold([opened(), *events])
    after = apply(before, UnknownEvent(at=before.last_at, original="song", content="{}"))
    assert after == msgspec.structs.replace(before, events=before.events + 1)


@given(STORIES)
def test_folding_changes_no_incident_that_was_there(events: list[Event]) -> None:
    incident = begin(opened())
    kept: list[tuple[Incident, bytes]] = [(incident, repr(incident).encode())]
    for event in events:
        incident = apply(incident, event)
        kept.append((incident, repr(incident).encode()))
    assert all(repr(before).encode() == told for before, told in kept)


def about(event: Event) -> LockIdentity | None:
    return event.finding.lock if isinstance(event, FindingRecorded) else getattr(event, "lock", None)


@given(STORIES)
def test_s6_nothing_said_about_one_lock_counts_for_another(events: list[Event]) -> None:
    spoken = (QuestionAnswered, FindingRecorded, FindingDisputed, StepSkipped, RetryEnded)
    without = [event for event in events if not (isinstance(event, spoken) and about(event) == OTHER)]
    everything, only_ours = fold([opened(), *events]), fold([opened(), *without])
    assert judge(everything, LOCK) == judge(only_ours, LOCK)
    assert everything.refused_by.get(LOCK) == only_ours.refused_by.get(LOCK)


@given(STORIES)
def test_s1_answers_that_were_voided_are_gone(events: list[Event]) -> None:
    incident = apply(fold([opened(), *events]), changed(OTHER, voided=(LOCK,)))
    kept = (*incident.answers, *incident.disputes, *incident.skips)
    assert LOCK not in {lock for lock, _ in kept}
    assert LOCK not in incident.refused_by


@given(STORIES)
def test_s1_voiding_one_lock_keeps_what_was_said_about_the_other(events: list[Event]) -> None:
    before = fold([opened(), *events])
    after = apply(before, changed(OTHER, voided=(LOCK,)))
    assert {key: said for key, said in before.answers.items() if key[0] != LOCK} == after.answers


def test_an_answer_given_after_the_voiding_counts_again() -> None:
    incident = fold([opened(), answer(), changed(LOCK, voided=(LOCK,)), answer(note="asked again")])
    assert incident.answers[LOCK, "ci"].note == "asked again"


def test_losing_sight_voids_nothing_and_a_write_of_the_state_does() -> None:
    blind = Change(what="blind", sentence="DynamoDB cannot be read any more")
    written = Change(what="state-written", sentence="the state was written")
    assert voided_by((blind,), (LOCK,)) == ()
    assert voided_by((blind, written), (LOCK,)) == (LOCK,)


def test_a_state_where_no_lock_was_seen_is_not_unblocked() -> None:
    incident = fold([opened(), LockObserved(at=AT, snapshot=free())])
    assert not incident.gone
    assert incident.status is Status.OPEN


def test_only_a_lock_that_was_seen_and_left_is_gone() -> None:
    incident = fold([opened(), LockObserved(at=AT, snapshot=held()), changed()])
    assert incident.gone
    assert incident.status is Status.UNBLOCKED


def test_our_own_lock_leaving_is_not_theirs_leaving() -> None:
    ours = LockObserved(at=AT, snapshot=held(lock_record(ours=True)))
    incident = fold([opened(), ours, changed()])
    assert not incident.gone
    assert incident.identities == ()


def test_s15_what_is_not_what_terraform_reads_is_never_gone() -> None:
    retry = RetryEnded(at=AT, outcome="refused-by-another", source="plan", elsewhere="another ID was named")
    incident = fold([opened(), LockObserved(at=AT, snapshot=held()), retry, changed()])
    assert not incident.gone


def test_a_new_holder_after_a_release_takes_back_that_it_was_gone() -> None:
    events = [opened(), LockObserved(at=AT, snapshot=held()), changed(), changed(OTHER)]
    assert not fold(events).gone


def test_verifying_a_state_that_is_held_again_does_not_end_it() -> None:
    verified = Verified(at=AT, ending="dead-plan", read_by="priya")
    events = [opened(), LockObserved(at=AT, snapshot=held()), verified]
    assert fold(events).status is Status.OPEN
    assert fold([*events, changed()]).status is Status.VERIFIED


def intended(release: int = 1) -> ReleaseIntended:
    return ReleaseIntended(
        at=AT, release=release, method="force-unlock", lock=LOCK, fingerprint="f", verdict="orphaned"
    )


def test_a_lock_that_was_released_into_new_hands_is_unblocked_and_dated() -> None:
    looked = LockObserved(at=AT, snapshot=held())
    ended = ReleaseEnded(at=AT, release=1, outcome="new-holder", snapshot=held(lock_record(OTHER)))
    incident = fold([opened(), looked, intended(), ended])
    assert (incident.status, incident.released_at, incident.gone) == (Status.UNBLOCKED, AT, False)


def test_s4_an_intent_without_an_outcome_is_a_release_that_is_under_way() -> None:
    incident = fold([opened(), intended()])
    assert incident.unended_release is not None
    incident = apply(incident, ReleaseEnded(at=AT, release=1, outcome="released", snapshot=free()))
    assert incident.unended_release is None


def test_s5_an_outcome_ends_only_its_own_release() -> None:
    ended = ReleaseEnded(at=AT, release=1, outcome="still-held")
    incident = fold([opened(), intended(1), ended, intended(2)])
    assert incident.unended_release is not None
    assert incident.unended_release.intended.release == 2


def test_a_command_runs_until_its_end_is_recorded() -> None:
    events = story()
    running = fold(events[: next(i for i, event in enumerate(events) if isinstance(event, CommandEnded))])
    assert list(running.running) == ["plan-1"]
    assert fold(events).running == {}


def test_details_are_kept_one_by_one() -> None:
    details = fold(story()).details
    assert details is not None
    assert (details.ticket, details.impact) == ("OPS-17", "The network release waited.")


def test_a_journal_that_does_not_begin_with_an_opening_is_refused() -> None:
    for events in ([], list(story()[1:])):
        with pytest.raises(ValueError, match="begins with the event that opens"):
            fold(events)


def test_the_whole_story_ends_closed_with_what_is_still_to_undo() -> None:
    incident = fold(story())
    assert isinstance(incident.opened, Opened)
    assert incident.status is Status.CLOSED
    assert list(incident.holds) == ["enable the deploy workflow"]
