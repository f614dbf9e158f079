"""What completes a root module's partial backend block: the team's mapping, scripts, files beside and above it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.other_backends import other_backend
from tuirunbook.core.state import State, StateMapping, Unresolved
from tuirunbook.repository import advice
from tuirunbook.repository.backend_config import ConfigFiles, Given, read_given
from tuirunbook.repository.configuration import Declared, relative
from tuirunbook.repository.effective import Effective, completed
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.place import Place
from tuirunbook.repository.remembered import Remembered
from tuirunbook.repository.root import root_module

if TYPE_CHECKING:
    from tuirunbook.repository.scripts import Init


class Partial(msgspec.Struct, kw_only=True):
    """A root module whose block lacks something; `known` are the states that it has already."""

    place: Place
    name: str
    program: str
    workspace: tuple[str, str]
    declared: Declared | None
    effective: Effective
    known: list[RootModule] = []


class Completion:
    """Completes partial blocks.

    Args:
        base: Where the files of mappings are seen from, and how far up configuration folders count.
        environ: The environment, as for `detect`.
        mappings: What the team's settings tell.
        remembered: What an earlier start read.
    """

    def __init__(
        self, base: Path, environ: Mapping[str, str], mappings: Sequence[StateMapping], remembered: Remembered
    ) -> None:
        self._base = base
        self._environ = environ
        self._mappings = [(one, _pattern(one.root)) for one in mappings]
        self._files = ConfigFiles(remembered)

    def mapped(self, name: str) -> bool:
        """Whether the team's settings say something about a root module."""
        return bool(self._mappings) and self.mapping(name) is not None

    def mapping(self, name: str) -> StateMapping | None:
        """What the team's settings say about a root module."""
        return next((one for one, pattern in self._mappings if pattern.fullmatch(name)), None)

    def rest(self, one: Partial, inits: Sequence[Init]) -> Iterator[State]:
        """Every state that completes it and is not known yet; an unresolved one where there is none."""
        before = len(one.known)
        yield from self._from_mapping(one)
        if len(one.known) == before:
            yield from self._from_scripts(one, inits)
            yield from self.from_files(one)
        if not one.known:
            yield self._unresolved(one, inits)

    def _from_mapping(self, one: Partial) -> Iterator[State]:
        mapping = self.mapping(one.name)
        if mapping is None:
            return
        given = read_given([str(self._base / name) for name in mapping.config_files], self._base, one.place.directory)
        own = mapping.arguments(one.name)
        given = Given(
            arguments={**given.arguments, **own}, origins={**given.origins, **dict.fromkeys(own, advice.MAPPING)}
        )
        files = tuple(relative(self._base / name, one.place.directory) for name in mapping.config_files)
        for workspace in dict.fromkeys((one.workspace, *((name, advice.MAPPING) for name in mapping.workspaces))):
            root = self._completed(msgspec.structs.replace(one, workspace=workspace), given)
            if root is not None:
                one.known.append(root)
                yield state_of(root, f"mapping: {advice.MAPPING}", files)

    def _from_scripts(self, one: Partial, inits: Sequence[Init]) -> Iterator[State]:
        directory = one.place.directory
        for init in inits:
            if init.dynamic or not init.values or not init.runs_in(directory):
                continue
            try:
                given = read_given(init.values, directory, directory)
            except DetectionError:
                continue
            root = self._completed(one, given)
            if root is not None and not self._is_known(one, root):
                one.known.append(root)
                files = tuple(value for value in init.values if "=" not in value)
                yield state_of(root, f"script: {init.place(directory)}", files)

    def from_files(self, one: Partial) -> Iterator[State]:
        """States of the nearest files that complete the block.

        Nothing that only lies nearby is laid over an expression: a block that sets an argument is not waiting for it.
        """
        if one.declared is None or one.effective.unresolved:
            return
        directory = one.place.directory
        for level in self._files.levels(directory, self._base):
            matched = False
            for path in _for_root(level, directory):
                arguments = self._files.read(path)
                if isinstance(arguments, DetectionError):
                    continue
                shown = relative(path, directory)
                given = Given(arguments=arguments, origins=dict.fromkeys(arguments, f"--backend-config {shown}"))
                root = self._completed(one, given)
                if root is None:
                    continue
                matched = True
                if not self._is_known(one, root):
                    one.known.append(root)
                    yield state_of(root, f"completed: {at_line(one.declared, one.place)} + {shown}", (shown,))
            if matched:
                return

    def _completed(self, one: Partial, given: Given) -> RootModule | None:
        try:
            effective = completed(one.declared, given, one.place.sources)
            root = root_of(one, msgspec.structs.replace(effective, notes=one.effective.notes), self._environ)
        except DetectionError:
            return None
        return None if root.missing else root

    def _is_known(self, one: Partial, root: RootModule) -> bool:
        return any(
            known.workspace == root.workspace
            and all(known.backend.arguments.get(name) == value for name, value in root.backend.arguments.items())
            for known in one.known
        )

    def _unresolved(self, one: Partial, inits: Sequence[Init]) -> State:
        directory = one.place.directory
        suggestions = tuple(
            dict.fromkeys(
                relative(path, directory) for level in self._files.levels(directory, self._base) for path in level
            )
        )
        root = root_of(one, one.effective, self._environ, suggestions)
        reasons: dict[str, str] = {}
        for init in inits:
            if init.runs_in(directory):
                reasons |= {name: f"{init.place(directory)} takes it from a variable" for name in init.dynamic}
        lacks = [*_lacking(root, one.effective, reasons), *self._broken_files(one)]
        return State(root=root, source=f"block: {at_line(one.declared, one.place)}", unresolved=tuple(lacks))

    def _broken_files(self, one: Partial) -> Iterator[Unresolved]:
        for level in self._files.levels(one.place.directory, self._base):
            for path in level:
                problem = self._files.read(path)
                if isinstance(problem, DetectionError):
                    yield Unresolved(
                        argument="backend-config", why=f"{problem.place}{problem.sentence}", how=problem.next_step
                    )


def state_of(root: RootModule, source: str, files: tuple[str, ...] = (), effective: Effective | None = None) -> State:
    """The state of a root module whose backend is as complete as it gets."""
    lacks: tuple[Unresolved, ...]
    other = other_backend(root.backend.type)
    if other is not None:
        lacks = (
            Unresolved(
                argument="backend", why=f"the backend is {other.type!r}, not s3. {other.lives}", how=other.advice
            ),
        )
    else:
        lacks = tuple(_lacking(root, effective or Effective(type=root.backend.type), {}))
    return State(root=root, source=source, config_files=files, unresolved=lacks)


def root_of(
    one: Partial, effective: Effective, environ: Mapping[str, str], suggestions: tuple[str, ...] = ()
) -> RootModule:
    """The root module with this backend.

    Raises:
        DetectionError: Bucket or key cannot be a state's.
    """
    return root_module(
        one.place,
        effective,
        one.workspace,
        environ,
        name=one.name,
        program=one.program,
        suggestions=suggestions,
    )


def _lacking(root: RootModule, effective: Effective, reasons: Mapping[str, str]) -> Iterator[Unresolved]:
    for missing in root.missing:
        name = missing.argument
        if name in effective.unresolved:
            reason = effective.reasons.get(name)
            why = f"{effective.unresolved[name]} sets it to an expression{f': {reason}' if reason else ''}"
            how = advice.map_resolved(root.program)
        else:
            why = reasons.get(name) or reasons.get("a configuration file") or "no file here sets it"
            how = advice.map_once(name, root.candidates)
        yield Unresolved(argument=name, why=why, how=how)


def _pattern(glob: str) -> re.Pattern[str]:
    marks = {"**/": "(?:.+/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(marks.get(part) or re.escape(part) for part in parts))


def at_line(declared: Declared | None, place: Place) -> str:
    """Where a block is: `backend.tf:3`."""
    return "none" if declared is None else f"{relative(declared.path, place.directory)}:{declared.line}"


def _for_root(level: Sequence[Path], directory: Path) -> Sequence[Path]:
    """Of files that lie elsewhere, those that carry the root module's name, where some do."""
    if all(path.is_relative_to(directory) for path in level):
        return level
    named = [path for path in level if directory.name in path.name.replace("_", ".").split(".")]
    return named or level
