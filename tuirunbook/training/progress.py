"""Who has done which scenario, and how: a file of JSON lines in the user's state directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tuirunbook.core.lock import parse_time
from tuirunbook.core.scenario import Scenario
from tuirunbook.core.score import Grade

FIRST_REPEAT = timedelta(days=30)
LATER_REPEATS = timedelta(days=90)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One run that was finished.

    Attributes:
        person: Who.
        scenario: Its name.
        at: When it was finished, RFC 3339.
        grade: What it came to.
        seed: What decided who lives.
        twin: Whether it counts for the rate of unsafe acts.
        acts: How many locks were released.
        unsafe: How many of them unsafely.
        incidents: The incidents, in the directory beside this file.
        program: What stood in for terraform, or `terraform`.
    """

    person: str
    scenario: str
    at: str
    grade: Grade
    seed: int = 0
    twin: bool = False
    acts: int = 0
    unsafe: int = 0
    incidents: tuple[str, ...] = ()
    program: str = ""


class Progress:
    """The runs of everybody who trains as this user.

    Args:
        path: The file.

    Raises:
        OSError: From any method that writes: it cannot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> tuple[Done, ...]:
        """Every run, the oldest first; lines that cannot be read are left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return ()
        found: list[Done] = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Done))
            except (msgspec.DecodeError, msgspec.ValidationError):
                continue
        return tuple(found)

    def of(self, person: str) -> tuple[Done, ...]:
        """One person's runs."""
        return tuple(done for done in self.all() if done.person == person)

    def add(self, done: Done) -> None:
        """Write one down."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(msgspec.json.encode(done) + b"\n")

    def reset(self, person: str, scenario: str = "") -> int:
        """Forget a person's runs of one scenario, or all of them; how many there were."""
        kept = [done for done in self.all() if done.person != person or (scenario and done.scenario != scenario)]
        removed = len(self.all()) - len(kept)
        if removed:
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(b"".join(msgspec.json.encode(done) + b"\n" for done in kept))
            draft.chmod(0o600)
            draft.replace(self._path)
        return removed


def last_of(runs: Iterable[Done], scenario: str) -> Done | None:
    """The latest run of a scenario."""
    return next((done for done in reversed(tuple(runs)) if done.scenario == scenario), None)


def due(runs: Sequence[Done], now: datetime) -> tuple[str, ...]:
    """The scenarios to repeat: 30 days after the first time, 90 days after every later one."""
    found: list[str] = []
    for name in dict.fromkeys(done.scenario for done in runs):
        times = [parse_time(done.at) for done in runs if done.scenario == name]
        again = any(moment - times[0] >= FIRST_REPEAT / 2 for moment in times)
        if now - times[-1] >= (LATER_REPEATS if again else FIRST_REPEAT):
            found.append(name)
    return tuple(found)


def rate(runs: Iterable[Done]) -> tuple[int, int]:
    """How many acts on twins were unsafe, of how many runs of twins. Nothing else is scored."""
    twins = [done for done in runs if done.twin]
    return sum(done.grade is Grade.UNSAFE for done in twins), len(twins)


def report(runs: Sequence[Done], scenarios: Sequence[Scenario], now: datetime) -> dict[str, Any]:
    """Everybody's progress, for whoever runs the onboarding; by name, without a ranking."""
    people = sorted({done.person for done in runs})
    return {
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "people": [_person(person, [done for done in runs if done.person == person], scenarios) for person in people],
    }


def _person(person: str, runs: Sequence[Done], scenarios: Sequence[Scenario]) -> dict[str, Any]:
    unsafe, twins = rate(runs)
    done = [(scenario, last_of(runs, scenario.name)) for scenario in scenarios]
    return {
        "person": person,
        "runs": len(runs),
        "unsafe_on_twins": unsafe,
        "runs_of_twins": twins,
        "scenarios": [
            {"name": one.name, "last": last.at, "grade": last.grade.value} for one, last in done if last is not None
        ],
        "open": [one.name for one, last in done if last is None],
    }


def report_markdown(told: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    lines = [f"# Training, {told['at'][:10]}", ""]
    for person in told["people"]:
        lines += [
            f"## {person['person']}",
            "",
            f"{person['runs']} runs; unsafe on {person['unsafe_on_twins']} of {person['runs_of_twins']} twins.",
            "",
            "| Scenario | Last time | Came to |",
            "| --- | --- | --- |",
            *(f"| {one['name']} | {one['last'][:10]} | {one['grade']} |" for one in person["scenarios"]),
            "",
            f"Not done: {', '.join(person['open']) or 'none'}.",
            "",
        ]
    return "\n".join(lines) if told["people"] else "\n".join([*lines, "Nobody has trained here yet.", ""])
