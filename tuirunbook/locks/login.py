"""The command that renews a sign-in which has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuirunbook.locks.errors import aws_errors

if TYPE_CHECKING:
    from tuirunbook.locks.clients import Clients

_MOST_HOPS = 5


def login_command(clients: Clients) -> tuple[str, ...] | None:
    """`aws sso login --profile …` (or `aws login`) where the profile signs in that way, else None.

    A profile that takes its credentials from another one is followed; signing in renews that one.
    """
    try:
        profiles = clients.profiles()
    except aws_errors():
        return None
    name = clients.profile or "default"
    for _ in range(_MOST_HOPS):
        profile: Mapping[str, Any] = profiles.get(name, {})
        if "sso_session" in profile or "sso_start_url" in profile:
            return ("aws", "sso", "login", "--profile", name)
        if "login_session" in profile:
            return ("aws", "login", "--profile", name)
        source = profile.get("source_profile")
        if not isinstance(source, str) or source == name:
            return None
        name = source
    return None
