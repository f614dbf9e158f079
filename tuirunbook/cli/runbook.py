"""`runbook`: list, show, check."""

from __future__ import annotations

from typing import Any

import click

from tuirunbook.cli.options import merged, start_option, state_options
from tuirunbook.cli.saying import remark, say, say_json
from tuirunbook.core.text import one_line
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.books import DEFAULT, Books, values_of
from tuirunbook.wiring.problem import Problem


@click.group()
def runbook() -> None:
    """List, show and check the runbooks: ours, your team's (.tflock/runbooks), your own."""


@runbook.command("list")
@start_option
@click.pass_context
def list_(context: click.Context, /, **given: Any) -> int:
    """List the runbooks, with where each is from and what it stands in for."""
    for found in Books(Adapters(merged(context, given)).roots.checkout()).available():
        shadows = f"  (instead of the one from {found.shadows})" if found.shadows else ""
        say(f"{found.name:<20} {found.origin}{shadows}")
    return 0


@runbook.command()
@state_options
@click.argument("name", default=DEFAULT)
@click.pass_context
def show(context: click.Context, /, *, name: str, **given: Any) -> int:
    """Print a runbook with this repository's values filled in, to follow by hand when the tool cannot run."""
    adapters = Adapters(merged(context, given))
    books = Books(adapters.roots.checkout())
    loaded = books.load(name)
    root = None
    try:
        found = adapters.roots.find()
    except Problem as problem:
        remark(f"The values of a state are not filled in: {problem}")
    else:
        root = found if not isinstance(found, tuple) else None
        if root is None:
            remark("The values of a state are not filled in: there are several here; choose one with -C.")
    program = adapters.program(root) if root is not None else ""
    say(books.show(loaded, values_of(root, operator=adapters.operator(), program=program)).rstrip())
    return 0


@runbook.command()
@start_option
@click.argument("names", metavar="[NAME|FILE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.pass_context
def check(context: click.Context, /, *, names: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Check runbooks, all of them by default, and list every mistake as file:line:column. Exits 1 when there is any.

    \b
    --json prints a list:
      [{"name", "file", "origin", "mistakes": [{"file", "line", "column", "sentence"}]}]
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    checked = Books(Adapters(merged(context, given)).roots.checkout()).check(names)
    wrong = any(one.mistakes for one in checked)
    if as_json:
        say_json(
            [
                {
                    "name": one.name,
                    "file": str(one.path),
                    "origin": one.origin,
                    "mistakes": [
                        {"file": m.file, "line": m.line, "column": m.column, "sentence": m.sentence}
                        for m in one.mistakes
                    ],
                }
                for one in checked
            ]
        )
        return int(wrong)
    for one in checked:
        for mistake in one.mistakes:
            say(str(mistake))
        if not one.mistakes:
            say(f"{one_line(str(one.path), 300)}: ok")
    return int(wrong)
