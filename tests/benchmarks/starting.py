"""From a cold start to the first paint, to the lock on the screen; and what an idle screen costs."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

from tests.benchmarks.measure import Figure, NotMeasured, in_pty, seconds, side_by_side, until_text
from tests.benchmarks.world import World
from tests.support.aws import REGION
from tests.support.stuck import TABLE

APP = (sys.executable, "-m", "tuirunbook")
THREE_LINES = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "type('A', (App,), {'compose': lambda self: iter([Static('hello')])})().run()"
)
PEER = (sys.executable, "-c", THREE_LINES)
PAINTED = b"Looking for the root module"
"""What the first frame says."""


def first_paint(world: World, rounds: int) -> Figure:
    """Against the smallest Textual application."""
    world.lock()
    env, cwd = world.env, world.root.directory
    ours, theirs = side_by_side(
        rounds, lambda: until_text(APP, env, cwd, PAINTED), lambda: until_text(PEER, env, cwd, b"hello")
    )
    return Figure("cold start to first paint", ours, "s", "at most 1.3 times", "three-line Textual app", theirs)


def lock_on_screen(world: World, rounds: int) -> Figure | NotMeasured:
    """Against the aws CLI, which reads the same row and prints it."""
    what = "cold start to the live lock on screen"
    aws = _aws_cli()
    if aws is None:
        return NotMeasured(what, "there is no aws CLI")
    lock_id = world.lock()
    env, cwd = world.env, world.root.directory
    key = json.dumps({"LockID": {"S": world.root.address.lock_id}})
    get = (str(aws), "dynamodb", "get-item", "--consistent-read", "--table-name", TABLE, "--key", key)
    ours, theirs = side_by_side(
        rounds,
        lambda: until_text(APP, env, cwd, lock_id[:8].encode()),
        lambda: until_text(get, {**env, "AWS_DEFAULT_REGION": REGION}, cwd, lock_id.encode()),
    )
    return Figure(what, ours, "s", "at most 1.0 times", "aws dynamodb get-item", theirs)


def _aws_cli() -> Path | None:
    """The aws CLI, and not a shell script that looks for it first."""
    beside = [Path(sys.executable).with_name("aws"), Path(sys.base_prefix) / "bin" / "aws"]
    found = next((path for path in beside if path.is_file()), None)
    elsewhere = shutil.which("aws")
    return found or (Path(elsewhere) if elsewhere else None)


def idle(world: World, duration: float) -> Figure:
    """The share of one core that a walk takes while nothing changes, beside an application that shows one word."""
    lock_id = world.lock()
    env, cwd = world.env, world.root.directory
    with in_pty(APP, env, cwd) as ours, in_pty(PEER, env, cwd) as theirs:
        ours.until(lock_id[:8].encode())
        theirs.until(b"hello")
        settle = time.monotonic() + 3
        while time.monotonic() < settle:
            ours.read(0.1)
        before = ours.cpu_seconds(), theirs.cpu_seconds()
        began = time.monotonic()
        took = seconds(lambda: _drain(ours.read, theirs.read, began + duration))
        shares = [100 * (pty.cpu_seconds() - then) / took for pty, then in zip((ours, theirs), before, strict=True)]
    return Figure(
        f"idle on a live lock for {duration:.0f} s", shares[0], "%", "under 2 %", "idle Textual app", shares[1]
    )


def _drain(ours: object, theirs: object, until: float) -> None:
    while time.monotonic() < until:
        for read in (ours, theirs):
            assert callable(read)
            read(0.25)
