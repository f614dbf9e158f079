"""Where a checkout came from: the host and the path of its remotes."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import msgspec

_SCP = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!/)(\S+)")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::\d{1,5})?")
_PATH = re.compile(r"[\w.~-]+(?:[ ]?[\w.~-]+)*(?:/[\w.~-]+(?:[ ]?[\w.~-]+)*)*")
_OTHER_NAMES = {
    "ssh.github.com": "github.com",
    "www.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "ssh.dev.azure.com": "dev.azure.com",
    "vs-ssh.visualstudio.com": "dev.azure.com",
}
_AZURE = "dev.azure.com"
_VISUAL_STUDIO = ".visualstudio.com"


class Remote(msgspec.Struct, frozen=True, order=True):
    """A repository on a host.

    Attributes:
        host: In lower case, with its port where that is not the usual one.
        path: `owner/name`, with groups on GitLab; `organisation/project/name` on Azure DevOps.
    """

    host: str
    path: str

    @property
    def name(self) -> str:
        """The last segment."""
        return self.path.rpartition("/")[2]


def parse_remote(address: str) -> Remote | None:
    """A remote from its address, in any of git's forms; None for local paths and what is not safe to put into a URL."""
    address = address.strip()
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return None
        if parts.scheme not in {"https", "http", "ssh", "git", "git+ssh"}:
            return None
        path = unquote(parts.path)
        if port and parts.scheme == "https" and port != 443:  # noqa: PLR2004 - the port of HTTPS
            host = f"{host}:{port}"
    elif found := _SCP.fullmatch(address):
        host, path = found[1].lower(), found[2]
    else:
        return None
    host, path = _known_as(host), path.strip("/").removesuffix(".git")
    if host == _AZURE or host.endswith(_VISUAL_STUDIO):
        host, path = _azure(host, path)
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or "/" not in path or ".." in path.split("/"):
        return None
    return Remote(host, path)


def _known_as(host: str) -> str:
    """A host by the name that its API has. One without a dot is an alias of somebody's SSH configuration."""
    if "." not in host:
        return next((known for known in ("github.com", "gitlab.com") if known.partition(".")[0] in host), host)
    return _OTHER_NAMES.get(host, host)


def _azure(host: str, path: str) -> tuple[str, str]:
    """`organisation/project/repository`, however the address says it."""
    segments = [segment for segment in path.split("/") if segment not in {"_git", "v3", "DefaultCollection"}]
    if host.endswith(_VISUAL_STUDIO):
        segments.insert(0, host.removesuffix(_VISUAL_STUDIO))
    if len(segments) == 2:  # noqa: PLR2004 - a project's own repository is called like the project
        segments.append(segments[-1])
    return _AZURE, "/".join(segments)
