"""Arguments → a front end. Bare `tflock-tui` is the walk, and takes the shortest way to the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tuirunbook.cli.shell import COMPLETION, INTERRUPTED, NOBODY_READS


def main() -> None:
    """The command `tflock-tui`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; what can go wrong is said on standard error."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    if not arguments and COMPLETION not in os.environ:
        # The parser takes as long to import as a tenth of the first paint.
        from tuirunbook.cli.walk import walk  # noqa: PLC0415
        from tuirunbook.wiring.options import Options  # noqa: PLC0415

        return walk(Options())
    from tuirunbook.cli.group import parse_and_run  # noqa: PLC0415

    return parse_and_run(arguments)
