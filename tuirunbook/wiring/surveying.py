"""Every state of a repository with its lock: who finds them, and who reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from tuirunbook.core.state import State
from tuirunbook.core.values import ProgramError
from tuirunbook.survey.states import StateRow, Survey
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.finder import Finder
from tuirunbook.wiring.states import found_states


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
