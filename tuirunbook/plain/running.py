"""Begin, show the step, offer what can be done, and leave."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import TextIO, TypeAlias

from tuirunbook.core.backend import RootModule
from tuirunbook.core.copying import command_to_copy
from tuirunbook.core.events import StepDone
from tuirunbook.core.procedure import StepState, current_index, lock_in_hand, open_questions
from tuirunbook.core.runbook import Action, Step
from tuirunbook.core.text import one_line
from tuirunbook.core.values import JournalError
from tuirunbook.plain import acting, answering, telling
from tuirunbook.plain.console import Cancelled, Console, Left, standard
from tuirunbook.plain.exhibits import ROWS, open_rows
from tuirunbook.plain.reading import Reading
from tuirunbook.plain.session import Instead, Session, transcript_line
from tuirunbook.tui.front import Front, NoRoot

INTERRUPTED = 130

ONLY_READ = 3
"""The exit code where another session wrote the incident to the end, so that this one could only read along."""

Deed: TypeAlias = Callable[[], None]
Choices: TypeAlias = list[tuple[Deed, str]]


class _Done(Exception):  # noqa: N818 - it is no error
    """The operator chose to leave."""


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
    except _Done:
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


class PlainWalk:
    """The walk's menu: the current step, and everything that can be done in it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._chosen: int | None = None

    def go(self) -> None:
        """Show and ask, until somebody leaves."""
        self._session.console.say()
        self._lines(telling.place(self._session))
        for state in self._session.told.steps()[:2]:
            self._show(state)
        while True:
            self._turn()

    def _turn(self) -> None:
        session = self._session
        steps = session.told.steps()
        index = current_index(steps) if self._chosen is None else self._chosen
        state = steps[index]
        session.console.say()
        self._lines(telling.lock(session))
        self._show(state)
        try:
            deed = session.console.choose("What now", [*self._step_deeds(state), *self._always()])
            deed()
        except Cancelled:
            session.console.say("Left as it was.")

    def _show(self, state: StepState) -> None:
        note = f" ({state.progress.value}{': ' + state.note if state.note else ''})"
        self._session.console.say(
            f"Step {state.step.number} of {len(self._session.told.steps())}, {one_line(state.step.title, 100)}{note}"
        )
        self._lines(telling.step(self._session, state))

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._session.console.say(line, indent="    ")

    # What can be done

    def _step_deeds(self, state: StepState) -> Choices:
        session, step = self._session, state.step
        deeds = self._main(step)
        if step.questions:
            deeds.append(
                (lambda: answering.answer_any(session, step), "answer a question of this step, or change an answer")
            )
        if step.action not in {Action.DETECT, Action.INSPECT, Action.FORCE_UNLOCK, Action.DELETE_LOCK, Action.VERIFY}:
            deeds.append((lambda: answering.skip(session, step), "skip this step, for a reason"))
        if step.action in {Action.VERIFY, Action.PREVENT}:
            deeds.append((lambda: answering.defer(session, step), "put this step off, to a name and a time"))
        deeds.append((lambda: session.console.say(telling.runbook_text(session, state)), "read what the runbook says"))
        return deeds

    def _main(self, step: Step) -> Choices:
        session, incident = self._session, self._session.incident
        match step.action:
            case Action.INSPECT if not incident.seen:
                near = (self._near_misses, "list the locks with the nearest names")
                return [near, (self._look, "look again now")]
            case Action.DETECT | Action.INSPECT:
                return [
                    (lambda: self._lines(telling.raw(session)), "print the raw lock"),
                    (self._look, "look again now"),
                ]
            case Action.RULE_OUT | Action.ASK:
                left = open_questions(incident, step)
                ask: Choices = [(lambda: answering.ask_open(session, step), f"answer the open questions ({len(left)})")]
                rows: Choices = [(lambda: open_rows(session), ROWS)]
                return [*ask, *rows] if step.action is Action.RULE_OUT else ask
            case Action.RETRY_PLAN:
                return self._retry()
            case Action.PREPARE:
                return [
                    (lambda: acting.before(session, step), "check what a release depends on, and answer what runs next")
                ]
            case Action.FORCE_UNLOCK:
                return [
                    (lambda: acting.force_unlock(session), "force-unlock; asks for a confirmation"),
                    *self._by_hand(step),
                ]
            case Action.DELETE_LOCK:
                return [
                    (lambda: acting.delete(session), "delete the lock; asks for a confirmation"),
                    *self._by_hand(step),
                ]
            case Action.VERIFY:
                return [(lambda: acting.after(session), "go on verifying"), *self._running(), *self._skip_plan()]
            case Action.PREVENT:
                return [(lambda: acting.prevent(session, step), "go through what is left, and close")]
            case _:
                return [(lambda: self._finished(step), "this is done")]

    def _retry(self) -> Choices:
        session = self._session
        if session.incident.running:
            return self._running()
        if session.root.initialised:
            return [(lambda: acting.retry(session), "retry the plan once; it takes the lock if it is free")]
        init = session.walk.world.terraform.init_command()
        return [
            (lambda: acting.retry(session, probe=True), f"ask for the lock with a probe; a plan would need: {init}")
        ]

    def _running(self) -> Choices:
        session = self._session
        if not session.incident.running:
            return [(lambda: acting.output(session), "print the end of the latest output")] if session.told.logs else []
        return [
            (lambda: acting.follow(session), "wait for the end of our command"),
            (lambda: acting.output(session), "print the end of its output"),
            (lambda: acting.interrupt(session), "interrupt it"),
        ]

    def _skip_plan(self) -> Choices:
        if not self._session.incident.gone or ("after", "plan") in self._session.incident.checks:
            return []
        return [(lambda: acting.skip_plan(self._session), "run no plan, for a reason")]

    def _by_hand(self, step: Step) -> Choices:
        session = self._session
        return [
            (lambda: self._command(step), "print the command for somebody else to run"),
            (lambda: answering.elsewhere(session, step), "somebody else did it"),
        ]

    def _always(self) -> Choices:
        session = self._session
        waiting: Choices = (
            [(lambda: acting.wait(session), "wait for the holder")] if session.incident.identities else []
        )
        return [
            *waiting,
            (self._go_to, "go to another step"),
            (self._more, "more: note, pasted error, dispute, transcript"),
            (self._quit, "leave"),
        ]

    # Deeds that are small

    def _go_to(self) -> None:
        choices: list[tuple[int | None, str]] = [(None, "the current step, from now on")]
        choices += list(enumerate(telling.step_list(self._session)))
        self._chosen = self._session.console.choose("Which step", choices, back="Back")

    def _more(self) -> None:
        session = self._session
        choices: Choices = [
            (lambda: answering.note(session), "write a note"),
            (lambda: answering.paste(session), "hand in what Terraform printed"),
            (lambda: answering.dispute(session), "dispute a blocking fact"),
            (self._look, "look again now"),
            (self._transcript, "print the transcript"),
            (lambda: acting.close(session), "close the incident"),
        ]
        session.console.choose("Which", choices, back="Back")()

    def _look(self) -> None:
        before = self._session.snapshot
        self._session.walk.watcher.look_now()
        self._session.wait_for(lambda: self._session.snapshot is not before)

    def _near_misses(self) -> None:
        self._session.do(self._session.walk.checks.near_misses)

    def _transcript(self) -> None:
        for said in self._session.told.lines:
            self._session.console.say(transcript_line(said), indent="    ")

    def _command(self, step: Step) -> None:
        session, lock = self._session, lock_in_hand(self._session.incident)
        store, snapshot = session.walk.world.store, session.snapshot
        if lock is None or snapshot is None:
            session.console.say("No lock is held here.")
        elif step.action is Action.DELETE_LOCK:
            for half in snapshot.find(lock):
                session.console.say(shlex.join(store.delete_command(half)), whole=True)
        elif lock.startswith("sha256:"):
            session.console.say("This lock cannot be read, so there is no ID to unlock.")
        else:
            program = session.walk.world.terraform.program
            session.console.say(command_to_copy(session.root, program, ("force-unlock", lock)), whole=True)

    def _finished(self, step: Step) -> None:
        self._session.tell(StepDone, step=step.id)

    def _quit(self) -> None:
        raise _Done
