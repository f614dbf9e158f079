"""What an earlier start read in a repository, checked by stat alone; so that a second start need not read it again.

It holds backend blocks without secrets and no credentials, serves lists only, and is never used to act: whoever acts
reads the files again.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.backend import SECRET_ARGUMENTS
from tuirunbook.repository.configuration import Declared
from tuirunbook.repository.literals import Expression

_VERSION = 1
_SETTLED_NS = 2_000_000_000
"""A file that changed this shortly before it was read may have changed again within the same tick of its clock."""

_Block = tuple[str, int, dict[str, object], dict[str, int]]
_Entry = tuple[int, int, int, int, list[_Block]]


class _File(msgspec.Struct):
    version: int
    top: str
    files: dict[str, _Entry]


class Remembered:
    """The blocks of one repository's files, by path. Without a file it remembers nothing.

    Args:
        path: Where it is kept, or None.
        top: The repository.
    """

    def __init__(self, path: Path | None = None, top: str = "") -> None:
        self._path = path
        self._top = top
        self._began = time.time_ns()
        self._known = _load(path, top) if path is not None else {}
        self._learnt: dict[str, list[Declared]] = {}
        self._kept: dict[str, _Entry] = {}

    @property
    def knows(self) -> bool:
        """Whether anything is remembered."""
        return bool(self._known)

    def declared(self, path: str) -> list[Declared] | None:
        """The blocks of a file that is what it was, or None."""
        entry = self._known.get(path)
        if entry is None or _signature(path) != entry[:4]:
            return None
        self._kept[path] = entry
        return [
            Declared(type=kind, path=Path(path), line=line, values=values, lines=lines)
            for kind, line, values, lines in entry[4]
        ]

    def learn(self, path: str, declared: list[Declared]) -> None:
        """Blocks that were read just now."""
        if self._path is not None:
            self._learnt[path] = declared

    def save(self) -> None:
        """Write it down for the next start; a place that cannot be written is left alone."""
        if self._path is None or (not self._learnt and len(self._kept) == len(self._known)):
            return
        files = dict(self._kept)
        for path, declared in self._learnt.items():
            blocks = [_block(one) for one in declared]
            signature = _signature(path)
            if signature is None or None in blocks or max(signature[:2]) > self._began - _SETTLED_NS:
                continue
            files[path] = (*signature, [block for block in blocks if block is not None])
        draft = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.msgpack.encode(_File(version=_VERSION, top=self._top, files=files)))
            draft.replace(self._path)
        except (OSError, TypeError, ValueError):
            with contextlib.suppress(OSError):
                draft.unlink()


def remembered_in(directory: Path, top: str) -> Remembered:
    """What is remembered of the repository at `top`, kept in `directory`."""
    import zlib  # noqa: PLC0415 - not every start has something to remember

    # two repositories of one name share a file at worst, and then neither believes what the other wrote into it
    return Remembered(directory / f"{zlib.crc32(os.fsencode(top)):08x}.msgpack", top)


def _load(path: Path, top: str) -> dict[str, _Entry]:
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found.files if found.version == _VERSION and found.top == top else {}


def _signature(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - ten thousand files
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _block(declared: Declared) -> _Block | None:
    """A block as it is kept; None when it holds what must not be, or was not plain."""
    if declared.body or _is_unfit(declared.values):
        return None
    return declared.type, declared.line, dict(declared.values), dict(declared.lines)


def _is_unfit(values: object) -> bool:
    """Whether a value is secret, or no constant."""
    if isinstance(values, Mapping):
        return any(name in SECRET_ARGUMENTS or _is_unfit(inner) for name, inner in values.items())
    if isinstance(values, list | tuple):
        return any(_is_unfit(inner) for inner in values)
    return isinstance(values, Expression)
