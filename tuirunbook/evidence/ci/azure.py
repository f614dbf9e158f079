"""Azure Pipelines.

Written after Azure DevOps' REST documentation (7.1: builds, timeline records, logs); not tried against the service. A
job on Microsoft's own pool gets a machine that is discarded after it. `az rest` asks when `az` is logged in.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.ci.jobs import slack
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.definitions import Workflow
from tuirunbook.evidence.ci.login import basic
from tuirunbook.evidence.ci.reading import Logs, at_once, inner, items, moment, text, with_logs
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import (
    MOST_BYTES,
    TIMEOUT,
    Answer,
    Api,
    Http,
    NotAskedError,
    Params,
    Transport,
)

HOST = "dev.azure.com"
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"
"""Azure DevOps, as Entra ID calls it."""

_HOW = "Run `az login`, or set AZURE_DEVOPS_EXT_PAT to a personal access token with Build (read)."
_VERSION = ("api-version", "7.1")
_STAGES = {"pending": Stage.QUEUED, "inProgress": Stage.RUNNING, "completed": Stage.ENDED}
_BUILDS = {**_STAGES, "notStarted": Stage.QUEUED, "postponed": Stage.QUEUED, "cancelling": Stage.RUNNING}
_LOST = ("stopped hearing from agent", "lost communication", "received a shutdown signal")
_LONGEST = timedelta(days=2)
_MOST_BUILDS = 20
_PAGE = 100


class Az:
    """Through `az rest`, which prints the body alone."""

    def __init__(self, program: str, environ: Mapping[str, str], base: str) -> None:
        self._program = program
        self._environ = dict(environ)
        self._base = base
        self.host = HOST
        self.login = "az"
        self.renew = "Run `az login`."

    def send(self, path: str, params: Params = (), *, timeout: float = TIMEOUT) -> Answer:
        """The body of a GET."""
        if "://" in path and not path.startswith(f"https://{HOST}/"):
            raise NotAskedError(f"{HOST} named a page on another host")
        url = path if "://" in path else f"{self._base}/{path}"
        url += f"?{urlencode(list(params))}" if params else ""
        command = [self._program, "rest", "--method", "get", "--resource", RESOURCE, "--url", url]
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
            try:
                ran = subprocess.run(  # noqa: S603 - an argument list
                    command,
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=complained,
                    # az itself takes two seconds to start.
                    timeout=timeout + 5,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                raise NotAskedError(f"{HOST} did not answer through az", "Ask again later.") from None
            said.seek(0)
            complained.seek(0)
            if ran.returncode != 0:
                why = one_line(complained.read(4000).decode("utf-8", "replace"), 300)
                raise NotAskedError(f"az could not ask {HOST}: {why}", self.renew)
            body = said.read(MOST_BYTES + 1)
            return Answer(status=200, headers={}, body=body[:MOST_BYTES], cut=len(body) > MOST_BYTES)


def connect(organisation: str, environ: Mapping[str, str]) -> Transport:
    """The way to ask an organisation.

    Raises:
        NotAskedError: There is no login.
    """
    base = f"https://{HOST}/{quote(organisation, safe='')}"
    if secret := environ.get("AZURE_DEVOPS_EXT_PAT"):
        return Http(base, basic("", secret), login="AZURE_DEVOPS_EXT_PAT", renew=_HOW)
    program = shutil.which("az", path=environ.get("PATH"))
    if program is not None and _logged_in(program, environ):
        return Az(program, environ, base)
    raise NotAskedError(f"there is no login for {HOST}", _HOW)


def _logged_in(program: str, environ: Mapping[str, str]) -> bool:
    try:
        asked = subprocess.run(  # noqa: S603 - an argument list of our own
            [program, "account", "show", "--output", "none"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT + 5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


class Azure:
    """The pipelines of one project, for one repository.

    Args:
        remote: `organisation/project/repository` on dev.azure.com.
        transport: The way to ask the organisation.
        config: The checkout's `azure-pipelines.yml`, or None.
    """

    key = "azure"

    def __init__(self, remote: Remote, transport: Transport, config: Workflow | None = None) -> None:
        self._api = Api(transport, rights="to read builds (Build: read)")
        self._logs = Logs(self._log)
        self._organisation, _, rest = remote.path.partition("/")
        self._project, _, self._repository = rest.partition("/")
        self._path = f"{quote(self._project, safe='')}/_apis/build/builds"
        self._config = config

    @property
    def name(self) -> str:
        """What is asked."""
        return f"Azure Pipelines of {self._organisation}/{self._project}"

    def ask(self, question: Question) -> Report:
        """Builds under way, and those queued in the days before the lock was taken, with their jobs."""
        self._api.begin()
        under_way = [("statusFilter", "inProgress,notStarted,postponed,cancelling"), ("$top", str(_PAGE)), _VERSION]
        builds = list(items(self._api.get(self._path, under_way), "value"))
        full = len(builds) >= _PAGE
        if (created := question.holder.created) is not None:
            widened = slack(question.holder, self._api.skew)
            window = [
                ("minTime", _second(created - _LONGEST)),
                ("maxTime", _second(created + widened)),
                ("queryOrder", "queueTimeDescending"),
                ("$top", str(_PAGE)),
                _VERSION,
            ]
            ended = items(self._api.get(self._path, window), "value")
            full = full or len(ended) >= _PAGE
            builds += [build for build in ended if (moment(build, "finishTime") or created) >= created - widened]
        notes: list[str] = []
        found = {text(build, "id"): build for build in builds if self._is_ours(build) and text(build, "id").isdigit()}
        latest = sorted(found.values(), key=lambda build: int(text(build, "id")), reverse=True)
        if full:
            notes.append(f"there may be more than {_PAGE} builds; older ones were left out")
        if len(latest) > _MOST_BUILDS:
            notes.append(f"only the {_MOST_BUILDS} latest builds were looked into")
        several = at_once(lambda build: list(self._jobs(build)), latest[:_MOST_BUILDS])
        jobs = [job for some in several for job in some]
        filled, unread = with_logs(jobs, question, self._api.skew, self._logs)
        return Report(
            system=self.key,
            place=self.name,
            source=f"GET build/builds, timelines and logs, by {self._api.transport.login}",
            jobs=filled,
            skew=self._api.skew,
            notes=(*notes, *unread),
        )

    def _is_ours(self, build: Mapping[str, Any]) -> bool:
        name = text(inner(build, "repository"), "name").rpartition("/")[2]
        return not name or name.lower() == self._repository.lower()

    def _jobs(self, build: Mapping[str, Any]) -> Iterator[Job]:
        stage = _BUILDS.get(text(build, "status"), Stage.RUNNING)
        timeline = self._api.get(f"{self._path}/{text(build, 'id')}/timeline", [_VERSION])
        records = items(timeline, "records") if isinstance(timeline, Mapping) else ()
        jobs = [self._job(build, record) for record in records if text(record, "type") == "Job"]
        waiting = [
            one for one in records if text(one, "type") == "Checkpoint.Approval" and text(one, "state") == "inProgress"
        ]
        yield from jobs
        if waiting or (stage is not Stage.ENDED and not jobs):
            yield self._whole(build, Stage.WAITING if waiting else stage)

    def _whole(self, build: Mapping[str, Any], stage: Stage) -> Job:
        hold, undo = self._hold(build) if stage in {Stage.QUEUED, Stage.WAITING} else ("", "")
        return Job(
            name=text(inner(build, "definition"), "name") or "a build",
            stage=stage,
            run=text(build, "buildNumber", "id"),
            definition=self._config.text if self._config else None,
            branch=text(build, "sourceBranch"),
            started=moment(build, "startTime") if stage is Stage.RUNNING else None,
            url=text(inner(inner(build, "_links"), "web"), "href"),
            hold=hold,
            undo=undo,
        )

    def _job(self, build: Mapping[str, Any], record: Mapping[str, Any]) -> Job:
        stage, result = _STAGES.get(text(record, "state"), Stage.RUNNING), text(record, "result")
        worker, pool = text(record, "workerName"), inner(inner(build, "queue"), "pool")
        hosted = pool.get("isHosted") is True and bool(worker)
        messages = " ".join(text(issue, "message") for issue in items(record, "issues"))
        name = text(record, "name") or "a job"
        hold, undo = self._hold(build) if stage is Stage.QUEUED else ("", "")
        return Job(
            name=name,
            stage=stage,
            run=text(build, "buildNumber", "id"),
            id=f"{text(build, 'id')}/logs/{text(inner(record, 'log'), 'id')}",
            attempt=int(text(record, "attempt")) if text(record, "attempt").isdigit() else 1,
            definition=self._config.defining(name) if self._config else None,
            branch=text(build, "sourceBranch"),
            result=result,
            cut=result in {"canceled", "abandoned"},
            started=moment(record, "startTime") if stage is not Stage.QUEUED else None,
            ended=moment(record, "finishTime") if stage is Stage.ENDED else None,
            runner=Runner.SINGLE_USE if hosted else Runner.LASTING if worker else Runner.UNKNOWN,
            host=(worker,) if worker and not hosted else (),
            unlike=r"(?!vsts@|.*@[0-9a-f]{12}\Z).+" if hosted else "",
            lost=result == "abandoned" or any(words in messages for words in _LOST),
            url=text(inner(inner(build, "_links"), "web"), "href"),
            hold=hold,
            undo=undo,
        )

    def _hold(self, build: Mapping[str, Any]) -> tuple[str, str]:
        identifier, definition = text(build, "id"), text(inner(build, "definition"), "id")
        if not identifier.isdigit() or not definition.isdigit():
            return "", ""
        organisation = f"https://{HOST}/{quote(self._organisation, safe='')}"
        url = f"{organisation}/{self._path}/{identifier}?api-version=7.1"
        body = shlex.quote('{"status": "cancelling"}')
        hold = f"az rest --method patch --resource {RESOURCE} --url {shlex.quote(url)} --body {body}"
        where = f"--organization {organisation} --project {shlex.quote(self._project)}"
        branch = shlex.quote(text(build, "sourceBranch") or "main")
        return hold, f"az pipelines run --id {definition} --branch {branch} {where}"

    def _log(self, job: Job) -> str:
        if not job.id.replace("/logs/", "").isdigit() or job.id.endswith("/"):
            raise NotAskedError("it has no log")
        return self._api.log(f"{self._path}/{job.id}", [_VERSION])


def _second(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
