"""What to do about an argument of a backend that no file tells: for who starts in the root module, and in a list."""

from __future__ import annotations

from collections.abc import Sequence

MAPPING = ".tflock/config.toml"
"""Where a team maps what its files do not tell."""

_MOST_NAMED = 4


def start_with(argument: str, found: Sequence[str]) -> str:
    """How an argument that is set nowhere is given to a walk; files that may set it are named."""
    how = f"give --backend-config {argument}=VALUE or --backend-config FILE{_named(found)}"
    return f"set AWS_REGION, or {how}" if argument == "region" else how


def start_resolved(argument: str, place: str, program: str) -> str:
    """How an expression, which stands at this place, gets a value for a walk."""
    return (
        f"{place} sets it to an expression, which OpenTofu resolves and Terraform refuses: {_init(program)}, or give "
        f"--backend-config {argument}=VALUE"
    )


def map_once(argument: str, found: Sequence[str]) -> str:
    """How an argument that is set nowhere is told once for everybody; files that may set it are named."""
    how = f"map this root in {MAPPING}, or start in it with --backend-config FILE{_named(found)}"
    return f"set AWS_REGION, or {how}" if argument == "region" else how


def map_resolved(program: str) -> str:
    """How an expression gets a value for everybody."""
    return f"{_init(program)}, or map this root in {MAPPING}"


def _init(program: str) -> str:
    # Terraform itself takes no expression here.
    return f"run `{program if program == 'terragrunt' else 'tofu'} init` in it, which saves the value"


def _named(found: Sequence[str]) -> str:
    named = ", ".join(found[:_MOST_NAMED])
    more = len(found) - _MOST_NAMED
    return f" (found: {named}{f' and {more} more' if more > 0 else ''})" if found else ""
