"""When things happened, and for how long the state was blocked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tuirunbook.core.incident import Incident
from tuirunbook.core.postmortem import document as doc
from tuirunbook.core.postmortem.account import Account
from tuirunbook.core.postmortem.times import seconds_between, utc
from tuirunbook.core.records import LockRecord
from tuirunbook.core.timeline import joined


def points(account: Account) -> tuple[doc.Point, ...]:
    """Lock created, first refusal, page, opened, verdict, release, verified: in the order of time.

    What nobody knows keeps its place.
    """
    incident = account.incident
    details = incident.details
    lock = main_lock(account)
    created = lock.info.created if lock and lock.info else None
    refusal, told = first_refusal(account)
    found = [
        ("lock created", created, "by the holder's clock" if created else ""),
        ("first refusal", refusal, "" if told or not refusal else _AT_THE_LATEST),
        ("page", details.page_at if details else None, ""),
        ("opened", incident.opened.at, ""),
        ("verdict", *_verdict(account, lock)),
        ("release", *_released(incident)),
        ("verified", incident.verified.at if incident.verified else None, ""),
    ]
    times = {name: utc(text) for name, text, _ in found}
    in_order = iter(sorted((one for one in found if times[one[0]]), key=lambda one: times[one[0]] or ""))
    points: list[doc.Point] = []
    before: str | None = None
    for name, _, note in [next(in_order) if times[one[0]] else one for one in found]:
        at = times[name]
        told_note = joined(note, _odd(name, times), by="; ")
        points.append(doc.Point(name=name, at=at, after=seconds_between(before, at), note=told_note))
        before = at or before
    return tuple(points)


_AT_THE_LATEST = "at the latest; it was told or tried then"


def first_refusal(account: Account) -> tuple[str | None, bool]:
    """When a run was first refused as far as anybody knows, and whether the operator told it."""
    details = account.incident.details
    told = utc(details.first_refusal_at) if details else None
    known = utc(account.refused_at)
    return min((at for at in (told, known) if at), default=None), bool(told and told <= (known or told))


def _odd(name: str, times: Mapping[str, str | None]) -> str:
    """What cannot be by the order of things, and is so by the clocks."""
    at, created, release = times[name], times["lock created"], times["release"]
    if at and created and at < created:
        return "before the lock was created"
    return "before the release" if name == "verified" and at and release and at < release else ""


_SIGNS = {"first refusal": "the first refusal known", "page": "the page"}


def impact(incident: Incident, points: Iterable[doc.Point]) -> doc.Impact:
    """How long the state was blocked, from the first sign of it to the release, and what that kept from shipping."""
    known = {point.name: point for point in points if point.at}
    signs = [known[name] for name in _SIGNS if name in known]
    first = min(signs, key=lambda point: point.at or "", default=None)
    begin = first.at if first else None
    end = known["release"].at if "release" in known else None
    seconds = seconds_between(begin, end)
    return doc.Impact(
        begin=begin,
        since=_SIGNS[first.name] if first else "",
        end=end,
        seconds=None if seconds is not None and seconds < 0 else seconds,
        could_not_ship=incident.details.impact if incident.details else "",
    )


def main_lock(account: Account) -> LockRecord | None:
    """The lock that the incident is about: the one that was released, or else the first that was seen."""
    released = [release.intended.lock for release in account.incident.releases]
    records = [record for record, _ in account.locks.values()]
    about = [record for record in records if record.identity in released[-1:]]
    return next(iter((*about, *records)), None)


def _verdict(account: Account, lock: LockRecord | None) -> tuple[str | None, str]:
    releases = account.incident.releases
    if releases:
        last = releases[-1].intended
        return account.decided.get(last.release, last.at), last.verdict
    opinion, since = account.verdicts.get(lock.identity, ("", "")) if lock else ("", "")
    return (since, opinion) if opinion and opinion != "cannot tell" else (None, opinion)


def _released(incident: Incident) -> tuple[str | None, str]:
    if incident.released_at:
        ends = [release.ended for release in incident.releases if release.ended]
        other = any(ended.at == incident.released_at and ended.outcome == "new-holder" for ended in ends)
        return incident.released_at, "as read back" + ("; then held by another" if other else "")
    return (incident.gone_at, "not by this tool; seen to be gone") if incident.gone_at else (None, "")
