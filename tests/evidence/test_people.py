"""Authors from a real git repository, owners from real files, and a webhook that is a server on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.incidents import DUAL, A, Story, lock_text, stored
from tuirunbook.core.events import FindingRecorded, timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.lock import Store
from tuirunbook.core.people import AUTHORS, OWNERS, WHO, named
from tuirunbook.evidence.people import People, Webhook

CREATED = datetime(2026, 11, 23, 2, 41, tzinfo=UTC)
NOW = CREATED + timedelta(minutes=31)


class Checkout:
    """A git repository with commits of chosen people at chosen times."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, **environ: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.top, check=True, env=self._environ | environ, capture_output=True)

    def commit(self, file: str, name: str, email: str, at: datetime) -> None:
        path = self.top / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name} {at}\n")
        stamp = at.isoformat()
        self.git("add", "--", file)
        self.git(
            "commit",
            "-qm",
            "change",
            GIT_AUTHOR_NAME=name,
            GIT_AUTHOR_EMAIL=email,
            GIT_AUTHOR_DATE=stamp,
            GIT_COMMITTER_NAME="merge queue",
            GIT_COMMITTER_EMAIL="queue@acme.example",
            GIT_COMMITTER_DATE=stamp,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.commit("infra/prod/main.tf", "Old Hand", "old@acme.example", CREATED - timedelta(days=200))
    made.commit("infra/prod/main.tf", "Samuel Gendler", "sgendler@acme.example", CREATED - timedelta(days=3))
    made.commit("infra/prod/db.tf", "Priya Nair", "priya@acme.example", CREATED - timedelta(hours=1))
    made.commit("docs/x.md", "Some Writer", "writer@acme.example", CREATED - timedelta(hours=1))
    return made


def gather(checkout: Checkout, who: str = "runner@runnervmwhb2z", root: str = "infra/prod") -> dict[str, Finding]:
    source = People(checkout.top, checkout.top / root)
    lock = stored(Store.S3, lock_text(A, Who=who, Created=timestamp(CREATED)))
    return {finding.key: finding for finding in source.gather(lock, DUAL, NOW)}


def test_recent_authors_of_this_root_are_named_the_latest_first(checkout: Checkout) -> None:
    fact = gather(checkout)[AUTHORS].fact
    assert fact.index("Priya Nair (1 commit on 2026-11-23 01:41Z)") < fact.index("Samuel Gendler")
    assert "Some Writer" not in fact
    assert "Old Hand" not in fact


def test_work_on_a_branch_that_is_not_checked_out_counts(checkout: Checkout) -> None:
    checkout.git("checkout", "-qb", "feature")
    checkout.commit("infra/prod/x.tf", "Branch Worker", "branch@acme.example", CREATED - timedelta(minutes=5))
    checkout.git("checkout", "-q", "main")
    assert "Branch Worker" in gather(checkout)[AUTHORS].fact


def test_what_was_committed_long_after_the_lock_does_not_count(checkout: Checkout) -> None:
    checkout.commit("infra/prod/x.tf", "Late Comer", "late@acme.example", CREATED + timedelta(days=3))
    assert "Late Comer" not in gather(checkout)[AUTHORS].fact


def test_a_mailmap_makes_one_person_of_two_addresses(checkout: Checkout) -> None:
    (checkout.top / ".mailmap").write_text("Samuel Gendler <sgendler@acme.example> <sam@home.example>\n")
    checkout.commit("infra/prod/x.tf", "sam", "sam@home.example", CREATED - timedelta(hours=2))
    assert "Samuel Gendler (2 commits" in gather(checkout)[AUTHORS].fact


def test_the_locks_who_is_matched_with_an_author(checkout: Checkout) -> None:
    assert gather(checkout, "sgendler@Samuels-MBP")[WHO].fact.startswith("sgendler@Samuels-MBP may be Samuel Gendler (")
    assert WHO not in gather(checkout)


def test_owners_come_from_the_codeowners_file(checkout: Checkout) -> None:
    assert OWNERS not in gather(checkout)
    (checkout.top / "CODEOWNERS").write_text("/infra/ @acme/platform\n/docs/ @acme/docs\n")
    found = gather(checkout)[OWNERS]
    assert (found.fact, found.source) == ("owners of infra/prod: @acme/platform", "CODEOWNERS")


def test_a_directory_that_is_no_repository_says_so_and_does_not_raise(tmp_path: Path) -> None:
    source = People(tmp_path, tmp_path / "infra")
    lock = stored(Store.S3, lock_text(A))
    (finding,) = source.gather(lock, DUAL, NOW)
    assert "is not known" in finding.fact


def test_people_never_weigh(checkout: Checkout) -> None:
    (checkout.top / "CODEOWNERS").write_text("* @acme/platform\n")
    assert {finding.says for finding in gather(checkout, "priya@laptop").values()} == {Says.NOTHING}


def test_the_message_can_name_whom_the_findings_name(checkout: Checkout) -> None:
    (checkout.top / "CODEOWNERS").write_text("* @acme/platform @sam\n")
    story = Story()
    assert named(story.incident, A) == ()
    for finding in gather(checkout).values():
        story.add(FindingRecorded, finding=finding)
    assert named(story.incident, A) == ("Priya Nair", "@acme/platform", "@sam")
    for finding in gather(checkout, "sgendler@Samuels-MBP").values():
        story.add(FindingRecorded, finding=finding)
    assert named(story.incident, A) == ("Samuel Gendler", "@acme/platform", "@sam")


def test_an_authors_name_is_data(checkout: Checkout) -> None:
    checkout.commit("infra/prod/x.tf", "\x1b[31mred [bold]x[/]", "x@acme.example", CREATED)
    fact = gather(checkout)[AUTHORS].fact
    assert "\x1b" not in fact
    assert "[bold]x[/]" in fact


class Channel:
    """What a chat system's incoming webhook takes."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, object]] = []
        self.status = 200
        channel = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                channel.posts.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(channel.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/services/T0/B0/secret"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.close()


def test_a_message_is_posted_once_as_text(channel: Channel) -> None:
    assert Webhook(channel.address).post("A lock is in the way\nIs it yours?") == "posted to 127.0.0.1"
    assert channel.posts == [
        ("/services/T0/B0/secret", "application/json", {"text": "A lock is in the way\nIs it yours?"})
    ]


def test_a_lock_cannot_call_a_whole_channel(channel: Channel) -> None:
    Webhook(channel.address).post("Held by <!channel> & <https://evil.example|docs>")
    assert channel.posts[0][2] == {"text": "Held by &lt;!channel&gt; &amp; &lt;https://evil.example|docs&gt;"}


def test_s11_read_only_posts_nothing(channel: Channel) -> None:
    assert "read-only (--read-only)" in Webhook(channel.address, lambda: "--read-only").post("x")
    assert channel.posts == []


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refusal_is_told_and_a_redirect_is_not_followed(channel: Channel, status: int) -> None:
    channel.status = status
    assert Webhook(channel.address).post("x") == f"not posted: 127.0.0.1 said {status}"
    assert len(channel.posts) == 1


def test_a_server_that_is_not_there_is_told(channel: Channel) -> None:
    channel.close()
    assert Webhook(channel.address).post("x") == "not posted: 127.0.0.1 cannot be reached"


@pytest.mark.parametrize("address", ["http://hooks.example/secret", "ftp://127.0.0.1/secret", "secret", "https://"])
def test_s13_an_address_that_is_not_safe_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="https") as caught:
        Webhook(address)
    assert "secret" not in str(caught.value)
