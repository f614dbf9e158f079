"""The three sentences that say what happened."""

from __future__ import annotations

from tuirunbook.core.incident import Incident, Release
from tuirunbook.core.lock import LockIdentity, Store, short
from tuirunbook.core.postmortem.account import Account
from tuirunbook.core.postmortem.document import Impact
from tuirunbook.core.postmortem.times import duration, spoken
from tuirunbook.core.records import LockRecord
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import capital, joined, lock_in_words, outcome_in_words


def summary(account: Account, impact: Impact) -> tuple[str, ...]:
    """What was locked, what the evidence came to, how it ended."""
    sentences = (_what(account), _evidence(account), _end(account, impact))
    return tuple(one_line(sentence, 900) for sentence in sentences)


def _what(account: Account) -> str:
    state = account.incident.address.lock_id
    distinct: dict[LockIdentity, list[LockRecord]] = {}
    for record, _ in account.locks.values():
        distinct.setdefault(record.identity, []).append(record)
    if distinct:
        held = " and ".join(_held(records) for records in list(distinct.values())[:3])
        more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""  # noqa: PLR2004
        return f"The Terraform state {state} was locked by {held}{more}."
    named = [short(lock) for lock in account.incident.pasted]
    if named:
        return f"Terraform named the lock {', '.join(named)} on {state}; no lock was seen there."
    if account.incident.opened.repairs:
        return f"The Terraform state {state} could not be used; it was walked by {account.incident.opened.runbook}."
    return f"A lock on the Terraform state {state} was looked into; none was seen there."


_STORES = {Store.DYNAMODB: "DynamoDB", Store.S3: "the S3 lockfile"}


def _held(records: list[LockRecord]) -> str:
    """One lock with every store that held it."""
    told = next((record for record in records if record.info), records[0])
    stores = " and ".join(_STORES[store] for store in Store if any(record.store is store for record in records))
    return f"{lock_in_words(told).removesuffix(f' in {told.store.label}')} in {stores}"


def _evidence(account: Account) -> str:
    incident = account.incident
    if incident.elsewhere:
        return f"What was read was not what Terraform read: {incident.elsewhere}."
    if incident.releases:
        intended = incident.releases[-1].intended
        weighed = joined(
            f"{len(intended.supports) or 'no'} fact{'' if len(intended.supports) < 2 else 's'} spoke for a release",  # noqa: PLR2004
            f"{len(intended.blocks) or 'none'} against it",
            by=" and ",
        )
        missing = f"; not checked: {', '.join(intended.not_checked)}" if intended.not_checked else ""
        return f"Before the release the evidence came to “{intended.verdict}”: {weighed}{missing}."
    opinions = {opinion for opinion, _ in account.verdicts.values()}
    told = f"The evidence came to “{'”, “'.join(sorted(opinions))}”" if opinions else "No evidence was weighed"
    return f"{told}; no release was tried."


def _end(account: Account, impact: Impact) -> str:
    incident = account.incident
    after = f", {duration(impact.seconds)} after {impact.since}" if impact.seconds is not None else ""
    if incident.released_at:
        released = [release for release in incident.releases if release.ended and release.ended.outcome in _RELEASED]
        how = f"{released[-1].intended.method} released the lock at {spoken(incident.released_at)} UTC{after}"
        held = "; the state was locked again when it was last read" if incident.locks else ""
        return f"{capital(how)}{held}; {_verified(incident)}."
    if incident.gone_at:
        who = joined(*(said.who for said in account.outside))
        by = f" after {who} had acted elsewhere" if who else " without a release by this tool"
        return f"The lock left{by}, seen at {spoken(incident.gone_at)} UTC{after}; {_verified(incident)}."
    if incident.releases:
        return f"The last release did not end it: {_last(incident.releases[-1])}."
    if incident.opened.repairs and incident.verifiable:
        return (
            f"No lock was held when this was last recorded, at {spoken(incident.last_at)} UTC; {_verified(incident)}."
        )
    if not incident.seen:
        return "Whether the state is free is not known from this incident."
    return f"The lock was still there when this was last recorded, at {spoken(incident.last_at)} UTC."


_RELEASED = frozenset({"released", "new-holder"})


def _last(release: Release) -> str:
    return outcome_in_words(release.ended) if release.ended else "the tool ended during it, and nothing was read back"


def _verified(incident: Incident) -> str:
    if incident.verified:
        return f"{incident.verified.read_by} verified the state afterwards"
    if deferred := incident.deferred.get("verify"):
        return f"verifying the state was deferred to {deferred.owner}, until {deferred.until}"
    return "the state had not been verified"
