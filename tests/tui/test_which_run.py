"""Which of several runs took the lock is asked like any other question, with what was on the screen on record."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tests.support.incidents import A, Story
from tests.support.views import view_of
from tests.walk.parts import Bench
from tuirunbook.core.evidence import Candidate, Finding, Match, Says
from tuirunbook.core.runbook import Action
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.doing.answering import ask_next
from tuirunbook.tui.panes.rule_out import rule_out

if TYPE_CHECKING:
    from tuirunbook.tui.doing.stage import Stage

RUNS = tuple(Candidate(id=f"github:{n}", what=f"run {n}", says=Says.BLOCKS, fact="is running") for n in (1, 2))


class Desk:
    """A stage at step 3 whose operator picks the first run, and leaves every other question."""

    def __init__(self, directory: Path) -> None:
        self.bench = Bench(directory)
        self.bench.look()
        self.bench.observer.weigh_in(
            Finding(
                key="ci.github.candidates",
                lock=A,
                says=Says.BLOCKS,
                match=Match.COULD_BE,
                fact="could be about this state: run 1; run 2",
                source="gh",
                observed_at="2026-11-23T03:12:00Z",
                candidates=RUNS,
            )
        )
        self.walk = SimpleNamespace(clerk=self.bench.clerk)
        self.asked: list[AnswerScreen] = []

    @property
    def view(self) -> Any:
        story = Story()
        story.incident, story.last = self.bench.incident, self.bench.observer.latest
        view = view_of(story)
        step = next(number for number, state in enumerate(view.steps) if state.step.action is Action.RULE_OUT)
        return view_of(story, shown=step)

    async def ask(self, dialog: AnswerScreen) -> Any:
        self.asked.append(dialog)
        return ("github:1", {"how": "its log"}) if len(self.asked) == 1 else None

    async def do(self, busy: str, request: Any, *args: Any) -> Any:
        del busy
        return request(*args)


def shown(desk: Desk) -> str:
    return "\n".join(line.plain for line in rule_out(desk.view))


def test_step_3_asks_which_run_it_was_first_and_shows_what_the_pick_makes_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = shown(desk)
    assert "ask: Which of these runs took this lock?" in before
    assert "the run that took it: not asked" in before
    asyncio.run(ask_next(cast("Stage", desk)))
    answer = desk.bench.incident.answers[A, "holder-run"]
    assert (answer.answer, answer.among) == ("github:1", ("github:1", "github:2", "none", "dont-know"))
    after = shown(desk)
    assert "Verdict ACTIVE" in after
    assert "the run that took the lock, by priya: its log: run 1, is running → blocks" in after
    assert "could be about this state" not in after
