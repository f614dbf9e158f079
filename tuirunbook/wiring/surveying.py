"""Every state of a repository with its lock: who finds them, who reads them, what the next start remembers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tuirunbook import settings as files
from tuirunbook.core.backend import RootModule
from tuirunbook.core.state import State
from tuirunbook.core.values import ProgramError
from tuirunbook.survey.states import StateRow, Survey
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.finder import Finder
from tuirunbook.wiring.problem import Problem, told
from tuirunbook.wiring.roots import in_region


def survey(adapters: Adapters, finder: Finder | None = None) -> Iterator[StateRow]:
    """Every state, unread and then read; then those of workspaces that are not selected here.

    A `finder` that is under way is listened to; what it does not tell is found here.
    """
    return surveyor(adapters).run(found_states(adapters) if finder is None else _told_by(finder, adapters))


def _told_by(finder: Finder, adapters: Adapters) -> Iterator[State]:
    told_so_far: set[tuple[str | None, ...]] = set()
    for state in finder.states():
        told_so_far.add(_name_of(state))
        yield state
    if not finder.complete:
        yield from (state for state in found_states(adapters) if _name_of(state) not in told_so_far)


def _name_of(state: State) -> tuple[str | None, ...]:
    backend = state.root.backend
    place = backend.text("bucket"), backend.text("key")
    return state.root.directory, state.root.workspace, state.source, *state.config_files, *place


def surveyor(adapters: Adapters, *, offline: bool = False, orphans: bool = False) -> Survey:
    """A survey that reads with the credentials of each state's backend; `offline` reads nothing."""
    version = functools.cache(_terraform_version(adapters))
    if offline:
        return Survey(None, terraform=version)
    from tuirunbook.locks.around import Around  # noqa: PLC0415 - see the package
    from tuirunbook.locks.bulk import BulkReader  # noqa: PLC0415 - likewise

    reader = BulkReader(adapters.clients)
    return Survey(reader, Around(reader), orphans=orphans, terraform=version)


def found_states(adapters: Adapters) -> Iterator[State]:
    """Every state of the repository around the start, that of the start first."""
    from tuirunbook.repository.remembered import remembered_in  # noqa: PLC0415 - see the package
    from tuirunbook.repository.states import States  # noqa: PLC0415 - likewise

    options, roots = adapters.options, adapters.roots
    if options.bucket:
        found = roots.find()
        for root in [found] if isinstance(found, RootModule) else found:
            yield State(root=root, source="--bucket and --key")
        return
    start = roots.start.resolve()
    if not start.is_dir():
        raise Problem(f"{roots.start} is no directory.", "Give a directory with -C.")
    checkout = roots.checkout()
    top = checkout or start
    finder = States(
        top,
        checkout,
        environ=adapters.environ,
        workspace=options.workspace,
        mappings=adapters.settings.repository.states,
        remembered=remembered_in(files.state_directory() / "surveys", str(top)),
    )
    for state in finder.all(start):
        yield _in_region(state, options.region)


def fresh(adapters: Adapters, root: RootModule) -> RootModule:
    """A state of a list as its files say it now: what a list remembered is never acted on.

    Raises:
        Problem: They say something else by now.
    """
    from tuirunbook.repository.states import States  # noqa: PLC0415 - see the package

    if root.directory is None:
        return root
    checkout = adapters.roots.checkout()
    mappings = adapters.settings.repository.states
    finder = States(checkout or adapters.roots.start.resolve(), checkout, environ=adapters.environ, mappings=mappings)
    with told():
        found = [_in_region(state, adapters.options.region).root for state in finder.of(Path(root.directory))]
    for one in found:
        if one.backend == root.backend:
            return msgspec.structs.replace(one, workspace=root.workspace, workspace_origin=root.workspace_origin)
    raise Problem(
        f"The files of {root.name} have changed since the list was made.", "Read the list again, then choose."
    )


def _in_region(state: State, region: str | None) -> State:
    """The state with the region of the command line, which wins where one was given."""
    if region is None or state.root.backend.type != "s3":
        return state
    unresolved = tuple(one for one in state.unresolved if one.argument != "region")
    return msgspec.structs.replace(state, root=in_region(state.root, region), unresolved=unresolved)


def _terraform_version(adapters: Adapters) -> Callable[[], tuple[int, ...] | None]:
    def ask() -> tuple[int, ...] | None:
        from tuirunbook.terraform.children import Children  # noqa: PLC0415 - see the package
        from tuirunbook.terraform.program import Program, version_tuple  # noqa: PLC0415 - likewise

        start = adapters.roots.start.resolve()
        program = Program(adapters.options.program or adapters.settings.user.program or "terraform", Children())
        try:
            return version_tuple(program.version(cwd=str(start), environ=adapters.environ))
        except ProgramError:
            return None

    return ask
