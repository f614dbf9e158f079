"""GitLab CI.

Checked against GitLab's REST documentation (jobs, pipelines, pipeline schedules, runners), not against the service:
`projects/:id/jobs` with `scope[]` (newest first; a retry is a job of its own), `jobs/:job_id/trace`,
`pipeline_schedules?scope=active`. A job on GitLab.com's hosted runners gets a machine that is deleted after it. The log
names the container (`Running on runner-…-project-…-concurrent-… via …`), which is the host that a lock carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.ci.jobs import slack
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.definitions import Workflow
from tuirunbook.evidence.ci.login import GITLAB
from tuirunbook.evidence.ci.reading import Logs, inner, items, moment, text, with_logs
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, NotAskedError, Transport

RIGHTS = "to read the project's jobs (at least Reporter, and `read_api`)"

_STAGES = {
    "running": Stage.RUNNING,
    "canceling": Stage.RUNNING,
    "waiting_for_callback": Stage.RUNNING,
    "preparing": Stage.QUEUED,
    "pending": Stage.QUEUED,
    "created": Stage.QUEUED,
    "waiting_for_resource": Stage.QUEUED,
    "scheduled": Stage.SCHEDULED,
    "manual": Stage.WAITING,
    "success": Stage.ENDED,
    "failed": Stage.ENDED,
    "canceled": Stage.ENDED,
}
_UNDER_WAY = ("running", "pending", "created", "waiting_for_resource", "manual", "preparing", "scheduled", "canceling")
_LONG_KNOWN = 5
"""How many of those every version of GitLab takes; it refuses the whole question for a name that it does not know."""

_DONE = ("success", "failed", "canceled")
_CUT = frozenset({"job_execution_timeout", "stuck_or_timeout_failure", "no_updates_timeout"})
_LOST = frozenset(
    {"runner_system_failure", "stuck_or_timeout_failure", "unknown_failure", "stale_schedule", "scheduler_failure"}
)
_HOSTED = re.compile(r"\.runners-manager\.gitlab\.com\b")
_OLD = timedelta(days=7)
"""From here on a job that waits for somebody is not next in line: such jobs are never cleaned up."""

_LONGEST_JOB = timedelta(days=1)
_BAD_REQUEST = 400


class GitLab:
    """The jobs of one project.

    Args:
        remote: The project.
        transport: The way to ask its host.
        pipeline: The checkout's `.gitlab-ci.yml`, or None.
    """

    key = "gitlab"

    def __init__(self, remote: Remote, transport: Transport, pipeline: Workflow | None = None) -> None:
        self._remote = remote
        self._api = Api(transport, rights=RIGHTS)
        self._logs = Logs(self._log)
        self._pipeline = pipeline
        self._project = ""

    @property
    def name(self) -> str:
        """What is asked."""
        return f"GitLab CI of {self._remote.path}" + ("" if self._remote.host == GITLAB else f" ({self._remote.host})")

    def ask(self, question: Question) -> Report:
        """Jobs that are under way or in line, and those that ran when the lock was taken."""
        self._api.begin()
        notes: list[str] = []
        if not self._project:
            self._project = text(self._api.get(f"projects/{quote(self._remote.path, safe='')}"), "id")
        nodes = [*self._under_way(question, notes), *self._ended(question, notes)]
        by_id = {text(node, "id"): node for node in nodes}
        jobs = [self._job(node) for node in by_id.values()]
        jobs += self._scheduled(notes)
        filled, unread = with_logs(jobs, question, self._api.skew, self._logs)
        return Report(
            system=self.key,
            place=self.name,
            source=f"GET projects/{self._project}/jobs, traces and pipeline_schedules, by {self._api.transport.login}",
            jobs=filled,
            skew=self._api.skew,
            notes=(*notes, *unread),
        )

    def _under_way(self, question: Question, notes: list[str]) -> list[Mapping[str, Any]]:
        try:
            found = list(self._listed(_UNDER_WAY, 3, notes))
        except NotAskedError as error:
            if error.status != _BAD_REQUEST:
                raise
            found = list(self._listed(_UNDER_WAY[:_LONG_KNOWN], 3, notes))
        return [node for node in found if not self._is_stale(node, question)]

    def _is_stale(self, node: Mapping[str, Any], question: Question) -> bool:
        created = moment(node, "created_at")
        waiting = text(node, "status") in {"manual", "created"}
        return waiting and created is not None and created < question.now - _OLD

    def _ended(self, question: Question, notes: list[str]) -> Iterator[Mapping[str, Any]]:
        """Jobs that ended at the time of the lock or since; the list goes back until well before it."""
        created = question.holder.created
        if created is None:
            return
        earliest = created - slack(question.holder, self._api.skew)
        for node in self._listed(_DONE, 5, notes, until=earliest - _LONGEST_JOB):
            ended = moment(node, "finished_at")
            if ended is None or ended >= earliest:
                yield node

    def _listed(
        self, scopes: tuple[str, ...], most: int, notes: list[str], until: Any = None
    ) -> Iterator[Mapping[str, Any]]:
        params = [*(("scope[]", scope) for scope in scopes), ("per_page", "100")]
        for page in self._api.pages(f"projects/{self._project}/jobs", params, most=most):
            if page is None:
                notes.append(f"there are more than {most * 100} jobs {scopes[0]} or the like; older ones were left out")
                return
            found = items(page)
            yield from found
            oldest = min((made for node in found if (made := moment(node, "created_at"))), default=None)
            if until is not None and oldest is not None and oldest < until:
                return

    def _job(self, node: Mapping[str, Any]) -> Job:
        status, reason = text(node, "status"), text(node, "failure_reason")
        stage = _STAGES.get(status, Stage.RUNNING)
        runner, manager = inner(node, "runner"), inner(node, "runner_manager")
        hosted = self._remote.host == GITLAB and _HOSTED.search(text(runner, "description")) is not None
        name, identifier = text(node, "name") or "a job", text(node, "id")
        hold, undo = self._hold(node, stage)
        return Job(
            name=name,
            stage=stage,
            run=text(inner(node, "pipeline"), "id"),
            id=identifier,
            definition=self._pipeline.defining(name) if self._pipeline else None,
            branch=text(node, "ref"),
            actor=text(inner(node, "user"), "username"),
            result=f"{status}: {reason}" if reason else status,
            cut=status == "canceled" or reason in _CUT,
            started=moment(node, "started_at"),
            ended=moment(node, "finished_at") if stage is Stage.ENDED else None,
            runner=Runner.SINGLE_USE if hosted else Runner.LASTING if runner else Runner.UNKNOWN,
            host=tuple(filter(None, (text(runner, "description"), text(manager, "system_id")))),
            unlike=rf".*@runner-.*-project-(?!{re.escape(self._project)}-)\d+-concurrent-.*",
            lost=reason in _LOST,
            doubt=_doubt(node, stage),
            url=text(node, "web_url"),
            hold=hold,
            undo=undo,
            starts=_starts(node, status),
        )

    def _hold(self, node: Mapping[str, Any], stage: Stage) -> tuple[str, str]:
        identifier = text(node, "id")
        if stage not in {Stage.QUEUED, Stage.SCHEDULED} or not identifier.isdigit():
            return "", ""
        path = f"projects/{self._project}/jobs/{identifier}"
        command = f"glab api --hostname {self._remote.host} --method POST"
        return f"{command} {path}/cancel", f"{command} {path}/retry"

    def _scheduled(self, notes: list[str]) -> Iterator[Job]:
        """The project's active schedules. Every job of the pipeline may come with one."""
        try:
            nodes = items(self._api.get(f"projects/{self._project}/pipeline_schedules", [("scope", "active")]))
        except NotAskedError as error:
            notes.append(f"the schedules could not be read: {error.sentence}")
            return
        for node in nodes:
            identifier = text(node, "id")
            if node.get("active") is False or not identifier.isdigit():
                continue
            path = f"projects/{self._project}/pipeline_schedules/{identifier}"
            command = f"glab api --hostname {self._remote.host} --method PUT {path} --field"
            when = f"at {one_line(text(node, 'next_run_at'), 40)}" if text(node, "next_run_at") else "at its time"
            yield Job(
                name=text(node, "description") or f"schedule {identifier}",
                stage=Stage.SCHEDULED,
                definition=self._pipeline.text if self._pipeline else None,
                branch=text(node, "ref"),
                hold=f"{command} active=false",
                undo=f"{command} active=true",
                starts=f"starts {when} on its schedule “{one_line(text(node, 'cron'), 40)}”",
            )

    def _log(self, job: Job) -> str:
        return self._api.log(f"projects/{self._project}/jobs/{job.id}/trace")


def _doubt(node: Mapping[str, Any], stage: Stage) -> str:
    """What contradicts that a job is in progress: its runner is away, or its pipeline has ended."""
    if stage is not Stage.RUNNING:
        return ""
    runner, pipeline = inner(node, "runner"), text(inner(node, "pipeline"), "status")
    if text(runner, "status") in {"offline", "stale"} or runner.get("online") is False:
        return "the job is said to be running, and its runner to be offline"
    if pipeline in {"canceled", "failed", "success", "skipped"}:
        return f"the job is said to be running, and its pipeline to be {pipeline}"
    return ""


def _starts(node: Mapping[str, Any], status: str) -> str:
    if status == "waiting_for_resource":
        return "starts as soon as its resource group is free"
    if status == "manual":
        return "starts when somebody plays it"
    if status == "scheduled":
        return "starts by itself after its delay"
    if status == "created":
        return "starts by itself after the stages before it"
    return "starts as soon as a runner is free" if status in {"pending", "preparing"} and node else ""
