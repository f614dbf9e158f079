"""People, history, causes and the channel, composed as a walk has them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.core.test_recurrence import NOW, TAKEN, journal, lock, snapshot
from tests.evidence.test_causes import BAD, ROLE, Iam
from tests.evidence.test_people import Checkout
from tests.support.incidents import DUAL, B
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.events import Opened
from tuirunbook.core.values import JournalError
from tuirunbook.journal.journals import Journals
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.team import channel, past_incidents, team_sources


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    kept = Journals(tmp_path / "incidents")
    gone = TAKEN - timedelta(days=2)
    events = journal((gone - timedelta(hours=1), snapshot(lock(B))), (gone, snapshot()))
    assert isinstance(events[0], Opened)
    with kept.create(events[0]) as writer:
        for event in events:
            writer.append(event)
    return kept


def test_every_source_answers_about_a_real_checkout(tmp_path: Path, journals: Journals) -> None:
    top = tmp_path / "checkout"
    top.mkdir()
    checkout = Checkout(top)
    checkout.commit("infra/network/main.tf", "Priya Nair", "priya@acme.example", TAKEN - timedelta(hours=1))
    (top / ".github" / "workflows").mkdir(parents=True)
    (top / ".github" / "workflows" / "deploy.yml").write_text(BAD)
    backend = Backend(type="s3", arguments={"role_arn": ROLE})
    root = RootModule(directory=str(top / "infra/network"), name="infra/network", backend=backend, checkout=str(top))
    iam = Iam()
    try:
        sources = team_sources(root, lambda: journals, iam)
        assert not any(source.can_block for source in sources)
        found = {finding.key for source in sources for finding in source.gather(lock(), DUAL, NOW)}
    finally:
        iam.close()
    assert {"people.authors", "recurrence.incidents", "cause.concurrency", "cause.policy", "cause.role"} <= found
    assert len(iam.asked) == 2
    assert EvidenceDesk(sources, lambda _: None, lambda: NOW).asking == ()


def test_a_state_without_a_checkout_still_has_a_history(journals: Journals) -> None:
    root = RootModule(directory=None, name="x", backend=Backend(type="s3"))
    iam = Iam()
    try:
        names = [source.name for source in team_sources(root, lambda: journals, iam)]
    finally:
        iam.close()
    assert names == ["earlier incidents", "the holder's role"]


def test_a_journal_that_cannot_be_read_hides_no_other(journals: Journals) -> None:
    broken = journals.directory / "261101-0101-lime"
    broken.mkdir()
    (broken / "journal.jsonl").write_text("no JSON\n")
    assert [one.id for one in past_incidents(lambda: journals)] == ["261120-0231-kiwi"]


def test_where_no_journal_can_be_read_there_is_no_history() -> None:
    def refuse() -> Journals:
        raise JournalError("no such place")

    assert list(past_incidents(refuse)) == []


def test_a_channel_is_the_users_and_a_wrong_one_is_told() -> None:
    assert channel("", "") is None
    made = channel("https://hooks.example/services/T0", "--read-only")
    assert made is not None
    assert (made.host, "read-only" in made.post("x")) == ("hooks.example", True)
    with pytest.raises(Problem) as caught:
        channel("http://hooks.example/secret", "")
    assert "secret" not in str(msgspec.json.encode(str(caught.value)))
