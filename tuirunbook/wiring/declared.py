"""Root modules as directories declare them, or as a bucket and a key name them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told
from tuirunbook.wiring.usable import in_region, told_apart, usable


class DeclaredRoots:
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

    def overridden(self, root: RootModule) -> RootModule:
        """The root with the region of the command line, which wins."""
        return in_region(root, self.options.region)
