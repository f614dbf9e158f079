"""The login that is there: `gh` or `glab` when they are logged in, else a token from the usual variable.

A token goes only to the host that it was issued for (S14). `gh` and `glab` would send some tokens of the environment to
any host; so those are left out of theirs unless they are for the host that is asked.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Mapping

from tuirunbook.evidence.ci.transport import TIMEOUT, Http, NotAskedError, Program, Transport

GITHUB = "github.com"
GITLAB = "gitlab.com"
_CLOUD = ".ghe.com"
_GITHUB_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_GITLAB_TOKENS = ("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN")
_GITLAB_HOSTS = ("GITLAB_HOST", "GITLAB_URI", "GL_HOST", "CI_SERVER_HOST")
_QUIET = {"NO_COLOR": "1", "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "GLAB_CHECK_UPDATE": "false"}


def github(host: str, environ: Mapping[str, str]) -> Transport:
    """The way to ask a GitHub host.

    `GH_TOKEN` and `GITHUB_TOKEN` are for github.com and ghe.com, the enterprise tokens for the server that `GH_HOST`
    names (`gh help environment`; that `gh` sends them to any server is what we do not).

    Raises:
        NotAskedError: There is no login; how to get one is said.
    """
    cloud = host == GITHUB or host.endswith(_CLOUD)
    ours: tuple[str, ...] = _GITHUB_TOKENS if cloud else _ENTERPRISE_TOKENS
    if not cloud and _bare(environ.get("GH_HOST", "")) != host:
        ours = ()
    kept = _without(environ, (*_GITHUB_TOKENS, *_ENTERPRISE_TOKENS), except_for=ours)
    renew = f"Run `gh auth login --hostname {host}`"
    if _logged_in("gh", ("auth", "token", "--hostname", host), kept):
        command = ("gh", "api", "--include", "--method", "GET", "--hostname", host)
        return Program(_resolved(command, kept), host=host, environ=kept, renew=f"{renew}.")
    name = "GH_TOKEN" if cloud else "GH_ENTERPRISE_TOKEN"
    renew += f", or set {name} to a token" + ("." if cloud else f" and GH_HOST={host}, which says what it is for.")
    for variable in ours:
        if token := environ.get(variable):
            headers = {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
            return Http(_github_base(host), headers, login=variable, renew=renew)
    raise NotAskedError(f"there is no login for {host}", renew)


def gitlab(host: str, environ: Mapping[str, str]) -> Transport:
    """The way to ask a GitLab host. `GITLAB_TOKEN` is for the host of `GITLAB_HOST`, else for gitlab.com.

    Raises:
        NotAskedError: There is no login; how to get one is said.
    """
    named = next((_bare(environ[name]) for name in _GITLAB_HOSTS if environ.get(name)), GITLAB)
    ours: tuple[str, ...] = _GITLAB_TOKENS if named == host else ()
    kept = _without(environ, _GITLAB_TOKENS, except_for=ours)
    renew = f"Run `glab auth login --hostname {host}`"
    if _logged_in("glab", ("auth", "status", "--hostname", host), kept):
        command = ("glab", "api", "--include", "--method", "GET", "--hostname", host)
        return Program(_resolved(command, kept), host=host, environ=kept, renew=f"{renew}.")
    renew += ", or set GITLAB_TOKEN to a token with read_api"
    renew += "." if host == GITLAB else f" and GITLAB_HOST={host}, which says what it is for."
    for variable in ours:
        if token := environ.get(variable):
            # GitLab takes personal, project and group tokens and OAuth tokens as bearer tokens alike.
            return Http(f"https://{host}/api/v4", {"Authorization": f"Bearer {token}"}, login=variable, renew=renew)
    raise NotAskedError(f"there is no login for {host}", renew)


def token(host: str, variable: str, environ: Mapping[str, str], *, what: str) -> str:
    """A token for a host that has a variable of its own.

    Raises:
        NotAskedError: It is not set.
    """
    if value := environ.get(variable):
        return value
    raise NotAskedError(f"there is no login for {host}", f"Set {variable} to {what}.")


def _github_base(host: str) -> str:
    if host == GITHUB:
        return "https://api.github.com"
    return f"https://api.{host}" if host.endswith(_CLOUD) else f"https://{host}/api/v3"


def _bare(host: str) -> str:
    return host.partition("://")[2].partition("/")[0].lower() if "://" in host else host.strip("/").lower()


def _without(environ: Mapping[str, str], names: tuple[str, ...], *, except_for: tuple[str, ...]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in names or name in except_for}
    return kept | _QUIET


def _resolved(command: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    return (shutil.which(command[0], path=environ.get("PATH")) or command[0], *command[1:])


def _logged_in(program: str, arguments: tuple[str, ...], environ: Mapping[str, str]) -> bool:
    """Whether a program is there and logged in; what it prints, which may be the token, is not read."""
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        return False
    try:
        asked = subprocess.run(  # noqa: S603 - an argument list of our own; the host was checked
            [path, *arguments],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def basic(user: str, secret: str) -> dict[str, str]:
    """The header of HTTP's basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}
