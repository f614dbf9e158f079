"""One incident, open for writing."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journal.story import ADDRESS, INCIDENT, opened, story
from tuirunbook.core.events import Event, FindingRecorded, NoteAdded
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.core.values import JournalError
from tuirunbook.journal import reader
from tuirunbook.journal.claim import LockedError
from tuirunbook.journal.writer import CHEAP, JournalWriter

LOCK = b'{"ID":"3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab","Who":"sam@host"}'


def note(text: str) -> NoteAdded:
    return NoteAdded(at="2026-11-23T03:13:00.000Z", by="sam", text=text)


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


def texts(directory: Path) -> list[str]:
    events, report = reader.read(directory / "journal.jsonl")
    assert report.verified
    return [event.text for event in events if isinstance(event, NoteAdded)]


def test_what_is_appended_is_read_back(directory: Path) -> None:
    with JournalWriter.create(directory) as journal:
        for event in story():
            journal.append(event)
    assert reader.read(directory / "journal.jsonl")[0] == story()


def test_a_second_writer_is_told_who_writes_and_can_read(journal: JournalWriter, directory: Path) -> None:
    with pytest.raises(LockedError, match=f"process {os.getpid()} writes incident {INCIDENT}"):
        JournalWriter.reopen(directory)
    journal.append(note("still mine"))
    assert texts(directory) == ["still mine"]


def test_writing_goes_on_where_it_ended(journal: JournalWriter, directory: Path) -> None:
    journal.append(note("one"))
    journal.close()
    with JournalWriter.reopen(directory) as again:
        assert again.incident is not None
        assert again.incident.events == 2
        again.append(note("two"))
    assert texts(directory) == ["one", "two"]


@pytest.mark.parametrize("cut", [1, 2, 40, 75, 120])
def test_a_torn_line_is_cut_away_before_writing_goes_on(journal: JournalWriter, directory: Path, cut: int) -> None:
    journal.append(note("one"))
    journal.append(note("two"))
    journal.close()
    path = directory / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with JournalWriter.reopen(directory) as again:
        assert bool(again.chain.torn) == (cut > 1)
        again.append(note("three"))
    assert texts(directory) == (["one", "two", "three"] if cut == 1 else ["one", "three"])


def test_a_damaged_journal_can_be_gone_on_with_and_stays_reported(journal: JournalWriter, directory: Path) -> None:
    journal.append(note("one"))
    journal.close()
    path = directory / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"eno"'))
    with JournalWriter.reopen(directory) as again:
        assert not again.chain.verified
        again.append(note("two"))
        again.append(note("three"))
    events, report = reader.read(path)
    assert len(events) == 4
    assert [damage.line for damage in report.damage] == [2]


def failing(monkeypatch: pytest.MonkeyPatch, code: int, *, partly: int = 0) -> Callable[[], None]:
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if partly:
            real(descriptor, bytes(data)[:partly])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", write)
    return lambda: monkeypatch.setattr(os, "write", real)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_s4_a_journal_that_cannot_be_written_says_why(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str
) -> None:
    mend = failing(monkeypatch, code)
    with pytest.raises(JournalError, match=sentence):
        journal.append(note("lost"))
    mend()


def test_s4_half_a_write_is_taken_back_and_writing_goes_on_once_it_can(
    journal: JournalWriter, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(note("one"))
    mend = failing(monkeypatch, errno.ENOSPC, partly=30)
    for _ in range(2):
        with pytest.raises(JournalError):
            journal.append(note("lost"))
    mend()
    journal.append(note("two"))
    assert texts(directory) == ["one", "two"]


def test_s4_half_a_write_that_could_not_be_taken_back_is_cut_by_the_next(
    journal: JournalWriter, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, f"{descriptor} {length}")

    real = os.ftruncate
    mend = failing(monkeypatch, errno.ENOSPC, partly=30)
    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(JournalError):
        journal.append(note("lost"))
    mend()
    with pytest.raises(JournalError):
        journal.append(note("still half a line there"))
    monkeypatch.setattr(os, "ftruncate", real)
    journal.append(note("two"))
    assert texts(directory) == ["two"]


def test_s4_an_event_that_did_not_reach_the_disk_is_not_in_the_journal(
    journal: JournalWriter, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, f"{descriptor}")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(JournalError):
            journal.append(note("lost"))
    assert texts(directory) == []


def test_s4_a_journal_that_was_removed_meanwhile_refuses(journal: JournalWriter, directory: Path) -> None:
    (directory / "journal.jsonl").unlink()
    with pytest.raises(JournalError, match="removed or shortened"):
        journal.append(note("into the void"))


FULL = """
import resource, sys
from pathlib import Path
from tests.journal.story import opened
from tuirunbook.core.events import NoteAdded
from tuirunbook.core.values import JournalError
from tuirunbook.journal.writer import JournalWriter

journal = JournalWriter.create(Path(sys.argv[1]))
journal.append(opened())
size = (Path(sys.argv[1]) / "journal.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, size + 1000))
for number in range(100):
    try:
        journal.append(NoteAdded(at="2026-11-23T03:13:00.000Z", text=f"note {number}"))
    except JournalError as error:
        print(number, error)
        break
"""


def test_s4_a_file_that_may_not_grow_holds_whole_lines_only(directory: Path) -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(directory)], capture_output=True, text=True, check=True, cwd=root
    )
    number, sentence = ran.stdout.split(maxsplit=1)
    assert "file size limit" in sentence
    assert texts(directory) == [f"note {count}" for count in range(int(number))]


def test_answers_intents_and_outcomes_are_on_the_disk_before_append_returns(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    durable: set[type[Event]] = set()
    for event in story():
        synced.clear()
        journal.append(event)
        if synced:
            durable.add(type(event))
    assert durable == {type(event) for event in story()} - set(CHEAP)
    assert FindingRecorded in CHEAP


@pytest.mark.parametrize(("known", "synced"), [(True, ["full"]), (False, ["full", "fsync"])])
def test_where_fsync_stops_at_the_drives_cache_the_drive_is_told_to_write(
    journal: JournalWriter, monkeypatch: pytest.MonkeyPatch, *, known: bool, synced: list[str]
) -> None:
    done: list[str] = []

    def full(descriptor: int, command: int) -> int:
        assert (descriptor, command) == (journal._file, 51)
        done.append("full")
        if not known:
            raise OSError(errno.ENOTSUP, "this file system cannot")
        return 0

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full)
    monkeypatch.setattr(os, "fsync", lambda _: done.append("fsync"))
    journal.append(note("one"))
    assert done == synced


def test_s13_what_is_appended_is_redacted(journal: JournalWriter, directory: Path) -> None:
    journal.append(note("it runs with AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCY"))
    content = (directory / "journal.jsonl").read_text()
    assert "wJalrXUtnFEMI" not in content
    assert "[redacted]" in content


def test_s13_journal_and_backups_are_private(journal: JournalWriter, directory: Path) -> None:
    journal.keep_backup(StoredLock.read(Store.S3, LOCK))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"journal.jsonl", "writer", "backup-1-s3.json", "backup-1-s3.meta.json"} == set(modes)


def test_s4_the_backup_of_an_item_is_what_put_item_takes(journal: JournalWriter, directory: Path) -> None:
    lock = StoredLock.read(Store.DYNAMODB, LOCK, attribute=json.dumps({"S": LOCK.decode()}))
    path = journal.keep_backup(lock)
    assert path == directory / "backup-1-dynamodb.json"
    item = json.loads(path.read_bytes())
    assert item == {"LockID": {"S": ADDRESS.lock_id}, "Info": {"S": LOCK.decode()}}
    facts = json.loads((directory / "backup-1-dynamodb.meta.json").read_bytes())
    assert facts["complete"] is True
    assert facts["sha256"] == lock.sha256
    assert facts["restore"][-4:] == [
        "--item",
        f"file://{path}",
        "--condition-expression",
        "attribute_not_exists(LockID)",
    ]


def test_s4_the_backup_of_a_lockfile_is_its_bytes_whatever_they_are(journal: JournalWriter) -> None:
    raw = b'\xff\xfe{"ID":\r\n'
    path = journal.keep_backup(StoredLock.read(Store.S3, raw, etag='"e"'))
    assert path.read_bytes() == raw


def test_s4_a_lock_that_was_read_in_part_makes_a_backup_that_says_so(journal: JournalWriter, directory: Path) -> None:
    lock = StoredLock(store=Store.S3, raw="x" * 10, sha256="ab" * 32, unreadable="it is not JSON", size=400_000)
    journal.keep_backup(lock)
    assert json.loads((directory / "backup-1-s3.meta.json").read_bytes())["complete"] is False


def test_an_item_without_info_is_backed_up_without_info(journal: JournalWriter) -> None:
    lock = StoredLock(store=Store.DYNAMODB, raw="", sha256="ab" * 32, unreadable="it has no Info")
    assert json.loads(journal.keep_backup(lock).read_bytes()) == {"LockID": {"S": ADDRESS.lock_id}}


def test_backups_never_replace_each_other(journal: JournalWriter) -> None:
    lock = StoredLock.read(Store.S3, LOCK)
    assert [journal.keep_backup(lock).name for _ in range(3)] == [f"backup-{n}-s3.json" for n in (1, 2, 3)]


def test_a_reopened_journal_goes_on_counting_backups(journal: JournalWriter, directory: Path) -> None:
    lock = StoredLock.read(Store.S3, LOCK)
    journal.keep_backup(lock)
    journal.close()
    with JournalWriter.reopen(directory) as again:
        assert again.keep_backup(lock).name == "backup-2-s3.json"


def test_s4_a_backup_that_cannot_be_written_is_refused_and_leaves_nothing(
    journal: JournalWriter, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, f"{descriptor}")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(JournalError, match="the disk is full"):
            journal.keep_backup(StoredLock.read(Store.S3, LOCK))
    assert not list(directory.glob("backup-*"))


def test_a_log_stays_in_the_incident(journal: JournalWriter, directory: Path) -> None:
    assert journal.log_path("plan-1") == directory / "plan-1.log"
    for name in ("../plan", "a/b", "", ".hidden", "-rf"):
        with pytest.raises(JournalError):
            journal.log_path(name)
