"""Every state of a repository: each root module with each of its backend configurations.

What counts, first to last: the saved configuration, the literal block, the team's mapping, what scripts hand to `init`,
files beside the root module or in configuration folders above it. What none of them tells is listed as unresolved.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.state import State, StateMapping
from tuirunbook.repository.completing import Completion, Partial
from tuirunbook.repository.finding import Listed, listing, listings
from tuirunbook.repository.remembered import Remembered
from tuirunbook.repository.root_states import RootStates
from tuirunbook.repository.saved import own_data_directory

if TYPE_CHECKING:
    from tuirunbook.repository.scripts import Init


class States:
    """Finds the states at or below a directory: complete ones at once, those that other files complete at the end.

    Args:
        top: The directory.
        checkout: The top of its work tree, or None.
        environ: The environment, as for `detect`.
        workspace: The workspace, when it is not the selected one of each root module.
        mappings: What the team's settings tell.
        remembered: What an earlier start read.
    """

    def __init__(
        self,
        top: Path,
        checkout: Path | None,
        *,
        environ: Mapping[str, str],
        workspace: str | None = None,
        mappings: Sequence[StateMapping] = (),
        remembered: Remembered | None = None,
    ) -> None:
        self._top = top
        self._remembered = remembered or Remembered()
        self._completion = Completion(checkout or top, environ, mappings, self._remembered)
        self._data_dir = own_data_directory(environ)
        self._root_states = RootStates(
            str(top),
            checkout,
            environ=environ,
            workspace=workspace,
            mapped=self._completion.mapped,
            remembered=self._remembered,
        )
        self._folders: list[tuple[str, set[str]]] = []

    def all(self, start: Path | None = None) -> Iterator[State]:
        """Each state as soon as it is known, those of the root module around `start` first and marked so."""
        collecting = gc.isenabled()
        # thousands of small values are made, and all of them stay
        gc.disable()
        try:
            first = None if start is None else self._around(start)
            for state in self._all(first):
                here = first is not None and state.root.directory == first.path
                yield msgspec.structs.replace(state, here=True) if here else state
        finally:
            if collecting:
                gc.enable()
        self._remembered.save()

    def of(self, directory: Path) -> tuple[State, ...]:
        """The states of exactly one directory, read now."""
        partial: list[Partial] = []
        found = list(self._root_states.at(listing(str(directory)), partial))
        for listed in listings(str(self._top), data_dir=self._data_dir) if partial else ():
            self._folders.append((listed.path, listed.files))
        return (*found, *self._completed(partial))

    def _all(self, first: Listed | None) -> Iterator[State]:
        partial: list[Partial] = []
        if first is not None:
            yield from self._root_states.at(first, partial)
            for one in partial:
                yield from self._completion.from_files(one)
        for listed in listings(str(self._top), data_dir=self._data_dir):
            self._folders.append((listed.path, listed.files))
            if first is None or listed.path != first.path:
                yield from self._root_states.at(listed, partial)
        yield from self._completed(partial)

    def _completed(self, partial: list[Partial]) -> Iterator[State]:
        inits = self._inits() if partial else []
        for one in partial:
            yield from self._completion.rest(one, inits)

    def _inits(self) -> list[Init]:
        from tuirunbook.repository.scripts import is_script, read_inits  # noqa: PLC0415 - only partial blocks need it

        found: list[Init] = []
        scripts = [Path(folder, name) for folder, names in self._folders for name in names if is_script(folder, name)]
        for path in sorted(scripts):
            # only that a script runs no `init` is remembered: what it hands over may be a secret
            if self._remembered.declared(str(path)) is not None:
                continue
            inits = list(read_inits(path, self._top))
            found += inits
            if not inits:
                self._remembered.learn(str(path), [])
        return found

    def _around(self, start: Path) -> Listed | None:
        """The directory of the root module that `start` is in, or None."""
        for level in (start, *start.parents):
            if not level.is_relative_to(self._top):
                return None
            listed = listing(str(level))
            if next(self._root_states.at(listed, partial := list[Partial]()), None) is not None or partial:
                return listed
        return None
