"""Who holds a lock in practice: a real terraform, alive at a gate, or killed there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

PATIENCE = 20.0
_HOLD_PLAN = 'output "inventory" {\n  value = file("${path.module}/inventory.txt")\n}\n'


class HolderError(RuntimeError):
    """A practice terraform did not do what the scenario needs; the sentence carries what it printed."""


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Until the condition holds.

    Raises:
        HolderError: It does not come to hold.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise HolderError(f"{what} did not come within {seconds:.0f} seconds")
        time.sleep(0.02)


class Holder:
    """A terraform on a runner of its own: a copy of the checkout, and a process group that can die at once.

    Args:
        checkout: The root module's directory, initialised.
        directory: Where the copy goes.
        environ: Its environment.

    Attributes:
        lock_id: The lock that it took, once it has.
        alive: Whether it is meant to be alive: neither killed nor let go.
        operation: What it runs.
    """

    def __init__(self, checkout: Path, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory = directory
        self.lock_id = ""
        self.operation = ""
        self.alive = False
        self.log = directory.with_suffix(".log")
        self._gate = directory.with_suffix(".gate")
        self._environ = {**environ, "PRACTICE_GATE": str(self._gate), "TF_IN_AUTOMATION": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._writer = -1
        shutil.copytree(checkout, directory)

    def start(self, operation: str, *, gated: bool = True) -> None:
        """Start to plan, or to apply."""
        self.operation = operation
        if operation == "plan":
            if gated:
                self._hold_plan()
            self._run(("plan",))
        else:
            if not gated:
                self._gate.touch()
            self._run(("apply", "-auto-approve"))
        self.alive = gated

    def wait_for_lock(self, held: Callable[[], str]) -> None:
        """Until it holds a lock; `held` is asked for the ID that is there."""

        def taken() -> bool:
            if self.ended:
                raise HolderError(self.said)
            self.lock_id = held()
            return bool(self.lock_id)

        wait_until(taken, "the practice lock")

    def kill(self) -> None:
        """Let its machine be lost: the process and all its children end at once."""
        self.alive = False
        if self._process is not None and self._process.poll() is None:
            end_family(self._process.pid)
            self._process.wait(PATIENCE)
        self._close()

    def let_go(self) -> None:
        """Open the gate: it ends by itself, and releases its lock."""
        self.alive = False
        if self._writer >= 0:
            opened = self._gate.with_suffix(".open")
            opened.write_text("eu-west-1a\n", encoding="ascii")
            opened.replace(self.directory / "inventory.txt")
            os.write(self._writer, b"eu-west-1a\n")
            self._close()
        else:
            self._gate.touch()

    def wait(self) -> int:
        """Until it has ended; its exit code.

        Raises:
            HolderError: It does not end.
        """
        wait_until(lambda: self.ended, f"the end of a practice {self.operation}")
        assert self._process is not None  # noqa: S101 - it was started
        return int(self._process.returncode)

    @property
    def ended(self) -> bool:
        """Whether its process has ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def _hold_plan(self) -> None:
        path = self.directory / "inventory.txt"
        os.mkfifo(path)
        # Open at both ends, so that neither side waits for the other, and who reads gets an end when we end.
        self._writer = os.open(path, os.O_RDWR)
        (self.directory / "inventory.tf").write_text(_HOLD_PLAN, encoding="utf-8")

    def _run(self, arguments: Sequence[str]) -> None:
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - an argument list of ours
                [_program(self._environ), *arguments, "-no-color", "-input=false"],
                cwd=self.directory,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Our session, so that whoever ends us finds it; a group of its own, so that it can die alone.
                process_group=0,
            )

    def _close(self) -> None:
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1


def end_family(pid: int) -> None:
    """End a process of practice and all below it, as when a machine is lost: the parent first, so it cannot tidy up."""
    try:
        lost = psutil.Process(pid)
        family = [lost, *lost.children(recursive=True)]
    except psutil.Error:
        return
    for one in family:
        with contextlib.suppress(psutil.Error):
            one.kill()


def run(directory: Path, environ: Mapping[str, str], *arguments: str, stdin: bytes | None = None) -> tuple[int, str]:
    """Run terraform in a directory to its end: the exit code, and what it printed.

    Raises:
        HolderError: It is not there, or does not end.
    """
    try:
        done = subprocess.run(  # noqa: S603 - an argument list of ours
            [_program(environ), *arguments],
            cwd=directory,
            env=dict(environ),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HolderError(f"terraform {arguments[0]} could not be run: {error}") from error
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _program(environ: Mapping[str, str]) -> str:
    found = shutil.which("terraform", path=environ["PATH"])
    if found is None:
        raise HolderError("there is no terraform in this practice world")
    return found
