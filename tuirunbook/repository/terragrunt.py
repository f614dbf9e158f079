"""Terragrunt's `remote_state`, as far as files alone tell it.

What is evaluated: literals, templates, `path_relative_to_include()`, `get_env` with its default, `local.…` of literals,
`find_in_parent_folders`, `read_terragrunt_config` for the locals of another file, and the directory functions. All else
is an `Expression`. Source: docs.terragrunt.gruntwork.io, reference of attributes, blocks and functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tuirunbook.repository.configuration import broken, decode, read_text, relative
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.hcl import HclError, Item, Outline, interpolation_end
from tuirunbook.repository.literals import Expression

FILE = "terragrunt.hcl"
_OWN_KEYS = re.compile(
    r"skip_bucket_.*|s3_bucket_tags|dynamodb_table_tags|accesslogging_.*|disable_.*|enable_.*|bucket_sse_.*"
)
_CALL = re.compile(r"([a-z_]+)\s*\((.*)\)\s*", re.DOTALL)
_PATH = re.compile(r"local((?:\.[A-Za-z_][\w-]*)+)")
_READ = re.compile(r"(.+?\))((?:\.[A-Za-z_][\w-]*)+)", re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\$%]|\\.|[$%](?!\{))*)"')
_NUMBER = re.compile(r"-?\d+")
_DEEPEST = 12


class _UnknownError(Exception):
    """A value that files alone do not tell."""


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's `remote_state`.

    Attributes:
        type: The backend's name.
        path: The file that holds it.
        line: Its line.
        arguments: Terraform's arguments; an `Expression` where files alone do not tell one.
        assumed: Environment variables whose default was taken.
    """

    type: str
    path: Path
    line: int
    arguments: Mapping[str, object]
    assumed: tuple[str, ...] = ()


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What a `terragrunt.hcl` is.

    Attributes:
        parent: Whether it only is there to be included: it neither includes another file nor names a source.
        remote: Its `remote_state`, its own or that of a file that it includes.
    """

    parent: bool
    remote: Remote | None


class _File(msgspec.Struct):
    path: Path
    outline: Outline
    items: list[Item]

    def blocks(self, name: str) -> list[Item]:
        return [item for item in self.items if item.block and item.name == name]


class Terragrunt:
    """Reads units; each file is parsed once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._files: dict[Path, _File] = {}

    def unit(self, directory: Path) -> Unit:
        """The unit in a directory that holds a `terragrunt.hcl`.

        Raises:
            DetectionError: A file does not parse.
        """
        own = self._file(directory / FILE)
        includes = own.blocks("include")
        runs = [item for block in own.blocks("terraform") for item in own.outline.items(block) if item.name == "source"]
        remote = self._remote(own, own, directory)
        if remote is None:
            for include in includes:
                parent = self._included(own, include, directory)
                if parent is not None:
                    remote = self._remote(parent, own, directory)
                if remote is not None:
                    break
        return Unit(parent=not includes and not runs, remote=remote)

    def _file(self, path: Path) -> _File:
        if path not in self._files:
            try:
                outline = Outline(decode(path, read_text(path)))
                self._files[path] = _File(path, outline, outline.items())
            except HclError as error:
                raise broken(path, error) from None
        return self._files[path]

    def _included(self, own: _File, include: Item, unit: Path) -> _File | None:
        scope = _Scope(self._environ, self._file, own, unit, own.path.parent)
        for item in own.outline.items(include):
            if item.name == "path" and not item.block:
                try:
                    found = scope.text(own.outline.value(item))
                except _UnknownError:
                    return None
                path = Path(os.path.normpath(unit / found))
                return self._file(path) if path.is_file() else None
        return None

    def _remote(self, holder: _File, own: _File, unit: Path) -> Remote | None:
        block = next(iter(holder.blocks("remote_state")), None)
        if block is None:
            return None
        included_from = holder.path.parent if holder is not own else unit
        scope = _Scope(self._environ, self._file, holder, unit, included_from)
        kind, config = "s3", dict[str, object]()
        for item in holder.outline.items(block):
            if item.name == "backend" and not item.block:
                kind = _or_expression(scope.text, holder.outline.value(item), "s3")
            elif item.name == "config":
                found = scope.value(holder.outline.value(item)) if not item.block else scope.body(holder.outline, item)
                config = found if isinstance(found, dict) else {}
        arguments = {
            "dynamodb_table" if name == "lock_table" else name: value
            for name, value in config.items()
            if not _OWN_KEYS.fullmatch(name)
        }
        assumed = tuple(dict.fromkeys(scope.assumed))
        return Remote(type=kind, path=holder.path, line=block.line, arguments=arguments, assumed=assumed)

    def place(self, remote: Remote, directory: Path) -> str:
        """How to call it: `../root.hcl:5`."""
        return f"{relative(remote.path, directory)}:{remote.line}"


def _or_expression(read: Callable[[str], str], text: str, otherwise: str) -> str:
    try:
        return read(text)
    except _UnknownError:
        return otherwise


class _Scope:
    """Where an expression stands: its file, the unit that it is evaluated for, and the file that is included."""

    def __init__(
        self, environ: Mapping[str, str], file: Callable[[Path], _File], holder: _File, unit: Path, included_from: Path
    ) -> None:
        self._environ = environ
        self._file = file
        self._holder = holder
        self._unit = unit
        self._from = included_from
        self._depth = 0
        self.assumed: list[str] = []

    def body(self, outline: Outline, block: Item) -> dict[str, object]:
        """The arguments of a block."""
        return {
            item.name: self.body(outline, item) if item.block else self.value(outline.value(item))
            for item in outline.items(block)
        }

    def value(self, text: str) -> object:
        """A value, or an `Expression`."""
        try:
            return self._evaluate(text.strip())
        except (_UnknownError, HclError, DetectionError, RecursionError):
            return Expression()

    def text(self, text: str) -> str:
        """A text, or an error."""
        try:
            found = self._evaluate(text.strip())
        except (HclError, DetectionError, RecursionError) as error:
            raise _UnknownError from error
        if not isinstance(found, str):
            raise _UnknownError
        return found

    def _evaluate(self, text: str) -> object:
        if text in {"true", "false"}:
            return text == "true"
        if _NUMBER.fullmatch(text):
            return int(text)
        if text.startswith('"') and text.endswith('"') and len(text) > 1:
            return self._template(text[1:-1])
        if text.startswith("{") and text.endswith("}"):
            outline = Outline("value " + text)
            return self.body(outline, outline.items()[0])
        if match := _PATH.fullmatch(text):
            return self._local(match[1][1:].split("."))
        if match := _CALL.fullmatch(text):
            return self._call(match[1], _arguments(match[2]))
        if match := _READ.fullmatch(text):
            return self._of_another(match[1], match[2][1:].split("."))
        raise _UnknownError

    def _template(self, text: str) -> object:
        parts: list[str] = []
        at = 0
        while (start := text.find("${", at)) >= 0:
            if start and text[start - 1] in "$\\":
                raise _UnknownError
            parts.append(text[at:start])
            try:
                at = interpolation_end(text, start)
            except ValueError:
                raise _UnknownError from None
            parts.append(_shown(self._evaluate(text[start + 2 : at - 1].strip())))
        parts.append(text[at:])
        plain = "".join(parts[::2])
        if "\\" in plain or "%{" in plain:
            raise _UnknownError
        return "".join(parts)

    def _local(self, names: list[str]) -> object:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnknownError
        try:
            for block in self._holder.blocks("locals"):
                for item in self._holder.outline.items(block):
                    if item.name == names[0] and not item.block:
                        source = self._holder.outline.value(item).strip()
                        if names[1:2] in (["locals"], ["inputs"]) and source.startswith("read_terragrunt_config"):
                            return self._of_another(source, names[1:])
                        return _inside(self._evaluate(source), names[1:])
        finally:
            self._depth -= 1
        raise _UnknownError

    def _of_another(self, call: str, names: list[str]) -> object:
        """`read_terragrunt_config(…).locals.x`."""
        match = _CALL.fullmatch(call.strip())
        if match is None or match[1] != "read_terragrunt_config" or names[0] != "locals" or names[1:] == []:
            raise _UnknownError
        path = self._path(self.text(_arguments(match[2])[0]))
        other = _Scope(self._environ, self._file, self._file(path), self._unit, self._from)
        other._depth = self._depth + 1
        found = other._local(names[1:])
        self.assumed += other.assumed
        return found

    def _path(self, text: str) -> Path:
        return Path(os.path.normpath(self._unit / text))

    def _call(self, name: str, arguments: list[str]) -> object:
        match name:
            case "path_relative_to_include":
                return Path(os.path.relpath(self._unit, self._from)).as_posix()
            case "path_relative_from_include":
                return Path(os.path.relpath(self._from, self._unit)).as_posix()
            case "get_env" if arguments:
                return self._environment([self.text(argument) for argument in arguments])
            case "find_in_parent_folders":
                return self._in_parents([self.text(argument) for argument in arguments])
            case "get_terragrunt_dir" | "get_original_terragrunt_dir":
                return str(self._unit)
            case "get_parent_terragrunt_dir":
                return str(self._from)
            case "basename" | "dirname" if len(arguments) == 1:
                found = self.text(arguments[0]).rstrip("/")
                return os.path.basename(found) if name == "basename" else os.path.dirname(found)  # noqa: PTH119, PTH120
            case "lower" | "upper" if len(arguments) == 1:
                found = self.text(arguments[0])
                return found.lower() if name == "lower" else found.upper()
        raise _UnknownError

    def _environment(self, arguments: list[str]) -> str:
        name = arguments[0]
        if name in self._environ:
            return self._environ[name]
        if len(arguments) > 1:
            self.assumed.append(name)
            return arguments[1]
        raise _UnknownError

    def _in_parents(self, arguments: list[str]) -> str:
        name = arguments[0] if arguments else FILE
        for level in self._unit.parents:
            if (level / name).is_file():
                return str(level / name)
        if len(arguments) > 1:
            return arguments[1]
        raise _UnknownError


def _inside(value: object, names: list[str]) -> object:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise _UnknownError
        value = value[name]
    if isinstance(value, Expression):
        raise _UnknownError
    return value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise _UnknownError


def _arguments(text: str) -> list[str]:
    """A call's arguments, split where no bracket or string is open."""
    found, depth, start, at = list[str](), 0, 0, 0
    while at < len(text):
        if string := _STRING.match(text, at):
            at = string.end()
            continue
        mark = text[at]
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(mark, 0)
        if depth < 0:
            raise _UnknownError
        if mark == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
        at += 1
    last = text[start:].strip()
    return [*found, last] if last else found
