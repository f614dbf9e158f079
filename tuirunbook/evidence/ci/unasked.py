"""The CI systems that nobody could ask: what the lock's `Who` hints at and this checkout does not lead to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.text import one_line

_HINTS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"runner@(?:fv-az|runnervm).*",
        "github",
        "GitHub's hosted runners leave",
        "Start in a checkout of the repository.",
    ),
    (
        r".*@runner-.*-project-\d+-concurrent-.*",
        "gitlab",
        "GitLab's runners leave",
        "Start in a checkout of the project.",
    ),
    (
        r"(?:vsts|vsts-agent|vsts_azpcontainer)@.*",
        "azure",
        "Azure Pipelines leaves",
        "Start in a checkout from dev.azure.com.",
    ),
    (r"atlantis@.*", "atlantis", "Atlantis leaves", "Set ATLANTIS_URL to the server's address."),
    (
        r"circleci@.*",
        "circleci",
        "CircleCI leaves",
        "Start in a checkout with .circleci/config.yml, and set CIRCLE_TOKEN.",
    ),
    (r"jenkins@.*", "jenkins", "Jenkins may leave", "Set JENKINS_URL, JENKINS_USER_ID and JENKINS_API_TOKEN."),
    (
        r"buildkite(?:-agent)?@.*",
        "buildkite",
        "Buildkite may leave",
        "Set BUILDKITE_API_TOKEN and BUILDKITE_ORGANIZATION_SLUG.",
    ),
)


class UnaskedCi:
    """Says so when no CI system is asked, or not the one that `Who` hints at.

    Args:
        asked: The keys of the systems that are asked.
    """

    def __init__(self, asked: Collection[str]) -> None:
        self._asked = frozenset(key.partition("-")[0] for key in asked)

    @property
    def name(self) -> str:
        """What it asks, for people."""
        return "other CI systems"

    @property
    def can_block(self) -> bool:
        """It never sees a run."""
        return False

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:  # noqa: ARG002 - the port's shape
        """One finding, also when nothing is missing: it replaces one of an earlier look."""
        who = lock.info.who if lock.info else ""
        for pattern, key, leaves, how in _HINTS:
            if key not in self._asked and re.fullmatch(pattern, who, re.IGNORECASE):
                fact = f"“{one_line(who, 80)}” is what {leaves}, and that was not asked. {how}"
                yield self._finding(lock, fact, now)
                return
        if not self._asked:
            fact = (
                "no CI system was asked: there is no checkout, or it has neither a remote on GitHub or GitLab nor CI "
                "files. Start in a checkout of the repository that runs this root"
            )
            yield self._finding(lock, fact, now)
            return
        fact = f"the lock's Who hints at no CI system besides those that are asked: {', '.join(sorted(self._asked))}"
        yield self._finding(lock, fact, now, Says.NOTHING)

    def _finding(self, lock: StoredLock, fact: str, now: datetime, says: Says = Says.UNKNOWN) -> Finding:
        return Finding(
            key="ci.unasked",
            lock=lock.identity,
            says=says,
            match=Match.COULD_BE if says is Says.UNKNOWN else Match.CANNOT_BE,
            fact=fact,
            source="the lock's Who, and the checkout's remotes and CI files",
            observed_at=timestamp(now),
        )
