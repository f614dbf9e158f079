"""The options that say which state is meant and how it is read, shared by the commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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


_STATE: dict[str, Callable[[Any], Any]] = {
    "start": click.option("-C", "--chdir", "start", metavar="DIR", type=click.Path(), help="Start in this directory."),
    "error": click.option(
        "--error",
        metavar="FILE|URL|-",
        help="What Terraform printed, or the address of the run that printed it; its Path selects the root module.",
    ),
    "bucket": click.option("--bucket", metavar="NAME", help="With --key: a state that no checkout here describes."),
    "key": click.option("--key", metavar="KEY", help="The state's key in the bucket."),
    "table": click.option("--table", metavar="NAME", help="Its DynamoDB lock table; with --key or --error."),
    "use_lockfile": click.option(
        "--use-lockfile/--no-use-lockfile", default=None, help="Whether it locks with an S3 lockfile; likewise."
    ),
    "region": click.option("--region", metavar="NAME", help="The region of bucket and table; wins over the backend."),
    "workspace": click.option("--workspace", metavar="NAME", help="The workspace; wins over the selected one."),
    "backend_config": click.option(
        "--backend-config",
        metavar="FILE|NAME=VALUE",
        multiple=True,
        help="Completes a partial backend, as for `terraform init`. Repeatable.",
    ),
    "profile": click.option("--profile", metavar="NAME", help="The AWS profile; wins over the backend."),
    "role_arn": click.option("--role-arn", metavar="ARN", help="The role to assume; wins over the backend."),
}
_WALK: dict[str, Callable[[Any], Any]] = {
    "plan_args": click.option(
        "--plan-arg",
        "plan_args",
        metavar="ARG",
        multiple=True,
        help="An argument that this root's plan needs, as in --plan-arg=-var-file=prod.tfvars. Repeatable.",
    ),
    "read_only": click.option("--read-only", is_flag=True, help="Refuse every change, plans included."),
    "journal_dir": click.option("--journal-dir", metavar="DIR", help="Where incidents are kept."),
    "program": click.option("--program", metavar="NAME|PATH", help="terraform, tofu, terragrunt, or a path."),
    "runbook": click.option("--runbook", metavar="NAME", help="The runbook to walk."),
}
_OF_THE_INCIDENT = frozenset({"bucket", "key", "table", "use_lockfile", "workspace", "runbook"})
"""What an incident says for itself when it is resumed."""

_OF_ONE_ROOT = frozenset({"error", "backend_config"})
"""What selects or completes one root module, and says nothing about all of a repository."""


def state_options(command: F) -> F:
    """Add the options that say which state is meant."""
    return _with(_STATE, command)


def survey_options(command: F) -> F:
    """Add the options that say which states are meant, and how they are read."""
    return _with(_STATE, command, without=_OF_ONE_ROOT)


def walk_options(command: F) -> F:
    """Add the options of a walk."""
    return _with(_STATE | _WALK, command)


def resume_options(command: F) -> F:
    """Add the options of a walk that goes on."""
    return _with(_STATE | _WALK, command, without=_OF_THE_INCIDENT)


def start_option(command: F) -> F:
    """Add the option that says where to start."""
    return _with({"start": _STATE["start"]}, command)


def journal_option(command: F) -> F:
    """Add the option that says where incidents are kept."""
    return _with({"journal_dir": _WALK["journal_dir"]}, command)


def _with(options: dict[str, Callable[[Any], Any]], command: F, without: frozenset[str] = frozenset()) -> F:
    for name, option in reversed(options.items()):
        if name not in without:
            command = option(command)
    return command


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What stood before a command's name.

    Attributes:
        options: Its options.
        error: The file of `--error`, or empty.
        named: The options that were given there, by their name on the command line.
        plain: Whether `--plain` was among them.
    """

    options: Options = Options()
    error: str = ""
    named: tuple[str, ...] = ()
    plain: bool = False


_SELECTING = {
    "error": "--error",
    "bucket": "--bucket",
    "key": "--key",
    "table": "--table",
    "use_lockfile": "--use-lockfile",
    "workspace": "--workspace",
    "backend_config": "--backend-config",
}
"""The options that say which state is meant. Where one of them cannot count, what is done is not what was asked for."""


def selecting(given: dict[str, Any]) -> tuple[str, ...]:
    """Those among the options that say which state is meant, as they are typed."""
    return tuple(typed for name, typed in _SELECTING.items() if given.get(name) not in (None, (), ""))


def merged(context: click.Context, given: dict[str, Any]) -> Options:
    """The options given before the command's name, with those given after it laid over them.

    Raises:
        click.UsageError: One of them cannot count here.
        Problem: The file of `--error` cannot be read.
    """
    before = given_before(context)
    refuse_unused(context, [typed for name, typed in _SELECTING.items() if name not in given])
    error = given.pop("error", None) or before.error
    chosen = {name: value for name, value in given.items() if value not in (None, (), False, "")}
    if given.get("use_lockfile") is False:
        chosen["use_lockfile"] = False
    options = msgspec.structs.replace(before.options, **chosen)
    require_sense(options, error)
    return with_error(options, error)


def given_before(context: click.Context) -> Given:
    """What stood before the command's name."""
    return context.obj if isinstance(context.obj, Given) else Given()


def refuse_unused(context: click.Context, unused: Iterable[str] = tuple(_SELECTING.values())) -> None:
    """Refuse an option before the command's name that says which state is meant, where this command does not hear it.

    Raises:
        click.UsageError: There is one.
    """
    named = given_before(context).named
    if found := [typed for typed in unused if typed in named]:
        raise click.UsageError(f"`{context.command_path}` takes no {' and no '.join(found)}")


def require_sense(options: Options, error: str = "") -> None:
    """Refuse what only makes sense together with something else, or instead of it.

    Raises:
        click.UsageError: It would be left out of account; the sentence says what to give.
    """
    if bool(options.bucket) != bool(options.key):
        raise click.UsageError("--bucket and --key go together")
    if options.bucket and options.backend_config:
        raise click.UsageError(
            "--backend-config completes the backend of a root module, and --bucket and --key stand for a state without "
            "one: give --table, --region and --use-lockfile instead"
        )
    if options.bucket or error:
        return
    for typed, argument, value in (
        ("--table", "dynamodb_table=NAME", options.table),
        ("--use-lockfile", "use_lockfile=true", options.use_lockfile),
    ):
        if value is not None:
            raise click.UsageError(
                f"{typed} only counts with --bucket and --key, or with --error: a root module's backend says for "
                f"itself how it locks (--backend-config {argument} completes it)"
            )
