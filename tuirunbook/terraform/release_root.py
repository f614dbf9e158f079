"""The backend-only root: a private place where Terraform's own release logic runs on the full state key.

Force-unlock there needs no working checkout, no providers, no workspace: the workspace is `default` and `key` is the
object key of the state. Only `init`, `force-unlock` and the lock probe ever run in it. A real plan would propose to
destroy everything that the state holds, so its path is never shown as a place to work.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tuirunbook.core.lock import LOCK_ID
from tuirunbook.core.values import Child, ProgramError, Ran
from tuirunbook.terraform.backend_block import root_module
from tuirunbook.terraform.children import Children, NoAnswerError, Tell, describe, lives, unheard
from tuirunbook.terraform.environment import pinned_version, private_environment
from tuirunbook.terraform.program import Program, tail
from tuirunbook.threads import aside

PREFIX = "tflock-tui-"
_PROCESSES = "processes.json"
_INIT_LIMIT = 120.0
# The SDK retries for up to half a minute per call.
_RELEASE_LIMIT = 300.0
_PAUSE = 0.005
_LEFTOVER_AGE = 3600.0


class InitFailedError(ProgramError):
    """The backend-only root could not be initialised; `output` is all that the program said."""

    def __init__(self, sentence: str, output: str) -> None:
        super().__init__(sentence)
        self.output = output


class BackendOnlyRoot:
    """One backend-only root, between entry and exit.

    Args:
        program: terraform or tofu.
        children: Where its processes are kept.
        block: The arguments of the backend block, on the full state key.
        environ: What was inherited.
        credentials: The variables that carry credentials; empty to leave the inherited ones.
        version: The version that the program printed in the real root, or None when there is none.
        version_now: Asks for it again, where the two turn out to differ.
        parent: Where the directory is made; the user's runtime directory by default.
    """

    def __init__(
        self,
        program: Program,
        children: Children,
        *,
        block: Mapping[str, Any],
        environ: Mapping[str, str],
        credentials: Mapping[str, str],
        version: str | None,
        version_now: Callable[[], str],
        parent: Path | None = None,
    ) -> None:
        self._program = program
        self._children = children
        self._block = block
        self._inherited = environ
        self._credentials = credentials
        self._version = version
        self._version_now = version_now
        self._parent = parent
        self._top: Path | None = None
        self._environ: dict[str, str] = {}
        self._started: list[Child] = []

    def __enter__(self) -> Self:
        self._top = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent or private_parent(self._inherited)))
        try:
            self._fill(self._top)
            same = aside(self._require_same_version, "version")
            try:
                self._init()
            finally:
                # Another version explains more than what its `init` may have said.
                same.result()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def force_unlock_argv(self, lock_id: str) -> tuple[str, ...]:
        """The exact argument list of `force_unlock`. Flags come before the ID; `-force` stands for the typed `yes`.

        Raises:
            ValueError: It is not a lock ID; `-no-color` in its place would be a flag.
        """
        return (self._program.name, *_force_unlock(lock_id))

    def force_unlock(
        self,
        lock_id: str,
        *,
        command_id: str = "force-unlock",
        log: Path | None = None,
        tell: Tell = unheard,
    ) -> Ran:
        """Run Terraform's own release of this lock ID to its end. What it released, only the stores tell.

        Args:
            lock_id: The lock.
            command_id: What the process is called.
            log: Where its output goes; a file that goes with this root by default.
            tell: Is told the child before it is started, without its process, and again with it, because it outlives
                us.

        Raises:
            ValueError: It is not a lock ID.
            ProgramError: It cannot be started, or does not end in time; it is then left running.
        """
        command = self._program.command(_force_unlock(lock_id), cwd=str(self._directory), environ=self._environ)
        log = log or self._directory.parent / "force-unlock.log"
        child = self._children.start(command_id, command, log, self._taking_down(tell))
        code = self._end_of(child)
        return Ran(argv=command.argv, exit_code=code, output=log.read_text(encoding="utf-8", errors="replace"))

    def probe(self, command_id: str, log: Path, tell: Tell = unheard) -> Child:
        """Start a plan that the lock refuses, or that takes it, stops at a variable without a value, and releases it.

        Raises:
            ProgramError: It cannot be started.
        """
        command = self._program.command(
            ("plan", "-no-color", "-input=false"), cwd=str(self._directory), environ=self._environ
        )
        return self._children.start(command_id, command, log, self._taking_down(tell))

    @property
    def _directory(self) -> Path:
        if self._top is None:
            raise ProgramError("the backend-only root is not there: it was never entered, or has been left")
        return self._top / "root"

    def _fill(self, top: Path) -> None:
        self._environ = private_environment(self._inherited, data_dir=str(top / "data"), credentials=self._credentials)
        if self._version is not None:
            self._environ |= pinned_version(self._version)
        self._directory.mkdir(mode=0o700)
        text = json.dumps(root_module(self._block), indent=2)
        (self._directory / "main.tf.json").write_text(text, encoding="utf-8")
        self._remember(describe(os.getpid(), command_id="tflock-tui", argv=("tflock-tui",), cwd="/", log=""))

    def _require_same_version(self) -> None:
        here = self._program.version(cwd=str(self._directory), environ=self._environ)
        if self._version is None or here == self._version:
            return
        name, now = self._program.name, self._version_now()
        if here == now:
            raise ProgramError(f"{name} was {self._version} when this walk began, and is {now} now; try again")
        raise ProgramError(
            f"{name} is {now} in the root module but {here} elsewhere; name the program to use by its path"
        )

    def _init(self) -> None:
        ran = self._run(("init", "-no-color", "-input=false", "-backend=true"), limit=_INIT_LIMIT)
        # A state that cannot be read (a stale digest, say) fails `init` after the backend was configured; the release
        # reads no state, and works [1.11.4].
        configured = (self._directory.parent / "data" / "terraform.tfstate").is_file()
        if ran.exit_code != 0 and not configured:
            name = self._program.name
            raise InitFailedError(
                f"{name} could not initialise the backend for the release: {tail(ran.output)}", ran.output
            )

    def _end_of(self, child: Child) -> int:
        """Wait for a release. It is never interrupted: between two stores that would help nobody."""
        until = time.monotonic() + _RELEASE_LIMIT
        while (ended := self._children.poll(child)) is None:
            if time.monotonic() > until:
                line = " ".join(child.argv)
                raise NoAnswerError(
                    f"`{line}` did not answer within {_RELEASE_LIMIT:.0f} seconds; "
                    f"it was left running (process {child.pid})",
                    child,
                )
            time.sleep(_PAUSE)
        return -1 if ended.code is None else ended.code

    def _run(self, arguments: tuple[str, ...], *, limit: float) -> Ran:
        try:
            return self._program.run(arguments, cwd=str(self._directory), environ=self._environ, limit=limit)
        except NoAnswerError as error:
            self._remember(error.child)
            raise

    def _taking_down(self, tell: Tell) -> Tell:
        """`tell`, and the sweep of leftovers is told too: it must spare a root that somebody works in."""

        def both(child: Child) -> None:
            self._remember(child)
            tell(child)

        return both

    def _remember(self, child: Child) -> None:
        self._started = [one for one in self._started if one.id != child.id] + [child]
        path = self._directory.parent / _PROCESSES
        path.with_suffix(".new").write_bytes(msgspec.json.encode(self._started))
        path.with_suffix(".new").replace(path)

    def _remove(self) -> None:
        """Remove the directory, unless a process of ours still works in it; then a later sweep does."""
        # The first one recorded is this process.
        busy = any(self._children.poll(child) is None for child in self._started[1:])
        if self._top is not None and not busy:
            shutil.rmtree(self._top, ignore_errors=True)
        self._top = None


def _force_unlock(lock_id: str) -> tuple[str, ...]:
    if not LOCK_ID.fullmatch(lock_id):
        raise ValueError(f"{lock_id!r} is not a lock ID")
    return ("force-unlock", "-no-color", "-force", lock_id)


def private_parent(environ: Mapping[str, str]) -> Path:
    """Where private roots are made: the user's own runtime directory, or else the temporary one."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_own_directory(Path(runtime)) and os.access(runtime, os.W_OK):
        return Path(runtime)
    return Path(tempfile.gettempdir())


def sweep_leftovers(parent: Path) -> tuple[Path, ...]:
    """Remove what earlier runs of the app left in `parent`, and say what was removed.

    Only our own directories, older than an hour, whose recorded processes have all ended.
    """
    removed = []
    for top in parent.glob(PREFIX + "*"):
        if _is_own_directory(top) and _age(top) > _LEFTOVER_AGE and not _in_use(top):
            shutil.rmtree(top, ignore_errors=True)
            removed.append(top)
    return tuple(removed)


def _is_own_directory(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _in_use(top: Path) -> bool:
    try:
        recorded = msgspec.json.decode((top / _PROCESSES).read_bytes(), type=list[Child])
    except (OSError, msgspec.DecodeError):
        return False
    return any(lives(child) for child in recorded)
