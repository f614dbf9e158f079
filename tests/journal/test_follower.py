"""Reading an incident while another process writes it, and knowing who that is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journal.story import ADDRESS, INCIDENT, opened, story
from tuirunbook.core.events import Event, NoteAdded
from tuirunbook.core.values import JournalError
from tuirunbook.journal.claim import WRITER, LockedError, writer_of
from tuirunbook.journal.follower import Follower
from tuirunbook.journal.journals import Journals
from tuirunbook.journal.writer import JournalWriter

ANOTHER = """
import sys
from pathlib import Path
from tuirunbook.journal.writer import JournalWriter

journal = JournalWriter.reopen(Path(sys.argv[1]))
print("writes", flush=True)
sys.stdin.readline()
journal.close()
print("let go", flush=True)
sys.stdin.readline()
"""


def note(text: str) -> NoteAdded:
    return NoteAdded(at="2026-11-23T03:13:00.000Z", by="sam", text=text)


def texts(events: tuple[Event, ...]) -> list[str]:
    return [event.text for event in events if isinstance(event, NoteAdded)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / INCIDENT
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def journal(directory: Path) -> Iterator[JournalWriter]:
    with JournalWriter.create(directory) as journal:
        journal.append(opened())
        yield journal


@pytest.fixture
def another(directory: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts another process that writes the incident; it lets go with the first line that it gets, and ends then."""
    begun: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", ANOTHER, str(directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert _line(begun[-1]) == "writes"
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_events_are_read_as_they_are_written_and_each_once(journal: JournalWriter, directory: Path) -> None:
    follower = Follower(directory)
    assert follower.read_new() == (opened(),)
    assert follower.read_new() == ()
    for event in story()[1:]:
        journal.append(event)
        assert follower.read_new() == (event,)


def test_a_line_that_is_half_written_waits_for_its_end(journal: JournalWriter, directory: Path) -> None:
    journal.append(note("whole"))
    path = directory / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    follower = Follower(directory)
    assert follower.read_new() == (opened(),)
    assert follower.read_new() == ()
    path.write_bytes(whole)
    assert texts(follower.read_new()) == ["whole"]


@pytest.mark.parametrize("replaced_by", [[], ["another"], ["another, longer than the one that is gone", "and more"]])
def test_what_its_writer_has_cut_away_again_is_not_kept(
    journal: JournalWriter, directory: Path, replaced_by: list[str]
) -> None:
    path = directory / "journal.jsonl"
    before = path.read_bytes()
    follower = Follower(directory)
    journal.append(note("not flushed"))
    follower.read_new()
    journal.close()
    path.write_bytes(before)
    with JournalWriter.reopen(directory) as again:
        for text in replaced_by:
            again.append(note(text))
    events = follower.read_new()
    assert events[0] == opened()
    assert texts(events) == replaced_by
    assert follower.read_new() == ()


def test_a_damaged_line_is_read_once_and_what_follows_it_too(journal: JournalWriter, directory: Path) -> None:
    journal.append(note("before"))
    journal.append(note("good"))
    path = directory / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"good", b"bad!"))
    follower = Follower(directory)
    assert texts(follower.read_new()) == ["before", "bad!"]
    assert follower.read_new() == ()


def test_an_incident_that_was_removed_is_told(journal: JournalWriter, directory: Path) -> None:
    follower = Follower(directory)
    follower.read_new()
    journal.close()
    (directory / "journal.jsonl").unlink()
    with pytest.raises(JournalError, match="cannot be read"):
        follower.read_new()


def test_the_writer_says_who_it_is_while_it_writes(journal: JournalWriter, directory: Path) -> None:
    told = Follower(directory).writer()
    assert told is not None
    assert (told.pid, told.host) == (os.getpid(), os.uname().nodename)
    assert told.since.endswith("Z")
    journal.close()
    assert Follower(directory).writer() is None


def test_a_writer_that_lets_go_and_lives_on_writes_no_more(
    journal: JournalWriter, directory: Path, another: Callable[[], subprocess.Popen[str]]
) -> None:
    journal.close()
    process = another()
    told = writer_of(directory)
    assert told is not None
    assert told.pid == process.pid
    with pytest.raises(LockedError, match=f"process {process.pid} writes incident {INCIDENT}"):
        JournalWriter.reopen(directory)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert _line(process) == "let go"
    assert writer_of(directory) is None
    JournalWriter.reopen(directory).close()


def test_a_writer_that_was_killed_writes_no_more_even_before_its_parent_has_noticed(
    journal: JournalWriter, directory: Path, another: Callable[[], subprocess.Popen[str]]
) -> None:
    journal.close()
    process = another()
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert (directory / WRITER).read_bytes()
    assert writer_of(directory) is None
    JournalWriter.reopen(directory).close()


def test_a_process_that_was_given_the_number_of_a_dead_writer_writes_nothing(
    journal: JournalWriter, directory: Path
) -> None:
    journal.close()
    told = {"pid": os.getpid(), "since": "2001-01-01T00:00:00.000Z", "host": os.uname().nodename, "terminal": ""}
    (directory / WRITER).write_text(json.dumps(told))
    assert writer_of(directory) is None


@pytest.mark.parametrize("content", [b"", b"4711", b"\xff{", b'{"pid": "x"}'])
def test_a_claim_that_says_nothing_names_no_writer(journal: JournalWriter, directory: Path, content: bytes) -> None:
    journal.close()
    (directory / WRITER).write_bytes(content)
    assert writer_of(directory) is None


def test_a_reader_is_never_in_a_writers_way(journal: JournalWriter, directory: Path) -> None:
    follower = Follower(directory)
    follower.read_new()
    follower.writer()
    journal.close()
    with JournalWriter.reopen(directory) as again:
        follower.read_new()
        follower.writer()
        again.append(note("still"))
    assert texts(follower.read_new()) == ["still"]


def test_an_incident_that_another_process_writes_is_found_by_its_state(
    journal: JournalWriter, directory: Path, another: Callable[[], subprocess.Popen[str]]
) -> None:
    journals = Journals(directory.parent)
    assert journals.written_elsewhere(lambda: ADDRESS) is None, "it is ours"
    journal.close()
    assert journals.written_elsewhere(lambda: ADDRESS) is None, "nobody writes it"
    another()
    assert journals.written_elsewhere(lambda: ADDRESS) == INCIDENT
