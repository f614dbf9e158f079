"""What is on the screen when the lock is hostile, the window small, or Python new."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.real.walking import CHECKOUT, replace_lock, stuck_on_a_runner
from tests.support.stuck import REAL
from tuirunbook.core.lock import Store

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]

HOSTILE = {
    "Who": (
        "\x1b]0;owned\x07\x1b[2J\x1b[31mred [bold]loud[/bold] [@click=app.quit]x[/] [/x] <b>html</b>\u202eevil@h\x00"
    ),
    "Operation": "OperationTypeApply\x1b[?1049l",
    "Info": "<script>alert(1)</script> | ` $(touch /tmp/x)",
    "Version": "\x1b[999;999H\x9b31m",
}


def test_hostile_lock_fields_are_shown_as_text_and_do_nothing(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    stuck = stuck_on_a_runner(root)
    replace_lock(root, Store.DYNAMODB, json.dumps(stuck.raw | HOSTILE))
    operator = desk.start()
    operator.up_to_release()
    operator.wait_for("[bold]loud[/bold] [@click=")
    operator.press("home", "up", "up", "up", "up")
    operator.wait_for("DynamoDB holds")
    operator.press("enter")
    operator.wait_for("[@click=app.quit]x[/] [/x] <b>html</b>")
    operator.press("escape", "home")
    operator.step(6)
    operator.force_unlock(stuck.lock_id)
    operator.wait_for("released: no store holds it any more")
    assert root.locks() == {}
    assert operator.quit() == 0

    assert operator.terminal.title != "owned"
    for sequence in ("\x1b]0;owned", "\x1b[2J\x1b[31m", "\x1b[999;999H", "\u202e", "\x00", "\x9b"):
        assert sequence.encode() not in operator.terminal.written
    document = desk.run("export", desk.incident()["id"])
    assert "<b>html" not in document.partition("# Appendix")[0]
    assert "\x1b" not in document


def test_a_lock_of_400_kilobytes_is_shown_and_released(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    stuck = stuck_on_a_runner(root)
    big = "x" * (390 * 1024)
    replace_lock(root, Store.DYNAMODB, json.dumps(stuck.raw | {"Info": big}))
    operator = desk.start()
    operator.up_to_release()
    operator.force_unlock(stuck.lock_id)
    operator.wait_for("released: no store holds it any more")
    assert root.locks() == {}


def test_the_window_can_be_resized_in_mid_walk(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck = stuck_on_a_runner(desk.root)
    operator = desk.start()
    operator.arrive()
    operator.terminal.resize(60, 20)
    operator.wait_for("3/9")
    assert not operator.sees("▶ 3")
    operator.next_to("Which CI run took this lock")
    operator.answer("ci", "cancelled", link="ci.example/8121")
    operator.terminal.resize(140, 40)
    operator.answer("owner", "mine-died", who="Kim", how="her laptop shut down")
    operator.answer("holder-host", "ended", how="looked with ps")
    operator.step(4)
    operator.wait_for(stuck.lock_id)
    assert all(len(line) <= 140 for line in operator.terminal.screen)

    operator.terminal.resize(40, 10)
    operator.wait_for("Too small")
    operator.terminal.resize(80, 24)
    operator.step(4)
    operator.retry_plan()


def test_python_3_13_keeps_the_plan_alive_too(make_desk: MakeDesk, python_3_13: str) -> None:
    from tests.real.test_survival import with_our_plan_in_hand  # noqa: PLC0415 - the same start

    desk = make_desk()
    desk.python = python_3_13
    operator, gate = with_our_plan_in_hand(desk)
    operator.terminal.kill()
    assert desk.root.locked()
    resumed = desk.start("resume")
    resumed.wait_for("■ your plan")
    gate.open()
    resumed.wait_for("✓ plan: Plan: ")
    assert desk.root.locks() == {}


@pytest.fixture(scope="session")
def python_3_13(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python 3.13 with what the tool needs, made once; `TFLOCK_TEST_PY313` asks for it, as `1` or as its path."""
    asked = os.environ.get("TFLOCK_TEST_PY313", "")
    if not asked:
        pytest.skip("it installs the tool once more; TFLOCK_TEST_PY313=1, or the path of a python3.13, asks for it")
    base = "python3.13" if asked == "1" else asked
    # A pyenv shim is on PATH also where no 3.13 is chosen.
    if shutil.which(base) is None or subprocess.run([base, "--version"], check=False, capture_output=True).returncode:
        pytest.skip(f"{base} does not run here")
    directory = tmp_path_factory.mktemp("python")
    subprocess.run([base, "-m", "venv", str(directory)], check=True, timeout=120)
    python = str(directory / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", str(CHECKOUT)], check=True, timeout=600)
    return python
