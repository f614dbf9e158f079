"""Small readers for what an API answers: whatever shape it has, nothing here raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from tuirunbook.core.ci import Job, Stage, match
from tuirunbook.core.ci.jobs import covers
from tuirunbook.core.evidence import Match
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import NotAskedError
from tuirunbook.threads import each

AT_ONCE = 6
"""Questions that are under way at one host at a time."""

MOST_LOGS = 4
"""Logs that are read for one look."""

MOST_KNOWN = 20
"""Logs that are kept."""

LOG_KEPT = 2_000_000
"""Characters at a log's end that are kept of it."""

_MILLISECONDS = 1000

Given = TypeVar("Given")
Found = TypeVar("Found")


def items(node: Any, name: str = "") -> tuple[Mapping[str, Any], ...]:
    """The objects of a list, or of the list at `name` of an object."""
    if name:
        node = node.get(name) if isinstance(node, Mapping) else None
    return tuple(one for one in node if isinstance(one, Mapping)) if isinstance(node, list) else ()


def text(node: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is text or a number, as text; empty when none is."""
    for name in names:
        value = node.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def inner(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object, or an empty one."""
    value = node.get(name)
    return value if isinstance(value, Mapping) else {}


def moment(node: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of these members that is a time: RFC 3339 text, or milliseconds since the epoch."""
    for name in names:
        value = node.get(name)
        try:
            if isinstance(value, str):
                return parse_time(value)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return datetime.fromtimestamp(value / _MILLISECONDS, UTC)
        except (ValueError, OverflowError, OSError):
            continue
    return None


def at_once(do: Callable[[Given], Found], given: Sequence[Given]) -> list[Found]:
    """`do` for each, several at a time, in their order; the first failure is raised."""
    if len(given) < 2:  # noqa: PLR2004 - nothing to do at once
        return [do(one) for one in given]
    return each(do, given, AT_ONCE, "ci")


def worth_a_log(jobs: Iterable[Job], question: Question, skew: Any) -> list[Job]:
    """The jobs whose logs would decide something: ended, and running at the time of the lock or since; best first."""
    wanted: list[tuple[int, float, Job]] = []
    for job in jobs:
        kind = match(job, question.target).match
        if job.stage is not Stage.ENDED or kind is Match.CANNOT_BE:
            continue
        holding = covers(job, question.holder, skew)
        since = job.ended is not None and (question.now - job.ended).total_seconds() < 600  # noqa: PLR2004 - a retry
        if holding or since:
            age = -job.ended.timestamp() if job.ended else 0.0
            wanted.append((0 if kind is Match.NAMES_THIS_STATE else 1, age, job))
    return [job for _, _, job in sorted(wanted, key=lambda entry: entry[:2])[:MOST_LOGS]]


class Logs:
    """Reads the logs of jobs that have ended, each once: they do not change, and they are long.

    Args:
        read: Reads the log of one job.
    """

    def __init__(self, read: Callable[[Job], str]) -> None:
        self._read = read
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, job: Job) -> str:
        """The end of a job's log, as long as anybody looks at it."""
        key = (job.id, job.url)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._read(job)[-LOG_KEPT:]
        return self._known[key]


def with_logs(
    jobs: Iterable[Job], question: Question, skew: Any, read: Callable[[Job], str]
) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """The jobs, those worth it with their logs; and what could not be read, as sentences."""
    jobs = tuple(jobs)
    wanted = worth_a_log(jobs, question, skew)
    notes: list[str] = []

    def one(job: Job) -> str | None:
        try:
            return read(job)
        except NotAskedError as error:
            notes.append(f"the log of {one_line(job.name, 80)} could not be read: {error.sentence}")
            return None

    logs = dict(zip((id(job) for job in wanted), at_once(one, wanted), strict=True))
    filled = tuple(msgspec.structs.replace(job, log=logs[id(job)]) if id(job) in logs else job for job in jobs)
    return filled, tuple(sorted(notes))
