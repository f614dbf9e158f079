"""The commands on locks that a real terraform left behind, or still holds."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stuck import REAL, Mode, live_apply, practice_root, stuck_lock
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.evidence.this_machine import ThisMachine

if TYPE_CHECKING:
    from tests.cli.conftest import Machine

pytestmark = REAL


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("workspace", ["default", "prod"])
def test_status_tells_the_lock_of_a_killed_apply(machine: Machine, mode: Mode, workspace: str) -> None:
    root = practice_root(machine.aws, machine.here / "net", mode, workspace=workspace, create_backend=False)
    assert machine.run("status", cwd=root.directory).code == 0
    stuck = stuck_lock(root)
    ran = machine.run("status", "--json", cwd=root.directory)
    assert ran.code == 10
    assert {lock["id"] for lock in ran.json["locks"]} == {stuck.lock_id}
    assert {lock["store"] for lock in ran.json["locks"]} == {store.value for store in root.stores}
    assert ran.json["address"]["workspace"] == workspace


def test_doctor_finds_the_terraform_that_runs_here(machine: Machine) -> None:
    root = practice_root(machine.aws, machine.here / "net", create_backend=False)
    ran = machine.run("doctor", "--json", cwd=root.directory)
    (terraform,) = (check for check in ran.json["checks"] if check["name"] == "terraform")
    assert terraform["level"] == "ok"
    assert "used here" in terraform["fact"]
    assert ran.code == 0, ran.out


def test_an_apply_that_lives_on_this_machine_is_found(machine: Machine) -> None:
    root = practice_root(machine.aws, machine.here / "net", Mode.LOCKFILE, create_backend=False)
    source = ThisMachine(socket.gethostname(), [Path(root.directory)])
    with live_apply(root):
        raw = root.s3.get_object(Bucket=root.address.bucket, Key=root.address.lockfile_key)["Body"].read()
        lock = StoredLock.read(Store.S3, raw)
        found = [one for one in source.gather(lock, root.address, datetime.now(UTC)) if one.final]
        assert {one.says for one in found} == {Says.BLOCKS}
    assert not [one for one in source.gather(lock, root.address, datetime.now(UTC)) if one.final]
