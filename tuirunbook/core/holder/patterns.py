"""The forms of `Who` that were seen in public: data, each read the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tuirunbook.core.holder.clues import Clue, Platform, Sureness


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
