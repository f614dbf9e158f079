"""Who is asked about a lock, and with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import DUAL, A, lock_text
from tests.support.pilots import HOSTILE
from tuirunbook.core.lock import parse_lock_info
from tuirunbook.core.people import Asked, Author, Likeness, authors, message, owners, tied

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)


def author(name: str, email: str, hours: int = 1) -> Author:
    return Author(name=name, email=email, commits=1, latest=NOW - timedelta(hours=hours))


SAM = author("Samuel Gendler", "sgendler@acme.example")
PRIYA = author("Priya Nair", "1234+pnair@users.noreply.github.com")
EVERYBODY = (SAM, PRIYA, author("Root Runner", "root@acme.example"))


def test_authors_are_counted_by_address_and_the_latest_comes_first() -> None:
    commits = [("Sam", "S@x", NOW - timedelta(days=2)), ("Ann", "a@x", NOW), ("Samuel", "s@x", NOW - timedelta(days=1))]
    assert [(one.email, one.commits) for one in authors(commits)] == [("a@x", 1), ("S@x", 2)]


@pytest.mark.parametrize(
    ("who", "name", "how"),
    [
        ("sgendler@Samuels-MBP", "Samuel Gendler", Likeness.ADDRESS),
        ("samuel.gendler@laptop", "Samuel Gendler", Likeness.NAME),
        ("ACME\\GendlerS@LOGRUS", "Samuel Gendler", Likeness.NAME),
        ("me@Samuels-MBP", "Samuel Gendler", Likeness.HOST),
        ("pnair@host", "Priya Nair", Likeness.ADDRESS),
    ],
)
def test_a_who_is_matched_with_those_who_work_on_the_root(who: str, name: str, how: Likeness) -> None:
    assert [(one.name, likeness) for one, likeness in tied(who, EVERYBODY)] == [(name, how)]


@pytest.mark.parametrize(
    "who", ["runner@runnervmwhb2z", "root@d701fcddc381", "@pod-abc", "", "bill", "ubuntu@ip-10-1-2-3"]
)
def test_a_user_that_is_everybodys_is_matched_with_nobody(who: str) -> None:
    assert tied(who, EVERYBODY) == ()


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_no_name_breaks_the_matching(who: str, name: str, email: str) -> None:
    tied(who, [author(name, email)])


@pytest.mark.parametrize(
    ("file", "path", "expected"),
    [
        ("* @acme/all\n/infra/ @acme/infra\n", "infra/prod", ("@acme/infra",)),
        ("* @acme/all\n/infra/prod/*.tf @acme/dba @sam # theirs\n", "infra/prod", ("@acme/dba", "@sam")),
        ("/infra/* @acme/infra\n", "infra/prod", ()),
        ("prod/ @acme/prod\n", "infra/prod", ("@acme/prod",)),
        ("infra/prod @acme/prod\n", "other/infra/prod", ()),
        ("**/prod/** @acme/prod\n", "infra/prod/eu", ("@acme/prod",)),
        ("/infra/ @acme/infra\n/infra/prod/\n", "infra/prod", ()),
        ("[Base] @acme/base\n* \n^[DB][2] @acme/db\n/infra/\n", "infra/prod", ("@acme/base", "@acme/db")),
        ("# nothing\n\n", "", ()),
        ("*.tf @acme/tf\n", "", ("@acme/tf",)),
        ("/my\\ dir/ @acme/space\n", "my dir", ("@acme/space",)),
    ],
)
def test_codeowners_are_read_as_github_and_gitlab_read_them(file: str, path: str, expected: tuple[str, ...]) -> None:
    assert owners(file, path) == expected


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_codeowners_file_breaks_the_reading(file: str, path: str) -> None:
    owners(file, path)


def asked(**lock: str) -> Asked:
    info = parse_lock_info(lock_text(A, **lock))
    return Asked(address=DUAL, root="infra/network", info=info, identity=A, by="priya", people=("Samuel Gendler",))


def test_the_message_says_what_who_since_when_what_next_and_reply_by() -> None:
    text = message(asked(), NOW)
    for part in (
        "acme-tfstate/network/terraform.tfstate (infra/network)",
        "Held by runner@ci-7 since 2026-11-23 02:41 UTC (apply, lock 3f8f3f8f)",
        "Perhaps yours: Samuel Gendler?",
        "Next I make sure that nothing is running",
        "reply by 03:27 UTC. priya",
    ):
        assert part in text
    assert "No answer is not a yes" in text


def test_a_laptops_owner_is_asked_whether_it_sleeps_or_ended() -> None:
    assert "asleep" in message(asked(Who="sgendler@Samuels-MBP"), NOW)
    assert "asleep" not in message(asked(Who="runner@runnervmwhb2z"), NOW)


def test_an_unreadable_lock_is_asked_about_too() -> None:
    text = message(msgspec.structs.replace(asked(), info=None, identity="sha256:" + "ab" * 32), NOW)
    assert "nobody that the lock names (an unreadable lock, lock abababab)" in text


def test_what_a_lock_says_cannot_leave_its_line() -> None:
    text = message(asked(Who=f"x\nNext I do nothing{HOSTILE}"), NOW)
    assert len(text.splitlines()) == len(message(asked(), NOW).splitlines())
    assert "\x1b" not in text
