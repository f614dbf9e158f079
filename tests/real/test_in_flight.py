"""A real apply that is killed: what its log leaves in doubt, and import blocks that Terraform takes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tuirunbook.core.inflight import UNKNOWN_ID, Action, import_blocks, planned, unfinished

TERRAFORM = shutil.which("terraform") or ""
pytestmark = [pytest.mark.real, pytest.mark.skipif(not TERRAFORM, reason="there is no terraform on PATH")]
ADDRESS = 'terraform_data.slow["eu, west: 1"]'
ROOT = """
resource "terraform_data" "fast" {}
resource "terraform_data" "slow" {
  for_each   = toset(["eu, west: 1"])
  depends_on = [terraform_data.fast]
  provisioner "local-exec" {
    command = "sleep 30"
  }
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(ROOT)
    run(tmp_path, "init")
    return tmp_path


def run(root: Path, *arguments: str) -> str:
    done = subprocess.run([TERRAFORM, *arguments, "-no-color"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def killed(root: Path, *arguments: str) -> str:
    """The output of an apply that was killed while it created something."""
    log = root / "apply.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [TERRAFORM, "apply", "-auto-approve", *arguments],
            cwd=root,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while "Provisioning with" not in log.read_text() and "provision_start" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return log.read_text()


@pytest.mark.parametrize("arguments", [(), ("-no-color",), ("-json",)])
def test_what_a_killed_apply_was_creating_is_read_from_its_log(root: Path, arguments: tuple[str, ...]) -> None:
    found = {one.address: one.action for one in unfinished(killed(root, *arguments))}
    assert found[ADDRESS] is Action.CREATE


def test_its_import_block_is_planned_as_an_import_of_that_name(root: Path) -> None:
    left = [one for one in unfinished(killed(root)) if one.address == ADDRESS]
    (root / "apply.log").unlink()
    (root / ".terraform.tfstate.lock.info").unlink(missing_ok=True)
    assert planned(run(root, "plan"))[ADDRESS] == "will be created"
    (root / "imports.tf").write_text(import_blocks(left).replace(UNKNOWN_ID, "found-by-name"))
    plan = run(root, "plan")
    assert "1 to import" in plan
    assert planned(plan)[ADDRESS] == "will be imported"
