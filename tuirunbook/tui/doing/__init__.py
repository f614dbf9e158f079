"""What happens when the operator asks for something: a conversation with dialogs, then a request to the walk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from tuirunbook.core.runbook import Action
from tuirunbook.tui.doing import (
    answering,
    asking_people,
    closing,
    copying,
    evidence,
    login,
    planning,
    reading,
    releasing,
    waiting,
)
from tuirunbook.tui.doing.stage import Stage

Conversation: TypeAlias = Callable[[Stage], Awaitable[None]]

_NEXT: Mapping[Action, Conversation] = {
    Action.DETECT: reading.details,
    Action.INSPECT: reading.look_next,
    Action.RULE_OUT: answering.ask_next,
    Action.RETRY_PLAN: planning.retry_next,
    Action.PREPARE: closing.before_next,
    Action.FORCE_UNLOCK: releasing.force_unlock_next,
    Action.DELETE_LOCK: releasing.delete_next,
    Action.VERIFY: closing.after_next,
    Action.PREVENT: closing.prevent_next,
    Action.ASK: answering.ask_next,
    Action.NOTE: reading.run_next,
    Action.RUN: reading.run_next,
}


async def next_step(stage: Stage) -> None:
    """Do what the shown step asks for next."""
    await _NEXT[stage.view.step.step.action](stage)


async def skip_step(stage: Stage) -> None:
    """Leave the shown step, or what is left of it, out."""
    if stage.view.step.step.action is Action.VERIFY:
        await closing.skip_plan(stage)
    elif stage.view.step.step.action is Action.PREVENT:
        await closing.close(stage)
    else:
        await answering.skip(stage)


CONVERSATIONS: Mapping[str, Conversation] = {
    "next": next_step,
    "answer": answering.answer,
    "ask_people": asking_people.ask_people,
    "cancel": planning.cancel,
    "close_incident": closing.close,
    "copy": copying.copy_command,
    "defer": answering.defer,
    "delete": releasing.delete_next,
    "dispute": evidence.dispute,
    "elsewhere": answering.elsewhere,
    "force_unlock": releasing.force_unlock_next,
    "in_flight": asking_people.in_flight,
    "login": login.login,
    "note": answering.note,
    "page_time": answering.page_time,
    "paste": answering.paste,
    "plan": planning.plan,
    "probe": planning.probe,
    "skip": skip_step,
    "wait": waiting.wait,
}
"""The commands that are conversations, by the name that their action carries."""
