"""What a front end keeps of a walk: the same, however its messages came."""

from __future__ import annotations

import pytest

from tests.walk.test_following import OTHERS, THEM, Reader, note
from tuirunbook.core.events import CommandStarted
from tuirunbook.core.values import Child, ReadsOnlyError
from tuirunbook.walk.following import told_by
from tuirunbook.walk.messages import CaughtUp, WriterSeen
from tuirunbook.walk.scribe import Recorded
from tuirunbook.walk.told import Told


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def told(reader: Reader) -> Told:
    return Told(reader.following)


def facts(told: Told) -> list[str]:
    return [line.fact for line in told.lines]


def test_events_that_come_one_by_one_leave_what_all_of_them_at_once_do(reader: Reader, told: Told) -> None:
    at_once, story = Told(reader.following), reader.story
    for number, event in enumerate(story, 1):
        assert len(told.take(Recorded(event, told_by(story[:number])))) == 1
    assert len(at_once.take(CaughtUp(story, told_by(story)))) == len(story)
    assert facts(told) == facts(at_once)
    assert told.incident == at_once.incident


def test_an_incident_that_is_told_again_from_its_beginning_has_each_line_once(reader: Reader, told: Told) -> None:
    whole = (*reader.story, note("again"))
    told.take(CaughtUp(reader.story, told_by(reader.story)))
    told.take(CaughtUp(whole, told_by(whole)))
    assert len(told.lines) == len(whole)
    assert "again" in told.lines[-1].fact


def test_what_happened_before_this_session_comes_before_its_own_lines(reader: Reader, told: Told) -> None:
    told.take(Recorded(note("ours"), told_by(reader.story)))
    told.recall(reader.story)
    assert len(told.lines) == len(reader.story) + 1
    assert "ours" in told.lines[-1].fact


def test_the_output_of_a_command_is_known_by_its_id_also_from_an_earlier_session(told: Told) -> None:
    child = Child(id="plan-1", argv=("terraform", "plan"), cwd="/", pid=1, started=0.0, boot_id="b", log="/l")
    told.recall([CommandStarted(at="2026-11-23T03:13:00.000Z", by="x", child=child, purpose="plan")])
    assert told.logs == {"plan-1": "/l"}


def test_who_writes_is_whoever_was_seen_last(told: Told) -> None:
    told.take(WriterSeen(writer=THEM, ended=True))
    assert (told.writer, told.writer_ended) == (THEM, True)
    told.take(WriterSeen(writer=OTHERS))
    assert (told.writer, told.writer_ended) == (OTHERS, False)


def test_a_walk_that_is_read_along_hands_out_nothing_that_writes_or_acts(told: Told) -> None:
    with pytest.raises(ReadsOnlyError, match="process 4711 on pts/3 writes this incident"):
        _ = told.walk
