"""`completion`: a script for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tuirunbook.cli.group import group
from tuirunbook.cli.options import refuse_unused
from tuirunbook.cli.shell import COMPLETION, PROGRAM
from tuirunbook.wiring.problem import Problem


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> int:
    """Print a completion script for your shell.

    \b
      eval "$(tflock-tui completion bash)"                            # in ~/.bashrc
      eval "$(tflock-tui completion zsh)"                             # in ~/.zshrc
      tflock-tui completion fish > ~/.config/fish/completions/tflock-tui.fish
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    refuse_unused(context)
    kind = get_completion_class(shell)
    if kind is None:
        raise Problem(f"There is no completion for {shell}.")
    try:
        script = kind(group, {}, PROGRAM, COMPLETION).source()
    except RuntimeError as error:
        raise Problem(f"{error}") from None
    print(script)  # noqa: T201 - this is the result
    return 0
