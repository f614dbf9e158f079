"""The directories of a tree, and what their configuration files declare, in one quick pass."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuirunbook.repository.configuration import (
    SUFFIXES,
    Configuration,
    Declared,
    combined,
    declared_in,
    hides_backend,
    is_configuration,
    unshadowed,
)
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.remembered import Remembered

SKIPPED = frozenset({".git", ".terraform", ".terragrunt-cache", "node_modules", ".venv"})
_CHUNK = 65536
# Searching for the words first is what makes this quick; `\b` in front of a literal would make it slow.
_BACKEND = re.compile(rb"backend[^=\n{]*\{")
_CLOUD = re.compile(rb"cloud(?![\w-])[^=\n{]*\{")
_STORE = re.compile(rb"state_store[^=\n{]*\{")


class Listed(msgspec.Struct, kw_only=True):
    """One directory as it was listed.

    Attributes:
        path: Its path.
        files: The names in it that are neither directories nor configuration.
        folders: The directories in it, symlinks left out.
        configurations: The files that Terraform reads.
        problem: Why it could not be listed, or None.
    """

    path: str
    files: set[str]
    folders: list[str]
    configurations: list[str]
    problem: DetectionError | None = None


def listings(top: str, *, data_dir: str | None = ".terraform") -> Iterator[Listed]:
    """Every directory at or below `top`, parents first, in the order of their names.

    Symlinks to directories are not followed, those to files are; ignored files count.
    """
    pending = [top]
    while pending:
        listed = listing(pending.pop())
        yield listed
        path = listed.path if listed.path != os.sep else ""
        folders = [name for name in listed.folders if name not in SKIPPED and name != data_dir]
        folders.sort(reverse=True)
        pending += [f"{path}{os.sep}{name}" for name in folders]


def listing(path: str) -> Listed:
    """One directory."""
    files: set[str] = set()
    folders: list[str] = []
    configurations: list[str] = []
    problem = None
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                    continue
                if not name.endswith(SUFFIXES):
                    files.add(name)
                elif is_configuration(entry):
                    configurations.append(name)
    except OSError as error:
        problem = DetectionError(
            f"this directory cannot be listed ({error.strerror or type(error).__name__}).",
            "Make it readable, or start below it.",
            file=path,
        )
    return Listed(path=path, files=files, folders=folders, configurations=configurations, problem=problem)


def configuration_of(listed: Listed, remembered: Remembered) -> Configuration | None:
    """What the directory's files declare; None where none of them mentions a backend and all could be read.

    Raises:
        DetectionError: Several backends are declared.
    """
    if not listed.configurations:
        return None
    names = unshadowed(listed.configurations)
    found: dict[str, list[Declared]] = {}
    problems: dict[str, DetectionError] = {}
    hidden = False
    for name in names:
        path = f"{listed.path}{os.sep}{name}"
        known = remembered.declared(path) if remembered.knows else None
        if known is not None:
            if known:
                found[name] = known
            continue
        raw = b""
        try:
            raw = _read(path)
            declared = declared_in(Path(path), raw) if b"terraform" in raw and _mentions(raw, name) else []
        except DetectionError as error:
            problems[name] = error
            hidden = hidden or hides_backend(raw)
            continue
        remembered.learn(path, declared)
        if declared:
            found[name] = declared
    if not found and not problems:
        return None
    return combined(listed.path, names, found, problems, hidden=hidden)


def _mentions(raw: bytes, name: str) -> bool:
    if name.endswith(".json"):
        return True
    if b"backend" in raw and (_BACKEND.search(raw) is not None or b"/*" in raw):
        return True
    return (b"cloud" in raw and _CLOUD.search(raw) is not None) or (
        b"state_store" in raw and _STORE.search(raw) is not None
    )


def _read(path: str) -> bytes:
    try:
        # a link may lead to a pipe, which nobody may ever write to, or to a device without an end
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            raw = os.read(descriptor, _CHUNK)
            if 0 < len(raw) < _CHUNK:
                return raw
            return raw + _rest(descriptor) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DetectionError(
            f"this file cannot be read ({error.strerror or type(error).__name__}).",
            "Make it readable, or give --bucket and --key to look at the lock without it.",
            file=path,
        ) from None


def _rest(descriptor: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(descriptor, 16 * _CHUNK):
        parts.append(part)
    return b"".join(parts)
