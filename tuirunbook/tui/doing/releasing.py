"""Force-unlock, the last resort, and the commands for somebody else to run."""

from __future__ import annotations

import shlex

from tuirunbook.core import next_in_line
from tuirunbook.core.copying import command_to_copy
from tuirunbook.core.gates import DeleteLock, ForceUnlock, Refusal, mistakes
from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.release import ReleaseOutcome
from tuirunbook.core.runbook import Action
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
            stage.say(f"Not possible ({prepared.rule}): {prepared.why}. {prepared.enable}", bad=True)
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
        stage.say(f"Nothing was sent ({released.rule}): {released.why}. {released.enable}", bad=True)
        return
    worked = released.outcome in {ReleaseOutcome.RELEASED, ReleaseOutcome.NEW_HOLDER}
    detail = "" if worked else f" {released.detail}"
    stage.say(f"Lock {short(lock)}: {OUTCOMES[released.outcome]}.{detail}", bad=not worked)


async def copy_command(stage: Stage) -> None:
    """Copy the exact command of the shown step."""
    step = stage.view.step.step
    lines = _command_lines(stage, step.action)
    if not lines:
        stage.say("This step has no command.")
        return
    many = f"{len(lines)} lines, the first: " if len(lines) > 1 else ""
    stage.copy("\n".join(lines), f"{many}{lines[0]}")


def _command_lines(stage: Stage, action: Action) -> list[str]:
    world, view = stage.walk.world, stage.view
    terraform = world.terraform
    snapshot, lock = view.snapshot, lock_in_hand(view.incident)
    match action:
        case Action.DELETE_LOCK if snapshot is not None and lock is not None:
            return [shlex.join(world.store.delete_command(half)) for half in snapshot.find(lock)]
        case Action.FORCE_UNLOCK if lock is not None and not lock.startswith("sha256:"):
            return [command_to_copy(view.root, terraform.program, ("force-unlock", lock))]
        case Action.RETRY_PLAN | Action.VERIFY:
            if not view.root.initialised:
                return [terraform.init_command()]
            return [command_to_copy(view.root, terraform.program, terraform.plan_argv(world.plan_args)[1:])]
        case Action.RUN:
            return [shlex.join(command) for command in view.step.step.commands]
        case Action.PREPARE if lock is not None:
            return list(next_in_line.holding(view.incident, lock))
        case Action.PREVENT:
            return list(view.incident.holds)
        case Action.DETECT | Action.INSPECT:
            return [shlex.join(command) for command in read_commands(stage)]
        case _:
            return []


def read_commands(stage: Stage) -> list[tuple[str, ...]]:
    """The `aws` commands that read the lock, for the stores that are configured."""
    address = stage.view.incident.address
    region = ("--region", address.region) if address.region else ()
    found: list[tuple[str, ...]] = []
    if address.table:
        key = f'{{"LockID": {{"S": "{address.lock_id}"}}}}'
        get = ("aws", "dynamodb", "get-item", "--consistent-read", "--table-name", address.table, "--key", key)
        found.append((*get, *region))
    if address.use_lockfile:
        get = ("aws", "s3api", "get-object", "--bucket", address.bucket, "--key", address.lockfile_key, "/dev/stdout")
        found.append((*get, *region))
    return found
