"""The root modules below a directory, by what lies in each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tuirunbook.repository.configuration import HCL_SUFFIXES, JSON_SUFFIXES, read_configuration
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.saved import SAVED_FILE

TERRAGRUNT_FILE = "terragrunt.hcl"
SKIPPED = frozenset({".git", ".terraform", ".terragrunt-cache", "node_modules", ".venv"})


def roots_below(directory: Path, *, data_dir: str | None = ".terraform") -> Iterator[Path]:
    """The directories at or below `directory` that are root modules, in order of their paths' discovery.

    That is: their files declare a backend (or cannot be read where they seem to), or `init` or Terragrunt was there.
    Ignored files count, for backends are often generated; symlinks to directories are not followed. `data_dir` is the
    data directory's name below each root, None where it is elsewhere.
    """
    pending = [directory]
    while pending:
        current = pending.pop()
        try:
            with os.scandir(current) as entries:
                listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        folders = sorted((name for name, folder in listed if folder and name not in SKIPPED), reverse=True)
        pending += [current / name for name in folders if name != data_dir]
        if _is_root(current, {name for name, _ in listed}, data_dir):
            yield current


def _is_root(directory: Path, names: set[str], data_dir: str | None) -> bool:
    if TERRAGRUNT_FILE in names:
        return True
    if data_dir is not None and data_dir.split("/")[0] in names and (directory / data_dir / SAVED_FILE).is_file():
        return True
    if not any(name.endswith(HCL_SUFFIXES + JSON_SUFFIXES) for name in names):
        return False
    try:
        configuration = read_configuration(directory)
    except DetectionError:
        return True
    return configuration.backend is not None or configuration.hidden_backend
