"""Steps 8 and 9: is the state sound, and why did it happen."""

from __future__ import annotations

from textual.content import Content

from tuirunbook.core import causes, inflight
from tuirunbook.core.incident import Incident
from tuirunbook.core.procedure import AFTER_CHECKS
from tuirunbook.core.recurrence import recurring
from tuirunbook.core.text import one_line
from tuirunbook.tui.panes.parts import Lines, check_line, heading, key, paragraph
from tuirunbook.tui.view import View

CAUSE_GLYPHS = {
    causes.Result.SHOWN: ("✗", "$text-error"),
    causes.Result.NOT_SEEN: ("✓", "$text-success"),
    causes.Result.NOT_CHECKED: ("?", "$text-warning"),
}
CHECKS = {"stores": "both stores", "digest": "digest", "state-list": "state list", "plan": "plan"}


def verify(view: View) -> Lines:
    """The checks after the release, and the ending that fits the operation."""
    incident = view.incident
    if not incident.verifiable:
        yield paragraph("The lock is still held, or was never seen to leave; there is nothing to verify yet.")
        return
    running = next(iter(incident.running.values()), None)
    checks = {name: incident.checks.get(("after", name)) for name in AFTER_CHECKS}
    if running is not None:
        yield heading(f"Our {running.purpose} is running and holds the lock.")
        yield key("f", "its output")
        yield key("x", "cancel it")
    elif any(checks[name] is None for name in AFTER_CHECKS if name != "plan"):
        yield key("n", "read both stores, the digest and the state list")
    elif checks["plan"] is None and view.root.initialised:
        yield key("n", "plan again (takes the lock for as long as it runs; a queued job may be refused meanwhile)")
        yield key("s", "skip the plan, with a reason")
    elif incident.verified is None:
        if checks["plan"] is not None and incident.commands:
            yield key("f", "read the plan, line by line")
        yield key("n", "write down who read the plan, and who runs the pipeline again")
    yield Content("")
    for name, check in checks.items():
        yield check_line(check, name, CHECKS[name])
    yield Content("")
    yield from _ending(incident)
    if incident.verified is not None:
        yield Content.assemble(("✓ ", "$text-success"), f"read by {one_line(incident.verified.read_by, 80)}")


def _ending(incident: Incident) -> Lines:
    if incident.ending == "repair":
        yield heading("Read the plan by name.")
        yield paragraph(
            "Much to create that exists, or to destroy that should stay: the repair was not the right one. What the "
            "runbook says below is the way back."
        )
    elif incident.may_have_written:
        yield heading("A dead apply may have created what the state does not know.")
        yield paragraph(
            "Read the plan line by line, by name, against the commit that ran: what it wants to create may already be "
            "there. Look for errored.tfstate where the holder ran, and push it before anybody applies."
        )
        yield from _in_flight(incident)
    else:
        yield heading("A dead plan wrote nothing.")
        yield paragraph("A plan that looks as it did before is all there is to see.")


def _in_flight(incident: Incident) -> Lines:
    known = inflight.listed(incident)
    if not known:
        yield key("u", "hand in the end of its log, to see what it had begun")
        return
    yield heading("Begun, and not seen to be complete; look for each in the plan, by name:")
    for one in known:
        yield Content.assemble(("✗ ", "$text-error"), one_line(one.fact, 300))
        yield Content(f"  {one.advice}")
    yield key("u", "each of them against the plan, with import blocks to copy")


def prevent(view: View) -> Lines:
    """The prevention list, holds to undo, and the close."""
    incident, step = view.incident, view.step.step
    left = [item for item in step.items if item not in incident.prevention]
    if incident.closed:
        yield heading("This incident is closed.")
        yield paragraph(f"tflock-tui export {incident.id} writes the postmortem.")
    elif incident.holds:
        yield heading("Holds to undo first:")
        for undo in incident.holds:
            yield Content(f"  {one_line(undo, 200)}")
        yield key("n", "say of each whether it is undone")
        yield key("c", "copy what undoes them")
    elif left:
        yield key("n", f"go through the list: {one_line(left[0], 100)}")
        yield key("s", "leave the rest unchecked, and close")
    else:
        yield key("n", "close the incident")
    yield Content("")
    if came_back := recurring(incident):
        yield heading("This lock has come back: a cause, not an incident.")
        for fact in came_back:
            yield Content.assemble(("✗ ", "$text-error"), one_line(fact, 400))
        yield Content("")
    for item in step.items:
        done = incident.prevention.get(item)
        glyph = {"checked": "✓", "follow-up": "→", "not-checked": "·"}.get(done.state if done else "", "?")
        owner = f"  ({done.owner}, {done.due})" if done and done.owner else ""
        yield Content(f"{glyph} {one_line(item, 160)}{one_line(owner, 60)}")
        yield from cause_lines(item, incident)


def cause_lines(item: str, incident: Incident) -> Lines:
    """What was looked for on an item of the prevention list, and what was seen."""
    for cause in causes.about(item, incident):
        glyph, style = CAUSE_GLYPHS[cause.result]
        yield Content.assemble((f"    {glyph} ", style), f"{cause.result}: {one_line(cause.fact, 400)}")
