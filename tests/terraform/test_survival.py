"""S9: what happens to the app never leaves a lock behind. The plans are real, and held while they hold their lock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from tests.support.stuck import REAL, Gate, PracticeRoot, hold_plans, practice_root, stuck_lock, wait_for
from tuirunbook.core.values import Child, Exit
from tuirunbook.terraform.children import Children
from tuirunbook.terraform.cli import TerraformCli

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

pytestmark = REAL

APP = """
import fcntl, sys, termios
from pathlib import Path
import msgspec
from tuirunbook.core.backend import RootModule
from tuirunbook.terraform.cli import TerraformCli

root, directory = msgspec.json.decode(sys.argv[1], type=RootModule), Path(sys.argv[2])
if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
child = TerraformCli(root).plan("plan-1", directory / "plan.log", ())
(directory / "child.new").write_bytes(msgspec.json.encode(child))
(directory / "child.new").rename(directory / "child.json")
sys.stdin.read()
"""


class App:
    """A process that starts a plan, as the app does, and then waits at its terminal or pipe."""

    def __init__(self, root: PracticeRoot, directory: Path, stdin: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", APP, msgspec.json.encode(root.module).decode(), str(directory)],
            cwd=Path(__file__).parents[2],
            env=root.aws.environ(PYTHONPATH="."),
            stdin=stdin,
            start_new_session=True,
        )
        facts = directory / "child.json"
        wait_for(lambda: facts.exists() or self.process.poll() is not None, "the plan")
        self.child = msgspec.json.decode(facts.read_bytes(), type=Child)
        wait_for(root.locked, "the lock of the plan")

    def ended(self) -> bool:
        return self.process.poll() is not None


@pytest.fixture
def root(aws: EmbeddedAws, tmp_path: Path) -> PracticeRoot:
    return practice_root(aws, tmp_path / "infra")


@pytest.fixture
def gate(root: PracticeRoot) -> Gate:
    return hold_plans(root)


def assert_ends_by_itself_without_a_lock(root: PracticeRoot, gate: Gate, child: Child) -> None:
    restarted = Children()
    assert restarted.poll(child) is None
    gate.open()
    wait_for(lambda: restarted.poll(child), "the end of the plan")
    assert restarted.poll(child) == Exit(code=None)
    assert "Plan: 1 to add" in Path(child.log).read_text()
    assert root.locks() == {}


def test_s9_a_plan_survives_the_sudden_death_of_the_app(root: PracticeRoot, gate: Gate, tmp_path: Path) -> None:
    app = App(root, tmp_path, subprocess.DEVNULL)

    os.killpg(app.process.pid, signal.SIGKILL)
    app.process.wait(10)

    assert_ends_by_itself_without_a_lock(root, gate, app.child)


def test_s9_a_plan_survives_the_closing_of_the_terminal(root: PracticeRoot, gate: Gate, tmp_path: Path) -> None:
    master, terminal = os.openpty()
    app = App(root, tmp_path, terminal)
    os.close(terminal)
    assert not app.ended()

    os.close(master)
    wait_for(app.ended, "the end of the app")

    assert app.process.returncode == -signal.SIGHUP
    assert_ends_by_itself_without_a_lock(root, gate, app.child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_s9_a_plan_survives_a_signal_to_the_app_and_its_group(
    root: PracticeRoot, gate: Gate, tmp_path: Path, number: signal.Signals
) -> None:
    reading, writing = os.pipe()
    app = App(root, tmp_path, reading)
    os.close(reading)

    os.killpg(app.process.pid, number)
    wait_for(app.ended, "the end of the app")
    os.close(writing)

    assert_ends_by_itself_without_a_lock(root, gate, app.child)


def test_s9_a_terraform_whose_wrapper_was_killed_still_runs(root: PracticeRoot, gate: Gate, tmp_path: Path) -> None:
    wrapper = tmp_path / "tf"
    wrapper.write_text(f'#!/bin/sh\n{shutil.which("terraform")} "$@"\nexit $?\n')
    wrapper.chmod(0o755)
    module = msgspec.structs.replace(root.module, program=str(wrapper))
    cli = TerraformCli(module, environ=root.aws.environ())
    child = cli.plan("plan-1", tmp_path / "plan.log", ())
    gate.wait_for_reader()

    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, "the end of the wrapper")

    restarted = Children()
    assert [cli.poll(child), restarted.poll(child)] == [None, None]
    assert root.locks()
    cli.interrupt(child)
    wait_for(lambda: "Interrupt received" in Path(child.log).read_text(), "the interrupt")
    gate.open()
    wait_for(lambda: restarted.poll(child), "the end of the plan")
    assert cli.poll(child) == Exit(code=-signal.SIGKILL)
    assert root.locks() == {}


def test_s9_one_interrupt_is_waited_for_and_releases_the_lock(root: PracticeRoot, gate: Gate, tmp_path: Path) -> None:
    cli = TerraformCli(root.module, environ=root.aws.environ())
    child = cli.plan("plan-1", tmp_path / "plan.log", ())
    gate.wait_for_reader()

    cli.interrupt(child)
    wait_for(lambda: "Interrupt received" in (tmp_path / "plan.log").read_text(), "the interrupt")
    assert cli.poll(child) is None
    assert root.locked()

    gate.open()
    wait_for(lambda: cli.poll(child), "the end of the plan")
    cli.interrupt(child)
    assert "Two interrupts" not in (tmp_path / "plan.log").read_text()
    assert root.locks() == {}


def test_s9_after_a_restart_the_plan_can_still_be_interrupted(root: PracticeRoot, gate: Gate, tmp_path: Path) -> None:
    app = App(root, tmp_path, subprocess.DEVNULL)
    app.process.wait(10)
    restarted = TerraformCli(root.module, environ=root.aws.environ())
    gate.wait_for_reader()

    restarted.interrupt(app.child)
    wait_for(lambda: "Interrupt received" in (tmp_path / "plan.log").read_text(), "the interrupt")
    gate.open()
    wait_for(lambda: restarted.poll(app.child), "the end of the plan")

    assert root.locks() == {}


WRAPPER = """#!/bin/sh
trap 'echo signalled' INT TERM HUP
case "$1" in --version) echo 'terragrunt version v1.1.3'; exit;; esac
terraform "$@"
"""


@pytest.mark.parametrize("name", ["terragrunt", "terraform"])
def test_s9_below_a_wrapper_terraform_itself_is_interrupted(
    root: PracticeRoot, gate: Gate, tmp_path: Path, name: str
) -> None:
    wrapper = tmp_path / "wrapper" / name
    wrapper.parent.mkdir()
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    cli = TerraformCli(root.module, program=str(wrapper), environ=root.aws.environ())
    child = cli.plan("plan-1", tmp_path / "plan.log", ())
    gate.wait_for_reader()

    cli.interrupt(child)
    wait_for(lambda: "Interrupt received" in (tmp_path / "plan.log").read_text(), "the interrupt")
    gate.open()
    wait_for(lambda: cli.poll(child), "the end of the wrapper")

    assert "signalled" not in (tmp_path / "plan.log").read_text()
    assert root.locks() == {}


RELEASE = """
import sys
from pathlib import Path
import msgspec
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.terraform.cli import TerraformCli

root = msgspec.json.decode(sys.argv[1], type=RootModule)
address = msgspec.json.decode(sys.argv[2], type=StateAddress)
directory = Path(sys.argv[4])

def tell(child):
    (directory / "child.new").write_bytes(msgspec.json.encode(child))
    (directory / "child.new").rename(directory / "child.json")

with TerraformCli(root, parent=directory).release_root(address) as release:
    release.force_unlock(sys.argv[3], command_id="force-unlock-1", log=directory / "unlock.log", tell=tell)
"""


def test_s9_a_force_unlock_survives_the_sudden_death_of_the_app_and_is_found_again(
    aws: EmbeddedAws, root: PracticeRoot, tmp_path: Path
) -> None:
    stuck = stuck_lock(root, without_state=True)
    facts = (msgspec.json.encode(root.module).decode(), msgspec.json.encode(stuck.address).decode())
    with aws.hold("DeleteItem") as held:
        app = subprocess.Popen(
            [sys.executable, "-c", RELEASE, *facts, stuck.lock_id, str(tmp_path)],
            cwd=Path(__file__).parents[2],
            env=root.aws.environ(PYTHONPATH="."),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        held.wait()
        child = msgspec.json.decode((tmp_path / "child.json").read_bytes(), type=Child)
        os.killpg(app.pid, signal.SIGKILL)
        app.wait(10)
        restarted = Children()
        assert restarted.poll(child) is None
        assert root.locks()
        held.release()
        wait_for(lambda: restarted.poll(child), "the end of the release")

    assert root.locks() == {}
    assert "successfully unlocked" in Path(child.log).read_text()
