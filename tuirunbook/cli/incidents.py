"""`incidents`, `resume` and `export`: what is written down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from tuirunbook.cli.options import Duration, Given, given_before, journal_option, merged, resume_options
from tuirunbook.cli.saying import remark, say, say_json
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.archive import Archive, summary_line, summary_object
from tuirunbook.wiring.problem import Problem


@click.group(invoke_without_command=True)
@journal_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of the shape below.")
@click.pass_context
def incidents(context: click.Context, /, *, as_json: bool, **given: Any) -> int:
    """List past and open incidents, those that were released but not verified first.

    \b
    --json prints one object:
      {"incidents": [{"id", "status": "open", "unblocked", "verified" or "closed", "state", "account", "root",
                      "opened_at", "last_at", "released_at", "closed_at", "operator", "host", "training",
                      "chain_verified", "not_resumable": sentence or null}],
       "unreadable": [{"id", "why"}]}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    options = merged(context, given)
    context.obj = Given(options=options)
    if context.invoked_subcommand is not None:
        return 0
    adapters = Adapters(options)
    overview = Archive(adapters).overview()
    found, unreadable = overview.incidents, overview.unreadable
    if as_json:
        listed = [summary_object(summary, adapters.host()) for summary in found]
        say_json({"incidents": listed, "unreadable": [msgspec.to_builtins(entry) for entry in unreadable]})
        return 0
    for summary in found:
        say(summary_line(summary))
    for entry in unreadable:
        remark(f"{entry.id} cannot be read: {entry.why}")
    if not found and not unreadable:
        remark(f"There are no incidents in {adapters.journal_directory()}.")
    return 0


@incidents.command()
@click.option(
    "--older-than", type=Duration(), required=True, metavar="TIME", help="Closed longer ago than this, as in 90d."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.pass_context
def prune(context: click.Context, /, *, older_than: timedelta, dry_run: bool) -> int:
    """Remove closed incidents, with the raw locks and logs in them. Others stay, and it is said why.

    What stays: what is not closed, was closed more recently, is being written, cannot be read, is damaged, has a hold
    that is not undone, or a command that still runs.
    """
    pruned = Archive(Adapters(merged(context, {}))).prune(older_than, dry_run=dry_run)
    for name in pruned.removed:
        say(f"{'would remove' if dry_run else 'removed'} {name}")
    for kept in pruned.kept:
        remark(f"kept {kept.id}: {kept.why}")
    return 0


@click.command()
@resume_options
@click.argument("incident", metavar="[ID]", default="")
@click.option("--plain", is_flag=True, help="Walk line by line.")
@click.pass_context
def resume(context: click.Context, /, *, incident: str, plain: bool, **given: Any) -> int:
    """Go on with an incident: by its name, the beginning of it, or its word. Without one: the one that needs it most.

    A terraform that still runs is found again. An incident that another session writes is read along, and can be taken
    over once that session has ended; with --plain, leaving before that exits 3.
    """
    from tuirunbook.cli.walk import walk  # noqa: PLC0415 - the other commands do without

    return walk(merged(context, given), resume=incident, plain=plain or given_before(context).plain)


@click.command()
@journal_option
@click.argument("incident", metavar="ID")
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", show_default=True, help="The form.")
@click.option("--anonymise", is_flag=True, help="Turn people into roles.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to a file.")
@click.pass_context
def export(
    context: click.Context, /, *, incident: str, form: str, anonymise: bool, output: Path | None, **given: Any
) -> int:
    """Print an incident as a postmortem, secrets left out.

    \b
    --format json prints one object; every key is always there, times are RFC 3339, spans are seconds:
      {"format": 1, "title", "training", "anonymised",
       "header": {"incident", "status", "ticket", "operators": [name], "caller", "account", "region", "state",
                  "workspace", "stores": [name], "root", "tool", "program", "runbook", "runbook_sha256",
                  "chain": whether the journal verifies},
       "summary": [sentence], "impact": {"begin", "since", "end", "seconds", "could_not_ship"},
       "durations": [{"name", "at", "after", "note"}],
       "timeline": [{"at", "local", "actor", "marker", "fact", "source", "link", "routine", "gap"}],
       "decisions": [{"release": number, "at", "by", "method", "lock", "believed", "supports": [fact],
                      "blocks": [fact], "not_checked": [fact], "answers": [sentence], "changed": [sentence],
                      "advised", "reasons": {question: sentence}, "accepted_by", "outcome", "detail", "exit_code"}],
       "disputes": [sentence], "skips": [sentence], "outside": [sentence],
       "before_after": {"locks": [{"store", "lock", "description", "sha256", "raw", "seen_at"}],
                        "before", "after": {"at", "version_id", "serial", "md5", "resources", "detail"} or null,
                        "read_back", "plan_summary", "read_by"},
       "prompts": [{"heading", "question", "known": [sentence]}],
       "follow_ups" and "holds": [{"what", "owner", "due", "note"}],
       "prevention": [{"item", "checked", "note"}], "prevention_note",
       "commands": [{"id", "argv": [argument], "started_at", "ended_at", "exit_code", "summary", "read_back"}],
       "findings": [{"at", "lock", "asked", "says", "match", "fact", "source", "link", "disputed"}],
       "restores": [{"backup", "store", "argv": [argument]}]}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    document = Archive(Adapters(merged(context, given))).export(incident, form=form, anonymise=anonymise)
    if output is None:
        # It was cleaned when it was made; cleaning it again would be harmless, but JSON is not text for people.
        print(document, end="")  # noqa: T201 - this is the result
        return 0
    try:
        output.write_text(document, "utf-8")
    except OSError as error:
        raise Problem(f"{output} cannot be written: {error.strerror}.", "Choose another file with -o.") from None
    remark(f"Written to {output}.")
    return 0
