"""The root modules below a directory, and those whose state a pasted `Path` names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX
from tuirunbook.core.backend import RootModule
from tuirunbook.core.workspace import workspace_of
from tuirunbook.repository.backend_config import Given, candidates, read_file
from tuirunbook.repository.checkout import top_of
from tuirunbook.repository.configuration import (
    HCL_SUFFIXES,
    JSON_SUFFIXES,
    Configuration,
    Declared,
    read_configuration,
    relative,
)
from tuirunbook.repository.effective import Effective, against_saved, completed, from_saved
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.place import TERRAGRUNT_FILE, Place, place_at
from tuirunbook.repository.root import root_module
from tuirunbook.repository.saved import SAVED_FILE, own_data_directory

SKIPPED = frozenset({".git", ".terraform", ".terragrunt-cache", "node_modules", ".venv"})
_FROM_PATH = "the error's Path"


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


def detect_by_path(start: Path, lock_path: str, *, environ: Mapping[str, str]) -> tuple[RootModule, ...]:
    """All root modules in the checkout around `start` whose state is `lock_path`, a pasted error's `Path`.

    The workspace is the one for which bucket and state key match. Where a block is partial, files that look like its
    configuration are tried, for a match of bucket and key is proof enough; a note says which one it was. Empty when
    nothing matches. Without a checkout, `start` and what is below it are searched.

    Raises:
        DetectionError: `lock_path` is not `bucket/key`.
    """
    bucket, key = split_path(lock_path)
    start = start.resolve()
    top = top_of(start)
    found: list[RootModule] = []
    for directory in roots_below(top or start, data_dir=own_data_directory(environ)):
        try:
            found += _matching(directory, top, (bucket, key), environ)
        except DetectionError:
            continue
    return tuple(found)


def split_path(lock_path: str) -> tuple[str, str]:
    """Bucket and state key of a lock's `Path`: a bucket's name has no slash.

    Raises:
        DetectionError: There is no slash, or nothing before or after it.
    """
    bucket, _, key = lock_path.strip().partition("/")
    if not bucket or not key:
        raise DetectionError(
            f"the Path {lock_path!r} is not a bucket and a key, so the S3 backend did not print it.",
            "Start in the root module's directory, or give --bucket and --key.",
        )
    return bucket, key


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


def _matching(
    directory: Path, top: Path | None, state: tuple[str, str], environ: Mapping[str, str]
) -> Iterator[RootModule]:
    place = place_at(directory, top, environ)
    if isinstance(place, Configuration):
        return
    seen: set[str] = set()
    for effective in _possible(place, *state):
        name = _match(effective, *state)
        if name is not None and name not in seen:
            seen.add(name)
            yield root_module(place, effective, (name, _FROM_PATH), environ)


def _possible(place: Place, bucket: str, state_key: str) -> Iterator[Effective]:
    """The backends that this place may have: what is saved, what is declared, and what a file beside it completes."""
    if place.saved is not None and place.saved.type == "s3":
        yield from_saved(place)
    declared = read_configuration(place.sources).backend
    if declared is None or declared.type != "s3" or _names_another(declared, bucket, state_key):
        return
    plain = completed(declared, Given(), place.sources)
    if "bucket" in plain.arguments and "key" in plain.arguments:
        yield against_saved(place, plain)
        return
    for path in candidates(place.directory, place.checkout):
        try:
            arguments = read_file(path)
        except DetectionError:
            continue
        shown = relative(path, place.directory)
        given = Given(arguments=arguments, origins=dict.fromkeys(arguments, f"--backend-config {shown}"))
        effective = completed(declared, given, place.sources)
        note = f"{shown} completes this backend: with it, bucket and key are those of the error's Path."
        yield against_saved(place, msgspec.structs.replace(effective, notes=(note,)))


def _names_another(declared: Declared, bucket: str, state_key: str) -> bool:
    """Whether the block's text sets another bucket or key, seen without python-hcl2.

    The last segment of a state key is that of the `key` argument, whatever the workspace.
    """
    body = declared.body
    if body is None or not {"$", "\\"}.isdisjoint(body):
        return False
    ends = {"bucket": bucket, "key": state_key.rpartition("/")[2]}
    return any(name in declared.lines and text not in body for name, text in ends.items())


def _match(effective: Effective, bucket: str, state_key: str) -> str | None:
    key, prefix = effective.arguments.get("key"), effective.arguments.get("workspace_key_prefix")
    if effective.arguments.get("bucket") != bucket or not isinstance(key, str) or not key:
        return None
    return workspace_of(state_key, key, prefix if isinstance(prefix, str) else DEFAULT_KEY_PREFIX)
