"""Workspaces by name, and the one that an object key belongs to."""

from __future__ import annotations

from urllib.parse import quote

from tuirunbook.core.address import DEFAULT_WORKSPACE, join_key

# it takes the workspace's place, so that what surrounds it is what joining makes of prefix and key
_MARKER = "\N{REPLACEMENT CHARACTER}"


def is_workspace(name: str) -> bool:
    """Whether Terraform accepts this workspace name: one that needs no escaping in a URL's path."""
    return bool(name) and quote(name, safe="$&+=:@~") == name


def workspace_of(state_key: str, key: str, prefix: str) -> str | None:
    """The workspace in which a backend with this `key` and prefix keeps its state at `state_key`, or None."""
    if state_key == key:
        return DEFAULT_WORKSPACE
    before, after = around_workspace(key, prefix)
    if not state_key.startswith(before) or not state_key.endswith(after):
        return None
    name = state_key[len(before) : len(state_key) - len(after)]
    fits = is_workspace(name) and name != DEFAULT_WORKSPACE and join_key(prefix, name, key) == state_key
    return name if fits else None


def around_workspace(key: str, prefix: str) -> tuple[str, str]:
    """What stands before and after the workspace's name in its state key: `env:/` and `/network.tfstate`."""
    before, _, after = join_key(prefix, _MARKER, key).partition(_MARKER)
    return before, after
