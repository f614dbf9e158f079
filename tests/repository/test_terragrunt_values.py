"""What files alone tell of Terragrunt's expressions; the rest says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.repository.listing import one

if TYPE_CHECKING:
    from tests.repository.conftest import Checkout
    from tuirunbook.core.state import State

LOCALS = """locals {
  names  = { prod = "acme-p", list = ["a", "b"] } # a comment, with a comma
  common = {
    region       = "eu-west-1",
    use_lockfile = true
  }
  stage = "prod"
  asked = run_cmd("whoami")
}
"""


def found(checkout: Checkout, config: str) -> State:
    checkout.write(
        "app/terragrunt.hcl",
        f'{LOCALS}terraform {{\n  source = "../m"\n}}\nremote_state {{\n  backend = "s3"\n  config = {config}\n}}\n',
    )
    return one(checkout)


def bucket(checkout: Checkout, expression: str) -> State:
    return found(checkout, f'{{\n    bucket = {expression}\n    key = "k"\n    region = "r"\n  }}')


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('lookup(local.names, "prod", "z")', "acme-p"),
        ('lookup(local.names, "qa", "acme-q")', "acme-q"),
        ("try(local.names.prod, run_cmd())", "acme-p"),
        ('format("acme-%s-%d", local.stage, 7)', "acme-prod-7"),
        ('join("-", ["acme", local.stage])', "acme-prod"),
        ('join("-", local.names.list)', "a-b"),
        ('"${lookup(local.names, "prod")}-x"', "acme-p-x"),
        ('merge(local.names, {prod = "new"}).prod', None),
        ('lower("ACME")', "acme"),
    ],
)
def test_a_value_that_files_alone_tell_is_read(checkout: Checkout, expression: str, value: str | None) -> None:
    state = bucket(checkout, expression)
    assert state.root.backend.text("bucket") == value
    assert bool(state.unresolved) == (value is None)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('run_cmd("./bucket.sh")', "only Terragrunt itself evaluates run_cmd()"),
        ('"acme-${local.asked}"', "only Terragrunt itself evaluates run_cmd()"),
        ('get_env("ACME_BUCKET")', "the environment variable ACME_BUCKET is not set"),
        ('try(run_cmd("x"), "acme")', "only Terragrunt itself evaluates run_cmd()"),
        ('try(local.names.qa, "acme")', "it refers to a value that no file here holds"),
        ('local.stage == "prod" ? "a" : "b"', "only Terragrunt itself evaluates it"),
        ('lower("A") + lower("B")', "only Terragrunt itself evaluates it"),
        ('yamldecode(file("x.yaml")).bucket', "only Terragrunt itself evaluates it"),
        ('format("%5s", "x")', "only Terragrunt itself evaluates format() with such verbs"),
        ("lookup()", "lookup() is not called as it should be"),
        ('join("-", "x")', "join() is not called as it should be"),
    ],
)
def test_what_files_do_not_tell_says_why_and_what_to_run(checkout: Checkout, expression: str, why: str) -> None:
    (lack,) = bucket(checkout, expression).unresolved
    assert lack.argument == "bucket"
    assert lack.why == f"terragrunt.hcl:13 sets it to an expression: {why}"
    assert "terragrunt init" in lack.how
    assert ".tflock/config.toml" in lack.how


def test_merged_objects_are_one_configuration_the_later_winning(checkout: Checkout) -> None:
    own = '{ bucket = "acme", key = "${local.stage}/k", region = "us-east-1" }'
    state = found(checkout, f"merge(local.common, {own})")
    assert state.unresolved == ()
    address = state.root.address()
    assert (address.lock_id, address.region, address.use_lockfile) == ("acme/prod/k", "us-east-1", True)


def test_a_configuration_that_terragrunt_computes_lacks_everything(checkout: Checkout) -> None:
    state = found(checkout, 'merge(local.asked, { bucket = "acme" })')
    assert [lack.argument for lack in state.unresolved] == ["bucket", "key", "region"]
    assert all("run_cmd()" in lack.why for lack in state.unresolved)


def test_locals_that_refer_to_each_other_end(checkout: Checkout) -> None:
    checkout.write(
        "app/terragrunt.hcl",
        'locals {\n  a = local.b\n  b = local.a\n}\nterraform {\n  source = "x"\n}\n'
        'remote_state {\n  config = {\n    bucket = local.a\n    key = "k"\n    region = "r"\n  }\n}\n',
    )
    (lack,) = one(checkout).unresolved
    assert "refers to itself" in lack.why
