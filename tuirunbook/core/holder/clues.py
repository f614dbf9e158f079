"""Where a holder may have run, and how surely its name says so."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import msgspec


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


def _listed(platforms: Iterable[Platform]) -> str:
    *first, last = (platform.label for platform in platforms)
    return f"{', '.join(first)} and {last}"
