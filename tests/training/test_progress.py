"""Progress: kept per person, due again, forgotten when asked, and reported without a ranking."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.training.playing import Desk
from tuirunbook.core.score import Grade
from tuirunbook.training.progress import Done, Progress, due, rate, report
from tuirunbook.training.scenarios import shipped

NOW = datetime(2026, 11, 23, 3, 10, tzinfo=UTC)


def done(scenario: str = "dead-plan", days: float = 0, person: str = "mara", **more: object) -> Done:
    at = (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    given = {"grade": Grade.BEST, **more}
    return Done(person=person, scenario=scenario, at=at, **given)  # type: ignore[arg-type]


def test_runs_are_kept_per_person_and_damaged_lines_are_left_out(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "training" / "progress.jsonl")
    progress.add(done())
    progress.add(done(person="kim"))
    with (tmp_path / "training" / "progress.jsonl").open("a") as file:
        file.write("{half a line\n")
    assert [one.person for one in progress.all()] == ["mara", "kim"]
    assert len(progress.of("kim")) == 1
    assert (tmp_path / "training" / "progress.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_page_is_due_after_30_days_and_then_after_90() -> None:
    assert due([done(days=29)], NOW) == ()
    assert due([done(days=31)], NOW) == ("dead-plan",)
    assert due([done(days=120), done(days=89)], NOW) == ()
    assert due([done(days=130), done(days=91)], NOW) == ("dead-plan",)


def test_one_page_or_all_of_a_person_can_be_forgotten(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.jsonl")
    for one in (done(), done("live-apply"), done(person="kim")):
        progress.add(one)
    assert progress.reset("mara", "dead-plan") == 1
    assert progress.reset("mara") == 1
    assert [one.person for one in progress.all()] == ["kim"]


def test_only_twins_are_scored() -> None:
    runs = [done(grade=Grade.UNSAFE), done(twin=True, grade=Grade.UNSAFE), done(twin=True)]
    assert rate(runs) == (1, 2)


def test_the_report_names_people_by_name_and_what_is_open() -> None:
    told = report([done(person="zoe"), done(person="kim", twin=True, grade=Grade.UNSAFE)], shipped(), NOW)
    assert [person["person"] for person in told["people"]] == ["kim", "zoe"]
    assert told["people"][0]["unsafe_on_twins"] == 1
    assert "live-apply" in told["people"][1]["open"]


def test_the_commands_tell_progress_and_forget_it(desk: Desk) -> None:
    assert "Nobody has trained here yet" in desk.run("train", "--report", "md")
    progress = Progress(desk.home / "state" / "tflock-tui" / "training" / "progress.jsonl")
    progress.add(done(days=40000 / 24))
    listed = json.loads(desk.run("train", "--list", "--json"))
    assert listed[0]["name"] == "dead-plan"
    assert listed[0]["teaches"]
    assert {row["name"] for row in listed[1:]} == {""}
    assert {row["teaches"] for row in listed[1:]} == {""}
    assert [row["number"] for row in json.loads(desk.run("train", "--due", "--json"))] == [1]
    assert json.loads(desk.run("train", "--report", "json"))["people"][0]["person"] == "mara"
    assert "There is no page 'dead-plann'" in desk.run("train", "--reset", "dead-plann", check=False)
    assert "--json goes with" in desk.run("train", "--json", check=False)
    assert "Forgotten: 1 run of" in desk.run("train", "--reset", "1")
    assert json.loads(desk.run("train", "--due", "--json")) == []


def test_without_a_terminal_or_with_an_unknown_page_it_says_what_to_do(desk: Desk) -> None:
    assert "train --list" in desk.run("train", "no-such-page", check=False)
    assert "needs a terminal" in desk.run("train", check=False)


def test_without_the_extra_the_one_command_that_installs_it_is_told(desk: Desk) -> None:
    nothing = desk.home / "site"
    nothing.mkdir()
    (nothing / "sitecustomize.py").write_text(
        "import importlib.util as u\nfound = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name.partition('.')[0] in {'moto', 'flask'} else found(name, *a)\n"
    )
    said = desk.run("train", "1", check=False, PYTHONPATH=f"{nothing}:{desk.environ()['PYTHONPATH']}")
    assert "moto is not installed" in said
    assert "-m pip install" in said
    assert "moto[dynamodb,s3]>=5.1" in said
