"""`--backend-config`: files and arguments that complete a backend block, and files that might.

Follows Terraform's `command/init.go`: later ones win over earlier ones and over the block, each argument as a whole;
an empty one clears those before it; a value for a list or an object is HCL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tuirunbook.repository import quick
from tuirunbook.repository.configuration import (
    Declared,
    broken,
    decode,
    json_arguments,
    parse_json,
    read_text,
    relative,
)
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.hcl import HclError, Outline
from tuirunbook.repository.literals import read_body
from tuirunbook.repository.remembered import Remembered

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_CONFIG_FOLDERS = frozenset(
    {"backend", "backends", "backend-config", "backend_config", "conf", "config", "configs", "env", "envs"}
    | {"environment", "environments", "tfbackend", "tfvars", "vars"}
)
_CONFIG_NAME = re.compile(r".+\.tfbackend|.+\.backend|backend[^/]*\.(?:hcl|tfvars|conf)|.+\.(?:conf|hcl)")
_CONFIG_CONTENT = re.compile(
    rb"^[ \t]*\"?(?:bucket|key|region|dynamodb_table|workspace_key_prefix|use_lockfile)\"?[ \t]*[=:]", re.MULTILINE
)
_MOST_BYTES = 65536
_MOST_CANDIDATES = 200


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What `--backend-config` sets: arguments, and where each is from."""

    arguments: Mapping[str, object] = {}
    origins: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Given(origins={dict(self.origins)!r})"


def read_given(values: Sequence[str], start: Path, directory: Path) -> Given:
    """All `--backend-config` values, in order. Files are looked for in `start`, then in the root module.

    Raises:
        DetectionError: A file is not there or cannot be read, or a value is not HCL.
    """
    arguments: dict[str, object] = {}
    origins: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not value:
            arguments.clear()
            origins.clear()
            continue
        if equals and (_NAME.fullmatch(name.strip()) or not _exists(value, start, directory)):
            found: Mapping[str, object] = {name.strip(): _argument(name.strip(), text)}
            origin = f"--backend-config {name.strip()}"
        else:
            path = _find(value, start, directory)
            found = read_file(path)
            origin = f"--backend-config {relative(path, directory)}"
        arguments |= found
        origins |= dict.fromkeys(found, origin)
    return Given(arguments=arguments, origins=origins)


def read_file(path: Path) -> Mapping[str, object]:
    """The arguments in a backend configuration file, HCL or JSON.

    Raises:
        DetectionError: It cannot be read or does not parse.
    """
    raw = read_text(path)
    if path.suffix != ".json" and (plain := quick.arguments(raw)) is not None:
        return plain
    text = decode(path, raw)
    if path.suffix == ".json":
        document = parse_json(path, text)
        return json_arguments(document) if isinstance(document, dict) else {}
    try:
        return read_body(Outline(text).whole())
    except HclError as error:
        raise broken(path, error) from None


def candidates(directory: Path, checkout: Path | None) -> tuple[Path, ...]:
    """Files that look like this root's backend configuration: in it, and in configuration folders in and above it.

    They are suggestions, the nearest first.
    """
    found: list[Path] = []
    for level in _levels(directory, checkout):
        if level == directory:
            found += _matching(level)
        for folder in _folders(level):
            found += _matching(folder)
    return tuple(dict.fromkeys(found))[:_MOST_CANDIDATES]


class ConfigFiles:
    """Backend configuration files near root modules; each folder is listed and each file read once.

    Args:
        remembered: What an earlier start read.
    """

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        self._near: dict[Path, tuple[Path, ...]] = {}
        self._folders: dict[Path, tuple[Path, ...]] = {}
        self._read: dict[Path, Mapping[str, object] | DetectionError] = {}

    def levels(self, directory: Path, checkout: Path | None) -> Iterator[tuple[Path, ...]]:
        """The files in and below the directory, then those in the configuration folders of each level above."""
        for level in _levels(directory, checkout):
            own = self._folder(level) if level == directory else ()
            found = (*own, *self._above(level))
            if found:
                yield found

    def read(self, path: Path) -> Mapping[str, object] | DetectionError:
        """What a file sets, or why it cannot be read."""
        if path not in self._read:
            try:
                self._read[path] = read_file(path)
            except DetectionError as error:
                self._read[path] = error
        return self._read[path]

    def _above(self, level: Path) -> tuple[Path, ...]:
        """The files in the configuration folders of one level, which many root modules share."""
        if level not in self._folders:
            self._folders[level] = tuple(path for folder in _folders(level) for path in self._folder(folder))
        return self._folders[level]

    def _folder(self, folder: Path) -> tuple[Path, ...]:
        if folder not in self._near:
            self._near[folder] = tuple(path for path in _named_so(folder) if self._counts(path))
        return self._near[folder]

    def _counts(self, path: Path) -> bool:
        known = self._remembered.declared(str(path))
        if known is not None:
            self._read.update((path, one.values) for one in known)
            return bool(known)
        if not _reads_so(path):
            self._remembered.learn(str(path), [])
            return False
        found = self.read(path)
        if not isinstance(found, DetectionError):
            self._remembered.learn(str(path), [Declared(type="config", path=path, line=1, values=found)])
        return True


def _levels(directory: Path, checkout: Path | None) -> Iterator[Path]:
    yield directory
    if checkout is not None and directory.is_relative_to(checkout):
        yield from (level for level in directory.parents if level.is_relative_to(checkout))


def _folders(level: Path) -> list[Path]:
    try:
        with os.scandir(level) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.name.lower() in _CONFIG_FOLDERS and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
    return [level / name for name in sorted(names)]


def _matching(folder: Path) -> list[Path]:
    return [path for path in _named_so(folder) if _reads_so(path)]


def _named_so(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if _CONFIG_NAME.fullmatch(entry.name)
                and not entry.name.startswith(".")
                and entry.name not in {"terragrunt.hcl", "root.hcl"}
                and entry.is_file()
                and entry.stat().st_size <= _MOST_BYTES
            )
    except OSError:
        return []
    return [folder / name for name in names]


def _reads_so(path: Path) -> bool:
    try:
        return _CONFIG_CONTENT.search(path.read_bytes()) is not None
    except OSError:
        return False


def _argument(name: str, text: str) -> object:
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return read_body(Outline(f"value = {text}").whole())["value"]
    except HclError as error:
        raise DetectionError(
            f"the value of --backend-config {name} is not HCL: {error.sentence}.",
            "Quote it for the shell, like --backend-config 'assume_role={role_arn=\"…\"}'.",
        ) from None


def _exists(value: str, start: Path, directory: Path) -> bool:
    return any((base / value).is_file() for base in (start, directory))


def _find(value: str, start: Path, directory: Path) -> Path:
    for base in (start, directory):
        path = base / Path(value).expanduser()
        if path.is_file():
            return path
    raise DetectionError(
        f"there is no backend configuration file {value!r}, neither in {start} nor in {directory}.",
        "Give the path from where you are, or an argument as --backend-config NAME=VALUE.",
    )
