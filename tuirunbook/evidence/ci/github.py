"""GitHub Actions.

Checked against GitHub's REST documentation and its published OpenAPI description (version 2022-11-28), not against the
service: `actions/runs` (`status`, `created`, `head_sha`), `actions/runs/{id}/jobs` (`filter=all` gives the jobs of
every attempt, each with its own start), `actions/jobs/{id}/logs` (redirects to the log), `actions/workflows`,
`check-runs/{id}/annotations`. A hosted runner's job has the group `GitHub Actions` with the ID 0; its machine is new
for each job and destroyed after it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tuirunbook.core.ci import Job, Report, Runner, Stage, match
from tuirunbook.core.ci.jobs import covers, slack
from tuirunbook.core.evidence import Match
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.definitions import Workflow
from tuirunbook.evidence.ci.login import GITHUB
from tuirunbook.evidence.ci.reading import Logs, at_once, inner, items, moment, text, with_logs
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, NotAskedError, Transport

RIGHTS = "to read Actions (the scope `repo`, or `actions: read`)"

_STAGES = {
    "in_progress": Stage.RUNNING,
    "queued": Stage.QUEUED,
    "pending": Stage.QUEUED,
    "requested": Stage.QUEUED,
    "waiting": Stage.WAITING,
    "completed": Stage.ENDED,
}
_ACTIVE = ("in_progress", "queued", "pending", "requested", "waiting")
_CUT = frozenset({"cancelled", "timed_out", "stale"})
_UNLIKE_HOSTED = r"(?!runner(?:admin)?@|.*\\runneradmin@)(?!.*@[0-9a-f]{12}\Z).+"
"""A hosted runner's jobs run as `runner`, or in a container, whose name is 12 hex digits."""

_LOST = ("lost communication", "has received a shutdown signal")
_BACK = timedelta(days=30)
"""For as long as this a run may be run again, as a new attempt of the same, old run."""

_MOST_RUNS = 30


class GitHub:
    """The Actions of one repository.

    Args:
        remote: The repository.
        transport: The way to ask its host.
        workflows: The checkout's workflow files by path.
    """

    key = "github"

    def __init__(self, remote: Remote, transport: Transport, workflows: Mapping[str, Workflow] | None = None) -> None:
        self._remote = remote
        self._api = Api(transport, rights=RIGHTS)
        self._logs = Logs(self._log)
        self._make = _Maker(remote, workflows or {})
        self._repository = f"repos/{remote.path}"
        self._ended: dict[tuple[str, str], list[Job]] = {}
        self._lost: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """What is asked."""
        return f"GitHub Actions of {self._remote.path}" + (
            "" if self._remote.host == GITHUB else f" ({self._remote.host})"
        )

    def ask(self, question: Question) -> Report:
        """Runs whose window can hold the lock, and runs that are under way or in line."""
        self._api.begin()
        notes: list[str] = []
        runs = self._runs(question, notes)
        relevant = [run for run in runs if self._could_matter(run, question)]
        folded = [self._whole(run, question) for run in runs if not self._could_matter(run, question)]
        if len(relevant) > _MOST_RUNS:
            notes.append(f"only the {_MOST_RUNS} latest of {len(relevant)} runs were looked into")
        found = at_once(lambda run: self._known_jobs(run, question, notes), relevant[:_MOST_RUNS])
        jobs = [job for several in found for job in several] + [job for job in folded if job]
        jobs += self._scheduled(notes)
        filled, unread = with_logs(jobs, question, self._api.skew, self._logs)
        filled = tuple(at_once(lambda job: self._seen(job, question), filled))
        return Report(
            system=self.key,
            place=self.name,
            source=f"GET {self._repository}/actions/runs, jobs and logs, by {self._api.transport.login}",
            jobs=filled,
            skew=self._api.skew,
            notes=tuple(dict.fromkeys((*notes, *unread))),
        )

    def _runs(self, question: Question, notes: list[str]) -> list[Mapping[str, Any]]:
        """Each run once, the latest first: under way now, and created before the lock was taken."""
        listed = at_once(lambda status: self._listed([("status", status)], 2, notes), _ACTIVE)
        found = [run for several in listed for run in several]
        if (created := question.holder.created) is not None:
            until = created + slack(question.holder, self._api.skew)
            window = f"{_second(until - _BACK)}..{_second(until)}"
            earliest = created - slack(question.holder, self._api.skew)
            found += [
                run
                for run in self._listed([("created", window)], 4, notes)
                if (moment(run, "updated_at") or until) >= earliest
            ]
        by_id = {text(run, "id"): run for run in reversed(found) if text(run, "id").isdigit()}
        return sorted(by_id.values(), key=lambda run: int(text(run, "id")), reverse=True)

    def _listed(self, params: list[tuple[str, str]], most: int, notes: list[str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        pages = self._api.pages(f"{self._repository}/actions/runs", [*params, ("per_page", "100")], most=most)
        for page in pages:
            if page is None:
                notes.append(
                    f"more than {most * 100} runs have {params[0][0]} {params[0][1]}; the older ones were left out"
                )
            found += items(page, "workflow_runs")
        return found

    def _could_matter(self, run: Mapping[str, Any], question: Question) -> bool:
        """Whether its jobs are worth asking for: what defines it may run terraform for this state."""
        whole = Job(name="", stage=Stage.QUEUED, definition=self._make.definition(run, ""))
        return match(whole, question.target).match is not Match.CANNOT_BE

    def _known_jobs(self, run: Mapping[str, Any], question: Question, notes: list[str]) -> list[Job]:
        """The jobs of a run; those of one that has ended are asked for once. One that refuses stands for itself."""
        key = (text(run, "id"), text(run, "updated_at"))
        if key in self._ended:
            return self._ended[key]
        try:
            jobs = self._jobs(run, question, notes)
        except NotAskedError as error:
            notes.append(f"the jobs of some runs could not be read: {error.sentence}")
            whole = self._whole(run, question)
            return [whole] if whole else []
        if text(run, "status") == "completed":
            self._ended[key] = jobs
        return jobs

    def _jobs(self, run: Mapping[str, Any], question: Question, notes: list[str]) -> list[Job]:
        """The jobs of all attempts of a run; the run itself where it has none, or none that explains its state."""
        found: list[Job] = []
        latest: list[Stage] = []
        path = f"{self._repository}/actions/runs/{text(run, 'id')}/jobs"
        for page in self._api.pages(path, [("filter", "all"), ("per_page", "100")], most=3):
            if page is None:
                notes.append(f"run {text(run, 'run_number')} has more than 300 jobs; not all were read")
            for node in items(page, "jobs"):
                if (job := self._make.of_job(node, run)) is not None:
                    found.append(job)
                if text(node, "run_attempt") == text(run, "run_attempt"):
                    latest.append(_STAGES.get(text(node, "status"), Stage.RUNNING))
        stage = _STAGES.get(text(run, "status"), Stage.RUNNING)
        if stage is Stage.ENDED or any(one in {stage, Stage.RUNNING} for one in latest):
            return found
        whole = self._whole(run, question)
        if whole is None:
            return found
        if stage is Stage.RUNNING and latest:
            if all(one is Stage.ENDED for one in latest):
                doubt = f"the run is said to be in progress, and all {len(latest)} of its jobs to have completed"
                whole = msgspec.structs.replace(whole, doubt=doubt)
            else:
                return found
        return [*found, whole]

    def _whole(self, run: Mapping[str, Any], question: Question) -> Job | None:
        """A run as one job, for what has not come to jobs; None when it ended."""
        stage = _STAGES.get(text(run, "status"), Stage.RUNNING)
        if stage is Stage.ENDED and not covers(self._make.of_run(run, stage), question.holder, self._api.skew):
            return None
        return self._make.of_run(run, stage)

    def _scheduled(self, notes: list[str]) -> list[Job]:
        """The workflows of the checkout that start at a time, unless they are disabled."""
        timed = {path: workflow for path, workflow in self._make.workflows.items() if workflow.schedules}
        if not timed:
            return []
        disabled: set[str] = set()
        try:
            for page in self._api.pages(f"{self._repository}/actions/workflows", [("per_page", "100")]):
                disabled |= {
                    _path(one) for one in items(page, "workflows") if text(one, "state").startswith("disabled")
                }
        except NotAskedError as error:
            notes.append(f"which workflows are disabled is not known: {error.sentence}")
        return [self._make.of_schedule(workflow) for path, workflow in timed.items() if path not in disabled]

    def _log(self, job: Job) -> str:
        if not job.id.isdigit():
            raise NotAskedError("the run has no job with a log")
        return self._api.log(f"{self._repository}/actions/jobs/{job.id}/logs")

    def _seen(self, job: Job, question: Question) -> Job:
        """A job on a hosted runner that failed at the time: did GitHub lose sight of its machine?"""
        at_the_time = job.stage is Stage.ENDED and covers(job, question.holder, self._api.skew)
        if not (
            at_the_time and job.runner is Runner.SINGLE_USE and job.result not in {"success", ""} and job.id.isdigit()
        ):
            return job
        if job.id not in self._lost:
            try:
                said = self._api.get(f"{self._repository}/check-runs/{job.id}/annotations")
            except NotAskedError:
                # Without them the machine is not known to be gone.
                return msgspec.structs.replace(job, runner=Runner.UNKNOWN)
            messages = " ".join(text(one, "message") for one in items(said))
            self._lost[job.id] = any(words in messages for words in _LOST)
        return msgspec.structs.replace(job, lost=self._lost[job.id])


class _Maker:
    """Makes jobs of what GitHub tells about runs and jobs, and of what the checkout tells about workflows."""

    def __init__(self, remote: Remote, workflows: Mapping[str, Workflow]) -> None:
        self.workflows = dict(workflows)
        self._remote = remote

    def of_run(self, run: Mapping[str, Any], stage: Stage) -> Job:
        """A run as one job."""
        name = text(run, "name", "display_title") or "a run"
        hold, undo = self._hold(run) if stage in {Stage.QUEUED, Stage.WAITING} else ("", "")
        return Job(
            name=name,
            stage=stage,
            run=text(run, "run_number", "id"),
            attempt=_number(text(run, "run_attempt")),
            definition=self.definition(run, ""),
            paths=self._paths(run),
            branch=text(run, "head_branch"),
            actor=text(inner(run, "actor"), "login"),
            result=text(run, "conclusion"),
            started=moment(run, "run_started_at", "created_at") if stage in {Stage.RUNNING, Stage.ENDED} else None,
            ended=moment(run, "updated_at") if stage is Stage.ENDED else None,
            url=text(run, "html_url"),
            hold=hold,
            undo=undo,
            starts="" if stage is not Stage.QUEUED else "starts as soon as its concurrency group or a runner is free",
        )

    def of_job(self, node: Mapping[str, Any], run: Mapping[str, Any]) -> Job | None:
        """A job; None for one that was skipped."""
        result = text(node, "conclusion")
        if result == "skipped":
            return None
        stage = _STAGES.get(text(node, "status"), Stage.RUNNING)
        hosted = _is_hosted(node)
        hold, undo = self._hold(run) if stage in {Stage.QUEUED, Stage.WAITING} else ("", "")
        runner = text(node, "runner_name")
        return Job(
            name=text(node, "name") or "a job",
            stage=stage,
            run=text(run, "run_number", "id"),
            id=text(node, "id"),
            attempt=_number(text(node, "run_attempt")),
            definition=self.definition(run, text(node, "name")),
            paths=self._paths(run),
            branch=text(run, "head_branch"),
            actor=text(inner(run, "triggering_actor"), "login") or text(inner(run, "actor"), "login"),
            result=result,
            cut=result in _CUT,
            started=moment(node, "started_at") if stage in {Stage.RUNNING, Stage.ENDED} else None,
            ended=moment(node, "completed_at"),
            runner=Runner.SINGLE_USE if hosted else Runner.LASTING if runner else Runner.UNKNOWN,
            host=(runner,) if runner and not hosted else (),
            unlike=_UNLIKE_HOSTED if hosted else "",
            url=text(node, "html_url") or text(run, "html_url"),
            hold=hold,
            undo=undo,
        )

    def definition(self, run: Mapping[str, Any], job: str) -> str | None:
        """What the checkout says about a job, or about the whole run."""
        workflow = self.workflows.get(_path(run))
        if workflow is None:
            return None
        return workflow.defining(job) if job else workflow.text

    def _paths(self, run: Mapping[str, Any]) -> tuple[str, ...]:
        workflow = self.workflows.get(_path(run))
        return workflow.paths.get(text(run, "event"), ()) if workflow else ()

    def _hold(self, run: Mapping[str, Any]) -> tuple[str, str]:
        number = text(run, "id")
        if not number.isdigit():
            return "", ""
        where = self._flag()
        return f"gh run cancel {number} {where}", f"gh run rerun {number} {where}"

    def _flag(self) -> str:
        host = "" if self._remote.host == GITHUB else f"{self._remote.host}/"
        return f"-R {shlex.quote(host + self._remote.path)}"

    def of_schedule(self, workflow: Workflow) -> Job:
        """A workflow that starts at a time."""
        file = shlex.quote(workflow.path.rpartition("/")[2])
        crons = ", ".join(f"“{one_line(cron, 40)}”" for cron in workflow.schedules[:3])
        return Job(
            name=workflow.path,
            stage=Stage.SCHEDULED,
            definition=workflow.text,
            hold=f"gh workflow disable {file} {self._flag()}",
            undo=f"gh workflow enable {file} {self._flag()}",
            starts=f"starts on its schedule {crons} (UTC)",
        )


def failed_logs(api: Api, repository: str, run: str, attempt: str = "") -> Iterator[tuple[str, datetime | None]]:
    """The logs of the jobs of a run that failed, the latest first, with their ends."""
    within = f"attempts/{attempt}/" if attempt else ""
    page = api.get(f"repos/{repository}/actions/runs/{run}/{within}jobs", [("per_page", "100")])
    failed = [job for job in items(page, "jobs") if text(job, "conclusion") in {"failure", "cancelled", "timed_out"}]
    for job in sorted(failed, key=lambda one: text(one, "completed_at"), reverse=True):
        if text(job, "id").isdigit():
            yield api.log(f"repos/{repository}/actions/jobs/{text(job, 'id')}/logs"), moment(job, "completed_at")


def _is_hosted(node: Mapping[str, Any]) -> bool:
    """Whether GitHub's own machines ran it. Larger runners have groups of other names, and count as not known."""
    labels = node.get("labels")
    return (
        text(node, "runner_group_name") == "GitHub Actions"
        and node.get("runner_group_id") == 0
        and text(node, "runner_name").startswith("GitHub Actions")
        and not (isinstance(labels, list) and "self-hosted" in labels)
    )


def _path(run: Mapping[str, Any]) -> str:
    """The workflow's file; a run's may have `@ref` after it."""
    return text(run, "path").partition("@")[0]


def _number(digits: str) -> int:
    return int(digits) if digits.isdigit() else 1


def _second(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
