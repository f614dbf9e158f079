"""Which program runs a root module, from what lies in it."""

from __future__ import annotations

import os
from pathlib import Path

from tuirunbook.repository.place import Place

_TOFU_REGISTRY = b"registry.opentofu.org/"


def program_of(place: Place) -> str:
    """`terragrunt`, `tofu` or `terraform`.

    OpenTofu shows in a `.tofu` file, in `.opentofu-version` here or above in the checkout, or in the dependency lock
    file.
    """
    if place.terragrunt:
        return "terragrunt"
    return "tofu" if _has_tofu_file(place) or names_tofu(place.directory, place.checkout) else "terraform"


def _has_tofu_file(place: Place) -> bool:
    try:
        with os.scandir(place.directory) as entries:
            return any(
                entry.name.endswith((".tofu", ".tofu.json")) and not entry.name.startswith(".") for entry in entries
            )
    except OSError:
        return False


def names_tofu(directory: Path, checkout: Path | None, *, above_only: bool = False) -> bool:
    """Whether a directory, or one above it in the checkout, asks for OpenTofu."""
    levels = [directory]
    if checkout is not None:
        levels += [level for level in directory.parents if level.is_relative_to(checkout)]
    if any((level / ".opentofu-version").is_file() for level in levels):
        return True
    if above_only:
        return False
    try:
        return _TOFU_REGISTRY in (directory / ".terraform.lock.hcl").read_bytes()
    except OSError:
        return False
