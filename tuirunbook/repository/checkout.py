"""The git work tree around a directory."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tuirunbook.core.text import redact

_USER = re.compile(r"(?i)\b(https?://)[^/@\s]*@")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a checkout stands.

    Attributes:
        branch: The branch, or None when the head is detached.
        commit: The commit's full hash, or None before the first one.
        remote: The address of `origin` without credentials, or None.
    """

    branch: str | None = None
    commit: str | None = None
    remote: str | None = None


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


def head_of(top: Path) -> Head | None:
    """Branch, commit and remote of a work tree, or None where git's own files cannot be read."""
    try:
        import git  # noqa: PLC0415 - a tenth of a second
    except ImportError:  # how GitPython says that there is no git program
        return None
    try:
        with git.Repo(top) as repository:
            head = repository.head
            remotes = {remote.name: remote for remote in repository.remotes}
            return Head(
                branch=None if head.is_detached else repository.active_branch.name,
                commit=head.commit.hexsha if head.is_valid() else None,
                remote=_USER.sub(r"\1", redact(remotes["origin"].url)) if "origin" in remotes else None,
            )
    except (git.GitError, OSError, ValueError, TypeError):
        return None
