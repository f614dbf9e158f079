"""The layout keeps its word: imports have one direction, every rule has tests, and the README names what is there."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tuirunbook

PACKAGE = Path(tuirunbook.__file__).parent
CHECKOUT = PACKAGE.parent
TESTS = CHECKOUT / "tests"
FLOOR = [f"S{number}" for number in range(1, 17)]
LAYOUT = (CHECKOUT / "README.md").read_text("utf-8").partition("## How the code is laid out")[2]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


def imported_by(tree: ast.Module, modules: set[str]) -> set[str]:
    """The modules of ours that a file imports, anywhere in it; a name that is itself a module counts as that."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & modules or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def test_no_file_imports_one_that_imports_it_not_even_later_or_for_its_types() -> None:
    paths = {module_of(path): path for path in PACKAGE.rglob("*.py")}
    arrows = {
        name: imported_by(ast.parse(path.read_text(encoding="utf-8")), set(paths)) - {name}
        for name, path in paths.items()
    }
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as circle:
        pytest.fail(f"a circle: {' ← '.join(circle.args[1])}")


@pytest.mark.parametrize("rule", FLOOR)
def test_every_rule_of_the_safety_floor_has_tests_that_carry_its_number(rule: str) -> None:
    carries = re.compile(rf"def test_{rule.lower()}_")
    assert any(carries.search(path.read_text(encoding="utf-8")) for path in TESTS.rglob("test_*.py"))


def test_every_room_is_in_the_readme_and_the_readme_names_no_other() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.name[0] not in "_." and path.suffix in {"", ".py"}}
    rows = [line.split("|")[1] for line in LAYOUT.splitlines() if line.startswith("| `")]
    assert {room for row in rows for room in re.findall(r"`(\w+)`", row)} == rooms - {"docs", "runbooks"}


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`([\w./]+/[\w./]*)`", LAYOUT))))
def test_what_the_readme_says_to_touch_is_there(place: str) -> None:
    assert (PACKAGE / place).exists() or (CHECKOUT / place).exists()
