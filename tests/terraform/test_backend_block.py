"""The backend-only root says what the detected backend says, on the full state key, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend
from tuirunbook.core.values import ProgramError
from tuirunbook.terraform.backend_block import backend_block, root_module, secret_environment


def block(
    arguments: dict[str, Any] | None = None,
    *,
    workspace: str = "default",
    program: str = "terraform",
    version: str = "1.11.4",
    own_credentials: bool = False,
    table: str | None = "locks",
    use_lockfile: bool = True,
) -> dict[str, Any]:
    address = StateAddress(
        bucket="acme",
        key="net/x.tfstate",
        region="eu-west-1",
        workspace=workspace,
        table=table,
        use_lockfile=use_lockfile,
    )
    return backend_block(
        Backend(type="s3", arguments={"bucket": "other", "key": "other", **(arguments or {})}),
        address,
        program=program,
        version=version,
        own_credentials=own_credentials,
        directory="/repo/net",
    )


def test_the_key_is_the_whole_state_key_and_the_workspace_prefix_is_left_out() -> None:
    made = block({"workspace_key_prefix": "env:"}, workspace="prod")

    assert made == {
        "bucket": "acme",
        "key": "env:/prod/net/x.tfstate",
        "region": "eu-west-1",
        "dynamodb_table": "locks",
        "use_lockfile": True,
    }


def test_only_the_stores_of_the_address_are_named() -> None:
    made = block({"dynamodb_table": "old", "use_lockfile": True}, table=None, use_lockfile=False)

    assert not {"dynamodb_table", "use_lockfile"} & made.keys()


def test_everything_else_that_is_set_is_kept() -> None:
    arguments = {
        "encrypt": True,
        "kms_key_id": None,
        "endpoints": [{"s3": "http://localhost:1", "dynamodb": None}],
        "allowed_account_ids": ["123456789012"],
        "forbidden_account_ids": [],
        "max_retries": 3,
    }

    made = block(arguments)

    assert made["encrypt"] is True
    assert made["endpoints"] == {"s3": "http://localhost:1"}
    assert made["allowed_account_ids"] == ["123456789012"]
    assert made["max_retries"] == 3
    assert not {"kms_key_id", "forbidden_account_ids"} & made.keys()


WHO = {
    "profile": "prod",
    "assume_role": {"role_arn": "arn:aws:iam::1:role/state"},
    "shared_config_files": ["aws/config"],
    "role_arn": "arn:aws:iam::1:role/old",
    "assume_role_policy": "{}",
}


def test_resolved_credentials_replace_profile_roles_and_shared_files() -> None:
    assert not WHO.keys() & block(WHO, own_credentials=True, program="tofu").keys()


def test_without_resolved_credentials_the_backend_says_who_and_paths_start_at_the_root_module() -> None:
    made = block(WHO, version="1.9.8")

    assert made["profile"] == "prod"
    assert made["assume_role"] == WHO["assume_role"]
    assert made["shared_config_files"] == ["/repo/net/aws/config"]
    assert made["role_arn"] == WHO["role_arn"]


@pytest.mark.parametrize(
    ("program", "version", "kept"),
    [
        ("terraform", "1.9.8", True),
        ("terraform", "1.10.0-beta1", False),
        ("terraform", "1.11.4", False),
        ("tofu", "1.12.6", True),
    ],
)
def test_flat_role_arguments_are_left_out_where_they_were_removed(program: str, version: str, *, kept: bool) -> None:
    made = block(WHO, program=program, version=version)

    assert ("role_arn" in made, "assume_role_policy" in made) == (kept, kept)
    assert "assume_role" in made


def test_what_only_terragrunt_understands_is_left_out() -> None:
    extras = {
        "s3_bucket_tags": {"a": "b"},
        "skip_bucket_versioning": True,
        "lock_table": "locks",
        "bucket_sse_algorithm": "AES256",
    }

    assert not extras.keys() & block(extras).keys()


def test_s13_secrets_go_by_the_environment_and_never_into_the_root() -> None:
    secrets = {
        "access_key": "AKIAIOSFODNN7EXAMPLE",
        "secret_key": "wJalrXUtnFEMI",
        "token": "session-token",
        "sse_customer_key": "customer-key",
        "assume_role_with_web_identity": {"role_arn": "arn", "web_identity_token": "web-token"},
    }

    text = json.dumps(root_module(block(secrets)))

    assert not [value for value in (*secrets.values(), "web-token") if isinstance(value, str) and value in text]
    assert secret_environment(Backend(type="s3", arguments=secrets)) == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
        "AWS_SESSION_TOKEN": "session-token",
        "AWS_SSE_CUSTOMER_KEY": "customer-key",
    }


def test_a_template_is_refused_because_the_programs_read_it_differently() -> None:
    with pytest.raises(ProgramError, match="template"):
        block({"endpoints": {"s3": "http://${var.host}"}})


def test_another_backend_is_refused() -> None:
    address = StateAddress(bucket="acme", key="x", region="eu-west-1")
    with pytest.raises(ProgramError, match="'gcs'"):
        backend_block(
            Backend(type="gcs"), address, program="terraform", version="1.11.4", own_credentials=False, directory=None
        )
