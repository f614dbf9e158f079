"""One event, one line."""

from __future__ import annotations

import pytest

from tests.journal.story import LOCK, MISSING, START, held, lock_record, opened, story
from tuirunbook.core.events import (
    KINDS,
    ErrorPasted,
    Event,
    LockObserved,
    Marker,
    NoteAdded,
    QuestionAnswered,
    ReleaseEnded,
    UnknownEvent,
    timestamp,
)
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import Store
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.timeline import FACT_LIMIT, capital, line

AT = timestamp(START)


def test_the_story_tells_every_kind() -> None:
    assert not MISSING


@pytest.mark.parametrize("event", story(), ids=lambda event: type(event).__name__)
def test_every_kind_of_event_is_one_line_in_the_past_tense(event: Event) -> None:
    told = line(event)
    assert told.at == event.at
    assert told.actor
    assert told.fact.endswith((".", "…", "?", "!"))
    assert "\n" not in told.fact
    assert len(told.fact) <= FACT_LIMIT + 1


def test_an_event_of_an_unknown_kind_is_shown_too() -> None:
    told = line(UnknownEvent(at=AT, original="song", content="{}"))
    assert told.fact == "Something was recorded that this version cannot read (song)."


def test_a_kind_without_words_is_a_mistake_that_is_seen() -> None:
    class Sung(Event, frozen=True, tag="sung"):
        pass

    assert Sung not in KINDS
    with pytest.raises(TypeError, match="no words for Sung"):
        line(Sung(at=AT))


def test_s12_nothing_that_steers_a_terminal_or_breaks_a_line_reaches_a_line() -> None:
    evil = "\x1b[2J\x1b]0;title\x07red\nline\u202egnp.exe"
    told = line(NoteAdded(at=AT, by=evil, text=evil))
    assert told.fact == "red line\ufffdgnp.exe."
    assert told.actor == "red line\ufffdgnp.exe"


def test_opening_names_the_operator_as_the_one_who_did_it() -> None:
    told = line(opened())
    assert told.actor == "Priya Raman"
    assert told.marker is Marker.DETECTION


def test_a_training_says_so() -> None:
    assert line(opened(training=True)).fact.startswith("A training incident")


def test_a_lock_is_told_with_holder_time_and_short_id() -> None:
    told = line(LockObserved(at=AT, snapshot=held()))
    assert told.fact == (
        "The state was locked: Apply by runner@runnervmwhb2z since 2026-11-23T02:41:09Z (3f8f3f8f) in DynamoDB."
    )


def test_a_lock_that_cannot_be_read_is_told_with_the_reason() -> None:
    lock = LockRecord(store=Store.S3, identity=LOCK, sha256="ab" * 32, unreadable="it is empty")
    told = line(LockObserved(at=AT, snapshot=held(lock)))
    assert "an unreadable lock (it is empty, 3f8f3f8f) in S3 lockfile" in told.fact


def test_blindness_is_not_told_as_a_free_state() -> None:
    blind = SnapshotRecord(fingerprint="x", readings={"dynamodb": "not checked: access denied", "s3": "free"})
    told = line(LockObserved(at=AT, snapshot=blind))
    assert told.fact == "No lock was seen; dynamodb not checked: access denied."


def test_our_own_lock_is_told_as_ours() -> None:
    told = line(LockObserved(at=AT, snapshot=held(lock_record(ours=True))))
    assert "locked by a command of ours" in told.fact


def test_an_answer_names_who_said_it_as_its_source() -> None:
    told = line(
        QuestionAnswered(
            at=AT,
            by="priya",
            lock=LOCK,
            question="owner",
            answer="mine-died",
            says=Says.SUPPORTS,
            who="sam",
            how="saw it",
        )
    )
    assert told.fact == "Answered about the owner: mine-died (saw it; about lock 3f8f3f8f)."
    assert (told.actor, told.source) == ("priya", "sam")


def test_a_refusal_is_told_without_the_number_of_its_rule() -> None:
    (refused,) = [line(event) for event in story() if type(event).__name__ == "ActionRefused"]
    assert refused.fact == "Force-unlock was refused: the plan has not been retried."


@pytest.mark.parametrize("outcome", ["released", "partly", "still-held", "new-holder", "unknown", "not-tried"])
def test_every_outcome_of_a_release_has_words(outcome: str) -> None:
    told = line(ReleaseEnded(at=AT, release=1, outcome=outcome))
    assert told.fact.startswith("Read back after release 1, ")
    assert outcome not in told.fact.replace("still", "")


def test_a_link_is_kept_whole() -> None:
    url = "https://ci.example/" + "x" * 600
    assert line(ErrorPasted(at=AT, text="", diagnosis="held", link=url)).link == url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the lock left", "The lock left"),
        ("terraform_data.network was being created", "terraform_data.network was being created"),
        ("root@vm: a laptop", "root@vm: a laptop"),
        ("live/prod: two owners", "live/prod: two owners"),
        ("held: yes", "Held: yes"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name(text: str, expected: str) -> None:
    assert capital(text) == expected
