"""Every state of a repository: each root module with each of its backend configurations.

What counts, first to last: the saved configuration, the literal block, the team's mapping, what scripts hand to `init`,
files beside the root module or in configuration folders above it. What none of them tells is listed as unresolved.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.state import State, StateMapping, Unresolved
from tuirunbook.repository.backend_config import Given
from tuirunbook.repository.completing import Completion, Partial, at_line, root_of, state_of
from tuirunbook.repository.configuration import Configuration, Declared, relative
from tuirunbook.repository.effective import Effective, completed, from_saved
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.finding import Listed, configuration_of, listing, listings
from tuirunbook.repository.literals import Expression
from tuirunbook.repository.place import TERRAGRUNT_FILE, Place, place_at
from tuirunbook.repository.program import names_tofu
from tuirunbook.repository.remembered import Remembered
from tuirunbook.repository.saved import (
    SAVED_FILE,
    data_directory,
    own_data_directory,
    read_saved,
    selected_workspace,
)

if TYPE_CHECKING:
    from tuirunbook.repository.scripts import Init
    from tuirunbook.repository.terragrunt import Remote, Terragrunt


class States:
    """Finds the states at or below a directory.

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
        self._checkout = checkout
        self._environ = environ
        self._workspace = workspace
        self._mapped = bool(mappings)
        self._remembered = remembered or Remembered()
        self._completion = Completion(checkout or top, environ, mappings, self._remembered)
        self._data_dir = own_data_directory(environ)
        self._terragrunt_reader: Terragrunt | None = None
        self._others: list[tuple[str, set[str]]] = []
        self._tofu_above: dict[str, bool] = {}
        self._plain_workspace = (
            (DEFAULT_WORKSPACE, "default") if workspace is None and not environ.get("TF_WORKSPACE") else None
        )

    def all(self, start: Path | None = None) -> Iterator[State]:
        """Each state as soon as it is known, that of the root module around `start` first."""
        collecting = gc.isenabled()
        # thousands of small values are made, and all of them stay
        gc.disable()
        try:
            yield from self._all(start)
        finally:
            if collecting:
                gc.enable()
        self._remembered.save()

    def of(self, directory: Path) -> tuple[State, ...]:
        """The states of exactly one directory, read now."""
        partial: list[Partial] = []
        found = list(self._at(listing(str(directory)), partial))
        for listed in listings(str(self._top), data_dir=self._data_dir) if partial else ():
            self._others.append((listed.path, listed.files))
        inits = self._inits() if partial else []
        for one in partial:
            found += self._completion.rest(one, inits)
        return tuple(found)

    def _all(self, start: Path | None) -> Iterator[State]:
        partial: list[Partial] = []
        first = self._around(start) if start is not None else None
        if first is not None:
            yield from self._at(first, partial)
            for one in partial:
                yield from self._completion.from_files(one)
        for listed in listings(str(self._top), data_dir=self._data_dir):
            self._others.append((listed.path, listed.files))
            if first is None or listed.path != first.path:
                yield from self._at(listed, partial)
        inits = self._inits() if partial else []
        for one in partial:
            yield from self._completion.rest(one, inits)

    def _inits(self) -> list[Init]:
        from tuirunbook.repository.scripts import is_script, read_inits  # noqa: PLC0415 - only partial blocks need it

        scripts = [Path(folder, name) for folder, names in self._others for name in names if is_script(folder, name)]
        return [init for path in sorted(scripts) for init in read_inits(path, self._top)]

    # One directory

    def _around(self, start: Path) -> Listed | None:
        for level in (start, *start.parents):
            if not level.is_relative_to(self._top):
                return None
            listed = listing(str(level))
            if next(self._at(listed, partial := list[Partial]()), None) is not None or partial:
                return listed
        return None

    def _at(self, listed: Listed, partial: list[Partial]) -> Iterator[State]:
        if listed.problem is not None:
            yield self._broken(listed.path, listed.problem)
            return
        try:
            yield from self._read(listed, partial)
        except DetectionError as problem:
            yield self._broken(listed.path, problem)

    def _read(self, listed: Listed, partial: list[Partial]) -> Iterator[State]:
        configuration, trouble = None, None
        try:
            configuration = configuration_of(listed, self._remembered)
        except DetectionError as problem:
            trouble = problem
        initialised = self._has_data(listed) is True
        terragrunt = TERRAGRUNT_FILE in listed.files
        declared = configuration.backend if configuration else None
        mapped = self._mapped and listed.configurations and self._completion.mapping(self._name(listed.path))
        relevant = declared or trouble or (configuration and configuration.hidden_backend)
        if not (relevant or initialised or terragrunt or mapped):
            return
        # parsing a path takes longer than cutting its last part off
        directory = declared.path.parent if declared else Path(listed.path)
        data_dir = data_directory(directory, self._environ)
        place = Place(directory=directory, checkout=self._checkout, data_dir=data_dir)
        if initialised:
            place = self._with_saved(place)
        if terragrunt and place.saved is None and declared is None:
            yield from self._unit(place, listed, partial)
            return
        if place.saved is None and declared is None:
            if trouble or (configuration and configuration.hidden_backend):
                raise trouble or (configuration.problems[0] if configuration else AssertionError)
            if not mapped:
                return
        yield from self._states(place, listed, declared, configuration, partial)

    def _states(
        self,
        place: Place,
        listed: Listed,
        declared: Declared | None,
        configuration: Configuration | None,
        partial: list[Partial],
    ) -> Iterator[State]:
        one = self._partial(place, listed, declared, configuration)
        whole = root_of(one, one.effective, self._environ)
        if place.saved is not None:
            root = root_of(one, from_saved(place), self._environ)
            one.known.append(root)
            yield state_of(root, f"saved: {relative(place.data_dir, place.directory)}/{SAVED_FILE}")
        elif not whole.missing:
            yield state_of(whole, f"block: {at_line(declared, place)}")
            return
        if whole.missing and (declared is not None or place.saved is None):
            partial.append(one)

    def _partial(
        self, place: Place, listed: Listed, declared: Declared | None, configuration: Configuration | None
    ) -> Partial:
        tofu = bool(configuration and configuration.tofu) or self._is_tofu(listed)
        notes = tuple(f"{one.place}{one.sentence}" for one in configuration.problems) if configuration else ()
        effective = completed(declared, Given(), place.sources)
        return Partial(
            place=place,
            name=self._name(listed.path),
            program="terragrunt" if TERRAGRUNT_FILE in listed.files else "tofu" if tofu else "terraform",
            workspace=self._selected(place, listed),
            declared=declared,
            effective=msgspec.structs.replace(effective, notes=notes) if notes else effective,
        )

    def _has_data(self, listed: Listed) -> bool | None:
        """Whether a data directory is here; None where it is elsewhere, the same for all."""
        return None if self._data_dir is None else self._data_dir.split("/")[0] in listed.folders

    def _with_saved(self, place: Place) -> Place:
        try:
            saved = read_saved(place.data_dir)
        except DetectionError as error:
            return msgspec.structs.replace(place, notes=(f"{error} The files are used instead.",))
        return msgspec.structs.replace(place, saved=saved)

    def _selected(self, place: Place, listed: Listed) -> tuple[str, str]:
        if self._plain_workspace and place.working is None and self._has_data(listed) is False:
            return self._plain_workspace
        shown = relative(place.data_dir, place.directory)
        return selected_workspace(place.data_dir, self._workspace, self._environ, shown)

    def _is_tofu(self, listed: Listed) -> bool:
        if ".terraform.lock.hcl" in listed.files or ".opentofu-version" in listed.files:
            return names_tofu(Path(listed.path), None)
        level = os.path.dirname(listed.path)  # noqa: PTH120 - a thousand directories
        if level not in self._tofu_above:
            self._tofu_above[level] = names_tofu(Path(level), self._checkout, above_only=True)
        return self._tofu_above[level]

    # Terragrunt

    def _terragrunt(self) -> Terragrunt:
        from tuirunbook.repository.terragrunt import Terragrunt  # noqa: PLC0415 - most repositories have none

        if self._terragrunt_reader is None:
            self._terragrunt_reader = Terragrunt(self._environ)
        return self._terragrunt_reader

    def _unit(self, place: Place, listed: Listed, partial: list[Partial]) -> Iterator[State]:
        found = place_at(place.directory, self._checkout, self._environ)
        if isinstance(found, Place) and found.saved is not None:
            yield from self._states(found, listed, None, None, partial)
            return
        reader = self._terragrunt()
        unit = reader.unit(place.directory)
        if unit.parent and not listed.configurations:
            return
        one = self._partial(place, listed, None, None)
        if unit.remote is None:
            root = root_of(one, one.effective, self._environ)
            how = "run `terragrunt init` here, which saves the configuration"
            lacks = Unresolved(
                argument="backend", why="no remote_state is in this unit or in what it includes", how=how
            )
            yield State(root=root, source=f"terragrunt: {TERRAGRUNT_FILE}", unresolved=(lacks,))
            return
        origin = reader.place(unit.remote, place.directory)
        effective = _of_remote(unit.remote, origin)
        notes = tuple(f"{name} is not set, so its default in the file was taken." for name in unit.remote.assumed)
        root = root_of(one, msgspec.structs.replace(effective, notes=notes), self._environ)
        yield state_of(root, f"terragrunt: {reader.place(unit.remote, place.directory)}", effective=effective)

    def _broken(self, path: str, problem: DetectionError) -> State:
        root = RootModule(
            directory=path,
            name=self._name(path),
            checkout=None if self._checkout is None else str(self._checkout),
            backend=Backend(type="unknown"),
        )
        lacks = Unresolved(argument="backend", why=f"{problem.place}{problem.sentence}", how=problem.next_step)
        return State(root=root, source="", unresolved=(lacks,))

    def _name(self, path: str) -> str:
        top = str(self._checkout or self._top)
        if path == top:
            return os.path.basename(path) or path  # noqa: PTH119 - a thousand directories
        return path[len(top) + 1 :] if path.startswith(top + os.sep) else os.path.relpath(path, top)


def _of_remote(remote: Remote, origin: str) -> Effective:
    return Effective(
        type=remote.type,
        arguments={name: value for name, value in remote.arguments.items() if not isinstance(value, Expression)},
        origins=dict.fromkeys(remote.arguments, origin),
        unresolved={name: origin for name, value in remote.arguments.items() if isinstance(value, Expression)},
    )
