"""Real locks, made by the terraform on PATH: stuck ones, left by an apply that was killed, and live ones.

An apply is held by a provisioner, and a plan by `file()`, that read a named pipe: they hold the lock exactly until the
test opens the gate. `terraform_data` is built in, so nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.lock import Store

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

BUCKET = "acme-tfstate"
TABLE = "acme-tflock"
KEY = "network/terraform.tfstate"
REAL = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform on PATH"),
]
"""For `pytestmark` of tests that run terraform."""

_APPLY_GATE = "apply.gate"
_PLAN_GATE = "plan.gate"


class Mode(enum.StrEnum):
    """Where a backend locks."""

    DYNAMODB = "dynamodb"
    LOCKFILE = "lockfile"
    BOTH = "both"


def wait_for(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Until the condition holds; `what` is what never came when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds} seconds")
        time.sleep(0.02)


@dataclass(frozen=True)
class PracticeRoot:
    """An initialised root module on the embedded AWS."""

    aws: EmbeddedAws
    directory: Path
    mode: Mode
    workspace: str
    arguments: dict[str, Any]
    s3: Any
    dynamodb: Any

    @property
    def module(self) -> RootModule:
        return RootModule(
            directory=str(self.directory),
            name=self.directory.name,
            backend=Backend(type="s3", arguments=self.arguments),
            workspace=self.workspace,
            data_dir=str(self.directory / ".terraform"),
            initialised=True,
        )

    @property
    def address(self) -> StateAddress:
        return self.module.address()

    @property
    def stores(self) -> tuple[Store, ...]:
        """The stores that the backend locks in."""
        chosen = {Mode.DYNAMODB: (Store.DYNAMODB,), Mode.LOCKFILE: (Store.S3,), Mode.BOTH: (Store.S3, Store.DYNAMODB)}
        return chosen[self.mode]

    def environ(self, **more: str) -> dict[str, str]:
        workspace = {} if self.workspace == "default" else {"TF_WORKSPACE": self.workspace}
        return self.aws.environ(TF_IN_AUTOMATION="1", **workspace, **more)

    def terraform(self, *arguments: str) -> str:
        """Run terraform to its end and return what it printed; its failure is the test's."""
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.directory,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def locks(self) -> dict[Store, dict[str, Any]]:
        """What each store holds for this state, as JSON."""
        found: dict[Store, dict[str, Any]] = {}
        address = self.address
        item = self.dynamodb.get_item(TableName=TABLE, Key={"LockID": {"S": address.lock_id}}, ConsistentRead=True)
        if "Item" in item:
            found[Store.DYNAMODB] = json.loads(item["Item"]["Info"]["S"])
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=address.lockfile_key)
        if listed.get("KeyCount"):
            found[Store.S3] = json.loads(self.s3.get_object(Bucket=BUCKET, Key=address.lockfile_key)["Body"].read())
        return found

    def locked(self) -> bool:
        """Whether every store that the backend locks in holds the lock of a plan or an apply."""
        locks = self.locks()
        return all(locks.get(store, {}).get("Operation", "").startswith("OperationType") for store in self.stores)

    def objects(self) -> set[str]:
        """The keys of all objects in the bucket."""
        return {one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    def forget_state(self) -> None:
        """Delete the state object and its digest, as if the workspace had never been written."""
        self.s3.delete_object(Bucket=BUCKET, Key=self.address.state_key)
        self.dynamodb.delete_item(TableName=TABLE, Key={"LockID": {"S": self.address.digest_id}})


@dataclass(frozen=True)
class StuckLock:
    """A lock whose holder is dead."""

    root: PracticeRoot
    lock_id: str
    raw: dict[str, Any]

    @property
    def address(self) -> StateAddress:
        return self.root.address


def practice_root(
    aws: EmbeddedAws,
    directory: Path,
    mode: Mode = Mode.BOTH,
    *,
    workspace: str = "default",
    key: str = KEY,
    create_backend: bool = True,
) -> PracticeRoot:
    """Write a root module, with its bucket and table, and initialise it; a workspace is created."""
    if create_backend:
        aws.create_backend(BUCKET, TABLE)
    directory.mkdir(parents=True, exist_ok=True)
    arguments: dict[str, Any] = {
        "bucket": BUCKET,
        "key": key,
        "region": "eu-west-1",
        "use_path_style": True,
        "skip_requesting_account_id": True,
        "endpoints": {"s3": aws.endpoint, "dynamodb": aws.endpoint, "sts": aws.endpoint, "iam": aws.endpoint},
    }
    if mode is not Mode.LOCKFILE:
        arguments["dynamodb_table"] = TABLE
    if mode is not Mode.DYNAMODB:
        arguments["use_lockfile"] = True
    hold = {"local-exec": {"command": f"cat {_APPLY_GATE}"}}
    module = {
        "terraform": {"backend": {"s3": arguments}},
        "resource": {"terraform_data": {"network": {"provisioner": [hold]}}},
    }
    (directory / "main.tf.json").write_text(json.dumps(module, indent=2))
    root = PracticeRoot(
        aws, directory, mode, "default", arguments, s3=aws.client("s3"), dynamodb=aws.client("dynamodb")
    )
    root.terraform("init", "-no-color", "-input=false")
    if workspace != "default":
        root.terraform("workspace", "new", workspace)
    return dataclasses.replace(root, workspace=workspace)


def stuck_lock(root: PracticeRoot, *, without_state: bool = False) -> StuckLock:
    """Kill an apply that holds the lock; with its state object gone, if asked, as in a workspace never written."""
    apply, _ = _start_apply(root)
    # The runner is dead, at once and with all its children: this is what a lost machine looks like.
    os.killpg(apply.pid, signal.SIGKILL)
    apply.wait(10)
    if without_state:
        root.forget_state()
    raw = next(iter(root.locks().values()))
    return StuckLock(root, raw["ID"], raw)


@dataclass
class LiveApply:
    """An apply that holds its lock until it is told to finish."""

    root: PracticeRoot
    process: subprocess.Popen[bytes]
    gate: Gate
    lock_id: str

    def finish(self) -> None:
        """Let it end by itself, and release its lock."""
        if self.process.poll() is None:
            self.gate.open()
            self.process.wait(30)
            assert self.process.returncode == 0, (self.root.directory / "apply.log").read_text()


@contextmanager
def live_apply(root: PracticeRoot) -> Iterator[LiveApply]:
    """An apply that is alive in the block and holds the lock."""
    process, gate = _start_apply(root)
    live = LiveApply(root, process, gate, next(iter(root.locks().values()))["ID"])
    try:
        yield live
    finally:
        live.finish()


def hold_plans(root: PracticeRoot) -> Gate:
    """Make every plan of this root wait at a gate, lock in hand."""
    gate = Gate(root.directory / _PLAN_GATE)
    module = {"output": {"gate": {"value": f'${{file("${{path.module}}/{_PLAN_GATE}")}}'}}}
    (root.directory / "held.tf.json").write_text(json.dumps(module))
    return gate


class Gate:
    """A named pipe: who reads it waits until it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    def wait_for_reader(self, seconds: float = 30) -> None:
        """Until somebody waits at the gate. They go on waiting: our end stays open, and nothing is written."""
        wait_for(self.is_awaited, f"a reader of {self.path}", seconds)

    def open(self) -> None:
        """Let the one who waits through, and everyone who comes later."""
        self.wait_for_reader()
        opened = self.path.with_suffix(".open")
        opened.write_text("open\n")
        opened.replace(self.path)
        os.write(self._descriptor, b"open\n")
        os.close(self._descriptor)

    @property
    def closed(self) -> bool:
        return self.path.is_fifo()

    def is_awaited(self) -> bool:
        """Whether somebody waits, or has waited, at the gate."""
        if self._descriptor < 0:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        return self._descriptor >= 0


def _start_apply(root: PracticeRoot) -> tuple[subprocess.Popen[bytes], Gate]:
    gate = Gate(root.directory / _APPLY_GATE)
    log = root.directory / "apply.log"
    with log.open("wb") as output:
        apply = subprocess.Popen(
            ["terraform", "apply", "-auto-approve", "-no-color", "-input=false", "-replace=terraform_data.network"],
            cwd=root.directory,
            env=root.environ(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: apply.poll() is not None or (root.locked() and gate.is_awaited()), "the apply")
        assert apply.poll() is None, log.read_text()
    except BaseException:
        if apply.poll() is None:
            os.killpg(apply.pid, signal.SIGKILL)
        apply.wait(10)
        raise
    return apply, gate
