"""Reading a long journal back: every line verified, decoded and folded."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Figure, seconds, side_by_side
from tuirunbook.core.events import (
    ActionRefused,
    CheckRecorded,
    CommandEnded,
    CommandStarted,
    FindingRecorded,
    LockChanged,
    NoteAdded,
    QuestionAnswered,
    RetryEnded,
    WatchLost,
    WatchRestored,
)
from tuirunbook.core.fold import fold
from tuirunbook.journal import lines
from tuirunbook.journal.reader import Reader

EVENTS = 100_000
GOLDEN = Path(__file__).parents[1] / "journal" / "golden" / "version-1.jsonl"
OFTEN = (
    ActionRefused,
    CheckRecorded,
    CommandEnded,
    CommandStarted,
    FindingRecorded,
    LockChanged,
    NoteAdded,
    QuestionAnswered,
    RetryEnded,
    WatchLost,
    WatchRestored,
)
"""The kinds that a long incident has many of."""


def replay(rounds: int) -> Figure:
    """Against Python's own JSON reader, which only decodes the same lines."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        path = Path(temporary) / "journal.jsonl"
        _write(path)
        ours, theirs = side_by_side(
            rounds, lambda: seconds(lambda: fold(Reader(path))), lambda: seconds(lambda: _load(path))
        )
    return Figure(
        f"replaying a journal of {EVENTS:,} events", ours, "s", "under 1 s", "json.loads of its lines", theirs
    )


def _write(path: Path) -> None:
    opened, *rest = Reader(GOLDEN)
    often = itertools.cycle(event for event in rest if isinstance(event, OFTEN))
    previous = lines.GENESIS
    with path.open("wb") as file:
        for number, event in enumerate(itertools.chain([opened], itertools.islice(often, EVENTS - 1)), start=1):
            line, previous = lines.encode(event, number, previous)
            file.write(line)


def _load(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
