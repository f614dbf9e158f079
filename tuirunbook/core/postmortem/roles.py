"""People become roles, everywhere and always the same one (`export --anonymise`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tuirunbook.core.events import (
    Event,
    FindingDisputed,
    FindingRecorded,
    Identified,
    LockChanged,
    LockObserved,
    Opened,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    Resumed,
    StepDeferred,
    UnknownEvent,
    Verified,
)
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.redaction import map_text

SYSTEMS = frozenset({"tflock-tui", "terraform", "tofu", "terragrunt", "aws", "ci", "github", "gitlab"})
"""Actors that are no people."""

SERVICE_USERS = frozenset(
    {"root", "runner", "vsts", "ubuntu", "jenkins", "gitlab-runner", "ec2-user", "atlantis", "circleci", "admin"}
    | {"buildkite-agent", "codebuild", "nobody", "user", "app", "rpuser", "controller", "terraform"}
)
"""Users of machines in `Who` that are no people. Facts: `Who` values of public issues."""

_LOGIC = frozenset(
    {
        "id",
        "identity",
        "lock",
        "locks",
        "voided",
        "fingerprint",
        "sha256",
        "etag",
        "version_id",
        "md5",
        "at",
        "incident",
    }
    | {"outcome", "method", "verdict", "phase", "name", "result", "state", "question", "answer", "what", "failure"}
    | {"diagnosis", "started_at", "observed_at", "created", "last_modified", "page_at", "first_refusal_at", "boot_id"}
    | {"account", "region", "until", "due", "runbook_sha256", "lineage", "original"}
)
"""Fields that say nothing about people, and that the fold and the document look at."""

_FULL_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*)+")
_SHORTEST = 2
_SHORTEST_PART = 3


_RANKS = ("Operator", "Owner", "Holder", "Colleague", "Host")


class Roles:
    """Which person is which role: whoever walked is an operator, whatever else they did."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Roles:
        """The roles of everybody that the events name."""
        roles = cls()
        named = [person for event in events for person in _people(event)]
        for name, role in sorted(named, key=lambda person: _RANKS.index(person[1])):
            roles.add(name, role)
        return roles

    def add(self, name: str, role: str) -> None:
        """Give `name` a role, unless it has one; a full name's and an address's parts share it."""
        name = name.strip()
        if len(name) < _SHORTEST or name.casefold() in SYSTEMS | SERVICE_USERS:
            return
        aliases = [name, *_parts(name)]
        given = next((self._names[alias.casefold()] for alias in aliases if alias.casefold() in self._names), "")
        if not given:
            self._counts[role] = self._counts.get(role, 0) + 1
            given = f"{role} {self._counts[role]}"
        for alias in aliases:
            self._names.setdefault(alias.casefold(), given)
        self._pattern = None

    def applied(self, text: str) -> str:
        """`text` with every name replaced by its role."""
        if not self._names:
            return text
        if self._pattern is None:
            longest_first = sorted(self._names, key=len, reverse=True)
            names = "|".join(re.escape(name) for name in longest_first)
            self._pattern = re.compile(rf"(?<![^\W_])(?:{names})(?![^\W_])", re.IGNORECASE)
        return self._pattern.sub(lambda match: self._names.get(match[0].casefold(), "Person"), text)


def anonymised(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events with roles for people."""
    told = tuple(events)
    roles = Roles.of(told)

    def rewrite(name: str, text: str) -> str:
        return text if name in _LOGIC else roles.applied(text)

    return tuple(map_text(event, rewrite) for event in told)


def _parts(name: str) -> list[str]:
    """What else a person is called in free text: the parts of a full name, the local part of an address."""
    if "@" in name:
        return [part for part in [name.partition("@")[0]] if len(part) >= _SHORTEST_PART]
    if _FULL_NAME.fullmatch(name) and all(part[0].isupper() for part in name.split()):
        return [part for part in name.split() if len(part) >= _SHORTEST_PART]
    return []


def _people(event: Event) -> Iterator[tuple[str, str]]:
    """Everybody that an event names, with the role that this gives them."""
    match event:
        case Opened() | Resumed():
            yield event.operator, "Operator"
            yield event.host, "Host"
        case LockObserved(snapshot=snapshot) | LockChanged(snapshot=snapshot):
            yield from _holders(snapshot)
        case ReleaseEnded(snapshot=SnapshotRecord() as snapshot):
            yield from _holders(snapshot)
        case _:
            yield from _told_of(event)
    if isinstance(event, Opened | Identified):
        caller = event.caller if isinstance(event, Identified) else event.address.caller
        yield _session(caller or ""), "Operator"
    if not isinstance(event, FindingRecorded | UnknownEvent):
        yield event.by, "Operator"


def _told_of(event: Event) -> Iterator[tuple[str, str]]:
    match event:
        case QuestionAnswered():
            yield event.who, "Owner" if event.question == "owner" else "Colleague"
        case FindingDisputed() | OutsideAction():
            yield event.who, "Colleague"
        case Verified():
            yield event.read_by, "Colleague"
        case ReleaseIntended():
            yield event.accepted_by, "Colleague"
        case StepDeferred() | PreventionChecked():
            yield event.owner, "Colleague"


def _holders(snapshot: SnapshotRecord) -> Iterator[tuple[str, str]]:
    for lock in snapshot.locks:
        user, _, host = (lock.info.who if lock.info else "").rpartition("@")
        user = user.rpartition("\\")[2]
        if user and user.casefold() not in SERVICE_USERS:
            yield user, "Holder"
            yield host, "Host"


def _session(arn: str) -> str:
    """The session's or user's name in a caller's ARN; a role is no person."""
    resource = arn.rpartition(":")[2]
    return resource.rpartition("/")[2] if resource.startswith(("assumed-role/", "user/", "federated-user/")) else ""
