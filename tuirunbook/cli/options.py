"""The options that say which state is meant and how it is read, shared by the commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from tuirunbook.cli.walk import with_error
from tuirunbook.wiring.options import Options

F = TypeVar("F", bound=Callable[..., Any])

if TYPE_CHECKING:
    _Spans = click.ParamType[timedelta]
else:
    # Generic since click 8.2 only.
    _Spans = click.ParamType

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"(\d+)([wdhms])")


class Duration(_Spans):
    """A time span such as `45m`, `1h30m` or `90d`."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The span."""
        if isinstance(value, timedelta):
            return value
        text = str(value)
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{text!r} is not a time span such as 45m, 1h30m or 90d", param, ctx)
        try:
            return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
        except OverflowError:
            self.fail(f"{text!r} is too long", param, ctx)


_STATE: tuple[Callable[[F], F], ...] = (
    click.option("-C", "--chdir", "start", metavar="DIR", type=click.Path(), help="Start in this directory."),
    click.option(
        "--error",
        "error",
        metavar="FILE|URL|-",
        help="What Terraform printed, or the address of the run that printed it; its Path selects the root module.",
    ),
    click.option("--bucket", metavar="NAME", help="With --key: a state that no checkout here describes."),
    click.option("--key", metavar="KEY", help="The state's key in the bucket."),
    click.option("--table", metavar="NAME", help="Its DynamoDB lock table."),
    click.option("--use-lockfile/--no-use-lockfile", default=None, help="Whether it locks with an S3 lockfile."),
    click.option("--region", metavar="NAME", help="The region of bucket and table; wins over the backend."),
    click.option("--workspace", metavar="NAME", help="The workspace; wins over the selected one."),
    click.option(
        "--backend-config",
        metavar="FILE|NAME=VALUE",
        multiple=True,
        help="Completes a partial backend, as for `terraform init`. Repeatable.",
    ),
    click.option("--profile", metavar="NAME", help="The AWS profile; wins over the backend."),
    click.option("--role-arn", metavar="ARN", help="The role to assume; wins over the backend."),
)
_WALK: tuple[Callable[[F], F], ...] = (
    click.option(
        "--plan-arg",
        "plan_args",
        metavar="ARG",
        multiple=True,
        help="An argument that this root's plan needs, as in --plan-arg=-var-file=prod.tfvars. Repeatable.",
    ),
    click.option("--read-only", is_flag=True, help="Refuse every change, plans included."),
    click.option("--journal-dir", metavar="DIR", help="Where incidents are kept."),
    click.option("--program", metavar="NAME|PATH", help="terraform, tofu, terragrunt, or a path."),
    click.option("--runbook", metavar="NAME", help="The runbook to walk."),
)


def state_options(command: F) -> F:
    """Add the options that say which state is meant."""
    for option in reversed(_STATE):
        command = option(command)
    return command


def walk_options(command: F) -> F:
    """Add the options of a walk."""
    for option in reversed((*_STATE, *_WALK)):
        command = option(command)
    return command


def journal_option(command: F) -> F:
    """Add the option that says where incidents are kept."""
    return click.option("--journal-dir", metavar="DIR", help="Where incidents are kept.")(command)


def merged(context: click.Context, given: dict[str, Any]) -> Options:
    """The options given before the command's name, with those given after it laid over them.

    Raises:
        Problem: The file of `--error` cannot be read.
    """
    base, error = context.obj if context.obj is not None else (Options(), "")
    error = given.pop("error", None) or error
    chosen = {name: value for name, value in given.items() if value not in (None, (), False, "")}
    if given.get("use_lockfile") is False:
        chosen["use_lockfile"] = False
    options = msgspec.structs.replace(base, **chosen)
    require_pairs(options)
    return with_error(options, error)


def require_pairs(options: Options) -> None:
    """Refuse half of what only makes sense together.

    Raises:
        click.UsageError: A bucket without a key, or the reverse.
    """
    if bool(options.bucket) != bool(options.key):
        raise click.UsageError("--bucket and --key go together")
