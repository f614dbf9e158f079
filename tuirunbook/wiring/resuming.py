"""What an incident that is resumed meets: its root module as it is now, and its runbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Opened
from tuirunbook.core.runbook import Runbook
from tuirunbook.wiring.books import Books
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.roots import Roots


def scene_of(roots: Roots, books: Callable[[RootModule], Books], opened: Opened) -> tuple[RootModule, Runbook]:
    """The incident's root module, with a note where its runbook has changed, and the copy of the runbook that it keeps.

    Raises:
        Problem: The copy cannot be read.
    """
    root = root_of(roots, opened)
    runbook = books(root).parse(opened.runbook_text, f"incident {opened.incident}")
    if note := changed_since(books(root), opened):
        root = msgspec.structs.replace(root, notes=(*root.notes, note))
    return root, runbook


def root_of(roots: Roots, opened: Opened) -> RootModule:
    """The incident's root module as it is now, or its bare state where the checkout has gone or moved on."""
    address = opened.address
    if opened.directory is None:
        return _bare(roots, opened)
    directory = Path(opened.directory)
    if not directory.is_dir():
        return _bare(roots, opened, f"{directory} is not there any more.")
    try:
        root = roots.at(directory, address.workspace)
    except Problem as problem:
        return _bare(roots, opened, f"The checkout cannot be read as it stands: {problem.sentence}")
    if root.address().lock_id != address.lock_id:
        return _bare(roots, opened, f"{directory} now keeps another state, {root.address().lock_id}.")
    return root


def changed_since(books: Books, opened: Opened) -> str:
    """A note when the runbook that the incident has a copy of reads differently now, or empty."""
    name = opened.runbook.partition(" ")[0]
    try:
        now = books.load(name)
    except Problem:
        return ""
    if now.sha256 == opened.runbook_sha256:
        return ""
    return f"The runbook {name} has changed since this incident began; the incident keeps its copy."


def _bare(roots: Roots, opened: Opened, *notes: str) -> RootModule:
    """A root without a checkout, with the lock stores and endpoints that the incident began with."""
    address = opened.address
    root = roots.named(address.bucket, address.state_key, region=address.region, whole_key=True)
    endpoints = {"s3": address.s3_endpoint, "dynamodb": address.dynamodb_endpoint}
    arguments = {
        **root.backend.arguments,
        "dynamodb_table": address.table,
        "use_lockfile": address.use_lockfile,
        "endpoints": {service: url for service, url in endpoints.items() if url},
    }
    kept = {name: value for name, value in arguments.items() if value}
    backend = msgspec.structs.replace(root.backend, arguments=kept, origins=dict.fromkeys(kept, "the incident"))
    return msgspec.structs.replace(root, backend=backend, notes=(*root.notes, *notes))
