"""Which states are meant, as the command line's options say together."""

from __future__ import annotations

from tuirunbook.core.backend import RootModule
from tuirunbook.wiring.declared import DeclaredRoots
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.usable import usable


class Roots(DeclaredRoots):
    """Finds what is meant: by name, by a pasted error, by what `init` has saved, or by what the files declare.

    Raises:
        Problem: From any method: what was asked for is not there, or cannot be used.
    """

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

    def _saved(self) -> RootModule | None:
        from tuirunbook.repository.detection import detect_saved  # noqa: PLC0415 - see the package
        from tuirunbook.repository.errors import DetectionError  # noqa: PLC0415 - see the package

        try:
            root = detect_saved(self.start, workspace=self.options.workspace, environ=self.environ)
        except DetectionError:
            # Detecting from the files says the same, and looks below as well.
            return None
        return None if root is None else self.overridden(root)

    def _of_error(self, text: str) -> tuple[RootModule, ...]:
        """The roots of the paths that a text shows; empty when it shows none."""
        from tuirunbook.wiring.pasted import roots_of_error  # noqa: PLC0415 - only a pasted error needs it

        return roots_of_error(self, text)
