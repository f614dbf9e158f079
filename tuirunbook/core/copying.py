"""Commands as somebody pastes them into a shell of their own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.backend import RootModule


def command_to_copy(root: RootModule, program: str, argv: Sequence[str]) -> str:
    """A shell line that runs `program` in the root module as we would: its directory, data directory and workspace.

    Every word is quoted: a workspace's name is read from a file of the checkout, and can be anything. The workspace is
    left out only where nothing names one, so that a selected workspace is not the one that the command works on.
    """
    place = f"cd {shlex.quote(root.directory)} && " if root.directory else ""
    named = root.workspace != DEFAULT_WORKSPACE or root.workspace_origin != "default"
    settings = {
        "TF_DATA_DIR": _unusual_data_dir(root),
        "TF_WORKSPACE": root.workspace if named else "",
    }
    assignments = "".join(f"{name}={shlex.quote(value)} " for name, value in settings.items() if value)
    return f"{place}{assignments}{shlex.join((program, *argv))}"


def _unusual_data_dir(root: RootModule) -> str:
    """The data directory, where it is not the one that Terraform takes by itself; empty otherwise."""
    if root.directory is None or root.data_dir is None:
        return ""
    usual = {PurePath(place, ".terraform") for place in (root.directory, root.working_directory) if place}
    return "" if PurePath(root.data_dir) in usual else root.data_dir
