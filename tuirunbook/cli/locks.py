"""`locks`: every state of a repository with its lock."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from tuirunbook.cli.options import merged, survey_options
from tuirunbook.cli.saying import remark, say, say_json
from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import RootModule
from tuirunbook.core.changes import changes
from tuirunbook.core.lock import describe
from tuirunbook.core.state import COLLISION, Hazard, is_orphan
from tuirunbook.core.text import one_line
from tuirunbook.survey import StateRow, Status, Survey, row_exit, row_object, signed_out, urgency
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.states import found_states
from tuirunbook.wiring.surveying import surveyor

_WORDS = {Status.HELD: "HELD", Status.FREE: "free", Status.UNKNOWN: "NOT KNOWN"}
_SIGNED_OUT = "not signed in"
_WATCH_SECONDS = 10


@click.command()
@survey_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.option("--filter", "needle", metavar="TEXT", default="", help="Show only states with this in name or lock.")
@click.option("--offline", is_flag=True, help="Find the states; ask AWS for nothing.")
@click.option("--orphans", is_flag=True, help="Scan the lock tables for locks whose state is in no root module here.")
@click.option("--watch", is_flag=True, help="Go on looking, and tell each change.")
@click.pass_context
def locks(
    context: click.Context,
    /,
    *,
    as_json: bool,
    needle: str,
    offline: bool,
    orphans: bool,
    watch: bool,
    **given: Any,
) -> int:
    """Show every state of this repository with its lock, held ones first, the oldest first.

    A state is a root module with one backend configuration and one workspace: the selected one, and those that the
    bucket lists. What the files do not tell is listed with what is missing and how to supply it. Exits 10 when any
    lock is held, else 1 when any state could not be told, else 0; with --offline 0 only says that every state was
    made out. As for `status`, a free lock of a state that is not there is not told where bucket, key or workspace
    was named on the command line, or the workspace is not default.

    \b
    --json prints a list of
      {"root", "backend", "workspace", "bucket", "key", "region", "dynamodb_table", "use_lockfile",
       "workspace_key_prefix", "config_files": [file], "source",
       "unresolved": [{"argument", "why", "how"}], "hazards": [{"hazard", "why", "how"}],
       "lock": the object of `status --json` without its address, or null when it was not read}
    With --watch each change is one such object on a line of its own.
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if watch and offline:
        raise click.UsageError("--watch reads, and --offline does not")
    if orphans and offline:
        raise click.UsageError("--orphans reads, and --offline does not")
    adapters = Adapters(merged(context, given))
    found = surveyor(adapters, offline=offline, orphans=orphans)
    for _ in found.run(found_states(adapters)):
        pass
    if not found.rows:
        if as_json:
            say_json([])
        raise Problem(
            f"No root module was found in {adapters.roots.checkout() or adapters.roots.start.resolve()}.",
            "Start in a checkout, or give --bucket and --key.",
        )
    _show(found, needle, as_json=as_json)
    for line in (*found.remarks, adapters.settings.ignored):
        if line:
            remark(one_line(line, 400))
    if watch:
        _watch(found, needle, as_json=as_json)
    return _code(_shown(found, needle), offline=offline)


def _show(found: Survey, needle: str, *, as_json: bool) -> None:
    rows = _shown(found, needle)
    if as_json:
        say_json([row_object(row) for row in rows])
        return
    for line in _table(rows):
        say(line)
    for label, sentence in dict.fromkeys((one.label, one.how) for row in rows for one in row.hazards):
        remark(f"{label}: {one_line(sentence, 300)}")


def _shown(found: Survey, needle: str) -> list[StateRow]:
    wanted = needle.casefold()
    return sorted((row for row in found.rows if wanted in _searched(row)), key=urgency)


def _code(rows: list[StateRow], *, offline: bool) -> int:
    if offline:
        return int(Status.UNKNOWN if any(row.unresolved for row in rows) else Status.FREE)
    return int(max((row_exit(row) for row in rows), default=Status.FREE))


def _watch(found: Survey, needle: str, *, as_json: bool) -> None:
    """Look again and again, until the operator has seen enough."""
    while True:
        sys.stdout.flush()  # a pipe would keep the lines back
        time.sleep(_WATCH_SECONDS)
        before = {_key(row): row for row in found.rows}
        for row in found.look():
            earlier = before[_key(row)].snapshot
            if row.snapshot is None or earlier is None or needle.casefold() not in _searched(row):
                continue
            sentences = [change.sentence for change in changes(earlier, row.snapshot)]
            if sentences and as_json:
                print(json.dumps(row_object(row)), flush=True)  # noqa: T201 - this is the command's output
            for sentence in () if as_json else sentences:
                say(f"{datetime.now(UTC):%H:%M:%SZ}  {_name(row)}  {one_line(sentence, 300)}")


def _key(row: StateRow) -> tuple[RootModule | str | None, ...]:
    return row.root.directory, row.root.workspace, row.root.address().lock_id if not row.trouble else "", row.root.name


def _searched(row: StateRow) -> str:
    backend = row.root.backend
    parts = [_word(row), row.root.name, row.root.workspace, backend.text("bucket") or "", backend.text("key") or ""]
    parts += [f"{lock.info.who} {lock.info.id}" for lock in row.snapshot.locks if lock.info] if row.snapshot else []
    return " ".join(parts).casefold()


def _table(rows: list[StateRow]) -> Iterator[str]:
    names = [_name(row) for row in rows]
    times = Counter(names)
    # states that a script or a mapping tells apart have one name
    names = [f"{name} {_place(row.root)}" if times[name] > 1 else name for name, row in zip(names, rows, strict=True)]
    width = max((len(name) for name in names), default=0)
    for name, row in zip(names, rows, strict=True):
        hazards = ", ".join(_hazard(one) for one in row.hazards)
        orphan = "in no root module here" if is_orphan(row.source) else ""
        told = "; ".join(filter(None, (_told(row), orphan, f"! {hazards}" if hazards else "")))
        yield f"{_word(row):<13}  {name:<{width}}  {told}".rstrip()


def _hazard(one: Hazard) -> str:
    others = one.why.partition(":")[0].rpartition(" of ")[2]
    return one_line(f"{one.label} with {others}", 120) if one.hazard == COLLISION else one.label


def _name(row: StateRow) -> str:
    files = f" ({', '.join(row.config_files)})" if row.config_files else ""
    return one_line(f"{row.root.name} [{row.root.workspace}]{files}", 80)


def _word(row: StateRow) -> str:
    if row.snapshot is not None and not row.snapshot.held and signed_out(row.snapshot):
        return _SIGNED_OUT
    if row.snapshot is None and not row.trouble:
        return "not read"
    return _WORDS[row_exit(row)]


def _told(row: StateRow) -> str:
    if row.snapshot is None:
        return one_line(row.trouble, 300) if row.trouble else one_line(_place(row.root), 200)
    if row.snapshot.held:
        found = (row.snapshot.find(identity)[0] for identity in row.snapshot.identities)
        return "; ".join(one_line(describe(lock)) for lock in found)
    if row.doubt is not None and row.doubt.decides:
        return one_line(f"{row.doubt.unread.why}: {row.doubt.unread.advice}", 300)
    blind = [f"{store.label}: {reading.why}. {reading.advice}" for store, reading in row.snapshot.blind]
    return one_line("; ".join(blind), 300)


def _place(root: RootModule) -> str:
    try:
        return one_line(root.address().lock_id, 200)
    except AddressError:
        return "?"
