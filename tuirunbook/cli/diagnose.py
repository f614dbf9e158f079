"""`diagnose`: what kind of failure Terraform's output tells."""

from __future__ import annotations

from importlib import resources

import click

from tuirunbook.cli.options import refuse_unused
from tuirunbook.cli.saying import say, say_json
from tuirunbook.cli.walk import read_text


@click.command()
@click.argument("source", metavar="FILE|URL|-", required=False)
@click.option("--sample", is_flag=True, help="Diagnose a sample that comes with the tool.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.pass_context
def diagnose(context: click.Context, /, *, source: str | None, sample: bool, as_json: bool) -> int:
    """Tell from Terraform's, OpenTofu's or Terragrunt's output what kind of lock failure it is.

    Exits 0 when the text was read, whatever it says.

    \b
    --json prints one object; every key is always there:
      {"kind": held, released-meanwhile, unreadable-lock, access-denied, table-missing, bucket-missing, credentials,
               throttled, digest-mismatch, not-initialised, backend-changed, wrong-directory, release-failed,
               unlock-failed, schema, not-a-lock-error or unknown,
       "store": dynamodb, s3, gcs, azurerm, kubernetes, pg, consul, http, local, remote or unknown,
       "locks": [{"id", "path", "operation", "who", "version", "created", "info"}],
       "explanation": text, "runbook": name or null}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from tuirunbook.core.diagnosis import diagnose as read  # noqa: PLC0415 - help does without
    from tuirunbook.core.diagnosis import to_json_object  # noqa: PLC0415 - likewise

    refuse_unused(context)
    if sample == (source is not None):
        raise click.UsageError("give a file, - for standard input, or --sample")
    text = resources.files("tuirunbook").joinpath("cli/sample.txt").read_text("utf-8") if sample else None
    found = read(read_text(source or "-") if text is None else text)
    if as_json:
        say_json(to_json_object(found))
        return 0
    if text is not None:
        say(text)
    say(f"{found.kind.value}  (store: {found.store.value})")
    say()
    say(found.explanation)
    for lock in found.locks:
        say()
        for name in ("id", "path", "operation", "who", "version", "created", "info"):
            if value := getattr(lock, name):
                say(f"  {name:<10} {value}")
    if found.runbook:
        say()
        say(f"Runbook: {found.runbook}   (tflock-tui runbook show {found.runbook})")
    return 0
