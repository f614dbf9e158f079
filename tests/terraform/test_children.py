"""Children are found again, watched, and asked to stop once."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from tests.support.stuck import wait_for
from tuirunbook.core.values import Child, Exit, ProgramError
from tuirunbook.terraform.children import Children, Command, NoAnswerError, boot_id, find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT = """
import sys
print("stdin is empty" if sys.stdin.read() == "" else "", "up", flush=True)
open(sys.argv[1]).read()
sys.exit(7)
"""


class Waiting:
    """Children that wait for a gate, opened at the end at the latest."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.gate = directory / "gate"
        os.mkfifo(self.gate)
        self.children = Children()
        self._open = False

    def start(self, code: str = WAIT, *, executable: str = sys.executable) -> Child:
        command = Command(
            argv=("terraform", "-c", code, str(self.gate)),
            executable=executable,
            cwd=str(self.directory),
            environ=os.environ,
        )
        child = self.children.start("plan-1", command, self.directory / "plan.log")
        wait_for(lambda: "up" in (self.directory / "plan.log").read_text(), "the child")
        return child

    def open(self) -> None:
        if not self._open:
            self.gate.write_text("go")
            self._open = True

    def end(self, child: Child) -> Exit | None:
        self.open()
        wait_for(lambda: self.children.poll(child), "the end of the child")
        return self.children.poll(child)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    made = Waiting(tmp_path)
    yield made
    for handle in made.children._handles.values():
        if handle.poll() is None:
            made.open()
        handle.wait(10)


def test_a_child_has_a_session_of_its_own_a_closed_stdin_and_a_private_log(waiting: Waiting) -> None:
    child = waiting.start()

    assert os.getsid(child.pid) == child.pid
    assert "stdin is empty" in (waiting.directory / "plan.log").read_text()
    assert stat.S_IMODE((waiting.directory / "plan.log").stat().st_mode) == 0o600


def test_a_child_runs_until_it_ends_and_its_exit_code_is_kept(waiting: Waiting) -> None:
    child = waiting.start()

    assert waiting.children.poll(child) is None
    assert waiting.end(child) == Exit(code=7)
    assert waiting.children.poll(child) == Exit(code=7)


def test_after_a_restart_the_child_is_found_and_its_end_is_seen_without_a_code(waiting: Waiting) -> None:
    child = waiting.start()
    restarted = Children()

    assert restarted.poll(child) is None
    waiting.open()
    wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, "the zombie")
    assert restarted.poll(child) == Exit(code=None)


def test_another_boot_has_no_child_of_this_one(waiting: Waiting) -> None:
    child = msgspec.structs.replace(waiting.start(), boot_id="4a8e3c1e-0000-0000-0000-000000000000")

    assert Children().poll(child) == Exit(code=None)


def test_a_stranger_with_the_same_pid_is_not_the_child() -> None:
    me = psutil.Process()
    stranger = Child(
        id="plan-1",
        argv=("terraform",),
        cwd="/nowhere",
        pid=me.pid,
        started=me.create_time() - 60,
        boot_id=boot_id(),
        log="",
    )

    assert Children().poll(stranger) == Exit(code=None)
    Children().interrupt(stranger)


def test_a_child_is_still_itself_after_the_clock_was_set(waiting: Waiting) -> None:
    child = waiting.start()
    moved = msgspec.structs.replace(child, started=child.started - 3600)

    assert find(moved) is not None


def test_a_boot_time_may_drift_and_a_uuid_may_not(monkeypatch: pytest.MonkeyPatch, waiting: Waiting) -> None:
    child = waiting.start()
    monkeypatch.setattr("tuirunbook.terraform.children.boot_id", lambda: "1700000001")

    assert find(msgspec.structs.replace(child, boot_id="1700000000")) is not None
    assert find(msgspec.structs.replace(child, boot_id="1600000000")) is None
    assert find(child) is None


def test_s9_a_wrapper_is_never_signalled(waiting: Waiting) -> None:
    child = waiting.start()

    with pytest.raises(ProgramError, match="nothing was signalled"):
        waiting.children.interrupt(child)

    assert waiting.end(child) == Exit(code=7)


def test_a_program_that_cannot_be_started_is_a_sentence(tmp_path: Path) -> None:
    command = Command(argv=("terraform",), executable=str(tmp_path / "none"), cwd=str(tmp_path), environ={})

    with pytest.raises(ProgramError, match="terraform cannot be started"):
        Children().start("plan-1", command, tmp_path / "plan.log")


def test_a_log_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "plan.log").symlink_to(tmp_path / "target")
    command = Command(argv=("true",), executable="/bin/true", cwd=str(tmp_path), environ={})

    with pytest.raises(ProgramError, match="cannot be written"):
        Children().start("plan-1", command, tmp_path / "plan.log")
    assert (tmp_path / "target").read_text() == "precious"


def test_both_streams_of_a_short_command_stay_in_order(tmp_path: Path) -> None:
    code = "import sys\nprint(1, flush=True)\nprint(2, file=sys.stderr, flush=True)\nprint(3)"
    command = Command(argv=("x", "-c", code), executable=sys.executable, cwd=str(tmp_path), environ=os.environ)

    assert Children().run(command, limit=30).output == "1\n2\n3\n"
    ran, told = Children().ask(command, limit=30)
    assert (ran.output, told) == ("1\n3\n2\n", "1\n3\n")


def test_s9_a_command_that_does_not_answer_is_left_running(waiting: Waiting) -> None:
    command = Command(
        argv=("terraform", "-c", WAIT, str(waiting.gate)),
        executable=sys.executable,
        cwd=str(waiting.directory),
        environ=os.environ,
    )

    with pytest.raises(NoAnswerError, match="did not answer") as raised:
        waiting.children.run(command, limit=0.05)

    assert waiting.children.poll(raised.value.child) is None
    waiting.open()
    wait_for(lambda: waiting.children.poll(raised.value.child), "its end")
