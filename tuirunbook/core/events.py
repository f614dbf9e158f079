"""The kinds of event that an incident is made of: a closed list.

They are facts in the past tense, redacted and clipped before they exist, so that memory and replay agree.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import Change
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.lock import LockIdentity, LockInfo
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.values import Child, StateContent


def timestamp(moment: datetime) -> str:
    """A moment as events carry it: RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Marker(enum.StrEnum):
    """The four markers of an incident timeline (Howie guide)."""

    DETECTION = "detection"
    DIAGNOSIS = "diagnosis"
    REPAIR = "repair"
    KEY_MOMENT = "key-moment"


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What all events have.

    Attributes:
        at: When, RFC 3339 in UTC.
        by: Who or what: the operator's name, `tflock-tui`, `terraform`, `AWS`.
    """

    at: str
    by: str = "tflock-tui"


class Opened(Event, frozen=True, tag="opened"):
    """The incident began here.

    Attributes:
        incident: Its ID.
        address: The state.
        root: The root module's name on screen.
        directory: Its directory, or None without a checkout.
        origins: Where the backend's values came from.
        operator: Who walks.
        host: The machine it is walked on.
        tool: This tool's version.
        siblings: Other states' lock IDs that are known, from which a typed end of the path must differ.
        runbook: The runbook's name and version.
        runbook_sha256: The hash of its text; the text itself is `runbook_text`.
        repairs: Whether the runbook repairs something and releases no lock.
        training: Whether this is practice.
    """

    incident: str
    address: StateAddress
    root: str
    operator: str
    host: str
    tool: str
    directory: str | None = None
    origins: Mapping[str, str] = {}
    siblings: tuple[str, ...] = ()
    runbook: str = ""
    runbook_sha256: str = ""
    runbook_text: str = ""
    repairs: bool = False
    training: bool = False


class Resumed(Event, frozen=True, tag="resumed"):
    """A later session went on with it."""

    operator: str
    host: str
    tool: str
    note: str = ""


class Identified(Event, frozen=True, tag="identified"):
    """AWS said whose credentials these are."""

    account: str
    caller: str


class NeighboursFound(Event, frozen=True, tag="neighbours-found"):
    """Other states whose path ends as this one's does; what is typed of the path must tell them apart."""

    lock_ids: tuple[str, ...]


class ErrorPasted(Event, frozen=True, tag="error-pasted"):
    """Somebody handed us what Terraform printed.

    Attributes:
        diagnosis: Its kind.
        locks: The lock IDs that it names.
        fresh: Whether it came from a run of the last five minutes, by the operator's word or by the text's own times.
        link: Where it was printed.
        printed_at: When it was printed, RFC 3339; empty when nobody knows.
        claims: What it says of the locks that can be of this state.
    """

    text: str
    diagnosis: str
    locks: tuple[LockIdentity, ...] = ()
    fresh: bool = False
    link: str = ""
    printed_at: str = ""
    claims: tuple[LockInfo, ...] = ()


class LockObserved(Event, frozen=True, tag="lock-observed"):
    """The incident's first look; a later session's first one is held against it, as a change or none."""

    snapshot: SnapshotRecord


class LockChanged(Event, frozen=True, tag="lock-changed"):
    """A look that differs from the one before.

    Attributes:
        snapshot: What it showed.
        changes: The differences.
        voided: The locks whose answers no longer count.
    """

    snapshot: SnapshotRecord
    changes: tuple[Change, ...]
    voided: tuple[LockIdentity, ...] = ()


class WatchLost(Event, frozen=True, tag="watch-lost"):
    """No look has succeeded since `at`."""

    why: str


class WatchRestored(Event, frozen=True, tag="watch-restored"):
    """Looks succeed again."""


class QuestionAnswered(Event, frozen=True, tag="question-answered"):
    """An answer about one lock.

    Attributes:
        lock: The lock that it is about.
        question: The question's ID.
        answer: The option's value.
        says: What that option says about a release.
        label: The option as it was shown.
        who: Who said it, or who was asked.
        how: How they know.
        where: Where they were asked, or where it was looked up.
        link: Where it can be seen again.
        note: Anything else; for what runs next, what holds it.
        undo: How the hold is undone.
        final: Whether no dispute can set it aside.
        among: The runs that were to choose from, where that was the question.
    """

    lock: LockIdentity
    question: str
    answer: str
    says: Says
    label: str = ""
    who: str = ""
    how: str = ""
    where: str = ""
    link: str = ""
    note: str = ""
    undo: str = ""
    final: bool = False
    among: tuple[str, ...] = ()


class FindingRecorded(Event, frozen=True, tag="finding-recorded"):
    """A source of evidence said something."""

    finding: Finding


class FindingDisputed(Event, frozen=True, tag="finding-disputed"):
    """The operator holds a blocking finding to be wrong: who says so, and how it is known."""

    lock: LockIdentity
    key: str
    who: str
    how: str


class SourceSwitched(Event, frozen=True, tag="source-switched"):
    """A source of evidence was turned off, or on again, for this incident.

    Attributes:
        source: Its name.
        off: Whether it is not asked any more.
        why: Why, in the operator's words.
    """

    source: str
    off: bool
    why: str = ""


class StepSkipped(Event, frozen=True, tag="step-skipped"):
    """A step was left out, for a reason of the list."""

    step: str
    reason: str
    lock: LockIdentity | None = None
    note: str = ""


class StepDone(Event, frozen=True, tag="step-done"):
    """A step that only people can do was done."""

    step: str
    note: str = ""


class CommandIntended(Event, frozen=True, tag="command-intended"):
    """A terraform process is about to be started; written before it, so that no process of ours is unknown.

    Attributes:
        child: What is known of it: all but its process.
        purpose: What it is for.
    """

    child: Child
    purpose: str


class CommandStarted(Event, frozen=True, tag="command-started"):
    """A terraform process was started, or one that was intended has been found running."""

    child: Child
    purpose: str


class CommandEnded(Event, frozen=True, tag="command-ended"):
    """It ended. The code is None when nobody was there to collect it."""

    command: str
    exit_code: int | None
    summary: str = ""


class RetryEnded(Event, frozen=True, tag="retry-ended"):
    """What a plan, a probe or a refusal in CI showed.

    Attributes:
        outcome: `refused-by-this`, `refused-by-another`, `obtained`, `inconclusive`.
        source: `plan`, `probe`, `ci` (a refusal that somebody handed in), `ci-log` (one that was found in a log), or
            `force-unlock` where its answer contradicts what is read afterwards.
        locks: The lock IDs that Terraform named.
        lock: The live lock that it was held against, if one was read.
        detail: One line for people: the plan's summary, or the error.
        elsewhere: Why this shows that we do not read what Terraform reads, or empty.
        link: Where it can be seen again.
    """

    outcome: str
    source: str
    locks: tuple[LockIdentity, ...] = ()
    lock: LockIdentity | None = None
    detail: str = ""
    elsewhere: str = ""
    link: str = ""


class CheckRecorded(Event, frozen=True, tag="check-recorded"):
    """Something was looked at, besides the lock itself.

    Attributes:
        phase: `look` (while looking at the lock), `before` the release or `after` it.
        name: `program`, `near-misses`, `digest`, `state-list`, `errored-tfstate`, `state-version`, `stores`, `plan`, ….
        result: `ok`, `bad` or `not-checked`.
        detail: What was seen, or why it was not.
    """

    phase: str
    name: str
    result: str
    detail: str
    state: StateContent | None = None


class ActionRefused(Event, frozen=True, tag="action-refused"):
    """A gate said no."""

    action: str
    why: str


class ReleaseIntended(Event, frozen=True, tag="release-intended"):
    """A release is about to be tried; written before anything is changed.

    Attributes:
        release: Its number, from 1.
        method: `force-unlock`, `delete-dynamodb` or `delete-s3`.
        lock: The lock.
        fingerprint: What the confirmation was bound to.
        verdict: What the evidence came to.
        supports: Facts for a release.
        blocks: Facts against it, disputed ones included.
        not_checked: What nobody looked at.
        advised: What the tool advised.
        typed: What the operator typed, field by field.
        accepted_by: Who accepts what was not checked.
        command: The argument list or call.
        backup: The file that holds the raw lock.
        state: The state object's head.
    """

    release: int
    method: str
    lock: LockIdentity
    fingerprint: str
    verdict: str
    supports: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    advised: str = ""
    typed: Mapping[str, str] = {}
    accepted_by: str = ""
    command: tuple[str, ...] = ()
    backup: str = ""
    state: str = ""


class ReleaseEnded(Event, frozen=True, tag="release-ended"):
    """What a fresh read of all stores says after a release was tried.

    Attributes:
        release: Its number.
        outcome: `released`, `partly` (one store still holds it), `still-held`, `new-holder`, `unknown`, `not-tried`.
        snapshot: The read-back, or None when it could not be read.
        exit_code: Recorded, not believed.
        detail: What came back, one line.
        failure: Why it failed, when it is a reason that the last resort accepts: `unreadable`, `denied`, `unusable`.
    """

    release: int
    outcome: str
    snapshot: SnapshotRecord | None = None
    exit_code: int | None = None
    detail: str = ""
    failure: str = ""


class OutsideAction(Event, frozen=True, tag="outside-action"):
    """Somebody else did it, elsewhere: what, and who."""

    action: str
    who: str
    note: str = ""


class HoldUndone(Event, frozen=True, tag="hold-undone"):
    """A hold on what runs next was taken back."""

    hold: str


class NoteAdded(Event, frozen=True, tag="note"):
    """The operator wrote something down."""

    text: str
    marker: Marker | None = None


class WaitStarted(Event, frozen=True, tag="wait-started"):
    """The operator chose to wait for the holder."""


class WaitEnded(Event, frozen=True, tag="wait-ended"):
    """The wait ended: `released`, `changed`, `stopped` or `time-up`."""

    outcome: str


class Verified(Event, frozen=True, tag="verified"):
    """Somebody read the state of affairs after the release.

    Attributes:
        ending: `dead-plan`, `dead-apply` or `repair`.
        read_by: Who read the plan, line by line.
        plan_summary: Its summary line.
        rerun: Who re-runs which pipeline.
    """

    ending: str
    read_by: str
    plan_summary: str = ""
    rerun: str = ""


class StepDeferred(Event, frozen=True, tag="step-deferred"):
    """A step was put off, to a name and a time."""

    step: str
    owner: str
    until: str


class PreventionChecked(Event, frozen=True, tag="prevention-checked"):
    """One item of the prevention list: `checked`, `not-checked` or `follow-up` with an owner and a date."""

    item: str
    state: str
    owner: str = ""
    due: str = ""
    note: str = ""


class DetailsGiven(Event, frozen=True, tag="details-given"):
    """What only people know about the incident; the latest value counts.

    Attributes:
        page_at: When the page came, RFC 3339.
        first_refusal_at: When the first run was refused, RFC 3339.
        ticket: The ticket's name or URL.
        impact: What could not ship, one sentence.
        surprise: What was surprising.
    """

    page_at: str = ""
    first_refusal_at: str = ""
    ticket: str = ""
    impact: str = ""
    surprise: str = ""


class Closed(Event, frozen=True, tag="closed"):
    """The incident is over."""

    resolution: str = ""


class UnknownEvent(Event, frozen=True, tag="unknown"):
    """An event of a kind that this version does not know; kept and shown."""

    original: str
    content: str


KINDS: tuple[type[Event], ...] = (
    Opened,
    Resumed,
    Identified,
    NeighboursFound,
    ErrorPasted,
    LockObserved,
    LockChanged,
    WatchLost,
    WatchRestored,
    QuestionAnswered,
    FindingRecorded,
    FindingDisputed,
    SourceSwitched,
    StepSkipped,
    StepDone,
    StepDeferred,
    CommandIntended,
    CommandStarted,
    CommandEnded,
    RetryEnded,
    CheckRecorded,
    ActionRefused,
    ReleaseIntended,
    ReleaseEnded,
    OutsideAction,
    HoldUndone,
    NoteAdded,
    WaitStarted,
    WaitEnded,
    Verified,
    PreventionChecked,
    DetailsGiven,
    Closed,
)
"""Every kind of event that is written."""
