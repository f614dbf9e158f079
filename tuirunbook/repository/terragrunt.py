"""Terragrunt's `remote_state`, as far as files alone tell it.

Source: docs.terragrunt.gruntwork.io, reference of attributes and blocks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.repository.configuration import broken, decode, read_text, relative
from tuirunbook.repository.hcl import HclError, Item, Outline
from tuirunbook.repository.terragrunt_values import ConfigFile, Scope, UnknownError

FILE = "terragrunt.hcl"
_OWN_KEYS = re.compile(
    r"skip_bucket_.*|s3_bucket_tags|dynamodb_table_tags|accesslogging_.*|disable_.*|enable_.*|bucket_sse_.*"
)
_ALWAYS = ("bucket", "key", "region")
"""What a state cannot be told without."""


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


class Terragrunt:
    """Reads units; each file is parsed once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._files: dict[Path, ConfigFile] = {}

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

    def _file(self, path: Path) -> ConfigFile:
        if path not in self._files:
            try:
                outline = Outline(decode(path, read_text(path)))
                self._files[path] = ConfigFile(path, outline, outline.items())
            except HclError as error:
                raise broken(path, error) from None
        return self._files[path]

    def _included(self, own: ConfigFile, include: Item, unit: Path) -> ConfigFile | None:
        scope = Scope(self._environ, self._file, own, unit, own.path.parent)
        for item in own.outline.items(include):
            if item.name == "path" and not item.block:
                try:
                    found = scope.text(own.outline.value(item))
                except UnknownError:
                    return None
                path = Path(os.path.normpath(unit / found))
                return self._file(path) if path.is_file() else None
        return None

    def _remote(self, holder: ConfigFile, own: ConfigFile, unit: Path) -> Remote | None:
        block = next(iter(holder.blocks("remote_state")), None)
        if block is None:
            return None
        included_from = holder.path.parent if holder is not own else unit
        scope = Scope(self._environ, self._file, holder, unit, included_from)
        kind, config = "s3", dict[str, object]()
        for item in holder.outline.items(block):
            if item.name == "backend" and not item.block:
                named = scope.value(holder.outline.value(item))
                kind = named if isinstance(named, str) else kind
            elif item.name == "config":
                found = scope.body(holder.outline, item) if item.block else scope.value(holder.outline.value(item))
                config = found if isinstance(found, dict) else dict.fromkeys(_ALWAYS, found)
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
