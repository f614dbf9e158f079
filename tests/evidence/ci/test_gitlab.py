"""GitLab CI: a loopback server answers as GitLab's REST documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.ci.conftest import gather, next_in_line, stored
from tests.evidence.ci.serving import Asked, Reply, Serving, as_json, as_text, paged, serving
from tuirunbook.core.evidence import Match, Says
from tuirunbook.evidence.ci.definitions import gitlab_pipeline
from tuirunbook.evidence.ci.gitlab import GitLab
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.transport import Http

TOKEN = "glpat-forTheLoopbackServer"
HOST = "runner-t3qyxf-project-7120-concurrent-0"
SHARED = "3-green.saas-linux-small-amd64.runners-manager.gitlab.com/default"


class GitLabServer:
    """GitLab's REST API for one project."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.traces: dict[int, str] = {}
        self.schedules: list[dict[str, Any]] = []
        self.scopes = {
            "created", "pending", "running", "failed", "success", "canceled", "skipped", "waiting_for_resource",
            "manual", "preparing", "scheduled", "canceling",
        }  # fmt: skip
        self.base = ""

    def add(self, number: int, **fields: Any) -> dict[str, Any]:
        job = {
            "id": number,
            "name": "apply: [infra/prod]",
            "status": "success",
            "stage": "deploy",
            "ref": "main",
            "created_at": "2026-11-23T09:20:00.000Z",
            "started_at": "2026-11-23T09:20:10.000Z",
            "finished_at": "2026-11-23T09:39:00.000Z",
            "pipeline": {"id": 6, "project_id": 7120, "status": "running"},
            "user": {"username": "mo"},
            "web_url": f"https://gitlab.com/acme/infra/-/jobs/{number}",
            "runner": {"id": 32, "description": "docker-1", "is_shared": False, "status": "online", "online": True},
            "runner_manager": {"id": 1, "system_id": "s_89e5e9956577"},
        } | fields
        self.jobs.append(job)
        return job

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return as_json({"message": "401 Unauthorized"}, 401)
        match asked.path.removeprefix("/api/v4/").split("/"):
            case ["projects", "acme%2Finfra"]:
                return as_json({"id": 7120, "path_with_namespace": "acme/infra"})
            case ["projects", "7120", "jobs"]:
                return self._listed(asked)
            case ["projects", "7120", "jobs", job, "trace"] if int(job) in self.traces:
                return as_text(self.traces[int(job)])
            case ["projects", "7120", "pipeline_schedules"]:
                return as_json(self.schedules)
        return as_json({"message": "404 Not found"}, 404)

    def _listed(self, asked: Asked) -> Reply:
        scopes = asked.all("scope[]")
        if not set(scopes) <= self.scopes:
            return as_json({"error": "scope does not have a valid value"}, 400)
        found = sorted((job for job in self.jobs if job["status"] in scopes), key=lambda job: job["id"], reverse=True)
        page, headers = paged(asked, found, self.base, default=20)
        return as_json(page, 200, **headers)


@pytest.fixture
def gitlab() -> GitLabServer:
    return GitLabServer()


@pytest.fixture
def served(gitlab: GitLabServer) -> Iterator[Serving]:
    with serving(gitlab) as server:
        gitlab.base = server.url
        yield server


def system(served: Serving, host: str = "gitlab.com", checkout: Path | None = None) -> GitLab:
    transport = Http(
        f"{served.url}/api/v4", {"Authorization": f"Bearer {TOKEN}"}, login="GITLAB_TOKEN", renew="Set GITLAB_TOKEN."
    )
    return GitLab(Remote(host, "acme/infra"), transport, gitlab_pipeline(checkout))


def test_a_running_job_that_names_the_root_blocks(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, status="running", finished_at=None)
    found = gather(system(served))["active"]
    assert (found.says, found.match) == (Says.BLOCKS, Match.NAMES_THIS_STATE)
    assert found.link == "https://gitlab.com/acme/infra/-/jobs/7"


def test_a_job_on_gitlabs_own_runners_that_has_ended_supports(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, status="canceled", runner={"id": 1, "description": SHARED, "is_shared": True})
    assert gather(system(served), stored(f"root@{HOST}"))["holder"].says is Says.SUPPORTS


def test_a_runner_of_that_name_on_another_server_is_not_gitlabs(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, status="canceled", runner={"id": 1, "description": SHARED, "is_shared": True})
    assert gather(system(served, "git.acme.test"), stored(f"root@{HOST}"))["holder"].says is Says.NOTHING


def test_the_log_ties_the_job_to_the_container_that_the_lock_names(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, status="failed", failure_reason="script_failure")
    gitlab.add(8, status="canceled")
    gitlab.traces[7] = (
        f"Running on {HOST} via docker-1...\n$ cd infra/prod\n$ terraform apply\n"
        "\x1b[31;1mERROR: Job failed: exit code 1"
    )
    gitlab.traces[8] = "Running on runner-t3qyxf-project-7120-concurrent-1 via docker-1...\n"
    found = gather(system(served), stored(f"root@{HOST}"))["holder"]
    assert found.says is Says.SUPPORTS
    assert "its log names the lock's host" in found.fact
    assert found.ended_at == "2026-11-23T09:39:00.000Z"


def test_a_lock_of_another_project_is_not_this_projects(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, runner={"id": 1, "description": SHARED, "is_shared": True})
    found = gather(system(served), stored("root@runner-t3qyxf-project-99-concurrent-0"))["holder"]
    assert found.says is Says.NOTHING
    assert "does not call itself" in found.fact


@pytest.mark.parametrize("reason", ["runner_system_failure", "stuck_or_timeout_failure", "job_execution_timeout"])
def test_a_job_that_was_lost_or_timed_out_on_its_own_runner_says_nothing(
    gitlab: GitLabServer, served: Serving, reason: str
) -> None:
    gitlab.add(7, status="failed", failure_reason=reason)
    gitlab.traces[7] = f"Running on {HOST} via docker-1...\n$ terraform apply\nERROR: Job failed: exit code 1"
    assert gather(system(served), stored(f"root@{HOST}"))["holder"].says is Says.NOTHING


def test_a_running_job_whose_runner_is_offline_is_a_contradiction_that_is_shown(
    gitlab: GitLabServer, served: Serving
) -> None:
    gitlab.add(7, status="running", finished_at=None, runner={"id": 1, "description": "d", "status": "offline"})
    found = gather(system(served))["active"]
    assert found.says is Says.BLOCKS
    assert "its runner to be offline" in found.fact
    assert "contradict each other" in found.fact


def test_a_retry_is_a_job_of_its_own(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(7, status="canceled")
    gitlab.add(9, status="running", started_at="2026-11-23T09:50:00.000Z", finished_at=None)
    found = gather(system(served), stored(f"root@{HOST}"))
    assert found["active"].says is Says.BLOCKS
    assert "09:50:00" not in found["holder"].fact


def test_jobs_in_line_come_with_what_holds_them_and_its_undo(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(8, status="waiting_for_resource", started_at=None, finished_at=None)
    gitlab.add(9, status="manual", started_at=None, finished_at=None)
    gitlab.schedules = [
        {"id": 13, "description": "drift", "ref": "main", "cron": "0 3 * * *", "next_run_at": "2026-11-24T03:00:00Z"}
    ]
    lines = {line.starts: line for line in next_in_line(system(served))}
    waiting = lines["starts as soon as its resource group is free"]
    assert waiting.hold == "glab api --hostname gitlab.com --method POST projects/7120/jobs/8/cancel"
    assert waiting.undo == "glab api --hostname gitlab.com --method POST projects/7120/jobs/8/retry"
    assert lines["starts when somebody plays it"].hold == ""
    (timed,) = (line for line in lines.values() if "schedule" in line.starts)
    path = "glab api --hostname gitlab.com --method PUT projects/7120/pipeline_schedules/13 --field active="
    assert (timed.hold, timed.undo) == (f"{path}false", f"{path}true")


def test_manual_jobs_of_long_ago_are_not_next_in_line(gitlab: GitLabServer, served: Serving) -> None:
    gitlab.add(9, status="manual", created_at="2026-10-01T00:00:00Z", started_at=None, finished_at=None)
    assert "nothing that could be about this state" in gather(system(served))["next"].fact


def test_a_version_that_does_not_know_every_scope_is_asked_for_those_it_knows(
    gitlab: GitLabServer, served: Serving
) -> None:
    gitlab.scopes -= {"preparing", "scheduled", "canceling"}
    gitlab.add(7, status="running", finished_at=None)
    assert gather(system(served))["active"].says is Says.BLOCKS


def test_the_list_is_read_back_to_well_before_the_lock(gitlab: GitLabServer, served: Serving) -> None:
    for number in range(100, 350):
        gitlab.add(number, name="lint", started_at="2026-11-23T09:50:00Z", finished_at="2026-11-23T09:51:00Z")
    gitlab.add(7, status="canceled", runner={"id": 1, "description": SHARED, "is_shared": True})
    found = gather(system(served), stored(f"root@{HOST}"))
    assert found["holder"].says is Says.SUPPORTS


def test_what_a_job_extends_defines_it(gitlab: GitLabServer, served: Serving, checkout: Path) -> None:
    (checkout / ".gitlab-ci.yml").write_text("""
.tf: {variables: {TF_ROOT: infra/prod}, script: [terraform apply]}
deploy: {extends: .tf, rules: !reference [.rules, main]}
lint: {script: [eslint .]}
""")
    gitlab.add(7, status="running", name="deploy", finished_at=None)
    gitlab.add(8, status="running", name="lint", finished_at=None)
    found = gather(system(served, checkout=checkout))
    assert "deploy" in found["active"].fact
    assert "lint" in found["folded"].fact


def test_schedules_that_may_not_be_read_are_told(served: Serving) -> None:
    answering = served.answer
    served.answer = lambda asked: (
        as_json({"message": "403 Forbidden"}, 403) if asked.path.endswith("schedules") else answering(asked)
    )
    found = gather(system(served))["asked"]
    assert found.says is Says.UNKNOWN
    assert "the schedules could not be read" in found.fact
