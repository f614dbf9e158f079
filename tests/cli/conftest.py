"""The command as people run it: a process of its own, on the embedded AWS and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aws import REGION
from tests.support.locks import BUCKET, KEY, TABLE

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Machine:
    """One user's machine: a home, a directory to stand in, an AWS."""

    aws: EmbeddedAws
    home: Path
    here: Path

    def environ(self, **more: str) -> dict[str, str]:
        # The AWS commands that look for a user's home find this one.
        return self.aws.environ(
            **{"HOME": str(self.home), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "100", "TZ": "Europe/Berlin"} | more
        )

    def run(self, *arguments: str, stdin: str = "", cwd: Path | None = None, **environ: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "tuirunbook", *arguments],
            cwd=cwd or self.here,
            env=self.environ(**environ),
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.err, ran.err
        return ran

    def write_root(self, directory: Path | None = None, **arguments: object) -> Path:
        """A root module whose backend is saved, as `init` would have left it."""
        root = directory or self.here
        root.mkdir(parents=True, exist_ok=True)
        given: dict[str, object] = {"bucket": BUCKET, "key": KEY, "region": REGION, "dynamodb_table": TABLE}
        given = {name: value for name, value in (given | arguments).items() if value is not None}
        (root / "main.tf.json").write_text(json.dumps({"terraform": {"backend": {"s3": given}}}))
        (root / ".terraform").mkdir()
        saved = {"version": 3, "backend": {"type": "s3", "config": given}}
        (root / ".terraform" / "terraform.tfstate").write_text(json.dumps(saved))
        return root


@pytest.fixture
def machine(aws: EmbeddedAws, tmp_path: Path) -> Machine:
    """A machine whose user stands in an empty git checkout."""
    home, here = tmp_path / "home", tmp_path / "checkout"
    home.mkdir()
    here.mkdir()
    subprocess.run(["git", "init", "-q", str(here)], check=True)
    aws.create_backend(BUCKET, TABLE)
    return Machine(aws, home, here)


@pytest.fixture
def run(machine: Machine) -> Callable[..., Ran]:
    return machine.run
