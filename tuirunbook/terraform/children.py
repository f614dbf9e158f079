"""Child processes that outlive us, are found again after a restart, and are asked to stop, never made to.

`subprocess.Popen` because asyncio kills its children from Python 3.12 on; a session of their own because closing
the terminal would hang them up; output to a file because a pipe breaks when its reader dies. Each of these leaves a
stale lock behind (measured with Terraform 1.11.4).
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec
import psutil

from tuirunbook.core.values import Child, Exit, ProgramError, Ran
from tuirunbook.terraform.claims import claim, claimant, claimed, writer
from tuirunbook.threads import aside

_TERRAFORM = re.compile(r"\.?(?:terraform|tofu|opentofu)(?:-wrapped|[_-]?v?\d[\w.+-]*)?")
_CLOCK_SLACK = 2.0
_BOOT_SLACK = 30.0


Tell = Callable[[Child], object]
"""Takes a child down."""


def unheard(child: Child) -> None:
    """Nobody is told."""
    del child


class NoAnswerError(ProgramError):
    """A short command that did not end in time. It was left running; `child` tells it."""

    def __init__(self, sentence: str, child: Child) -> None:
        super().__init__(sentence)
        self.child = child


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to start, and how.

    Attributes:
        argv: The arguments, program first, as people see them.
        executable: The absolute path of the program.
        cwd: The directory to run in.
        environ: The whole environment.
    """

    argv: tuple[str, ...]
    executable: str
    cwd: str
    environ: Mapping[str, str]


class Children:
    """The processes that one run of the app has started, and those of an earlier run.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._handles: dict[tuple[int, float], subprocess.Popen[bytes]] = {}

    def start(self, command_id: str, command: Command, log: Path, tell: Tell = unheard) -> Child:
        """Start a command that writes to `log`, which only we can read.

        Args:
            command_id: Our name for it.
            command: What to start.
            log: Where its output goes.
            tell: Is told the child before it is started, without its process, and again with it. Nothing is started
                where it raises the first time.

        Raises:
            ProgramError: It cannot be started, or the log cannot be written.
        """
        tell(_intended(command_id, command, str(log)))
        try:
            descriptor = claim(log)
        except OSError as error:
            raise ProgramError(
                f"{command.argv[0]} was not started: {log} cannot be written ({error.strerror})"
            ) from error
        with os.fdopen(descriptor, "wb") as output:
            handle = _spawn(command, output, subprocess.STDOUT)
        child = self._keep(command_id, command, handle, str(log))
        tell(child)
        return child

    def run(self, command: Command, *, limit: float, interruptible: bool = True) -> Ran:
        """Run a short command to its end, both streams in order.

        Args:
            command: What to run.
            limit: How long to wait, in seconds.
            interruptible: Whether it is sent one SIGINT when the time is over.

        Raises:
            NoAnswerError: It did not end in time. It is left running.
            ProgramError: It cannot be started.
        """
        with tempfile.TemporaryFile() as output:
            code = self._to_end(command, output, subprocess.STDOUT, limit=limit, interruptible=interruptible)
            return Ran(argv=command.argv, exit_code=code, output=_text(output))

    def ask(self, command: Command, *, limit: float) -> tuple[Ran, str]:
        """Run a short command for what it prints: how it ended, with standard error last, and standard output alone.

        Raises:
            NoAnswerError: It did not end in time. It was sent one SIGINT and is left running.
            ProgramError: It cannot be started.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            code = self._to_end(command, output, errors, limit=limit, interruptible=True)
            said = _text(output)
            return Ran(argv=command.argv, exit_code=code, output=said + _text(errors)), said

    def poll(self, child: Child) -> Exit | None:
        """The child's end, or None while it runs. A zombie has ended; the code of a child that is not ours is None."""
        handle = self._handles.get((child.pid, child.started))
        if handle is not None:
            code = handle.poll()
            return None if code is None or _left_behind(child) else Exit(code=code)
        return None if lives(child) else Exit(code=None)

    def attach(self, child: Child) -> Child:
        """The child with its process, where nobody wrote it down; unchanged where that is known, or not to be seen."""
        process = None if child.pid else find(child)
        if process is None:
            return child
        return describe(process.pid, command_id=child.id, argv=child.argv, cwd=child.cwd, log=child.log)

    def interrupt(self, child: Child) -> None:
        """Send one SIGINT to the terraform in this child; nothing when the child has ended.

        Raises:
            ProgramError: The child is a wrapper, and no terraform of its is there to be signalled; or it is another
                user's, who alone may signal it.
        """
        if self.poll(child) is not None:
            return
        name, process = Path(child.argv[0]).name, find(child)
        if process is None:
            if child.pid:
                return
            raise ProgramError(f"{name} is running, but not which process that is can be told; nothing was signalled")
        target = signal_target(process, child.argv[0])
        if target is None:
            raise ProgramError(f"{name} is running, but no terraform under it was found; nothing was signalled")
        try:
            target.send_signal(signal.SIGINT)
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied as error:
            raise ProgramError(
                f"{name} (process {target.pid}) belongs to another user, so it was not signalled; it is still running"
            ) from error

    def _to_end(
        self,
        command: Command,
        output: IO[bytes],
        errors: IO[bytes] | int,
        *,
        limit: float,
        interruptible: bool,
    ) -> int:
        handle = _spawn(command, output, errors)
        # In a thread, because `wait` with a limit looks up to 50 ms too late, and a release waits for three commands.
        ended = aside(handle.wait, "waits for a command")
        try:
            return ended.result(limit)
        except TimeoutError:
            child = self._keep("", command, handle, "")
            if interruptible:
                with contextlib.suppress(ProgramError):
                    self.interrupt(child)
            line = shlex.join(command.argv)
            raise NoAnswerError(
                f"`{line}` did not answer within {limit:.0f} seconds; it was left running (process {child.pid})",
                child,
            ) from None

    def _keep(self, command_id: str, command: Command, handle: subprocess.Popen[bytes], log: str) -> Child:
        child = describe(handle.pid, command_id=command_id, argv=command.argv, cwd=command.cwd, log=log)
        self._handles[child.pid, child.started] = handle
        return child


def _spawn(command: Command, output: IO[bytes], errors: IO[bytes] | int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - an argument list, never a shell
            command.argv,
            executable=command.executable,
            cwd=command.cwd,
            env=dict(command.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProgramError(f"{command.argv[0]} cannot be started in {command.cwd}: {error}") from error


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")


def boot_id() -> str:
    """What tells this boot of the machine from the others: a UUID on Linux, else the time of the boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def describe(pid: int, *, command_id: str, argv: Sequence[str], cwd: str, log: str) -> Child:
    """The facts by which the process is found again."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.Error:
        # It has ended already; only our own handle knows its exit code.
        started = 0.0
    return Child(id=command_id, argv=tuple(argv), cwd=cwd, pid=pid, started=started, boot_id=boot_id(), log=log)


def _intended(command_id: str, command: Command, log: str) -> Child:
    """A child that is about to be started: without a process, and not older than now."""
    now = time.time()
    return Child(id=command_id, argv=command.argv, cwd=command.cwd, pid=0, started=now, boot_id=boot_id(), log=log)


def lives(child: Child) -> bool:
    """Whether the child still runs; of one whose process was never written down, its log tells."""
    return find(child) is not None if child.pid else claimed(child.log)


def find(child: Child) -> psutil.Process | None:
    """The running process with these facts, or the terraform that it left behind; or None.

    A creation time is told by the wall clock and moves when the clock is set. A session leader with the right process
    ID in the child's directory therefore counts as the child: to miss a living one would be the worse mistake.
    """
    if not child.pid:
        return claimant(child.log) if claimed(child.log) else None
    if not _same_boot(child.boot_id, boot_id()):
        return None
    return _started(child) or _left_behind(child)


def _started(child: Child) -> psutil.Process | None:
    try:
        process = psutil.Process(child.pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return None
        if abs(process.create_time() - child.started) <= _CLOCK_SLACK:
            return process
        leads = os.getsid(child.pid) == child.pid
        return process if leads and process.cwd() == str(Path(child.cwd).resolve()) else None
    except (psutil.Error, OSError):
        return None


def _left_behind(child: Child) -> psutil.Process | None:
    """The terraform that still writes to a child's log when the child, a wrapper that was killed, has ended."""
    return writer(child.log, _is_terraform) if claimed(child.log) else None


def _same_boot(one: str, other: str) -> bool:
    if one == other:
        return True
    return one.isdecimal() and other.isdecimal() and abs(int(one) - int(other)) <= _BOOT_SLACK


def signal_target(process: psutil.Process, program: str) -> psutil.Process | None:
    """The process that SIGINT must reach: this one if it is terraform, else the terraform below it.

    Args:
        process: What was started.
        program: Its name, or its absolute path, by which a terraform of another name is known.

    Terragrunt and wrapper scripts are never signalled. Below Terragrunt the one that plans is meant, not the ones that
    read other units' outputs.
    """
    if _is_terraform(process) or _is_at(process, program):
        return process
    try:
        below = [descendant for descendant in process.children(recursive=True) if _is_terraform(descendant)]
    except psutil.Error:
        return None
    return next((one for one in below if "plan" in _arguments(one)), below[0] if below else None)


def _is_terraform(process: psutil.Process) -> bool:
    try:
        # The executable, not the name: a script called terraform has that name and its interpreter's executable.
        name = Path(process.exe()).name or process.name()
    except psutil.Error:
        return False
    return _TERRAFORM.fullmatch(name) is not None


def _is_at(process: psutil.Process, program: str) -> bool:
    path = Path(program)
    try:
        is_it = path.is_absolute() and Path(process.exe()) == path.resolve()
    except (psutil.Error, OSError):
        return False
    return is_it and not path.name.startswith("terragrunt")


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()[1:]
    except psutil.Error:
        return []
