"""The states that a repository describes: all of them for a list, and one of them anew for whoever acts on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuirunbook import settings as files
from tuirunbook.core.backend import RootModule
from tuirunbook.core.state import State
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem, told
from tuirunbook.wiring.usable import in_region


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
