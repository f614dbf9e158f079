"""The evidence as rows: each source with what it says, then what looks and people say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tuirunbook.core.claims import in_question
from tuirunbook.core.events import FindingDisputed
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, parse_time
from tuirunbook.core.verdict import as_finding
from tuirunbook.walk.evidence_desk import SourceStatus

LOOKS = "the looks of this walk"
PEOPLE = "people"
WEIGHT = {Says.BLOCKS: 0, Says.SUPPORTS: 1, Says.UNKNOWN: 2, Says.NOTHING: 3}
"""What decides stands first; what proves nothing stands last."""

MEANS: Mapping[Says, str] = {
    Says.BLOCKS: "the holder may be alive; nothing is released while this stands",
    Says.SUPPORTS: "the holder has ended",
    Says.NOTHING: "it was looked at, and proves neither",
    Says.UNKNOWN: "nobody could look, so it does not count as a check",
}
"""What a finding's weight means, in words."""

NOT_TO_DISPUTE = "No dispute sets this aside; only its source takes it back."


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a source, or one of its findings.

    Attributes:
        source: The source's name, or `LOOKS` or `PEOPLE`.
        status: How its questions stand, where it is a source that this walk can ask.
        finding: The finding, or None for the source itself.
        said: What the source says altogether, for the row of the source itself.
    """

    source: str
    status: SourceStatus | None = None
    finding: Finding | None = None
    said: tuple[Finding, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when the answer changes."""
        return (self.source, self.finding.lock, self.finding.key) if self.finding else (self.source, "", "")


def exhibits(incident: Incident, sources: Sequence[SourceStatus]) -> tuple[Exhibit, ...]:
    """Every row, the sources in the order in which they are asked, each before its findings."""
    said: dict[str, list[Finding]] = {status.name: [] for status in sources}
    for (lock, _), finding in incident.findings.items():
        if _present(incident, lock):
            said.setdefault(finding.witness or LOOKS, []).append(finding)
    people = [as_finding(answer) for (lock, _), answer in incident.answers.items() if _present(incident, lock)]
    if people:
        said[PEOPLE] = people
    known = {status.name: status for status in sources}
    return tuple(row for name, found in said.items() for row in _group(name, known.get(name), found))


def _group(name: str, status: SourceStatus | None, found: list[Finding]) -> Iterator[Exhibit]:
    ordered = tuple(sorted(found, key=lambda finding: (finding.match is Match.CANNOT_BE, WEIGHT[finding.says])))
    yield Exhibit(source=name, status=status, said=ordered)
    for finding in ordered:
        yield Exhibit(source=name, status=status, finding=finding)


def _present(incident: Incident, lock: LockIdentity) -> bool:
    """Whether a lock is there, or may be there unseen; when none is, what was said of the last ones is still shown."""
    return lock in in_question(incident) or not incident.identities


def dispute_of(incident: Incident, finding: Finding) -> FindingDisputed | None:
    """The dispute of this very fact; what was observed later is another one."""
    dispute = incident.disputes.get((finding.lock, finding.key))
    try:
        covers = dispute is not None and parse_time(dispute.at) >= parse_time(finding.observed_at)
    except ValueError:
        return None
    return dispute if covers else None


def disputable(incident: Incident, finding: Finding) -> bool:
    """Whether this fact is one that a dispute can set aside."""
    return finding.says is Says.BLOCKS and not finding.final and finding.lock in incident.identities


def weighs(status: SourceStatus) -> str:
    """When a source is asked, and what that can come to."""
    if status.can_block:
        return "It can block: it is asked again every minute, and between the last keystroke and a release."
    return "It cannot block; it is asked when the lock changes, or when somebody asks it again."
