"""Terragrunt's expressions, as far as files and the environment alone tell their values.

What is evaluated: literals, templates, lists, objects, `local.…`, the functions on paths and folders, `get_env` with
its default, `read_terragrunt_config` for the locals of another file, and a few functions on values that need nothing
else. All else is an `Expression` that says why. Source: docs.terragrunt.gruntwork.io, reference of functions;
developer.hashicorp.com, Terraform's functions.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.hcl import HclError, Item, Outline, interpolation_end, split
from tuirunbook.repository.literals import Expression

FILE = "terragrunt.hcl"
_CALL = re.compile(r"([a-z_]\w*)\s*\((.*)\)", re.DOTALL)
_LOCAL = re.compile(r"local((?:\.[A-Za-z_][\w-]*)+)")
_OF_ANOTHER = re.compile(r"(.+?\))((?:\.[A-Za-z_][\w-]*)+)", re.DOTALL)
_PAIR = re.compile(r'(?:([A-Za-z_][\w-]*)|"([^"\\$%]*)")\s*[=:](?![=])\s*(.+)', re.DOTALL)
_NUMBER = re.compile(r"-?\d+")
_VERB = re.compile(r"%(.)")
_VARIABLE = re.compile(r"\w{1,80}")
_DEEPEST = 12


class UnknownError(Exception):
    """A value that files alone do not tell; the message says why, and quotes no value."""


class ConfigFile(msgspec.Struct):
    """A file of Terragrunt's, outlined."""

    path: Path
    outline: Outline
    items: list[Item]

    def blocks(self, name: str) -> list[Item]:
        """Its blocks of this name."""
        return [item for item in self.items if item.block and item.name == name]


class Scope:
    """Where an expression stands.

    Args:
        environ: The environment.
        file: Reads another file.
        holder: The file that the expression is in.
        unit: The directory of the unit that it is evaluated for.
        included_from: The directory of the file that the unit includes.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        file: Callable[[Path], ConfigFile],
        holder: ConfigFile,
        unit: Path,
        included_from: Path,
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
        except UnknownError as error:
            return Expression(str(error))
        except (HclError, DetectionError, ValueError, RecursionError):
            return Expression()

    def text(self, text: str) -> str:
        """A text.

        Raises:
            UnknownError: It is none, or files alone do not tell it.
        """
        found = self.value(text)
        if isinstance(found, Expression):
            raise UnknownError(found.why)
        if not isinstance(found, str):
            raise UnknownError("a text is expected where another value stands")
        return found

    def _evaluate(self, text: str) -> object:
        if text in {"true", "false"}:
            return text == "true"
        if _NUMBER.fullmatch(text):
            return int(text)
        match (text[:1], text[-1:]) if len(text) > 1 else ("", ""):
            case '"', '"':
                return self._template(text[1:-1])
            case "{", "}":
                return self._object(text[1:-1])
            case "[", "]":
                return [self._known(part) for part in split(text[1:-1], ",")]
        if match := _LOCAL.fullmatch(text):
            return self._local(match[1][1:].split("."))
        if (match := _CALL.fullmatch(text)) and _is_one_call(match):
            return self._call(match[1], split(match[2], ","))
        if match := _OF_ANOTHER.fullmatch(text):
            return self._of_another(match[1], match[2][1:].split("."))
        raise UnknownError("only Terragrunt itself evaluates it")

    def _known(self, text: str) -> object:
        found = self.value(text)
        if isinstance(found, Expression):
            raise UnknownError(found.why)
        return found

    def _object(self, text: str) -> dict[str, object]:
        found: dict[str, object] = {}
        for part in split(text, ",\n"):
            pair = _PAIR.fullmatch(part)
            if pair is None:
                raise UnknownError("only Terragrunt itself evaluates it")
            found[pair[1] or pair[2] or ""] = self.value(pair[3])
        return found

    def _template(self, text: str) -> object:
        parts: list[str] = []
        at = 0
        while (start := text.find("${", at)) >= 0:
            if start and text[start - 1] in "$\\":
                raise UnknownError("only Terragrunt itself evaluates it")
            parts.append(text[at:start])
            at = interpolation_end(text, start)
            parts.append(_shown(self._known(text[start + 2 : at - 1])))
        parts.append(text[at:])
        plain = "".join(parts[::2])
        if "\\" in plain or "%{" in plain or '"' in plain:
            raise UnknownError("only Terragrunt itself evaluates it")
        return "".join(parts)

    def _local(self, names: list[str]) -> object:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise UnknownError("it refers to itself")
            for block in self._holder.blocks("locals"):
                for item in self._holder.outline.items(block):
                    if item.name == names[0] and not item.block:
                        source = self._holder.outline.value(item).strip()
                        if names[1:2] == ["locals"] and source.startswith("read_terragrunt_config"):
                            return self._of_another(source, names[1:])
                        return _inside(self._evaluate(source), names[1:])
        finally:
            self._depth -= 1
        raise UnknownError("it refers to a value that no file here holds")

    def _of_another(self, call: str, names: list[str]) -> object:
        """`read_terragrunt_config(…).locals.x`."""
        match = _CALL.fullmatch(call.strip())
        if match is None or match[1] != "read_terragrunt_config" or names[0] != "locals" or names[1:] == []:
            raise UnknownError("only Terragrunt itself evaluates it")
        path = self._path(self.text(split(match[2], ",")[0]))
        other = Scope(self._environ, self._file, self._file(path), self._unit, self._from)
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
        if name not in _PURE:
            raise UnknownError(f"only Terragrunt itself evaluates {name}()")
        if name == "try":
            arguments = arguments[:1]
        try:
            return _PURE[name]([self._known(argument) for argument in arguments])
        except (TypeError, ValueError):
            raise UnknownError(f"{name}() is not called as it should be") from None

    def _environment(self, arguments: list[str]) -> str:
        name = arguments[0]
        if name in self._environ:
            return self._environ[name]
        if len(arguments) > 1:
            self.assumed.append(name)
            return arguments[1]
        known = name if _VARIABLE.fullmatch(name) else "that it names"
        raise UnknownError(f"the environment variable {known} is not set")

    def _in_parents(self, arguments: list[str]) -> str:
        name = arguments[0] if arguments else FILE
        for level in self._unit.parents:
            if (level / name).is_file():
                return str(level / name)
        if len(arguments) > 1:
            return arguments[1]
        raise UnknownError("it looks for a file that is in no folder above")


def _is_one_call(match: re.Match[str]) -> bool:
    """Whether the brackets are each other's partners: `f(a)`, and not `f(a) + g(b)`."""
    try:
        split(match[2], ",")
    except ValueError:
        return False
    return True


def _try(arguments: Sequence[object]) -> object:
    """The first: others count where Terragrunt fails on it, and where we do not know it, Terragrunt may."""
    return arguments[0]


def _merge(objects: Sequence[object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in objects:
        if not isinstance(one, dict):
            raise UnknownError("merge() is not called as it should be")
        found |= one
    return found


def _lookup(arguments: Sequence[object]) -> object:
    where, name, *otherwise = arguments
    if not isinstance(where, dict) or not isinstance(name, str):
        raise TypeError
    return _inside(where, [name]) if name in where or not otherwise else otherwise[0]


def _format(arguments: Sequence[object]) -> str:
    """`format` with `%s` and `%d` alone."""
    pattern, *values = arguments
    if not isinstance(pattern, str):
        raise TypeError
    verbs = _VERB.findall(pattern)
    if set(verbs) - {"s", "d"} or len(verbs) != len(values):
        raise UnknownError("only Terragrunt itself evaluates format() with such verbs")
    following = iter(values)
    return _VERB.sub(lambda _: _shown(next(following)), pattern)


def _join(arguments: Sequence[object]) -> str:
    between, parts = arguments
    if not isinstance(between, str) or not isinstance(parts, list):
        raise TypeError
    return between.join(_shown(part) for part in parts)


def _of_text(change: Callable[[str], str]) -> Callable[[Sequence[object]], str]:
    def call(arguments: Sequence[object]) -> str:
        (text,) = arguments
        if not isinstance(text, str):
            raise TypeError
        return change(text)

    return call


_PURE: Mapping[str, Callable[[Sequence[object]], object]] = {
    "try": _try,
    "merge": _merge,
    "lookup": _lookup,
    "format": _format,
    "join": _join,
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "basename": _of_text(lambda path: os.path.basename(path.rstrip("/"))),  # noqa: PTH119 - as Terraform does
    "dirname": _of_text(lambda path: os.path.dirname(path.rstrip("/"))),  # noqa: PTH120 - likewise
}
"""Functions that need nothing but their arguments, which are all known."""


def _inside(value: object, names: list[str]) -> object:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            raise UnknownError("it refers to a value that no file here holds")
        value = value[name]
    if isinstance(value, Expression):
        raise UnknownError(value.why)
    return value


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise UnknownError("a list or an object stands where a text is expected")
