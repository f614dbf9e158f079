"""Runbooks by name: the user's, the team's, ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook import settings as files
from tuirunbook.core.backend import RootModule
from tuirunbook.core.placeholders import placeholder_values
from tuirunbook.core.runbook import Runbook
from tuirunbook.wiring.problem import Problem, told

if TYPE_CHECKING:
    from tuirunbook.library import Found, Mistake

TEAM_RUNBOOKS = Path(".tflock/runbooks")
DEFAULT = "state-lock"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook and its mistakes; none when it can be walked."""

    name: str
    path: Path
    origin: str
    mistakes: tuple[Mistake, ...] = ()


class Books:
    """The runbooks that a walk in this checkout can choose from.

    A team's runbook stands in for ours of the same name, a user's for both. None of them weakens a gate, so a team's
    needs no trust; where it came from is always shown.

    Args:
        checkout: The top of the work tree, or None.
    """

    def __init__(self, checkout: Path | None) -> None:
        team = () if checkout is None else (checkout / TEAM_RUNBOOKS,)
        self._directories = (*team, files.config_directory() / "runbooks")

    def available(self) -> tuple[Found, ...]:
        """All of them, by name."""
        from tuirunbook.library import available  # noqa: PLC0415 - see the package

        return available(self._directories)

    def load(self, name: str) -> Runbook:
        """The runbook with this name.

        Raises:
            Problem: There is none, or it has mistakes.
        """
        from tuirunbook.library import load  # noqa: PLC0415 - see the package

        with told():
            return load(self._path(name))

    def load_to_walk(self, name: str) -> tuple[Runbook, str]:
        """The runbook to walk now, and a note: where a team's has mistakes ours is walked, for it is 3 a.m.

        Raises:
            Problem: Neither can be walked.
        """
        from tuirunbook.library import find_shipped, load  # noqa: PLC0415 - see the package

        try:
            return self.load(name), ""
        except Problem as problem:
            shipped = find_shipped() / f"{name}.md"
            if not shipped.is_file() or shipped == self._path(name):
                raise
            first = problem.sentence.splitlines()[0]
            with told():
                return load(shipped), f"The runbook {name} has mistakes ({first}), so the one of tflock-tui is walked."

    def parse(self, text: str, origin: str) -> Runbook:
        """A runbook from the copy that an incident keeps.

        Raises:
            Problem: It has mistakes.
        """
        from tuirunbook.library import parse  # noqa: PLC0415 - see the package

        with told():
            return parse(text, origin)

    def show(self, runbook: Runbook, values: Mapping[str, str]) -> str:
        """A runbook as text to follow by hand."""
        from tuirunbook.library import show  # noqa: PLC0415 - see the package

        return show(runbook, values)

    def check(self, names: tuple[str, ...] = ()) -> tuple[Checked, ...]:
        """These runbooks (names or files), or all of them, with every mistake in each."""
        from tuirunbook.library import check  # noqa: PLC0415 - see the package

        if not names:
            return tuple(
                Checked(name=found.name, path=found.path, origin=found.origin, mistakes=check(found.path))
                for found in self.available()
            )
        paths = [Path(name) if _is_file(name) else self._path(name) for name in names]
        return tuple(Checked(name=path.stem, path=path, origin=str(path), mistakes=check(path)) for path in paths)

    def _path(self, name: str) -> Path:
        for found in self.available():
            if found.name == name:
                return found.path
        names = ", ".join(found.name for found in self.available())
        raise Problem(f"There is no runbook {name!r}; there are: {names}.", "`tflock-tui runbook list` shows them.")


def _is_file(name: str) -> bool:
    return "/" in name or name.endswith(".md")


def values_of(root: RootModule | None, *, operator: str, program: str) -> dict[str, str]:
    """What a runbook's `{{ names }}` stand for here, as far as it is known without asking AWS."""
    if root is None:
        return {"operator.name": operator}
    return placeholder_values(root, root.address(), operator=operator) | {"tool.program": program}
