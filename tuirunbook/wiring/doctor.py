"""What is found here and what is missing. Nothing is changed, and everything that is asked only reads."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook import __version__
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import Digest, LockSnapshot, NotChecked, StateObject, TableFacts, parse_time
from tuirunbook.core.text import one_line
from tuirunbook.core.values import Caller, ProgramError
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.books import Books
from tuirunbook.wiring.problem import Problem, told

if TYPE_CHECKING:
    from tuirunbook.locks import AwsLockStore, Clients

RIGHT_SCHEMA = "LockID HASH S"
_PROGRAMS = ("terraform", "tofu", "terragrunt")
_SMALL = (60, 20)
_SOON_MINUTES = 10


class Level(enum.StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was looked at, what was found, and what to do about it (may be empty)."""

    name: str
    level: Level
    fact: str
    advice: str = ""


def examine(adapters: Adapters) -> Iterator[Check]:
    """All checks, each as soon as it is done."""
    yield Check(name="tflock-tui", level=Level.OK, fact=f"{__version__}, Python {platform.python_version()}")
    yield _git()
    yield _terminal(adapters)
    yield from _guarded("settings", lambda: _settings(adapters))
    yield from _guarded("journal", lambda: _journal(adapters))
    yield from _guarded("runbooks", lambda: _runbooks(adapters))
    try:
        root = _root(adapters)
    except Problem as problem:
        yield from _programs(adapters, None)
        yield Check(name="backend", level=Level.BAD, fact=problem.sentence, advice=problem.next_step)
        return
    yield from _programs(adapters, root)
    yield from _backend(root)
    yield from _guarded("aws", lambda: _aws(adapters, root))


def _guarded(name: str, checks: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        with told():
            yield from checks()
    except Problem as problem:
        yield Check(name=name, level=Level.BAD, fact=problem.sentence, advice=problem.next_step)


def _git() -> Check:
    found = shutil.which("git")
    if found is None:
        return Check(
            name="git", level=Level.WARN, fact="not on PATH", advice="Install git; who works on a root comes from it."
        )
    return Check(name="git", level=Level.OK, fact=found)


def _terminal(adapters: Adapters) -> Check:
    if not sys.stdout.isatty():
        return Check(
            name="terminal", level=Level.WARN, fact="standard output is not one", advice="The walk needs a terminal."
        )
    size = shutil.get_terminal_size()
    colours = (
        "no colours (NO_COLOR)" if adapters.environ.get("NO_COLOR") else adapters.environ.get("TERM", "TERM unset")
    )
    fact = f"{size.columns}x{size.lines}, {one_line(colours, 60)}"
    if size.columns < _SMALL[0] or size.lines < _SMALL[1]:
        return Check(name="terminal", level=Level.WARN, fact=fact, advice="Make it at least 60x20; 80x24 is better.")
    return Check(name="terminal", level=Level.OK, fact=fact)


def _settings(adapters: Adapters) -> Iterator[Check]:
    settings = adapters.settings
    if settings.ignored:
        yield Check(
            name="settings", level=Level.WARN, fact=settings.ignored, advice="Look at it, then `tflock-tui trust`."
        )
    fact = f"read-only, by {settings.read_only}" if settings.read_only else "changes are allowed"
    yield Check(name="settings", level=Level.OK, fact=fact)
    adapters.plan_args()


def _journal(adapters: Adapters) -> Iterator[Check]:
    directory = adapters.journal_directory()
    existing = next(place for place in (directory, *directory.parents) if os.path.exists(place))  # noqa: PTH110 - it does not raise
    if why := _unwritable(existing):
        verb = "written" if existing == directory else "created"
        yield Check(
            name="journal",
            level=Level.BAD,
            fact=one_line(f"{directory} cannot be {verb}: {why}", 400),
            advice="Choose another with --journal-dir; without a journal every change is refused.",
        )
        return
    free = shutil.disk_usage(existing).free // 1_000_000
    level = Level.OK if free > 50 else Level.WARN  # noqa: PLR2004 - some plans' logs
    advice = "" if level is Level.OK else "Make room, or choose another disk with --journal-dir."
    yield Check(name="journal", level=level, fact=f"{directory}, {free} MB free", advice=advice)


def _unwritable(directory: Path) -> str:
    """Why nothing can be written in a directory, or empty. Permissions do not tell it: a disk may be full, or no disk.

    What is tried leaves nothing behind.
    """
    if not directory.is_dir():
        return f"{directory} is no directory"
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        return f"nothing can be written in {directory} ({error.strerror})"
    return ""


def _runbooks(adapters: Adapters) -> Iterator[Check]:
    for one in Books(adapters.roots.checkout()).check():
        if one.mistakes:
            more = f" and {len(one.mistakes) - 1} more" if len(one.mistakes) > 1 else ""
            fact = f"{one_line(str(one.mistakes[0]), 300)}{more}"
            yield Check(
                name=f"runbook {one.name}", level=Level.BAD, fact=fact, advice="`tflock-tui runbook check` lists all."
            )
        else:
            yield Check(name=f"runbook {one.name}", level=Level.OK, fact=one.origin)


def _root(adapters: Adapters) -> RootModule:
    found = adapters.roots.find()
    if isinstance(found, tuple):
        names = ", ".join(root.name for root in found[:8])
        raise Problem(f"There are {len(found)} states to choose from: {names}.", "Choose one with -C.")
    return found


def _programs(adapters: Adapters, root: RootModule | None) -> Iterator[Check]:
    wanted = "terraform" if root is None else adapters.program(root)
    for name in dict.fromkeys((wanted, *_PROGRAMS)):
        yield _program(adapters, name, root, needed=name == wanted)


def _program(adapters: Adapters, name: str, root: RootModule | None, *, needed: bool) -> Check:
    from tuirunbook.terraform.children import Children  # noqa: PLC0415 - see the package
    from tuirunbook.terraform.environment import checkout_environment  # noqa: PLC0415 - see the package
    from tuirunbook.terraform.program import Program  # noqa: PLC0415 - see the package

    program = Program(name, Children())
    found = program.found(adapters.environ)
    if found is None:
        level = Level.BAD if needed else Level.OK
        advice = "Install it, or name the program to use with --program." if needed else ""
        return Check(name=name, level=level, fact="not on PATH", advice=advice)
    environ = checkout_environment(adapters.environ, workspace=None, data_dir=None)
    directory = root.directory if root is not None and root.directory else str(Path.cwd())
    try:
        version = program.version(cwd=directory, environ=environ)
    except ProgramError as error:
        level = Level.BAD if needed else Level.WARN
        return Check(name=name, level=level, fact=one_line(str(error), 300), advice="Run it by hand to see more.")
    used = ", used here" if needed and root is not None else ""
    return Check(name=name, level=Level.OK, fact=f"{version}, {found}{used}")


def _backend(root: RootModule) -> Iterator[Check]:
    address = root.address()
    stores = [f"table {address.table}"] if address.table else []
    stores += ["an S3 lockfile"] if address.use_lockfile else []
    fact = f"{address.lock_id}, workspace {root.workspace} ({root.workspace_origin})"
    yield Check(name="backend", level=Level.OK, fact=one_line(fact, 300))
    if stores:
        yield Check(name="locking", level=Level.OK, fact=" and ".join(stores))
    else:
        yield Check(
            name="locking", level=Level.BAD, fact="none is configured", advice="Set use_lockfile = true in the backend."
        )
    if root.directory is not None and not root.initialised:
        yield Check(
            name="init",
            level=Level.WARN,
            fact="this root is not initialised for its backend",
            advice="The lock can be looked at and released; a plan needs `init` first.",
        )
    for one in root.disagreements:
        fact = f"{one.argument}: saved {one.saved!r}, {one.where} {one.files!r}"
        yield Check(name="backend", level=Level.WARN, fact=one_line(fact, 300), advice="The saved value counts.")


def _aws(adapters: Adapters, root: RootModule) -> Iterator[Check]:
    clients = adapters.clients(root)
    store = adapters.store(root, clients)
    caller = store.identify()
    yield from _credentials(clients, caller)
    yield from _reads(store.look(), store)


def _credentials(clients: Clients, caller: Caller | NotChecked) -> Iterator[Check]:
    if isinstance(caller, NotChecked):
        level = Level.WARN if caller.code == "skipped" else Level.BAD
        yield Check(name="account", level=level, fact=caller.why, advice=caller.advice)
        return
    alias = f" ({caller.alias})" if caller.alias else ""
    yield Check(name="account", level=Level.OK, fact=f"{caller.account}{alias}, region {clients.region or 'not set'}")
    kind = str(getattr(clients.credentials(), "method", "") or "unknown")
    profile = f", profile {caller.profile}" if caller.profile else ""
    yield Check(name="caller", level=Level.OK, fact=f"{one_line(caller.arn)} (credentials: {kind}{profile})")
    if caller.expires_at is None:
        yield Check(name="expiry", level=Level.OK, fact="these credentials name no end")
        return
    minutes = int((parse_time(caller.expires_at) - datetime.now(UTC)).total_seconds() // 60)
    soon = minutes < _SOON_MINUTES
    advice = "Sign in again before you begin." if soon else ""
    yield Check(
        name="expiry",
        level=Level.WARN if soon else Level.OK,
        fact=f"{caller.expires_at}, in {minutes} minutes",
        advice=advice,
    )


def _reads(snapshot: LockSnapshot, store: AwsLockStore) -> Iterator[Check]:
    """What a look could read and what not: the permissions that can be told without changing anything."""
    address = snapshot.address
    if address.table is not None:
        yield _read("read lock item", snapshot.dynamodb, "dynamodb:GetItem", needed=True)
        yield _read("read digest", snapshot.digest, "dynamodb:GetItem", needed=False)
        yield _table(snapshot.table)
    yield _read("read lockfile", snapshot.s3, "s3:GetObject", needed=address.use_lockfile)
    yield _read("read state", snapshot.state, "s3:GetObject", needed=True)
    yield _read("list locks", store.lock_ids(), "dynamodb:Scan, s3:ListBucket", needed=False)
    yield Check(
        name="release",
        level=Level.OK,
        fact="whether you may delete a lock is not known before it is tried; nothing was tried",
    )


def _read(name: str, part: object, permission: str, *, needed: bool) -> Check:
    if isinstance(part, NotChecked):
        level = Level.BAD if needed else Level.WARN
        return Check(name=name, level=level, fact=part.why, advice=part.advice or f"It needs {permission}.")
    fact = "yes"
    if isinstance(part, StateObject) and not part.exists:
        fact = "yes; there is no state object yet"
    if isinstance(part, Digest) and part.md5 is None:
        fact = "yes; there is none"
    return Check(name=name, level=Level.OK, fact=fact)


def _table(table: TableFacts | NotChecked | None) -> Check:
    if not isinstance(table, TableFacts):
        why = table.why if isinstance(table, NotChecked) else "not asked"
        denied = isinstance(table, NotChecked) and "AccessDenied" in table.code
        known = table.advice if isinstance(table, NotChecked) else ""
        advice = "dynamodb:DescribeTable is only needed for this check." if denied else known
        return Check(name="table", level=Level.WARN, fact=why, advice=advice)
    fact = f"{table.status}, key {table.key_schema}"
    if table.key_schema != RIGHT_SCHEMA:
        advice = "Terraform needs the partition key LockID of type String, and no sort key."
        return Check(name="table", level=Level.BAD, fact=fact, advice=advice)
    level = Level.OK if table.status == "ACTIVE" else Level.WARN
    return Check(name="table", level=level, fact=fact, advice="" if level is Level.OK else "Wait until it is ACTIVE.")
