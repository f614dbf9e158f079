"""An interrupt that the operating system does not allow."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.stuck import wait_for
from tuirunbook.core.values import ProgramError
from tuirunbook.terraform.children import Children, Command

if TYPE_CHECKING:
    from pathlib import Path


def test_another_users_child_is_told_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    children = Children()
    command = Command(argv=("/bin/sh", "-c", f"read _ < {gate}"), executable="/bin/sh", cwd="/", environ={})
    child = children.start("plan-1", command, tmp_path / "plan.log")
    asked: list[int] = []

    def refuse(process: psutil.Process, number: int) -> None:
        asked.append(number)
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "send_signal", refuse)
    with pytest.raises(ProgramError, match="belongs to another user, so it was not signalled"):
        children.interrupt(child)
    assert asked == [signal.SIGINT]
    assert children.poll(child) is None
    gate.write_text("go\n")
    wait_for(lambda: children.poll(child), "the end of the child")
