"""Which states are meant: by directory, by a pasted error, by name, or all of a repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.other_backends import other_backend
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told


class Roots:
    """Finds root modules.

    Args:
        options: What the command line says.
        environ: The environment.

    Raises:
        Problem: From any method: what was asked for is not there, or cannot be used.
    """

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self.options = options
        self.environ = environ

    @property
    def start(self) -> Path:
        """Where to start."""
        return Path(self.options.start)

    def checkout(self) -> Path | None:
        """The top of the work tree around the start, or None."""
        from tuirunbook.repository.checkout import top_of  # noqa: PLC0415 - see the package

        return top_of(self.start.resolve())

    def find(self) -> RootModule | tuple[RootModule, ...]:
        """The one state that is meant, or several to choose from."""
        options = self.options
        if options.bucket or options.key:
            if not (options.bucket and options.key):
                raise Problem("--bucket and --key go together.", "Give both, or neither.")
            return self.named(options.bucket, options.key)
        if options.error and (roots := self._of_error(options.error)):
            return roots[0] if len(roots) == 1 else roots
        if options.backend_config or (root := self._saved()) is None:
            return self.declared()
        return usable(root)

    def quickly(self) -> RootModule | None:
        """The one state that is meant, as far as that is known without reading HCL."""
        if self.options.bucket:
            return self.named(self.options.bucket, self.options.key or "")
        return self._saved()

    def by_error(self, text: str) -> tuple[RootModule, ...]:
        """The states that an error's `Path` names."""
        if roots := self._of_error(text):
            return roots
        raise Problem(
            "The text names no state: it shows no lock with a Path.",
            "Start in the root module's directory, or give --bucket and --key.",
        )

    def named(self, bucket: str, key: str, *, table: str = "", region: str = "", whole_key: bool = False) -> RootModule:
        """A state that no repository describes. `whole_key` says that the workspace is in the key already."""
        from tuirunbook.repository import from_arguments  # noqa: PLC0415 - see the package

        with told():
            root = from_arguments(
                bucket=bucket,
                key=key,
                table=table or self.options.table,
                region=region or self.options.region,
                workspace=None if whole_key else self.options.workspace,
                use_lockfile=self.options.use_lockfile,
                environ=self.environ,
            )
        return usable(root)

    def compare(self, root: RootModule) -> RootModule:
        """A root from its saved configuration, with what its files say differently. Reads HCL."""
        from tuirunbook.repository import compare  # noqa: PLC0415 - see the package

        with told():
            return self.overridden(compare(root)) if root.initialised else root

    def at(self, directory: Path, workspace: str) -> RootModule:
        """The root module of exactly this directory and workspace."""
        from tuirunbook.repository import detect  # noqa: PLC0415 - see the package

        with told():
            given = self.options.backend_config
            root = detect(directory, backend_config=given, workspace=workspace, environ=self.environ)
        return usable(self.overridden(root))

    def _below_at(self, directory: Path, top: Path) -> RootModule:
        from tuirunbook.repository import detect  # noqa: PLC0415 - see the package

        try:
            with told():
                root = detect(directory, workspace=self.options.workspace, environ=self.environ)
            root = self.overridden(root)
        except Problem:
            name = os.path.relpath(directory, top)
            return RootModule(directory=str(directory), name=name, backend=Backend(type="unknown"))
        return root

    def _saved(self) -> RootModule | None:
        from tuirunbook.repository.detection import detect_saved  # noqa: PLC0415 - see the package
        from tuirunbook.repository.errors import DetectionError  # noqa: PLC0415 - see the package

        try:
            root = detect_saved(self.start, workspace=self.options.workspace, environ=self.environ)
        except DetectionError:
            # Detecting from the files says the same, and looks below as well.
            return None
        return None if root is None else self.overridden(root)

    def declared(self) -> RootModule | tuple[RootModule, ...]:
        """What the files at the start declare, or below it where it declares nothing."""
        from tuirunbook.repository import DetectionError, detect  # noqa: PLC0415 - see the package

        options = self.options
        try:
            root = detect(
                self.start,
                backend_config=options.backend_config,
                workspace=options.workspace,
                environ=self.environ,
            )
        except DetectionError as error:
            below = self._below() if error.file is None and not options.backend_config else ()
            if len(below) > 1:
                return below
            if not below:
                with told():
                    raise
            root = below[0]
        return usable(self.overridden(root))

    def _below(self) -> tuple[RootModule, ...]:
        """The root modules below the start, also those that cannot be read as they stand."""
        from tuirunbook.repository import roots_below  # noqa: PLC0415 - see the package
        from tuirunbook.repository.saved import own_data_directory  # noqa: PLC0415 - see the package

        if not self.start.is_dir():
            return ()
        start = self.start.resolve()
        found = roots_below(start, data_dir=own_data_directory(self.environ))
        return told_apart(tuple(self._below_at(directory, self.checkout() or start) for directory in found), start)

    def _of_error(self, text: str) -> tuple[RootModule, ...]:
        """The roots of the paths that a text shows; empty when it shows none."""
        from tuirunbook.wiring.pasted import roots_of_error  # noqa: PLC0415 - only a pasted error needs it

        return roots_of_error(self, text)

    def overridden(self, root: RootModule) -> RootModule:
        """The root with the region of the command line, which wins."""
        return in_region(root, self.options.region)


def told_apart(roots: tuple[RootModule, ...], start: Path) -> tuple[RootModule, ...]:
    """Roots to choose from: where directories share a name, as they do outside a checkout, each by its path."""
    directories: dict[str, set[str | None]] = {}
    for root in roots:
        directories.setdefault(root.name, set()).add(root.directory)
    return tuple(
        msgspec.structs.replace(root, name=os.path.relpath(root.directory, start))
        if root.directory is not None and len(directories[root.name]) > 1
        else root
        for root in roots
    )


def in_region(root: RootModule, region: str | None) -> RootModule:
    """The root with the region of the command line, which wins where one was given."""
    if region is None or root.backend.type != "s3":
        return root
    backend = msgspec.structs.replace(
        root.backend,
        arguments={**root.backend.arguments, "region": region},
        origins={**root.backend.origins, "region": "--region"},
    )
    missing = tuple(one for one in root.missing if one.argument != "region")
    return msgspec.structs.replace(root, backend=backend, missing=missing)


def usable(root: RootModule) -> RootModule:
    """The root, if its lock can be looked at.

    Raises:
        Problem: It has another backend, or lacks what says where the lock is.
    """
    answer = other_backend(root.backend.type)
    if answer is not None:
        raise Problem(f"{root.name} has the backend {answer.type!r}, not s3. {answer.lives}", answer.advice)
    if root.missing:
        names = ", ".join(missing.argument for missing in root.missing)
        how = "; ".join(dict.fromkeys(f"{missing.argument}: {missing.how}" for missing in root.missing))
        raise Problem(f"The backend of {root.name} lacks {names}.", f"{how[0].upper()}{how[1:]}.")
    return root
