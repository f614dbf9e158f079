"""Which directory is the root module that encloses another one, and what lies in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.repository.below import TERRAGRUNT_FILE, roots_below
from tuirunbook.repository.checkout import top_of
from tuirunbook.repository.configuration import Configuration, read_configuration
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.saved import Saved, data_directory, own_data_directory, read_saved

_CACHE = ".terragrunt-cache"
_CACHE_DEPTH = 8
_MOST_NAMED = 5


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A root module's directory as it was found; files are read only as far as finding it needed.

    Attributes:
        directory: The root module.
        checkout: The top of its work tree, or None.
        data_dir: Its data directory, absolute.
        saved: The saved configuration, or None.
        working: Where Terragrunt runs Terraform, when that is another directory.
        notes: What could not be read on the way.
    """

    directory: Path
    checkout: Path | None
    data_dir: Path
    saved: Saved | None = None
    working: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> Path:
        """The directory whose configuration files Terraform reads."""
        return self.working or self.directory

    @property
    def terragrunt(self) -> bool:
        """Whether Terragrunt runs this root module."""
        return (self.directory / TERRAGRUNT_FILE).is_file()


def find_place(start: Path, environ: Mapping[str, str]) -> Place:
    """The root module at `start` or, in a checkout, the nearest one above it.

    Raises:
        DetectionError: There is none, or the nearest one cannot be read.
    """
    start = _directory(start)
    top = top_of(start)
    levels = [start, *(level for level in start.parents if top and level.is_relative_to(top))]
    problems: list[DetectionError] = []
    for level in levels:
        place = place_at(level, top, environ)
        if isinstance(place, Place):
            return place
        problems += place.problems
    if problems:
        raise problems[0]
    raise _nothing(start, top)


def place_at(directory: Path, checkout: Path | None, environ: Mapping[str, str]) -> Place | Configuration:
    """The root module in exactly this directory, or what its files say when it is none.

    Raises:
        DetectionError: It seems to be one and cannot be read.
    """
    data_dir = data_directory(directory, environ)
    shared = own_data_directory(environ) is None
    notes: list[str] = []
    saved, problem = None, None
    try:
        saved = read_saved(data_dir)
    except DetectionError as error:
        problem = error
        notes.append(f"{error} The files are used instead.")
    place = Place(directory=directory, checkout=checkout, data_dir=data_dir, saved=saved, notes=tuple(notes))
    if saved is not None and not shared:
        return place
    configuration = read_configuration(directory)
    if configuration.backend is not None or (saved is not None and configuration.files):
        return place
    if place.terragrunt:
        return _in_terragrunt_cache(place)
    if configuration.hidden_backend:
        raise configuration.problems[0]
    if problem is not None and not shared:
        raise problem
    return configuration


def _in_terragrunt_cache(place: Place) -> Place:
    newest: tuple[float, Path] | None = None
    for directory, folders, _ in os.walk(place.directory / _CACHE):
        path = Path(directory)
        if len(path.relative_to(place.directory).parts) >= _CACHE_DEPTH:
            folders.clear()
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        try:
            written = (path / ".terraform" / "terraform.tfstate").stat().st_mtime
        except OSError:
            continue
        folders.clear()
        if newest is None or written > newest[0]:
            newest = written, path
    if newest is None:
        return place
    working = newest[1]
    data_dir = working / ".terraform"
    try:
        saved, notes = read_saved(data_dir), place.notes
    except DetectionError as error:
        saved, notes = None, (*place.notes, str(error))
    return msgspec.structs.replace(place, working=working, data_dir=data_dir, saved=saved, notes=notes)


def _directory(start: Path) -> Path:
    try:
        resolved = start.resolve(strict=True)
    except (OSError, RuntimeError):
        raise DetectionError(f"{start} is not there.", "Start in the root module's directory.") from None
    return resolved if resolved.is_dir() else resolved.parent


def _nothing(start: Path, top: Path | None) -> DetectionError:
    below: list[str] = []
    for root in roots_below(start):
        if len(below) == _MOST_NAMED:
            below.append("…")
            break
        below.append(os.path.relpath(root, start))
    if below:
        step = f"Change into one of the root modules below: {', '.join(below)}."
    else:
        step = "Change into the root module's directory, paste the error with --error, or give --bucket and --key."
    if (start / "terraform.tfstate").is_file():
        step = f"Its state is the file terraform.tfstate, so its lock is local. {step}"
    if top is None:
        return DetectionError(
            f"{start} declares no backend, and it is in no git checkout, so nothing above it was looked at.", step
        )
    return DetectionError(f"neither {start} nor a directory above it in the checkout {top} declares a backend.", step)
