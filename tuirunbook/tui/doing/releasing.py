"""Force-unlock, and the last resort."""

from __future__ import annotations

from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.confirmation import mistakes
from tuirunbook.core.gates import Refusal
from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.release import ReleaseOutcome
from tuirunbook.core.values import JournalError, ProgramError
from tuirunbook.tui.dialogs.confirm import ConfirmScreen
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.panes.release import OUTCOMES
from tuirunbook.walk.responder import ReleaseAction, Released


async def force_unlock_next(stage: Stage) -> None:
    """Confirm and force-unlock the lock in hand."""
    lock = lock_in_hand(stage.view.incident)
    if lock is None:
        stage.say("No lock is held here.")
    else:
        await release(stage, ForceUnlock(lock=lock))


async def delete_next(stage: Stage) -> None:
    """Confirm and delete the lock in hand, from the first store that holds it."""
    lock = lock_in_hand(stage.view.incident)
    half = next((half for half in stage.view.incident.locks if half.identity == lock), None)
    if lock is None or half is None:
        stage.say("No lock is held here.")
    else:
        await release(stage, DeleteLock(lock=lock, store=half.store))


async def release(stage: Stage, action: ReleaseAction) -> None:
    """Prepare, confirm, act, and say what is true afterwards."""
    responder = stage.walk.responder
    try:
        prepared = await stage.do("preparing: reading again, terraform init…", responder.prepare, action)
        if isinstance(prepared, Refusal):
            stage.say(f"Not possible: {prepared.why}. {prepared.enable}", bad=True)
            return
        typed = await stage.ask(
            ConfirmScreen(prepared, lambda told: mistakes(action, stage.view.incident, prepared.snapshot, told))
        )
        if typed is None:
            await stage.do("", responder.put_away)
            stage.say("Nothing was sent.")
            return
        released = await stage.do("reading again, releasing, reading back…", responder.release, prepared, typed)
    except JournalError as error:
        stage.say(f"Nothing was sent: the journal cannot be written ({error}).", bad=True)
    except ProgramError as error:
        stage.say(str(error), bad=True)
    else:
        _tell_outcome(stage, action.lock, released)


def _tell_outcome(stage: Stage, lock: LockIdentity, released: Released | Refusal) -> None:
    if isinstance(released, Refusal):
        stage.say(f"Nothing was sent: {released.why}. {released.enable}", bad=True)
        return
    worked = released.outcome in {ReleaseOutcome.RELEASED, ReleaseOutcome.NEW_HOLDER}
    detail = "" if worked else f" {released.detail}"
    stage.say(f"Lock {short(lock)}: {OUTCOMES[released.outcome]}.{detail}", bad=not worked)
