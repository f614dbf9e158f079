"""An incident that another session writes, read along line by line."""

from __future__ import annotations

from tuirunbook.core.procedure import StepState, current_index
from tuirunbook.core.text import one_line
from tuirunbook.plain import telling
from tuirunbook.plain.console import Cancelled, Choices
from tuirunbook.plain.exhibits import open_rows
from tuirunbook.plain.session import Session, transcript_line
from tuirunbook.walk.following import Following

LATEST = 5
"""How many lines of the transcript are printed at the beginning."""


class Reading:
    """The menu of who only reads: nothing in it writes or acts."""

    def __init__(self, session: Session, followed: Following) -> None:
        self._session = session
        self._followed = followed
        self._leaves = False
        self._takes_over = False

    def go(self) -> bool:
        """Show and ask, until somebody leaves; whether the incident is to be taken over."""
        session, console = self._session, self._session.console
        console.say()
        for said in telling.place(session):
            console.say(said, indent="    ")
        for line in session.told.lines[-LATEST:]:
            console.say(transcript_line(line), indent="    ")
        while not (self._leaves or self._takes_over):
            console.say()
            for said in telling.lock(session):
                console.say(said, indent="    ")
            steps = session.told.steps()
            self._step(steps[current_index(steps)])
            try:
                console.choose("What now", self._deeds())()
            except Cancelled:
                console.say("Left as it was.")
        return self._takes_over

    def _step(self, state: StepState) -> None:
        what = one_line(state.step.title, 100)
        self._session.console.say(f"They are at step {state.step.number} of {len(self._session.told.steps())}: {what}")

    def _deeds(self) -> Choices:
        return [
            (self._follow, "read along: every line is printed as it is written; ctrl+c comes back"),
            (lambda: open_rows(self._session), "evidence, row by row"),
            (self._transcript, "print the transcript"),
            (self._raw, "print the raw lock"),
            (self._look, "look again now"),
            (self._take_over, "take the incident over, once nobody else writes it"),
            (self._leave, "leave"),
        ]

    def _follow(self) -> None:
        ended = self._followed.writer_ended
        self._session.console.say("Reading along. Ctrl+c comes back to the menu.")
        try:
            self._session.wait_for(lambda: self._followed.writer_ended != ended)
        except KeyboardInterrupt:
            self._session.console.say("Back at the menu.")

    def _transcript(self) -> None:
        for said in tuple(self._session.told.lines):
            self._session.console.say(transcript_line(said), indent="    ")

    def _raw(self) -> None:
        for said in telling.raw(self._session):
            self._session.console.say(said, indent="    ")

    def _look(self) -> None:
        before = self._session.snapshot
        self._followed.watcher.look_now()
        self._session.wait_for(lambda: self._session.snapshot is not before)

    def _take_over(self) -> None:
        if not self._followed.writer_ended:
            words = one_line(self._followed.writer.words, 80)
            self._session.console.say(f"Not now: {words} writes this incident. Leave it there first.")
        elif self._session.incident.closed:
            self._session.console.say("This incident is closed; it can be exported.")
        else:
            self._takes_over = True

    def _leave(self) -> None:
        self._leaves = True
