"""AWS settings files that a backend names inside the checkout. They can start programs (`credential_process`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuirunbook.core.backend import Backend

_ARGUMENTS = ("shared_config_files", "shared_credentials_files", "shared_credentials_file")


def settings_files_inside(
    backend: Backend, directory: Path, checkout: Path | None, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """The absolute paths of those files, named or reached through symlinks, in the checkout (or the root module)."""
    if backend.arguments.keys().isdisjoint(_ARGUMENTS):
        return ()
    inside = checkout or directory
    found = [
        str(path)
        for named in _named(backend)
        if _is_inside(path := Path(os.path.normpath(directory / _expanded(named, environ))), inside)
    ]
    return tuple(dict.fromkeys(found))


def _named(backend: Backend) -> Iterator[str]:
    for argument in _ARGUMENTS:
        value = backend.arguments.get(argument)
        values = value if isinstance(value, list) else [value]
        yield from (one for one in values if isinstance(one, str) and one)


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME")
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _is_inside(path: Path, directory: Path) -> bool:
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):
        resolved = path
    return path.is_relative_to(directory) or resolved.is_relative_to(directory.resolve())
