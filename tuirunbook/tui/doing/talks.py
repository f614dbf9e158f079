"""What the operator may ask a walk for, and when: one conversation at a time, and only what is possible."""

from __future__ import annotations

from tuirunbook.tui.commands import WALK
from tuirunbook.tui.doing import CONVERSATIONS
from tuirunbook.tui.doing.disabled import why_no_take_over, why_not
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.model import Model
from tuirunbook.tui.view import View

TAKE_OVER = "take_over"


class Talks:
    """The conversations of one walk's screen, and which of its commands are grey.

    Args:
        model: What the walk has told; `deaf` there says why no conversation begins at the moment.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._under_way = ""
        self._grey: frozenset[str] = frozenset()

    async def hold(self, name: str, stage: Stage) -> None:
        """Hold a conversation to its end, or say why not. What was typed for a dialog that went away begins none."""
        if self._model.deaf:
            return
        if self._under_way:
            under_way = self._model.busy or self._under_way.replace("_", " ")
            stage.say(f"One moment, this is still under way: {under_way}")
            return
        if refusal := why_not(name, stage.view):
            stage.say(refusal)
            return
        self._under_way = name
        try:
            await CONVERSATIONS[name](stage)
        except Exception as error:  # noqa: BLE001 - the walk goes on, and says what failed
            stage.say(f"{type(error).__name__}: {error}", bad=True)
        finally:
            self._under_way = ""

    def judge(self, view: View) -> bool:
        """Find out what cannot be done as things are; whether that has changed."""
        grey = {name for name in CONVERSATIONS if why_not(name, view)}
        if why_no_take_over(view):
            grey.add(TAKE_OVER)
        before, self._grey = self._grey, frozenset(grey)
        return before != self._grey

    def may(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is possible; None when it is grey, False while there is nothing to take over."""
        if action == TAKE_OVER and not self._model.writer_ended:
            return False
        name = parameters[0] if action == "talk" else action
        return None if name in self._grey else True


def refusal_of(command_id: str, view: View) -> str | None:
    """Why a command of the registry is not possible now, or None when it is."""
    command = next((command for command in WALK if command.id == command_id), None)
    if command is None:
        return None
    if command.action == TAKE_OVER:
        return why_no_take_over(view)
    name = talk_of(command.action)
    return why_not(name, view) if name in CONVERSATIONS else None


def talk_of(action: str) -> str:
    """The conversation that an action of the registry names: `next` of `talk('next')`."""
    return action.removeprefix("talk('").removesuffix("')")
