"""CircleCI.

Written after CircleCI's API v2 (project pipelines, their workflows, their jobs); not tried against the service. That
API gives no logs and no runner of a job, so an ended job says nothing here; what runs and what waits does. What one job
printed is told by API v1.1 alone (`steps[].actions[].output_url`, a signed address that needs no token).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from tuirunbook.core.ci import Job, Report, Stage
from tuirunbook.evidence.ci.definitions import Workflow
from tuirunbook.evidence.ci.reading import at_once, inner, items, moment, text
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, Http, NotAskedError, Transport

_TOKENS = ("CIRCLECI_CLI_TOKEN", "CIRCLE_TOKEN")
_HOW = "Set CIRCLE_TOKEN to a personal API token."
_HOSTS = {"github.com": "gh", "bitbucket.org": "bb"}
_STAGES = {
    "running": Stage.RUNNING,
    **dict.fromkeys(("queued", "not_running", "blocked"), Stage.QUEUED),
    "on_hold": Stage.WAITING,
    **dict.fromkeys(
        ("success", "failed", "infrastructure_fail", "timedout", "canceled", "terminated-unknown"), Stage.ENDED
    ),
}
_CUT = frozenset({"canceled", "timedout", "terminated-unknown"})
_BACK = timedelta(days=2)
_MOST_PIPELINES = 20
_MOST_PAGES = 10
FAILED = _CUT | {"failed", "infrastructure_fail"}
"""How a job is marked that did not end well."""


def from_environment(environ: Mapping[str, str], version: str = "v2") -> Transport:
    """The way to ask circleci.com, by this version of its API.

    Raises:
        NotAskedError: There is no token.
    """
    for variable in _TOKENS:
        if secret := environ.get(variable):
            return Http(f"https://circleci.com/api/{version}", {"Circle-Token": secret}, login=variable, renew=_HOW)
    raise NotAskedError("there is no login for CircleCI", _HOW)


class CircleCi:
    """The pipelines of one repository.

    Args:
        remote: The repository.
        transport: The way to ask.
        config: The checkout's `.circleci/config.yml`, or None.
    """

    key = "circleci"

    def __init__(self, remote: Remote, transport: Transport, config: Workflow | None = None) -> None:
        self._api = Api(transport, rights="to see the project")
        self._remote = remote
        self._config = config

    @property
    def name(self) -> str:
        """What is asked."""
        return f"CircleCI of {self._remote.path}"

    def ask(self, question: Question) -> Report:
        """The jobs of recent pipelines."""
        self._api.begin()
        notes: list[str] = []
        pipelines = list(self._pipelines(question, notes))
        found = at_once(self._jobs, pipelines[:_MOST_PIPELINES])
        if len(pipelines) > _MOST_PIPELINES:
            notes.append(f"only the {_MOST_PIPELINES} latest of {len(pipelines)} pipelines were looked into")
        return Report(
            system=self.key,
            place=self.name,
            source=f"GET project pipelines, workflows and jobs, by {self._api.transport.login}",
            jobs=tuple(job for several in found for job in several),
            skew=self._api.skew,
            notes=tuple(notes),
        )

    def _pipelines(self, question: Question, notes: list[str]) -> Iterator[Mapping[str, Any]]:
        slug = _HOSTS.get(self._remote.host)
        if slug is None:
            how = "Look there yourself: its projects are known by IDs only, which no checkout tells."
            raise NotAskedError(f"CircleCI cannot be asked about a repository on {self._remote.host}", how)
        since = (question.holder.created or question.now) - _BACK
        page_token = ""
        for _ in range(3):
            params = [("page-token", page_token)] if page_token else []
            page = self._api.get(f"project/{slug}/{self._remote.path}/pipeline", params)
            for pipeline in items(page, "items"):
                made = moment(pipeline, "created_at")
                if made is not None and made < since:
                    return
                yield pipeline
            page_token = text(page, "next_page_token") if isinstance(page, Mapping) else ""
            if not page_token:
                return
        notes.append("there are more pipelines than were read; older ones were left out")

    def _jobs(self, pipeline: Mapping[str, Any]) -> list[Job]:
        found = []
        for workflow in listed(self._api, f"pipeline/{text(pipeline, 'id')}/workflow"):
            nodes = listed(self._api, f"workflow/{text(workflow, 'id')}/job")
            found += [job for node in nodes if (job := self._job(pipeline, workflow, node)) is not None]
        return found

    def _job(self, pipeline: Mapping[str, Any], workflow: Mapping[str, Any], node: Mapping[str, Any]) -> Job | None:
        stage = _STAGES.get(text(node, "status"))
        if stage is None:
            return None
        name, slug, number = text(node, "name") or "a job", text(workflow, "project_slug"), text(pipeline, "number")
        hold, undo = _hold(text(workflow, "id")) if stage in {Stage.QUEUED, Stage.WAITING} else ("", "")
        return Job(
            name=name,
            stage=stage,
            run=number,
            id=text(node, "id"),
            definition=self._config.defining(name) if self._config else None,
            branch=text(inner(pipeline, "vcs"), "branch"),
            result=text(node, "status"),
            cut=text(node, "status") in _CUT,
            lost=text(node, "status") == "infrastructure_fail",
            started=moment(node, "started_at"),
            ended=moment(node, "stopped_at") if stage is Stage.ENDED else None,
            url=f"https://app.circleci.com/pipelines/{slug}/{number}/workflows/{text(workflow, 'id')}" if slug else "",
            hold=hold,
            undo=undo,
            starts="starts after the jobs before it" if stage is Stage.QUEUED else "",
        )


def listed(api: Api, path: str) -> list[Mapping[str, Any]]:
    """Every page of a list.

    Raises:
        NotAskedError: It was refused, or has no end.
    """
    found: list[Mapping[str, Any]] = []
    params: list[tuple[str, str]] = []
    for _ in range(_MOST_PAGES):
        page = api.get(path, params)
        found += items(page, "items")
        token = text(page, "next_page_token") if isinstance(page, Mapping) else ""
        if not token:
            return found
        params = [("page-token", token)]
    raise NotAskedError(f"{api.transport.host} has more to tell than was read", "Look there yourself.")


def output(job: Mapping[str, Any]) -> str:
    """What a job of API v1.1 printed: its steps that failed, or all of them.

    Raises:
        NotAskedError: It cannot be read.
    """
    actions = [action for step in items(job, "steps") for action in items(step, "actions")]
    failed = [action for action in actions if action.get("failed") is True or text(action, "status") in FAILED]
    addresses = [address for action in failed or actions if (address := text(action, "output_url"))]
    return "\n".join(_printed(address) for address in addresses)


def _printed(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname != "127.0.0.1":
        raise NotAskedError("CircleCI keeps the output at an address that is not HTTPS")
    # Another host than CircleCI's own: the token is not for it.
    api = Api(Http(f"{parts.scheme}://{parts.netloc}", {}, login="nobody", renew=_HOW), rights="nothing")
    return "".join(text(piece, "message") for piece in items(api.get(address)))


def _hold(workflow: str) -> tuple[str, str]:
    if not workflow.replace("-", "").isalnum():
        return "", ""
    curl = 'curl --request POST --header "Circle-Token: $CIRCLE_TOKEN" https://circleci.com/api/v2/workflow/'
    return f"{curl}{workflow}/cancel", f"{curl}{workflow}/rerun"
