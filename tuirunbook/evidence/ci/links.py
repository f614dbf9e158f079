"""The log behind the address of a run, a job or a pull request.

The token goes where the rules of `login` let it go, whatever host the address names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from tuirunbook.core.diagnosis import Kind, diagnose
from tuirunbook.evidence.ci import azure, buildkite, circleci, github, gitlab, jenkins, login
from tuirunbook.evidence.ci.reading import inner, items, moment, text
from tuirunbook.evidence.ci.transport import Api, NotAskedError, Transport

_GITHUB_RUN = re.compile(r"/([\w.-]+/[\w.-]+)/actions/runs/(\d+)(?:/attempts/(\d+))?(?:/jobs?/(\d+))?(?:/.*)?")
_GITHUB_CHECK = re.compile(r"/([\w.-]+/[\w.-]+)/runs/(\d+)")
_GITHUB_PULL = re.compile(r"/([\w.-]+/[\w.-]+)/pull/(\d+)(?:/.*)?")
_GITLAB = re.compile(r"/([\w./-]+?)/-/(jobs|pipelines|merge_requests)/(\d+)(?:/.*)?")
_BUILDKITE = re.compile(r"/([\w-]+)/([\w-]+)/builds/(\d+)(?:/.*)?")
_AZURE = re.compile(r"/([^/]+)/([^/]+)/_build(?:/.*)?")
_CIRCLECI_HOSTS = frozenset({"circleci.com", "app.circleci.com"})
_CIRCLECI = re.compile(
    r"(?:/pipelines)?/(gh|github|bb|bitbucket)/([\w.-]+/[\w.-]+)/\d+(?:/workflows/([\w-]+)(?:/jobs/(\d+))?)?(?:/.*)?"
)
_CIRCLECI_JOB = re.compile(r"/(gh|github|bb|bitbucket)/([\w.-]+/[\w.-]+)/(\d+)")
_NO_CAUSE = frozenset({Kind.NOT_A_LOCK_ERROR, Kind.UNKNOWN})
_MOST_LOGS = 6

Printed = tuple[str, datetime | None]
Connect = Callable[[str, Mapping[str, str]], Transport]
ToCircleCi = Callable[[Mapping[str, str], str], Transport]


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A log, when its job ended (by the CI system's clock), and where it is from."""

    text: str
    ended_at: datetime | None
    link: str


def fetch(
    link: str,
    environ: Mapping[str, str],
    *,
    to_github: Connect = login.github,
    to_gitlab: Connect = login.gitlab,
    to_circleci: ToCircleCi = circleci.from_environment,
) -> Fetched:
    """The log behind an address: of several that failed, the latest that tells of a lock.

    Raises:
        NotAskedError: It is none that is known, or cannot be read; what to do is said.
    """
    parts = urlsplit(link.strip())
    if parts.scheme != "https" and not (
        parts.scheme == "http" and environ.get("JENKINS_URL", "").startswith("http://")
    ):
        raise NotAskedError(f"{link} is not an HTTPS address", "Give the address of a run, or a file with its log.")
    host = parts.netloc.rpartition("@")[2].lower()
    path = parts.path.rstrip("/")
    if host in _CIRCLECI_HOSTS:
        logs = _circleci(to_circleci, environ, path)
    else:
        logs = _logs(host, path, parts, environ, to_github, to_gitlab)
    if logs is None:
        raise NotAskedError(
            f"{link} is not the address of a run, job or pull request that is known here",
            "Save the log to a file and give that.",
        )
    printed = _telling(logs)
    if printed is None:
        raise NotAskedError(f"no job behind {link} has failed and has a log", "Give the address of the job itself.")
    return Fetched(text=printed[0], ended_at=printed[1], link=link.strip())


def _logs(
    host: str, path: str, parts: Any, environ: Mapping[str, str], to_github: Connect, to_gitlab: Connect
) -> Iterator[Printed] | None:
    if found := _GITLAB.fullmatch(path):
        return _gitlab(Api(to_gitlab(host, environ), rights=gitlab.RIGHTS), found)
    if host == "buildkite.com" and (found := _BUILDKITE.fullmatch(path)):
        transport, _ = buildkite.from_environment({"BUILDKITE_ORGANIZATION_SLUG": found[1], **environ})
        return _buildkite(Api(transport, rights="to read builds and their logs"), found, parts.fragment)
    if (url := environ.get("ATLANTIS_URL", "")) and host == urlsplit(url).netloc.lower():
        raise NotAskedError("Atlantis gives no log to programs", "Paste its comment on the pull request instead.")
    if host == azure.HOST and (found := _AZURE.fullmatch(path)):
        number = next(iter(parse_qs(parts.query).get("buildId", [])), "")
        api = Api(azure.connect(unquote(found[1]), environ), rights="to read builds")
        return _azure(api, unquote(found[2]), number) if number.isdigit() else None
    for pattern in (_GITHUB_RUN, _GITHUB_CHECK, _GITHUB_PULL):
        if found := pattern.fullmatch(path):
            return _github(Api(to_github(host, environ), rights=github.RIGHTS), pattern, found)
    if (url := environ.get("JENKINS_URL", "")) and host == urlsplit(url).netloc.lower():
        return _jenkins(Api(jenkins.from_environment(environ), rights="to read jobs"), parts)
    return None


def _telling(logs: Iterable[Printed]) -> Printed | None:
    """The first log that tells of a lock, else the first."""
    first: Printed | None = None
    for number, printed in enumerate(logs):
        first = first or printed
        if diagnose(printed[0]).kind not in _NO_CAUSE:
            return printed
        if number + 1 >= _MOST_LOGS:
            break
    return first


def _github(api: Api, pattern: re.Pattern[str], found: re.Match[str]) -> Iterator[Printed]:
    repository = found[1]
    if pattern is _GITHUB_PULL:
        head = text(inner(api.get(f"repos/{repository}/pulls/{found[2]}"), "head"), "sha")
        runs = api.get(f"repos/{repository}/actions/runs", [("head_sha", head), ("per_page", "50")])
        for run in sorted(items(runs, "workflow_runs"), key=lambda one: text(one, "updated_at"), reverse=True):
            if text(run, "conclusion") in {"failure", "cancelled", "timed_out"}:
                yield from github.failed_logs(api, repository, text(run, "id"))
        return
    job = found[4] if pattern is _GITHUB_RUN else found[2]
    if job is None:
        yield from github.failed_logs(api, repository, found[2], found[3] or "")
        return
    node = api.get(f"repos/{repository}/actions/jobs/{job}")
    yield api.log(f"repos/{repository}/actions/jobs/{job}/logs"), moment(node, "completed_at")


def _gitlab(api: Api, found: re.Match[str]) -> Iterator[Printed]:
    project, kind, number = f"projects/{quote(found[1], safe='')}", found[2], found[3]
    if kind == "jobs":
        yield api.log(f"{project}/jobs/{number}/trace"), moment(api.get(f"{project}/jobs/{number}"), "finished_at")
        return
    if kind == "merge_requests":
        pipelines = items(api.get(f"{project}/merge_requests/{number}/pipelines"))
        number = max(
            (text(one, "id") for one in pipelines), key=lambda one: int(one) if one.isdigit() else 0, default=""
        )
    if not number.isdigit():
        return
    scopes = [("scope[]", "failed"), ("scope[]", "canceled"), ("per_page", "100")]
    jobs = items(api.get(f"{project}/pipelines/{number}/jobs", scopes))
    for job in sorted(jobs, key=lambda one: text(one, "finished_at"), reverse=True):
        if text(job, "id").isdigit():
            yield api.log(f"{project}/jobs/{text(job, 'id')}/trace"), moment(job, "finished_at")


def _buildkite(api: Api, found: re.Match[str], fragment: str) -> Iterator[Printed]:
    place = f"organizations/{found[1]}/pipelines/{found[2]}/builds/{found[3]}"
    jobs = [job for job in items(api.get(place), "jobs") if text(job, "type") == "script"]
    wanted = [job for job in jobs if fragment and text(job, "id") == fragment]
    failed = [job for job in jobs if text(job, "state") in {"failed", "timed_out", "canceled"}]
    for job in wanted or sorted(failed, key=lambda one: text(one, "finished_at"), reverse=True):
        yield api.log(f"{place}/jobs/{quote(text(job, 'id'), safe='')}/log.txt"), moment(job, "finished_at")


def _circleci(to_circleci: ToCircleCi, environ: Mapping[str, str], path: str) -> Iterator[Printed] | None:
    """The jobs by API 1.1, which alone tells of their output; those of a workflow by API 2."""
    newer, older = (Api(to_circleci(environ, version), rights="to see the project") for version in ("v2", "v1.1"))
    if found := _CIRCLECI_JOB.fullmatch(path):
        return _circleci_jobs(older, found[1], found[2], [found[3]])
    found = _CIRCLECI.fullmatch(path)
    if found is None or found[3] is None:
        return None
    if found[4]:
        return _circleci_jobs(older, found[1], found[2], [found[4]])
    nodes = circleci.listed(newer, f"workflow/{found[3]}/job")
    failed = [node for node in nodes if text(node, "status") in circleci.FAILED]
    latest = sorted(failed, key=lambda one: text(one, "stopped_at"), reverse=True)
    return _circleci_jobs(older, found[1], found[2], [text(one, "job_number") for one in latest])


def _circleci_jobs(api: Api, kind: str, project: str, numbers: Iterable[str]) -> Iterator[Printed]:
    vcs = {"gh": "github", "bb": "bitbucket"}.get(kind, kind)
    for number in numbers:
        if number.isdigit():
            node = api.get(f"project/{vcs}/{project}/{number}")
            yield circleci.output(node), moment(node, "stop_time")


def _azure(api: Api, project: str, number: str) -> Iterator[Printed]:
    place, version = f"{quote(project, safe='')}/_apis/build/builds/{number}", [("api-version", "7.1")]
    records = items(api.get(f"{place}/timeline", version), "records")
    failed = [one for one in records if text(one, "type") == "Job" and text(one, "result") in {"failed", "canceled"}]
    for record in sorted(failed, key=lambda one: text(one, "finishTime"), reverse=True):
        if (log := text(inner(record, "log"), "id")).isdigit():
            yield api.log(f"{place}/logs/{log}", version), moment(record, "finishTime")


def _jenkins(api: Api, parts: Any) -> Iterator[Printed]:
    path = re.sub(r"/(?:console|consoleText|consoleFull|pipeline-console|display/redirect)?/?\Z", "", parts.path)
    yield api.log(f"{parts.scheme}://{parts.netloc}{path}/consoleText"), None
