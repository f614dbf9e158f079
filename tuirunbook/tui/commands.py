"""The one registry of commands: bindings, footer, palette, help and the README's key table all come from here."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec
from textual.binding import Binding, BindingType


class Effect(enum.StrEnum):
    """What a command may do to the world."""

    NOTHING = "nothing"
    READ = "read"
    CHANGE = "change"
    DESTROY = "destroy"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the operator can ask for.

    Attributes:
        id: Names it for remapping, as `area.verb`.
        keys: Keys, comma separated; empty for commands that only the palette has.
        action: The Textual action.
        label: A word or two for the footer.
        tooltip: One sentence.
        effect: What it may do to the world.
        footer: Whether the footer shows it.
    """

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    effect: Effect = Effect.NOTHING
    footer: bool = False

    @property
    def palette_name(self) -> str:
        """`area: verb`, marked when it changes or destroys something."""
        area, _, verb = self.id.partition(".")
        mark = {Effect.CHANGE: " (changes)", Effect.DESTROY: " (destroys)"}.get(self.effect, "")
        return f"{area}: {verb.replace('-', ' ')}{mark}"


def _c(id_: str, keys: str, action: str, label: str, tooltip: str, effect: Effect = Effect.NOTHING) -> Command:
    return Command(id=id_, keys=keys, action=action, label=label, tooltip=tooltip, effect=effect)


def _f(id_: str, keys: str, action: str, label: str, tooltip: str, effect: Effect = Effect.NOTHING) -> Command:
    return Command(id=id_, keys=keys, action=action, label=label, tooltip=tooltip, effect=effect, footer=True)


WALK: tuple[Command, ...] = (
    _f("step.next", "n", "next", "next", "Do what this step asks for next; the screen says what that is."),
    _f("step.answer", "a", "answer", "answer", "Answer a question of this step, also one answered before."),
    _f("step.copy", "c", "copy", "copy command", "Copy the exact command of this step, to run it elsewhere."),
    _f("lock.wait", "w", "wait", "wait", "Watch calmly until the holder lets go."),
    _f("incident.transcript", "t", "transcript", "transcript", "Everything that happened so far."),
    _c("step.previous", "up,k", "step(-1)", "step up", "Show the step before; the current one stays current."),
    _c("step.following", "down,j", "step(1)", "step down", "Show the step after."),
    _c("step.current", "home", "current", "current step", "Go back to the step that is current."),
    _c("step.skip", "s", "skip", "skip", "Leave this step out, for a listed reason; it stays visible."),
    _c("step.defer", "", "defer", "defer", "Put this step off, to a name and a time."),
    _c("step.done-elsewhere", "o", "elsewhere", "done elsewhere", "Somebody else did it: who; it is then read back."),
    _c("lock.look", "r", "look", "look now", "Read everything again now.", Effect.READ),
    _c("lock.details", "enter", "details", "details", "The whole lock, both stores, raw."),
    _c("lock.force-unlock", "", "force_unlock", "force-unlock", "Release the lock with Terraform.", Effect.DESTROY),
    _c("lock.delete", "", "delete", "delete lock", "Last resort: delete the lock item itself.", Effect.DESTROY),
    _c("plan.retry", "p", "plan", "retry plan", "Run the plan once; it takes the lock if it can.", Effect.CHANGE),
    _c("plan.probe", "", "probe", "lock probe", "Ask for the lock without planning anything.", Effect.CHANGE),
    _c("plan.output", "f", "output", "output", "The output of our last command."),
    _c("plan.cancel", "x", "cancel", "cancel plan", "Interrupt our own command, once.", Effect.CHANGE),
    _c("evidence.dispute", "d", "dispute", "dispute", "Say that a blocking fact is wrong: who says so, how known."),
    _c("incident.note", "m", "note", "note", "Write something down, with a marker if you like."),
    _c("incident.paste-error", "e", "paste", "paste error", "Hand in what Terraform printed somewhere else."),
    _c("incident.page-time", "g", "page_time", "page time", "When did the page come?"),
    _c("incident.close", "", "close_incident", "close", "Close the incident with what only you know."),
    _c("aws.login", "l", "login", "log in", "Renew expired credentials here, then go on.", Effect.READ),
)
"""What the walk's screen can do."""

EVERYWHERE: tuple[Command, ...] = (
    _f("app.help", "question_mark,f1", "help", "help", "What this screen is for, what is safe, and its keys."),
    _c("app.incidents", "i", "app.incidents", "incidents", "Past and open incidents."),
    _c("app.quit", "ctrl+q", "app.leave", "quit", "Leave; says what keeps running."),
)
"""What every screen can do."""


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """Textual bindings for the commands that have keys; all of them can be remapped by ID."""
    return [
        Binding(
            command.keys, command.action, command.label, show=command.footer, tooltip=command.tooltip, id=command.id
        )
        for command in commands
        if command.keys
    ]


def shown_keys(command: Command) -> str:
    """A command's keys as people read them."""
    names = {"question_mark": "?", "ctrl+q": "ctrl+q", "up": "↑", "down": "↓"}
    return ", ".join(names.get(key, key) for key in command.keys.split(",") if key) or "palette"


def key_table() -> str:
    """The README's key table, in Markdown."""
    lines = ["| Key | Command | What it does | May do to the world |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {shown_keys(command)} | {command.id} | {command.tooltip} | {command.effect} |"
        for command in (*WALK, *EVERYWHERE)
    ]
    return "\n".join(lines)
