"""Begin, show the step, offer what can be done, and leave."""

from __future__ import annotations

from typing import TextIO

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.core.values import JournalError
from tuirunbook.plain.console import Cancelled, Console, Left, standard
from tuirunbook.plain.menu import Done, PlainWalk
from tuirunbook.plain.reading import Reading
from tuirunbook.plain.session import Instead, Session
from tuirunbook.tui.front import Front, NoRoot

INTERRUPTED = 130

ONLY_READ = 3
"""The exit code where another session wrote the incident to the end, so that this one could only read along."""


def run(front: Front, *, resume: str | None = None, stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Walk line by line, until the operator leaves, the input ends or ctrl+c is pressed at a prompt.

    Args:
        front: The world.
        resume: An incident to go on with.
        stdin: Where answers come from; standard input by default.
        stdout: Where everything goes; standard output by default.

    Returns:
        The exit code: 0 after leaving, 1 when there was nothing to walk, 3 when another session wrote the incident all
        the time, 130 after ctrl+c.
    """
    console = standard(stdin, stdout)
    session = Session(front, console)
    try:
        if not _begin(session, resume):
            return 1
        while session.followed is not None:
            if not Reading(session, session.followed).go():
                return ONLY_READ
            session.close()
            session = _taken_over(session)
        while (other := _walk(session)) is not None:
            session.close()
            session = _instead(session, other)
    except KeyboardInterrupt:
        console.say("Interrupted. Nothing more was sent.")
        _leave(session)
        return INTERRUPTED
    except Left:
        _leave(session)
        if session.followed is not None:
            return ONLY_READ
    except (ValueError, JournalError) as error:
        console.say(f"{error}")
        return 1
    finally:
        session.close()
    return 0 if session.opened else 1


def _taken_over(before: Session) -> Session:
    """The same incident, which this session writes from now on, unless somebody else was faster."""
    name = before.incident.id
    session = Session(before.front, before.console)
    session.begin(lambda publish: before.front.resume_walk(name, publish))
    session.wait_for(lambda: session.snapshot is not None)
    return session


def _instead(before: Session, runbook: str) -> Session:
    """A walk of another runbook, on the same root."""
    session = Session(before.front, before.console)
    session.begin(lambda publish: before.front.open_walk(before.root, publish, runbook))
    session.wait_for(lambda: session.snapshot is not None)
    return session


def _walk(session: Session) -> str | None:
    """Walk until the operator leaves, or chooses another runbook: its name."""
    try:
        PlainWalk(session).go()
    except Instead as instead:
        return instead.runbook
    except Done:
        _leave(session)
    return None


def _begin(session: Session, resume: str | None) -> bool:
    """Find the root and open its walk; False when there is none, which is then said."""
    front, console = session.front, session.console
    console.say("tflock-tui, line by line. Answer with a number. Ctrl+d leaves; leaving changes nothing.")
    if not resume:
        root = _root(front, console)
        if root is None:
            return False
        resume = _unfinished(front, console, root)
        if not resume:
            session.begin(lambda publish: front.open_walk(root, publish))
    if resume:
        name = resume
        session.begin(lambda publish: front.resume_walk(name, publish))
    text = front.pasted()
    if text and session.followed is not None:
        console.say("The error was not handed in, for this session only reads.")
    elif text:
        # At once: what the error claims can be asked about before AWS has answered.
        session.do(session.walk.paste, text, None, front.pasted_link())
    session.wait_for(lambda: session.snapshot is not None)
    if not resume:
        session.told.root = front.compare(session.root)
    for other in front.other_incidents(session.root):
        if other.id != session.incident.id:
            console.say(
                f"Another incident on this state is {other.status}: {other.id}, by {one_line(other.operator, 60)}"
            )
    return True


def _unfinished(front: Front, console: Console, root: RootModule) -> str:
    """The open incident on this state that the operator goes on with, or empty to begin a new one."""
    found = front.unfinished(root)
    if found is None:
        return ""
    console.say(f"This state has an open incident: {found.id}, begun at {found.opened_at} by {found.operator}.")
    return console.choose("What now", [(found.id, f"Go on with {found.id}"), ("", "Begin a new one")])


def _root(front: Front, console: Console) -> RootModule | None:
    found = front.find()
    if isinstance(found, NoRoot):
        console.say(f"{found.sentence} {found.next_step}")
        found = _named(front, console)
    if isinstance(found, RootModule):
        return found
    try:
        return console.choose(
            "Which state", [(root, f"{root.name}, workspace {root.workspace}") for root in found], back="Leave"
        )
    except Cancelled:
        return None


def _named(front: Front, console: Console) -> RootModule | tuple[RootModule, ...]:
    """A state by bucket and key, where nothing here describes one."""
    try:
        told = console.fill(
            {"bucket": "The bucket of the state", "key": "Its key"}, {"table": "Its lock table", "region": "Its region"}
        )
        return front.root_from(told["bucket"], told["key"], told.get("table", ""), told.get("region", ""))
    except ValueError as error:
        console.say(str(error))
    except Cancelled:
        pass
    return ()


def _leave(session: Session) -> None:
    """What keeps running, and how to come back."""
    if not session.opened or session.followed is not None:
        return
    incident = session.incident
    for started in incident.running.values():
        session.console.say(
            f"Our {started.purpose} keeps running and may hold the lock. Its output: {started.child.log}"
        )
    if session.walk.scribe.journal is not None and not incident.closed:
        session.console.say(
            f"Incident {incident.id} is {incident.status.value}: `tflock-tui resume {incident.id} --plain`"
        )
