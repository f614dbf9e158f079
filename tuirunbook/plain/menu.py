"""The walk's menu: the current step, and everything that can be done in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from tuirunbook.core.copying import command_to_copy
from tuirunbook.core.events import StepDone
from tuirunbook.core.procedure import StepState, current_index, lock_in_hand, open_questions
from tuirunbook.core.runbook import Action, Step
from tuirunbook.core.text import one_line
from tuirunbook.plain import acting, answering, steps, telling
from tuirunbook.plain.console import Cancelled, Choices
from tuirunbook.plain.exhibits import ROWS, open_rows
from tuirunbook.plain.session import Session, transcript_line


class Done(Exception):  # noqa: N818 - it is no error
    """The operator chose to leave."""


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
        all_steps = session.told.steps()
        state = all_steps[current_index(all_steps) if self._chosen is None else self._chosen]
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
        self._lines(steps.step(self._session, state))

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
        deeds.append((lambda: session.console.say(steps.runbook_text(session, state)), "read what the runbook says"))
        return deeds

    def _main(self, step: Step) -> Choices:
        session, incident = self._session, self._session.incident
        match step.action:
            case Action.INSPECT if not incident.seen and not incident.opened.repairs:
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
        if not self._session.incident.verifiable or ("after", "plan") in self._session.incident.checks:
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
        # The steps first: the number that is typed is the step's own.
        choices: list[tuple[int | None, str]] = list(enumerate(steps.step_list(self._session)))
        choices.append((None, "the current step, from now on"))
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
        raise Done
