"""What an apply had begun and not finished when its log ended; it is read against the next plan by name.

Terraform says `Creating...` before it calls the provider and `Creation complete` after; a process that dies in between
leaves what the provider made unknown to the state. What is complete reaches the state at most 20 s later
(`DefaultStatePersistInterval`, Terraform 1.14), so that the last completions may be unknown to it as well.
"""

from __future__ import annotations

import contextlib
import enum
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from tuirunbook.core.ci.endings import LOG_END, Fit, fit
from tuirunbook.core.ci.jobs import Holder, Job, Report, Stage, Target, covers
from tuirunbook.core.ci.matching import match
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, StoredLock, parse_time
from tuirunbook.core.text import clean, one_line

PREFIX = "inflight."
PERSISTED_AFTER = timedelta(seconds=20)
MOST = 40
UNKNOWN_ID = "LOOK-IT-UP"

_NAME = r"[^\W\d][\w-]{0,200}"
_KEY = r'(?:\[(?:\d{1,9}|"(?:[^"\\\n]|\\.){0,300}")\])?'
_ADDRESS = rf"(?:module\.{_NAME}{_KEY}\.){{0,20}}(?!module\.){_NAME}\.{_NAME}{_KEY}"
_LINE = re.compile(
    rf"(?:^|[\s\]│|:])(?P<address>{_ADDRESS})(?: \((?P<deposed>deposed object [0-9a-f]{{1,16}})\))?: "
    r"(?:(?:Still )?(?P<going>creating|modifying|destroying)\.\.\."
    r"|(?P<done>Creation|Modifications|Destruction) complete after \S{1,20})"
    r"(?: \[(?P<detail>[^\n]{0,400})\])?",
    re.IGNORECASE,
)
_FAILED = re.compile(rf"(?:^|[\s│|])with (?P<address>{_ADDRESS}),$")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)")
_END = re.compile(r"Apply complete! Resources:|Destroy complete! Resources:")
_ID_IN_DETAIL = re.compile(r"(?:^|, )id=(?P<id>.*?)(?=, \d[\dhms]* elapsed$|$)")
_ELAPSED = re.compile(r"(\d[\dhms]{0,12}) elapsed$")
_ELAPSED_IN_FACT = re.compile(r" \((\d[\dhms]{0,12}) elapsed\)")
_ID_IN_FACT = re.compile(r" \[id=(?P<id>.*)\]$")


class Action(enum.StrEnum):
    """What was under way, or was complete and perhaps not saved."""

    CREATE = "create"
    MODIFY = "modify"
    DESTROY = "destroy"
    CREATED = "created"


_GOING = {"creating": Action.CREATE, "modifying": Action.MODIFY, "destroying": Action.DESTROY}
_JSON_ACTIONS = {"create": Action.CREATE, "update": Action.MODIFY, "delete": Action.DESTROY}
_WORDS = {
    Action.CREATE: "was being created",
    Action.MODIFY: "was being changed",
    Action.DESTROY: "was being destroyed",
    Action.CREATED: "was created in the last seconds, perhaps too late for the state",
}


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """One resource that an apply left in doubt.

    Attributes:
        address: Its address, as Terraform prints it.
        action: What was under way.
        id: The provider's ID, where the log has it.
        elapsed: How long it had been under way when the log last spoke of it (`23m10s`).
        failed: Whether the log shows an error about it.
    """

    address: str
    action: Action
    id: str = ""
    elapsed: str = ""
    failed: bool = False

    @property
    def fact(self) -> str:
        """A past-tense sentence; an ID comes last."""
        how = " (it ended with an error)" if self.failed else f" ({self.elapsed} elapsed)" if self.elapsed else ""
        known = f" [id={self.id}]" if self.id else ""
        return f"{self.address} {_WORDS[self.action]}{how}{known}"

    @property
    def advice(self) -> str:
        """What to look for in the plan."""
        return {
            Action.CREATE: "if the plan wants to create it, look whether it exists already; if so, import it",
            Action.MODIFY: "the plan shows what of the change is missing; it may be half made",
            Action.DESTROY: "if the plan fails to read it or wants to create it again, it is gone already",
            Action.CREATED: "it exists; if the plan wants to create it, import it",
        }[self.action]

    @property
    def import_block(self) -> str:
        """The `import` block that gives it to the state (Terraform 1.5, OpenTofu 1.6); empty where none is needed."""
        if self.action not in {Action.CREATE, Action.CREATED}:
            return ""
        note = "" if self.id else "  # as the provider imports it; the log does not say it\n"
        return f"import {{\n  to = {self.address}\n{note}  id = {_quoted(self.id or UNKNOWN_ID)}\n}}"


def unfinished(log: str) -> tuple[Unfinished, ...]:
    """What a log shows as begun and not completed, in the order it began; empty when the run came to its end."""
    text = clean(log[-LOG_END:])
    if _END.search(text):
        return ()
    reading = _Reading()
    for line in text.splitlines():
        reading.take(line.rstrip())
    return tuple(reading.left())


class _Reading:
    """A log, line by line."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Unfinished] = {}
        self._created: dict[str, tuple[Unfinished, datetime]] = {}
        self._now: datetime | None = None

    def take(self, line: str) -> None:
        if (stamped := _STAMP.search(line[:120])) is not None:
            with contextlib.suppress(ValueError):
                self._now = parse_time(stamped[1])
        if '"hook"' in line and self._take_json(line):
            return
        if (found := _LINE.search(line)) is not None:
            detail = found["detail"] or ""
            named, elapsed = _ID_IN_DETAIL.search(detail), _ELAPSED.search(detail)
            action = _GOING[found["going"].casefold()] if found["going"] else None
            facts = {"id": one_line(named["id"], 300) if named else "", "elapsed": elapsed[1] if elapsed else ""}
            self._note((found["address"], found["deposed"] or ""), action, facts, created=found["done"] == "Creation")
        elif (failed := _FAILED.search(line)) is not None:
            self._fail(failed["address"])

    def _take_json(self, line: str) -> bool:
        """A line of `terraform apply -json`."""
        try:
            event = json.loads(line[line.index("{") :])
            hook, kind = event["hook"], event["type"]
            address, action = hook["resource"]["addr"], _JSON_ACTIONS.get(hook.get("action", ""))
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        if not isinstance(address, str) or re.fullmatch(_ADDRESS, address) is None:
            return False
        seconds, named = hook.get("elapsed_seconds"), hook.get("id_value")
        facts = {
            "id": one_line(named, 300) if isinstance(named, str) else "",
            "elapsed": f"{seconds}s" if isinstance(seconds, int) else "",
        }
        if kind in {"apply_start", "apply_progress"} and action is not None:
            self._note((address, ""), action, facts, created=False)
        elif kind == "apply_complete":
            self._note((address, ""), None, facts, created=hook.get("action") == "create")
        elif kind == "apply_errored":
            self._fail(address)
        return True

    def _note(self, key: tuple[str, str], action: Action | None, facts: Mapping[str, str], *, created: bool) -> None:
        known = self._open.get(key)
        if action is not None:
            known_id = known.id if known else ""
            self._open[key] = Unfinished(
                address=key[0], action=action, id=facts["id"] or known_id, elapsed=facts["elapsed"]
            )
            return
        self._open.pop(key, None)
        if created and self._now is not None:
            self._created[key[0]] = Unfinished(address=key[0], action=Action.CREATED, id=facts["id"]), self._now

    def _fail(self, address: str) -> None:
        for key, one in self._open.items():
            if key[0] == address:
                self._open[key] = msgspec.structs.replace(one, failed=True)

    def left(self) -> Iterator[Unfinished]:
        """What is open, then what was completed too late to be sure that it was saved."""
        yield from self._open.values()
        for one, at in self._created.values():
            if self._now is not None and self._now - at <= PERSISTED_AFTER:
                yield one


def findings(
    resources: Iterable[Unfinished], lock: LockIdentity, *, source: str, now: datetime, link: str = ""
) -> Iterator[Finding]:
    """One finding for each resource; they weigh nothing, and are listed at verify."""
    listed = list(resources)
    for one in listed[:MOST]:
        yield _finding(lock, f"{PREFIX}{one.action}.{one.address}", one.fact, source, now, link)
    if len(listed) > MOST:
        fact = f"{len(listed) - MOST} more resources were under way; the log has them"
        yield _finding(lock, f"{PREFIX}more", fact, source, now, link)


def at_death(report: Report, target: Target, lock: StoredLock, now: datetime) -> Iterator[Finding]:
    """What the log of the job that took an apply lock shows as unfinished."""
    if lock.info is not None and not lock.info.may_have_written:
        return
    holder = Holder.of(lock)
    for job in _holders(report, target, holder):
        source = one_line(f"{report.place}: log of {job.words}", 400)
        yield from findings(unfinished(job.log or ""), lock.identity, source=source, now=now, link=job.url)


def _holders(report: Report, target: Target, holder: Holder) -> list[Job]:
    """The ended jobs with a log that can have taken the lock; those tied to it alone, where there are any."""
    possible = [
        job
        for job in report.jobs
        if job.stage is Stage.ENDED
        and job.log is not None
        and covers(job, holder, report.skew)
        and match(job, target).match is Match.NAMES_THIS_STATE
        and fit(job, holder)[0] is not Fit.NO
    ]
    return [job for job in possible if fit(job, holder)[0] is Fit.TIED] or possible


def listed(incident: Incident) -> tuple[Unfinished, ...]:
    """The resources that the findings of an incident name, read back from them."""
    found = (_read_back(finding) for finding in incident.findings.values() if finding.key.startswith(PREFIX))
    return tuple(one for one in found if one is not None)


def _read_back(finding: Finding) -> Unfinished | None:
    name, _, address = finding.key.removeprefix(PREFIX).partition(".")
    if name not in set(Action) or re.fullmatch(_ADDRESS, address) is None:
        return None
    known = _ID_IN_FACT.search(finding.fact)
    elapsed = _ELAPSED_IN_FACT.search(finding.fact)
    return Unfinished(
        address=address,
        action=Action(name),
        id=known["id"] if known else "",
        elapsed=elapsed[1] if elapsed else "",
        failed="(it ended with an error)" in finding.fact,
    )


_PLANNED = re.compile(
    rf"^\s*# (?P<address>{_ADDRESS})(?: \(deposed object [0-9a-f]{{1,16}}\))? (?P<what>(?:will|must) be [^\n]{{1,80}}"
    rf"|is tainted, so (?:it )?must be replaced|has (?:changed|been deleted))",
    re.MULTILINE,
)


def planned(plan: str) -> dict[str, str]:
    """What a plan's output says about each resource that it names, by address (`will be created`)."""
    return {found["address"]: found["what"] for found in _PLANNED.finditer(clean(plan))}


def against(resources: Iterable[Unfinished], plan: str) -> Iterator[tuple[Unfinished, str]]:
    """Each resource with what the plan says about it by name; what it does not name is said to be so."""
    named = planned(plan)
    for one in resources:
        yield one, named.get(one.address, "is not named in the plan")


def import_blocks(resources: Iterable[Unfinished]) -> str:
    """The import blocks of those that may exist without the state's knowing, as one file."""
    return "\n\n".join(dict.fromkeys(block for one in resources if (block := one.import_block)))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def _finding(lock: LockIdentity, key: str, fact: str, source: str, now: datetime, link: str) -> Finding:
    return Finding(
        key=key,
        lock=lock,
        says=Says.NOTHING,
        match=Match.NAMES_THIS_STATE,
        fact=fact,
        source=source,
        observed_at=timestamp(now),
        link=link or None,
    )
