"""What can be done about one row of the evidence: ask its source again, dispute a fact, turn the source off and on."""

from __future__ import annotations

from textual.content import Content

from tuirunbook.core.events import SourceSwitched
from tuirunbook.core.evidence import Finding
from tuirunbook.core.text import one_line
from tuirunbook.core.verdict import as_finding
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.walk.exhibits import NOT_TO_DISPUTE, Exhibit, disputable


async def dispute(stage: Stage) -> None:
    """Dispute one of the blocking facts: which, who says so, how it is known."""
    incident = stage.view.incident
    answers = [as_finding(answer) for answer in incident.answers.values()]
    blocking = [fact for fact in (*incident.findings.values(), *answers) if disputable(stage.view.incident, fact)]
    if not blocking:
        stage.say("No blocking fact here can be disputed.")
    else:
        await _dispute(stage, blocking)


async def dispute_row(stage: Stage, row: Exhibit) -> None:
    """Dispute the fact of a row, or one of those of a source."""
    facts = [row.finding] if row.finding else list(row.said)
    blocking = [fact for fact in facts if disputable(stage.view.incident, fact)]
    if blocking:
        await _dispute(stage, blocking)
    elif any(fact.final for fact in facts):
        stage.say(NOT_TO_DISPUTE)
    else:
        stage.say("Only a fact that blocks can be disputed; this one does not block.")


async def _dispute(stage: Stage, blocking: list[Finding]) -> None:
    which = FormField(
        id="which",
        label="the fact",
        choices=[(str(number), one_line(fact.fact, 200)) for number, fact in enumerate(blocking)],
    )
    told = await stage.ask(
        FormScreen(
            "Dispute a blocking fact; it stands loud in the export",
            [
                *([which] if len(blocking) > 1 else []),
                FormField(id="who", label="who holds it to be wrong", required=True),
                FormField(id="how", label="how they know", required=True),
            ],
            intro=Content(one_line(blocking[0].fact, 400)) if len(blocking) == 1 else None,
        )
    )
    if told is None:
        return
    fact = blocking[int(told.get("which", "0"))]
    try:
        await stage.do("", stage.walk.clerk.dispute, fact, who=told["who"], how=told["how"])
    except ValueError as error:
        stage.say(f"Not recorded: {error}.", bad=True)


async def ask_again(stage: Stage, row: Exhibit) -> None:
    """Ask the source of a row again, by itself."""
    held = stage.view.snapshot is not None and stage.view.snapshot.held
    if row.status is None:
        stage.say("Nobody can be asked again here; a on the walk asks people, r there looks again.")
    elif row.source in stage.view.incident.off and not row.status.why_always:
        stage.say(f"{row.source} is turned off; o turns it on again.")
    elif not held and not stage.view.incident.unseen:
        stage.say("No lock is held here, so there is nothing to ask about.")
    elif not held and row.status.asks_aws:
        stage.say("It is asked with the login that the locks are read with, and that cannot read them now.")
    else:
        await stage.do("", stage.walk.reception.ask_again, row.source)


async def switch(stage: Stage, row: Exhibit) -> None:
    """Turn the source of a row off for this incident, with a reason; or on again, and ask it."""
    if row.status is None:
        stage.say("Only a source that is asked can be turned off.")
        return
    if row.status.why_always:
        stage.say(f"{row.source} cannot be turned off: {row.status.why_always}.")
        return
    off = row.source not in stage.view.incident.off
    why = ""
    if off:
        told = await stage.ask(
            FormScreen(
                f"Turn “{one_line(row.source, 60)}” off for this incident",
                [FormField(id="why", label="why", required=True)],
                intro=Content(
                    "It is not asked any more, and counts as not checked. What it has said still blocks until it is "
                    "disputed, or the source is asked again; what it has said for a release does not count."
                ),
            )
        )
        if told is None:
            return
        why = told["why"]
    await stage.do("", stage.walk.clerk.tell, SourceSwitched, source=row.source, off=off, why=why)
    if not off:
        await ask_again(stage, row)
