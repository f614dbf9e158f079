"""Scenario files: found, read, and checked with every mistake's line."""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from tuirunbook.core.runbook import Action
from tuirunbook.core.scenario import HOME_ACCOUNT, Happening, Inquiry, PracticeProfile, Scenario, seconds

SHIPPED = Path(__file__).parent / "scenarios"
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_MOST_BYTES = 200_000
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "when": ("", "alive", "dead"),
    "at": ("", "start", "confirmation", "released"),
    "operation": ("plan", "apply"),
    "half": ("", "dynamodb", "s3"),
    "start": ("walk", "states"),
    "says": ("nothing", "supports", "blocks", "unknown"),
    "match": ("names-this-state", "could-be", "cannot-be"),
    "stage": ("queued", "waiting", "scheduled"),
    "verdict": ("dead", "alive", "not-a-lock"),
}
_KINDS: Mapping[Any, str] = {str: "text", int: "a whole number", bool: "true or false", dict: "a table"}
_ACCOUNT = re.compile(r"\d{12}")
Place = tuple[str | int, ...]


class ScenarioMistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: the line, and what was expected there."""

    line: int
    sentence: str


class ScenarioErrors(ValueError):  # noqa: N818 - it is a list of them
    """A scenario file with mistakes."""

    def __init__(self, path: Path, mistakes: Iterable[ScenarioMistake]) -> None:
        self.path = path
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: mistake.line))
        super().__init__("\n".join(f"{path}:{mistake.line}: {mistake.sentence}" for mistake in self.mistakes))


def shipped() -> tuple[Scenario, ...]:
    """The scenarios that come with the tool, in the order of the menu."""
    return tuple(sorted((load(path) for path in SHIPPED.glob("*.toml")), key=lambda one: (one.order, one.name)))


def load(path: Path) -> Scenario:
    """Read one scenario.

    Raises:
        ScenarioErrors: It has mistakes; all of them.
    """
    text = _read(path)
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line = int(place[1]) if place else max(1, len(text.splitlines()))
        sentence = f"this is not TOML: {_PLACE.sub('', str(error)).strip()}"
        raise ScenarioErrors(path, [ScenarioMistake(line=line, sentence=sentence)]) from None
    reader = _Reader(_lines(text))
    reader.table(told, Scenario, ())
    if not reader.mistakes:
        scenario = msgspec.convert(told, Scenario)
        reader.make_sense(scenario, path)
        if not reader.mistakes:
            return scenario
    raise ScenarioErrors(path, reader.mistakes)


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if len(raw) > _MOST_BYTES:
            raise ScenarioErrors(path, [ScenarioMistake(line=1, sentence=f"{len(raw)} bytes are no scenario")])
        return raw.decode("utf-8")
    except OSError as error:
        sentence = f"it cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        sentence = f"it is not UTF-8 at byte {error.start}"
    raise ScenarioErrors(path, [ScenarioMistake(line=1, sentence=sentence)])


class _Reader:
    """Holds TOML against the structs of a scenario, and collects what does not fit.

    Args:
        lines: The line of each key and table.
    """

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self.mistakes: list[ScenarioMistake] = []
        self._lines = lines

    def table(self, told: Mapping[str, Any], kind: type[msgspec.Struct], at: Place) -> None:
        """One table."""
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for name, value in told.items():
            if name in fields:
                self._value(name, value, fields[name].type, (*at, name))
            else:
                self._add((*at, name), f"{name} is not known here; expected one of {', '.join(sorted(fields))}")
        for name, field in fields.items():
            if field.required and name not in told:
                self._add(at, f"{name} is missing{f' in {at[0]}' if at else ''}")

    def _value(self, name: str, value: Any, kind: Any, at: Place) -> None:
        inner = next((one for one in _structs(kind)), None)
        if inner is not None and get_origin(kind) is tuple:
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                self._add(at, f"expected [[{name}]] tables")
                return
            for index, one in enumerate(value):
                self.table(one, inner, (*at, index))
        elif inner is not None:
            if isinstance(value, dict):
                self.table(value, inner, at)
            else:
                self._add(at, f"expected a table [{name}]")
        else:
            known = _choices(name, kind)
            if known and value not in known:
                self._add(at, f"{name}: expected one of {', '.join(repr(one) for one in known if one)}")
                return
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError:
                self._add(at, f"{name}: expected {_in_words(kind)}, and this is {_in_words(type(value))}")
                return
            if name in {"age", "after", "costs"} and value:
                self._span(name, value, at)

    def _span(self, name: str, value: str, at: Place) -> None:
        try:
            seconds(value)
        except ValueError as error:
            self._add(at, f"{name}: expected a time span: {error}")

    def make_sense(self, scenario: Scenario, path: Path) -> None:
        """What its parts say about each other."""
        if scenario.name != path.stem:
            self._add(("name",), f"name: expected {path.stem!r}, as the file is called")
        if not scenario.roots:
            self._add(("roots",), "expected at least one [[roots]]")
        for index, lock in enumerate(scenario.locks):
            if lock.workspace not in {"default", *scenario.workspaces}:
                self._add(("locks", index, "workspace"), "workspace: expected one of `workspaces`, or default")
        known = {inquiry.id for inquiry in scenario.inquiries}
        for table in ("judge", "judge_alive"):
            rules = getattr(scenario, table)
            for name, allowed in (("needs", known), ("then", known | {"verify"})):
                for wanted in getattr(rules, name, ()):
                    if wanted not in allowed:
                        self._add((table, name), f"{name}: there is no inquiry {wanted!r}")
        self._places(scenario)
        self._profiles(scenario.profiles)
        self._happenings(scenario.happenings)
        self._inquiries(scenario.inquiries)

    def _places(self, scenario: Scenario) -> None:
        """Root modules and steps that are named; one that is not there would be passed over in silence."""
        names = {root.name for root in scenario.roots}
        for table in ("locks", "sightings", "in_line"):
            for index, one in enumerate(getattr(scenario, table)):
                if one.root not in {"", *names}:
                    self._add((table, index, "root"), f"root: expected one of {', '.join(sorted(names))}")
        for index, hint in enumerate(scenario.hints):
            if hint.step not in {"", *Action}:
                self._add(("hints", index, "step"), f"step: expected one of {', '.join(sorted(Action))}")

    def _profiles(self, profiles: tuple[PracticeProfile, ...]) -> None:
        for index, profile in enumerate(profiles):
            if not _ACCOUNT.fullmatch(profile.account):
                self._add(("profiles", index, "account"), "account: expected 12 digits")
            if profile.name in {one.name for one in profiles[:index]}:
                self._add(("profiles", index, "name"), f"name: {profile.name!r} is there already")
        if profiles and HOME_ACCOUNT not in {profile.account for profile in profiles}:
            self._add(("profiles",), f"expected one of them in account {HOME_ACCOUNT}, where the locks are")

    def _happenings(self, happenings: tuple[Happening, ...]) -> None:
        for index, happening in enumerate(happenings):
            if bool(happening.after) == bool(happening.at):
                self._add(("happenings", index), "expected either `after` or `at`")
            if happening.does.value == "deny" and ":" not in happening.action:
                self._add(("happenings", index), "deny: expected an action such as dynamodb:PutItem")

    def _inquiries(self, inquiries: tuple[Inquiry, ...]) -> None:
        seen: set[tuple[str, str]] = set()
        for index, inquiry in enumerate(inquiries):
            if not re.fullmatch(r"[\w-]+", inquiry.id):
                self._add(("inquiries", index, "id"), "id: expected letters, digits and hyphens")
            if (inquiry.id, inquiry.when) in seen:
                self._add(("inquiries", index, "id"), f"id: {inquiry.id!r} is there already")
            seen.add((inquiry.id, inquiry.when))

    def _add(self, at: Place, sentence: str) -> None:
        """A mistake at the nearest place that has a line."""
        place = at
        while place and place not in self._lines:
            place = place[:-1]
        self.mistakes.append(ScenarioMistake(line=self._lines.get(place, 1), sentence=sentence))


def _choices(name: str, kind: Any) -> tuple[str, ...]:
    """The words that a key may have; none where it is free."""
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return tuple(word.value for word in kind)
    return _CHOICES.get(name, ())


def _in_words(kind: Any) -> str:
    """What a value is, for people who write TOML."""
    if get_origin(kind) is tuple or kind is list:
        return "a list of texts"
    parts = [one for one in (get_args(kind) or (kind,)) if one is not type(None)]
    return _KINDS.get(parts[0], "something else")


def _structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            yield one


def _lines(text: str) -> dict[Place, int]:
    """The line of every table header and key; the format needs no dotted or inline ones."""
    found: dict[Place, int] = {}
    counts: dict[str, int] = {}
    table: Place = ()
    quoted = ""
    for number, line in enumerate(text.splitlines(), 1):
        if quoted:
            quoted = "" if quoted in line else quoted
            continue
        if header := _HEADER.match(line):
            name = header[2]
            table = (name,)
            if header[1] == "[[":
                found.setdefault((name,), number)
                table = (name, counts.get(name, 0))
                counts[name] = counts.get(name, 0) + 1
            found[table] = number
        elif key := _KEY.match(line):
            found[(*table, key[1])] = number
            quoted = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), "")
    return found
