"""Locks, looks and incidents for tests of the safety floor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tuirunbook.core.actions import Action
from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import changes
from tuirunbook.core.confirmation import Confirmation, form
from tuirunbook.core.events import (
    CommandStarted,
    ErrorPasted,
    Event,
    FindingDisputed,
    FindingRecorded,
    LockChanged,
    LockObserved,
    Opened,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    StepSkipped,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.fold import apply, begin, voided_by
from tuirunbook.core.gates import Permit, Policy, Refusal, permit
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import (
    Digest,
    Free,
    Held,
    LockIdentity,
    LockSnapshot,
    NotChecked,
    Reading,
    StateObject,
    Store,
    StoredLock,
)
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.runbook import CORE_QUESTIONS, Runbook, Step
from tuirunbook.core.runbook import Action as StepAction
from tuirunbook.core.values import Child
from tuirunbook.core.verdict import HOLDER_QUESTIONS

START = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
A = LockIdentity("3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab")
B = LockIdentity("99999999-1c2d-4e5f-8a9b-0123456789ab")
ACCOUNT = "123456789012"
DUAL = StateAddress(
    bucket="acme-tfstate",
    key="network/terraform.tfstate",
    region="eu-west-1",
    table="tf-locks",
    use_lockfile=True,
    account=ACCOUNT,
    caller="arn:aws:sts::123456789012:assumed-role/oncall/priya",
)
DYNAMODB_ONLY = msgspec.structs.replace(DUAL, use_lockfile=False)
LOCKFILE_ONLY = msgspec.structs.replace(DUAL, table=None)
FREE = Free()
UNREAD = NotChecked(why="AWS refused the read", code="AccessDeniedException")
NOT_CONFIGURED = NotChecked(why="the backend names no lock table", code="not-configured")
GOOD_ANSWERS = {"ci": "ended", "owner": "mine-died", "holder-host": "ended", "next": "nothing"}
"""Answers that, together, say that the holder ended."""
TOLD = {name: f"{name} was told" for name in ("who", "how", "where", "link", "note", "undo")}
RUNBOOK = Runbook(
    name="state-lock",
    title="A stuck state lock",
    version="1",
    owner="platform",
    expected_minutes=20,
    steps=tuple(
        Step(
            id=action.value,
            number=number,
            title=action.value,
            action=action,
            questions={
                StepAction.RULE_OUT: tuple(CORE_QUESTIONS[name] for name in HOLDER_QUESTIONS),
                StepAction.PREPARE: (CORE_QUESTIONS["next"],),
            }.get(action, ()),
        )
        for number, action in enumerate(
            [
                StepAction.DETECT,
                StepAction.INSPECT,
                StepAction.RULE_OUT,
                StepAction.RETRY_PLAN,
                StepAction.PREPARE,
                StepAction.FORCE_UNLOCK,
                StepAction.DELETE_LOCK,
                StepAction.VERIFY,
                StepAction.PREVENT,
            ],
            1,
        )
    ),
    text="# A stuck state lock\n",
    sha256="cd" * 32,
    origin="the test",
)


def at(seconds: float = 0) -> str:
    """A moment of the story, as events carry it."""
    return timestamp(START + timedelta(seconds=seconds))


def lock_text(lock: LockIdentity = A, **fields: object) -> str:
    """The JSON that Terraform writes; a field that is None is left out."""
    info = {
        "ID": lock,
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "runner@ci-7",
        "Version": "1.11.4",
        "Created": "2026-11-23T02:41:09.123456789Z",
        "Path": DUAL.lock_id,
    } | fields
    return json.dumps({name: value for name, value in info.items() if value is not None}, separators=(",", ":"))


def stored(store: Store, raw: str | bytes, **facts: Any) -> StoredLock:
    """A lock as a store would give it."""
    content = raw.encode() if isinstance(raw, str) else raw
    if store is Store.S3:
        facts.setdefault("etag", f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    else:
        facts.setdefault("attribute", json.dumps({"S": content.decode("utf-8", "surrogateescape")}))
    return StoredLock.read(store, content, **facts)


def held(store: Store, raw: str | bytes | None = None, **facts: Any) -> Held:
    """A store that holds a lock; A unless told otherwise."""
    return Held(lock=stored(store, lock_text() if raw is None else raw, **facts))


def state_head(version: int = 1) -> StateObject:
    """The head of the state object in its nth version."""
    return StateObject(exists=True, etag=f'"v{version}"', last_modified=at(-3600 + version), size=100)


def look(
    *,
    s3: Reading | None = None,
    dynamodb: Reading | None = None,
    seconds: float = 0,
    address: StateAddress = DUAL,
    state: StateObject | NotChecked | None = None,
    digest: Digest | NotChecked | None = None,
) -> LockSnapshot:
    """One look; without readings, lock A is in both stores of a dual backend."""
    return LockSnapshot(
        address=address,
        taken_at=START + timedelta(seconds=seconds),
        s3=(held(Store.S3) if address.use_lockfile else FREE) if s3 is None else s3,
        dynamodb=(held(Store.DYNAMODB) if address.table else NOT_CONFIGURED) if dynamodb is None else dynamodb,
        digest=digest or Digest(md5="ab" * 16),
        state=state or state_head(),
    )


class Story:
    """An incident that is told event by event; `clock` counts the seconds since its beginning."""

    def __init__(self, address: StateAddress = DUAL, siblings: tuple[str, ...] = (), *, repairs: bool = False) -> None:
        self.clock = 0.0
        opened = Opened(
            at=at(),
            incident="261123-0312-kiwi",
            address=address,
            root="infra/network",
            operator="priya",
            host="oncall",
            tool="0",
            siblings=siblings,
            repairs=repairs,
        )
        self.incident: Incident = begin(opened)
        self.last: LockSnapshot | None = None

    def add(self, kind: type[Event], **facts: Any) -> Incident:
        self.incident = apply(self.incident, kind(at=at(self.clock), by="priya", **facts))
        return self.incident

    def look(self, snapshot: LockSnapshot | None = None) -> LockSnapshot:
        """Take a look in, as the walk's observer does."""
        snapshot = snapshot or look(address=self.incident.opened.address)
        snapshot = msgspec.structs.replace(snapshot, taken_at=START + timedelta(seconds=self.clock))
        record = SnapshotRecord.of(snapshot)
        if self.last is None:
            self.add(LockObserved, snapshot=record)
        elif self.last.fingerprint != snapshot.fingerprint:
            found = changes(self.last, snapshot)
            voided = voided_by(found, self.incident.identities)
            self.add(LockChanged, snapshot=record, changes=found, voided=voided)
        self.last = snapshot
        return snapshot

    def answer(self, lock: LockIdentity, question: str, value: str, **facts: Any) -> Incident:
        option = CORE_QUESTIONS[question].option(value)
        assert option is not None
        told = {"says": option.says, "final": option.final, "label": option.label} | facts
        return self.add(QuestionAnswered, lock=lock, question=question, answer=value, **told)

    def answers(self, lock: LockIdentity = A, **values: str) -> Incident:
        """The four core questions answered; by default all of it says that the holder ended."""
        for question, value in (GOOD_ANSWERS | {name.replace("_", "-"): v for name, v in values.items()}).items():
            self.answer(lock, question, value)
        return self.incident

    def refused(self, lock: LockIdentity | None = A, source: str = "plan", **facts: Any) -> Incident:
        """The plan was retried and refused by this lock."""
        told: dict[str, Any] = {"outcome": "refused-by-this", "source": source, "lock": lock}
        return self.add(RetryEnded, **told | facts)

    def skipped(self, lock: LockIdentity = A, reason: str = "cannot-run-here") -> Incident:
        return self.add(StepSkipped, step="retry-plan", reason=reason, lock=lock)

    def pasted(self, *locks: LockIdentity) -> Incident:
        return self.add(ErrorPasted, text="…", diagnosis="held", locks=locks)

    def finding(self, key: str, says: Says, *, lock: LockIdentity = A, **facts: Any) -> Incident:
        told: dict[str, Any] = {"fact": f"{key} was seen", "source": "the test", "observed_at": at(self.clock)}
        return self.add(FindingRecorded, finding=Finding(key=key, lock=lock, says=says, **told | facts))

    def disputed(self, key: str, lock: LockIdentity = A) -> Incident:
        return self.add(FindingDisputed, lock=lock, key=key, who="sam", how="looked")

    def running(self) -> Incident:
        child = Child(id="plan-1", argv=("terraform",), cwd="/", pid=1, started=0.0, boot_id="b", log="/l")
        return self.add(CommandStarted, child=child, purpose="plan")

    def intended(self, lock: LockIdentity = A, method: str = "force-unlock") -> int:
        number = len(self.incident.releases) + 1
        self.add(ReleaseIntended, release=number, method=method, lock=lock, fingerprint="f", verdict="orphaned")
        return number

    def failed(self, lock: LockIdentity = A, failure: str = "", outcome: str = "still-held") -> Incident:
        """A force-unlock of this lock was tried and failed."""
        number = self.intended(lock)
        return self.add(ReleaseEnded, release=number, outcome=outcome, failure=failure)

    def pass_time(self, seconds: float) -> None:
        self.clock += seconds


def ready(
    address: StateAddress = DUAL, snapshot: LockSnapshot | None = None, locks: Iterable[LockIdentity] = ()
) -> Story:
    """A story in which everything that force-unlock asks for has been done, for each of `locks`."""
    story = Story(address)
    shown = story.look(snapshot or look(address=address))
    for lock in tuple(locks) or shown.identities:
        story.answers(lock)
        story.refused(lock)
    story.pass_time(10)
    story.look(shown)
    return story


def typed(action: Action, incident: Incident, snapshot: LockSnapshot) -> dict[str, str]:
    """What a careful operator types into the confirmation of `action`."""
    return {
        field.id: field.exactly or f"{field.id} was looked at: {', '.join(field.names)}"
        for field in form(action, incident, snapshot)
    }


def ask(story: Story, action: Action, **changed: str) -> Permit | Refusal:
    """Ask the gates with a complete confirmation, `changed` where given (`ruled_out` is the field `ruled-out`)."""
    return ask_under(Policy(), story, action, **changed)


def ask_under(policy: Policy, story: Story, action: Action, **changed: str) -> Permit | Refusal:
    """The same under another policy."""
    assert story.last is not None
    said = typed(action, story.incident, story.last)
    said |= {name.replace("_", "-"): text for name, text in changed.items()}
    confirmation = Confirmation(fingerprint=story.last.fingerprint, typed=said)
    return permit(action, story.incident, story.last, policy, confirmation)


def rule(answer: Permit | Refusal) -> str:
    """The rule that refused, or empty."""
    return answer.rule if isinstance(answer, Refusal) else ""
