"""GitHub Actions: a loopback server answers as GitHub's REST documentation says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.evidence.ci.conftest import ADDRESS, NOW, TARGET, gather, next_in_line, stored
from tests.evidence.ci.serving import GitHubServer, Serving, as_json, as_text
from tests.support.locks import FIRST
from tuirunbook.core.ci import Target
from tuirunbook.core.evidence import Match, Says
from tuirunbook.evidence.ci.definitions import workflows
from tuirunbook.evidence.ci.github import GitHub
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.source import CiSource
from tuirunbook.evidence.ci.transport import Http

REMOTE = Remote("github.com", "acme/infra")
REFUSED = f"""2026-11-23T09:58:10.1234567Z \x1b[31m│\x1b[0m Error: Error acquiring the state lock
2026-11-23T09:58:10.1234567Z │
2026-11-23T09:58:10.1234567Z │ Error message: operation error S3: PutObject, https response error StatusCode: 412,
2026-11-23T09:58:10.1234567Z │ api error PreconditionFailed: At least one of the pre-conditions did not hold
2026-11-23T09:58:10.1234567Z │ Lock Info:
2026-11-23T09:58:10.1234567Z │   ID:        {FIRST}
2026-11-23T09:58:10.1234567Z │   Path:      ***/network/terraform.tfstate
2026-11-23T09:58:10.1234567Z │   Operation: OperationTypeApply
2026-11-23T09:58:10.1234567Z │   Who:       runner@runnervmwhb2z
2026-11-23T09:58:10.1234567Z │   Version:   1.11.4
2026-11-23T09:58:10.1234567Z │   Created:   2026-11-23 09:26:22.850832286 +0000 UTC
2026-11-23T09:58:10.1234567Z ##[error]Process completed with exit code 1.
"""
SELF_HOSTED = {
    "labels": ["self-hosted", "linux"],
    "runner_name": "build-7",
    "runner_group_id": 1,
    "runner_group_name": "Default",
}


def system(served: Serving, checkout: Path | None = None) -> GitHub:
    headers = {"Authorization": f"Bearer {GitHubServer.TOKEN}"}
    return GitHub(REMOTE, Http(served.url, headers, login="GH_TOKEN", renew="Set GH_TOKEN."), workflows(checkout))


def workflow(checkout: Path, text: str, name: str = "deploy.yml") -> None:
    (checkout / ".github" / "workflows" / name).write_text(text)


def test_a_job_in_progress_whose_matrix_names_the_root_blocks(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    found = gather(system(served))["active"]
    assert (found.says, found.match) == (Says.BLOCKS, Match.NAMES_THIS_STATE)
    assert "run 812, apply (infra/prod)" in found.fact
    assert found.link == "https://github.com/acme/infra/actions/runs/812/job/1"


def test_a_run_that_ended_leaves_no_finding_that_blocks(github: GitHubServer, served: Serving) -> None:
    run = github.add_run(812, status="in_progress", conclusion=None)
    job = github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    asked = system(served)
    before = gather(asked)
    run |= {"status": "completed", "conclusion": "cancelled"}
    job |= {"status": "completed", "conclusion": "cancelled", "completed_at": "2026-11-23T09:41:00Z"}
    after = gather(asked)
    assert before["active"].says is Says.BLOCKS
    assert after["active"].says is Says.NOTHING
    assert after.keys() >= before.keys()


def test_a_completed_job_on_a_hosted_runner_supports_even_when_it_was_cancelled(
    github: GitHubServer, served: Serving
) -> None:
    github.add_run(812, conclusion="cancelled")
    github.add_job(812, 1, conclusion="cancelled")
    found = gather(system(served))["holder"]
    assert (found.says, found.match) == (Says.SUPPORTS, Match.NAMES_THIS_STATE)
    assert "hosted runner that is used once" in found.fact


def test_a_hosted_runner_that_github_lost_sight_of_says_nothing(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, conclusion="failure")
    github.add_job(812, 1, conclusion="failure")
    message = "The hosted runner: GitHub Actions 12 lost communication with the server."
    github.annotations[1] = [{"annotation_level": "failure", "message": message}]
    assert gather(system(served))["holder"].says is Says.NOTHING


@pytest.mark.parametrize("conclusion", ["cancelled", "timed_out", "failure"])
def test_a_job_cut_off_on_a_host_that_may_live_says_nothing(
    github: GitHubServer, served: Serving, conclusion: str
) -> None:
    github.add_run(812, conclusion=conclusion)
    github.add_job(812, 1, conclusion=conclusion, **SELF_HOSTED)
    assert gather(system(served), stored("ci@build-7"))["holder"].says is Says.NOTHING


def test_a_log_that_shows_terraforms_end_supports_on_a_host_that_may_live(
    github: GitHubServer, served: Serving
) -> None:
    github.add_run(812, conclusion="failure")
    github.add_job(812, 1, conclusion="failure", **SELF_HOSTED)
    github.logs[1] = "Run terraform apply\nError: creating EC2\n##[error]Process completed with exit code 1.\n"
    found = gather(system(served), stored("ci@build-7"))["holder"]
    assert found.says is Says.SUPPORTS
    assert "Process completed with exit code 1" in found.fact


def test_a_log_is_fetched_from_where_github_keeps_it_without_the_token(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1)
    github.logs[1] = "Apply complete! Resources: 1 added"
    gather(system(served))
    assert "/repos/acme/infra/actions/jobs/1/logs" in served.paths


def test_a_rerun_is_not_taken_for_the_holder(github: GitHubServer, served: Serving) -> None:
    times = {"created_at": "2026-11-20T09:00:00Z", "run_started_at": "2026-11-23T09:55:00Z", "run_attempt": 2}
    github.add_run(812, status="in_progress", conclusion=None, **times)
    github.add_job(812, 1, conclusion="cancelled", **SELF_HOSTED)
    running = {"status": "in_progress", "conclusion": None, "completed_at": None, "started_at": "2026-11-23T09:55:10Z"}
    github.add_job(812, 2, run_attempt=2, **SELF_HOSTED, **running)
    found = gather(system(served), stored("ci@build-7"))
    assert "attempt 2" in found["active"].fact
    assert "attempt 2" not in found["holder"].fact
    assert "was marked cancelled on build-7" in found["holder"].fact


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        ("2026-11-23T09:25:22Z", Says.NOTHING),
        ("2026-11-23T09:25:24Z", Says.SUPPORTS),
    ],
)
def test_a_run_that_ended_before_the_lock_by_more_than_the_slack_says_nothing(
    github: GitHubServer, served: Serving, ended: str, says: Says
) -> None:
    github.add_run(812)
    github.add_job(812, 1, completed_at=ended)
    found = gather(system(served), stored(created="2026-11-23T09:26:22.9Z"))["holder"]
    # The server's clock shows whole seconds, so a second of difference may be seen.
    assert found.says is says


def test_windows_are_widened_by_what_the_clocks_differ_and_it_is_told(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1, completed_at="2026-11-23T09:20:00Z", started_at="2026-11-23T09:10:00Z")
    assert gather(system(served))["holder"].says is Says.NOTHING
    served.skew = timedelta(minutes=-8)
    found = gather(system(served))
    assert found["holder"].says is Says.SUPPORTS
    assert "its clock is about 480 s behind this machine's" in found["asked"].fact


def test_a_holder_whose_clock_is_ahead_of_the_store_widens_the_window(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1, completed_at="2026-11-23T09:22:00Z")
    assert gather(system(served))["holder"].says is Says.NOTHING
    found = gather(system(served), stored(last_modified="2026-11-23T09:21:00Z"))
    assert found["holder"].says is Says.SUPPORTS
    assert "the holder's clock is at least 323 s ahead" in found["asked"].fact


def test_a_laptops_lock_is_not_explained_by_a_hosted_job(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1)
    found = gather(system(served), stored("alice@Alices-MBP"))["holder"]
    assert found.says is Says.NOTHING
    assert "does not call itself alice@Alices-MBP" in found.fact


def test_a_job_that_this_lock_refused_is_no_holder_and_counts_as_the_retry(
    github: GitHubServer, served: Serving
) -> None:
    github.add_run(812, conclusion="failure", updated_at="2026-11-23T09:58:20Z")
    github.add_job(812, 1, conclusion="failure", completed_at="2026-11-23T09:58:20Z")
    github.logs[1] = REFUSED
    source = CiSource(system(served), lambda: TARGET)
    found = {finding.key: finding for finding in source.gather(stored(), ADDRESS, NOW)}
    assert found["ci.github.holder"].says is Says.NOTHING
    assert "this lock refused it" in found["ci.github.holder"].fact
    assert "2026-11-23T09:58:10Z" in found["ci.github.retry"].fact
    assert found["ci.github.retry"].refused_at == "2026-11-23T09:58:10.123Z"
    later = [finding.key for finding in source.gather(stored(), ADDRESS, NOW + timedelta(minutes=5))]
    assert "ci.github.retry" not in later


def test_two_jobs_that_may_have_taken_it_must_both_have_ended_for_sure(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1)
    github.add_job(812, 2, conclusion="cancelled", name="plan (infra/prod)", **SELF_HOSTED)
    assert gather(system(served), stored("@93367e6dabee"))["holder"].says is Says.NOTHING


def test_the_job_that_could_not_release_this_lock_decides(github: GitHubServer, served: Serving) -> None:
    github.add_run(812)
    github.add_job(812, 1, conclusion="failure", **SELF_HOSTED)
    github.add_job(812, 2, conclusion="cancelled", name="plan (infra/prod)", **SELF_HOSTED)
    github.logs[1] = REFUSED.replace("acquiring", "releasing").replace("PutObject", "DeleteObject")
    found = gather(system(served), stored("ci@somewhere-1"))["holder"]
    assert found.says is Says.SUPPORTS
    assert "could not release this very lock" in found.fact


def test_a_job_of_another_root_is_folded(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    for number, root in enumerate(("infra/staging", "infra/prod/dns"), 1):
        github.add_job(812, number, name=f"apply ({root})", status="in_progress", conclusion=None, completed_at=None)
    found = gather(system(served))
    assert found["active"].says is Says.NOTHING
    assert found["candidates"].says is Says.NOTHING
    assert found["folded"].match is Match.CANNOT_BE
    assert "infra/staging" in found["folded"].fact


def test_what_could_be_about_this_state_is_one_question_with_its_candidates(
    github: GitHubServer, served: Serving
) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, name="deploy", status="in_progress", conclusion=None, completed_at=None)
    github.add_run(811)
    github.add_job(811, 2, name="nightly")
    found = gather(system(served))["candidates"]
    assert (found.says, found.match) == (Says.BLOCKS, Match.COULD_BE)
    assert "is one of them the holder?" in found.fact
    assert "deploy" in found.fact
    assert "nightly" in found.fact


def test_a_workflow_that_runs_no_terraform_is_not_asked_for_its_jobs(
    github: GitHubServer, served: Serving, checkout: Path
) -> None:
    workflow(checkout, "on: push\njobs:\n  lint:\n    steps:\n      - run: eslint .\n", "lint.yml")
    github.add_run(812, status="in_progress", conclusion=None, path=".github/workflows/lint.yml")
    found = gather(system(served, checkout))
    assert found["candidates"].says is Says.NOTHING
    assert not any(path.endswith("/812/jobs") for path in served.paths)


def test_a_matrix_value_is_filled_into_the_working_directory(
    github: GitHubServer, served: Serving, checkout: Path
) -> None:
    text = """
on: push
jobs:
  apply:
    strategy: {matrix: {env: [prod, staging]}}
    defaults: {run: {working-directory: "infra/${{ matrix.env }}"}}
    steps: [{run: terraform apply}]
"""
    workflow(checkout, text)
    github.add_run(812, status="in_progress", conclusion=None)
    running = {"status": "in_progress", "conclusion": None, "completed_at": None}
    github.add_job(812, 1, name="apply (prod)", **running)
    github.add_job(812, 2, name="apply (staging)", **running)
    found = gather(system(served, checkout))
    assert "apply (prod)" in found["active"].fact
    assert "apply (staging)" not in found["active"].fact
    assert "apply (staging)" in found["folded"].fact


def test_a_path_filter_that_asks_for_this_root_alone_names_it(
    github: GitHubServer, served: Serving, checkout: Path
) -> None:
    workflow(checkout, "on: {push: {paths: ['infra/prod/**']}}\njobs: {go: {steps: [{run: make terraform}]}}\n")
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, name="go", status="in_progress", conclusion=None, completed_at=None)
    assert gather(system(served, checkout))["active"].says is Says.BLOCKS


def test_a_root_in_another_workspace_could_be(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    address = type(ADDRESS)(bucket="b", key="k/s", region="eu-west-1", workspace="blue")
    assert gather(system(served), address=address)["active"].says is Says.NOTHING
    github.jobs[812][0]["name"] = "apply (infra/prod, blue)"
    assert gather(system(served), address=address)["active"].says is Says.BLOCKS


def test_a_run_in_progress_whose_jobs_have_all_completed_is_a_contradiction_that_is_shown(
    github: GitHubServer, served: Serving, checkout: Path
) -> None:
    workflow(checkout, "on: push\njobs: {a: {steps: [{run: terraform -chdir=infra/prod apply}]}}\n")
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, name="a")
    found = gather(system(served, checkout))["active"]
    assert found.says is Says.BLOCKS
    assert "all 1 of its jobs to have completed" in found.fact
    assert "contradict each other" in found.fact


def test_what_is_next_in_line_comes_with_the_command_that_holds_it_and_its_undo(
    github: GitHubServer, served: Serving, checkout: Path
) -> None:
    workflow(
        checkout, "on: {schedule: [{cron: '0 3 * * *'}]}\njobs: {a: {steps: [{run: terraform apply}]}}\n", "drift.yml"
    )
    github.add_run(813, status="pending", conclusion=None, updated_at="2026-11-23T09:50:00Z", name="deploy infra/prod")
    github.add_run(814, status="waiting", conclusion=None)
    github.add_job(814, 3, status="waiting", conclusion=None, started_at="2026-11-23T09:50:00Z", completed_at=None)
    asked = system(served, checkout)
    lines = {line.hold: line for line in next_in_line(asked)}
    assert lines["gh run cancel 813 -R acme/infra"].undo == "gh run rerun 813 -R acme/infra"
    assert lines["gh run cancel 814 -R acme/infra"].starts == "starts when somebody approves it"
    timed = lines["gh workflow disable drift.yml -R acme/infra"]
    assert timed.undo == "gh workflow enable drift.yml -R acme/infra"
    assert "0 3 * * *" in timed.starts
    assert {line.stage for line in lines.values()} == {"queued", "waiting", "scheduled"}
    assert gather(asked)["active"].says is Says.NOTHING


def test_a_disabled_workflow_is_not_next_in_line(github: GitHubServer, served: Serving, checkout: Path) -> None:
    workflow(
        checkout, "on: {schedule: [{cron: '0 3 * * *'}]}\njobs: {a: {steps: [{run: terraform apply}]}}\n", "drift.yml"
    )
    github.workflows = [{"path": ".github/workflows/drift.yml", "state": "disabled_manually"}]
    assert "nothing that could be about this state" in gather(system(served, checkout))["next"].fact


def test_all_pages_of_runs_and_jobs_are_read(github: GitHubServer, served: Serving) -> None:
    for number in range(1, 131):
        github.add_run(number, updated_at="2026-11-23T09:10:00Z")
    run = github.add_run(900, created_at="2026-11-20T00:00:00Z", status="in_progress", conclusion=None)
    for number in range(120):
        github.add_job(run["id"], number, name=f"shard {number}", conclusion="skipped")
    github.add_job(run["id"], 999, status="in_progress", conclusion=None, completed_at=None)
    assert gather(system(served))["active"].says is Says.BLOCKS
    assert any(asked.one("page") == "2" and asked.one("created") for asked in served.asked)


def test_more_runs_than_are_read_are_not_passed_over_in_silence(github: GitHubServer, served: Serving) -> None:
    for number in range(1, 32):
        github.add_run(number, status="queued", conclusion=None)
    found = gather(system(served))["asked"]
    assert found.says is Says.UNKNOWN
    assert "only the 30 latest of 31 runs" in found.fact


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (as_json({"message": "Bad credentials"}, 401), "refuses the login of GH_TOKEN. Set GH_TOKEN."),
        (as_json({"message": "Resource not accessible"}, 403), "to read Actions"),
        (as_json({"message": "Not Found"}, 404), "knows no such thing, or does not show it"),
        (as_json({"message": "slow down"}, 429, Retry_After="17"), "Ask again in 17 s."),
        (
            as_json(
                {"message": "API rate limit exceeded"}, 403, X_RateLimit_Remaining="0", X_RateLimit_Reset="1795428000"
            ),
            "Ask again after 10:00:00Z.",
        ),
        (as_json({}, 502), "answered with error 502"),
        (as_text("<html>Sign in</html>", kind="text/html"), "a web page instead of JSON"),
        (as_text("{", kind="application/json"), "something that is not JSON"),
        ((302, {"Location": "http://elsewhere.test/login"}, b""), "cannot be reached"),
        (as_json([1, 2]), ""),
        (as_json({"workflow_runs": [{"id": {"a": 1}}, 7, None]}), ""),
    ],
)
def test_an_answer_that_is_no_answer_becomes_a_finding_that_says_what_to_do(
    served: Serving, reply: tuple[int, dict[str, str], bytes], words: str
) -> None:
    served.answer = lambda _: reply
    found = gather(system(served))
    assert words in found["asked"].fact
    assert "active" not in found or found["active"].says is Says.NOTHING
    if words:
        assert found["asked"].says is Says.UNKNOWN


def test_hostile_names_are_shown_without_their_escapes(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    name = "apply (infra/prod)\x1b]0;owned\x07\x1b[2J [bold]x[/] \N{RIGHT-TO-LEFT OVERRIDE}"
    github.add_job(812, 1, name=name, status="in_progress", conclusion=None, completed_at=None)
    fact = gather(system(served))["active"].fact
    assert "\x1b" not in fact
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in fact
    assert "[bold]x[/]" in fact


def test_a_workflows_name_in_a_command_is_quoted(served: Serving, checkout: Path) -> None:
    text = "on: {schedule: [{cron: '0 3 * * *'}]}\njobs: {a: {steps: [{run: terraform apply}]}}\n"
    workflow(checkout, text, "a; rm -rf ~.yml")
    assert next_in_line(system(served, checkout))[0].hold == "gh workflow disable 'a; rm -rf ~.yml' -R acme/infra"


def test_a_lock_that_cannot_be_read_is_matched_with_no_run_by_time(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    from tuirunbook.core.lock import Store, StoredLock  # noqa: PLC0415

    found = gather(system(served), StoredLock.read(Store.S3, b"not json"))
    assert found["active"].says is Says.BLOCKS
    assert "does not say when it was taken" in found["holder"].fact


def test_without_a_checkout_only_what_names_the_state_itself_names_it(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    found = gather(system(served), target=Target(names=()))
    assert found["candidates"].match is Match.COULD_BE
    assert found["candidates"].says is Says.BLOCKS


def test_what_has_ended_is_asked_for_once(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, conclusion="failure")
    github.add_job(812, 1, conclusion="failure")
    github.logs[1] = "Terraform\nError: boom\n"
    github.add_run(813, status="in_progress", conclusion=None)
    github.add_job(813, 2, status="in_progress", conclusion=None, completed_at=None)
    asked = system(served)
    first = gather(asked)
    served.asked.clear()
    assert gather(asked) == first
    again = [path.removeprefix("/repos/acme/infra/") for path in served.paths]
    assert "actions/runs/813/jobs" in again
    assert not {"actions/runs/812/jobs", "actions/jobs/1/logs", "check-runs/1/annotations"} & set(again)


def test_a_run_whose_jobs_cannot_be_read_is_a_candidate_and_the_others_still_count(
    github: GitHubServer, served: Serving
) -> None:
    for number in (812, 813):
        github.add_run(number, status="in_progress", conclusion=None)
        github.add_job(number, number, status="in_progress", conclusion=None, completed_at=None)
    answering = served.answer
    served.answer = lambda asked: as_json({}, 500) if asked.path.endswith("/812/jobs") else answering(asked)
    found = gather(system(served))
    assert "run 813" in found["active"].fact
    assert "run 812" in found["candidates"].fact
    assert found["asked"].says is Says.UNKNOWN


def test_no_run_matches_is_opposed_by_one_that_does(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    assert gather(system(served))["active"].opposes == ("ci=none",)


def test_more_jobs_than_are_read_are_not_passed_over_in_silence(github: GitHubServer, served: Serving) -> None:
    github.add_run(812, status="in_progress", conclusion=None)
    for number in range(301):
        github.add_job(812, number, name=f"shard {number}")
    found = gather(system(served))["asked"]
    assert found.says is Says.UNKNOWN
    assert "run 812 has more than 300 jobs" in found.fact
