"""Detecting the root module, its effective backend and its workspace, with the origin of every value.

What counts, first to last: `--backend-config`, the saved configuration, the files. `--backend-config` completes the
block in the files, as `init` would; where the result is what is saved, the root counts as initialised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.backend import Disagreement, Missing, RootModule
from tuirunbook.core.workspace import is_workspace
from tuirunbook.repository.backend_config import read_given
from tuirunbook.repository.comparison import differences
from tuirunbook.repository.configuration import Declared, read_configuration, relative
from tuirunbook.repository.effective import Effective, from_files, from_saved, other_type
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.place import Place, find_place
from tuirunbook.repository.root import REGION_VARIABLES, checked, root_module, with_region
from tuirunbook.repository.saved import selected_workspace


def detect(
    start: Path,
    *,
    backend_config: Sequence[str] = (),
    workspace: str | None = None,
    environ: Mapping[str, str],
) -> RootModule:
    """The root module that encloses `start`, compared with its files.

    Args:
        start: A directory of a checkout, or a file in one; relative files in `backend_config` are seen from it.
        backend_config: `FILE` or `NAME=VALUE`, as for Terraform's `-backend-config`.
        workspace: The workspace, when it is not the selected one.
        environ: The environment: `TF_DATA_DIR`, `TF_WORKSPACE`, `AWS_REGION`, `AWS_DEFAULT_REGION`, `HOME`.

    Raises:
        DetectionError: There is none, or what there is cannot be used; it says why and what to do.
    """
    place = find_place(start, environ)
    if not backend_config and place.saved is not None:
        return compare(_finish(place, from_saved(place), workspace, environ))
    given = read_given(backend_config, _base(start), place.directory)
    return _finish(place, from_files(place, given), workspace, environ)


def detect_saved(start: Path, *, workspace: str | None = None, environ: Mapping[str, str]) -> RootModule | None:
    """The root module from its saved configuration alone, or None when it has none.

    Reads a few small files and imports neither python-hcl2 nor GitPython; `compare` adds what the files say.

    Raises:
        DetectionError: As `detect`.
    """
    place = find_place(start, environ)
    return None if place.saved is None else _finish(place, from_saved(place), workspace, environ)


def compare(root: RootModule) -> RootModule:
    """An initialised root with the disagreements between saved configuration and files, and files that do not parse."""
    directory = root.working_directory or root.directory
    if directory is None or not root.initialised:
        return root
    notes = list(root.notes)
    found: tuple[Disagreement, ...] = ()
    try:
        configuration = read_configuration(Path(directory))
        notes += [f"{problem.place}{problem.sentence}" for problem in configuration.problems]
        if configuration.backend is not None:
            found = _against(root, configuration.backend, Path(directory))
        elif configuration.files and not configuration.problems:
            found = (Disagreement(argument="backend", saved=root.backend.type, files="none", where="the files"),)
    except DetectionError as problem:
        notes.append(f"{problem.place}{problem.sentence}")
    return msgspec.structs.replace(root, disagreements=found, notes=tuple(dict.fromkeys(notes)))


def from_arguments(
    *,
    bucket: str,
    key: str,
    table: str | None = None,
    region: str | None = None,
    workspace: str | None = None,
    use_lockfile: bool | None = None,
    environ: Mapping[str, str],
) -> RootModule:
    """A root module without any checkout, from `--bucket`, `--key` and the like.

    Without a table a lockfile is assumed unless `use_lockfile` says otherwise.

    Raises:
        DetectionError: They cannot be a state's.
    """
    backend = with_region(_named(bucket, key, table, region, use_lockfile=use_lockfile), environ)
    notes: tuple[str, ...] = ()
    if workspace is None and environ.get("TF_WORKSPACE"):
        notes = ("TF_WORKSPACE is set and not used: --key is taken as it stands. Add --workspace to change that.",)
    if workspace is not None and not is_workspace(workspace):
        raise DetectionError(f"{workspace!r} is not a workspace that Terraform could have made.", "Check --workspace.")
    missing = () if backend.text("region") else (Missing(argument="region", how="give --region, or set AWS_REGION"),)
    root = RootModule(
        directory=None,
        name=f"{bucket}/{key}",
        backend=backend,
        workspace=workspace or DEFAULT_WORKSPACE,
        workspace_origin="default" if workspace is None else "--workspace",
        missing=missing,
        notes=notes,
    )
    return checked(root)


def _named(bucket: str, key: str, table: str | None, region: str | None, *, use_lockfile: bool | None) -> Effective:
    """The backend that the options make, each argument with the option that it is from."""
    assumed = use_lockfile is None and table is None
    given: dict[str, tuple[object, str]] = {
        "bucket": (bucket, "--bucket"),
        "key": (key, "--key"),
        "dynamodb_table": (table, "--table"),
        "region": (region, "--region"),
        "use_lockfile": (True, "assumed, as no --table was given") if assumed else (use_lockfile, "--use-lockfile"),
    }
    found = {name: (value, origin) for name, (value, origin) in given.items() if value is not None}
    return Effective(
        type="s3",
        arguments={name: value for name, (value, _) in found.items()},
        origins={name: origin for name, (_, origin) in found.items()},
    )


def _finish(place: Place, effective: Effective, workspace: str | None, environ: Mapping[str, str]) -> RootModule:
    shown_as = relative(place.data_dir, place.directory)
    selected = selected_workspace(place.data_dir, workspace, environ, shown_as)
    return root_module(place, effective, selected, environ)


def _against(root: RootModule, declared: Declared, directory: Path) -> tuple[Disagreement, ...]:
    if declared.type != root.backend.type:
        return (other_type(root.backend.type, declared.type, f"{relative(declared.path, directory)}:{declared.line}"),)
    arguments = declared.arguments()
    origins = {name: declared.origin(name, directory) for name in arguments}
    saved = {
        name: value
        for name, value in root.backend.arguments.items()
        if root.backend.origins.get(name) not in REGION_VARIABLES
    }
    return differences(saved, arguments, origins)


def _base(start: Path) -> Path:
    return start if start.is_dir() else start.parent
