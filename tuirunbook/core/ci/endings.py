"""Whether a job can be the holder, and whether its end is the holder's end."""

from __future__ import annotations

import enum
import re
from datetime import datetime
from functools import lru_cache

from tuirunbook.core.ci.jobs import Holder, Job, Runner, Stage, at
from tuirunbook.core.ci.matching import name_in
from tuirunbook.core.diagnosis import PlanOutcome, PlanReading, read_plan
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import one_line, strip_escapes

LOG_END = 400_000
"""Characters at a log's end that are searched for how it ended."""

_ENDS = re.compile(
    r"Apply complete! Resources:"
    r"|Destroy complete! Resources:"
    r"|Terraform exited with code \d"
    r"|##\[error\] ?(?:Process completed|Bash exited) with (?:exit )?code '?\d"
    r"|ERROR: Job failed: (?:exit (?:code|status)|command terminated with exit code) \d"
    r"|^(?:.{0,60} )?Job succeeded"
    r"|Exited with code exit status \d"
    r"|\bCommand exited with status \d",
    re.MULTILINE,
)
_TERRAFORM = re.compile(r"terraform|opentofu|tofu|terragrunt", re.IGNORECASE)
_STAMP = re.compile(r"^\N{ZERO WIDTH NO-BREAK SPACE}?\[?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)", re.MULTILINE)
_COMMON_HOSTS = re.compile(
    r"localhost(?:\..*)?|runner|ubuntu|debian|build|builder|agent|jenkins|default", re.IGNORECASE
)
_SHORTEST_HOST = 6


class Fit(enum.StrEnum):
    """Whether a job can have left this lock's `Who`."""

    TIED = "tied"
    """Its log or its runner names this very lock, or this very host."""
    MAYBE = "maybe"
    NO = "no"


def fit(job: Job, holder: Holder) -> tuple[Fit, str]:
    """Whether a job can be the holder, and why, besides its times."""
    text = _end_of(job)
    if text is not None and holder.lock in text:
        reading = _read(text)
        if holder.lock in reading.lock_ids:
            if reading.release_failed:
                return Fit.TIED, "its log shows that it could not release this very lock"
            if reading.outcome is PlanOutcome.REFUSED:
                return Fit.NO, "its log shows that this lock refused it"
    host = "" if _COMMON_HOSTS.fullmatch(holder.host) else holder.host
    if host and host in job.host:
        return Fit.TIED, "it ran on the lock's host"
    if len(host) >= _SHORTEST_HOST and job.log is not None and name_in(job.log, host):
        return Fit.TIED, "its log names the lock's host"
    if job.unlike and holder.who and re.fullmatch(job.unlike, holder.who, re.DOTALL):
        return Fit.NO, f"a job on its runner does not call itself {one_line(holder.who, 80)}"
    return Fit.MAYBE, ""


def ending(job: Job, holder: Holder) -> tuple[Says, str]:
    """What a job's end says about the holder, if it was this job.

    One that succeeded is hardly the holder, wherever it ran: terraform gives its lock back, or fails.
    """
    if job.stage is not Stage.ENDED:
        return Says.BLOCKS, f"is {job.stage}"
    result, where = one_line(job.result, 40) or "ended", f"on {_host(job)}"
    if fit(job, holder)[1] == "its log shows that it could not release this very lock":
        return Says.SUPPORTS, f"ended ({result}): its log shows terraform's end, where it could not release this lock"
    if job.lost:
        return Says.NOTHING, f"was lost sight of {where}, where terraform may live on"
    if job.succeeded:
        return Says.NOTHING, f"succeeded at {at(job.ended)}, and terraform that succeeds has given its lock back"
    if job.runner is Runner.SINGLE_USE:
        return Says.SUPPORTS, f"completed ({result}) at {at(job.ended)} on a hosted runner that is used once"
    if job.cut:
        return Says.NOTHING, f"was marked {result} {where}, where terraform may live on"
    text = _end_of(job)
    if text is None:
        return Says.NOTHING, f"ended ({result}) {where}; its log was not read, so it does not show terraform's end"
    if _TERRAFORM.search(text) and (found := _last(text)):
        return Says.SUPPORTS, f"ended ({result}): its log shows terraform's end (“{one_line(found, 80)}”)"
    return Says.NOTHING, f"ended ({result}) {where}; its log does not show terraform's end"


def refused_at(job: Job, holder: Holder) -> datetime | None:
    """When this lock refused this job, by the CI system's clock; None when its log shows no such thing.

    The time is that of the log's last line which has one and does not come after the refusal; else the job's start:
    where a log has no times, the refusal may be as old as the job.
    """
    text = _end_of(job)
    if text is None or holder.lock not in text:
        return None
    reading = _read(text)
    if reading.outcome is not PlanOutcome.REFUSED or holder.lock not in reading.lock_ids:
        return None
    return _stamped(text[: text.rindex(holder.lock)]) or job.started


def printed_at(text: str) -> datetime | None:
    """When a log's refusal was printed, where its lines carry times (as GitHub's do); None when that cannot be told."""
    tail = _readable(text)
    reading = _read(tail)
    places = [tail.rindex(lock) for lock in reading.lock_ids if lock in tail]
    if reading.outcome is not PlanOutcome.REFUSED or not places:
        return None
    return _stamped(tail[: max(places)])


def _stamped(text: str) -> datetime | None:
    stamps = [found[1] for found in _STAMP.finditer(text)]
    try:
        return parse_time(stamps[-1]) if stamps else None
    except ValueError:
        return None


def _end_of(job: Job) -> str | None:
    return None if job.log is None else _readable(job.log)


@lru_cache(maxsize=8)
def _readable(log: str) -> str:
    """A log's end without escape sequences; what is shown of it is cleaned once more."""
    return strip_escapes(log[-LOG_END:]).replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=8)
def _read(text: str) -> PlanReading:
    return read_plan(text, None)


def _last(text: str) -> str:
    last = ""
    for found in _ENDS.finditer(text):
        last = found[0]
    return last


def _host(job: Job) -> str:
    return one_line(job.host[0], 60) if job.host else "a host"
