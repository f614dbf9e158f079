"""One backend put together from its sources: what is saved, what the files declare, what is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.backend import Disagreement
from tuirunbook.repository.backend_config import Given
from tuirunbook.repository.comparison import differences
from tuirunbook.repository.configuration import Declared, read_configuration, relative
from tuirunbook.repository.literals import Expression
from tuirunbook.repository.place import Place
from tuirunbook.repository.saved import SAVED_FILE


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """A backend put together from its sources, before region and what lacks are filled in."""

    type: str
    arguments: Mapping[str, object] = {}
    origins: Mapping[str, str] = {}
    unresolved: Mapping[str, str] = {}
    """Arguments that are expressions, and where they stand."""
    reasons: Mapping[str, str] = {}
    """Why files alone do not tell these, where that is known."""
    initialised: bool = False
    disagreements: tuple[Disagreement, ...] = ()
    notes: tuple[str, ...] = ()


def from_saved(place: Place) -> Effective:
    """The backend that `init` saved."""
    saved = place.saved
    assert saved is not None  # noqa: S101 - the caller asked
    origin = f"{relative(place.data_dir, place.directory)}/{SAVED_FILE}"
    return Effective(
        type=saved.type,
        arguments=saved.arguments,
        origins=dict.fromkeys(saved.arguments, origin),
        initialised=True,
    )


def from_files(place: Place, given: Given) -> Effective:
    """The block in the files, completed by `--backend-config`, and whether that is what `init` saved.

    Raises:
        DetectionError: The files cannot be read.
    """
    configuration = read_configuration(place.sources)
    declared = configuration.backend
    notes = [f"{problem.place}{problem.sentence}" for problem in configuration.problems]
    if declared is None and place.terragrunt and place.saved is None:
        notes.append(
            "Terragrunt has not written this backend yet: run `terragrunt init` here, or give --bucket and --key."
        )
    fallback = place.saved.type if place.saved is not None else "s3"
    effective = completed(declared, given, place.sources, fallback)
    return against_saved(place, msgspec.structs.replace(effective, notes=tuple(notes)))


def completed(declared: Declared | None, given: Given, directory: Path, fallback: str = "s3") -> Effective:
    """A declared block with `given` laid over it; `fallback` is the type where nothing is declared.

    Raises:
        DetectionError: The block does not parse.
    """
    declared_arguments = {} if declared is None else declared.arguments()
    origins = {} if declared is None else declared.origins(declared_arguments, directory)
    if declared is not None and declared.constant and not given.arguments:
        return Effective(type=declared.type, arguments=declared_arguments, origins=origins)
    merged = {**declared_arguments, **given.arguments}
    origins |= given.origins
    return Effective(
        type=fallback if declared is None else declared.type,
        arguments={
            name: value for name, value in merged.items() if value is not None and not isinstance(value, Expression)
        },
        origins={name: origins[name] for name, value in merged.items() if value is not None},
        unresolved={name: origins[name] for name, value in merged.items() if isinstance(value, Expression)},
    )


def against_saved(place: Place, effective: Effective) -> Effective:
    """The same backend, told apart from what `init` saved: initialised where they agree, disagreements otherwise."""
    saved = place.saved
    if saved is None:
        return effective
    found: tuple[Disagreement, ...]
    if saved.type != effective.type:
        found = (other_type(saved.type, effective.type, "the files"),)
    else:
        found = differences(saved.arguments, effective.arguments, effective.origins)
    if not found:
        return msgspec.structs.replace(
            effective,
            arguments={**saved.arguments, **effective.arguments},
            origins={**from_saved(place).origins, **effective.origins},
            unresolved={},
            initialised=True,
        )
    note = "This directory is initialised for another backend configuration: a plan in it would use that one."
    return msgspec.structs.replace(effective, disagreements=found, notes=(*effective.notes, note))


def other_type(saved: str, files: str, where: str) -> Disagreement:
    """The disagreement about the backend's type itself."""
    return Disagreement(argument="backend", saved=saved, files=files, where=where)
