"""The adapters of one root module: who reads, who runs Terraform, who keeps the journal."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from tuirunbook import settings as files
from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.core.values import ProgramError
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told
from tuirunbook.wiring.roots import Roots
from tuirunbook.wiring.usable import usable

if TYPE_CHECKING:
    from tuirunbook.core.gates import Policy
    from tuirunbook.journal.journals import Journals
    from tuirunbook.locks import AwsLockStore, Clients
    from tuirunbook.terraform.cli import TerraformCli

_LOCALTIME = "/etc/localtime"


class Adapters:
    """Makes adapters for one command line.

    Args:
        options: What the command line says.
        environ: The environment; this process's own by default.

    Raises:
        Problem: From any method: settings or backend cannot be used; the sentence says why.
    """

    def __init__(self, options: Options, environ: Mapping[str, str] | None = None) -> None:
        self.options = options
        self.environ = dict(os.environ if environ is None else environ)
        self.roots = Roots(options, self.environ)
        self._settings: files.Settings | None = None

    @property
    def settings(self) -> files.Settings:
        """The settings of the user and of the checkout around the start."""
        if self._settings is None:
            with told():
                self._settings = files.read_settings(self.roots.checkout(), read_only_flag=self.options.read_only)
        return self._settings

    @property
    def policy(self) -> Policy:
        """What the settings allow."""
        from tuirunbook.core.gates import Policy  # noqa: PLC0415 - lists and looks ask no gate

        settings = self.settings
        return Policy(read_only=settings.read_only, if_match_endpoints=settings.user.if_match_endpoints)

    def clients(self, root: RootModule) -> Clients:
        """The AWS clients of a root module's backend."""
        from tuirunbook.locks import clients  # noqa: PLC0415 - see the package

        usable(root)
        if untrusted := files.Trust.default().untrusted(root.needs_trust):
            raise Problem(
                f"The backend of {root.name} reads AWS settings from inside the checkout: {', '.join(untrusted)}. "
                "They can start programs, so they are not read before you trust them.",
                "Look at them, then run `tflock-tui trust`.",
            )
        options = self.options
        with told():
            return clients(
                root.backend,
                environ=self.environ,
                profile=options.profile,
                role_arn=options.role_arn,
                region=options.region,
            )

    def store(self, root: RootModule, clients: Clients | None = None) -> AwsLockStore:
        """The lock stores of a root module."""
        from tuirunbook.locks import AwsLockStore  # noqa: PLC0415 - see the package

        with told():
            return AwsLockStore(
                root.address(),
                clients or self.clients(root),
                if_match_endpoints=self.settings.user.if_match_endpoints,
            )

    def terraform(self, root: RootModule, clients: Clients) -> TerraformCli:
        """Its terraform, which releases with the very credentials that the locks are read with."""
        from tuirunbook.terraform.cli import TerraformCli  # noqa: PLC0415 - see the package
        from tuirunbook.terraform.release_root import private_parent, sweep_leftovers  # noqa: PLC0415 - likewise

        sweep_leftovers(private_parent(self.environ))
        return TerraformCli(
            root,
            program=self.program(root),
            environ=self.environ,
            credentials=_credentials(clients),
            backend_config=self.options.backend_config,
        )

    def program(self, root: RootModule) -> str:
        """The program that runs a root module."""
        return self.options.program or self.settings.user.program or root.program

    def plan_args(self) -> tuple[str, ...]:
        """The arguments of a plan: the repository's, the user's, the command line's."""
        from tuirunbook.terraform.arguments import validate_plan_args  # noqa: PLC0415 - see the package

        arguments = (*self.settings.plan_args, *self.options.plan_args)
        try:
            validate_plan_args(arguments)
        except ValueError as error:
            raise Problem(f"{error}.", "Check --plan-arg and plan_args in the settings.") from None
        return arguments

    def journals(self) -> Journals:
        """The incidents of this machine."""
        from tuirunbook.journal.journals import Journals  # noqa: PLC0415 - see the package

        return Journals(self.journal_directory())

    def journal_directory(self) -> Path:
        """Where incidents are kept."""
        chosen = self.options.journal_dir or self.settings.user.journal_dir
        return Path(chosen).expanduser().absolute() if chosen else files.state_directory() / "incidents"

    def operator(self) -> str:
        """Who walks: as the settings say, as git says, as the system says."""
        if name := self.settings.user.operator:
            return one_line(name, 80)
        try:
            # Asking git takes 3 ms where importing GitPython takes 100, in the way of the first look.
            asked = subprocess.run(
                ["git", "config", "--get", "user.name"],  # noqa: S607 - the git on PATH is the one meant
                cwd=self.options.start,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=5,
                check=False,
            )
            said = one_line(asked.stdout.decode("utf-8", "replace"), 80)
        except (OSError, subprocess.TimeoutExpired):
            said = ""
        named = self.environ.get("USER") or self.environ.get("LOGNAME") or ""
        return said or one_line(named, 80) or _account_name() or "unknown"

    def host(self) -> str:
        """This machine's name, as Go's `os.Hostname` says it in a lock's `Who`."""
        return socket.gethostname()

    def me(self) -> str:
        """`user@host`, as Terraform names the holder of a lock that is taken here; empty where nobody is told."""
        import pwd  # noqa: PLC0415 - only a walk needs it

        try:
            return f"{pwd.getpwuid(os.getuid()).pw_name}@{self.host()}"
        except KeyError:
            return ""

    def zone(self) -> tzinfo:
        """The operator's time zone, with its past and future offsets."""
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - most commands show no local time

        try:
            if name := self.environ.get("TZ", "").removeprefix(":"):
                return ZoneInfo(name)
            with Path(_LOCALTIME).open("rb") as file:
                return ZoneInfo.from_file(file)
        except (OSError, ValueError, KeyError):
            return datetime.now().astimezone().tzinfo or UTC


def _account_name() -> str:
    """Who this process runs as, as the system's user database says; empty where it says nothing."""
    try:
        import pwd  # noqa: PLC0415 - asked only when nothing else says who walks, and not on every system

        return one_line(pwd.getpwuid(os.getuid()).pw_name, 80)
    except (ImportError, KeyError, OSError):
        return ""


def _credentials(clients: Clients) -> Callable[[], Mapping[str, str]]:
    """The credentials of the moment; their absence is a sentence, not an exception of the SDK's."""

    def credentials() -> Mapping[str, str]:
        from tuirunbook.locks import credential_environ  # noqa: PLC0415 - see the package
        from tuirunbook.locks.errors import aws_errors, explain  # noqa: PLC0415 - see the package

        try:
            return credential_environ(clients)
        except aws_errors() as error:
            why = explain(error, what="the credentials", profile=clients.profile, region=clients.region)
            raise ProgramError(f"{why.why}. {why.advice}".strip()) from error

    return credentials
