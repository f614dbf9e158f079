"""`trust`: let a repository's settings count."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from tuirunbook.cli.options import merged, state_options
from tuirunbook.cli.saying import remark, say
from tuirunbook.settings import REPOSITORY_FILE, Trust
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem


@click.command()
@state_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def trust(context: click.Context, /, *, yes: bool, **given: Any) -> int:
    """Trust what this checkout says about how it is read, with the content that it has now.

    That is its .tflock/config.toml, and AWS settings files inside the checkout that a backend names. Each is shown
    first. A file that changes has to be trusted again.
    """
    adapters = Adapters(merged(context, given))
    files = Trust.default()
    found = {path: raw for path in _files(adapters) if (raw := _content(path)) is not None and not files.trusts(path)}
    if not found:
        say("There is nothing here that needs trust.")
        return 0
    for path, raw in found.items():
        say(f"--- {path}")
        say(raw.decode("utf-8", "replace").rstrip())
    if not yes:
        click.confirm(f"Trust {'this file' if len(found) == 1 else 'these files'}?", abort=True, err=True)
    try:
        files.add({path: hashlib.sha256(raw).hexdigest() for path, raw in found.items()})
    except OSError as error:
        raise Problem(f"It could not be written down: {error.strerror}.", "Check the state directory.") from None
    remark("Trusted.")
    return 0


def _files(adapters: Adapters) -> list[Path]:
    checkout = adapters.roots.checkout()
    paths = [] if checkout is None else [checkout / REPOSITORY_FILE]
    try:
        found = adapters.roots.find()
    except Problem as problem:
        remark(f"Only the settings are looked at: {problem}")
        return paths
    roots = found if isinstance(found, tuple) else (found,)
    return [*paths, *dict.fromkeys(Path(file) for root in roots for file in root.needs_trust)]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
