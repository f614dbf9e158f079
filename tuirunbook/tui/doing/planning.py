"""The retry: a plan, a probe, their output and their end."""

from __future__ import annotations

from textual.content import Content

from tuirunbook.core.gates import Refusal
from tuirunbook.core.procedure import plan_purpose
from tuirunbook.core.values import JournalError, ProgramError
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.doing.stage import Stage


async def retry_next(stage: Stage) -> None:
    """Retry as this root allows: with a plan, or with a probe where none can run."""
    if stage.view.incident.running:
        stage.show_output()
    elif stage.view.root.initialised:
        await start_plan(stage)
    else:
        await probe(stage)


async def plan(stage: Stage) -> None:
    """Run the plan once, after asking: the key may have been meant for something else."""
    told = await stage.ask(
        FormScreen(
            "Run the plan now?",
            [FormField(id="sure", label="", choices=[("no", "no"), ("yes", "yes, once")])],
            intro=Content("If the lock is free, the plan holds it while it runs."),
        )
    )
    if told is not None and told["sure"] == "yes":
        await _start(stage, probe=False)


async def start_plan(stage: Stage) -> None:
    """Run the plan once, where the step has said so."""
    await _start(stage, probe=False)


async def probe(stage: Stage) -> None:
    """Ask for the lock without planning anything."""
    await _start(stage, probe=True)


async def _start(stage: Stage, *, probe: bool) -> None:
    purpose = plan_purpose(stage.view.incident)
    try:
        started = await stage.do("starting terraform…", stage.walk.commands.start, probe=probe, purpose=purpose)
    except ProgramError as error:
        stage.say(str(error), bad=True)
        return
    except JournalError as error:
        stage.say(f"Nothing was started: the journal cannot be written ({error}).", bad=True)
        return
    if isinstance(started, Refusal):
        stage.say(f"{started.why}. {started.enable}", bad=True)


async def cancel(stage: Stage) -> None:
    """Interrupt our own command, once; a second time is a decision of its own."""
    running = next(iter(stage.view.incident.running.values()), None)
    if running is None:
        stage.say("Nothing of ours is running.")
        return
    again = running.child.id in stage.view.interrupted
    risk = (
        "It was interrupted once and is finishing. A second interrupt makes terraform exit after 5 seconds, "
        "and then the lock can stay behind."
        if again
        else "One interrupt: terraform stops when the call under way ends, and releases the lock. That can take long."
    )
    told = await stage.ask(
        FormScreen(
            "Interrupt it a second time?" if again else f"Cancel our {running.purpose}?",
            [FormField(id="sure", label="", choices=[("no", "no, let it run"), ("yes", "yes, interrupt it")])],
            intro=Content(risk),
        )
    )
    if told is None or told["sure"] != "yes":
        return
    try:
        refusal = await stage.do("", stage.walk.commands.interrupt, running.child.id)
    except ProgramError as error:
        stage.say(str(error), bad=True)
        return
    if refusal is None:
        stage.interrupted(running.child.id)
    stage.say(refusal or "Interrupted. It ends when its call under way has ended; the lock is released then.")
