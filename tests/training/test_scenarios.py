"""Scenario files: what is shipped, and what is said about mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.training.playing import Desk
from tuirunbook.core.scenario import Fate, Right, drawn, seconds
from tuirunbook.training.scenarios import SHIPPED, ScenarioErrors, load, shipped

GOOD = """\
name = "mine"
page = "03:10 prod is blocked"
teaches = "One thing."

[[roots]]
name = "prod"

[[locks]]
fate = "dead"

[[inquiries]]
id = "run"
who = "CI"
ask = "how did it end?"
answer = "It died."

[judge]
right = "release"
needs = ["run"]

[debrief]
truth = "It died."
"""

SIGHTING = '[[sightings]]\nkey = "run"\nfact = "a run ended"\nsource = "gh"\n'


def mistakes(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ScenarioErrors) as caught:
        load(path)
    return [(one.line, one.sentence) for one in caught.value.mistakes]


def test_every_shipped_scenario_is_without_mistakes_and_in_its_order() -> None:
    names = [scenario.name for scenario in shipped()]
    assert names[:3] == ["dead-plan", "live-apply", "dead-apply"]
    assert len(names) == len(list(SHIPPED.glob("*.toml")))


def test_the_first_two_pages_begin_with_the_same_screen_but_for_operation_and_age() -> None:
    first, second, *_ = shipped()
    assert (first.locks[0].who, first.roots[0].name) == (second.locks[0].who, second.roots[0].name)
    assert seconds(second.locks[0].age) > seconds(first.locks[0].age)
    assert second.judge.right is Right.WAIT


def test_what_a_page_needs_can_be_found_out_in_it() -> None:
    for scenario in shipped():
        for seed in range(4):
            played = drawn(scenario, seed)
            assert all(played.inquiry(name) for name in played.judge.needs), scenario.name


def test_a_seed_decides_who_lives_and_nothing_on_the_first_screen_tells() -> None:
    twin = load(SHIPPED / "twin-2.toml")
    played = [drawn(twin, seed) for seed in range(30)]
    assert {one.locks[0].fate for one in played} == {Fate.DEAD, Fate.ALIVE}
    assert len({one.page for one in played}) == 1
    assert len({(one.locks[0].operation, one.sightings) for one in played}) == 1
    assert drawn(twin, 7) == drawn(twin, 7)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    assert load(tmp_path / "mine.toml").judge.needs == ("run",)


def test_the_example_of_the_format_is_a_scenario(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", (SHIPPED / "FORMAT.md").read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "my-page.toml").write_text(example[1])
    assert load(tmp_path / "my-page.toml").name == "my-page"


@pytest.mark.parametrize(
    ("was", "is_", "line", "said"),
    [
        ('fate = "dead"', 'fate = "undead"', 9, "fate: expected one of 'dead', 'alive', 'seed'"),
        ('fate = "dead"', 'fates = "dead"', 9, "fates is not known here; expected one of"),
        ('fate = "dead"', 'age = "soon"', 9, "expected a time span"),
        ('fate = "dead"', 'root = "nowhere"', 9, "root: expected one of prod"),
        ('fate = "dead"', 'operation = "destroy"', 9, "expected one of 'plan', 'apply'"),
        ('needs = ["run"]', 'needs = ["walk"]', 19, "there is no inquiry 'walk'"),
        ('answer = "It died."\n', "", 11, "answer is missing in inquiries"),
        ('name = "mine"', 'name = "yours"', 1, "expected 'mine', as the file is called"),
        ('page = "03:10', 'page = 3 "03:10', 2, "this is not TOML"),
        ('name = "prod"', 'name = "prod"\nhas = "vpc"', 7, "has: expected a list of texts, and this is text"),
        ("[[locks]]", '[[profiles]]\nname = "a"\naccount = "12"\n[[locks]]', 10, "account: expected 12 digits"),
        ("[[locks]]", '[[profiles]]\nname = "a"\naccount = "210987654321"\n[[locks]]', 8, "in account 123456789012"),
        ("[[locks]]", '[[hints]]\ntext = "q"\nstep = "rule_out"\n[[locks]]', 10, "step: expected one of ask,"),
        ("[[locks]]", f'{SIGHTING}root = "nowhere"\n[[locks]]', 12, "root: expected one of prod"),
        (
            "[[locks]]",
            '[[in_line]]\nwhat = "a"\nstarts = "b"\nroot = "no"\n[[locks]]',
            11,
            "root: expected one of prod",
        ),
        ("[[locks]]", "[locks]", 8, "expected [[locks]] tables"),
        ('truth = "It died."', "truth = 1", 22, "truth: expected text, and this is a whole number"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_expected(
    tmp_path: Path, was: str, is_: str, line: int, said: str
) -> None:
    found = mistakes(tmp_path, GOOD.replace(was, is_, 1))
    assert any(number == line and said in sentence for number, sentence in found), found


def test_one_check_tells_every_mistake(tmp_path: Path) -> None:
    text = GOOD.replace('fate = "dead"', 'fate = "undead"').replace('needs = ["run"]', "needs = 3")
    assert [line for line, _ in mistakes(tmp_path, text)] == [9, 19]


def test_check_on_the_command_line_prints_file_and_line(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('fate = "dead"', 'fate = "undead"'))
    assert f"{path}:9: fate" in desk.run("train", "--check", str(path), check=False)
    path.write_text(GOOD)
    assert "a scenario without mistakes" in desk.run("train", "--check", str(path))
    assert "cannot be read" in desk.run("train", "--check", str(tmp_path / "gone.toml"), check=False)
