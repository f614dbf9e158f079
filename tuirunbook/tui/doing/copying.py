"""The commands of a step, for somebody to run elsewhere."""

from __future__ import annotations

import shlex

from tuirunbook.core import next_in_line
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.address import StateAddress
from tuirunbook.core.copying import command_to_copy
from tuirunbook.core.gates import obstacle
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.runbook import Action
from tuirunbook.core.text import one_line
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.view import View
from tuirunbook.walk.world import World

LOOK_FOR_PROCESSES = ("pgrep", "-af", "terraform|tofu|terragrunt")
"""What shows, on the holder's host, whether a holder lives there."""


async def copy_command(stage: Stage) -> None:
    """Copy the exact command of the shown step."""
    if why_not := no_command(stage.view):
        stage.say(why_not)
        return
    lines = _lines(stage.session.world, stage.view)
    many = f"{len(lines)} lines, the first: " if len(lines) > 1 else ""
    stage.copy("\n".join(lines), f"{many}{lines[0]}{_where(stage.view)}{_not_yet(stage.view)}")


def _not_yet(view: View) -> str:
    """What stands against a release whose command was copied: whoever runs it passes by the tool's own gates."""
    lock = lock_in_hand(view.incident)
    match view.step.step.action:
        case Action.FORCE_UNLOCK if lock is not None:
            refusal = obstacle(ForceUnlock(lock=lock), view.incident, view.snapshot, view.policy)
        case Action.DELETE_LOCK if lock is not None and view.snapshot is not None:
            halves = [DeleteLock(lock=lock, store=half.store) for half in view.snapshot.find(lock)]
            refusals = [obstacle(half, view.incident, view.snapshot, view.policy) for half in halves]
            refusal = next(filter(None, refusals), None)
        case _:
            return ""
    return f"   (the tool would not send it now: {one_line(refusal.why, 300)})" if refusal else ""


def no_command(view: View) -> str | None:
    """Why the shown step has no command to copy, or None when it has."""
    step = view.step.step
    lock = lock_in_hand(view.incident)
    match step.action:
        case Action.PREVENT if not view.incident.holds:
            return "There is nothing to run in this step: no hold is to be undone."
        case Action.ASK | Action.NOTE:
            return "There is nothing to run in this step: it asks people."
        case Action.RUN if not step.commands:
            return "This step names no command."
        case Action.FORCE_UNLOCK | Action.DELETE_LOCK if lock is None:
            return "No lock is held here, so there is nothing to release."
        case Action.FORCE_UNLOCK if _unreadable(lock):
            return "This lock cannot be read, so there is no ID to unlock; step 7 has the command that deletes it."
        case Action.DELETE_LOCK if view.snapshot is None or lock is None or not view.snapshot.find(lock):
            return "The lock is not there any more; look again (r)."
        case Action.DETECT | Action.INSPECT if not view.incident.address.locks_at_all:
            return "This backend takes no lock, so no command reads one."
        case _:
            return None


def _unreadable(lock: LockIdentity | None) -> bool:
    return lock is not None and lock.startswith("sha256:")


def _where(view: View) -> str:
    """Where the command belongs, when that is not here."""
    if view.step.step.action is not Action.RULE_OUT:
        return ""
    hosts = {lock.info.who.rpartition("@")[2] for lock in view.incident.locks if lock.info and "@" in lock.info.who}
    return f"   (to run on {one_line(' and '.join(sorted(hosts)), 80)}, where the holder ran)" if hosts else ""


def _lines(world: World, view: View) -> list[str]:
    terraform, root = world.terraform, view.root
    snapshot, lock = view.snapshot, lock_in_hand(view.incident)
    match view.step.step.action:
        case Action.DELETE_LOCK if snapshot is not None and lock is not None:
            return [shlex.join(world.store.delete_command(half)) for half in snapshot.find(lock)]
        case Action.FORCE_UNLOCK if lock is not None:
            return [command_to_copy(root, terraform.program, ("force-unlock", lock))]
        case Action.RULE_OUT:
            return [shlex.join(LOOK_FOR_PROCESSES)]
        case Action.PREPARE if lock is not None and (holding := next_in_line.holding(view.incident, lock)):
            return list(holding)
        case Action.PREVENT:
            return list(view.incident.holds)
        case Action.PREPARE:
            return [command_to_copy(root, terraform.program, ("state", "list"))]
        case Action.RETRY_PLAN | Action.VERIFY if not root.initialised:
            return [terraform.init_command()]
        case Action.RETRY_PLAN | Action.VERIFY:
            return [command_to_copy(root, terraform.program, terraform.plan_argv(world.plan_args)[1:])]
        case Action.RUN:
            return [shlex.join(command) for command in view.step.step.commands]
        case _:
            return [shlex.join(command) for command in read_commands(view.incident.address)]


def read_commands(address: StateAddress) -> list[tuple[str, ...]]:
    """The `aws` commands that read the lock, for the stores that are configured."""
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
