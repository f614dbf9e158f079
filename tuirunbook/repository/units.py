"""The states of Terragrunt units that have not run here yet, as far as their files tell them."""

from __future__ import annotations

from collections.abc import Mapping

from tuirunbook.core.state import State, Unresolved
from tuirunbook.repository.below import TERRAGRUNT_FILE
from tuirunbook.repository.completing import Partial, root_of, state_of
from tuirunbook.repository.effective import Effective
from tuirunbook.repository.literals import Expression
from tuirunbook.repository.terragrunt import Remote, Terragrunt


class Units:
    """Makes states of units; the files that they share are parsed once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._terragrunt = Terragrunt(environ)

    def state(self, one: Partial, *, alone: bool) -> State | None:
        """The unit's state; None for a file that is only there to be included, where it is `alone` in its directory.

        Raises:
            DetectionError: A file does not parse.
        """
        directory = one.place.directory
        unit = self._terragrunt.unit(directory)
        if unit.parent and alone:
            return None
        if unit.remote is None:
            lacks = Unresolved(
                argument="backend",
                why="no remote_state is in this unit or in what it includes",
                how="run `terragrunt init` here, which saves the configuration",
            )
            root = root_of(one, one.effective, self._environ)
            return State(root=root, source=f"terragrunt: {TERRAGRUNT_FILE}", unresolved=(lacks,))
        origin = self._terragrunt.place(unit.remote, directory)
        effective = _of_remote(unit.remote, origin)
        root = root_of(one, effective, self._environ)
        return state_of(root, f"terragrunt: {origin}", effective=effective)


def _of_remote(remote: Remote, origin: str) -> Effective:
    known = {name: value for name, value in remote.arguments.items() if not isinstance(value, Expression)}
    return Effective(
        type=remote.type,
        arguments=known,
        origins=dict.fromkeys(remote.arguments, origin),
        unresolved={name: origin for name in remote.arguments if name not in known},
        reasons={
            name: value.why for name, value in remote.arguments.items() if isinstance(value, Expression) and value.why
        },
        notes=tuple(f"{name} is not set, so its default in the file was taken." for name in remote.assumed),
    )
