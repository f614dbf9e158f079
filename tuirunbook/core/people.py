"""Who may know about a lock: those who work on its root, those who own it, and what to ask them."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.holder import Platform, read_who
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, LockInfo, short
from tuirunbook.core.text import one_line

AUTHORS, OWNERS, WHO = "people.authors", "people.owners", "people.who"
REPLY_WITHIN = timedelta(minutes=15)
_SHORTEST = 3


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who committed to a root around the time of a lock.

    Attributes:
        name: As git has it, after `.mailmap`.
        email: Likewise.
        commits: How many there are in the time that was looked at.
        latest: When the last of them was made.
    """

    name: str
    email: str
    commits: int
    latest: datetime

    @property
    def words(self) -> str:
        """The author in a few words."""
        many = "1 commit" if self.commits == 1 else f"{self.commits} commits, the last"
        return f"{one_line(self.name, 60) or 'somebody'} ({many} on {self.latest.astimezone(UTC):%Y-%m-%d %H:%MZ})"


class Likeness(enum.StrEnum):
    """How firmly a name in a lock is tied to a person, firmest first."""

    ADDRESS = "the user is the first part of the e-mail address"
    NAME = "the user is made of the name"
    HOST = "the host carries the name"


def authors(commits: Iterable[tuple[str, str, datetime]]) -> tuple[Author, ...]:
    """Those who made these commits (name, e-mail, time), those with the latest first."""
    found: dict[str, Author] = {}
    for name, email, at in commits:
        key = email.casefold() or name.casefold()
        known = found.get(key)
        if known is None:
            found[key] = Author(name=name, email=email, commits=1, latest=at)
        else:
            latest = max(known.latest, at)
            found[key] = msgspec.structs.replace(known, commits=known.commits + 1, latest=latest)
    return tuple(sorted(found.values(), key=lambda author: author.latest, reverse=True))


def tied(who: str, people: Iterable[Author]) -> tuple[tuple[Author, Likeness], ...]:
    """Those whose name fits a lock's `Who`, the firmest first. A CI system's user fits nobody."""
    order = list(Likeness)
    fits = [(author, how) for author in people if (how := _likeness(who, author)) is not None]
    return tuple(sorted(fits, key=lambda pair: order.index(pair[1])))


def _likeness(who: str, author: Author) -> Likeness | None:
    holder = read_who(who)
    user = _plain(holder.user)
    local = author.email.partition("@")[0]
    # GitHub's private addresses are `1234567+login@users.noreply.github.com`.
    local = local.rpartition("+")[2] if author.email.endswith("@users.noreply.github.com") else local.partition("+")[0]
    if len(user) >= _SHORTEST and user not in _EVERYBODYS and user == _plain(local):
        return Likeness.ADDRESS
    parts = [part for part in map(_plain, re.split(r"[\s.\-_]+", author.name)) if part]
    if len(user) >= _SHORTEST and user not in _EVERYBODYS and user in set(_forms(parts)):
        return Likeness.NAME
    pieces = {_plain(piece).removesuffix("s") for piece in re.split(r"[-._]", holder.host)}
    pieces |= {_plain(piece) for piece in re.split(r"[-._]", holder.host)}
    return Likeness.HOST if any(len(part) > _SHORTEST and part in pieces for part in parts) else None


_EVERYBODYS = frozenset(
    {"root", "runner", "user", "ubuntu", "admin", "atlantis", "jenkins", "circleci", "vsts", "gitlabrunner", "ec2user"}
)


def _forms(parts: Sequence[str]) -> Iterator[str]:
    """The user names that people make of their own."""
    if not parts:
        return
    first, last = parts[0], parts[-1]
    yield from parts
    yield from (first + last, last + first, first[0] + last, first + last[0], last + first[0])


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def owners(codeowners: str, path: str) -> tuple[str, ...]:
    """The owners of a directory by a CODEOWNERS file; the last rule that matches counts, as GitHub and GitLab say.

    Of a GitLab file with sections the last match of each section counts. `path` is relative to the checkout.
    """
    found: dict[str, tuple[str, ...]] = {}
    section, default = "", ()
    for raw in codeowners.splitlines():
        line = re.split(r"(?<!\\)(?:^|\s)#", raw, maxsplit=1)[0].strip()
        if (header := re.fullmatch(r"\^?\[([^\]]+)\](?:\[\d+\])?\s*(.*)", line)) is not None:
            section, default = header[1].casefold(), tuple(header[2].split())
            continue
        pattern, *named = re.split(r"(?<!\\)\s+", line) if line else [""]
        if pattern and _covers(pattern.replace("\\ ", " "), path):
            found[section] = tuple(named) or default
    return tuple(dict.fromkeys(one_line(owner, 100) for each in found.values() for owner in each))


def _covers(pattern: str, path: str) -> bool:
    """Whether a pattern as in `.gitignore` covers files directly in the directory `path`."""
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    if body in {"", "*", "**"}:
        return True
    probe = f"{path}/main.tf" if path else "main.tf"
    expression = _expression(body)
    starts = "" if anchored and not body.startswith("**") else "(?:.*/)?"
    ends = "(?:/.*)?" if not body.endswith("*") else ""
    return re.fullmatch(f"{starts}{expression}{ends}", probe) is not None


def _expression(body: str) -> str:
    parts = re.split(r"(\*\*/|/\*\*|\*|\?)", body)
    known = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part, re.escape(part)) for part in parts)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a message to the team is made of.

    Attributes:
        address: The state.
        root: The root module's name.
        info: What the lock says, or None when it cannot be read.
        identity: The lock's identity.
        by: Who asks.
        people: Who may know: names, owners.
        plan: What the asker is about to do.
    """

    address: StateAddress
    root: str
    info: LockInfo | None
    identity: str
    by: str
    people: tuple[str, ...] = ()
    plan: str = "make sure that nothing is running, then force-unlock it"


def named(incident: Incident, lock: LockIdentity) -> tuple[str, ...]:
    """Whom the findings about a lock name: whom its Who may be, else its latest author; and the owners."""
    facts = {finding.key: finding.fact for (about, _), finding in incident.findings.items() if about == lock}
    found = [part.partition(" (")[0] for part in facts.get(WHO, "").rpartition(" may be ")[2].split("; ")]
    if not any(found) and (first := re.search(r": (.+?) \(\d+ commit", facts.get(AUTHORS, ""))) is not None:
        found = [first[1]]
    if facts.get(OWNERS, "").startswith("owners of "):
        found += facts[OWNERS].rpartition(": ")[2].split(", ")
    return tuple(dict.fromkeys(filter(None, found)))


def message(asked: Asked, now: datetime, within: timedelta = REPLY_WITHIN) -> str:
    """A message for the team's channel: what, who, since when, what comes next, reply by."""
    info = asked.info
    who = one_line(info.who, 100) if info and info.who else "nobody that the lock names"
    operation = one_line(info.operation.removeprefix("OperationType").lower(), 40) if info else "an unreadable lock"
    created = info.created_at if info else None
    since = f" since {created.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if created else ""
    reply_by = (now + within).astimezone(UTC)
    lines = [
        f"A Terraform lock is in the way: {one_line(asked.address.lock_id, 300)} ({one_line(asked.root, 100)})",
        f"Held by {who}{since} ({operation or 'an operation'}, lock {short(asked.identity)})",
    ]
    if asked.people:
        lines.append(f"Perhaps yours: {', '.join(one_line(person, 80) for person in asked.people)}?")
    lines.append(_question(info))
    lines.append(f"Next I {one_line(asked.plan, 300)}. No answer is not a yes.")
    lines.append(f"Please reply by {reply_by:%H:%M} UTC. {one_line(asked.by, 80)}")
    return "\n".join(lines)


def _question(info: LockInfo | None) -> str:
    holder = read_who(info.who) if info else None
    if holder is not None and holder.clues and holder.clues[0].platform is Platform.LAPTOP:
        return (
            "Is it running, or asleep (lid closed, terminal suspended: it goes on when it wakes), or did it end? "
            "How do you know?"
        )
    return "Is it running, or did it end? How do you know?"
