"""The command line: options of the walk, and the commands, each imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from tuirunbook import __version__
from tuirunbook.cli.options import Given, require_sense, selecting, walk_options
from tuirunbook.cli.saying import complain
from tuirunbook.cli.shell import COMPLETION, INTERRUPTED, PROGRAM
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told

PLAIN_HELP = (
    "Walk line by line, for screen readers, serial consoles and logs. "
    "Exits 3 where another session writes the incident, so that this one can only read along."
)

_COMMANDS = {
    "status": ("state", "The lock of this state, without provoking the error."),
    "locks": ("locks", "The locks of every state of this repository."),
    "wait": ("state", "Wait until the holder lets go."),
    "diagnose": ("diagnose", "What kind of failure Terraform's output tells."),
    "incidents": ("incidents", "Past and open incidents."),
    "resume": ("incidents", "Go on with an incident."),
    "export": ("incidents", "An incident as a postmortem."),
    "train": ("train", "Practise on a world of our own: no AWS, no Terraform, no network."),
    "runbook": ("runbook", "The runbooks: list, show, check."),
    "doctor": ("doctor", "What is found here, and what is missing."),
    "trust": ("trust", "Trust this repository's settings."),
    "completion": ("completion", "Completion for your shell."),
}


class Commands(click.Group):
    """A group whose commands are modules of this package, imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of a day's use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """The command with this name."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"tuirunbook.cli.{_COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told_as) for name, (_, told_as) in _COMMANDS.items()])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@walk_options
@click.option("--plain", is_flag=True, help=PLAIN_HELP)
@click.option("--states", is_flag=True, help="Show every state of this repository first.")
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def group(context: click.Context, /, *, error: str | None, plain: bool, states: bool, **given: Any) -> int:
    """Clear a stuck Terraform state lock safely.

    Without a command: walk the runbook for the state of this directory, or for the state that an error names.

    \b
      cd infra/prod && tflock-tui
      tflock-tui --error ci.log
      pbpaste | tflock-tui --error -
      tflock-tui --bucket my-state --key prod/network.tfstate --table my-locks --region eu-west-1
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    chosen = {name: value for name, value in given.items() if value is not None}
    options = msgspec.structs.replace(Options(), **chosen)
    if context.invoked_subcommand is not None:
        named = selecting({**given, "error": error})
        context.obj = Given(options=options, error=error or "", named=named, plain=plain)
        if states:
            raise click.UsageError(f"--states opens a screen of its own, and not `{context.invoked_subcommand}`")
        return 0
    require_sense(options, error or "")
    if plain and states:
        raise click.UsageError("--states is a screen: `tflock-tui locks` lists every state, and -C chooses one")
    from tuirunbook.cli.walk import walk  # noqa: PLC0415 - commands do without

    return walk(options, error=error or "", plain=plain, states=states)


def parse_and_run(arguments: Sequence[str]) -> int:
    """Run a command line with arguments; its exit code."""
    try:
        with told():
            code = group.main(list(arguments), prog_name=PROGRAM, complete_var=COMPLETION, standalone_mode=False)
    except click.ClickException as mistake:
        mistake.show()
        return mistake.exit_code
    except click.Abort:
        return INTERRUPTED
    except Problem as problem:
        complain(problem)
        return 1
    return code if isinstance(code, int) else 0
