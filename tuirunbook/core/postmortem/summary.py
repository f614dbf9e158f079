"""The three sentences that say what happened."""

from __future__ import annotations

from collections.abc import Iterable

from tuirunbook.core.incident import Incident, Release
from tuirunbook.core.lock import short
from tuirunbook.core.postmortem.account import Account
from tuirunbook.core.postmortem.document import Point
from tuirunbook.core.postmortem.times import duration, seconds_between, spoken
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import capital, joined, lock_in_words, outcome_in_words


def summary(account: Account, points: Iterable[Point]) -> tuple[str, ...]:
    """What was locked, what the evidence came to, how it ended."""
    when = {point.name: point.at for point in points}
    sentences = (_what(account), _evidence(account), _end(account, when))
    return tuple(one_line(sentence, 900) for sentence in sentences)


def _what(account: Account) -> str:
    state = account.incident.address.lock_id
    distinct = {record.identity: record for record, _ in account.locks.values()}
    if distinct:
        held = " and ".join(lock_in_words(record) for record in list(distinct.values())[:3])
        more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""  # noqa: PLR2004
        return f"The Terraform state {state} was locked by {held}{more}."
    named = [short(lock) for lock in account.incident.pasted]
    if named:
        return f"Terraform named the lock {', '.join(named)} on {state}; no lock was seen there."
    return f"A lock on the Terraform state {state} was looked into; none was seen there."


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


def _end(account: Account, when: dict[str, str | None]) -> str:
    incident = account.incident
    released = [release for release in incident.releases if release.ended and release.ended.outcome == "released"]
    blocked = seconds_between(when["first refusal"], when["release"])
    after = f", {duration(blocked)} after the first refused run" if blocked is not None and blocked >= 0 else ""
    if released and incident.gone_at:
        how = f"{released[-1].intended.method} released the lock at {spoken(when['release'])} UTC{after}"
        return f"{capital(how)}; {_verified(incident)}."
    if incident.gone_at:
        who = joined(*(said.who for said in account.outside))
        by = f" after {who} had acted elsewhere" if who else " without a release by this tool"
        return f"The lock left{by}, seen at {spoken(incident.gone_at)} UTC{after}; {_verified(incident)}."
    if incident.releases:
        return f"The last release did not end it: {_last(incident.releases[-1])}."
    if not incident.seen:
        return "Whether the state is free is not known from this incident."
    return f"The lock was still there when this was last recorded, at {spoken(incident.last_at)} UTC."


def _last(release: Release) -> str:
    return outcome_in_words(release.ended) if release.ended else "the tool ended during it, and nothing was read back"


def _verified(incident: Incident) -> str:
    if incident.verified:
        return f"{incident.verified.read_by} verified the state afterwards"
    if deferred := incident.deferred.get("verify"):
        return f"verifying the state was deferred to {deferred.owner}, until {deferred.until}"
    return "the state had not been verified"
