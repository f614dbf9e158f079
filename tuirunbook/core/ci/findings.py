"""A system's report as findings about one lock.

The keys of a system's findings are always the same, so that what was found later replaces what was found before: a run
that was in progress and has ended leaves no finding behind that still blocks. Texts hold times and never ages, so that
the same answer makes the same finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from tuirunbook.core.ci.endings import Fit, ending, fit, refused_at
from tuirunbook.core.ci.jobs import WORTH_SAYING, Holder, Job, Report, Stage, Target, at, covers, slack
from tuirunbook.core.ci.matching import match
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Candidate, Finding, InLine, Match, Says, is_fresh
from tuirunbook.core.text import one_line

_MOST_NAMED = 4
_MOST_KEPT = 12
_MOST_TO_CHOOSE_FROM = 20
_LONGEST = 1_800
_STARTS = {
    Stage.QUEUED: "starts by itself",
    Stage.WAITING: "starts when somebody approves it",
    Stage.SCHEDULED: "starts at its time",
}


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A job that this lock refused, recently enough to count as the retry.

    Attributes:
        job: The job.
        at: When, by this machine's clock; where the clocks differ, the earliest that it can have been.
    """

    job: Job
    at: datetime


def findings(report: Report, target: Target, holder: Holder, now: datetime) -> Iterator[Finding]:
    """Everything that a report says about a lock."""
    maker = _Maker(report, holder, timestamp(now))
    matched = {kind: tuple(job for job in report.jobs if match(job, target).match is kind) for kind in Match}
    naming, possible = matched[Match.NAMES_THIS_STATE], matched[Match.COULD_BE]
    yield _active(maker, naming)
    yield _candidates(maker, possible)
    yield _holder(maker, naming)
    yield _next(maker, in_line(report, target))
    if folded := [job for job in matched[Match.CANNOT_BE] if job.stage is not Stage.ENDED or maker.covers(job)]:
        fact = f"cannot be about this state: {maker.listed(folded)}"
        yield maker.finding("folded", Says.NOTHING, Match.CANNOT_BE, fact)
    if (refused := refusal(report, holder, now)) is not None:
        fact = f"this lock refused {refused.job.words} at {at(refused.at)}, by its log"
        found = maker.finding("retry", Says.NOTHING, Match.NAMES_THIS_STATE, fact, refused.job.url)
        yield msgspec.structs.replace(found, refused_at=timestamp(refused.at))
    yield _asked(maker)


def in_line(report: Report, target: Target) -> tuple[InLine, ...]:
    """What starts when the lock is free, or soon; what names this state first."""
    found = []
    for job in report.jobs:
        matched = match(job, target).match
        if job.stage in _STARTS and matched is not Match.CANNOT_BE:
            starts = one_line(job.starts, 160) or _STARTS[job.stage]
            found.append(
                InLine(
                    what=job.words,
                    starts=starts,
                    match=matched,
                    stage=job.stage.value,
                    hold=job.hold,
                    undo=job.undo,
                    url=job.url,
                )
            )
    return tuple(sorted(found, key=lambda line: line.match is not Match.NAMES_THIS_STATE))


def refusal(report: Report, holder: Holder, now: datetime) -> Refused | None:
    """The latest refusal by this lock in the logs that were read, while it is fresh.

    A log's times may be the system's or its runner's, which nobody compared: the refusal is as old as either allows.
    """
    latest: Refused | None = None
    for job in report.jobs:
        moment = refused_at(job, holder)
        if moment is None:
            continue
        local = min(moment, moment - report.skew)
        if is_fresh(local, now) and (latest is None or local > latest.at):
            latest = Refused(job=job, at=local)
    return latest


class _Maker:
    """Makes the findings of one report about one lock."""

    def __init__(self, report: Report, holder: Holder, moment: str) -> None:
        self.report = report
        self.holder = holder
        self._moment = moment

    def covers(self, job: Job) -> bool:
        return covers(job, self.holder, self.report.skew)

    def began_after(self, job: Job) -> bool:
        created = self.holder.created
        return bool(job.started and created and job.started > created + slack(self.holder, self.report.skew))

    def listed(self, jobs: Sequence[Job]) -> str:
        named = "; ".join(
            f"{job.words}{f' ({one_line(job.doubt, 200)})' if job.doubt else ''}" for job in jobs[:_MOST_NAMED]
        )
        more = len(jobs) - _MOST_NAMED
        return f"{named}; and {more} more" if more > 0 else named

    def candidate(self, job: Job) -> Candidate:
        says, status = ending(job, self.holder)
        if self.began_after(job):
            status += ", and began after the lock was taken, as far as the clocks tell"
        ended = job.ended - self.report.skew if job.ended else None
        return Candidate(
            id=one_line(f"{self.report.system}:{job.id or f'{job.run}.{job.attempt}.{job.name}'}", 200),
            what=job.words,
            says=says,
            fact=one_line(f"{status}{f' ({job.doubt})' if job.doubt else ''}", 300),
            ended_at=timestamp(ended) if ended else msgspec.UNSET,
            link=one_line(job.url, 400) if job.url.startswith(("https://", "http://")) else None,
        )

    def finding(self, key: str, says: Says, matched: Match, fact: str, link: str = "") -> Finding:
        return Finding(
            key=f"ci.{self.report.system}.{key}",
            lock=self.holder.lock,
            says=says,
            match=matched,
            fact=one_line(fact, _LONGEST),
            source=one_line(f"{self.report.place}: {self.report.source}", 400),
            observed_at=self._moment,
            link=one_line(link, 400) if link.startswith(("https://", "http://")) else None,
        )


def _active(maker: _Maker, naming: Sequence[Job]) -> Finding:
    running = [job for job in naming if job.stage is Stage.RUNNING]
    if not running:
        return maker.finding("active", Says.NOTHING, Match.NAMES_THIS_STATE, "no run in progress names this state")
    fact = f"in progress, and names this state: {maker.listed(running)}"
    doubts = [job for job in running if job.doubt]
    if doubts:
        fact += ". These answers contradict each other"
    found = maker.finding("active", Says.BLOCKS, Match.NAMES_THIS_STATE, fact, running[0].url)
    return msgspec.structs.replace(found, opposes=("ci=none",))


def _candidates(maker: _Maker, possible: Sequence[Job]) -> Finding:
    running = [job for job in possible if job.stage is Stage.RUNNING]
    ended = [job for job in possible if job.stage is Stage.ENDED and _could_hold(maker, job)]
    if not running and not ended:
        fact = "no other run that is in progress, or was when the lock was taken, could be about this state"
        return maker.finding("candidates", Says.NOTHING, Match.COULD_BE, fact)
    running, ended = _tied_first(maker, running), _tied_first(maker, ended)
    parts = [f"in progress: {maker.listed(running)}"] if running else []
    parts += [f"ended: {maker.listed(ended)}"] if ended else []
    if (tie := next((fit(job, maker.holder) for job in (*running, *ended)), None)) and tie[0] is Fit.TIED:
        parts.append(f"of the first, {tie[1]}")
    fact = f"could be about this state; is one of them the holder? {'. '.join(parts)}"
    says = Says.BLOCKS if running else Says.NOTHING
    found = maker.finding("candidates", says, Match.COULD_BE, fact, (running or ended)[0].url)
    if len(running) + len(ended) > _MOST_TO_CHOOSE_FROM:
        # "None of them" would cover runs that nobody was shown.
        return found
    return msgspec.structs.replace(found, candidates=tuple(maker.candidate(job) for job in (*running, *ended)))


def _tied_first(maker: _Maker, jobs: Sequence[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: fit(job, maker.holder)[0] is not Fit.TIED)


def _could_hold(maker: _Maker, job: Job) -> bool:
    return maker.covers(job) and fit(job, maker.holder)[0] is not Fit.NO


def _holder(maker: _Maker, naming: Sequence[Job]) -> Finding:
    """The end of the job that took the lock.

    Of several that may have taken it, all must have ended for sure; unless one of them is tied to this very lock.
    Those that succeeded are looked at only where there is no other.
    """
    holder = maker.holder
    if holder.created is None:
        fact = "the lock does not say when it was taken, so no run can be matched by time"
        return maker.finding("holder", Says.NOTHING, Match.COULD_BE, fact)
    covering = [job for job in naming if maker.covers(job) and job.stage in {Stage.ENDED, Stage.RUNNING}]
    possible = [job for job in covering if fit(job, holder)[0] is not Fit.NO]
    if not possible:
        window = f"{at(holder.created)} (± {slack(holder, maker.report.skew).total_seconds():.0f} s)"
        others = [f"{job.words}: {fit(job, holder)[1]}" for job in covering[:_MOST_NAMED]]
        fact = f"no run that names this state can have taken the lock at {window}"
        return maker.finding("holder", Says.NOTHING, Match.COULD_BE, "; ".join([fact, *others]))
    tied = [job for job in possible if fit(job, holder)[0] is Fit.TIED]
    deciding = tied or possible
    deciding = [job for job in deciding if not job.succeeded] or deciding
    endings = [ending(job, holder) for job in deciding]
    told = "; ".join(
        f"{job.words}, {words}" for job, (_, words) in list(zip(deciding, endings, strict=True))[:_MOST_NAMED]
    )
    surely = all(says is Says.SUPPORTS for says, _ in endings)
    ends = [job.ended - maker.report.skew for job in deciding if job.ended is not None]
    why = f" ({fit(tied[0], holder)[1]})" if tied else ""
    fact = f"was running when the lock was taken, and names this state{why}: {told}"
    says = Says.SUPPORTS if surely else Says.NOTHING
    found = maker.finding("holder", says, Match.NAMES_THIS_STATE, fact, deciding[0].url)
    return msgspec.structs.replace(found, ended_at=timestamp(max(ends))) if surely and ends else found


def _next(maker: _Maker, lines: Sequence[InLine]) -> Finding:
    if not lines:
        return maker.finding(
            "next", Says.NOTHING, Match.COULD_BE, "nothing that could be about this state is queued there"
        )
    named = "; ".join(f"{line.what}, {line.starts}" for line in lines[:_MOST_NAMED])
    more = f"; and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    found = maker.finding("next", Says.NOTHING, lines[0].match, f"next in line: {named}{more}", lines[0].url)
    return msgspec.structs.replace(found, in_line=tuple(lines[:_MOST_KEPT]))


def _asked(maker: _Maker) -> Finding:
    report = maker.report
    notes = [*report.notes]
    if abs(report.skew) >= WORTH_SAYING:
        ahead = "ahead of" if report.skew > timedelta(0) else "behind"
        seconds = round(abs(report.skew).total_seconds(), -1)
        notes.append(f"its clock is about {seconds:.0f} s {ahead} this machine's")
    if maker.holder.ahead >= WORTH_SAYING:
        notes.append(
            f"the holder's clock is at least {maker.holder.ahead.total_seconds():.0f} s ahead of the lock store's"
        )
    fact = "; ".join([f"{report.place} was asked", *notes])
    says = Says.UNKNOWN if report.notes else Says.NOTHING
    return maker.finding("asked", says, Match.COULD_BE, fact)
