"""terraform, tofu or terragrunt for one root module."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tuirunbook.core.address import DEFAULT_WORKSPACE, StateAddress
from tuirunbook.core.backend import SECRET_ARGUMENTS, RootModule
from tuirunbook.core.values import Child, Exit, ProgramError, Ran
from tuirunbook.terraform.arguments import validate_plan_args
from tuirunbook.terraform.backend_block import backend_block, secret_environment
from tuirunbook.terraform.children import Children, Tell, unheard
from tuirunbook.terraform.environment import checkout_environment
from tuirunbook.terraform.follow import LogFollower
from tuirunbook.terraform.program import SHORT_LIMIT, Program, engine_of, version_tuple
from tuirunbook.terraform.release_root import BackendOnlyRoot


class TerraformCli:
    """The commands that a walk runs, each started so that it never leaves a lock behind.

    Args:
        root: The root module; one without a directory can only be released.
        program: Name or path of the program; what the root shows by default.
        environ: The environment to inherit; this process's by default.
        credentials: Asked, each time a backend-only root is made, for the variables that carry the AWS credentials
            which the locks are read with. Commands in the checkout keep the user's own, which providers need.
        backend_config: The `-backend-config` values that the root is initialised with, for `init_command`.
        children: Where child processes are kept; shared by all that poll them.
        parent: Where backend-only roots are made; the user's runtime directory by default.
    """

    def __init__(
        self,
        root: RootModule,
        *,
        program: str | None = None,
        environ: Mapping[str, str] | None = None,
        credentials: Callable[[], Mapping[str, str]] = dict,
        backend_config: Sequence[str] = (),
        children: Children | None = None,
        parent: Path | None = None,
    ) -> None:
        self._root = root
        self._environ = dict(os.environ if environ is None else environ)
        self._credentials = credentials
        self._backend_config = tuple(backend_config)
        self._children = children or Children()
        self._parent = parent
        name = program or root.program
        # A relative path is the operator's, not relative to the root module.
        self._program = Program(str(Path(name).absolute()) if os.sep in name else name, self._children)
        self._version: str | None = None

    @property
    def program(self) -> str:
        """The program's name, or its path where one was given."""
        return self._program.name

    def version(self) -> str:
        """What the program says it is, in the root's directory (`1.11.4`); asked once. Terragrunt's own for Terragrunt.

        Raises:
            ProgramError: It is not there, or cannot be started; the sentence says what to do.
        """
        return self._version or self._version_of(self._program)

    def plan_argv(self, extra: Sequence[str]) -> tuple[str, ...]:
        """The exact argument list of `plan`.

        Raises:
            ValueError: An extra argument cannot be passed on.
        """
        validate_plan_args(extra)
        return (self._program.name, "plan", "-no-color", "-input=false", *extra)

    def plan(self, command_id: str, log: Path, extra: Sequence[str], tell: Tell = unheard) -> Child:
        """Start a plan in the root module; its output goes to `log`.

        `tell` is told the child before it is started, without its process, and again with it.

        Raises:
            ValueError: An extra argument cannot be passed on.
            ProgramError: It cannot be started, or the workspace does not exist: a plan there would take the state for
                empty and propose to create everything.
        """
        argv = self.plan_argv(extra)
        self._require_workspace()
        command = self._program.command(argv[1:], cwd=self._directory(), environ=self._checkout_environ())
        return self._children.start(command_id, command, log, tell)

    def state_list(self) -> Ran:
        """List the state's resources. Takes no lock. Exit code 1 with `No state file was found` is an unwritten state.

        Raises:
            ProgramError: It cannot be started, does not answer, or the workspace does not exist.
        """
        self._require_workspace()
        arguments = ("state", "list", "-no-color") if not self._program.terragrunt else ("state", "list")
        return self._program.run(arguments, cwd=self._directory(), environ=self._checkout_environ(), limit=SHORT_LIMIT)

    def workspaces(self) -> tuple[str, ...]:
        """The workspaces that exist, as listing shows them. Takes no lock.

        Raises:
            ProgramError: Listing fails or does not answer.
        """
        environ = checkout_environment(self._environ, workspace=None, data_dir=self._data_dir())
        output = self._program.ask(("workspace", "list"), cwd=self._directory(), environ=environ)
        return tuple(line[2:] for line in output.splitlines() if _is_workspace(line))

    def init_command(self) -> str:
        """The `init` command that the operator would run here, quoted for a shell; secret values are left to them."""
        directory = ("cd", shlex.quote(self._root.directory), "&&") if self._root.directory else ()
        data_dir = self._data_dir()
        setting = (f"TF_DATA_DIR={shlex.quote(data_dir)}",) if data_dir else ()
        given = (f"-backend-config={_without_secret(value)}" for value in self._backend_config)
        return " ".join((*directory, *setting, shlex.join((self._program.name, "init", *given))))

    def poll(self, child: Child) -> Exit | None:
        """The child's end, or None while it runs."""
        return self._children.poll(child)

    def attach(self, child: Child) -> Child:
        """The child with its process, where nobody wrote it down; unchanged where that is known, or not to be seen."""
        return self._children.attach(child)

    def interrupt(self, child: Child) -> None:
        """Send one SIGINT to terraform itself. Two may end it with its lock still held.

        Raises:
            ProgramError: It must not be interrupted, or no terraform was found to be signalled.
        """
        # A probe below Terragrunt's root is terraform itself, whatever Terragrunt does.
        if child.argv[0] == self._program.name and (why_not := self.can_interrupt()) is not None:
            raise ProgramError(why_not)
        self._children.interrupt(child)

    def follow(self, log: Path) -> LogFollower:
        """A reader of a command's output, from its beginning."""
        return LogFollower(log)

    def errored_state(self) -> Path | None:
        """The `errored.tfstate` that a failed apply left where it ran, or None."""
        if self._root.directory is None:
            return None
        here = Path(self._root.directory)
        pattern = ".terragrunt-cache/*/*/**/errored.tfstate" if self._program.terragrunt else ""
        candidates = [here / "errored.tfstate", *(here.glob(pattern) if pattern else ())]
        return next((path for path in candidates if path.is_file()), None)

    def can_interrupt(self) -> str | None:
        """Why a cancel must not be offered, or None when it may."""
        if not self._program.terragrunt:
            return None
        try:
            version = self.version()
        except ProgramError as error:
            return f"which Terragrunt this is cannot be told, so it is not interrupted: {error}"
        if version_tuple(version) < (1,):
            return (
                f"Terragrunt {version} kills terraform when it is interrupted, which leaves the lock behind; let it end"
            )
        return None

    def release_root(self, address: StateAddress) -> BackendOnlyRoot:
        """A backend-only root for this address, initialised on entry and removed on exit.

        Raises:
            ProgramError: There is no program for it, it is another version there, or (on entry) `init` failed.
        """
        engine = engine_of(self._program, self._environ)
        resolved = self._credentials()
        version = self.version() if engine is self._program else self._version_of(engine)
        block = backend_block(
            self._root.backend,
            address,
            program=Path(engine.name).name,
            version=version,
            own_credentials=bool(resolved),
            directory=self._root.directory,
        )
        secrets = secret_environment(self._root.backend)
        return BackendOnlyRoot(
            engine,
            self._children,
            block=block,
            environ=self._environ,
            credentials=_merged(secrets, resolved),
            version=version,
            version_now=lambda: self._version_of(engine),
            parent=self._parent,
        )

    def _version_of(self, engine: Program) -> str:
        """What a program says it is in the root's directory, asked now."""
        version = engine.version(cwd=self._root.directory or "/", environ=self._checkout_environ())
        if engine is self._program:
            self._version = version
        return version

    def _require_workspace(self) -> None:
        """Refuse a workspace that does not exist: most commands would create its state, under a lock."""
        workspace = self._root.workspace
        if workspace != DEFAULT_WORKSPACE and workspace not in (known := self.workspaces()):
            raise ProgramError(f"the workspace {workspace!r} does not exist here; there are: {', '.join(known)}")

    def _directory(self) -> str:
        if self._root.directory is None:
            raise ProgramError("there is no checkout of this root module here; use the lock probe instead of a plan")
        return self._root.directory

    def _checkout_environ(self) -> dict[str, str]:
        return checkout_environment(self._environ, workspace=self._root.workspace, data_dir=self._data_dir())

    def _data_dir(self) -> str | None:
        """The data directory, where it is not the default one (which Terragrunt moves into its cache)."""
        directory, data_dir = self._root.directory, self._root.data_dir
        if directory is None or data_dir is None or Path(data_dir) == Path(directory, ".terraform"):
            return None
        return data_dir


def _is_workspace(line: str) -> bool:
    # Warnings share the stream. They start at the margin or are sentences; a name has no space in it.
    return line[:2] in {"* ", "  "} and len(line[2:].split()) == 1 and not line[2].isspace()


def _without_secret(value: str) -> str:
    name, equals, _ = value.partition("=")
    return f"{name}=<{name}>" if equals and name in SECRET_ARGUMENTS else value


def _merged(secrets: Mapping[str, str], resolved: Mapping[str, str]) -> dict[str, str]:
    """Resolved credentials replace the backend's own as a whole; the customer key is no credential and stays."""
    if not resolved:
        return dict(secrets)
    kept = {name: value for name, value in secrets.items() if name == "AWS_SSE_CUSTOMER_KEY"}
    return kept | dict(resolved)
