"""What a `run` step may start (S14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.readonly import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

STARTERS = [
    *("terraform", "tofu", "terragrunt", "sh", "bash", "zsh", "dash", "fish", "ksh", "pwsh", "busybox"),
    *("python", "python3", "python3.12", "perl", "ruby", "node", "env", "xargs", "sudo", "nohup"),
]
SPELLINGS = st.sampled_from(
    [
        "{}",
        "/bin/{}",
        "./{}",
        "../x/{}",
        "~/{}",
        "{}.exe",
        "/usr/local/bin/{}-1.5",
        "  {}",
        "{}\n",
        "{{{{ tool.program }}}}{}",
    ]
)


@given(
    st.sampled_from(STARTERS),
    SPELLINGS,
    st.sampled_from([str.lower, str.upper]),
    st.lists(st.text(max_size=8), max_size=3),
)
def test_s14_nothing_that_is_a_shell_an_interpreter_or_terraform_passes(
    program: str, spelling: str, case: Callable[[str], str], arguments: list[str]
) -> None:
    assert refusal([case(spelling.format(program)), *arguments]) is not None


@given(st.sampled_from(STARTERS), st.sampled_from(["{}", "/bin/{}", "{} -c x", "--shell={}", "x;{}", "$({})"]))
def test_s14_an_unknown_program_is_not_told_to_start_one_either(program: str, spelling: str) -> None:
    assert refusal(["some-tool", "--", spelling.format(program)]) is not None


@given(st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True), st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True))
def test_s14_aws_only_reads(service: str, operation: str) -> None:
    if not operation.startswith(("get-", "list-", "describe-", "head-")):
        assert refusal(["aws", service, operation]) is not None


@pytest.mark.parametrize(
    "line",
    [
        "aws sts get-caller-identity",
        "aws dynamodb get-item --table-name t --key x --consistent-read",
        "aws --profile p --region r s3api head-object --bucket b --key k",
        "aws --no-cli-pager dynamodb describe-table --table-name t",
        "aws s3api list-object-versions --bucket b",
        "gh run list --workflow terraform",
        "git log -5 --oneline",
        "kubectl get pods",
        "pgrep -fl terraform",
        "oncall whois platform",
        "date -u",
    ],
)
def test_reading_commands_pass(line: str) -> None:
    assert refusal(line.split()) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("aws s3 ls", "not a read"),
        ("aws dynamodb delete-item --table-name t", "not a read"),
        ("AWS dynamodb delete-item", "not a read"),
        ("aws --profile get-x dynamodb delete-item", "not a read"),
        ("aws --debug dynamodb get-item", "secrets"),
        ("aws --cli-unknown get-x dynamodb get-item", "options stand after"),
        ("aws dynamodb --table-name get-item", "a service and an operation"),
        ("aws dynamodb get-item --endpoint-url http://evil", "elsewhere"),
        ("aws dynamodb get-item --endpoint=http://evil", "elsewhere"),
        ("aws dynamodb get-item --key file:///etc/passwd", "from elsewhere"),
        ("aws s3api get-object --bucket b --key k /home/me/.bashrc", "fetches contents"),
        ("aws secretsmanager get-secret-value --secret-id x", "secrets"),
        ("aws sts get-session-token", "secrets"),
        ("aws ssm get-parameter --name x --with-decryption", "secrets"),
        ("git -c alias.x=!id x", "only for"),
        ("git log --output=x", "can write"),
        ("gh api -X DELETE x", "only for"),
        ("kubectl exec pod -- id", "only for"),
        ("kubectl get secrets -o yaml", "secrets"),
        ("kubectl get pods --kubeconfig x", "can write"),
        ("curl -X POST https://x", "can write or send"),
        ("rm -rf x", "can write or send"),
    ],
)
def test_s14_other_commands_are_refused_with_a_reason(line: str, why: str) -> None:
    assert why in (refusal(line.split()) or "")


def test_an_empty_list_is_refused() -> None:
    assert refusal([]) == "an argument list begins with a program"
