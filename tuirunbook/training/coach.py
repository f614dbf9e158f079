"""The coach: which scenarios there are, one run of one of them, and what is said about it afterwards."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuirunbook.core.events import Event, timestamp
from tuirunbook.core.scenario import Does, Scenario, drawn
from tuirunbook.core.score import Debrief, asked_note, debrief
from tuirunbook.core.values import JournalError
from tuirunbook.journal.journals import Journals
from tuirunbook.training.client import WorldClient, WorldError
from tuirunbook.training.front import PracticeFront
from tuirunbook.training.place import PRACTICE_TERRAFORM
from tuirunbook.training.progress import Done, Progress, last_of
from tuirunbook.training.world import Play
from tuirunbook.tui.screens.training_coach import InquiryRow, MenuRow, ShellSaid


class Run:
    """One run of a scenario; satisfies `tui.screens.training_coach.Run`.

    Args:
        scenario: What is played, the seed's decisions made.
        seed: The seed.
        coach: Whose run it is.
        told: Takes what happens in the world.
        died: Called when the world ended by itself.
        process: A process for its world that was started already.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        coach: Coach,
        told: Callable[[str], object],
        died: Callable[[], object],
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self._coach = coach
        play = Play(scenario=scenario, speed=coach.speed, practice_terraform=coach.practice_terraform)
        self._client = WorldClient(play, told, died, process)
        self._front = PracticeFront(scenario, self._client, coach.incidents, coach.person)
        self._asked: set[str] = set()

    @property
    def front(self) -> PracticeFront:
        """The world, as the screens see it."""
        return self._front

    @property
    def page(self) -> str:
        """What the page said."""
        return self.scenario.page

    @property
    def guided(self) -> bool:
        """Whether the hints are shown unasked."""
        return self.scenario.guided

    def program(self) -> str:
        """What runs as terraform here; a label for ours, empty for the real one."""
        facts: dict[str, Any] = self._client.ask("facts")
        return PRACTICE_TERRAFORM if facts["program"] == PRACTICE_TERRAFORM else ""

    def hints(self, step: str) -> Sequence[str]:
        """The hints for a step, the gentlest first."""
        return self.scenario.hints_for(step)

    def inquiries(self) -> tuple[InquiryRow, ...]:
        """What can be found out, with the answers that are known already."""
        return tuple(
            InquiryRow(
                id=one.id, who=one.who, ask=one.ask, costs=one.costs, answer=one.answer if one.id in self._asked else ""
            )
            for one in self.scenario.inquiries
        )

    def inquire(self, name: str) -> str:
        """Ask; what it leaves in the transcript."""
        inquiry = self.scenario.inquiry(name)
        if inquiry is None:
            raise ValueError(f"there is nothing called {name!r} to ask")
        if inquiry.does is Does.HOLD_QUEUE:
            self._client.ask("hold-queue")
            self._front.queue_held = True
        self._asked.add(name)
        return asked_note(name, inquiry.who, inquiry.ask, inquiry.answer)

    def shell(self, line: str) -> ShellSaid:
        """Run a raw command in the practice world."""
        told: dict[str, Any] = self._client.ask("shell", line)
        if told["moved"]:
            self._front.become(told["environ"])
        return ShellSaid(output=told["output"], released=tuple(told["released"]), moved=told["moved"])

    def confirming(self) -> None:
        """A release is about to be confirmed."""
        self._client.ask("confirmation")

    def finish(self) -> Debrief:
        """End the run, write it down, and say what it came to."""
        try:
            facts: dict[str, Any] = self._client.ask("facts")
        except WorldError:
            facts = {"locks": {}, "damage": [], "program": ""}
        self._client.close()
        events = self._coach.events(self._front.opened)
        alive = {lock: bool(told["alive"]) for lock, told in facts["locks"].items()}
        told = debrief(self.scenario, events, alive, facts["damage"])
        self._coach.write_down(
            Done(
                person=self._coach.person,
                scenario=self.scenario.name,
                at=timestamp(datetime.now(UTC)),
                grade=told.grade,
                seed=self.seed,
                twin=self.scenario.twin,
                acts=told.acts,
                unsafe=told.unsafe,
                incidents=tuple(self._front.opened),
                program=str(facts["program"]),
            )
        )
        return told

    def end(self) -> None:
        """End the world; nothing is written down."""
        self._client.close()


class Coach:
    """Satisfies `tui.screens.training_coach.Coach`.

    Args:
        scenarios: In the order of the menu.
        directory: Where training keeps its incidents and its progress.
        person: Who trains.
        seed: Decides who lives; drawn anew for each run when None.
        speed: How many times faster than real time things happen.
        practice_terraform: Use ours even where there is a terraform.
        spare: A process for the first world, started already, so that it loads while the screen does.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        directory: Path,
        person: str,
        *,
        seed: int | None = None,
        speed: float = 1.0,
        practice_terraform: bool = False,
        spare: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.person = person
        self.speed = speed
        self.practice_terraform = practice_terraform
        self.incidents = directory / "incidents"
        self._scenarios = tuple(scenarios)
        self._progress = Progress(directory / "progress.jsonl")
        self._seed = seed
        self._spare = spare

    def close(self) -> None:
        """End a process that was never wanted."""
        spare, self._spare = self._spare, None
        if spare is not None:
            # It ends when nobody is left to tell it what to play.
            spare.communicate()

    def menu(self) -> tuple[MenuRow, ...]:
        """Every scenario by its page; what it teaches only once it was done."""
        runs = self._progress.of(self.person)
        found: list[MenuRow] = []
        for scenario in self._scenarios:
            last = last_of(runs, scenario.name)
            teaches = scenario.teaches if last and not scenario.twin else ""
            grade = last.grade.value if last else ""
            found.append(MenuRow(name=scenario.name, page=scenario.page, teaches=teaches, last=grade))
        return tuple(found)

    def begin(self, name: str, told: Callable[[str], object], died: Callable[[], object]) -> Run:
        """Begin a run; its world is built meanwhile."""
        scenario = next(one for one in self._scenarios if one.name == name)
        seed = secrets.randbelow(1_000_000) if self._seed is None else self._seed
        spare, self._spare = self._spare, None
        return Run(drawn(scenario, seed), seed, self, told, died, spare)

    def events(self, incidents: Sequence[str]) -> tuple[Event, ...]:
        """The events of some incidents of training, in their order; those that never began leave none."""
        journals = Journals(self.incidents)
        found: list[Event] = []
        for incident in incidents:
            try:
                found += journals.read(incident)[0]
            except JournalError:
                continue
        return tuple(found)

    def write_down(self, done: Done) -> None:
        """Keep a run that was finished."""
        self._progress.add(done)
