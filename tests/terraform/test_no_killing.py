"""S9: no code path of this room can kill a child, or run one in a way that does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tuirunbook.terraform

ROOM = sorted(Path(tuirunbook.terraform.__path__[0]).glob("*.py"))
FORBIDDEN_CALLS = {
    "kill",
    "killpg",
    "terminate",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "system",
    "popen",
}
FORBIDDEN_NAMES = {"SIGKILL", "SIGTERM", "SIGHUP", "SIGQUIT", "asyncio"}


def test_there_is_code_to_look_at() -> None:
    assert {"children.py", "cli.py", "release_root.py"} <= {path.name for path in ROOM}


@pytest.mark.parametrize("path", ROOM, ids=lambda path: path.name)
def test_s9_nothing_here_kills(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                assert name not in FORBIDDEN_CALLS | FORBIDDEN_NAMES, f"{path.name}: {name}"
            case ast.keyword(arg="shell"):
                pytest.fail(f"{path.name}:{node.value.lineno} names a shell")


def test_s9_the_only_signal_is_an_interrupt() -> None:
    sent = [
        ast.unparse(node.args[0])
        for path in ROOM
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send_signal"
    ]

    assert sent == ["signal.SIGINT"]


def test_s9_children_are_started_in_one_place_in_a_session_of_their_own() -> None:
    started = [
        node
        for path in ROOM
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]

    (popen,) = started
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in popen.keywords}
    assert ast.unparse(popen.func) == "subprocess.Popen"
    assert given["start_new_session"] == "True"
    assert given["stdin"] == "subprocess.DEVNULL"
