"""The checks around a release, the prevention list, and the close."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tuirunbook.core import causes
from tuirunbook.core.events import Closed, DetailsGiven, HoldUndone, PreventionChecked, Verified, timestamp
from tuirunbook.core.gates import SKIP_REASONS
from tuirunbook.core.procedure import AFTER_CHECKS, BEFORE_CHECKS, open_questions
from tuirunbook.core.text import clip, one_line
from tuirunbook.core.time_of_day import last_time_of_day, time_trouble
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.doing.answering import ask_next
from tuirunbook.tui.doing.planning import start_plan
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes.after import cause_lines


async def before_next(stage: Stage) -> None:
    """The checks before a release, then what runs next."""
    incident = stage.view.incident
    if any(("before", name) not in incident.checks for name in BEFORE_CHECKS):
        await stage.do("checking digest, state list, errored.tfstate…", stage.walk.checks.before)
    elif open_questions(incident, stage.view.step.step):
        await ask_next(stage)
    else:
        await stage.do("checking again…", stage.walk.checks.before)


async def after_next(stage: Stage) -> None:
    """The checks after a release, the plan, then who read it."""
    incident = stage.view.incident
    if not incident.verifiable:
        stage.say("The lock has not left yet; there is nothing to verify.")
        return
    if incident.running:
        stage.show_output()
        return
    checked = {name for phase, name in incident.checks if phase == "after"}
    if not checked.issuperset(set(AFTER_CHECKS) - {"plan"}):
        await stage.do("reading stores, digest and state list…", stage.walk.checks.after)
    elif "plan" not in checked and stage.view.root.initialised:
        await start_plan(stage)
    else:
        await _verified(stage)


async def skip_plan(stage: Stage) -> None:
    """Record that no plan was run after the release."""
    reasons = [*SKIP_REASONS["retry-plan"].items(), ("queued-job", "a queued job plans anyway; its log is read")]
    told = await stage.ask(
        FormScreen(
            "No plan after the release",
            [
                FormField(id="reason", label="why", choices=reasons),
                FormField(id="note", label="where the state was looked at instead (optional)"),
            ],
        )
    )
    if told is not None:
        said = f"{dict(reasons)[told['reason']]} {told['note']}".strip()
        await stage.do("", stage.walk.clerk.check, "plan", "not-checked", said)


async def _verified(stage: Stage) -> None:
    incident = stage.view.incident
    plan_check = incident.checks.get(("after", "plan"))
    told = await stage.ask(
        FormScreen(
            "Who looked?",
            [
                FormField(id="read_by", label="who read the plan, line by line, by name", required=True),
                FormField(id="plan_summary", label="what it says", value=plan_check.detail if plan_check else ""),
                FormField(id="rerun", label="who runs which pipeline again (or: nobody has to)", required=True),
            ],
        )
    )
    if told is not None:
        await stage.do("", stage.walk.clerk.tell, Verified, ending=incident.ending, **told)


async def prevent_next(stage: Stage) -> None:
    """Holds to undo, then the list item by item, then the close."""
    incident, step = stage.view.incident, stage.view.step.step
    if incident.closed:
        stage.say(f"Closed. tflock-tui export {incident.id} writes the postmortem.")
        return
    if incident.holds:
        await _undo_all(stage)
        return
    left = [item for item in step.items if item not in incident.prevention]
    if not left:
        await close(stage)
        return
    for number, item in enumerate(left, start=1):
        if not await _item(stage, item, f"{number} of {len(left)}"):
            return


async def _undo_all(stage: Stage) -> bool:
    """Ask of each hold whether it is undone (S16); False when the dialog was left."""
    holds = list(stage.view.incident.holds)
    for number, undo in enumerate(holds, start=1):
        told = await stage.ask(
            FormScreen(
                f"Is this hold undone? {number} of {len(holds)}",
                [
                    FormField(
                        id="done",
                        label="",
                        choices=[
                            ("yes", "yes, undone"),
                            ("copy", "not yet: copy the command, and leave it open"),
                            ("no", "not yet: leave it open"),
                        ],
                        value="copy",
                    )
                ],
                intro=Content(one_line(undo, 400)),
            )
        )
        if told is None:
            return False
        if told["done"] == "yes":
            await stage.do("", stage.walk.clerk.tell, HoldUndone, hold=undo)
        elif told["done"] == "copy":
            stage.copy(undo, one_line(undo, 100))
            return False
    return True


async def _item(stage: Stage, item: str, number: str) -> bool:
    states = [("checked", "checked, it is so"), ("follow-up", "follow-up"), ("not-checked", "not checked")]
    seen = causes.about(item, stage.view.incident)
    told = await stage.ask(
        FormScreen(
            f"Prevention, {number}",
            [
                FormField(id="state", label=item, choices=states, value=_suggested(seen)),
                FormField(id="owner", label="follow-up: who"),
                FormField(id="due", label="follow-up: until when"),
                FormField(id="note", label="note (optional)", value=clip("; ".join(cause.fact for cause in seen), 300)),
            ],
            intro=Content("\n").join(cause_lines(item, stage.view.incident)) if seen else None,
            check=lambda told: (
                "a follow-up needs somebody: fill in who"
                if told["state"] == "follow-up" and not told["owner"]
                else None
            ),
        )
    )
    if told is None:
        return False
    await stage.do("", stage.walk.clerk.tell, PreventionChecked, item=item, **told)
    return True


def _suggested(seen: Sequence[causes.Cause]) -> str:
    """What an item is likely to come to by what was seen; people decide."""
    results = {cause.result for cause in seen}
    if causes.Result.SHOWN in results:
        return "follow-up"
    return "checked" if results == {causes.Result.NOT_SEEN} else "not-checked"


async def close(stage: Stage) -> None:
    """Ask of each hold whether it is undone, then what only people know, and close."""
    if not await _undo_all(stage):
        return
    now, known = stage.front.now(), stage.view.incident.details
    told = await stage.ask(
        FormScreen(
            "Close the incident: what only you know",
            [
                FormField(id="page", label="when the page came, HH:MM local (empty: not known)"),
                FormField(id="ticket", label="ticket", value=known.ticket if known else ""),
                FormField(id="impact", label="what could not ship, one sentence"),
                FormField(id="surprise", label="what was surprising"),
            ],
            check=lambda told: time_trouble(told["page"]) if told["page"] else None,
        )
    )
    if told is None:
        return
    page = timestamp(last_time_of_day(told["page"], now)) if told["page"] else ""
    details = {"ticket": told["ticket"], "impact": told["impact"], "surprise": told["surprise"], "page_at": page}
    await stage.do("", stage.walk.clerk.tell, DetailsGiven, **details)
    incident = await stage.do("", stage.walk.clerk.tell, Closed, resolution=stage.view.incident.status.value)
    stage.say(f"Closed. tflock-tui export {incident.id} writes the postmortem.")
