"""Jenkins.

Written after Jenkins' remote access API (`api/json` with `tree`): `computer` lists what every executor runs now with
its node, `queue` what waits, `jobs[builds]` what ended. Not tried against a server. Builds of which Jenkins knows that
they checked out another repository are left out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.login import basic
from tuirunbook.evidence.ci.reading import Logs, items, moment, text, with_logs
from tuirunbook.evidence.ci.remote import Remote, parse_remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, Http, NotAskedError, Transport

_BUILD = "url,number,fullDisplayName,timestamp,duration,result,building,builtOn,actions[remoteUrls]"
_RUNNING = (
    f"computer[displayName,offline,executors[currentExecutable[{_BUILD}]],oneOffExecutors[currentExecutable[{_BUILD}]]]"
)
_QUEUE = "items[id,why,inQueueSince,task[name,url]]"
_MOST_BUILDS = 20
_LOST = ("ChannelClosedException", "Agent went offline during the build", "Cannot contact ", "was marked offline")


def from_environment(environ: Mapping[str, str]) -> Transport:
    """The way to ask the server of `JENKINS_URL`, as its command line program is told.

    Raises:
        NotAskedError: Something is not set.
    """
    url, user, secret = (environ.get(name, "") for name in ("JENKINS_URL", "JENKINS_USER_ID", "JENKINS_API_TOKEN"))
    how = "Set JENKINS_URL, JENKINS_USER_ID and JENKINS_API_TOKEN (user menu, Security, API token)."
    if not (url and user and secret):
        raise NotAskedError("there is no login for Jenkins", how)
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in {"localhost", "127.0.0.1"}:
        raise NotAskedError("JENKINS_URL is not HTTPS, so the token is not sent there", how)
    return Http(url, basic(user, secret), login="JENKINS_API_TOKEN", renew=how)


class Jenkins:
    """What a Jenkins server runs for one repository.

    Args:
        transport: The way to ask it.
        remote: The repository, where it is known.
    """

    key = "jenkins"

    def __init__(self, transport: Transport, remote: Remote | None = None) -> None:
        self._api = Api(transport, rights="to read jobs and nodes (Overall/Read, Job/Read)")
        self._logs = Logs(self._log)
        self._remote = remote

    @property
    def name(self) -> str:
        """What is asked."""
        return f"Jenkins at {self._api.transport.host}"

    def ask(self, question: Question) -> Report:
        """What runs, waits, and ran when the lock was taken."""
        self._api.begin()
        cut: list[str] = []
        jobs = [*self._running(), *self._queued(), *self._ended(question, cut)]
        filled, notes = with_logs(
            {job.url or job.name: job for job in jobs}.values(), question, self._api.skew, self._logs
        )
        filled = tuple(
            msgspec.structs.replace(job, lost=any(words in job.log for words in _LOST)) if job.log else job
            for job in filled
        )
        source = "GET computer, queue and jobs as api/json, consoleText, by JENKINS_API_TOKEN"
        return Report(
            system=self.key, place=self.name, source=source, jobs=filled, skew=self._api.skew, notes=(*cut, *notes)
        )

    def _running(self) -> Iterator[Job]:
        for node in items(self._api.get("computer/api/json", [("tree", _RUNNING)]), "computer"):
            host = text(node, "displayName")
            for executor in (*items(node, "executors"), *items(node, "oneOffExecutors")):
                build = executor.get("currentExecutable")
                if isinstance(build, Mapping) and self._is_ours(build):
                    job = self._job(build, host, Stage.RUNNING)
                    doubt = "the build is said to be running, and its node to be offline"
                    yield msgspec.structs.replace(job, doubt=doubt) if node.get("offline") is True else job

    def _queued(self) -> Iterator[Job]:
        for item in items(self._api.get("queue/api/json", [("tree", _QUEUE)]), "items"):
            task = item.get("task")
            if not isinstance(task, Mapping):
                continue
            url = text(task, "url").rstrip("/")
            # A token stands for itself: the shell of whoever copies the command fills it in.
            curl = 'curl --user "$JENKINS_USER_ID:$JENKINS_API_TOKEN" --request POST'
            yield Job(
                name=text(task, "name") or "a build",
                stage=Stage.QUEUED,
                url=url,
                starts=f"starts by itself ({one_line(text(item, 'why'), 100) or 'queued'})",
                hold=f"{curl} {shlex.quote(url + '/disable')}" if url else "",
                undo=f"{curl} {shlex.quote(url + '/enable')}" if url else "",
            )

    def _ended(self, question: Question, notes: list[str]) -> Iterator[Job]:
        builds = f"fullName,builds[{_BUILD}]{{0,{_MOST_BUILDS}}}"
        tree = f"jobs[{builds},jobs[{builds},jobs[{builds}]]]"
        pending = list(items(self._api.get("api/json", [("tree", tree)]), "jobs"))
        while pending:
            folder = pending.pop()
            pending += items(folder, "jobs")
            found = items(folder, "builds")
            if len(found) >= _MOST_BUILDS and _all_after(found, question):
                name = one_line(text(folder, "fullName"), 80)
                notes.append(f"only the {_MOST_BUILDS} latest builds of {name} were read, and all began after the lock")
            for build in found:
                if build.get("building") is False and self._is_ours(build):
                    yield self._job(build, text(build, "builtOn"), Stage.ENDED)

    def _is_ours(self, build: Mapping[str, Any]) -> bool:
        addresses = [
            one for action in items(build, "actions") for one in action.get("remoteUrls") or () if isinstance(one, str)
        ]
        return self._remote is None or not addresses or self._remote in map(parse_remote, addresses)

    def _job(self, build: Mapping[str, Any], host: str, stage: Stage) -> Job:
        started, duration = moment(build, "timestamp"), build.get("duration")
        ended = None
        if stage is Stage.ENDED and started is not None and isinstance(duration, int):
            ended = started + timedelta(milliseconds=duration)
        return Job(
            name=text(build, "fullDisplayName") or "a build",
            stage=stage,
            run=text(build, "number"),
            result=text(build, "result").lower(),
            cut=text(build, "result") in {"ABORTED", "NOT_BUILT"},
            started=started,
            ended=ended,
            runner=Runner.LASTING,
            host=(host,) if host else (),
            url=text(build, "url"),
        )

    def _log(self, job: Job) -> str:
        return self._api.log(job.url.rstrip("/") + "/consoleText")


def _all_after(builds: Sequence[Mapping[str, Any]], question: Question) -> bool:
    """Whether all these began after the lock was taken, so that one before them may be the holder."""
    created = question.holder.created
    began = [moment(build, "timestamp") for build in builds]
    return created is not None and all(one is None or one > created for one in began)
