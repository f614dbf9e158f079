"""The postmortem as Markdown: a page that can be pasted as it is, then the appendix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.postmortem import document as doc
from tuirunbook.core.postmortem.escape import block, code, command, link, table, text
from tuirunbook.core.postmortem.times import duration, seconds_between, spoken
from tuirunbook.core.timeline import capital

ROWS = 120
"""How many rows of a timeline are printed; a longer one loses its middle, and says so."""

_NOTHING = "None."


def to_markdown(postmortem: doc.Postmortem) -> str:
    """The document. Whatever comes from outside is text or code in it, never markup."""
    parts = (
        _head(postmortem),
        _impact(postmortem),
        _timeline(postmortem),
        _decisions(postmortem),
        _deviations(postmortem),
        _before_after(postmortem.before_after),
        _prompts(postmortem),
        _follow_ups(postmortem),
        _appendix(postmortem),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _head(postmortem: doc.Postmortem) -> Iterator[str]:
    header = postmortem.header
    yield f"# {text(postmortem.title)}"
    yield ""
    if postmortem.training:
        yield "> **This was a training.** No real state was touched.\n"
    if not header.chain.verified:
        yield f"> **The journal does not verify.** {text(header.chain.sentence, 3_000)}\n"
    if postmortem.anonymised:
        yield "> People are named by their roles; hashes are of the original text.\n"
    yield from table(("", ""), _facts(header))
    yield "\n## Summary\n"
    yield " ".join(text(sentence) for sentence in postmortem.summary)
    yield ""


def _facts(header: doc.Header) -> Iterator[tuple[str, str]]:
    yield "Incident", code(header.incident, cell=True)
    yield "Ticket", link(header.ticket) if header.ticket else "to fill in"
    yield "Status", text(header.status)
    yield "Operators", text(", ".join(header.operators))
    yield "State", code(header.state, cell=True)
    yield "Workspace, root", f"{code(header.workspace, cell=True)}, {code(header.root, cell=True)}"
    yield "Account, region", text(f"{header.account}, {header.region}")
    yield "Caller", text(header.caller)
    yield "Locked in", text(", ".join(header.stores) or "no store is configured")
    yield "Tool, program", text(f"tflock-tui {header.tool}, {header.program}")
    yield (
        "Runbook",
        text(header.runbook or "none") + (f" ({header.runbook_sha256[:12]})" if header.runbook_sha256 else ""),
    )
    yield "Journal", text(header.chain.sentence, 3_000)


def _impact(postmortem: doc.Postmortem) -> Iterator[str]:
    impact = postmortem.impact
    yield "## Impact\n"
    since = impact.since or "the first refusal"
    times = f"from {since} ({spoken(impact.begin)}) to the release ({spoken(impact.end)}), UTC"
    backwards = ", for the release is the earlier of the two" if impact.begin and impact.end else ""
    yield f"Blocked {times}: **{duration(impact.seconds)}**{'' if impact.seconds is not None else backwards}."
    created = next((point.at for point in postmortem.durations if point.name == "lock created"), None)
    stood = seconds_between(created, impact.end)
    if stood is not None and (impact.seconds is None or stood > impact.seconds):
        yield f"The lock stood for {duration(stood)} until then, by its holder's clock."
    yield f"Could not ship: {text(impact.could_not_ship) if impact.could_not_ship else 'to fill in'}\n"
    yield "## Durations\n"
    yield from table(
        ("Point", "UTC", "After the one before", "Note"),
        ((point.name, spoken(point.at), _after(point), text(point.note)) for point in postmortem.durations),
    )
    yield ""


def _after(point: doc.Point) -> str:
    return "" if point.at and point.after is None else duration(point.after)


def _timeline(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "## Timeline\n"
    rows = _story(postmortem.timeline)
    left_out = len(rows) - ROWS
    if left_out > 0:
        yield f"{left_out} rows in the middle are left out; the JSON export has all of them.\n"
        rows = [*rows[: ROWS // 2], *rows[-ROWS // 2 :]]
    head = ("UTC", "Local", "Who", "Marker", "What", "Source")
    yield from table(head, (_cells(entry) for entry in rows))
    yield ""


def _story(rows: Iterable[doc.Row]) -> list[doc.Row]:
    """The rows without routine; a gap runs from row to row as they are shown."""
    kept: list[doc.Row] = []
    gap = False
    for entry in rows:
        if entry.gap is not None:
            gap = bool(kept)
        elif not entry.routine:
            if gap:
                kept.append(doc.Row(gap=seconds_between(kept[-1].at, entry.at) or 0))
            kept.append(entry)
            gap = False
    return kept


def _cells(entry: doc.Row) -> tuple[str, ...]:
    if entry.gap is not None:
        return ("…", "", "", "", f"*nothing of note was recorded for {duration(entry.gap)}*", "")
    source = text(entry.source, 160)
    seen = f"{source} {link(entry.link)}".strip() if entry.link else source
    marker = (entry.marker or "").replace("-", " ")
    return (spoken(entry.at), text(entry.local), text(entry.actor), marker, text(entry.fact), seen)


def _decisions(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "## Decision record\n"
    if not postmortem.decisions:
        yield "No release was tried.\n"
    for decision in postmortem.decisions:
        yield (
            f"### Release {decision.release}: {text(decision.method)} of {code(decision.lock)}, "
            f"{spoken(decision.at)} UTC\n"
        )
        yield f"- **Believed:** {text(decision.believed)}"
        yield from _items("For", decision.supports)
        yield from _items("Against", decision.blocks)
        if decision.changed:
            yield from _items("Against, later changed", decision.changed)
        yield from _items("Not checked", decision.not_checked)
        yield from _items("Answered", decision.answers)
        yield f"- **The tool advised:** {text(decision.advised) or 'nothing'}"
        yield f"- **{text(decision.by)} chose:** {text(decision.method)}{_reasons(decision)}"
        code_told = "" if decision.exit_code is None else f"; exit code {decision.exit_code}"
        detail = f" ({text(decision.detail)})" if decision.detail else ""
        yield f"- **Read back:** {text(decision.outcome)}{detail}{code_told}"
        yield ""


def _items(name: str, items: Iterable[str]) -> Iterator[str]:
    told = tuple(items)
    if len(told) <= 1:
        yield f"- **{name}:** {text(told[0]) if told else 'nothing'}"
        return
    yield f"- **{name}:**"
    yield from (f"  - {text(item)}" for item in told)


def _reasons(decision: doc.Decision) -> str:
    said = "; ".join(f"{text(name)}: “{text(why)}”" for name, why in decision.reasons.items())
    accepted = f"; what was not checked was accepted by {text(decision.accepted_by)}" if decision.accepted_by else ""
    return (f", {said}" if said else "") + accepted


def _deviations(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "## Disputes, skips, actions outside the tool\n"
    named = (
        ("Dispute", postmortem.disputes),
        ("Skipped", postmortem.skips),
        ("Outside", postmortem.outside),
    )
    told = [f"- **{name}:** {text(item)}" for name, items in named for item in items]
    yield from told or [_NOTHING]
    yield ""


def _before_after(facts: doc.BeforeAfter) -> Iterator[str]:
    yield "## Before and after\n"
    yield from table(
        ("State", "Before", "After"),
        (
            ("Version", _fact(facts.before, "version_id"), _fact(facts.after, "version_id")),
            ("Serial", _fact(facts.before, "serial"), _fact(facts.after, "serial")),
            ("MD5", _fact(facts.before, "md5"), _fact(facts.after, "md5")),
            ("Resources", _fact(facts.before, "resources"), _fact(facts.after, "resources")),
        ),
    )
    yield ""
    yield f"- **Stores afterwards:** {text(facts.read_back) or 'not read'}"
    plan = text(facts.plan_summary.removesuffix(".")) or "no plan was read"
    yield f"- **Plan afterwards:** {plan}" + (f", read by {text(facts.read_by)}" if facts.read_by else "")
    for lock in facts.locks:
        yield f"- **Lock found:** {text(lock.description)}, SHA-256 {code(lock.sha256)}; raw text in the appendix"
    yield ""


def _fact(facts: doc.StateFacts | None, name: str) -> str:
    """`none` where the state was read and has no such thing: no object yet, or a bucket without versions."""
    if facts is None or (facts.md5 is None and "no state object" not in facts.detail):
        return "not read"
    value = getattr(facts, name)
    return "none" if value is None else code(str(value), cell=True)


def _prompts(postmortem: doc.Postmortem) -> Iterator[str]:
    for prompt in postmortem.prompts:
        yield f"## {prompt.heading}\n"
        yield f"*{prompt.question}*\n"
        yield from (f"- {text(fact)}" for fact in prompt.known)
        yield "- to fill in\n"


def _follow_ups(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "## Follow-ups\n"
    if postmortem.follow_ups:
        yield from table(
            ("What", "Owner", "Due", "Note"),
            (
                (text(item.what), text(item.owner) or "nobody yet", text(item.due) or "no date", text(item.note))
                for item in postmortem.follow_ups
            ),
        )
    else:
        yield _NOTHING
    if postmortem.prevention_note:
        yield f"\nPrevention list: {postmortem.prevention_note}."
    yield "\n**Holds still to undo:**" + ("" if postmortem.holds else " none.")
    yield ""
    for hold in postmortem.holds:
        note = f" ({text(hold.note)})" if hold.note else ""
        yield f"- {text(hold.what)}, {text(hold.owner)}{note}"
    yield ""


def _appendix(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "---\n\n# Appendix\n"
    yield "## Commands\n"
    yield from _commands(postmortem.commands)
    yield "## Findings\n"
    yield from _findings(postmortem.findings)
    yield "## Prevention list\n"
    for item in postmortem.prevention:
        note = f" ({text(item.note)})" if item.note else ""
        yield f"- [{'x' if item.checked else ' '}] {text(item.item)}{note}"
    nothing = f"{capital(postmortem.prevention_note)}." if postmortem.prevention_note else _NOTHING
    yield "" if postmortem.prevention else f"{nothing}\n"
    yield from _raw(postmortem)


def _commands(commands: Iterable[doc.Command]) -> Iterator[str]:
    told = tuple(commands)
    rows = (
        (
            text(item.id),
            spoken(item.started_at),
            code(command(item.argv), 12_000, cell=True),
            "unknown" if item.exit_code is None else str(item.exit_code),
            text("; ".join(part for part in (item.summary, item.read_back and f"read back: {item.read_back}") if part)),
        )
        for item in told
    )
    yield from table(("Name", "UTC", "Command", "Exit code", "What it showed"), rows) if told else [_NOTHING]
    yield ""


def _findings(findings: Iterable[doc.FindingRow]) -> Iterator[str]:
    told = tuple(findings)
    rows = (
        (
            spoken(item.at),
            code(short(LockIdentity(item.lock))),
            text(item.says) + (", disputed" if item.disputed else ""),
            text(item.match.replace("-", " ")),
            text(item.fact),
            f"{text(_asked(item))} {link(item.link)}".strip(),
        )
        for item in told
    )
    yield from table(("UTC", "Lock", "Says", "Match", "Fact", "Source"), rows) if told else [_NOTHING]
    yield ""


def _asked(item: doc.FindingRow) -> str:
    """Who was asked, and with what."""
    if not item.asked or item.source.startswith(item.asked):
        return item.source
    return f"{item.asked}: {item.source}"


def _raw(postmortem: doc.Postmortem) -> Iterator[str]:
    yield "## Locks as they were found\n"
    for lock in postmortem.before_after.locks:
        yield f"{text(lock.store.label)}, seen at {spoken(lock.seen_at)} UTC, SHA-256 {code(lock.sha256)}:\n"
        yield block(lock.raw, "json")
        yield ""
    if not postmortem.before_after.locks:
        yield f"{_NOTHING}\n"
    yield "## Putting a lock back\n"
    if postmortem.restores:
        yield "Each command works only while nobody else holds the lock.\n"
        for restore in postmortem.restores:
            yield block(command(restore.argv), "sh")
            yield ""
    else:
        yield "No backup was made, because no release was tried.\n"
