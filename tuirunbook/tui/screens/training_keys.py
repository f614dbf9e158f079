"""The commands that training adds to the walk."""

from __future__ import annotations

from tuirunbook.tui.commands import ABIDING, EVERYWHERE, WALK, Command, Effect

PRACTICE: tuple[Command, ...] = (
    Command(
        id="practice.find-out",
        keys="v,f2",
        action="app.find_out",
        label="find out",
        tooltip="Ask CI, people and hosts of the practice world; f2 also works inside a dialog.",
        effect=Effect.READ,
    ),
    Command(
        id="practice.hint",
        keys="h,f3",
        action="app.hint",
        label="hint",
        tooltip="A hint for the step that is current.",
    ),
    Command(
        id="practice.shell",
        keys="b,f4",
        action="app.practice_shell",
        label="practice shell",
        tooltip="Raw commands in the practice world; they work, and what they break is broken.",
        effect=Effect.DESTROY,
    ),
    Command(
        id="practice.states",
        keys="y",
        action="app.states",
        label="other states",
        tooltip="The other states and workspaces of the practice repository.",
    ),
    Command(
        id="practice.done",
        keys="u",
        action="app.done",
        label="done",
        tooltip="End this practice, and hear what it came to.",
    ),
)
"""What training adds."""

PRACTICE_WALK: tuple[Command, ...] = (*PRACTICE, *WALK, *EVERYWHERE)
"""Everything that can be asked for on a practice walk."""

MENU: tuple[Command, ...] = (
    Command(id="training.begin", keys="enter", action="begin", label="begin", tooltip="Take this page.", footer=True),
    Command(
        id="training.leave", keys="escape,q", action="leave", label="leave", tooltip="Leave training.", footer=True
    ),
    *ABIDING,
)
"""What the menu can do."""
