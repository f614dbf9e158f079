"""Buildkite.

Checked against Buildkite's REST documentation (builds, jobs, logs; the states and timestamps of both), not against the
service. A job's agent tells its host name, which is the one that a lock carries.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.ci.jobs import slack
from tuirunbook.evidence.ci.login import token
from tuirunbook.evidence.ci.reading import Logs, inner, items, moment, text, with_logs
from tuirunbook.evidence.ci.remote import Remote, parse_remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, Http, NotAskedError, Transport

HOST = "api.buildkite.com"
_HOW = "an API access token with read_builds and read_build_logs, and BUILDKITE_ORGANIZATION_SLUG to your organisation"
_STAGES = {
    **dict.fromkeys(("running", "canceling", "timing_out", "accepted", "assigned"), Stage.RUNNING),
    **dict.fromkeys(("pending", "waiting", "scheduled", "limited"), Stage.QUEUED),
    "blocked": Stage.WAITING,
    **dict.fromkeys(("passed", "failed", "timed_out", "canceled"), Stage.ENDED),
}
_UNDER_WAY = ("running", "scheduled", "blocked", "canceling", "failing", "creating")
_LOST = frozenset({"agent_stop", "stack_error"})
_LONGEST = timedelta(days=2)


def from_environment(environ: Mapping[str, str]) -> tuple[Transport, str]:
    """The way to ask Buildkite, and the organisation.

    Raises:
        NotAskedError: Something is not set.
    """
    secret = token("Buildkite", "BUILDKITE_API_TOKEN", environ, what=_HOW)
    organisation = environ.get("BUILDKITE_ORGANIZATION_SLUG", "")
    if not organisation:
        raise NotAskedError("which organisation to ask at Buildkite is not known", "Set BUILDKITE_ORGANIZATION_SLUG.")
    headers = {"Authorization": f"Bearer {secret}"}
    transport = Http(
        f"https://{HOST}/v2", headers, login="BUILDKITE_API_TOKEN", renew=f"Set BUILDKITE_API_TOKEN to {_HOW}."
    )
    return transport, organisation


class Buildkite:
    """The builds of one repository in an organisation.

    Args:
        transport: The way to ask.
        organisation: The organisation's slug.
        remote: The repository.
    """

    key = "buildkite"

    def __init__(self, transport: Transport, organisation: str, remote: Remote | None) -> None:
        self._api = Api(transport, rights="to read builds and their logs (read_builds, read_build_logs)")
        self._organisation = organisation
        self._remote = remote
        self._places: dict[str, str] = {}
        self._logs = Logs(self._log)

    @property
    def name(self) -> str:
        """What is asked."""
        return f"Buildkite of {self._organisation}"

    def ask(self, question: Question) -> Report:
        """Builds that are under way, and those that ended since the lock was taken."""
        self._api.begin()
        notes: list[str] = []
        builds = self._listed([*(("state[]", state) for state in _UNDER_WAY)], notes)
        if (created := question.holder.created) is not None:
            widened = slack(question.holder, self._api.skew)
            since = created - widened
            window = [
                ("created_from", _second(since - _LONGEST)),
                ("created_to", _second(created + widened)),
                ("finished_from", _second(since)),
            ]
            builds += self._listed(window, notes)
        found = {text(build, "id"): build for build in builds if self._is_ours(build)}
        jobs = [job for build in found.values() for job in self._jobs(build)]
        filled, unread = with_logs(jobs, question, self._api.skew, self._logs)
        return Report(
            system=self.key,
            place=self.name,
            source=f"GET organizations/{self._organisation}/builds and job logs, by BUILDKITE_API_TOKEN",
            jobs=filled,
            skew=self._api.skew,
            notes=(*notes, *unread),
        )

    def _listed(self, params: list[tuple[str, str]], notes: list[str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        path = f"organizations/{self._organisation}/builds"
        wanted = [*params, ("include_retried_jobs", "true"), ("per_page", "100")]
        for page in self._api.pages(path, wanted, most=3):
            if page is None:
                notes.append("there are more than 300 builds; older ones were left out")
            found += items(page)
        return found

    def _is_ours(self, build: Mapping[str, Any]) -> bool:
        address = text(inner(build, "pipeline"), "repository")
        return self._remote is None or not address or parse_remote(address) == self._remote

    def _jobs(self, build: Mapping[str, Any]) -> Iterator[Job]:
        slug, number = text(inner(build, "pipeline"), "slug"), text(build, "number")
        place = f"organizations/{self._organisation}/pipelines/{slug}/builds/{number}"
        for node in items(build, "jobs"):
            stage = _STAGES.get(text(node, "state"))
            if stage is None or text(node, "type") not in {"script", "manual"}:
                continue
            if (identifier := text(node, "id")) and slug and number:
                self._places[identifier] = f"{place}/jobs/{identifier}/log.txt"
            yield self._job(build, node, stage, place)

    def _job(self, build: Mapping[str, Any], node: Mapping[str, Any], stage: Stage, place: str) -> Job:
        agent, state = inner(node, "agent"), text(node, "state")
        hold, undo = _hold(place) if stage in {Stage.QUEUED, Stage.WAITING} else ("", "")
        return Job(
            name=text(node, "name", "label", "step_key", "type") or "a job",
            stage=stage,
            run=text(build, "number"),
            id=text(node, "id"),
            definition=text(node, "command") or None,
            branch=text(build, "branch"),
            actor=text(inner(build, "creator"), "name"),
            result=state,
            cut=state in {"canceled", "timed_out"},
            started=moment(node, "started_at"),
            ended=moment(node, "finished_at") if stage is Stage.ENDED else None,
            runner=Runner.LASTING if agent else Runner.UNKNOWN,
            host=tuple(filter(None, (text(agent, "hostname"), text(agent, "name")))),
            lost=text(node, "signal_reason") in _LOST or text(node, "exit_status") == "-1",
            url=text(node, "web_url") or text(build, "web_url"),
            hold=hold,
            undo=undo,
            starts="starts when somebody unblocks it" if stage is Stage.WAITING else "",
        )

    def _log(self, job: Job) -> str:
        if job.id not in self._places:
            raise NotAskedError("it has no log")
        return self._api.log(self._places[job.id])


def _hold(place: str) -> tuple[str, str]:
    curl = 'curl --request PUT --header "Authorization: Bearer $BUILDKITE_API_TOKEN"'
    url = f"https://{HOST}/v2/{place}"
    return f"{curl} {shlex.quote(url + '/cancel')}", f"{curl} {shlex.quote(url + '/rebuild')}"


def _second(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
