"""The root modules whose state a pasted `Path` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX
from tuirunbook.core.backend import RootModule
from tuirunbook.core.workspace import workspace_of
from tuirunbook.repository.backend_config import Given, candidates, read_file
from tuirunbook.repository.below import roots_below
from tuirunbook.repository.checkout import top_of
from tuirunbook.repository.configuration import (
    Configuration,
    Declared,
    read_configuration,
    relative,
)
from tuirunbook.repository.effective import Effective, against_saved, completed, from_saved
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.place import Place, place_at
from tuirunbook.repository.root import root_module
from tuirunbook.repository.saved import own_data_directory

_FROM_PATH = "the error's Path"


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
