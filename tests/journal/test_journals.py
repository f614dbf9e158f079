"""All incidents of a machine."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.story import ADDRESS, LOCK, START, free, held, opened
from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import Change
from tuirunbook.core.events import (
    Closed,
    CommandStarted,
    Event,
    LockChanged,
    LockObserved,
    NoteAdded,
    QuestionAnswered,
    Verified,
    timestamp,
)
from tuirunbook.core.evidence import Says
from tuirunbook.core.incident import Status
from tuirunbook.core.values import Child, JournalError
from tuirunbook.journal.journals import Journals, resumable
from tuirunbook.journal.names import NAME, WORDS, matching, name_for

LEFT = Change(what="left", sentence="the lock left DynamoDB")
NOW = START + timedelta(days=40)


def first(words: Sequence[str]) -> str:
    return words[0]


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "state" / "incidents", choose=first)


def at(minutes: float) -> str:
    return timestamp(START + timedelta(minutes=minutes))


def incident(
    journals: Journals, *events: Event, minutes: int = 0, address: StateAddress = ADDRESS, host: str = "here"
) -> str:
    name = journals.fresh_name(START + timedelta(minutes=minutes))
    begun = opened(incident=name, at=at(minutes), address=address, host=host)
    with journals.create(begun) as journal:
        for event in (begun, *events):
            journal.append(event)
    return name


def seen(minutes: float = 1) -> LockObserved:
    return LockObserved(at=at(minutes), snapshot=held())


def left(minutes: float = 2) -> LockChanged:
    return LockChanged(at=at(minutes), snapshot=free(), changes=(LEFT,), voided=(LOCK,))


def verified() -> Verified:
    return Verified(at=at(3), ending="dead-apply", read_by="sam")


def closed(minutes: float = 4) -> Closed:
    return Closed(at=at(minutes))


def test_nothing_is_there_before_the_first_incident(journals: Journals) -> None:
    assert journals.list() == ()
    assert journals.overview().unreadable == ()
    journals.fresh_name(START)
    assert not journals.directory.exists()


def test_s13_the_directories_are_private(journals: Journals) -> None:
    name = incident(journals)
    for directory in (journals.directory, journals.directory / name):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_released_but_not_verified_comes_first_then_open_then_the_newest(journals: Journals) -> None:
    done = incident(journals, seen(), left(), verified(), closed(), minutes=3)
    open_one = incident(journals, seen(), minutes=1)
    unblocked = incident(journals, seen(), left(), minutes=0)
    done_later = incident(journals, seen(), left(), verified(), minutes=5)
    assert [summary.id for summary in journals.list()] == [unblocked, open_one, done_later, done]
    assert [summary.status for summary in journals.list()] == [
        Status.UNBLOCKED,
        Status.OPEN,
        Status.VERIFIED,
        Status.CLOSED,
    ]


def test_a_summary_tells_what_a_list_shows(journals: Journals) -> None:
    child = Child(id="plan-1", argv=("terraform",), cwd="/", pid=1, started=1.5, boot_id="b", log="l")
    name = incident(journals, seen(), CommandStarted(at=at(1), child=child, purpose="plan"), left())
    summary = journals.summary(name)
    assert summary.address == ADDRESS
    assert summary.released_at == at(2)
    assert summary.verified is None
    assert summary.running == (child,)
    assert (summary.operator, summary.host) == ("Priya Raman", "here")
    assert summary.chain.verified


def test_a_journal_that_cannot_be_read_is_told_and_hides_no_other(journals: Journals) -> None:
    name = incident(journals)
    broken = incident(journals, minutes=1)
    (journals.directory / broken / "journal.jsonl").write_bytes(b"\x00\x01\n")
    assert [summary.id for summary in journals.list()] == [name]
    (entry,) = journals.overview().unreadable
    overview = journals.overview()
    assert (overview.incidents, overview.unreadable) == (journals.list(), (entry,))
    assert entry.id == broken
    assert "opens no incident" in entry.why


def test_an_incident_is_found_by_its_beginning_or_its_word(journals: Journals) -> None:
    one = incident(journals, minutes=0)
    two = incident(journals, minutes=61)
    word = one.rpartition("-")[2]
    assert journals.find(one) == one
    assert journals.find(two[:9]) == two
    with pytest.raises(JournalError, match=f"can mean {one}, {two}"):
        journals.find("261123")
    with pytest.raises(JournalError, match=f"can mean {one}, {two}"):
        journals.find(word)
    with pytest.raises(JournalError, match="no incident is called 'nope'"):
        journals.find("nope")


def test_a_name_that_leads_elsewhere_is_refused(journals: Journals) -> None:
    incident(journals)
    for name in ("../secrets", "", "/etc", "261123-0312-kiwi/.."):
        with pytest.raises(JournalError):
            journals.read(name)
        with pytest.raises(JournalError):
            journals.open_for_writing(name)


@given(st.lists(st.integers(0, 200), max_size=30), st.randoms())
def test_names_are_unique_and_sort_by_time(minutes: list[int], random: object) -> None:
    choose = random.choice  # type: ignore[attr-defined]
    taken: list[str] = []
    for minute in sorted(minutes):
        name = name_for(START + timedelta(hours=minute), taken, choose)
        assert NAME.fullmatch(name)
        taken.append(name)
    assert len(set(taken)) == len(taken)
    assert taken == sorted(taken)


def test_names_sort_across_years() -> None:
    before = name_for(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), (), lambda words: words[-1])
    after = name_for(datetime(2027, 1, 1, 0, 0, tzinfo=UTC), (), first)
    assert before < after


def test_a_full_minute_gives_a_name_of_the_next() -> None:
    name = name_for(START, ("261123-0312-zinc",), first)
    assert name == "261123-0313-acorn"


def test_words_are_distinct_sorted_and_easily_told_apart() -> None:
    assert list(WORDS) == sorted(set(WORDS))
    assert all(word.isalpha() and word.islower() for word in WORDS)


def test_an_empty_name_means_nothing() -> None:
    assert matching("", ("261123-0312-kiwi",)) == ()


def test_a_name_that_is_taken_is_never_written_over(journals: Journals) -> None:
    name = incident(journals)
    with pytest.raises(JournalError, match="already"):
        journals.create(opened(incident=name))
    assert journals.summary(name).id == name


def test_an_incident_that_could_not_be_begun_can_be_begun_again(journals: Journals) -> None:
    name = journals.fresh_name(START)
    journals.create(opened(incident=name)).close()
    assert journals.list() == ()
    assert journals.overview().unreadable == ()


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be"):
        Journals(tmp_path / "file" / "incidents").create(opened())


def test_open_incidents_on_the_same_state_are_found(journals: Journals) -> None:
    mine = incident(journals, seen(), minutes=0)
    incident(journals, seen(), left(), verified(), closed(), minutes=1)
    incident(journals, seen(), minutes=2, address=msgspec.structs.replace(ADDRESS, key="other.tfstate"))
    incident(journals, seen(), minutes=3, address=msgspec.structs.replace(ADDRESS, account="999999999999"))
    unknown = msgspec.structs.replace(ADDRESS, account=None, caller=None)
    assert [summary.id for summary in journals.same_address(ADDRESS)] == [mine]
    assert len(journals.same_address(unknown)) == 2


def test_the_newest_open_incident_on_a_state_that_nobody_writes_can_be_gone_on_with(journals: Journals) -> None:
    def found(host: str = "here", address: StateAddress = ADDRESS) -> str | None:
        summary = journals.unfinished(ADDRESS.lock_id, lambda: address, host)
        return summary.id if summary else None

    assert found() is None
    incident(journals, seen(), minutes=0)
    mine = incident(journals, seen(), minutes=1)
    incident(journals, seen(), left(), minutes=2)
    incident(journals, seen(), Closed(at=at(3)), minutes=3)
    incident(journals, seen(), minutes=4, host="elsewhere")
    incident(journals, seen(), minutes=5, address=msgspec.structs.replace(ADDRESS, key="other.tfstate"))
    assert found() == mine
    assert found(host="nowhere") is None
    assert found(address=msgspec.structs.replace(ADDRESS, account="999999999999")) is None
    with journals.open_for_writing(mine):
        assert found() != mine
    assert found() == mine


def test_pruning_removes_only_what_was_closed_long_ago_and_says_why_it_kept_the_rest(journals: Journals) -> None:
    old = incident(journals, seen(), left(), verified(), closed())
    unblocked = incident(journals, seen(), left(), minutes=1)
    open_one = incident(journals, seen(), minutes=2)
    recent = incident(journals, seen(), left(), closed(39 * 24 * 60), minutes=3)
    busy = incident(journals, seen(), left(), closed(), minutes=4)
    with journals.open_for_writing(busy):
        pruned = journals.prune(timedelta(days=30), NOW)
    assert pruned.removed == (old,)
    why = {kept.id: kept.why for kept in pruned.kept}
    assert "released" in why[unblocked]
    assert why[open_one] == "it is not closed"
    assert "it was closed at" in why[recent]
    assert "writes incident" in why[busy]
    assert set(journals.names()) == {unblocked, open_one, recent, busy}


def test_pruning_keeps_what_is_still_to_undo_and_the_log_of_what_still_runs(journals: Journals) -> None:
    answer = QuestionAnswered(
        at=at(1), lock=LOCK, question="next", answer="held", says=Says.NOTHING, how="disabled", undo="enable deploys"
    )
    child = Child(id="plan-1", argv=("terraform", "plan"), cwd="/", pid=1, started=0.0, boot_id="b", log="/l")
    holding = incident(journals, seen(), answer, left(), verified(), closed())
    running = incident(journals, CommandStarted(at=at(1), child=child, purpose="plan"), closed(), minutes=1)
    pruned = journals.prune(timedelta(days=30), NOW, alive=lambda one: one == child)
    why = {kept.id: kept.why for kept in pruned.kept}
    assert "enable deploys" in why[holding]
    assert why[running] == "plan-1 of it still runs"
    assert journals.prune(timedelta(days=30), NOW).removed == (running,)


def test_a_dry_run_says_what_would_go_and_removes_nothing(journals: Journals) -> None:
    old = incident(journals, seen(), left(), verified(), closed())
    assert journals.prune(timedelta(days=30), NOW, dry_run=True).removed == (old,)
    assert journals.names() == (old,)


def test_pruning_leaves_damaged_and_foreign_things_alone(journals: Journals) -> None:
    damaged = incident(journals, NoteAdded(at=at(1), text="one"), closed())
    path = journals.directory / damaged / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
    foreign = journals.directory / "photos"
    foreign.mkdir()
    (foreign / "journal.jsonl").write_text("mine")
    pruned = journals.prune(timedelta(), NOW)
    assert pruned.removed == ()
    assert "damaged" in pruned.kept[0].why
    assert (foreign / "journal.jsonl").exists()


def test_a_journal_from_another_machine_can_be_read_but_not_resumed(journals: Journals) -> None:
    name = incident(journals, seen(), host="elsewhere")
    summary = journals.summary(name)
    assert resumable(summary, "elsewhere") is None
    assert "was walked on elsewhere, and this is here" in (resumable(summary, "here") or "")
    assert len(journals.read(name)[0]) == 2


def test_a_closed_incident_is_not_resumed(journals: Journals) -> None:
    name = incident(journals, seen(), left(), closed())
    assert "was closed at" in (resumable(journals.summary(name), "here") or "")
