"""Generated parts of the README: the key table and the commands' help. `python -m tuirunbook.docs [--check]`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
WIDTH = 100


def help_text() -> str:
    """The help of `tflock-tui` and of each command, as Markdown."""
    import click  # noqa: PLC0415 - only who asks pays

    from tuirunbook.cli.group import group  # noqa: PLC0415 - likewise
    from tuirunbook.cli.shell import PROGRAM  # noqa: PLC0415 - likewise

    def pages(command: click.Command, parent: click.Context | None, name: str) -> list[str]:
        context = click.Context(command, parent=parent, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH)
        found = [command.get_help(context)]
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                sub = command.get_command(context, inner)
                found += [] if sub is None else pages(sub, context, inner)
        return found

    first, *rest = pages(group, None, PROGRAM)
    blocks = "\n\n".join(f"```text\n{page.rstrip()}\n```" for page in rest)
    return f"```text\n{first.rstrip()}\n```\n\n<details><summary>Every command</summary>\n\n{blocks}\n\n</details>"


def keys() -> str:
    """The key table."""
    from tuirunbook.tui.commands import key_table  # noqa: PLC0415 - it imports Textual

    return key_table()


PARTS: Mapping[str, Callable[[], str]] = {"keys": keys, "help": help_text}


def generated(text: str) -> str:
    """`text` with what stands between each pair of markers replaced by what it should be.

    Raises:
        ValueError: A pair of markers is missing.
    """
    for name, make in PARTS.items():
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if between.search(text) is None:
            raise ValueError(f"the README has no <!-- {name} --> … <!-- /{name} -->")
        content = make()
        text = between.sub(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)  # type: ignore[misc]
    return text


def main(arguments: list[str]) -> int:
    """Write the README's generated parts, or with `--check` say whether they are current."""
    text = README.read_text("utf-8")
    try:
        current = generated(text)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    if current == text:
        return 0
    if "--check" in arguments:
        print("README.md is stale: run python -m tuirunbook.docs", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    README.write_text(current, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
