"""S9: no process of ours is unknown, also where we are killed between its start and the word of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from tests.support.stuck import REAL, Gate, PracticeRoot, hold_plans, practice_root, stuck_lock, wait_for
from tuirunbook.core.values import Child, Exit, ProgramError
from tuirunbook.terraform.children import Children, Command
from tuirunbook.terraform.claims import claim, claimed
from tuirunbook.terraform.cli import TerraformCli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.aws import EmbeddedAws

CHECKOUT = Path(__file__).parents[2]

DYING = """
import os, signal, sys
from pathlib import Path
import msgspec
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.terraform.cli import TerraformCli

root = msgspec.json.decode(sys.argv[1], type=RootModule)
address, directory = msgspec.json.decode(sys.argv[2], type=StateAddress), Path(sys.argv[3])

def tell(child):
    if child.pid:
        os.kill(os.getpid(), signal.SIGKILL)
    (directory / "intended.json").write_bytes(msgspec.json.encode(child))

"""
"""An app that is killed when the child runs, and before it could write down which process that is."""


def intended_by_the_dead(body: str, root: PracticeRoot, tmp_path: Path, more: Sequence[str] = ()) -> Child:
    facts = (msgspec.json.encode(root.module).decode(), msgspec.json.encode(root.address).decode(), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", DYING + textwrap.dedent(body), *facts, *more],
        cwd=CHECKOUT,
        env=root.aws.environ(PYTHONPATH="."),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    child = msgspec.json.decode((tmp_path / "intended.json").read_bytes(), type=Child)
    assert child.pid == 0
    return child


@pytest.fixture
def root(aws: EmbeddedAws, tmp_path: Path) -> PracticeRoot:
    return practice_root(aws, tmp_path / "infra")


@pytest.fixture
def gate(root: PracticeRoot) -> Gate:
    return hold_plans(root)


class TestReal:
    """With the terraform on PATH."""

    pytestmark = REAL

    def test_s9_a_plan_whose_process_nobody_wrote_down_is_seen_found_and_followed_to_its_end(
        self, root: PracticeRoot, gate: Gate, tmp_path: Path
    ) -> None:
        body = "TerraformCli(root).plan('plan-1', directory / 'plan.log', (), tell)"
        child = intended_by_the_dead(body, root, tmp_path)
        gate.wait_for_reader()
        restarted = TerraformCli(root.module, environ=root.aws.environ())

        assert restarted.poll(child) is None
        found = restarted.attach(child)
        assert psutil.Process(found.pid).name() == "terraform"
        assert restarted.poll(found) is None
        restarted.interrupt(child)
        wait_for(lambda: "Interrupt received" in Path(child.log).read_text(), "the interrupt")

        gate.open()
        wait_for(lambda: restarted.poll(child), "the end of the plan")
        assert restarted.poll(child) == restarted.poll(found) == Exit(code=None)
        assert root.locks() == {}

    def test_s9_a_force_unlock_whose_process_nobody_wrote_down_is_seen_until_it_has_ended(
        self, aws: EmbeddedAws, root: PracticeRoot, tmp_path: Path
    ) -> None:
        stuck = stuck_lock(root, without_state=True)
        body = """
        with TerraformCli(root, parent=directory).release_root(address) as release:
            release.force_unlock(sys.argv[4], command_id="force-unlock-1", log=directory / "unlock.log", tell=tell)
        """
        with aws.hold("DeleteItem") as held:
            child = intended_by_the_dead(body, root, tmp_path, (stuck.lock_id,))
            held.wait()
            restarted = Children()
            assert restarted.poll(child) is None
            assert restarted.attach(child).pid
            held.release()
            wait_for(lambda: restarted.poll(child), "the end of the release")

        assert root.locks() == {}

    def test_s9_a_shim_that_has_not_come_to_terraform_yet_counts_as_the_child(
        self, root: PracticeRoot, gate: Gate, tmp_path: Path
    ) -> None:
        stalls, shim = tmp_path / "stalls", tmp_path / "shim" / "terraform"
        os.mkfifo(stalls)
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\ncase "$1" in plan) read go < "{stalls}";; esac\nexec terraform "$@"\n')
        shim.chmod(0o755)
        body = "TerraformCli(root, program=sys.argv[4]).plan('plan-1', directory / 'plan.log', (), tell)"
        child = intended_by_the_dead(body, root, tmp_path, (str(shim),))
        restarted = Children()

        assert restarted.poll(child) is None
        assert not root.locks()
        stalls.write_text("go\n")
        wait_for(root.locked, "the lock of the plan")
        assert restarted.poll(child) is None
        gate.open()
        wait_for(lambda: restarted.poll(child), "the end of the plan")
        assert root.locks() == {}


def command(tmp_path: Path, code: str = "", program: str = sys.executable) -> Command:
    return Command(argv=("terraform", "-c", code), executable=program, cwd=str(tmp_path), environ=os.environ)


def test_a_child_is_told_before_it_runs_and_again_with_its_process(tmp_path: Path) -> None:
    told: list[tuple[int, bool]] = []
    children, log = Children(), tmp_path / "plan.log"
    child = children.start("plan-1", command(tmp_path), log, lambda one: told.append((one.pid, log.exists())))
    wait_for(lambda: children.poll(child), "its end")
    assert told == [(0, False), (child.pid, True)]


def test_s4_nothing_is_started_that_could_not_be_taken_down(tmp_path: Path) -> None:
    def refuse(child: Child) -> None:
        raise OSError(f"no room for {child.id}")

    made = tmp_path / "made"
    with pytest.raises(OSError, match="no room for plan-1"):
        Children().start("plan-1", command(tmp_path, f"open({str(made)!r}, 'w')"), tmp_path / "plan.log", refuse)
    assert not made.exists()
    assert not (tmp_path / "plan.log").exists()


@pytest.mark.parametrize("program", ["/bin/true", "/no/such/program"])
def test_what_was_intended_and_runs_no_more_or_never_ran_has_ended(tmp_path: Path, program: str) -> None:
    told: list[Child] = []
    children = Children()
    try:
        child = children.start("plan-1", command(tmp_path, program=program), tmp_path / "plan.log", told.append)
        wait_for(lambda: children.poll(child), "its end")
    except ProgramError:
        assert program.startswith("/no")
    assert Children().poll(told[0]) == Exit(code=None)
    assert Children().attach(told[0]) == told[0]


def test_what_was_never_begun_has_no_log_and_has_ended(tmp_path: Path) -> None:
    told: list[Child] = []
    (tmp_path / "plan.log").symlink_to(tmp_path / "target")
    with pytest.raises(ProgramError, match="cannot be written"):
        Children().start("plan-1", command(tmp_path), tmp_path / "plan.log", told.append)
    assert Children().poll(told[0]) == Exit(code=None)


def test_a_log_that_a_command_still_writes_to_is_not_taken_from_it(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    descriptor = claim(log)
    try:
        os.write(descriptor, b"a plan")
        assert claimed(str(log))
        with pytest.raises(ProgramError, match="was not started"):
            Children().start("plan-1", command(tmp_path), log)
        assert log.read_text() == "a plan"
    finally:
        os.close(descriptor)
    assert not claimed(str(log))


def test_s9_what_runs_and_cannot_be_seen_is_not_signalled_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "plan.log"
    child = Child(id="plan-1", argv=("terraform",), cwd="/", pid=0, started=0.0, boot_id="", log=str(log))
    monkeypatch.setattr("tuirunbook.terraform.children.claimant", lambda _: None)
    descriptor = claim(log)
    try:
        with pytest.raises(ProgramError, match="not which process"):
            Children().interrupt(child)
        assert Children().poll(child) is None
    finally:
        os.close(descriptor)
    Children().interrupt(child)
