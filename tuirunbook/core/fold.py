"""An incident is a journal of events; everything else about it is computed from them.

`apply` folds one event into an `Incident`; it keeps no list of events and costs the same for the first and the
hundred-thousandth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch

import msgspec

from tuirunbook.core.answers import each_undo
from tuirunbook.core.changes import Change
from tuirunbook.core.events import (
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
    NeighboursFound,
    Opened,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
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
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.incident import PROVES_NO_PLACE, Incident, Release
from tuirunbook.core.lock import LockIdentity, LockInfo
from tuirunbook.core.records import UNREAD, LockRecord, SnapshotRecord


def begin(event: Opened) -> Incident:
    """The incident that an `Opened` event starts."""
    address = event.address
    return Incident(
        opened=event, last_at=event.at, account=address.account, caller=address.caller, siblings=event.siblings
    )


def apply(incident: Incident, event: Event) -> Incident:
    """The incident after one more event."""
    changed = _fold(event, incident)
    return msgspec.structs.replace(incident, events=incident.events + 1, last_at=event.at, **changed)


def fold(events: Iterable[Event]) -> Incident:
    """The incident that a whole journal tells.

    Raises:
        ValueError: There are no events, or the first one does not open an incident.
    """
    iterator = iter(events)
    first = next(iterator, None)
    if not isinstance(first, Opened):
        raise ValueError("a journal begins with the event that opens the incident")  # noqa: TRY004
    incident = begin(first)
    for event in iterator:
        incident = apply(incident, event)
    return incident


def voided_by(found: Iterable[Change], before: Iterable[LockIdentity]) -> tuple[LockIdentity, ...]:
    """The locks whose answers a change voids: all that were present, unless only sight was lost or regained."""
    return tuple(before) if any(change.what not in {"blind", "sees-again"} for change in found) else ()


@singledispatch
def _fold(event: Event, incident: Incident) -> dict[str, object]:
    """The fields that `event` changes. Events that only tell a story change none."""
    del event, incident
    return {}


@_fold.register
def _(event: Identified, incident: Incident) -> dict[str, object]:
    del incident
    return {"account": event.account, "caller": event.caller}


@_fold.register
def _(event: NeighboursFound, incident: Incident) -> dict[str, object]:
    return {"siblings": tuple(dict.fromkeys((*incident.siblings, *event.lock_ids)))}


@_fold.register
def _(event: ErrorPasted, incident: Incident) -> dict[str, object]:
    changed: dict[str, object] = {"pasted": {**incident.pasted, **dict.fromkeys(event.locks, event.at)}}
    if event.printed_at:
        changed["refusals"] = {**incident.refusals, **dict.fromkeys(event.locks, event)}
    if event.claims:
        claimed = {LockIdentity(claim.id): claim for claim in event.claims}
        changed["claims"] = {**incident.claims, **claimed}
        changed["findings"] = _still_true(incident, (one for one in claimed.items() if one[0] not in incident.seen))
    return changed


@_fold.register
def _(event: LockObserved, incident: Incident) -> dict[str, object]:
    return _looked(incident, event.snapshot, event.at)


@_fold.register
def _(event: LockChanged, incident: Incident) -> dict[str, object]:
    return {**_looked(incident, event.snapshot, event.at), **_void(incident, event.voided, event.at)}


def _looked(incident: Incident, snapshot: SnapshotRecord, at: str) -> dict[str, object]:
    theirs = [lock for lock in snapshot.locks if not lock.ours]
    seen = {**dict.fromkeys((lock.identity for lock in theirs), at), **incident.seen}
    seen_in = incident.seen_in | {lock.store for lock in theirs}
    same = incident.snapshot is not None and incident.snapshot.fingerprint == snapshot.fingerprint
    known = msgspec.structs.replace(incident, seen=seen)
    sure = not incident.elsewhere and known.unproven_paste is None
    left = snapshot.free and sure and bool(seen) and all(snapshot.readings.get(store) == "free" for store in seen_in)
    return {
        "snapshot": snapshot,
        "read": _remembered(incident, snapshot),
        "lost": tuple(_lost(incident, snapshot)),
        "findings": _still_true(
            incident, ((lock.identity, lock.info) for lock in theirs if lock.identity not in incident.seen)
        ),
        "unchanged_since": incident.unchanged_since if same else at,
        "seen": seen,
        "seen_in": seen_in,
        "may_have_written": incident.may_have_written or any(_may_write(lock) for lock in snapshot.locks),
        "gone_at": (incident.gone_at or at) if left or (incident.gone_at and not theirs) else "",
    }


def _lost(incident: Incident, now: SnapshotRecord) -> Iterator[LockRecord]:
    """The locks that were read before from a store that cannot be read now."""
    before = (*incident.lost, *(incident.snapshot.locks if incident.snapshot else ()))
    found = {(lock.store, lock.identity): lock for lock in before}
    yield from (lock for (store, _), lock in found.items() if now.readings.get(store, "").startswith(UNREAD))


def _remembered(incident: Incident, now: SnapshotRecord) -> SnapshotRecord:
    """A look, and what was read before in place of what it could not read: a gap in sight hides no change."""
    before = incident.read
    if before is None:
        return now
    locks = (*now.locks, *_lost(incident, now))
    kept = {name: getattr(before, name) for name in ("state", "digest") if getattr(now, name).startswith(UNREAD)}
    return msgspec.structs.replace(now, locks=tuple(sorted(locks, key=lambda lock: lock.store, reverse=True)), **kept)


def _still_true(
    incident: Incident, told: Iterable[tuple[LockIdentity, LockInfo | None]]
) -> Mapping[tuple[LockIdentity, str], Finding]:
    """The findings, less those that support a release and were made by a claim which is not borne out.

    Args:
        incident: The incident so far.
        told: Locks that were never seen, as they are told of now: by a look, or by another pasted error.
    """
    wrong = {name for name, info in told if (claim := incident.claims.get(name)) and not claim.tells_of_the_same(info)}
    supporting = {
        key for key, finding in incident.findings.items() if key[0] in wrong and finding.says is Says.SUPPORTS
    }
    if not supporting:
        return incident.findings
    return {key: finding for key, finding in incident.findings.items() if key not in supporting}


def _may_write(lock: LockRecord) -> bool:
    return not lock.ours and (lock.info is None or lock.info.may_have_written)


def _void(incident: Incident, voided: Iterable[LockIdentity], at: str) -> dict[str, object]:
    gone = set(voided)
    if not gone:
        return {}
    return {
        "voided": {**incident.voided, **dict.fromkeys(gone, at)},
        # What only its source takes back is not taken back by a change either: a holder that runs writes the state.
        "answers": {key: answer for key, answer in incident.answers.items() if key[0] not in gone or answer.final},
        "disputes": {key: dispute for key, dispute in incident.disputes.items() if key[0] not in gone},
        "refused_by": {lock: retry for lock, retry in incident.refused_by.items() if lock not in gone},
        "skips": {key: skip for key, skip in incident.skips.items() if key[0] not in gone},
    }


@_fold.register
def _(event: WatchLost, incident: Incident) -> dict[str, object]:
    return {"blind_since": incident.blind_since or event.at}


@_fold.register
def _(event: WatchRestored, incident: Incident) -> dict[str, object]:
    del event, incident
    return {"blind_since": ""}


@_fold.register
def _(event: QuestionAnswered, incident: Incident) -> dict[str, object]:
    changed: dict[str, object] = {"answers": {**incident.answers, (event.lock, event.question): event}}
    if event.undo:
        changed["holds"] = {**incident.holds, **dict.fromkeys(each_undo(event.undo), event)}
    return changed


@_fold.register
def _(event: FindingRecorded, incident: Incident) -> dict[str, object]:
    key = (event.finding.lock, event.finding.key)
    # A dispute is of the fact that stood then; the one that takes its place under the key was never disputed.
    disputes = {about: dispute for about, dispute in incident.disputes.items() if about != key}
    return {"findings": {**incident.findings, key: event.finding}, "disputes": disputes}


@_fold.register
def _(event: FindingDisputed, incident: Incident) -> dict[str, object]:
    return {"disputes": {**incident.disputes, (event.lock, event.key): event}}


@_fold.register
def _(event: SourceSwitched, incident: Incident) -> dict[str, object]:
    changed: dict[str, object] = {"switched": {**incident.switched, event.source: event}}
    if event.off:
        found = {one.fact for one in incident.findings.values() if one.refused_at and one.witness == event.source}
        changed["refused_by"] = {
            lock: retry
            for lock, retry in incident.refused_by.items()
            if retry.source != "ci-log" or retry.detail not in found
        }
    return changed


@_fold.register
def _(event: StepSkipped, incident: Incident) -> dict[str, object]:
    return {"skips": {**incident.skips, (event.lock, event.step): event}}


@_fold.register
def _(event: StepDone, incident: Incident) -> dict[str, object]:
    return {"steps_done": {**incident.steps_done, event.step: event}}


@_fold.register
def _(event: StepDeferred, incident: Incident) -> dict[str, object]:
    return {"deferred": {**incident.deferred, event.step: event}}


@_fold.register
def _(event: CommandIntended, incident: Incident) -> dict[str, object]:
    return _begun(event, incident)


@_fold.register
def _(event: CommandStarted, incident: Incident) -> dict[str, object]:
    return _begun(event, incident)


def _begun(event: CommandIntended | CommandStarted, incident: Incident) -> dict[str, object]:
    new = event.child.id not in incident.running
    return {"running": {**incident.running, event.child.id: event}, "commands": incident.commands + new}


@_fold.register
def _(event: CommandEnded, incident: Incident) -> dict[str, object]:
    return {"running": {name: started for name, started in incident.running.items() if name != event.command}}


@_fold.register
def _(event: RetryEnded, incident: Incident) -> dict[str, object]:
    changed: dict[str, object] = {"last_retry": event}
    if event.elsewhere:
        changed |= {"elsewhere": event.elsewhere, "gone_at": ""}
    elif event.outcome == "refused-by-this" and event.lock:
        changed["refused_by"] = {**incident.refused_by, event.lock: event}
        if event.source not in PROVES_NO_PLACE:
            changed["elsewhere"] = ""
    return changed


@_fold.register
def _(event: CheckRecorded, incident: Incident) -> dict[str, object]:
    return {"checks": {**incident.checks, (event.phase, event.name): event}}


@_fold.register
def _(event: ReleaseIntended, incident: Incident) -> dict[str, object]:
    return {"releases": (*incident.releases, Release(intended=event))}


@_fold.register
def _(event: ReleaseEnded, incident: Incident) -> dict[str, object]:
    releases = tuple(
        msgspec.structs.replace(release, ended=event) if release.intended.release == event.release else release
        for release in incident.releases
    )
    changed = _looked(incident, event.snapshot, event.at) if event.snapshot else {}
    if event.outcome in {"released", "new-holder"}:
        changed["released_at"] = event.at
    return {**changed, "releases": releases}


@_fold.register
def _(event: OutsideAction, incident: Incident) -> dict[str, object]:
    return {"outside": (*incident.outside, event)}


@_fold.register
def _(event: HoldUndone, incident: Incident) -> dict[str, object]:
    return {"holds": {undo: answer for undo, answer in incident.holds.items() if undo != event.hold}}


@_fold.register
def _(event: WaitStarted, incident: Incident) -> dict[str, object]:
    del event, incident
    return {"waiting": True}


@_fold.register
def _(event: WaitEnded, incident: Incident) -> dict[str, object]:
    del event, incident
    return {"waiting": False}


@_fold.register
def _(event: Verified, incident: Incident) -> dict[str, object]:
    del incident
    return {"verified": event}


@_fold.register
def _(event: PreventionChecked, incident: Incident) -> dict[str, object]:
    return {"prevention": {**incident.prevention, event.item: event}}


@_fold.register
def _(event: DetailsGiven, incident: Incident) -> dict[str, object]:
    before = incident.details
    if before is None:
        return {"details": event}
    given = {name: getattr(event, name) or getattr(before, name) for name in _DETAILS}
    return {"details": msgspec.structs.replace(event, **given)}


_DETAILS = ("page_at", "first_refusal_at", "ticket", "impact", "surprise")


@_fold.register
def _(event: Closed, incident: Incident) -> dict[str, object]:
    del incident
    return {"closed": event}
