"""Which root modules can be looked at as they stand, and how those to choose from are told apart."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.other_backends import other_backend
from tuirunbook.wiring.problem import Problem


def told_apart(roots: tuple[RootModule, ...], start: Path) -> tuple[RootModule, ...]:
    """Roots to choose from: where directories share a name, as they do outside a checkout, each by its path."""
    directories: dict[str, set[str | None]] = {}
    for root in roots:
        directories.setdefault(root.name, set()).add(root.directory)
    return tuple(
        msgspec.structs.replace(root, name=os.path.relpath(root.directory, start))
        if root.directory is not None and len(directories[root.name]) > 1
        else root
        for root in roots
    )


def in_region(root: RootModule, region: str | None) -> RootModule:
    """The root with the region of the command line, which wins where one was given."""
    if region is None or root.backend.type != "s3":
        return root
    backend = msgspec.structs.replace(
        root.backend,
        arguments={**root.backend.arguments, "region": region},
        origins={**root.backend.origins, "region": "--region"},
    )
    missing = tuple(one for one in root.missing if one.argument != "region")
    return msgspec.structs.replace(root, backend=backend, missing=missing)


def usable(root: RootModule) -> RootModule:
    """The root, if its lock can be looked at.

    Raises:
        Problem: It has another backend, or lacks what says where the lock is.
    """
    answer = other_backend(root.backend.type)
    if answer is not None:
        raise Problem(f"{root.name} has the backend {answer.type!r}, not s3. {answer.lives}", answer.advice)
    if root.missing:
        names = ", ".join(missing.argument for missing in root.missing)
        how = "; ".join(dict.fromkeys(f"{missing.argument}: {missing.how}" for missing in root.missing))
        raise Problem(f"The backend of {root.name} lacks {names}.", f"{how[0].upper()}{how[1:]}.")
    return root
