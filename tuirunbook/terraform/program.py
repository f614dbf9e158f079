"""terraform, tofu or terragrunt as programs: found, asked for their version, and run in a directory."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuirunbook.core.text import clean, redact
from tuirunbook.core.values import ProgramError, Ran
from tuirunbook.terraform.children import Children, Command

SHORT_LIMIT = 60.0
"""Seconds that a command that only reads is waited for."""

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+[\w.+-]*)")


class Program:
    """One program, by name or by path.

    Attributes:
        name: As it was given, and as it stands first in every argument list.
        terragrunt: Whether it is Terragrunt, which runs the program that does the work.
    """

    def __init__(self, name: str, children: Children) -> None:
        self.name = name
        self.terragrunt = Path(name).name.startswith("terragrunt")
        self._children = children

    def like(self, name: str) -> Program:
        """Another program, whose processes are kept with this one's."""
        return Program(name, self._children)

    def found(self, environ: Mapping[str, str]) -> str | None:
        """Where the program is, or None."""
        return shutil.which(self.name, path=environ.get("PATH", os.defpath))

    def command(self, arguments: Sequence[str], *, cwd: str, environ: Mapping[str, str]) -> Command:
        """The command with these arguments, ready to be started.

        Raises:
            ProgramError: The program or the directory is not there.
        """
        found = self.found(environ)
        if found is None:
            where = "there" if os.sep in self.name else "on PATH"
            raise ProgramError(f"{self.name} is not {where}; install it, or name the program to use")
        if not Path(cwd).is_dir():
            raise ProgramError(f"{cwd} is not a directory, so {self.name} cannot run in it")
        # `executable` is absolute because a relative PATH entry means our directory, not the child's.
        return Command(argv=(self.name, *arguments), executable=str(Path(found).absolute()), cwd=cwd, environ=environ)

    def version(self, *, cwd: str, environ: Mapping[str, str]) -> str:
        """What the program says it is in this directory, as in `1.11.4`; version managers may say otherwise elsewhere.

        Raises:
            ProgramError: It cannot be started, fails, or says nothing that is a version.
        """
        arguments = ("--version",) if self.terragrunt else ("version", "-json")
        ran, output = self._children.ask(self.command(arguments, cwd=cwd, environ=environ), limit=SHORT_LIMIT)
        if ran.exit_code != 0:
            raise ProgramError(f"{self.name} cannot tell its version: {tail(ran.output)}")
        version = parse_version(output)
        if version is None:
            raise ProgramError(f"{self.name} says nothing that is a version: {tail(ran.output)}")
        return version

    def ask(self, arguments: Sequence[str], *, cwd: str, environ: Mapping[str, str]) -> str:
        """The standard output of a command that only reads.

        Raises:
            ProgramError: It fails; the sentence carries what it said.
        """
        ran, output = self._children.ask(self.command(arguments, cwd=cwd, environ=environ), limit=SHORT_LIMIT)
        if ran.exit_code != 0:
            raise ProgramError(f"`{' '.join(ran.argv)}` failed: {tail(ran.output)}")
        return output

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: str,
        environ: Mapping[str, str],
        limit: float = SHORT_LIMIT,
        interruptible: bool = True,
    ) -> Ran:
        """Run a command to its end, however it ends.

        Raises:
            ProgramError: It cannot be started, or does not end.
        """
        command = self.command(arguments, cwd=cwd, environ=environ)
        return self._children.run(command, limit=limit, interruptible=interruptible)


def engine_of(program: Program, environ: Mapping[str, str]) -> Program:
    """The program that does the work: for Terragrunt the one that it would run.

    Raises:
        ProgramError: Terragrunt's is not there.
    """
    if not program.terragrunt:
        return program
    named = environ.get("TG_TF_PATH") or environ.get("TERRAGRUNT_TFPATH")
    for name in [named] if named else ["tofu", "terraform"]:
        engine = program.like(name)
        if engine.found(environ):
            return engine
    raise ProgramError("a release needs tofu or terraform itself, and neither is on PATH")


def parse_version(output: str) -> str | None:
    """The version in the output of `version -json`, or of a plain `version`; shims may print lines before it."""
    start = output.find("{")
    if start >= 0:
        try:
            told, _ = json.JSONDecoder().raw_decode(output, start)
        except ValueError:
            told = {}
        version = told.get("terraform_version") if isinstance(told, dict) else None
        if isinstance(version, str) and version:
            return version
    match = _VERSION.search(output)
    return match.group(1) if match else None


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison; a pre-release counts as its release."""
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[-+]", version)[0]))


def tail(output: str, lines: int = 12) -> str:
    """The last lines that are not empty, cleaned and without secrets of known shapes."""
    told = [line.rstrip() for line in redact(clean(output)).splitlines() if line.strip()]
    return "\n".join(told[-lines:]) or "it printed nothing"
