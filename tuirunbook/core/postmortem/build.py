"""An incident's events → the postmortem as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from itertools import pairwise

from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import CheckRecorded, Event, Marker, QuestionAnswered
from tuirunbook.core.incident import Incident, Release, Status
from tuirunbook.core.lock import short
from tuirunbook.core.postmortem import document as doc
from tuirunbook.core.postmortem import durations
from tuirunbook.core.postmortem.account import Account
from tuirunbook.core.postmortem.prompts import prompts
from tuirunbook.core.postmortem.roles import anonymised
from tuirunbook.core.postmortem.summary import summary
from tuirunbook.core.postmortem.times import local, moment, seconds_between
from tuirunbook.core.records import LockRecord
from tuirunbook.core.restore import backups_in, restore_command
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import joined, lock_in_words, outcome_in_words
from tuirunbook.core.values import Caller

GAP_MINUTES = 10

_MECHANICAL = frozenset({"id", "place", "accepted-by"})
"""Fields of a confirmation that prove attention and give no reason."""


def build(
    events: Iterable[Event],
    *,
    chain: ChainReport,
    zone: tzinfo,
    anonymise: bool = False,
    gap_minutes: float = GAP_MINUTES,
) -> doc.Postmortem:
    """The postmortem of a journal's events.

    Args:
        events: All of them, in their order.
        chain: What reading the journal found out about it.
        zone: The time zone of the local times.
        anonymise: Whether people become roles.
        gap_minutes: How long nothing must have been recorded to be shown as a gap.

    Raises:
        ValueError: Nothing opens an incident.
    """
    account = Account.of(anonymised(events) if anonymise else events)
    incident = account.incident
    points = durations.points(account)
    impact = durations.impact(account.incident, points)
    decisions = tuple(_decision(account, release) for release in incident.releases)
    return doc.Postmortem(
        title=_title(incident),
        training=incident.opened.training,
        anonymised=anonymise,
        header=_header(account, chain),
        summary=summary(account, impact),
        impact=impact,
        durations=points,
        timeline=tuple(_with_gaps(_rows(account, points, zone), gap_minutes)),
        decisions=decisions,
        disputes=tuple(account.disputes),
        skips=tuple(account.skips),
        outside=tuple(joined(f"{said.who}: {said.action}", said.note, by="; ") for said in account.outside),
        before_after=_before_after(account),
        prompts=prompts(account),
        follow_ups=_follow_ups(incident),
        holds=tuple(_hold(undo, answer) for undo, answer in incident.holds.items()),
        prevention=_prevention(incident),
        prevention_note="nothing was checked" if incident.closed and not incident.prevention else "",
        commands=tuple(_commands(account)),
        findings=_findings(incident),
        restores=tuple(_restores(incident)),
    )


def _title(incident: Incident) -> str:
    opened = incident.opened
    practice = "[TRAINING] " if opened.training else ""
    return f"{practice}Terraform state lock on {opened.address.lock_id}, {opened.at[:10]}"


def _header(account: Account, chain: ChainReport) -> doc.Header:
    incident = account.incident
    opened, address = incident.opened, incident.address
    stores = (
        f"DynamoDB table {address.table}" if address.table else "",
        f"S3 lockfile {address.lockfile_key}" if address.use_lockfile else "",
    )
    caller = Caller(account="", arn=address.caller) if address.caller else None
    program = incident.checks.get(("look", "program"))
    return doc.Header(
        incident=incident.id,
        status=_status(incident),
        ticket=incident.details.ticket if incident.details else "",
        operators=tuple(account.operators),
        caller=f"{caller.role} ({caller.arn})" if caller else "not checked",
        account=address.account or "not checked",
        region=address.region,
        state=address.lock_id,
        workspace=address.workspace,
        stores=tuple(store for store in stores if store),
        root=opened.root,
        tool=opened.tool,
        program=program.detail if program else "version not asked",
        runbook=opened.runbook,
        runbook_sha256=opened.runbook_sha256,
        chain=chain,
    )


def _status(incident: Incident) -> str:
    if incident.status is Status.CLOSED and not (incident.verifiable or incident.gone_at or incident.released_at):
        return "closed; the lock was not seen to leave"
    if incident.status is Status.CLOSED and incident.verified is None:
        return "closed, not verified"
    return {
        Status.OPEN: "open",
        Status.UNBLOCKED: "unblocked, not verified",
        Status.VERIFIED: "verified, not closed",
        Status.CLOSED: "closed",
    }[incident.status]


def _rows(account: Account, points: Iterable[doc.Point], zone: tzinfo) -> list[doc.Row]:
    opened_at = account.incident.opened.at
    told = durations.first_refusal(account)[1]
    names = [name for name in _EARLIER if told or name != "first refusal"]  # else it has a row of its own
    rows = [_earlier(point, account, zone) for point in points if point.at and point.name in names]
    rows = [row for row in rows if row.at < opened_at or row.actor != "operator"]
    rows += [
        doc.Row(
            at=line.at,
            local=local(line.at, zone),
            actor=line.actor,
            marker=line.marker,
            fact=line.fact,
            source=line.source,
            link=line.link,
            routine=line.routine,
        )
        for line in account.lines
    ]
    return sorted(rows, key=lambda row: (moment(row.at) is None, row.at if moment(row.at) else ""))


_EARLIER: Mapping[str, tuple[str, str, Marker | None, str]] = {
    "lock created": ("holder", "The lock was created", None, "the lock's Created, by the holder's clock"),
    "first refusal": ("Terraform", "A run was refused by the lock", Marker.DETECTION, "told by the operator"),
    "page": ("pager", "The on-call engineer was paged", Marker.DETECTION, "told by the operator"),
}


def _earlier(point: doc.Point, account: Account, zone: tzinfo) -> doc.Row:
    """What happened before the tool was there to see it."""
    actor, fact, marker, source = _EARLIER[point.name]
    lock = durations.main_lock(account)
    if point.name == "lock created" and lock and lock.info:
        actor = lock.info.who or actor
        fact = f"The lock {short(lock.identity)} was created for {lock.info.operation.removeprefix('OperationType')}"
    at = point.at or ""
    return doc.Row(
        at=at, local=local(at, zone), actor=one_line(actor, 80), marker=marker, fact=f"{one_line(fact)}.", source=source
    )


def _with_gaps(rows: list[doc.Row], minutes: float) -> Iterator[doc.Row]:
    yield from rows[:1]
    for before, row in pairwise(rows):
        passed = seconds_between(before.at, row.at)
        if passed is not None and passed > minutes * 60:
            yield doc.Row(gap=passed)
        yield row


def _decision(account: Account, release: Release) -> doc.Decision:
    intended, ended = release.intended, release.ended
    outcome = outcome_in_words(ended) if ended else "the tool ended during the release; nothing was read back"
    return doc.Decision(
        release=intended.release,
        at=intended.at,
        by=intended.by,
        method=intended.method,
        lock=intended.lock,
        believed=intended.verdict,
        supports=intended.supports,
        blocks=intended.blocks,
        not_checked=intended.not_checked,
        answers=account.answers.get(intended.release, ()),
        changed=account.changed.get(intended.release, ()),
        advised=intended.advised,
        reasons={name: said for name, said in intended.typed.items() if name not in _MECHANICAL},
        accepted_by=intended.accepted_by,
        outcome=outcome,
        detail=ended.detail if ended else "",
        exit_code=ended.exit_code if ended else None,
    )


def _before_after(account: Account) -> doc.BeforeAfter:
    incident = account.incident
    verified = incident.verified
    plan = incident.checks.get(("after", "plan"))
    stores = incident.checks.get(("after", "stores"))
    return doc.BeforeAfter(
        locks=tuple(_lock_before(*seen) for seen in account.locks.values()),
        before=_state(account.before or incident.checks.get(("before", "state-version"))),
        after=_state(account.after or incident.checks.get(("after", "state-version"))),
        read_back=stores.detail if stores else "",
        plan_summary=(verified.plan_summary if verified else "") or (plan.detail if plan else ""),
        read_by=verified.read_by if verified else "",
    )


def _lock_before(lock: LockRecord, at: str) -> doc.LockBefore:
    return doc.LockBefore(
        store=lock.store,
        lock=lock.identity,
        description=lock_in_words(lock),
        sha256=lock.sha256,
        raw=lock.raw,
        seen_at=at,
    )


def _state(check: CheckRecorded | None) -> doc.StateFacts | None:
    if check is None:
        return None
    state = check.state
    return doc.StateFacts(
        at=check.at,
        version_id=state.version_id if state else None,
        serial=state.serial if state else None,
        md5=state.md5 if state else None,
        resources=state.resources if state else None,
        detail=check.detail,
    )


def _follow_ups(incident: Incident) -> tuple[doc.FollowUp, ...]:
    items = [
        doc.FollowUp(what=item.item, owner=item.owner, due=item.due, note=item.note)
        for item in incident.prevention.values()
        if item.state == "follow-up"
    ]
    deferred = [
        doc.FollowUp(what=f"Step {step.step}, which was deferred", owner=step.owner, due=step.until)
        for step in incident.deferred.values()
        if step.step not in incident.steps_done and not (step.step == "verify" and incident.verified)
    ]
    rerun = incident.verified.rerun if incident.verified else ""
    nobody = rerun.strip().casefold().startswith(("nobody", "no one", "none", "not needed"))
    again = [doc.FollowUp(what="Run the pipeline again", owner=rerun, due="")] if rerun and not nobody else []
    return (*items, *deferred, *again)


def _hold(undo: str, answer: QuestionAnswered) -> doc.FollowUp:
    return doc.FollowUp(what=undo, owner=answer.who or answer.by, due="", note=joined(answer.how, answer.note, by="; "))


def _prevention(incident: Incident) -> tuple[doc.Prevention, ...]:
    return tuple(
        doc.Prevention(item=item.item, checked=item.state == "checked", note=item.note)
        for item in incident.prevention.values()
        if item.state != "follow-up"
    )


def _commands(account: Account) -> Iterator[doc.Command]:
    found = [_child(account, name) for name in account.started]
    found += [_release(release) for release in account.incident.releases if release.intended.command]
    yield from sorted(found, key=lambda command: command.started_at)


def _child(account: Account, name: str) -> doc.Command:
    started = account.started[name]
    ended = account.ended.get(started.child.id)
    return doc.Command(
        id=started.child.id,
        argv=started.child.argv,
        started_at=started.at,
        ended_at=ended.at if ended else None,
        exit_code=ended.exit_code if ended else None,
        summary=ended.summary if ended else "no end was recorded",
    )


def _release(release: Release) -> doc.Command:
    intended, ended = release.intended, release.ended
    return doc.Command(
        id=f"release {intended.release}",
        argv=intended.command,
        started_at=intended.at,
        ended_at=ended.at if ended else None,
        exit_code=ended.exit_code if ended else None,
        summary=ended.detail if ended else "no end was recorded",
        read_back=outcome_in_words(ended) if ended else "",
    )


def _findings(incident: Incident) -> tuple[doc.FindingRow, ...]:
    return tuple(
        doc.FindingRow(
            at=finding.observed_at,
            lock=finding.lock,
            asked=finding.witness,
            says=finding.says,
            match=finding.match,
            fact=finding.fact,
            source=finding.source,
            link=finding.link or "",
            disputed=(lock, key) in incident.disputes,
        )
        for (lock, key), finding in incident.findings.items()
    )


def _restores(incident: Incident) -> Iterator[doc.Restore]:
    for release in incident.releases:
        for store, path in backups_in(release.intended.backup):
            argv = restore_command(incident.address, store, path)
            yield doc.Restore(backup=path, store=store, argv=argv)
