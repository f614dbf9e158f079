"""Who imports what, who makes permits, and who needs one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tuirunbook

PACKAGE = Path(tuirunbook.__file__).parent
HEAVY = ("textual", "boto3", "botocore", "git", "hcl2")
CORE = sorted(
    ".".join(("tuirunbook", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in (PACKAGE / "core").rglob("*.py")
)
CHANGING = {("_store", "delete"), ("_root", "force_unlock")}
"""The calls by which the walk changes the world."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in PACKAGE.rglob("*.py"):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def loaded_by(modules: list[str]) -> set[str]:
    """The top-level names of all modules that a fresh interpreter has after importing these."""
    code = f"import sys\nimport {', '.join(modules)}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def functions_that_change(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and (node.value.attr, node.attr) in CHANGING
            for node in ast.walk(function)
        ):
            yield function


def test_core_leaves_clouds_git_hcl_and_the_screen_alone() -> None:
    assert not loaded_by(CORE) & set(HEAVY)


def test_the_walk_leaves_clouds_git_hcl_and_the_screen_alone() -> None:
    assert not loaded_by(["tuirunbook.walk.walk"]) & set(HEAVY)


def test_s6_only_the_gates_make_permits() -> None:
    made = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") == "Permit" or getattr(node.func, "attr", "") == "Permit")
    }
    assert made == {"core/gates.py"}


def test_s6_the_seal_of_a_permit_is_known_to_the_gates_alone() -> None:
    assert {name for name, tree in trees() if "_SEAL" in ast.dump(tree)} == {"core/gates.py"}


def test_s6_everything_in_the_walk_that_changes_the_world_takes_a_permit() -> None:
    changing = {
        (name, function.name): [ast.unparse(argument.annotation or ast.Constant("")) for argument in function.args.args]
        for name, tree in trees()
        if name.startswith("walk/")
        for function in functions_that_change(tree)
    }
    assert set(changing) == {("walk/responder.py", "_force_unlock"), ("walk/responder.py", "_delete")}
    assert all("Permit" in annotations for annotations in changing.values())


@pytest.mark.parametrize("forbidden", ["-lock=false", "-migrate-state", "-reconfigure", "-force-copy", "SIGKILL"])
def test_s8_what_is_never_done_is_nowhere_an_argument(forbidden: str) -> None:
    used = {
        name
        for name, tree in trees()
        if not name.startswith("core/")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for node in ast.walk(call)
        if (isinstance(node, ast.Constant) and node.value == forbidden)
        or (isinstance(node, ast.Attribute) and node.attr == forbidden)
    }
    assert used == set()
