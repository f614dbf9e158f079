"""The one registry of commands: bindings, footer, palette, help and the README's key table all come from here."""

from __future__ import annotations

import enum
import itertools
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
    _f(
        "incident.take-over",
        "T",
        "take_over",
        "take over",
        "Write this incident from here, once the session that wrote it has ended.",
    ),
    _f("step.next", "n", "talk('next')", "next", "Do what this step asks for next; the screen says what that is."),
    _f("step.answer", "a", "talk('answer')", "answer", "Answer a question of this step, also one answered before."),
    _f("step.copy", "c", "talk('copy')", "copy", "Copy the exact command of this step, to run it elsewhere."),
    _f("lock.wait", "w", "talk('wait')", "wait", "Watch calmly until the holder lets go."),
    _f("incident.transcript", "t", "transcript", "transcript", "Everything that happened so far."),
    _c("step.previous", "up,k", "step(-1)", "step up", "Show the step before; the current one stays current."),
    _c("step.following", "down,j", "step(1)", "step down", "Show the step after."),
    _c("step.page-down", "pagedown,space", "page(1)", "page down", "Scroll what the step says."),
    _c("step.page-up", "pageup", "page(-1)", "page up", "Scroll back."),
    _c("step.current", "home", "current", "current step", "Go back to the step that is current."),
    _c("step.skip", "s", "talk('skip')", "skip", "Leave this step out, for a listed reason; it stays visible."),
    _c("step.defer", "", "talk('defer')", "defer", "Put this step off, to a name and a time."),
    _c(
        "step.done-elsewhere",
        "o",
        "talk('elsewhere')",
        "done elsewhere",
        "Somebody else did it: who; it is then read back.",
    ),
    _c("lock.look", "r", "look", "look now", "Read everything again now.", Effect.READ),
    _c("lock.details", "enter", "details", "details", "The whole lock, both stores, raw."),
    _c(
        "lock.force-unlock",
        "",
        "talk('force_unlock')",
        "force-unlock",
        "Release the lock with Terraform.",
        Effect.DESTROY,
    ),
    _c("lock.delete", "", "talk('delete')", "delete lock", "Last resort: delete the lock item itself.", Effect.DESTROY),
    _c(
        "plan.retry",
        "p",
        "talk('plan')",
        "retry plan",
        "Run the plan once; it takes the lock if it can.",
        Effect.CHANGE,
    ),
    _c("plan.probe", "", "talk('probe')", "lock probe", "Ask for the lock without planning anything.", Effect.CHANGE),
    _c("plan.output", "f", "output", "output", "The output of our last command."),
    _c("plan.cancel", "x", "talk('cancel')", "cancel plan", "Interrupt our own command, once.", Effect.CHANGE),
    _f("evidence.open", "v", "evidence", "evidence", "Every source with what it said: open, ask again, dispute, off."),
    _c(
        "evidence.dispute",
        "d",
        "talk('dispute')",
        "dispute",
        "Say that a blocking fact is wrong: who says so, how known.",
    ),
    _c(
        "people.ask",
        "b",
        "talk('ask_people')",
        "ask people",
        "A message for the team's channel: to copy, or to post as it was shown.",
        Effect.CHANGE,
    ),
    _c(
        "apply.unfinished",
        "u",
        "talk('in_flight')",
        "unfinished",
        "What a dead apply had begun, against the plan, with import blocks.",
        Effect.READ,
    ),
    _c("incident.note", "m", "talk('note')", "note", "Write something down, with a marker if you like."),
    _c("incident.paste-error", "e", "talk('paste')", "paste error", "Hand in what Terraform printed somewhere else."),
    _c("incident.page-time", "g", "talk('page_time')", "page time", "When did the page come?"),
    _c("incident.close", "", "talk('close_incident')", "close", "Close the incident with what only you know."),
    _c("aws.login", "l", "talk('login')", "log in", "Renew expired credentials here, then go on.", Effect.READ),
)
"""What the walk's screen can do."""

EVERYWHERE: tuple[Command, ...] = (
    _f("app.help", "question_mark,f1", "app.help", "help", "What this screen is for, what is safe, and its keys."),
    _c("app.incidents", "i", "app.incidents", "incidents", "Past and open incidents."),
    _c("app.quit", "ctrl+q", "app.leave", "quit", "Leave; says what keeps running."),
)
"""What every screen can do."""

ABIDING: tuple[Command, ...] = tuple(command for command in EVERYWHERE if command.id != "app.incidents")
"""What every screen above the walk can do."""

OUTPUT: tuple[Command, ...] = (
    _f("output.search", "slash", "search", "search", "Find text in the output; n and N go on."),
    _f("output.next-match", "n", "match(1)", "next", "The next place where it stands."),
    _c("output.previous-match", "N", "match(-1)", "previous", "The place before."),
    _f("output.follow", "end,G", "follow", "follow", "Go to the end and stay there while more is printed."),
    _c("output.beginning", "home,g", "beginning", "beginning", "Go to the first line."),
    _f("output.copy", "c", "copy", "copy", "Copy the selected text, or what the screen shows."),
    _f("output.save", "S", "save", "save", "Save the whole output to a file, without secrets of known shapes."),
    _f("output.leave", "escape,q", "leave", "back", "Go back; the command goes on."),
)
"""What the output of a command can do."""

TRANSCRIPT: tuple[Command, ...] = (
    _f("transcript.search", "slash", "search", "search", "Find text in the transcript; n and N go on."),
    _f("transcript.next-match", "n", "match(1)", "next", "The next line where it stands."),
    _c("transcript.previous-match", "N", "match(-1)", "previous", "The line before where it stands."),
    _f("transcript.newest", "end,G", "newest", "newest", "Go to the newest line and stay there."),
    _c("transcript.oldest", "home,g", "oldest", "oldest", "Go to the first line."),
    _f("transcript.copy", "c", "copy", "copy", "Copy the selected text, or else this line."),
    _f("transcript.leave", "escape,q", "leave", "back", "Go back."),
)
"""What the transcript can do."""

EVIDENCE: tuple[Command, ...] = (
    _f("exhibit.open", "enter", "open", "open", "This row in full: what was asked, when, of which lock, the answer."),
    _f("exhibit.ask-again", "r", "ask", "ask again", "Ask the source of this row again, by itself.", Effect.READ),
    _f("exhibit.dispute", "d", "dispute", "dispute", "Say that this blocking fact is wrong: who says so, how known."),
    _f("exhibit.switch", "o", "switch", "off/on", "Turn this source off for this incident, or on; off is not checked."),
    _f("exhibit.copy", "c", "copy", "copy", "Copy the selected text, or this row in full."),
    _f("exhibit.leave", "escape,q", "leave", "back", "Go back."),
)
"""What can be done about the evidence, row by row."""

DETAILS: tuple[Command, ...] = (
    _f("details.copy-hash", "h", "copy_hash", "copy hash", "Copy the whole SHA-256 of the lock's raw bytes."),
    _f("details.copy-raw", "c", "copy_raw", "copy raw", "Copy the lock's raw text, or the selected text."),
    _f("details.leave", "escape,q,enter", "leave", "back", "Go back."),
)
"""What the details of a lock can do."""

WAIT: tuple[Command, ...] = (
    _f("wait.look", "r", "look", "look now", "Read the lock now instead of at the next turn.", Effect.READ),
    _f("wait.stop", "escape,w", "stop", "stop waiting", "Go back to the walk; nothing is changed."),
)
"""What the wait can do."""

INCIDENTS: tuple[Command, ...] = (
    _f("incidents.resume", "enter", "resume", "resume", "Go on with this incident, or see why it cannot be resumed."),
    _f("incidents.transcript", "t", "transcript", "transcript", "Everything that happened in it."),
    _f("incidents.export", "e", "export", "export", "Write it as Markdown to a file in this directory."),
    _f("incidents.leave", "escape,q", "leave", "back", "Go back."),
)
"""What the list of incidents can do."""

START: tuple[Command, ...] = (
    _f("start.find", "ctrl+s", "find", "find", "Find the state that the error or the fields name."),
    _f("start.leave", "escape", "leave", "leave", "Leave; nothing was changed."),
)
"""What can be done where no backend is."""

STATES: tuple[Command, ...] = (
    _f("states.open", "enter", "open", "open", "Walk this state."),
    _f("states.filter", "slash", "filter", "filter", "Show only the states that match."),
    _f("states.look", "r", "look", "read again", "Read every lock again.", Effect.READ),
    _f("states.leave", "escape", "leave", "back", "Clear the filter, or leave."),
)
"""What the list of states can do."""

HELP: tuple[Command, ...] = (_f("help.leave", "escape,q,question_mark,f1", "leave", "back", "Close the help."),)
"""What the help can do."""

PRACTICE: tuple[Command, ...] = (
    _c(
        "practice.find-out",
        "q,f2",
        "app.find_out",
        "ask",
        "Training: ask CI, people and hosts of the practice world; f2 also inside a dialog.",
        Effect.READ,
    ),
    _c("practice.hint", "h,f3", "app.hint", "hint", "Training: a hint for this step; again for the next one."),
    _c(
        "practice.shell",
        "exclamation_mark,f4",
        "app.practice_shell",
        "shell",
        "Training: raw commands, in the practice world only. They work, and what they break is broken.",
        Effect.DESTROY,
    ),
    _c("practice.states", "y", "app.states", "states", "Training: the other states and workspaces of the repository."),
    _c("practice.end", "z", "app.done", "end", "Training: end this page, and hear what it came to."),
)
"""What training adds to the walk."""

PAGES: tuple[Command, ...] = (
    _f("training.begin", "enter", "begin", "begin", "Take this page."),
    _f("training.leave", "escape,q", "leave", "leave", "Leave training."),
)
"""What the menu of training can do."""

FIND_OUT: tuple[Command, ...] = (
    _f("find-out.ask", "enter", "ask", "ask", "Ask it; the answer goes into the transcript.", Effect.READ),
    _f("find-out.leave", "escape,q,f2", "leave", "back", "Go back to what was under way."),
)
"""What can be done where a trainee asks around."""

PRACTICE_SHELL: tuple[Command, ...] = (
    _c("practice-shell.earlier", "up", "earlier", "the line before", "Bring back the line before."),
    _f("practice-shell.leave", "escape,f4", "leave", "back", "Go back to the walk."),
)
"""What the practice shell can do."""

DEBRIEF: tuple[Command, ...] = (
    _c("debrief.down", "down,j,space", "scroll(1)", "down", "Scroll on."),
    _c("debrief.up", "up,k", "scroll(-1)", "up", "Scroll back."),
    _f("debrief.leave", "enter,escape,q", "leave('menu')", "back to the pages", "Go back to the pages."),
    _f("debrief.again", "r", "leave('again')", "once more", "Play this page once more."),
)
"""What the debrief can do."""

BY_SCREEN: dict[str, tuple[Command, ...]] = {
    "WalkScreen": WALK,
    "OutputScreen": OUTPUT,
    "TranscriptScreen": TRANSCRIPT,
    "EvidenceScreen": EVIDENCE,
    "DetailsScreen": DETAILS,
    "WaitScreen": WAIT,
    "IncidentsScreen": INCIDENTS,
    "StartScreen": START,
    "StatesScreen": STATES,
    "HelpScreen": HELP,
    "TrainingMenu": PAGES,
    "PracticeWalk": (*PRACTICE, *WALK),
    "FindOutScreen": FIND_OUT,
    "PracticeShellScreen": PRACTICE_SHELL,
    "DebriefScreen": DEBRIEF,
}
"""What each screen can do besides `EVERYWHERE`, by the name of its class."""


_SHOWN = {"question_mark": "?", "exclamation_mark": "!", "slash": "/", "escape": "esc", "up": "↑", "down": "↓"}


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
    return ", ".join(_SHOWN.get(key, key) for key in command.keys.split(",") if key) or "palette"


def short_keys(commands: Iterable[Command]) -> str:
    """The first key of each command with its label, for a line of keys."""
    return "  ".join(f"{shown_keys(command).partition(',')[0]} {command.label}" for command in commands)


def key_table() -> str:
    """The README's key table, in Markdown."""
    lines = ["| Key | Command | What it does | May do to the world |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {shown_keys(command)} | {command.id} | {command.tooltip} | {command.effect} |"
        # A practice walk can do what a walk can; it is listed once.
        for command in dict.fromkeys((*itertools.chain.from_iterable(BY_SCREEN.values()), *EVERYWHERE))
    ]
    return "\n".join(lines)
