"""The usual causes, in checkouts with real CI files, scripts and policies; and IAM behind a loopback server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.incidents import DUAL, DYNAMODB_ONLY, LOCKFILE_ONLY, START, Story, lock_text, stored
from tuirunbook.core.address import StateAddress
from tuirunbook.core.causes import Kind, Result, about, found
from tuirunbook.core.events import FindingRecorded
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import NotChecked, Store
from tuirunbook.evidence.causes import Causes, HolderRole

T = TypeVar("T")
LOCK = stored(Store.S3, lock_text())
GOOD = """
on: push
concurrency: {group: prod, cancel-in-progress: false}
jobs:
  apply:
    runs-on: ubuntu-latest
    timeout-minutes: 120
    steps:
      - uses: hashicorp/setup-terraform@v3
        with: {terraform_wrapper: false}
      # - run: terraform apply -lock=false
      - run: terraform apply -input=false -lock-timeout=10m
"""
BAD = """
on: push
jobs:
  apply:
    runs-on: [self-hosted, spot]
    timeout-minutes: 10
    concurrency: {group: x, cancel-in-progress: true}
    steps:
      - uses: hashicorp/setup-terraform@v3
      - run: |
          terraform plan -lock=false | head -50
          terraform apply \\
            -auto-approve
  destroy:
    runs-on: ubuntu-latest
    steps:
      - run: terraform destroy
"""


def write(top: Path, **files: str) -> Causes:
    for name, text in files.items():
        path = top / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Causes(top)


def story_of(source: Causes | HolderRole, address: StateAddress = DUAL) -> Story:
    story = Story(address)
    for finding in source.gather(LOCK, address, START):
        assert finding.says is Says.NOTHING
        story.add(FindingRecorded, finding=finding)
    return story


def look(source: Causes | HolderRole, address: StateAddress = DUAL) -> dict[Kind, tuple[Result, str]]:
    return {kind: (cause.result, cause.fact) for kind, cause in found(story_of(source, address).incident).items()}


def workflow(tmp_path: Path, text: str) -> dict[Kind, tuple[Result, str]]:
    return look(write(tmp_path, **{".github__workflows__deploy.yml": text}))


def test_a_sound_workflow_shows_none_of_the_causes(tmp_path: Path) -> None:
    seen = workflow(tmp_path, GOOD)
    assert {kind for kind, (result, _) in seen.items() if result is Result.NOT_SEEN} == {
        Kind.CONCURRENCY,
        Kind.CANCELS,
        Kind.TIMEOUT,
        Kind.SIGNAL,
        Kind.EVICTED,
        Kind.UNLOCKED,
        Kind.PIPED,
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.CONCURRENCY, "job destroy has no concurrency group"),
        (Kind.CANCELS, "job apply cancels the run in progress"),
        (Kind.TIMEOUT, "job apply is ended after 10 min"),
        (Kind.SIGNAL, "setup-terraform's wrapper"),
        (Kind.EVICTED, "spot"),
        (Kind.UNLOCKED, ".github/workflows/deploy.yml:11 runs without the lock"),
        (Kind.PIPED, "terraform plan -lock=false | head -50"),
    ],
)
def test_each_cause_is_shown_with_its_place(tmp_path: Path, kind: Kind, words: str) -> None:
    result, fact = workflow(tmp_path, BAD)[kind]
    assert result is Result.SHOWN
    assert words in fact


def test_a_workflow_that_others_call_leaves_the_group_to_them(tmp_path: Path) -> None:
    called = "on: {workflow_call: {}}\njobs: {apply: {steps: [{run: terraform apply}]}}\n"
    assert workflow(tmp_path, called)[Kind.CONCURRENCY][0] is Result.NOT_CHECKED


def test_a_cancel_that_depends_on_an_expression_may_cancel(tmp_path: Path) -> None:
    text = GOOD.replace("cancel-in-progress: false", "cancel-in-progress: '${{ github.ref != 1 }}'")
    assert workflow(tmp_path, text)[Kind.CANCELS][0] is Result.SHOWN


def test_a_job_that_only_plans_may_be_cancelled_and_short(tmp_path: Path) -> None:
    text = BAD.replace("terraform apply", "terraform validate").replace("terraform destroy", "terraform fmt")
    seen = workflow(tmp_path, text)
    assert seen[Kind.CANCELS][0] is Result.NOT_SEEN
    assert seen[Kind.TIMEOUT][0] is Result.NOT_SEEN


def test_gitlab_jobs_are_read_with_what_they_extend(tmp_path: Path) -> None:
    text = """
default: {interruptible: true}
.base: &base
  before_script: [terraform init]
  timeout: 10 minutes
apply:
  extends: .base
  script: [[!reference [.x, script], "terraform apply"]]
safe:
  <<: *base
  interruptible: false
  timeout: 2h
  resource_group: prod
  script: [terraform apply]
"""
    seen = look(write(tmp_path, **{".gitlab-ci.yml": text}))
    assert seen[Kind.CONCURRENCY] == (Result.SHOWN, ".gitlab-ci.yml, job apply has no resource_group")
    assert seen[Kind.CANCELS][1].startswith(".gitlab-ci.yml, job apply cancels")
    assert seen[Kind.TIMEOUT][1] == ".gitlab-ci.yml, job apply is ended after 10 min, whatever terraform does then"


def test_scripts_and_make_targets_that_a_job_runs_are_part_of_it(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        **{
            ".github__workflows__a.yml": "on: push\njobs:\n  one: {steps: [{run: ./ci/deploy.sh}]}\n"
            "  two: {steps: [{run: make -s ship}]}\n",
            "ci__deploy.sh": "#!/bin/sh\nterraform apply\n",
            "Makefile": "lint:\n\ttflint\nship: lint\n\tterraform apply\n",
        },
    )
    seen = look(source)
    fact = seen[Kind.CONCURRENCY][1]
    assert "job one has no" in fact
    assert "job two has no" in fact
    assert "ci/deploy.sh runs terraform as its child" in seen[Kind.SIGNAL][1]


@pytest.mark.parametrize("how", ["exec terraform apply", "trap 'kill -INT $pid' TERM\nterraform apply & pid=$!"])
def test_a_script_that_hands_signals_on_is_sound(tmp_path: Path, how: str) -> None:
    source = write(
        tmp_path,
        **{".github__workflows__a.yml": "on: push\njobs: {one: {steps: [{run: ci/x.sh}]}}", "ci__x.sh": how + "\n"},
    )
    assert look(source)[Kind.SIGNAL][0] is Result.NOT_SEEN


def test_other_systems_are_searched_for_command_lines_alone(tmp_path: Path) -> None:
    seen = look(write(tmp_path, Jenkinsfile="sh 'terraform apply -lock=false'\n"))
    assert seen[Kind.UNLOCKED] == (
        Result.SHOWN,
        "Jenkinsfile:1 runs without the lock (“sh 'terraform apply -lock=false'”)",
    )
    assert seen[Kind.CONCURRENCY][0] is Result.NOT_CHECKED


def test_a_repository_without_ci_files_is_not_a_sound_one(tmp_path: Path) -> None:
    assert {result for result, _ in look(Causes(tmp_path)).values()} == {Result.NOT_CHECKED}


@pytest.mark.parametrize(
    "text", ["jobs: [", "jobs: 3", "a: &a [*a]", "\x00", "jobs: {x: {steps: {run: terraform apply}}}"]
)
def test_a_ci_file_of_no_known_shape_breaks_nothing(tmp_path: Path, text: str) -> None:
    look(
        write(
            tmp_path, **{".github__workflows__a.yml": text, ".gitlab-ci.yml": text, "x.tf": f"Statement PutItem {text}"}
        )
    )


PUT_ONLY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": "*"}}
DOCUMENT = """
data "aws_iam_policy_document" "ci" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::acme-tfstate/*"]
  }
}
"""
ENCODED = """
resource "aws_iam_policy" "ci" {
  policy = jsonencode({
    Statement = [{
      Effect = "Allow", Action = "dynamodb:PutItem"
      Resource = aws_dynamodb_table.tf_locks.arn
    }]
  })
}
"""
HEREDOC = f'resource "aws_iam_policy" "ci" {{\n  policy = <<EOF\n{json.dumps(PUT_ONLY)}\nEOF\n}}\n'


@pytest.mark.parametrize(
    ("name", "text", "address", "missing"),
    [
        ("iam__ci.json", json.dumps(PUT_ONLY), DYNAMODB_ONLY, "no dynamodb:DeleteItem"),
        ("iam__ci.tf", DOCUMENT, LOCKFILE_ONLY, "no s3:DeleteObject"),
        ("iam__ci.tf", ENCODED, DYNAMODB_ONLY, "if that is where this state's lock is"),
        ("iam__ci.tf", HEREDOC, DYNAMODB_ONLY, "no dynamodb:DeleteItem"),
    ],
)
def test_a_policy_that_cannot_release_is_found_in_every_form(
    tmp_path: Path, name: str, text: str, address: StateAddress, missing: str
) -> None:
    result, fact = look(write(tmp_path, **{name: text}), address)[Kind.POLICY]
    assert result is Result.SHOWN
    assert fact.startswith("iam/ci.")
    assert missing in fact


def test_a_policy_that_can_release_is_sound_and_silence_is_not(tmp_path: Path) -> None:
    assert look(Causes(tmp_path))[Kind.POLICY][0] is Result.NOT_CHECKED
    sound = DOCUMENT.replace('"s3:PutObject"', '"s3:PutObject", "s3:DeleteObject"')
    assert look(write(tmp_path, **{"ci.tf": sound}), LOCKFILE_ONLY)[Kind.POLICY][0] is Result.NOT_SEEN


def test_where_another_policy_gives_both_it_is_for_iam_to_say(tmp_path: Path) -> None:
    sound = DOCUMENT.replace('"s3:PutObject"', '"s3:PutObject", "s3:DeleteObject"').replace('"ci"', '"admin"')
    result, fact = look(write(tmp_path, **{"a.tf": DOCUMENT, "b.tf": sound}), LOCKFILE_ONLY)[Kind.POLICY]
    assert result is Result.NOT_CHECKED
    assert "b.tf (admin) gives both" in fact


def test_what_terraform_has_downloaded_is_not_this_repositorys(tmp_path: Path) -> None:
    write(tmp_path, **{".terraform__modules__x__ci.tf": DOCUMENT})
    assert look(Causes(tmp_path), LOCKFILE_ONLY)[Kind.POLICY][0] is Result.NOT_CHECKED


def test_the_prevention_list_is_filled_from_what_was_looked_for(tmp_path: Path) -> None:
    incident = story_of(write(tmp_path, **{".github__workflows__deploy.yml": BAD})).incident
    kinds = {item: [cause.kind for cause in about(item, incident)] for item in items()}
    assert list(kinds.values()) == [
        [Kind.CONCURRENCY, Kind.CANCELS],
        [Kind.SIGNAL, Kind.CANCELS],
        [Kind.TIMEOUT],
        [Kind.POLICY],
        [],
        [Kind.STORES],
        [Kind.PIPED],
        [Kind.UNLOCKED],
        [Kind.EVICTED],
        [],
        [],
    ]


def items() -> list[str]:
    """The prevention list of the runbook that ships."""
    text = (Path(__file__).parents[2] / "runbooks" / "state-lock.md").read_text()
    _, _, listed = text.partition("action: prevent\nitems:\n")
    return [line.strip()[3:-1] for line in listed.partition("```")[0].splitlines()]


ROLE = "arn:aws:iam::123456789012:role/ci/terraform"


class Iam:
    """IAM's query API on this machine: `SimulatePrincipalPolicy` as it is documented."""

    def __init__(self) -> None:
        self.denied: set[str] = set()
        self.refuses = False
        self.asked: list[dict[str, list[str]]] = []
        iam = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                iam.asked.append(query)
                status, body = iam.answer(query)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.client_made = boto3.client(
            "iam",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{self._server.server_port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def answer(self, query: dict[str, list[str]]) -> tuple[int, str]:
        if self.refuses:
            error = "<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>"
            return 403, f"<ErrorResponse>{error}<RequestId>x</RequestId></ErrorResponse>"
        actions = [query[f"ActionNames.member.{number}"][0] for number in (1, 2)]
        members = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>x</EvalResourceName>"
            f"<EvalDecision>{'implicitDeny' if action in self.denied else 'allowed'}</EvalDecision></member>"
            for action in actions
        )
        result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
        space = 'xmlns="https://iam.amazonaws.com/doc/2010-05-08/"'
        name = "SimulatePrincipalPolicy"
        return 200, f"<{name}Response {space}><{name}Result>{result}</{name}Result></{name}Response>"

    def close(self) -> None:
        self.client_made.close()
        self._server.shutdown()
        self._server.server_close()

    def client(self, service: str, region: str | None = None) -> Any:
        assert (service, region) == ("iam", None)
        return self.client_made

    def ask(self, what: str, call: Callable[[], T]) -> T | NotChecked:
        try:
            return call()
        except ClientError as error:
            return NotChecked(why=f"AWS refused {what}", code=error.response["Error"]["Code"])

    def why_not(self, service: str) -> str:
        assert service == "iam"
        return ""


@pytest.fixture
def iam() -> Iterator[Iam]:
    made = Iam()
    yield made
    made.close()


def test_a_role_that_may_release_what_it_takes_is_sound(iam: Iam) -> None:
    result, fact = look(HolderRole(iam, lambda: [ROLE]))[Kind.ROLE]
    assert result is Result.NOT_SEEN
    assert "terraform may dynamodb:DeleteItem and s3:DeleteObject; a simulation sees neither" in fact
    table, lockfile = iam.asked
    assert table["PolicySourceArn.member.1" if "PolicySourceArn.member.1" in table else "PolicySourceArn"] == [ROLE]
    assert table["ResourceArns.member.1"] == ["arn:aws:dynamodb:eu-west-1:123456789012:table/tf-locks"]
    assert lockfile["ResourceArns.member.1"] == ["arn:aws:s3:::acme-tfstate/network/terraform.tfstate.tflock"]


def test_a_role_that_may_take_and_not_release_is_a_cause(iam: Iam) -> None:
    iam.denied = {"dynamodb:DeleteItem"}
    result, fact = look(HolderRole(iam, lambda: [ROLE]))[Kind.ROLE]
    assert result is Result.SHOWN
    assert "dynamodb:DeleteItem is not given on arn:aws:dynamodb:eu-west-1:123456789012:table/tf-locks" in fact
    assert "s3:DeleteObject is" not in fact


def test_where_the_simulation_is_refused_nothing_is_concluded(iam: Iam) -> None:
    iam.refuses = True
    result, fact = look(HolderRole(iam, lambda: [ROLE]))[Kind.ROLE]
    assert (result, "AWS refused" in fact) == (Result.NOT_CHECKED, True)


def test_a_role_that_nobody_names_is_not_asked_about(iam: Iam) -> None:
    assert look(HolderRole(iam, list))[Kind.ROLE][0] is Result.NOT_CHECKED
    assert iam.asked == []


def test_roles_are_those_of_ci_files_that_run_terraform(tmp_path: Path) -> None:
    step = "- uses: aws-actions/configure-aws-credentials@v4\n        with: {role-to-assume: '%s'}"
    text = GOOD.replace("# - run: terraform apply -lock=false", step % ROLE)
    other = GOOD.replace("terraform", "npm").replace("# - run: npm apply", step % (ROLE + "-web"))
    source = write(tmp_path, **{".github__workflows__a.yml": text, ".github__workflows__b.yml": other})
    assert source.roles() == (ROLE,)
