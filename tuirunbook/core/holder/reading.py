"""A `Who`, taken apart, and what a team says of its own."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator

import msgspec

from tuirunbook.core.holder.clues import Clue, Platform, Sureness
from tuirunbook.core.holder.patterns import PATTERNS
from tuirunbook.core.text import one_line

MOST_CHARACTERS = 512
"""More of a `Who` than this is not looked at; the longest real ones are some 80."""


_RANK = list(Sureness)


class WhoRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a team says about some of its holders: one `[[who]]` in the settings.

    Attributes:
        matches: The whole `Who`, with `*` for any text and `?` for one character; upper and lower case are one.
        platform: Where they run.
        says: The team's words for them.
        context: The kubectl context of the cluster they live in.
        namespace: Their namespace there.
        account: The AWS account that their instances live in, twelve digits.
        region: The region of those instances.
        session: The names of their role sessions, as CloudTrail shows them, with `*` and `?`.
    """

    matches: str
    platform: Platform | None = None
    says: str = ""
    context: str = ""
    namespace: str = ""
    account: str = ""
    region: str = ""
    session: str = ""

    def covers(self, who: str) -> bool:
        """Whether this is said about `who`."""
        return like(who, self.matches)


def like(text: str, pattern: str) -> bool:
    """Whether the whole of `text` is like `pattern`, in which `*` stands for any text and `?` for one character.

    Brackets are plain characters: no pattern from a repository can be made to take long.
    """
    plain = pattern.casefold().replace("[", "[[]")
    return fnmatch.fnmatchcase(text[:MOST_CHARACTERS].casefold(), plain)


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A `Who`, taken apart.

    Attributes:
        who: As it stands in the lock, at most `MOST_CHARACTERS` of it.
        user: The user's name without its domain; empty in containers whose user has no passwd entry.
        domain: The Windows domain, or empty.
        host: The host's name, or empty.
        clues: What it tells, surest first.
        home: What the settings say about this holder, or None.
    """

    who: str
    user: str = ""
    domain: str = ""
    host: str = ""
    clues: tuple[Clue, ...] = ()
    home: WhoRule | None = None

    def fact(self, name: str) -> str:
        """A fact that the name carries, by the surest clue that has it; empty when none does."""
        return next((clue.facts[name] for clue in self.clues if clue.facts.get(name)), "")

    @property
    def single_use(self) -> bool:
        """Whether the surest clue is a machine that CI makes for one job and then throws away."""
        return bool(self.clues) and bool(self.clues[0].facts.get("single-use"))

    @property
    def sentence(self) -> str:
        """What it tells, in one sentence."""
        if not self.who.strip():
            return "the lock names nobody"
        if self.clues:
            return self.clues[0].sentence
        if not self.host:
            return f"a user named {one_line(self.user, 60)}, and no host"
        return f"the name {one_line(self.host, 80)} tells nothing about where it ran"


def read_who(who: str, rules: Iterable[WhoRule] = ()) -> Holder:
    """Take `who` apart, and say what it tells; `rules` are the team's own, the first that covers it wins."""
    who = who[:MOST_CHARACTERS]
    before, at_sign, host = who.rpartition("@")
    user = before if at_sign else host
    host = host if at_sign else ""
    domain, backslash, name = user.partition("\\")
    domain, user = (domain, name) if backslash else ("", user)
    home = next((rule for rule in rules if rule.covers(who)), None)
    clues = list(_clues(user, domain, host))
    if home is not None and home.platform is not None:
        known = next((clue for clue in clues if clue.platform is home.platform), None)
        declared = Clue(
            platform=home.platform,
            sureness=Sureness.DECLARED,
            words=one_line(home.says, 120) or home.platform.label,
            facts=known.facts if known else {},
        )
        clues = [declared, *(clue for clue in clues if clue.platform is not home.platform)]
    clues.sort(key=lambda clue: _RANK.index(clue.sureness))
    return Holder(who=who, user=user, domain=domain, host=host, clues=tuple(clues), home=home)


def _clues(user: str, domain: str, host: str) -> Iterator[Clue]:
    for pattern in PATTERNS:
        if host and (clue := pattern.read(user, host)) is not None:
            yield clue
    if domain:
        words = f"a Windows machine of {'its own' if domain.casefold() == host.casefold() else 'a domain'}"
        yield Clue(platform=Platform.LAPTOP, sureness=Sureness.MEDIUM, words=words, shared=(Platform.HOST,))
    elif _is_personal(user, host):
        yield Clue(
            platform=Platform.LAPTOP,
            sureness=Sureness.MEDIUM,
            words="somebody's own machine: it carries the user's name",
            shared=(Platform.HOST,),
        )
    if not host and user.casefold() == "atlantis":
        yield Clue(platform=Platform.ATLANTIS, sureness=Sureness.LOW, words="Atlantis; the lock names no host")


_EVERYBODYS = frozenset({"root", "runner", "user", "ubuntu", "admin", "atlantis", "jenkins", "circleci", "ec2-user"})
_SHORTEST_NAME = 4


def _is_personal(user: str, host: str) -> bool:
    name = user.casefold()
    return len(name) >= _SHORTEST_NAME and name not in _EVERYBODYS and name in host.casefold()


def same_host(one: str, other: str) -> bool | None:
    """Whether two host names mean one machine: True, False, or None when they only differ in the domain.

    A Mac's `name.local` becomes `name.lan` on the next network, and a name may be written with or without its domain.
    """
    if one.casefold() == other.casefold():
        return True
    first, second = one.casefold().split(".", 1), other.casefold().split(".", 1)
    local = any(len(name) == 1 or name[1] in _LOCAL_DOMAINS for name in (first, second))
    return None if first[0] and first[0] == second[0] and local else False


_LOCAL_DOMAINS = frozenset({"local", "lan", "home", "fritz.box", "localdomain", "home.arpa"})
