"""One whole incident, event by event: the story that several tests tell from different sides."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import Change
from tuirunbook.core.events import (
    KINDS,
    ActionRefused,
    CheckRecorded,
    Closed,
    CommandEnded,
    CommandIntended,
    CommandStarted,
    DetailsGiven,
    ErrorPasted,
    Event,
    FindingDisputed,
    FindingRecorded,
    HoldUndone,
    Identified,
    LockChanged,
    LockObserved,
    Marker,
    NeighboursFound,
    NoteAdded,
    Opened,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    Resumed,
    RetryEnded,
    SourceSwitched,
    StepDeferred,
    StepDone,
    StepSkipped,
    Verified,
    WaitEnded,
    WaitStarted,
    WatchLost,
    WatchRestored,
    timestamp,
)
from tuirunbook.core.evidence import Candidate, Finding, Match, Says
from tuirunbook.core.lock import LockIdentity, LockInfo, Store
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.values import Child, StateContent

LOCK = LockIdentity("3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab")
OTHER = LockIdentity("99999999-1c2d-4e5f-8a9b-0123456789ab")
START = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
INCIDENT = "261123-0312-kiwi"
ADDRESS = StateAddress(
    bucket="acme-tfstate",
    key="network/terraform.tfstate",
    workspace="prod",
    region="eu-west-1",
    table="tf-locks",
    account="123456789012",
    caller="arn:aws:sts::123456789012:assumed-role/oncall/priya",
)


def lock_record(identity: LockIdentity = LOCK, who: str = "runner@runnervmwhb2z", **facts: Any) -> LockRecord:
    info = LockInfo(
        id=identity,
        operation="OperationTypeApply",
        who=who,
        version="1.11.4",
        created="2026-11-23T02:41:09.123456789Z",
        path=ADDRESS.lock_id,
    )
    raw = '{"ID":"%s","Operation":"OperationTypeApply","Who":"%s"}' % (identity, who)  # noqa: UP031
    return LockRecord(store=Store.DYNAMODB, identity=identity, sha256="ab" * 32, info=info, raw=raw, **facts)


def held(*locks: LockRecord) -> SnapshotRecord:
    found = locks or (lock_record(),)
    return SnapshotRecord(
        fingerprint="held" + found[0].identity,
        locks=found,
        readings={"dynamodb": "held", "s3": "free"},
        digest="d41d8cd98f00b204e9800998ecf8427e",
        state="v1 of 2026-11-23T02:41:00Z",
    )


def free() -> SnapshotRecord:
    return SnapshotRecord(fingerprint="free", readings={"dynamodb": "free", "s3": "free"}, free=True)


def opened(**facts: Any) -> Opened:
    told: dict[str, Any] = {
        "at": timestamp(START),
        "incident": INCIDENT,
        "address": ADDRESS,
        "root": "infra/network",
        "directory": "/home/priya/infra/network",
        "operator": "Priya Raman",
        "host": "oncall-laptop",
        "tool": "0.1.0",
        "runbook": "state-lock 3",
        "runbook_sha256": "cd" * 32,
        "runbook_text": "# State lock\n",
    }
    return Opened(**told | facts)


def _child() -> Child:
    return Child(
        id="plan-1",
        argv=("terraform", "plan", "-no-color", "-input=false"),
        cwd="/home/priya/infra/network",
        pid=4242,
        started=1_795_000_000.25,
        boot_id="b007",
        log="/state/plan-1.log",
    )


def _finding(key: str, says: Says, fact: str, **facts: Any) -> Finding:
    return Finding(
        key=key, lock=LOCK, says=says, fact=fact, source="gh run view 4711", observed_at=timestamp(START), **facts
    )


def _evidence() -> list[tuple[type[Event], dict[str, Any]]]:
    ended = _finding(
        "ci.run",
        Says.SUPPORTS,
        "run 4711 was cancelled and its runner is gone",
        link="https://ci/4711",
        asked="GitHub Actions of acme/infra",
    )
    run = Candidate(id="github:4712", what="run 4712", says=Says.BLOCKS, fact="is running", link="https://ci/4712")
    busy = _finding("ci.other", Says.BLOCKS, "run 4712 was queued", match=Match.COULD_BE, candidates=(run,))
    return [
        (FindingRecorded, {"finding": ended}),
        (FindingRecorded, {"finding": busy}),
        (FindingDisputed, {"lock": LOCK, "key": "ci.other", "who": "Sam Okafor", "how": "4712 plans another root"}),
        (
            QuestionAnswered,
            {"lock": LOCK, "question": "ci", "answer": "ended", "says": Says.SUPPORTS, "label": "it ended"}
            | {"who": "Priya Raman", "how": "its log ends in a lost runner", "link": "https://ci/4711"},
        ),
        (
            QuestionAnswered,
            {"lock": LOCK, "question": "owner", "answer": "mine-died", "says": Says.SUPPORTS}
            | {"label": "mine, it died", "who": "Sam Okafor", "how": "Sam saw the runner go"},
        ),
        (
            QuestionAnswered,
            {"lock": LOCK, "question": "holder-host", "answer": "host-gone", "says": Says.SUPPORTS}
            | {"label": "the host ended, or was reborn after the lock", "how": "the spot instance was reclaimed"},
        ),
        (
            QuestionAnswered,
            {"lock": LOCK, "question": "next", "answer": "held", "says": Says.NOTHING, "label": "it is held"}
            | {
                "how": "the deploy workflow is disabled",
                "undo": "enable the deploy workflow",
                "among": ("github:4712",),
            },
        ),
    ]


def _retry_and_release() -> list[tuple[type[Event], dict[str, Any]]]:
    state = StateContent(md5="d41d8cd98f00b204e9800998ecf8427e", serial=41, lineage="l", resources=7, version_id="v1")
    return [
        (ActionRefused, {"action": "force-unlock", "why": "S6: the plan has not been retried"}),
        (CommandIntended, {"child": msgspec.structs.replace(_child(), pid=0), "purpose": "plan"}),
        (CommandStarted, {"child": _child(), "purpose": "plan"}),
        (CommandEnded, {"command": "plan-1", "exit_code": 1, "summary": "Error acquiring the state lock"}),
        (
            RetryEnded,
            {"outcome": "refused-by-this", "source": "plan", "locks": (LOCK,), "lock": LOCK, "detail": "refused"}
            | {"link": "https://ci/4713"},
        ),
        (CheckRecorded, {"phase": "before", "name": "digest", "result": "ok", "detail": "the digest is the MD5"}),
        (
            CheckRecorded,
            {"phase": "before", "name": "state-version", "result": "ok", "detail": "serial 41", "state": state},
        ),
        (StepSkipped, {"step": "errored-tfstate", "reason": "host-gone", "lock": LOCK, "note": "the host is gone"}),
        (
            ReleaseIntended,
            {"release": 1, "method": "force-unlock", "lock": LOCK, "fingerprint": "held", "verdict": "cannot tell"}
            | {"supports": ("run 4711 was cancelled and its runner is gone",), "blocks": ("run 4712 was queued",)}
            | {"not_checked": ("the owner",), "advised": "Find out about the owner first.", "accepted_by": "Lena Ortiz"}
            | {"typed": {"id": "3f8f3f8f", "accepts": "nobody asked the owner", "accepted-by": "Lena Ortiz"}}
            | {"command": ("terraform", "force-unlock", "-force", LOCK)}
            | {"backup": "/state/261123-0312-kiwi/backup-1-dynamodb.json"},
        ),
        (ReleaseEnded, {"release": 1, "outcome": "released", "snapshot": free(), "exit_code": 0, "detail": "unlocked"}),
    ]


def _after() -> list[tuple[type[Event], dict[str, Any]]]:
    state = StateContent(md5="0cc175b9c0f1b6a831c399e269772661", serial=42, resources=8, version_id="v2")
    return [
        (
            CheckRecorded,
            {"phase": "after", "name": "state-version", "result": "ok", "detail": "serial 42", "state": state},
        ),
        (
            CheckRecorded,
            {"phase": "after", "name": "stores", "result": "ok", "detail": "every configured store is free"},
        ),
        (OutsideAction, {"action": "restarted the runner pool", "who": "Sam Okafor"}),
        (
            Verified,
            {"ending": "dead-apply", "read_by": "Priya Raman", "plan_summary": "Plan: 1 to add, 0 to change"}
            | {"rerun": "Sam Okafor, deploy network"},
        ),
        (StepDone, {"step": "tell-the-channel"}),
        (HoldUndone, {"hold": "nothing that was held"}),
        (CheckRecorded, {"phase": "look", "name": "program", "result": "ok", "detail": "terraform 1.11.4"}),
        (NeighboursFound, {"lock_ids": ("acme-tfstate/staging/network/terraform.tfstate",)}),
        (PreventionChecked, {"item": "concurrency group in CI", "state": "checked"}),
        (
            PreventionChecked,
            {"item": "forward signals to terraform", "state": "follow-up", "owner": "Sam Okafor", "due": "2026-12-01"},
        ),
        (SourceSwitched, {"source": "Kubernetes", "off": True, "why": "that cluster is gone"}),
        (StepDeferred, {"step": "prevent", "owner": "Lena Ortiz", "until": "2026-11-24"}),
        (
            DetailsGiven,
            {"page_at": "2026-11-23T03:05:00Z", "first_refusal_at": "2026-11-23T02:58:00Z", "ticket": "OPS-17"}
            | {"impact": "The network release waited.", "surprise": "The runner pool had no drain hook."},
        ),
        (Closed, {"resolution": "released and verified"}),
    ]


def story() -> tuple[Event, ...]:
    """Every kind of event at least once, in an order that makes sense, a minute apart, with one gap."""
    change = Change(what="rewritten", sentence="the lock in DynamoDB was rewritten", store=Store.DYNAMODB)
    told: list[tuple[type[Event], dict[str, Any]]] = [
        (Identified, {"account": "123456789012", "caller": "arn:aws:sts::123456789012:assumed-role/oncall/priya"}),
        (
            ErrorPasted,
            {"text": "Error acquiring the state lock", "diagnosis": "held", "locks": (LOCK,), "fresh": True}
            | {"printed_at": timestamp(START), "claims": (lock_record().info,)},
        ),
        (LockObserved, {"snapshot": held()}),
        (WatchLost, {"why": "the network is gone"}),
        (WatchRestored, {}),
        (LockChanged, {"snapshot": held(), "changes": (change,), "voided": (LOCK,)}),
        (NoteAdded, {"text": "paged the platform team", "marker": Marker.KEY_MOMENT}),
        (WaitStarted, {}),
        (WaitEnded, {"outcome": "stopped"}),
        *_evidence(),
        *_retry_and_release(),
        (Resumed, {"operator": "Lena Ortiz", "host": "oncall-laptop", "tool": "0.1.0"}),
        *_after(),
    ]
    minutes = itertools.count(1)
    people = {NoteAdded, QuestionAnswered, FindingDisputed, ReleaseIntended, Verified, Closed, StepSkipped}
    events: list[Event] = [opened()]
    for kind, facts in told:
        minute = next(minutes) + (25 if kind is Resumed or len(events) > 27 else 0)
        by = {"by": "Priya Raman"} if kind in people else {}
        events.append(kind(at=timestamp(START + timedelta(minutes=minute)), **by, **facts))
    return tuple(events)


MISSING = set(KINDS) - {type(event) for event in story()}
"""Kinds that the story leaves out; there are none."""
