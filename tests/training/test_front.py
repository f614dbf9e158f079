"""The front of a practice world: this machine only, nothing of the user's, and the clock of the page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws import EmbeddedAws
from tests.support.incidents import DUAL, held
from tests.training.playing import Desk
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import Store
from tuirunbook.core.scenario import Debriefing, PracticeRoot, Queued, Right, Rules, Scenario, Sighting
from tuirunbook.settings import UserSettings
from tuirunbook.training.front import PracticeAdapters, zone_of
from tuirunbook.training.place import NotLoopbackError
from tuirunbook.training.practice_ci import PracticeCi
from tuirunbook.wiring.options import Options

NOW = datetime(2026, 11, 23, 17, 45, tzinfo=UTC)
ARGUMENTS = {"bucket": "b", "key": "k", "region": "eu-west-1", "dynamodb_table": "t"}


def adapters(tmp_path: Path, aws: EmbeddedAws, **environ: str) -> PracticeAdapters:
    return PracticeAdapters(Options(start=str(tmp_path)), aws.environ(**environ), aws.endpoint, "mara")


def root(tmp_path: Path, **arguments: object) -> RootModule:
    backend = Backend(type="s3", arguments=ARGUMENTS | arguments)
    return RootModule(directory=str(tmp_path), name="prod", backend=backend)


def test_clients_that_lead_anywhere_else_are_refused(tmp_path: Path, aws: EmbeddedAws) -> None:
    adapters(tmp_path, aws).clients(root(tmp_path)).close()
    with pytest.raises(NotLoopbackError):
        adapters(tmp_path, aws, AWS_ENDPOINT_URL="").clients(root(tmp_path))
    with pytest.raises(NotLoopbackError):
        adapters(tmp_path, aws).clients(root(tmp_path, endpoints={"s3": "https://s3.amazonaws.com"}))


def test_the_users_settings_are_not_read(
    tmp_path: Path, aws: EmbeddedAws, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk.home / "config" / "tflock-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("this is not even TOML")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(desk.home / "config"))
    made = adapters(tmp_path, aws)
    assert made.settings.user == UserSettings(if_match_endpoints=(aws.endpoint,), operator="mara")
    assert not made.policy.read_only
    assert made.operator() == "mara"


@pytest.mark.parametrize(("page", "shown"), [("03:10 prod is blocked", "03:12"), ("23:59 late", "00:01")])
def test_the_clock_shows_the_time_of_the_page(page: str, shown: str) -> None:
    zone = zone_of(page, NOW)
    assert f"{NOW.astimezone(zone):%H:%M}" == shown


def test_a_page_without_a_time_leaves_the_clock_alone() -> None:
    assert zone_of("prod is blocked", NOW) is None


def played(**more: Any) -> Scenario:
    judge, told = Rules(right=Right.RELEASE), Debriefing(truth="")
    roots = (PracticeRoot(name=DUAL.key.rpartition("/")[0]),)
    return Scenario(name="x", page="", teaches="", roots=roots, judge=judge, debrief=told, **more)


def test_practice_ci_speaks_about_the_lock_of_its_root_only() -> None:
    lock = held(Store.DYNAMODB).lock
    name = DUAL.key.rpartition("/")[0]
    sightings = (
        Sighting(key="run", fact="a run was lost", source="gh run list", says="blocks", root=name),
        Sighting(key="other", fact="another run", source="gh run list", root="prod/elsewhere"),
    )
    ci = PracticeCi(played(sightings=sightings), lambda: False)
    (finding,) = ci.gather(lock, DUAL, NOW)
    assert (finding.key, finding.says, finding.lock) == ("ci.run", Says.BLOCKS, lock.identity)
    assert finding.source == "practice: gh run list"
    assert ci.can_block


def test_practice_ci_shows_what_is_in_line_until_it_is_held_and_then_how_it_goes_on() -> None:
    lock = held(Store.DYNAMODB).lock
    queued = Queued(what="run 9", starts="starts at once", undo="gh run approve 9")
    elsewhere = Queued(what="run 10", starts="starts at once", root="prod/elsewhere")
    queue_held: list[bool] = []
    ci = PracticeCi(played(in_line=(queued, elsewhere)), lambda: bool(queue_held))

    def in_line() -> list[tuple[str, str, str]]:
        (finding,) = ci.gather(lock, DUAL, NOW)
        assert isinstance(finding.in_line, tuple)
        return [(line.what, line.stage, line.undo) for line in finding.in_line]

    assert in_line() == [("run 9", "queued", "")]
    queue_held.append(True)
    assert in_line() == [("run 9", "waiting", "gh run approve 9")]
