"""A message to the team about the lock, and what a dead apply's log says; both are for people to read."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.content import Content

from tuirunbook.core import inflight
from tuirunbook.core.events import NoteAdded
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.people import Asked, message, named
from tuirunbook.core.procedure import lock_in_hand
from tuirunbook.core.recurrence import unreleased
from tuirunbook.core.text import one_line
from tuirunbook.tui.background import aside
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.walk.commands import TAIL_BYTES
from tuirunbook.walk.walk import Walk


class Channel(Protocol):
    """Where the team reads messages."""

    @property
    def host(self) -> str:
        """What it is called on screen; its address is a secret."""
        ...

    def post(self, text: str) -> str:
        """Post once, and say what came of it. It may take seconds; call it from a thread."""
        ...


@runtime_checkable
class Posting(Protocol):
    """A front whose user has set up a channel."""

    def channel(self) -> Channel | None:
        """The channel of the user's settings, or None."""
        ...


async def ask_people(stage: Stage) -> None:
    """Show a message for the team's channel; copy it, or post what was shown."""
    incident = stage.view.incident
    lock = lock_in_hand(incident)
    if lock is None:
        stage.say("No lock is held here, so there is nobody to ask.")
        return
    channel = stage.front.channel() if isinstance(stage.front, Posting) else None
    read_only = stage.view.policy.read_only
    choices = [("copy", "copy it, to paste it yourself")]
    if channel is not None and not read_only:
        choices.append(("post", f"post it to {channel.host}, as it stands above"))
    where = f"Read-only ({read_only}): nothing is posted." if channel is not None and read_only else ""
    told = await stage.ask(
        FormScreen(
            "Ask the team",
            [
                FormField(
                    id="text",
                    label="change what you like; an answer is recorded with a: who, and where",
                    value=_text(stage, lock),
                    lines=9,
                ),
                FormField(id="do", label="then", choices=choices),
            ],
            intro=Content(where) if where else None,
            check=lambda told: None if told["text"] else "there is nothing to say",
        )
    )
    if told is None:
        return
    if told["do"] == "post" and channel is not None:
        said = await aside(channel.post, told["text"])
        stage.say(f"{said[:1].upper()}{said[1:]}.", bad=not said.startswith("posted"))
        await stage.do("", stage.walk.clerk.tell, NoteAdded, text=f"{said}: {told['text']}")
    else:
        stage.copy(told["text"], "a message for the team")
        await stage.do("", stage.walk.clerk.tell, NoteAdded, text=f"copied, to ask the team: {told['text']}")


def _text(stage: Stage, lock: LockIdentity) -> str:
    incident = stage.view.incident
    record = incident.record(lock)
    asked = Asked(
        address=incident.address,
        root=stage.view.root.name,
        info=record.info if record else None,
        identity=lock,
        by=incident.opened.operator,
        people=named(incident, lock),
    )
    return message(asked, stage.front.now())


async def in_flight(stage: Stage) -> None:
    """Show what a dead apply had begun, against the latest plan; take in its log where nothing is known yet."""
    incident = stage.view.incident
    lock = _dead(incident)
    if lock is None:
        stage.say("No lock was seen here that an apply can have left.")
        return
    known = inflight.listed(incident)
    if not known:
        await _take_in(stage, lock)
        return
    plan = await stage.do("reading the plan…", _plan_text, stage.walk)
    choices = [("copy", "copy the import blocks"), ("log", "hand in a log"), ("leave", "go back")]
    told = await stage.ask(
        FormScreen(
            "Begun, and not seen to be complete",
            [
                FormField(id="list", label="up and down scroll, tab goes on", value=_listing(known, plan), lines=9),
                FormField(id="do", label="then", choices=choices if inflight.import_blocks(known) else choices[1:]),
            ],
        )
    )
    if told is None:
        return
    if told["do"] == "copy":
        stage.copy(inflight.import_blocks(known), "import blocks; read each against the plan before you use it")
    elif told["do"] == "log":
        await _take_in(stage, lock)


def _dead(incident: Incident) -> LockIdentity | None:
    """The lock that an apply left: the one in hand, or the one that was released last."""
    if not incident.may_have_written:
        return None
    released = incident.releases[-1].intended.lock if incident.releases else None
    return released or lock_in_hand(incident) or next(iter(reversed(list(incident.seen))), None)


def _listing(known: tuple[inflight.Unfinished, ...], plan: str) -> str:
    """Each resource with what the plan says of it, what to look for, and its import block."""
    lines = [] if plan else ["(Plan first, with n: then each is shown with what the plan says about it.)", ""]
    for one, what in inflight.against(known, plan):
        lines.append(one_line(one.fact, 300))
        if plan:
            lines.append(f"  the plan: {one_line(what, 120)}")
        lines.append(f"  {one.advice}")
        lines += [f"  {line}" for line in one.import_block.splitlines()]
    return "\n".join(lines)


def _plan_text(walk: Walk) -> str:
    """The output of the plan after the release, or empty. For the incident's thread."""
    incident, journal = walk.scribe.incident, walk.scribe.journal
    if journal is None or ("after", "plan") not in incident.checks:
        return ""
    for number in range(incident.commands, 0, -1):
        log = journal.log_path(f"plan-{number}")
        if log.exists():
            return walk.world.terraform.follow(log).read_new(TAIL_BYTES)
    return ""


async def _take_in(stage: Stage, lock: LockIdentity) -> None:
    told = await stage.ask(
        FormScreen(
            "What did the apply leave unfinished?",
            [
                FormField(id="log", label="the end of the log of the run that held the lock", required=True, lines=7),
                FormField(id="link", label="where it is (a link, optional)"),
            ],
            intro=Content("What was begun in it and not completed is listed, to be read against the plan by name."),
        )
    )
    if told is None:
        return
    now, link = stage.front.now(), told["link"]
    lock = next((one for one in stage.view.incident.seen if one in told["log"]), lock)
    left = inflight.unfinished(told["log"])
    found = list(inflight.findings(left, lock, source="the log, as it was handed in", now=now, link=link))
    if (cause := unreleased(told["log"], lock, now, link)) is not None:
        found.append(cause)
        stage.say("This run could not release its own lock: see the causes in the last step.")
    for finding in found:
        await stage.do("", stage.walk.observer.weigh_in, finding)
    if left:
        many = "1 resource was" if len(left) == 1 else f"{len(left)} resources were"
        stage.say(f"{many} under way when the log ended; u shows them.")
    elif cause is None:
        stage.say("Nothing in this log was begun and left incomplete.")
