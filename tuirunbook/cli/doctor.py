"""`doctor`: what is found here, and what is missing."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from tuirunbook.cli.options import merged, walk_options
from tuirunbook.cli.saying import say_json, tell
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.doctor import Check, Level, examine


@click.command()
@walk_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.pass_context
def doctor(context: click.Context, /, *, as_json: bool, **given: Any) -> int:
    """Say what is found here and what is missing: programs, credentials, account, table, permissions, journal.

    Everything that is asked only reads. Exits 1 when something is bad.

    \b
    --json prints one object:
      {"checks": [{"name", "level": "ok", "warn" or "bad", "fact", "advice"}], "bad": number}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    found: list[Check] = []
    told: set[str] = set()
    for check in examine(Adapters(merged(context, given))):
        found.append(check)
        if not as_json:
            _show(check, known=check.fact in told)
            told.add("" if check.level is Level.OK else check.fact)
    bad = sum(check.level is Level.BAD for check in found)
    if as_json:
        say_json({"checks": [msgspec.to_builtins(check) for check in found], "bad": bad})
    return 1 if bad else 0


def _show(check: Check, *, known: bool) -> None:
    tell(f"{check.level.value:<5} {check.name:<23} {'for the same reason' if known else check.fact}", indent=30)
    if check.advice and not known:
        tell(f"{'':30}{check.advice}", indent=30)
