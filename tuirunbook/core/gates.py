"""The safety floor: what may be done, and why not.

No runbook, setting or flag weakens what is decided here. Each refusal carries the number of the rule it comes from.
A `Permit` comes from `permit` alone; it is bound to the snapshot that was confirmed, and `renew` checks it once more
against a fresh one immediately before the act.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from tuirunbook.core.actions import Action, DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.address import StateAddress
from tuirunbook.core.changes import changes
from tuirunbook.core.confirmation import Confirmation, mistakes
from tuirunbook.core.endpoints import honours_if_match
from tuirunbook.core.evidence import Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, LockSnapshot, Store, parse_time, short
from tuirunbook.core.verdict import CHECK_NAMES, Opinion, judge

LONE_HALF_SECONDS = 5
"""How long one half of a dual lock must have been seen alone: the other half may just be arriving or leaving."""

LISTED_FAILURES = frozenset({"unreadable", "denied", "unusable"})
"""The ways in which force-unlock can fail that make the last resort available."""

SKIP_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "retry-plan": {
        "cannot-run-here": "the plan cannot run here (providers, network, permissions)",
        "hidden-by-other-half": "the other store's lock refuses first and hides this one",
        "side-effects": "a plan of this root has side effects",
        "ci-refused-again": "CI was refused again by this ID; the log is linked",
    },
}
"""The reasons for which a step that a gate asks for may be skipped, by step action."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator's settings allow.

    Attributes:
        read_only: Where read-only was asked for (`--read-only`, a settings file), or empty.
        if_match_endpoints: S3 endpoints besides AWS's own that are known to honour `If-Match` on a delete.
    """

    read_only: str = ""
    if_match_endpoints: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A gate's no.

    Attributes:
        rule: The number of the rule (`S6`).
        why: A sentence.
        enable: What would have to be so, a sentence.
    """

    rule: str
    why: str
    enable: str


_SEAL = object()


class Permit:
    """Leave to do one thing to the lock that was confirmed. Only `permit` makes one."""

    __slots__ = ("action", "confirmation", "snapshot")

    def __init__(
        self, seal: object, *, action: Action, snapshot: LockSnapshot | None, confirmation: Confirmation
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("a permit comes from gates.permit")
        self.action: Final = action
        self.snapshot: Final = snapshot
        self.confirmation: Final = confirmation


def permit(
    action: Action,
    incident: Incident,
    snapshot: LockSnapshot | None,
    policy: Policy,
    confirmation: Confirmation,
) -> Permit | Refusal:
    """Leave for `action`, or the first reason why not.

    Args:
        action: What is asked for.
        incident: Everything known.
        snapshot: What the screen shows and the confirmation is bound to; only a retry can do without.
        policy: What the settings allow.
        confirmation: What the operator typed, under the fingerprint that was on the screen.
    """
    refusal = obstacle(action, incident, snapshot, policy)
    if refusal is not None:
        return refusal
    if snapshot is not None and not isinstance(action, RetryPlan):
        if confirmation.fingerprint != snapshot.fingerprint:
            return Refusal(
                rule="S1", why="the lock changed while you were confirming", enable="Look again, then decide."
            )
        unfilled = mistakes(action, incident, snapshot, confirmation.typed)
        if unfilled:
            name, mistake = next(iter(unfilled.items()))
            rule = "S7" if isinstance(action, DeleteLock) else "S6"
            return Refusal(rule=rule, why=f"the confirmation is not complete: {mistake}", enable=f"Fill in “{name}”.")
    return Permit(_SEAL, action=action, snapshot=snapshot, confirmation=confirmation)


def renew(given: Permit, incident: Incident, fresh: LockSnapshot, policy: Policy) -> Permit | Refusal:
    """The same leave against a fresh snapshot; any difference from the confirmed one refuses (S1)."""
    if isinstance(given.action, RetryPlan):
        return permit(given.action, incident, fresh, policy, given.confirmation)
    if given.snapshot is None or fresh.fingerprint != given.confirmation.fingerprint:
        found = changes(given.snapshot, fresh) if given.snapshot else ()
        what = "; ".join(change.sentence for change in found) or "what is read now differs from what was confirmed"
        return Refusal(rule="S1", why=what, enable="Answers about the old lock no longer count. Look again.")
    ended = msgspec.structs.replace(incident, releases=tuple(r for r in incident.releases if r.ended))
    return permit(given.action, ended, fresh, policy, given.confirmation)


def obstacle(action: Action, incident: Incident, snapshot: LockSnapshot | None, policy: Policy) -> Refusal | None:
    """The first thing that stands against `action`, the confirmation left aside; None when nothing does."""
    if policy.read_only:
        return Refusal(
            rule="S11", why=f"this session is read-only ({policy.read_only})", enable="Start again without it."
        )
    if incident.closed:
        return Refusal(rule="S15", why="this incident is closed", enable="Start a new walk.")
    if incident.running:
        started = next(iter(incident.running.values()))
        return Refusal(
            rule="S9",
            why=f"our own {started.purpose} ({started.child.id}) still runs on this state",
            enable="Let it end, or cancel it and wait for its end.",
        )
    if isinstance(action, RetryPlan):
        return _sighted(incident)
    if snapshot is None:
        return Refusal(rule="S1", why="the lock has not been read yet", enable="Wait for the first look.")
    return (
        _place(incident, snapshot)
        or _present(action, snapshot)
        or _deletable(action, snapshot, policy)
        or _checked(action, incident, snapshot)
        or _last_resort(action, incident)
    )


def _sighted(incident: Incident) -> Refusal | None:
    """A plan can take the lock, and what it shows is held against what is read."""
    if not incident.blind_since:
        return None
    return Refusal(rule="S15", why="the lock cannot be read at the moment", enable="Wait, or log in (l).")


def _place(incident: Incident, snapshot: LockSnapshot) -> Refusal | None:
    for store, reading in snapshot.blind:
        return Refusal(
            rule="S15", why=f"{store.label} cannot be read: {reading.why}", enable=reading.advice or "Read it first."
        )
    if incident.elsewhere:
        return Refusal(
            rule="S15",
            why=f"we are not reading what Terraform reads: {incident.elsewhere}",
            enable="Check account, region, table and workspace; a plan refused by the lock shown here clears this.",
        )
    if difference := moved(incident, snapshot.address):
        return Refusal(rule="S15", why=difference, enable="Go back to the account and place the incident began in.")
    unseen = incident.unproven_paste
    if unseen is not None:
        return Refusal(
            rule="S15",
            why=f"the pasted error names lock {short(unseen)}, which was never seen here",
            enable="A plan refused by the lock shown here proves that this is the right place.",
        )
    if incident.unended_release:
        return Refusal(
            rule="S5", why="an earlier release has no outcome yet", enable="Look again; its outcome is read back."
        )
    return None


def moved(incident: Incident, address: StateAddress) -> str:
    """How `address` differs from the place the incident is about, or empty."""
    began = incident.address
    pairs = (
        ("account", began.account, address.account),
        ("caller", _role(began.caller), _role(address.caller)),
        ("region", began.region, address.region),
        ("S3 endpoint", began.s3_endpoint, address.s3_endpoint),
        ("DynamoDB endpoint", began.dynamodb_endpoint, address.dynamodb_endpoint),
        ("lock table", began.table, address.table),
        ("state", began.lock_id, address.lock_id),
    )
    for name, then, now in pairs:
        if then != now:
            return f"the {name} is now {now or 'not known'}; it was {then or 'not known'}"
    return ""


def _role(arn: str | None) -> str | None:
    """An ARN without its session's name, which differs from one login to the next."""
    return arn.rsplit("/", 1)[0] if arn and ":assumed-role/" in arn else arn


def _present(action: ForceUnlock | DeleteLock, snapshot: LockSnapshot) -> Refusal | None:
    halves = snapshot.find(action.lock)
    if isinstance(action, DeleteLock):
        halves = tuple(half for half in halves if half.store is action.store)
    if not halves:
        return Refusal(rule="S1", why=f"lock {short(action.lock)} is not there any more", enable="Look again.")
    if not any(snapshot.configured(half.store) for half in halves):
        return Refusal(
            rule="S15",
            why=f"lock {short(action.lock)} is only in a store that this backend does not lock in",
            enable="Release it from a root module whose backend does.",
        )
    return None


def _deletable(action: ForceUnlock | DeleteLock, snapshot: LockSnapshot, policy: Policy) -> Refusal | None:
    if not isinstance(action, DeleteLock):
        return None
    lock = next(half for half in snapshot.find(action.lock) if half.store is action.store)
    if "Digest" in lock.extra:
        return Refusal(rule="S2", why="the item carries a state digest", enable="Nothing here deletes a digest.")
    endpoint = snapshot.address.s3_endpoint
    if action.store is Store.S3 and not (lock.etag and honours_if_match(endpoint, policy.if_match_endpoints)):
        return Refusal(
            rule="S3",
            why=f"{endpoint or 'the store'} is not known to honour a conditional delete",
            enable=(
                "Copy the command for whoever runs that store. If it is sure to honour If-Match, name it in "
                "if_match_endpoints of your config.toml."
            ),
        )
    return None


def _checked(action: ForceUnlock | DeleteLock, incident: Incident, snapshot: LockSnapshot) -> Refusal | None:
    for lock in snapshot.identities:
        verdict = judge(incident, lock)
        if verdict.opinion is Opinion.ACTIVE:
            return Refusal(rule="S6", why=f"lock {short(lock)} is active: {verdict.blocks[0]}", enable="Wait (w).")
        if verdict.unanswered:
            names = ", ".join(CHECK_NAMES[name] for name in verdict.unanswered)
            return Refusal(
                rule="S6",
                why=f"not answered for lock {short(lock)}: {names}",
                enable="Go back to step 3 and answer what is asked there.",
            )
    lock = action.lock
    if lock not in incident.refused_by and not _skipped(lock, incident, snapshot):
        return Refusal(
            rule="S6",
            why=f"no plan was refused by lock {short(lock)}",
            enable="Retry the plan in step 4, or skip it with a reason.",
        )
    following = incident.answers.get((lock, "next"))
    if following is None or following.says is Says.UNKNOWN:
        return Refusal(
            rule="S16", why="what takes the lock next is not known", enable="Answer what runs next in step 5 (a)."
        )
    return _seen_alone(incident, snapshot)


def _skipped(lock: LockIdentity, incident: Incident, snapshot: LockSnapshot) -> bool:
    """Whether the retry was left out for a listed reason that holds as the locks stand now."""
    skip = incident.skips.get((lock, "retry-plan"))
    if skip is None or skip.reason not in SKIP_REASONS["retry-plan"]:
        return False
    return skip.reason != "hidden-by-other-half" or len(snapshot.identities) > 1


def _seen_alone(incident: Incident, snapshot: LockSnapshot) -> Refusal | None:
    if not snapshot.lone_half:
        return None
    since = incident.unchanged_since
    known = incident.snapshot is not None and incident.snapshot.fingerprint == snapshot.fingerprint
    if known and since and snapshot.taken_at - parse_time(since) >= timedelta(seconds=LONE_HALF_SECONDS):
        return None
    return Refusal(
        rule="S6",
        why="only one of the two stores holds the lock, and it was seen so only once",
        enable=f"It must stand so in two looks, {LONE_HALF_SECONDS} s apart.",
    )


def _last_resort(action: ForceUnlock | DeleteLock, incident: Incident) -> Refusal | None:
    if not isinstance(action, DeleteLock):
        return None
    failures = {release.ended.failure for release in incident.releases_of(action.lock) if release.ended}
    if failures & LISTED_FAILURES:
        return None
    return Refusal(
        rule="S7",
        why=f"force-unlock has not failed on lock {short(action.lock)}",
        enable="Try force-unlock first; deleting is for a lock that it cannot release.",
    )
