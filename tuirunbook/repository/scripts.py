"""`-backend-config` as scripts, Makefiles, `.envrc` and CI files hand it to `init`, where it is literal."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from tuirunbook.repository.configuration import relative
from tuirunbook.repository.script_variables import filler

_NAMES = re.compile(
    r"(?:GNU)?[Mm]akefile|.+\.mk|.+\.(?:sh|bash|zsh)|\.envrc|\.env|[Jj]ustfile|[Tt]askfile\.ya?ml|[Jj]enkinsfile.*"
    r"|atlantis\.ya?ml|\.gitlab-ci.*\.ya?ml|azure-pipelines.*\.ya?ml|bitbucket-pipelines\.ya?ml|\.drone\.ya?ml"
    r"|buildspec.*\.ya?ml|cloudbuild.*\.ya?ml|\.travis\.ya?ml"
)
_CI_FOLDERS = (".github/workflows", ".github/actions", ".circleci", ".gitlab", ".buildkite", ".azure")
_YAML = (".yml", ".yaml")
_MARK = b"-backend-config"
_MOST_BYTES = 1_000_000
_OPTION = re.compile(r"^--?backend-config(?:=|$)")
_DYNAMIC = re.compile(r"[$`]|\{\{|<%|%\w+%")
_STEP = re.compile(r"^\s*- ")
_WORKING = re.compile(r"^\s*(?:- )?working-directory:\s*[\"']?([^\s\"'#]+)")
_NAME = re.compile(r"[A-Za-z_][\w-]*")


class Init(msgspec.Struct, frozen=True, kw_only=True):
    """One `init` as a file runs it.

    Attributes:
        path: The file.
        line: The line that the command begins on.
        directories: Where it may run: one of these is meant.
        below: Whether it counts for every directory below as well (`.envrc`).
        values: Its literal `-backend-config` values, in order.
        dynamic: Arguments that it takes from variables.
    """

    path: Path
    line: int
    directories: tuple[Path, ...]
    below: bool = False
    values: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()

    def runs_in(self, directory: Path) -> bool:
        """Whether this is the root module that it initialises."""
        return directory in self.directories or (
            self.below and any(directory.is_relative_to(one) for one in self.directories)
        )

    def place(self, directory: Path) -> str:
        """How to call it: `Makefile:12`."""
        return f"{relative(self.path, directory)}:{self.line}"


def is_script(directory: str, name: str) -> bool:
    """Whether a file may run `init`."""
    if name.endswith(_YAML) and any(folder in directory for folder in _CI_FOLDERS):
        return True
    return _NAMES.fullmatch(name) is not None


def read_inits(path: Path, top: Path) -> Iterator[Init]:
    """The `init` commands of one file; a file that cannot be read has none."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return
        raw = path.read_bytes()
    except OSError:
        return
    if _MARK not in raw:
        return
    lines = raw.decode("utf-8", "replace").splitlines()
    fill = filler(path.name, lines)
    for number, text in _commands(lines):
        words = _words(fill(text))
        given = list(_given(words))
        if not given:
            continue
        where = _directories(path, top, words, _step_directory(lines, number))
        literal = tuple(value for value in given if not _DYNAMIC.search(value))
        dynamic = tuple(_argument(value) for value in given if _DYNAMIC.search(value))
        yield Init(
            path=path,
            line=number,
            directories=where,
            below=path.name == ".envrc",
            values=literal,
            dynamic=dynamic,
        )


def _commands(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Whole commands that hold a `-backend-config`: continued by a backslash, or by a line that begins with one."""
    start, parts, open_ended = 0, list[str](), False
    for number, line in enumerate([*lines, ""], 1):
        text = line.strip()
        continues = open_ended or text.startswith(("-backend-config", "--backend-config"))
        if parts and not continues:
            command = " ".join(parts)
            if _MARK.decode() in command:
                yield start, command
            parts = []
        if not parts:
            start = number
        open_ended = text.endswith("\\")
        parts.append(text.removesuffix("\\").strip())
    return


def _words(text: str) -> list[str]:
    text = re.sub(r"^(?:- )?(?:run|script|command|init)\s*:\s*", "", text.lstrip("@-+ ") if text[:1] == "@" else text)
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    found: list[str] = []
    for word in words:
        # a whole variable, as in TF_CLI_ARGS_init="-backend-config=…"
        if _MARK.decode() in word and not _OPTION.match(word):
            inner = word[word.index("-backend-config") :]
            try:
                found += shlex.split(inner)
            except ValueError:
                found += inner.split()
        else:
            found.append(word)
    return found


def _given(words: list[str]) -> Iterator[str]:
    following = False
    for word in words:
        if following:
            yield word
            following = False
        elif _OPTION.match(word):
            _, equals, value = word.partition("=")
            following = not equals
            if equals:
                yield value


def _argument(value: str) -> str:
    name, equals, _ = value.partition("=")
    return name if equals and _NAME.fullmatch(name) else "a configuration file"


def _step_directory(lines: list[str], number: int) -> str | None:
    """The `working-directory` of the step around a line."""
    at = number - 1
    while at > 0 and not _STEP.match(lines[at]):
        at -= 1
    end = number
    while end < len(lines) and not _STEP.match(lines[end]):
        end += 1
    found = next((match[1] for line in lines[at:end] if (match := _WORKING.match(line))), None)
    if found is None:
        everywhere = {match[1] for line in lines if (match := _WORKING.match(line))}
        defaults = any(line.strip() == "defaults:" for line in lines)
        found = next(iter(everywhere)) if defaults and len(everywhere) == 1 else None
    return found


def _directories(path: Path, top: Path, words: list[str], step: str | None) -> tuple[Path, ...]:
    ci = path.suffix in _YAML and path.name.lower() not in {"taskfile.yml", "taskfile.yaml"}
    base = top if ci else path.parent
    named = [word.partition("=")[2] for word in words if word.startswith(("-chdir=", "--chdir="))]
    moved = [after.rstrip(";") for before, after in pairwise(words) if before == "cd"]
    steps = ([step] if step else []) + moved + named
    if any(_DYNAMIC.search(one) for one in steps):
        return ()
    bases = dict.fromkeys((base, top)) if steps else (base,)
    return tuple(Path(os.path.normpath(one.joinpath(*steps))) for one in bases)
