"""`--error` with the address of a run, a job or a pull request."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.evidence.ci.serving import Asked, GitHubServer, Reply, Serving, as_json, as_text, serving
from tests.evidence.ci.test_github import REFUSED
from tuirunbook.core.diagnosis import Kind, diagnose
from tuirunbook.evidence.ci.links import Fetched, fetch
from tuirunbook.evidence.ci.transport import Http, NotAskedError, Transport


def read(link: str, served: Serving, environ: Mapping[str, str] | None = None) -> Fetched:
    def to_github(host: str, _: Mapping[str, str]) -> Transport:
        assert host == "github.com"
        return Http(served.url, {"Authorization": f"Bearer {GitHubServer.TOKEN}"}, login="GH_TOKEN", renew="")

    def to_gitlab(host: str, _: Mapping[str, str]) -> Transport:
        assert host == "git.acme.test"
        return Http(f"{served.url}/api/v4", {}, login="GITLAB_TOKEN", renew="")

    return fetch(link, environ or {}, to_github=to_github, to_gitlab=to_gitlab)


@pytest.mark.parametrize(
    "path",
    ["actions/runs/812", "actions/runs/812/attempts/1", "actions/runs/812/job/2", "runs/2", "pull/9", "pull/9/checks"],
)
def test_the_log_behind_a_github_address_is_the_one_that_tells_of_a_lock(
    github: GitHubServer, served: Serving, path: str
) -> None:
    github.add_run(812, conclusion="failure", head_sha="b" * 40)
    github.add_job(812, 1, conclusion="failure", name="lint", completed_at="2026-11-23T09:59:00Z")
    github.add_job(812, 2, conclusion="failure", completed_at="2026-11-23T09:58:20Z")
    github.logs |= {1: "eslint: 3 problems\n", 2: REFUSED}
    github.pulls[9] = {"number": 9, "head": {"sha": "b" * 40}}
    found = read(f"https://github.com/acme/infra/{path}?pr=9#step:4:1", served)
    assert diagnose(found.text).kind is Kind.HELD
    assert found.ended_at is not None
    assert found.ended_at.minute == 58


@pytest.mark.parametrize("path", ["jobs/7", "pipelines/6", "merge_requests/3", "merge_requests/3/diffs"])
def test_the_log_behind_a_gitlab_address(path: str) -> None:
    job = {"id": 7, "name": "apply", "status": "failed", "finished_at": "2026-11-23T09:58:20.000Z"}

    def answer(asked: Asked) -> Reply:
        match asked.path.removeprefix("/api/v4/projects/acme%2Fplatform%2Finfra/"):
            case "jobs/7":
                return as_json(job)
            case "jobs/7/trace":
                return as_text(REFUSED)
            case "pipelines/6/jobs":
                return as_json([job])
            case "merge_requests/3/pipelines":
                return as_json([{"id": 6}, {"id": 5}])
        return as_json({"message": "404 Not found"}, 404)

    with serving(answer) as served:
        found = read(f"https://git.acme.test/acme/platform/infra/-/{path}", served)
    assert diagnose(found.text).kind is Kind.HELD


def test_a_run_without_a_failed_job_says_to_name_the_job(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress")
    with pytest.raises(NotAskedError, match="Give the address of the job itself"):
        read("https://github.com/acme/infra/actions/runs/812", served)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("http://github.com/acme/infra/actions/runs/812", "not an HTTPS address"),
        ("https://github.com/acme/infra", "not the address of a run"),
        ("https://example.test/x", "not the address of a run"),
        ("https://dev.azure.com/acme/infra/_build/results?view=logs", "there is no login"),
    ],
)
def test_an_address_of_something_else_says_to_give_a_file(link: str, words: str) -> None:
    with serving(lambda _: as_json({}, 500)) as served, pytest.raises(NotAskedError, match=words):
        read(link, served)
    assert served.asked == []


def test_a_token_goes_to_no_host_that_an_address_names() -> None:
    environ = {
        "GH_TOKEN": "t",
        "GITHUB_TOKEN": "t",
        "GH_ENTERPRISE_TOKEN": "t",
        "GITLAB_TOKEN": "t",
        "PATH": "/nowhere",
    }
    for link in (
        "https://evil.test/acme/infra/actions/runs/1",
        "https://github.com@evil.test/acme/infra/actions/runs/1",
        "https://evil.test/acme/infra/-/jobs/1",
    ):
        with pytest.raises(NotAskedError, match=r"there is no login for evil\.test"):
            fetch(link, environ)


JOBS = {
    "job_number": 71,
    "status": "failed",
    "stopped_at": "2026-11-23T09:58:20.000Z",
}


@pytest.mark.parametrize(
    "link",
    [
        "https://circleci.com/gh/acme/infra/71",
        "https://app.circleci.com/pipelines/github/acme/infra/8/workflows/w-1/jobs/71",
        "https://app.circleci.com/pipelines/github/acme/infra/8/workflows/w-1?invite=true",
    ],
)
def test_the_log_behind_a_circleci_address_is_fetched_without_the_token_where_it_is_kept(link: str) -> None:
    def answer(asked: Asked) -> Reply:
        assert asked.headers["circle-token"] == "t"
        match asked.path:
            case "/api/v2/workflow/w-1/job" if asked.one("page-token") == "2":
                return as_json({"items": [JOBS]})
            case "/api/v2/workflow/w-1/job":
                return as_json({"items": [{"job_number": 70, "status": "success"}], "next_page_token": "2"})
            case "/api/v1.1/project/github/acme/infra/71":
                kept = {"failed": True, "output_url": f"{storage.url}/out"}
                fine = {"failed": None, "status": "success", "output_url": f"{storage.url}/checkout"}
                return as_json(
                    {"stop_time": "2026-11-23T09:58:20Z", "steps": [{"actions": [fine]}, {"actions": [kept]}]}
                )
        return as_json({"message": "Not found"}, 404)

    def store(asked: Asked) -> Reply:
        assert "circle-token" not in asked.headers
        assert asked.path == "/out"
        return as_json([{"message": line, "type": "out"} for line in REFUSED.splitlines(keepends=True)])

    with serving(store) as storage, serving(answer) as served:

        def connect(_: Mapping[str, str], version: str) -> Http:
            return Http(f"{served.url}/api/{version}", {"Circle-Token": "t"}, login="CIRCLE_TOKEN", renew="")

        found = fetch(link, {}, to_circleci=connect)
    assert diagnose(found.text).kind is Kind.HELD
    assert found.ended_at is not None
    assert found.ended_at.minute == 58


@pytest.mark.parametrize(
    "link", ["https://circleci.com/gh/acme", "https://app.circleci.com/pipelines/github/acme/infra/8"]
)
def test_a_circleci_address_without_a_job_says_to_give_a_file(link: str) -> None:
    with pytest.raises(NotAskedError, match="not the address of a run"):
        fetch(link, {"CIRCLE_TOKEN": "t"})


def test_atlantis_gives_no_log_and_it_is_said_what_to_paste_instead() -> None:
    with pytest.raises(NotAskedError, match="comment on the pull request"):
        fetch("https://atlantis.acme.test/jobs/7f", {"ATLANTIS_URL": "https://atlantis.acme.test/"})
