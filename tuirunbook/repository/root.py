"""A root module as the walk sees it, made from a place, a backend and a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import Backend, Missing, RootModule
from tuirunbook.core.other_backends import other_backend
from tuirunbook.repository import advice
from tuirunbook.repository.backend_config import candidates
from tuirunbook.repository.configuration import relative
from tuirunbook.repository.effective import Effective
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.place import Place
from tuirunbook.repository.program import program_of
from tuirunbook.repository.trust import settings_files_inside

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
REQUIRED = ("bucket", "key", "region")


def root_module(
    place: Place,
    effective: Effective,
    workspace: tuple[str, str],
    environ: Mapping[str, str],
    *,
    name: str | None = None,
    program: str | None = None,
    suggestions: tuple[str, ...] | None = None,
) -> RootModule:
    """The root module of one place, backend and workspace (its name and origin).

    Who lists many root modules knows name, program and files that may complete the backend, and hands them in.

    Raises:
        DetectionError: Bucket or key cannot be a state's.
    """
    backend = with_region(effective, environ)
    if suggestions is None:
        files = candidates(place.directory, place.checkout) if unset(backend, effective) else ()
        suggestions = tuple(relative(path, place.directory) for path in files)
    program = program or program_of(place)
    trust = settings_files_inside(backend, place.directory, place.checkout, environ)
    root = RootModule(
        directory=str(place.directory),
        name=_name(place) if name is None else name,
        checkout=None if place.checkout is None else str(place.checkout),
        backend=backend,
        workspace=workspace[0],
        workspace_origin=workspace[1],
        data_dir=str(place.data_dir),
        initialised=effective.initialised,
        program=program,
        disagreements=effective.disagreements,
        missing=tuple(_missing(backend, effective, program, suggestions)),
        notes=(*place.notes, *effective.notes, *_notes(place, backend, trust)),
        candidates=suggestions,
        needs_trust=trust,
        working_directory=None if place.working is None else str(place.working),
    )
    complete = backend.type == "s3" and backend.text("bucket") and backend.text("key")
    return checked(root) if complete else root


def _notes(place: Place, backend: Backend, trust: tuple[str, ...]) -> Iterator[str]:
    if trust:
        yield (
            f"The backend reads AWS settings from inside the checkout ({', '.join(trust)}); they can start programs, "
            "so nothing reads them until you trust them."
        )
    if place.working is not None:
        yield f"Terragrunt runs Terraform in {relative(place.working, place.directory)}."
    answer = other_backend(backend.type)
    if answer is not None:
        yield answer.lives
        yield answer.advice


def with_region(effective: Effective, environ: Mapping[str, str]) -> Backend:
    """The backend, with the region from the environment where nothing else sets it."""
    arguments, origins = dict(effective.arguments), dict(effective.origins)
    if effective.type == "s3" and not arguments.get("region"):
        for name in REGION_VARIABLES:
            if environ.get(name):
                arguments["region"], origins["region"] = environ[name], name
                break
    return Backend(type=effective.type, arguments=arguments, origins={name: origins[name] for name in arguments})


def _missing(backend: Backend, effective: Effective, program: str, suggestions: tuple[str, ...]) -> Iterator[Missing]:
    for name in unset(backend, effective):
        place = effective.unresolved.get(name)
        how = advice.start_with(name, suggestions) if place is None else advice.start_resolved(name, place, program)
        yield Missing(argument=name, how=how)


def unset(backend: Backend, effective: Effective) -> list[str]:
    """What an S3 backend lacks: the required arguments, and those that are expressions."""
    if backend.type != "s3":
        return []
    names = [name for name in REQUIRED if backend.text(name) is None]
    return names + [name for name in effective.unresolved if name not in {*names, *backend.arguments}]


def _name(place: Place) -> str:
    if place.checkout is None or place.checkout == place.directory:
        return place.directory.name or str(place.directory)
    return str(place.directory.relative_to(place.checkout))


def checked(root: RootModule) -> RootModule:
    """The root, if its address can be a state's.

    Raises:
        DetectionError: It cannot.
    """
    try:
        root.address()
    except AddressError as error:
        raise DetectionError(f"{error}.", "Check the bucket and the key.") from None
    return root
