"""S8: a plan can be given what a root module needs, and nothing that turns the lock off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.terraform.arguments import REFUSED, validate_plan_args


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["-var=region=eu-west-1", "-var-file=prod.tfvars"],
        ["--target=module.network", "-parallelism=2"],
        ["-refresh=false", '-replace=aws_instance.a["x"]', "-compact-warnings"],
        ["-var=note=-lock=false"],
    ],
)
def test_arguments_that_a_root_module_needs_pass(args: list[str]) -> None:
    validate_plan_args(args)


@pytest.mark.parametrize("dashes", ["-", "--"])
@pytest.mark.parametrize("value", ["", "=", "=false", "=x"])
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_s8_options_that_move_the_state_or_its_lock_are_refused(dashes: str, name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cannot be passed to plan"):
        validate_plan_args([f"{dashes}{name}{value}"])


@pytest.mark.parametrize(
    "arg",
    ["prod.tfvars", "", "-", "--", "---lock=false", "-help", "--all", "--tf-path=/tmp/x", "-chdir", "-target\0=x"],
)
def test_what_is_not_known_to_be_harmless_is_refused(arg: str) -> None:
    with pytest.raises(ValueError, match=r"is not an option|cannot be passed"):
        validate_plan_args([arg])


@pytest.mark.parametrize("arg", ["-var", "--var-file", "-target"])
def test_an_option_cannot_swallow_the_next_argument(arg: str) -> None:
    with pytest.raises(ValueError, match="needs its value in the same argument"):
        validate_plan_args([arg, "-refresh=false"])


@given(st.lists(st.one_of(st.text(), st.from_regex(r"--?(lock|state|out|var|target)(-\w+)?(=.*)?"))))
def test_s8_whatever_passes_never_names_the_lock(args: list[str]) -> None:
    try:
        validate_plan_args(args)
    except ValueError:
        return
    assert not any(arg.lstrip("-").startswith(("lock", "state", "out", "backup")) for arg in args)
