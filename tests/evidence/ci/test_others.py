"""The smaller systems, on loopback servers that answer in their documented shapes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.evidence.ci.conftest import ADDRESS, NOW, TARGET, gather, next_in_line, stored
from tests.evidence.ci.serving import Asked, Reply, Serving, as_json, as_text, serving
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.evidence.ci import atlantis, azure, buildkite, circleci, jenkins
from tuirunbook.evidence.ci.codebuild import CodeBuild
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import CiSource, System
from tuirunbook.evidence.ci.transport import Http, NotAskedError

REMOTE = Remote("github.com", "acme/infra")
STARTED = int(datetime(2026, 11, 23, 9, 20, tzinfo=UTC).timestamp() * 1000)
END = "Terraform v1.11.4\nError: creating EC2\nApply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"


def http(served: Serving, prefix: str = "") -> Http:
    return Http(served.url + prefix, {"X-Test": "1"}, login="X_TOKEN", renew="Set X_TOKEN.")


def lines(system: System) -> dict[str, Any]:
    return {line.what: line for line in next_in_line(system)}


class TestJenkins:
    @pytest.fixture
    def served(self) -> Iterator[Serving]:
        def build(number: int, **fields: Any) -> dict[str, Any]:
            return {
                "url": f"{server.url}/job/deploy/{number}/",
                "number": number,
                "fullDisplayName": f"deploy » infra/prod #{number}",
                "timestamp": STARTED,
                "duration": 0,
                "result": None,
                "building": True,
                "actions": [{}, {"remoteUrls": ["git@github.com:acme/infra.git"]}],
            } | fields

        def answer(asked: Asked) -> Reply:
            match asked.path:
                case "/computer/api/json":
                    assert asked.one("tree").startswith("computer[")
                    other = build(4, actions=[{"remoteUrls": ["git@github.com:acme/app.git"]}])
                    node = {"displayName": "agent-3", "offline": True, "executors": [{"currentExecutable": build(3)}]}
                    busy = {
                        "displayName": "agent-4",
                        "oneOffExecutors": [{"currentExecutable": other}],
                        "executors": [{}],
                    }
                    return as_json({"computer": [node, busy]})
                case "/queue/api/json":
                    task = {"name": "nightly", "url": f"{server.url}/job/nightly/"}
                    return as_json({"items": [{"id": 1, "why": "Waiting for agent-3", "task": task}]})
                case "/api/json":
                    ended = build(2, building=False, result="FAILURE", duration=600_000, builtOn="agent-7")
                    return as_json({"jobs": [{"fullName": "f", "jobs": [{"fullName": "f/deploy", "builds": [ended]}]}]})
                case "/job/deploy/2/consoleText":
                    return as_text(END)
            return as_text("<html>no</html>", 404)

        with serving(answer) as server:
            yield server

    def test_a_running_build_blocks_and_its_offline_node_is_shown(self, served: Serving) -> None:
        found = gather(jenkins.Jenkins(http(served), REMOTE))["active"]
        assert found.says is Says.BLOCKS
        assert "deploy » infra/prod #3" in found.fact
        assert "its node to be offline" in found.fact
        assert "#4" not in found.fact

    def test_the_node_ties_a_build_to_the_lock_and_its_log_shows_the_end(self, served: Serving) -> None:
        found = gather(jenkins.Jenkins(http(served), REMOTE), stored("jenkins@agent-7"))["holder"]
        assert found.says is Says.SUPPORTS
        assert "it ran on the lock's host" in found.fact

    def test_a_queued_build_is_held_by_disabling_its_job(self, served: Serving) -> None:
        line = lines(jenkins.Jenkins(http(served), REMOTE))["nightly"]
        assert line.hold.endswith(f"{served.url}/job/nightly/disable")
        assert line.undo.endswith(f"{served.url}/job/nightly/enable")
        assert "Waiting for agent-3" in line.starts

    @pytest.mark.parametrize(("taken", "told"), [("2026-11-23T09:26:22Z", True), ("2026-11-23T09:59:00Z", False)])
    def test_builds_that_were_left_out_are_told_where_the_holder_may_be_among_them(
        self, served: Serving, taken: str, *, told: bool
    ) -> None:
        whole = served.answer
        began = int(datetime(2026, 11, 23, 9, 50, tzinfo=UTC).timestamp() * 1000)
        builds = [{"number": number, "building": False, "timestamp": began} for number in range(20)]
        served.answer = lambda asked: (
            as_json({"jobs": [{"fullName": "deploy", "builds": builds}]}) if asked.path == "/api/json" else whole(asked)
        )
        found = gather(jenkins.Jenkins(http(served), REMOTE), stored(created=taken))["asked"]
        assert ("only the 20 latest builds of deploy were read" in found.fact) is told

    def test_the_token_goes_over_https_only(self) -> None:
        environ = {"JENKINS_URL": "http://ci.acme.test", "JENKINS_USER_ID": "mo", "JENKINS_API_TOKEN": "t"}
        with pytest.raises(NotAskedError, match="not HTTPS"):
            jenkins.from_environment(environ)
        transport = jenkins.from_environment(environ | {"JENKINS_URL": "https://ci.acme.test/jenkins/"})
        assert isinstance(transport, Http)
        assert base64.b64decode(transport._headers["Authorization"].removeprefix("Basic ")) == b"mo:t"


class TestBuildkite:
    @pytest.fixture
    def served(self) -> Iterator[Serving]:
        def job(**fields: Any) -> dict[str, Any]:
            return {
                "id": "b63254c0",
                "type": "script",
                "name": "apply",
                "command": "terraform -chdir=infra/prod apply",
                "state": "failed",
                "exit_status": 1,
                "signal_reason": None,
                "started_at": "2026-11-23T09:20:00.000Z",
                "finished_at": "2026-11-23T09:39:00.000Z",
                "agent": {"name": "bk-1", "hostname": "ip-10-0-0-7"},
                "web_url": "https://buildkite.com/acme/deploy/builds/1#b63254c0",
            } | fields

        def build(
            number: int, *jobs: dict[str, Any], repository: str = "git@github.com:acme/infra.git"
        ) -> dict[str, Any]:
            pipeline = {"slug": "deploy", "repository": repository}
            return {"id": f"b{number}", "number": number, "pipeline": pipeline, "branch": "main", "jobs": list(jobs)}

        def answer(asked: Asked) -> Reply:
            if asked.path == "/v2/organizations/acme/builds":
                assert asked.one("include_retried_jobs") == "true"
                if asked.all("state[]"):
                    blocked = job(id="c1", type="manual", state="blocked", name="approve infra/prod", started_at=None)
                    other = build(9, job(state="running"), repository="git@github.com:acme/app.git")
                    return as_json([build(2, blocked), other])
                assert asked.one("finished_from")
                return as_json([build(1, job())])
            if asked.path == "/v2/organizations/acme/pipelines/deploy/builds/1/jobs/b63254c0/log.txt":
                return as_text(END)
            return as_json({"message": "Not found"}, 404)

        with serving(answer) as server:
            yield server

    def test_the_agents_host_ties_a_job_to_the_lock(self, served: Serving) -> None:
        found = gather(buildkite.Buildkite(http(served, "/v2"), "acme", REMOTE), stored("root@ip-10-0-0-7"))
        assert found["holder"].says is Says.SUPPORTS
        assert "it ran on the lock's host" in found["holder"].fact
        assert found["active"].says is Says.NOTHING

    def test_a_blocked_build_waits_for_somebody(self, served: Serving) -> None:
        (line,) = lines(buildkite.Buildkite(http(served, "/v2"), "acme", REMOTE)).values()
        assert line.starts == "starts when somebody unblocks it"
        assert line.hold.endswith("/v2/organizations/acme/pipelines/deploy/builds/2/cancel")
        assert line.undo.endswith("/rebuild")
        assert "$BUILDKITE_API_TOKEN" in line.hold

    def test_what_is_not_set_is_told(self) -> None:
        with pytest.raises(NotAskedError, match="Set BUILDKITE_API_TOKEN"):
            buildkite.from_environment({})
        with pytest.raises(NotAskedError, match="Set BUILDKITE_ORGANIZATION_SLUG"):
            buildkite.from_environment({"BUILDKITE_API_TOKEN": "t"})


class TestCircleCi:
    @pytest.fixture
    def served(self) -> Iterator[Serving]:
        pipelines = [
            {"id": f"p{number}", "number": number, "created_at": "2026-11-23T09:19:00Z", "vcs": {"branch": "main"}}
            for number in range(3)
        ]
        jobs = {
            "w0": {"id": "j0", "name": "apply", "status": "running", "started_at": "2026-11-23T09:20:00Z"},
            "w1": {"id": "j1", "name": "hold", "type": "approval", "status": "on_hold"},
            "w2": {"id": "j2", "name": "apply", "status": "canceled", "started_at": "2026-11-23T09:20:00Z",
                   "stopped_at": "2026-11-23T09:30:00Z"},
        }  # fmt: skip

        def answer(asked: Asked) -> Reply:
            match asked.path.removeprefix("/api/v2/").split("/"):
                case ["project", "gh", "acme", "infra", "pipeline"]:
                    if asked.one("page-token") == "next":
                        return as_json({"items": pipelines[2:], "next_page_token": None})
                    return as_json({"items": pipelines[:2], "next_page_token": "next"})
                case ["pipeline", pipeline, "workflow"]:
                    return as_json(
                        {"items": [{"id": "w" + pipeline[1:], "name": "deploy", "project_slug": "gh/acme/infra"}]}
                    )
                case ["workflow", workflow, "job"]:
                    return as_json({"items": [jobs[workflow]]})
            return as_json({"message": "Not found"}, 404)

        with serving(answer) as server:
            yield server

    def test_what_runs_is_a_candidate_and_what_ended_says_nothing(self, served: Serving) -> None:
        found = gather(circleci.CircleCi(REMOTE, http(served, "/api/v2")), stored("circleci@959fcba5e7a7"))
        assert (found["candidates"].says, found["candidates"].match) == (Says.BLOCKS, Match.COULD_BE)
        assert "run 2" in found["candidates"].fact
        assert all(one.says is not Says.SUPPORTS for one in found.values())

    def test_every_page_of_workflows_and_jobs_is_read(self, served: Serving) -> None:
        whole = served.answer

        def paged(asked: Asked) -> Reply:
            if asked.path.endswith("/workflow/w2/job"):
                more = {"id": "j3", "name": "late", "status": "running", "started_at": "2026-11-23T09:21:00Z"}
                if asked.one("page-token") == "2":
                    return as_json({"items": [more]})
                return as_json({"items": [], "next_page_token": "2"})
            return whole(asked)

        served.answer = paged
        assert "late" in gather(circleci.CircleCi(REMOTE, http(served, "/api/v2")))["candidates"].fact

    def test_a_list_without_end_is_not_passed_over_in_silence(self, served: Serving) -> None:
        whole = served.answer
        served.answer = lambda asked: (
            as_json({"items": [], "next_page_token": "2"}) if asked.path.endswith("/job") else whole(asked)
        )
        found = gather(circleci.CircleCi(REMOTE, http(served, "/api/v2")))["asked"]
        assert (found.says, "more to tell than was read" in found.fact) == (Says.UNKNOWN, True)

    def test_an_approval_is_next_in_line(self, served: Serving) -> None:
        (line,) = lines(circleci.CircleCi(REMOTE, http(served, "/api/v2"))).values()
        assert line.hold.endswith("/workflow/w1/cancel")
        assert line.undo.endswith("/workflow/w1/rerun")

    def test_a_repository_elsewhere_cannot_be_asked_about(self, served: Serving) -> None:
        found = gather(circleci.CircleCi(Remote("gitlab.com", "acme/infra"), http(served)))
        assert found["asked"].says is Says.UNKNOWN


class TestAzure:
    REMOTE = Remote("dev.azure.com", "acme/Platform/infra")

    @pytest.fixture
    def served(self) -> Iterator[Serving]:
        def build(number: int, **fields: Any) -> dict[str, Any]:
            return {
                "id": number,
                "buildNumber": f"20261123.{number}",
                "status": "completed",
                "result": "canceled",
                "definition": {"id": 3, "name": "deploy"},
                "repository": {"name": "infra", "type": "TfsGit"},
                "queue": {"pool": {"name": "Azure Pipelines", "isHosted": True}},
                "sourceBranch": "refs/heads/main",
                "finishTime": "2026-11-23T09:39:00.1234567Z",
                "_links": {"web": {"href": f"https://dev.azure.com/acme/Platform/_build/results?buildId={number}"}},
            } | fields

        record = {
            "type": "Job",
            "name": "apply infra/prod",
            "state": "completed",
            "result": "canceled",
            "attempt": 1,
            "startTime": "2026-11-23T09:20:00.12Z",
            "finishTime": "2026-11-23T09:39:00.12Z",
            "workerName": "Azure Pipelines 4",
            "log": {"id": 9},
        }

        def answer(asked: Asked) -> Reply:
            assert asked.one("api-version") == "7.1"
            match asked.path.removeprefix("/acme/Platform/_apis/build/builds"):
                case "" if asked.one("statusFilter"):
                    return as_json({"count": 1, "value": [build(2, status="notStarted", result=None, finishTime=None)]})
                case "":
                    return as_json({"count": 2, "value": [build(1), build(5, repository={"name": "app"})]})
                case "/1/timeline":
                    return as_json({"records": [record, {"type": "Stage"}]})
                case "/2/timeline":
                    return as_json({"records": []})
                case "/1/logs/9":
                    return as_text(END)
            return as_json({"message": "no"}, 404)

        with serving(answer) as server:
            yield server

    def test_a_job_on_microsofts_pool_that_has_ended_supports(self, served: Serving) -> None:
        found = gather(azure.Azure(self.REMOTE, http(served, "/acme")), stored("vsts@fv-az719-784"))["holder"]
        assert found.says is Says.SUPPORTS
        assert "20261123.1" in found.fact

    def test_a_full_page_of_builds_is_not_taken_for_all_of_them(self, served: Serving) -> None:
        whole = served.answer
        other = {"id": 9, "repository": {"name": "app"}}
        served.answer = lambda asked: as_json({"value": [other] * 100}) if asked.one("statusFilter") else whole(asked)
        found = gather(azure.Azure(self.REMOTE, http(served, "/acme")))["asked"]
        assert (found.says, "there may be more than 100 builds" in found.fact) == (Says.UNKNOWN, True)

    def test_a_github_runners_lock_is_not_its(self, served: Serving) -> None:
        found = gather(azure.Azure(self.REMOTE, http(served, "/acme")), stored("runner@fv-az719-784"))["holder"]
        assert found.says is Says.NOTHING

    def test_a_queued_build_is_held_by_cancelling_it(self, served: Serving) -> None:
        (line,) = lines(azure.Azure(self.REMOTE, http(served, "/acme"))).values()
        assert line.hold.startswith("az rest --method patch")
        assert "builds/2?api-version=7.1" in line.hold
        assert line.undo.startswith("az pipelines run --id 3 --branch refs/heads/main")

    def test_az_is_asked_when_it_is_logged_in(self, tmp_path: Path) -> None:
        program = tmp_path / "az"
        program.write_text('#!/bin/sh\ncase "$1" in account) exit 0;; esac\necho "{\\"args\\": \\"$*\\"}"\n')
        program.chmod(0o755)
        transport = azure.connect("acme", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert transport.login == "az"
        said = transport.send("Platform/_apis/build/builds", [("api-version", "7.1")]).text
        assert "--url https://dev.azure.com/acme/Platform/_apis/build/builds?api-version=7.1" in said
        with pytest.raises(NotAskedError, match="another host"):
            transport.send("https://evil.test/x")

    def test_without_a_login_it_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(NotAskedError, match="Run `az login`, or set AZURE_DEVOPS_EXT_PAT"):
            azure.connect("acme", {"PATH": str(tmp_path)})


class TestAtlantis:
    @pytest.fixture
    def served(self) -> Iterator[Serving]:
        def lock(path: str, workspace: str = "default", repository: str = "acme/infra") -> dict[str, str]:
            return {
                "Name": f"{repository}/{path}/{workspace}",
                "ProjectName": "",
                "ProjectRepo": repository,
                "ProjectRepoPath": path,
                "PullID": "123",
                "PullURL": "https://github.com/acme/infra/pull/123",
                "User": "mo",
                "Workspace": workspace,
                "Time": "2026-11-23T09:10:42.040856Z",
            }

        def answer(asked: Asked) -> Reply:
            if asked.path == "/api/locks":
                other = lock("infra/prod", repository="acme/app")
                return as_json(
                    {"Locks": [lock("infra/prod"), lock("infra/staging"), lock("infra/prod", "blue"), other]}
                )
            if asked.path == "/status":
                return as_json({"shutting_down": False, "in_progress_operations": 1, "version": "0.30"})
            return as_text("404 page not found", 404)

        with serving(answer) as server:
            yield server

    def test_a_plan_for_this_root_is_next_in_line(self, served: Serving) -> None:
        (line,) = lines(atlantis.Atlantis(http(served), "https://atlantis.acme.test", REMOTE)).values()
        assert line.match is Match.NAMES_THIS_STATE
        assert "plan of pull request 123 (infra/prod, default)" in line.what
        assert line.hold == "curl --request POST https://atlantis.acme.test/apply/lock"
        assert line.undo == "curl --request DELETE https://atlantis.acme.test/apply/unlock"

    def test_what_it_is_doing_is_a_candidate(self, served: Serving) -> None:
        found = gather(atlantis.Atlantis(http(served), served.url, REMOTE), stored("atlantis@atlantis-0"))["candidates"]
        assert (found.says, found.match) == (Says.BLOCKS, Match.COULD_BE)

    def test_where_it_is_has_to_be_set(self) -> None:
        with pytest.raises(NotAskedError, match="Set ATLANTIS_URL"):
            atlantis.from_environment({})


class TestCodeBuild:
    @pytest.fixture
    def client(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            yield boto3.client("codebuild", region_name="eu-west-1")

    def asked(self, client: Any, remote: Remote) -> dict[str, Finding]:
        client.create_project(
            name="deploy",
            source={"type": "GITHUB", "location": "https://github.com/acme/infra.git"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "tf", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::123456789012:role/build",
        )
        client.start_build(projectName="deploy")
        now = datetime.now(UTC).isoformat()
        return gather(CodeBuild(lambda: client, "eu-west-1", remote), stored("root@93367e6dabee", created=now))

    def test_the_builds_of_this_account_are_read(self, client: Any) -> None:
        # The repository that moto says every build is of.
        found = self.asked(client, Remote("git-codecommit.eu-west-2.amazonaws.com", "v1/repos/testing"))
        assert found["asked"].says is Says.NOTHING
        assert "deploy" in found["candidates"].fact

    def test_builds_of_another_repository_are_left_out(self, client: Any) -> None:
        assert "deploy" not in self.asked(client, REMOTE)["candidates"].fact

    def test_a_clock_that_differs_from_aws_is_told_and_widens_the_window(self) -> None:
        ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=7), usegmt=True)

        class Client:
            def list_builds(self, **_: Any) -> dict[str, Any]:
                return {"ids": [], "ResponseMetadata": {"HTTPHeaders": {"date": ahead}}}

        found = gather(CodeBuild(Client, "eu-west-1", REMOTE))
        assert "its clock is about 420 s ahead of this machine's" in found["asked"].fact
        assert "± 480 s" in found["holder"].fact or "± 479 s" in found["holder"].fact

    def test_a_refusal_says_which_rights_it_needs(self, client: Any) -> None:
        def refused() -> Any:
            raise client.exceptions.ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListBuilds")

        found = gather(CodeBuild(refused, "eu-west-1", REMOTE))["asked"]
        assert found.says is Says.UNKNOWN
        assert "codebuild:ListBuilds" in found.fact


def test_a_system_that_answers_in_an_unknown_shape_says_so_instead_of_raising() -> None:
    class Broken:
        key, name = "x", "X"

        def ask(self, _: object) -> Any:
            raise KeyError("\x1b[2Jrows")

    (finding,) = CiSource(Broken(), lambda: TARGET).gather(stored(), ADDRESS, NOW)
    assert finding.says is Says.UNKNOWN
    assert "\x1b" not in finding.fact
