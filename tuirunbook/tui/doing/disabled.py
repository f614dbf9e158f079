"""Why a command is not possible now, in a sentence; None when it is."""

from __future__ import annotations

from tuirunbook.core.actions import Action, DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.gates import obstacle
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.runbook import Action as StepAction
from tuirunbook.tui.doing.copying import no_command
from tuirunbook.tui.view import View, who_writes


def why_not(name: str, view: View) -> str | None:
    """What stands against a conversation, by the name its action carries."""
    if view.reads_only and not _only_reads(name, view):
        return who_writes(view)
    action = _gated(name, view)
    if isinstance(action, str):
        return action
    if action is None:
        return None
    refusal = obstacle(action, view.incident, view.snapshot, view.policy)
    return f"Not possible: {refusal.why}. {refusal.enable}" if refusal else None


_READING = frozenset({"copy", "login", "wait"})


def _only_reads(name: str, view: View) -> bool:
    """Whether a conversation adds nothing to the incident, so that who reads along may hold it."""
    shown = view.step.step.action
    details = shown is StepAction.DETECT or (
        shown is StepAction.INSPECT and bool(view.incident.seen or view.incident.opened.repairs)
    )
    return name in _READING or (name == "next" and details)


def _gated(name: str, view: View) -> Action | str | None:
    lock = lock_in_hand(view.incident)
    match name:
        case "plan" if not view.root.initialised:
            return "This root is not initialised here, so no plan can run; n asks for the lock with a probe instead."
        case "plan" | "probe":
            return RetryPlan(probe=name == "probe")
        case "force_unlock":
            return ForceUnlock(lock=lock) if lock else "No lock is held here."
        case "delete":
            half = next((half for half in view.incident.locks if half.identity == lock), None)
            return DeleteLock(lock=half.identity, store=half.store) if half else "No lock is held here."
        case "copy":
            return no_command(view)
        case "answer" if not view.step.step.questions:
            return "This step asks no question."
        case "cancel" if not view.incident.running:
            return "Nothing of ours is running."
        case "close_incident" if view.incident.closed:
            return "This incident is closed already."
        case _:
            return None


def why_no_take_over(view: View) -> str | None:
    """What stands against writing this incident from here."""
    if not view.reads_only:
        return "This session writes the incident already."
    if not view.writer_ended:
        return who_writes(view)
    return f"Incident {view.incident.id} is closed; i shows it." if view.incident.closed else None
