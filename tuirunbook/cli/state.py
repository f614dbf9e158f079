"""`status`, `locks` and `wait`: the lock, without provoking the error and without an incident."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from tuirunbook.cli.options import Duration, merged, state_options
from tuirunbook.cli.saying import complain, remark, say, say_json, tell
from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import timestamp
from tuirunbook.core.lock import Held, LockSnapshot, NotChecked, Reading, Store, describe
from tuirunbook.core.text import one_line
from tuirunbook.survey import (
    Doubt,
    Outcome,
    Status,
    look_once,
    status_exit,
    status_object,
    unknown_object,
    wait_for_release,
)
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem, told

_COLUMN = 15
_WORDS = {Status.HELD: "HELD", Status.FREE: "free", Status.UNKNOWN: "NOT KNOWN"}
_WAITED = {
    Outcome.RELEASED: (0, "The lock is gone: every configured store was read and is free."),
    Outcome.HELD: (Status.HELD, "The lock is still held."),
    Outcome.BLIND: (Status.UNKNOWN, "The lock cannot be seen, so nothing is known about it."),
    Outcome.NEVER_HELD: (
        Status.UNKNOWN,
        "No lock was seen here; every configured store is free. Does the refused run use the same account and state?",
    ),
}


@click.command()
@state_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.pass_context
def status(context: click.Context, /, *, as_json: bool, **given: Any) -> int:
    """Show the lock of this state, without provoking the error.

    Exits 0 only when every configured store was read and is free, 10 when a lock is held, 1 when that could not be
    told (denied, unknown table, no locking configured, …), 2 for usage. A free lock of a state that is not there may
    be a slip in its name: it exits 1 where bucket, key or workspace was named on the command line, or the workspace is
    not default; states with near names are listed where the bucket may be. Where the files name the state, nobody may
    have applied it yet: it exits 0 and says so.

    \b
    --json prints one object; every key is always there:
      {"address": {"path", "account", "region", "bucket", "key", "workspace", "table", "lockfile"} or null,
       "held": true, false, or null when it could not be told,
       "locks": [{"store": "s3" or "dynamodb", "id", "who", "operation", "created", "readable", "raw"}],
       "digest": MD5 or null, "state": {"exists", "etag", "version_id", "last_modified", "size"} or null,
       "not_checked": [{"what", "why", "code", "advice"}], "observed_at": RFC 3339}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    try:
        with told():
            adapters = Adapters(merged(context, given))
            root = _one(adapters)
            snapshot, doubted = look_once(adapters.store(root), root)
    except Problem as problem:
        complain(problem)
        if as_json:
            say_json(unknown_object(problem.sentence, problem.next_step, timestamp(datetime.now(UTC))))
        return Status.UNKNOWN
    if as_json:
        say_json(status_object(snapshot, doubted))
    else:
        _show(adapters.roots.compare(root), snapshot, doubted)
    return status_exit(snapshot, doubted)


@click.command()
@state_options
@click.option("--for", "at_most", type=Duration(), metavar="TIME", help="Give up after this long, as in 45m or 1h30m.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end, of the shape below.")
@click.pass_context
def wait(context: click.Context, /, *, at_most: timedelta | None, as_json: bool, **given: Any) -> int:
    """Wait until the holder lets go. Changes are told on standard error; looks grow rarer with time.

    Exits 0 when the lock was seen here and then left every configured store, 10 when it is still held at the end of
    --for, 1 when the last look could not tell or no lock was ever seen here. Blindness never counts as a release.

    \b
    --json prints one object:
      {"outcome": "released", "held", "blind" or "never-held", "seconds", "status": the object of `status --json`}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with told():
        adapters = Adapters(merged(context, given))
        root = _one(adapters)
        store = adapters.store(root)
    remark(f"Waiting for {root.address().lock_id}")
    ended = wait_for_release(
        store,
        seconds=None if at_most is None else at_most.total_seconds(),
        tell=lambda line: remark(f"{datetime.now(UTC):%H:%M:%SZ}  {one_line(line, 600)}"),
    )
    if ended.outcome is Outcome.RELEASED and sys.stderr.isatty():
        print("\a", end="", file=sys.stderr)  # noqa: T201 - the bell, for whoever looked away
    code, sentence = _WAITED[ended.outcome]
    if as_json:
        status = status_object(ended.snapshot)
        say_json({"outcome": ended.outcome.value, "seconds": round(ended.seconds, 1), "status": status})
    else:
        say(sentence)
    return int(code)


def _one(adapters: Adapters) -> RootModule:
    found = adapters.roots.find()
    if isinstance(found, RootModule):
        return found
    names = ", ".join(f"{root.name} ({root.workspace})" for root in found[:8])
    raise Problem(f"There are {len(found)} states to choose from: {names}.", "Choose one with -C; `locks` shows all.")


def _show(root: RootModule, snapshot: LockSnapshot, doubted: Doubt | None) -> None:
    address = snapshot.address
    account = address.account or "account not checked"
    tell(f"{_WORDS[status_exit(snapshot, doubted)]}  {one_line(address.lock_id, 1200)}  ({account}, {address.region})")
    for store in (Store.S3, Store.DYNAMODB):
        tell(f"  {store.label:<12} {_reading(snapshot, store)}", indent=_COLUMN)
    told = {reading.why for reading in (snapshot.s3, snapshot.dynamodb) if isinstance(reading, NotChecked)}
    for what, part in (("digest", snapshot.digest), ("state", snapshot.state), ("table", snapshot.table)):
        if isinstance(part, NotChecked) and part.code != "not-configured" and not (doubted and what == "state"):
            why = "for the same reason" if part.why in told else one_line(part.why, 400)
            tell(f"  {what:<12} not checked: {why}", indent=_COLUMN)
    if doubted is not None:
        _tell_doubt(doubted)
    if not address.locks_at_all:
        tell("  The backend configures neither a lock table nor a lockfile, so Terraform takes no lock here.", indent=2)
    for advice in dict.fromkeys(part.advice for part in _in_the_way(snapshot) if part.advice):
        remark(f"Next: {one_line(advice, 400)}")
    for note in _notes(root):
        remark(note)
    if snapshot.held:
        remark("`tflock-tui` walks you through clearing it; `tflock-tui wait` waits for the holder.")


def _tell_doubt(doubted: Doubt) -> None:
    tell(f"  {'state':<12} {doubted.unread.why}", indent=_COLUMN)
    for near in doubted.near:
        tell(f"  {'near to it':<12} {near}", indent=_COLUMN)
    known = "It is not known whether this is the state that is meant" if doubted.decides else "Nothing was applied yet"
    remark(f"{known}; is it one of those above?" if doubted.near else f"{known}; {doubted.unread.advice}.")


def _in_the_way(snapshot: LockSnapshot) -> Iterator[NotChecked]:
    """What could not be read and has to be, to tell the lock."""
    yield from (reading for _, reading in snapshot.blind)
    if isinstance(snapshot.state, NotChecked) and snapshot.state.code == "NoSuchBucket":
        yield snapshot.state


def _reading(snapshot: LockSnapshot, store: Store) -> str:
    reading: Reading = snapshot.reading(store)
    configured = "" if snapshot.configured(store) else " (not configured)"
    match reading:
        case Held(lock):
            return f"held: {one_line(describe(lock), 300)}{configured}"
        case NotChecked():
            return f"not checked: {one_line(reading.why, 400)}"
    return f"free{configured}"


def _notes(root: RootModule) -> Iterator[str]:
    for one in root.disagreements:
        yield f"{one.argument}: the saved configuration, which counts, has {one.saved!r}; {one.where} has {one.files!r}"
    yield from root.notes
