"""Writes the incident down: redacted, appended, folded, told, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.incidents import A
from tests.walk.parts import Bench
from tuirunbook.core.events import NoteAdded
from tuirunbook.core.fold import fold
from tuirunbook.core.values import JournalError
from tuirunbook.walk.scribe import Recorded


def test_looking_at_a_free_state_leaves_no_journal(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.free()
    bench.look()
    bench.look(3)
    assert (bench.scribe.journal, bench.paper.events) == (None, [])


def test_the_journal_begins_with_the_first_event_once_there_is_an_incident(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.shelf.free()
    bench.look()
    bench.clerk.tell(NoteAdded, text="the page came at three")
    assert bench.paper.kinds() == ["Opened", "LockObserved", "NoteAdded"]


def test_a_held_lock_is_an_incident(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    assert bench.paper.kinds() == ["Opened", "LockObserved"]


def test_what_is_in_memory_is_what_the_journal_tells(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    bench.clerk.tell(NoteAdded, text="password=correcthorse")
    bench.shelf.free()
    bench.look(3)
    assert fold(bench.paper.events) == bench.incident


def test_s13_no_secret_reaches_journal_memory_or_front_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    bench.clerk.answer(A, "ci", "none", {"where": "see https://user:pa55word@ci/"})
    everything = str([bench.paper.events, bench.incident, bench.told])
    assert "pa55word" not in everything
    assert "https://" in everything


def test_events_are_told_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path).ready()
    told = [message.event for message in bench.told if isinstance(message, Recorded)]
    assert told == bench.paper.events[1:]


def test_s4_what_could_not_be_written_is_shown_and_written_later_in_its_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.look()
    bench.paper.refuses = lambda _: True
    bench.clerk.tell(NoteAdded, text="one")
    bench.clerk.tell(NoteAdded, text="two")
    assert bench.scribe.unwritable == "the disk is full"
    assert len([message for message in bench.told if isinstance(message, Recorded)]) == 3
    with pytest.raises(JournalError):
        bench.scribe.must_write()
    bench.paper.refuses = lambda _: False
    bench.clerk.tell(NoteAdded, text="three")
    assert bench.scribe.unwritable == ""
    assert [event.text for event in bench.paper.events if isinstance(event, NoteAdded)] == ["one", "two", "three"]
