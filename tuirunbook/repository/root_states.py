"""What one directory tells of its states: those that are whole, and a block that other files have to complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.state import State, Unresolved
from tuirunbook.repository.backend_config import Given
from tuirunbook.repository.below import TERRAGRUNT_FILE
from tuirunbook.repository.completing import Partial, at_line, root_of, state_of
from tuirunbook.repository.configuration import Configuration, relative
from tuirunbook.repository.effective import completed, from_saved
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.finding import Listed, configuration_of
from tuirunbook.repository.place import Place, place_at
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
    from tuirunbook.repository.units import Units


class RootStates:
    """Reads one directory after another.

    Args:
        top: Where the search begins.
        checkout: The top of its work tree, or None.
        environ: The environment, as for `detect`.
        workspace: The workspace, when it is not the selected one of each root module.
        mapped: Whether the team's settings tell of a root module, by its name.
        remembered: What an earlier start read.
    """

    def __init__(
        self,
        top: str,
        checkout: Path | None,
        *,
        environ: Mapping[str, str],
        workspace: str | None,
        mapped: Callable[[str], bool],
        remembered: Remembered,
    ) -> None:
        self._base = top if checkout is None else str(checkout)
        self._checkout = checkout
        self._environ = environ
        self._workspace = workspace
        self._mapped = mapped
        self._remembered = remembered
        self._data_dir = own_data_directory(environ)
        self._units: Units | None = None
        self._tofu_above: dict[str, bool] = {}
        self._plain_workspace = (
            (DEFAULT_WORKSPACE, "default") if workspace is None and not environ.get("TF_WORKSPACE") else None
        )

    def at(self, listed: Listed, partial: list[Partial]) -> Iterator[State]:
        """The states of a directory; a block that lacks something is added to `partial`."""
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
        if trouble is None and configuration is not None and configuration.hidden_backend:
            trouble = configuration.problems[0]
        declared = configuration.backend if configuration else None
        initialised = self._has_data(listed) is True
        terragrunt = TERRAGRUNT_FILE in listed.files
        mapped = bool(listed.configurations) and self._mapped(self._name(listed.path))
        if not (declared or trouble or initialised or terragrunt or mapped):
            return
        # parsing a path takes longer than cutting its last part off
        directory = declared.path.parent if declared else Path(listed.path)
        place = Place(directory=directory, checkout=self._checkout, data_dir=data_directory(directory, self._environ))
        if initialised:
            place = _with_saved(place)
        if place.saved is None and declared is None:
            if terragrunt:
                yield from self._unit(place, listed, partial)
                return
            if trouble is not None:
                raise trouble
            if not mapped:
                return
        yield from self._states(self._partial(place, listed, configuration), partial)

    def _states(self, one: Partial, partial: list[Partial]) -> Iterator[State]:
        place = one.place
        whole = root_of(one, one.effective, self._environ)
        if place.saved is not None:
            root = root_of(one, from_saved(place), self._environ)
            one.known.append(root)
            yield state_of(root, f"saved: {relative(place.data_dir, place.directory)}/{SAVED_FILE}")
        elif not whole.missing:
            yield state_of(whole, f"block: {at_line(one.declared, place)}")
            return
        if whole.missing and (one.declared is not None or place.saved is None):
            partial.append(one)

    def _unit(self, place: Place, listed: Listed, partial: list[Partial]) -> Iterator[State]:
        """The state of a Terragrunt unit: what an earlier run saved, or what its files tell."""
        from tuirunbook.repository.units import Units  # noqa: PLC0415 - most repositories have none

        found = place_at(place.directory, self._checkout, self._environ)
        if isinstance(found, Place) and found.saved is not None:
            yield from self._states(self._partial(found, listed, None), partial)
            return
        self._units = self._units or Units(self._environ)
        one = self._partial(place, listed, None)
        state = self._units.state(one, alone=not listed.configurations)
        if state is None:
            return
        if state.unresolved and self._mapped(one.name):
            partial.append(one)
        else:
            yield state

    def _partial(self, place: Place, listed: Listed, configuration: Configuration | None) -> Partial:
        declared = configuration.backend if configuration else None
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

    def _broken(self, path: str, problem: DetectionError) -> State:
        root = RootModule(
            directory=path,
            name=self._name(path),
            checkout=None if self._checkout is None else str(self._checkout),
            backend=Backend(type="unknown"),
        )
        why = f"{problem.place}{problem.sentence}".removeprefix(f"{self._base}{os.sep}")
        lacks = Unresolved(argument="backend", why=why, how=problem.next_step)
        return State(root=root, source="", unresolved=(lacks,))

    def _name(self, path: str) -> str:
        top = self._base
        if path == top:
            return os.path.basename(path) or path  # noqa: PTH119 - a thousand directories
        return path[len(top) + 1 :] if path.startswith(top + os.sep) else os.path.relpath(path, top)


def _with_saved(place: Place) -> Place:
    try:
        saved = read_saved(place.data_dir)
    except DetectionError as error:
        return msgspec.structs.replace(place, notes=(f"{error} The files are used instead.",))
    return msgspec.structs.replace(place, saved=saved)
