"""What the benchmarks run on: a held lock on a local AWS, and an initialised root module."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.aws import EmbeddedAws
from tests.support.stuck import TABLE, Mode, PracticeRoot, practice_root


@dataclass(frozen=True)
class World:
    """One held lock.

    Attributes:
        aws: The AWS.
        root: The root module.
        home: A home directory without settings.
    """

    aws: EmbeddedAws
    root: PracticeRoot
    home: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a program that is measured."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        python = {"PYTHONPATH": str(Path(__file__).parents[2])}
        return self.root.environ(HOME=str(self.home), PATH=path, COLORTERM="truecolor", **python)

    def lock(self) -> str:
        """Put a lock as a dead apply leaves it; its ID."""
        lock_id = str(uuid.uuid4())
        info = {
            "ID": lock_id,
            "Operation": "OperationTypeApply",
            "Info": "",
            "Who": "runner@runnervm3jyl0",
            "Version": "1.11.4",
            "Created": "2026-03-14T02:21:14.508119732Z",
            "Path": self.root.address.lock_id,
        }
        item = {"LockID": {"S": self.root.address.lock_id}, "Info": {"S": json.dumps(info)}}
        self.root.dynamodb.put_item(TableName=TABLE, Item=item)
        return lock_id


@contextmanager
def world() -> Iterator[World | None]:
    """A world, or None where there is no terraform to initialise a root with."""
    if shutil.which("terraform") is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary, EmbeddedAws() as aws:
        base = Path(temporary).resolve()
        (base / "home").mkdir()
        yield World(aws, practice_root(aws, base / "infra" / "network", Mode.DYNAMODB), base / "home")
