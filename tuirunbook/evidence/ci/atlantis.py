"""Atlantis.

Checked against Atlantis' documentation of `GET /api/locks` and `GET /status` (which need no login) and the routes of
its server (`POST /apply/lock`, `DELETE /apply/unlock`); not tried against one. Its project locks are not state locks:
one says that a pull request has a plan for a directory and workspace, which is who comes next.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.reading import items, text
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import Api, Http, NotAskedError, Transport


def from_environment(environ: Mapping[str, str]) -> tuple[Transport, str]:
    """The way to ask the server of `ATLANTIS_URL`, and its address.

    Raises:
        NotAskedError: It is not set.
    """
    url = environ.get("ATLANTIS_URL", "").rstrip("/")
    how = "Set ATLANTIS_URL to the server's address (atlantis server's --atlantis-url)."
    if urlsplit(url).scheme not in {"https", "http"}:
        raise NotAskedError("where Atlantis is, is not known", how)
    return Http(url, {}, login="nobody", renew=how), url


class Atlantis:
    """The plans that an Atlantis server keeps for one repository, and what it is doing.

    Args:
        transport: The way to ask.
        url: The server's address, for commands.
        remote: The repository.
    """

    key = "atlantis"

    def __init__(self, transport: Transport, url: str, remote: Remote | None) -> None:
        self._api = Api(transport, rights="nothing")
        self._url = url
        self._remote = remote

    @property
    def name(self) -> str:
        """What is asked."""
        return f"Atlantis at {self._api.transport.host}"

    def ask(self, question: Question) -> Report:
        """Its project locks for this root, and whether anything is under way."""
        self._api.begin()
        jobs, notes = list(self._plans(question)), []
        try:
            jobs += self._operations()
        except NotAskedError as error:
            notes.append(f"what it is doing now is not known: {error.sentence}")
        return Report(
            system=self.key,
            place=self.name,
            source="GET api/locks and status",
            jobs=tuple(jobs),
            skew=self._api.skew,
            notes=tuple(notes),
        )

    def _plans(self, question: Question) -> Iterator[Job]:
        for lock in items(self._api.get("api/locks"), "Locks"):
            repository = text(lock, "ProjectRepo")
            if self._remote is not None and repository and repository != self._remote.path:
                continue
            path, workspace = text(lock, "ProjectRepoPath").removeprefix("./"), text(lock, "Workspace")
            directory = "" if path == "." else path
            named = directory == question.target.root and workspace == question.target.workspace
            if not named and directory in {question.target.root, *question.target.others}:
                continue
            number = one_line(text(lock, "PullID"), 20)
            hold = f"curl --request POST {shlex.quote(self._url + '/apply/lock')}"
            undo = f"curl --request DELETE {shlex.quote(self._url + '/apply/unlock')}"
            yield Job(
                name=f"plan of pull request {number} ({directory or '.'}, {workspace})",
                stage=Stage.WAITING,
                actor=text(lock, "User"),
                url=text(lock, "PullURL"),
                hold=hold,
                undo=undo,
                starts=f"starts when somebody comments `atlantis apply` on pull request {number}",
            )

    def _operations(self) -> Iterator[Job]:
        status: Any = self._api.get("status")
        number = status.get("in_progress_operations") if isinstance(status, Mapping) else None
        if isinstance(number, int) and number > 0:
            yield Job(
                name="an operation of Atlantis, of whichever repository",
                stage=Stage.RUNNING,
                runner=Runner.LASTING,
                url=self._url,
            )
