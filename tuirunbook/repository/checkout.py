"""The git work tree around a directory."""

from __future__ import annotations

from pathlib import Path


def top_of(directory: Path) -> Path | None:
    """The top of the work tree that encloses `directory`, or None. Worktrees and submodules count.

    Only looks for `.git`: importing GitPython would take longer than everything else that the first screen waits for.
    """
    for level in (directory, *directory.parents):
        git = level / ".git"
        try:
            if git.is_file() or (git / "HEAD").is_file():
                return level
        except OSError:
            return None
    return None
