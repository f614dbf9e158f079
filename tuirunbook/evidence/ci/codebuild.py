"""AWS CodeBuild, with the credentials that the locks are read with.

Written after boto3's service description (`list_builds`, `batch_get_builds`); tested against moto. A build's container
is made for it and ends with it, except on a reserved fleet. Where the state's account is not the one that builds,
there is nothing to see, and that says nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tuirunbook.core.ci import Job, Report, Runner, Stage
from tuirunbook.core.ci.jobs import slack
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.reading import inner, items, text
from tuirunbook.evidence.ci.remote import Remote, parse_remote
from tuirunbook.evidence.ci.source import Question
from tuirunbook.evidence.ci.transport import NotAskedError

_CUT = frozenset({"STOPPED", "TIMED_OUT"})
_PLACES = frozenset({"TF_ROOT", "TF_WORKSPACE", "ROOT", "WORKING_DIR"})
_MOST_PAGES = 3


class CodeBuild:
    """The builds of one account and region, for one repository.

    Args:
        client: Makes boto3's client.
        region: The region, for people and commands.
        remote: The repository, where it is known.
    """

    key = "codebuild"

    def __init__(self, client: Callable[[], Any], region: str, remote: Remote | None = None) -> None:
        self._client = client
        self._region = region
        self._remote = remote
        self._skew = timedelta(0)

    @property
    def name(self) -> str:
        """What is asked."""
        return f"CodeBuild in {self._region}"

    def ask(self, question: Question) -> Report:
        """The latest builds: those under way, and those that ran when the lock was taken or since."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where CodeBuild is asked

        notes: list[str] = []
        try:
            builds = list(self._builds(question, notes))
        except ClientError as error:
            code = text(inner(error.response, "Error"), "Code")
            how = "It needs codebuild:ListBuilds and codebuild:BatchGetBuilds."
            raise NotAskedError(f"CodeBuild refused ({one_line(code, 80)})", how) from None
        except BotoCoreError as error:
            raise NotAskedError(f"CodeBuild cannot be asked ({one_line(str(error), 160)})", "Log in to AWS.") from None
        return Report(
            system=self.key,
            place=self.name,
            source=f"codebuild list-builds and batch-get-builds, region {self._region}",
            jobs=tuple(self._job(build) for build in builds if self._is_ours(build)),
            skew=self._skew,
            notes=tuple(notes),
        )

    def _builds(self, question: Question, notes: list[str]) -> Iterator[Mapping[str, Any]]:
        client, page_token = self._client(), ""
        created = question.holder.created
        for _ in range(_MOST_PAGES):
            more = {"nextToken": page_token} if page_token else {}
            listed = client.list_builds(sortOrder="DESCENDING", **more)
            self._skew = _skew(listed)
            earliest = created - slack(question.holder, self._skew) if created else question.now
            identifiers = listed.get("ids", [])
            found = items(client.batch_get_builds(ids=identifiers[:100]), "builds") if identifiers else ()
            yield from (one for one in found if _time(one, "endTime") is None or _time(one, "endTime") >= earliest)
            page_token = listed.get("nextToken", "")
            ended = [end for one in found if (end := _time(one, "endTime")) is not None]
            if not page_token or (len(ended) == len(found) and max(ended, default=earliest) < earliest):
                return
        notes.append("there are more builds than were read; older ones were left out")

    def _is_ours(self, build: Mapping[str, Any]) -> bool:
        address = parse_remote(text(inner(build, "source"), "location"))
        return self._remote is None or address is None or address == self._remote

    def _job(self, build: Mapping[str, Any]) -> Job:
        status, environment = text(build, "buildStatus"), inner(build, "environment")
        stage = (
            Stage.ENDED if build.get("buildComplete") is True or status not in {"", "IN_PROGRESS"} else Stage.RUNNING
        )
        if stage is Stage.RUNNING and text(build, "currentPhase") in {"SUBMITTED", "QUEUED"}:
            stage = Stage.QUEUED
        identifier = text(build, "id")
        region = shlex.quote(self._region)
        hold = f"aws codebuild stop-build --id {shlex.quote(identifier)} --region {region}"
        undo = f"aws codebuild retry-build --id {shlex.quote(identifier)} --region {region}"
        return Job(
            name=text(build, "projectName") or "a build",
            stage=stage,
            run=text(build, "buildNumber"),
            id=identifier,
            definition=_defined(build),
            branch=text(build, "sourceVersion"),
            actor=text(build, "initiator"),
            result=status.lower(),
            cut=status in _CUT,
            lost=status == "FAULT",
            started=_time(build, "startTime") if stage is not Stage.QUEUED else None,
            ended=_time(build, "endTime") if stage is Stage.ENDED else None,
            runner=Runner.LASTING if inner(environment, "fleet") else Runner.SINGLE_USE,
            unlike=r"(?!.*@[0-9a-f]{12}\Z|root@|codebuild-user@).+",
            url=text(inner(build, "logs"), "deepLink"),
            hold=hold if stage is Stage.QUEUED else "",
            undo=undo if stage is Stage.QUEUED else "",
        )


def _defined(build: Mapping[str, Any]) -> str | None:
    """An inline buildspec and the variables that say where terraform works; None for a buildspec in a file."""
    buildspec = text(inner(build, "source"), "buildspec")
    if "\n" not in buildspec:
        return None
    variables = [
        f"{text(one, 'name')}={text(one, 'value')}"
        for one in items(inner(build, "environment"), "environmentVariables")
        if text(one, "type") in {"", "PLAINTEXT"} and text(one, "name") in _PLACES
    ]
    return "\n".join([buildspec, *variables])


def _skew(answer: Mapping[str, Any]) -> timedelta:
    """AWS' clock minus this machine's, as an answer shows it."""
    try:
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return timedelta(0)
    return date - datetime.now(UTC).replace(microsecond=0)


def _time(build: Mapping[str, Any], name: str) -> Any:
    value = build.get(name)
    return value if isinstance(value, datetime) else None
