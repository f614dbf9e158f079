"""The hash chain: what it detects, and that nothing is lost when it does."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.story import INCIDENT, opened, story
from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import Event, NoteAdded, UnknownEvent
from tuirunbook.core.fold import fold
from tuirunbook.core.values import JournalError
from tuirunbook.journal import lines, reader

FIXTURE_PER_TEST = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)


def written(events: tuple[Event, ...]) -> bytes:
    content, prev = b"", lines.GENESIS
    for seq, event in enumerate(events, 1):
        line, prev = lines.encode(event, seq, prev)
        content += line
    return content


def read(path: Path, content: bytes) -> tuple[tuple[Event, ...], ChainReport]:
    file = path / "journal.jsonl"
    file.write_bytes(content)
    return reader.read(file)


SHORT: tuple[Event, ...] = (
    opened(runbook_text=""),
    NoteAdded(at="2026-11-23T03:13:00.000Z", text="looked at the host — gone"),
)
SHORT += (NoteAdded(at="2026-11-23T03:14:00.000Z", text="called the platform team"),)
CONTENT = written(SHORT)


def test_every_kind_of_event_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    events, report = read(tmp_path, written(story()))
    assert events == story()
    assert report.verified
    assert report.sentence == f"verified, {len(story())} lines"


def test_a_line_carries_the_documented_fields_and_hash() -> None:
    line = CONTENT.splitlines()[1]
    told = json.loads(line)
    assert list(told) == ["v", "seq", "prev", "event", "hash"]
    assert told["prev"] == json.loads(CONTENT.splitlines()[0])["hash"]
    assert told["hash"] == hashlib.sha256(line[: line.rindex(b',"hash"')]).hexdigest()


@FIXTURE_PER_TEST
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_any_flip_of_any_byte_is_reported(tmp_path: Path, place: int, change: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[place] ^= change
    _, report = read(tmp_path, bytes(damaged))
    assert report.damage or report.torn


def test_a_flip_in_the_middle_loses_no_event(tmp_path: Path) -> None:
    content = written(story())
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    for begin, end in pairwise(ends):
        damaged = bytearray(content)
        damaged[(begin + end) // 2] ^= 1
        events, report = read(tmp_path, bytes(damaged))
        assert len(events) >= len(story())
        assert not report.verified


@pytest.mark.parametrize("cut", range(1, len(CONTENT.splitlines()[-1]) + 2))
def test_a_torn_tail_never_loses_an_earlier_event(tmp_path: Path, cut: int) -> None:
    events, report = read(tmp_path, CONTENT[:-cut])
    assert events[:2] == SHORT[:2]
    assert report.verified
    lost_only_the_line_feed = cut == 1
    nothing_of_it_left = cut == len(CONTENT.splitlines()[-1]) + 1
    assert bool(report.torn) == (not lost_only_the_line_feed and not nothing_of_it_left)
    assert (len(events) == 3) == lost_only_the_line_feed


def test_a_torn_tail_is_said(tmp_path: Path) -> None:
    _, report = read(tmp_path, CONTENT[:-20])
    assert "cut off by a crash" in report.sentence


def test_zeros_that_a_crash_left_at_the_end_are_dropped_and_said(tmp_path: Path) -> None:
    events, report = read(tmp_path, CONTENT + b"\0" * 512)
    assert events == SHORT
    assert "512 bytes" in report.torn


def test_a_line_that_was_taken_out_is_reported_and_the_rest_is_there(tmp_path: Path) -> None:
    first, _, third = CONTENT.splitlines(keepends=True)
    events, report = read(tmp_path, first + third)
    assert events == (SHORT[0], SHORT[2])
    assert "line 2" in report.sentence
    assert "does not follow" in report.sentence


def test_lines_in_another_order_are_reported(tmp_path: Path) -> None:
    first, second, third = CONTENT.splitlines(keepends=True)
    events, report = read(tmp_path, first + third + second)
    assert len(events) == 3
    assert not report.verified


def test_a_changed_word_is_reported_with_its_line_and_still_read(tmp_path: Path) -> None:
    events, report = read(tmp_path, CONTENT.replace(b"platform team", b"database team"))
    assert isinstance(events[2], NoteAdded)
    assert events[2].text == "called the database team"
    assert report.sentence == "NOT VERIFIED: line 3: its content does not match its hash"


def test_damage_in_one_line_is_not_blamed_on_the_next(tmp_path: Path) -> None:
    _, report = read(tmp_path, CONTENT.replace(b"looked at", b"lookod at"))
    assert [damage.line for damage in report.damage] == [2]


def test_a_line_that_is_no_line_is_kept_with_its_text(tmp_path: Path) -> None:
    first, second, third = CONTENT.splitlines(keepends=True)
    events, report = read(tmp_path, first + b"garbage\n" + second + third)
    assert len(events) == 4
    assert isinstance(events[1], UnknownEvent)
    assert events[1].content == "garbage"
    assert report.damage[0].line == 2


def test_a_kind_of_a_later_version_is_kept_and_the_chain_still_verifies(tmp_path: Path) -> None:
    later = written((SHORT[0], NoteAdded(at="2026-11-23T03:13:00.000Z", by="sam", text="x")))
    second = later.splitlines()[1].replace(b'"kind":"note"', b'"kind":"song"')
    body = second[: second.rindex(b',"hash"')]
    second = body + b',"hash":"%s"}\n' % hashlib.sha256(body).hexdigest().encode()
    events, report = read(tmp_path, later.splitlines(keepends=True)[0] + second)
    assert isinstance(events[1], UnknownEvent)
    assert (events[1].original, events[1].by) == ("song", "sam")
    assert '"text":"x"' in events[1].content
    assert report.verified
    assert fold(events).events == 2


def test_a_later_format_is_said_and_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    first, *_ = CONTENT.splitlines()
    body = first[: first.rindex(b',"hash"')].replace(b'{"v":1', b'{"v":2')
    events, report = read(tmp_path, body + b',"hash":"%s"}\n' % hashlib.sha256(body).hexdigest().encode())
    assert events == SHORT[:1]
    assert "format 2" in report.sentence


def test_a_journal_that_opens_nothing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b"")
    with pytest.raises(JournalError, match="opens no incident"):
        reader.replay(file)


def test_a_journal_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        reader.replay(tmp_path / "journal.jsonl")


def test_replaying_is_folding_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(written(story()))
    incident, report = reader.replay(file)
    assert incident == fold(story())
    assert incident.id == INCIDENT
    assert report.verified


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("version", [1])
def test_the_golden_journal_of_each_format_version_can_be_read(version: int) -> None:
    events, report = reader.read(GOLDEN / f"version-{version}.jsonl")
    assert report.verified
    assert report.torn == ""
    assert not [event for event in events if isinstance(event, UnknownEvent)]
    assert fold(events).closed is not None


def test_what_is_written_today_is_the_golden_journal_to_the_byte() -> None:
    golden = GOLDEN / "version-1.jsonl"
    assert written(reader.read(golden)[0]) == golden.read_bytes()
