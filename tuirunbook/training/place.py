"""Where a practice world lives: one private directory, an environment made from nothing, and the programs in it."""

from __future__ import annotations

import ipaddress
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

PREFIX = "tflock-practice-"
PRACTICE_TERRAFORM = "practice terraform of tflock-tui"
_OWNER = "world.pid"
_GATE = """#!/bin/sh
# What a slow resource is in practice: it is there once the gate is open, or the world has ended.
while [ -d "$PRACTICE_HOME" ] && [ ! -e "$PRACTICE_GATE" ]; do sleep 0.1; done
"""
_BUCKET = """#!/bin/sh
# Creates a bucket in the practice AWS, and fails when there is one, as a provider would.
exec {python} -I -c '
import sys, urllib.error, urllib.request
place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
url = sys.argv[1] + "/" + sys.argv[2]
try:
    urllib.request.urlopen(urllib.request.Request(url, method="HEAD"))
except urllib.error.HTTPError:
    urllib.request.urlopen(urllib.request.Request(url, data=place.encode(), method="PUT"))
else:
    sys.exit("Error: creating S3 bucket " + sys.argv[2] + ": BucketAlreadyOwnedByYou")
' "$AWS_ENDPOINT_URL" "$1"
"""
_OURS = """#!/bin/sh
# {label}
PYTHONPATH={package} exec {python} -m tuirunbook.training.practice_terraform "$@"
"""


class NotLoopbackError(RuntimeError):
    """An endpoint of a practice world is not on this machine."""


def require_loopback(url: str) -> str:
    """`url`, if it leads to this machine and nowhere else.

    Raises:
        NotLoopbackError: It does not.
    """
    host = urlsplit(url).hostname or ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise NotLoopbackError(f"{url!r} is not on this machine, and practice goes nowhere else")
    return url


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without credentials, proxies, and settings of AWS, Terraform and Terragrunt."""
    prefixes = ("AWS_", "TF_", "TG_", "TERRAGRUNT_", "TOFU_", "BOTO")
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(prefixes) and not name.lower().endswith("_proxy")
    }


class Place:
    """The directory of one practice world.

    Args:
        parent: Where it is made; the temporary directory by default.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        self.checkout = self.home / "infrastructure"
        self.bin = self.home / "bin"
        for directory in (self.bin, self.home / "tmp", self.home / "run"):
            directory.mkdir(mode=0o700)
        (self.home / _OWNER).write_text(f"{os.getpid()}\n", encoding="ascii")
        self._script("practice-gate", _GATE)
        self._script("practice-bucket", _BUCKET.format(python=shlex.quote(sys.executable)))

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.home, ignore_errors=True)

    def environ(self, base: Mapping[str, str], endpoint: str) -> dict[str, str]:
        """The environment of everything that runs in this world, made from nothing."""
        require_loopback(endpoint)
        return {
            **base,
            "AWS_ENDPOINT_URL": endpoint,
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PRACTICE_HOME": str(self.home),
            "PRACTICE_GATE": str(self.home / "gate"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "no_proxy": "*",
        }

    def use_practice_terraform(self) -> None:
        """Put the practice terraform in front of whatever is on PATH."""
        package = Path(__file__).parents[2]
        words = {"label": PRACTICE_TERRAFORM, "package": shlex.quote(str(package))}
        self._script("terraform", _OURS.format(python=shlex.quote(sys.executable), **words))

    def _script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o700)


def sweep(parent: Path | None = None) -> None:
    """Remove what a world left whose machine went down: our own directories whose process is not there any more."""
    for home in (parent or Path(tempfile.gettempdir())).glob(PREFIX + "*"):
        try:
            ours = home.stat(follow_symlinks=False).st_uid == os.geteuid()
            owner = int((home / _OWNER).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if ours and not psutil.pid_exists(owner):
            shutil.rmtree(home, ignore_errors=True)
