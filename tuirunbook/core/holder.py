"""What a lock's `Who` tells about its holder: a platform, how surely, and with whom the name is shared.

`Who` is the user and host name of the process that took the lock, joined with `@`; either may be empty. It is a hint
and never evidence: nothing here says whether the holder lives. The patterns are data. Those that are built in come
from values that were seen in public; a team adds its own in `.tflock/config.toml` or in its user's settings.
"""

from __future__ import annotations

import enum
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tuirunbook.core.text import one_line

MOST_CHARACTERS = 512
"""More of a `Who` than this is not looked at; the longest real ones are some 80."""


class Platform(enum.StrEnum):
    """Where a holder may have run."""

    GITHUB = "github-actions"
    GITLAB = "gitlab-ci"
    AZURE = "azure-pipelines"
    CIRCLECI = "circleci"
    JENKINS = "jenkins"
    BUILDKITE = "buildkite"
    CODEBUILD = "codebuild"
    ATLANTIS = "atlantis"
    CONCOURSE = "concourse"
    LAMBDA = "aws-lambda"
    EC2 = "ec2"
    ECS = "ecs"
    KUBERNETES = "kubernetes"
    CONTAINER = "container"
    LAPTOP = "laptop"
    HOST = "host"

    @property
    def label(self) -> str:
        """The name people use."""
        return _LABELS[self]


_LABELS: Mapping[Platform, str] = {
    Platform.GITHUB: "GitHub Actions",
    Platform.GITLAB: "GitLab CI",
    Platform.AZURE: "Azure Pipelines",
    Platform.CIRCLECI: "CircleCI",
    Platform.JENKINS: "Jenkins",
    Platform.BUILDKITE: "Buildkite",
    Platform.CODEBUILD: "AWS CodeBuild",
    Platform.ATLANTIS: "Atlantis",
    Platform.CONCOURSE: "Concourse",
    Platform.LAMBDA: "AWS Lambda",
    Platform.EC2: "an EC2 instance",
    Platform.ECS: "an ECS task",
    Platform.KUBERNETES: "a Kubernetes pod",
    Platform.CONTAINER: "a container",
    Platform.LAPTOP: "somebody's own machine",
    Platform.HOST: "a host",
}


class Sureness(enum.StrEnum):
    """How surely a name means a platform, surest first."""

    DECLARED = "by the settings"
    HIGH = "almost surely"
    MEDIUM = "probably"
    LOW = "perhaps"


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


class Clue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a name tells.

    Attributes:
        platform: Where the holder may have run.
        sureness: How surely.
        words: The same for people.
        shared: What else has names of this form.
        facts: What the name carries: `address`, `region`, `pod`, `container`, `project`, `runner`.
    """

    platform: Platform
    sureness: Sureness
    words: str
    shared: tuple[Platform, ...] = ()
    facts: Mapping[str, str] = {}

    @property
    def sentence(self) -> str:
        """How surely, what, and with whom the name is shared."""
        start = f"{self.sureness.value} {self.words}"
        if not self.shared:
            return start
        return f"{start}; names of this form are shared between {_listed((self.platform, *self.shared))}"


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

    def clue(self, platform: Platform) -> Clue | None:
        """What it tells about one platform; also when the name is only shared with it."""
        own = next((clue for clue in self.clues if clue.platform is platform), None)
        return own or next((clue for clue in self.clues if platform in clue.shared), None)

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


class _Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """A form of `Who` that was seen in public. Named groups of the host's expression become facts."""

    platform: Platform
    sureness: Sureness
    words: str
    host: str
    user: str = ".*"
    shared: tuple[Platform, ...] = ()
    facts: Mapping[str, str] = {}

    def read(self, user: str, host: str) -> Clue | None:
        matched = re.fullmatch(self.host, host, re.IGNORECASE)
        if matched is None or re.fullmatch(self.user, user, re.IGNORECASE) is None:
            return None
        carried = {name.replace("_", "-"): value for name, value in matched.groupdict().items() if value}
        if octets := carried.pop("octets", ""):
            if any(int(octet) > _LAST_OCTET for octet in octets.split("-")):
                return None
            carried["address"] = octets.replace("-", ".")
        facts = {**self.facts, **carried}
        return Clue(platform=self.platform, sureness=self.sureness, words=self.words, shared=self.shared, facts=facts)


_LAST_OCTET = 255
_SINGLE_USE = {"single-use": "yes"}
# The letters and digits that Kubernetes makes names from, which spell no words.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_POD = rf"(?P<pod>[a-z0-9](?:[a-z0-9.-]{{0,230}}[a-z0-9])?-[{_SAFE}]{{7,10}}-[{_SAFE}]{{5}})"
_EC2_HOST = r"ip-(?P<octets>\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3})(?:\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.compute|\.ec2)?"

PATTERNS: tuple[_Pattern, ...] = (
    _Pattern(
        platform=Platform.GITHUB,
        sureness=Sureness.HIGH,
        words="a runner of GitHub's own, made for one job",
        user="runner",
        host=r"fv-az\d+(?:-\d+)?|runnervm[a-z0-9]{5}",
        facts=_SINGLE_USE,
    ),
    _Pattern(
        platform=Platform.AZURE,
        sureness=Sureness.HIGH,
        words="an agent of Microsoft's own, made for one job of Azure Pipelines",
        user="vsts",
        host=r"fv-az\d+(?:-\d+)?|runnervm[a-z0-9]{5}",
        facts=_SINGLE_USE,
    ),
    _Pattern(
        platform=Platform.GITHUB,
        sureness=Sureness.MEDIUM,
        words="a runner that Microsoft hosts",
        user="(?!(?:runner|vsts)$).*",
        host=r"fv-az\d+(?:-\d+)?|runnervm[a-z0-9]{5}",
        shared=(Platform.AZURE,),
        facts=_SINGLE_USE,
    ),
    _Pattern(
        platform=Platform.AZURE,
        sureness=Sureness.MEDIUM,
        words="an agent of Azure Pipelines on a machine of your own, which lives on after its job",
        user=r"vsts[-_]?agent|azdevops|azagent",
        host=".+",
    ),
    _Pattern(
        platform=Platform.GITLAB,
        sureness=Sureness.HIGH,
        words="a job of GitLab CI, in a container or pod of its own",
        host=(
            r"runner-(?P<runner>[\w-]{1,40})-project-(?P<project>\d+)-concurrent-(?P<slot>\d+)"
            r"-?(?P<pod_suffix>[a-z0-9]*)"
        ),
    ),
    _Pattern(
        platform=Platform.GITLAB,
        sureness=Sureness.HIGH,
        words="GitLab's shell executor, on a host that lives on after its job",
        user="gitlab-runner",
        host=".+",
    ),
    _Pattern(
        platform=Platform.CIRCLECI,
        sureness=Sureness.HIGH,
        words="a CircleCI job in a container",
        user="circleci",
        host=r"(?P<container>[0-9a-f]{12})",
        facts=_SINGLE_USE,
    ),
    _Pattern(
        platform=Platform.CIRCLECI,
        sureness=Sureness.MEDIUM,
        words="CircleCI on a machine of its own or of yours",
        user="circleci",
        host=r"(?![0-9a-f]{12}$).+",
    ),
    _Pattern(
        platform=Platform.LAMBDA,
        sureness=Sureness.HIGH,
        words="a function of AWS Lambda",
        user=r"sbx_user\d+",
        host=".*",
    ),
    _Pattern(
        platform=Platform.ATLANTIS,
        sureness=Sureness.MEDIUM,
        words="Atlantis, whose host lives on after each run",
        user="atlantis",
        host=r"(?!ip-\d).*",
    ),
    _Pattern(
        platform=Platform.KUBERNETES,
        sureness=Sureness.HIGH,
        words="a runner pod of tofu-controller, whose name the next pod takes again",
        host=r"(?P<pod>[a-z0-9][a-z0-9.-]{0,240}-tf-runner)",
    ),
    _Pattern(
        platform=Platform.KUBERNETES,
        sureness=Sureness.HIGH,
        words="a pod of Crossplane's Terraform provider",
        host=rf"(?=(?:crossplane-)?provider-(?:terraform|opentofu)-){_POD}",
    ),
    _Pattern(
        platform=Platform.KUBERNETES,
        sureness=Sureness.HIGH,
        words="a pod of a Kubernetes deployment",
        host=rf"(?!(?:crossplane-)?provider-(?:terraform|opentofu)-){_POD}",
    ),
    _Pattern(
        platform=Platform.CONTAINER,
        sureness=Sureness.HIGH,
        words="a container, named by its ID",
        user="(?!circleci$).*",
        host=r"(?P<container>[0-9a-f]{12})",
        shared=(Platform.GITHUB, Platform.CIRCLECI, Platform.CODEBUILD, Platform.LAPTOP),
    ),
    _Pattern(
        platform=Platform.CONCOURSE,
        sureness=Sureness.MEDIUM,
        words="a Concourse container, named by a UUID",
        host=r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        shared=(Platform.CONTAINER,),
    ),
    _Pattern(
        platform=Platform.EC2,
        sureness=Sureness.MEDIUM,
        words="an EC2 instance, named by its private address",
        host=rf"{_EC2_HOST}(?:\.internal)?",
        shared=(Platform.ECS, Platform.KUBERNETES),
    ),
    _Pattern(
        platform=Platform.EC2,
        sureness=Sureness.LOW,
        words="a machine in AWS; the name carries no address",
        host=r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.compute\.internal",
        shared=(Platform.ECS, Platform.KUBERNETES),
    ),
    _Pattern(
        platform=Platform.LAPTOP,
        sureness=Sureness.HIGH,
        words="somebody's Mac",
        host=r".*(?:\b|s-|-)(?:MBP|MBA|MacBook(?:-?(?:Pro|Air))?|iMac|Mac-?mini|Mac-?Studio)(?:-\d+)?(?:\..*)?",
    ),
    _Pattern(
        platform=Platform.LAPTOP,
        sureness=Sureness.MEDIUM,
        words="somebody's own machine: its name is one for the local network",
        user="(?!circleci$).*",
        host=r"(?!localhost\.localdomain$).+\.(?:local|lan|home|fritz\.box|localdomain|home\.arpa)",
    ),
    _Pattern(
        platform=Platform.LAPTOP,
        sureness=Sureness.HIGH,
        words="a laptop or desktop: its name says the model",
        host=r".*(?:Latitude|ThinkPad|XPS|Precision|EliteBook|ProBook|ZenBook|IdeaPad|Inspiron|DESKTOP-|LAPTOP-).*",
    ),
)
"""The built-in patterns. Jenkins, Buildkite and CodeBuild are not among them: no real sample of theirs was found."""


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


def _listed(platforms: Iterable[Platform]) -> str:
    *first, last = (platform.label for platform in platforms)
    return f"{', '.join(first)} and {last}"
