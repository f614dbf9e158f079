"""What the right-hand side says, a module for each group of steps: pure functions from a view to content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.content import Content

from tuirunbook.core.placeholders import placeholder_values
from tuirunbook.core.procedure import NO_LOCK, Progress, open_questions
from tuirunbook.core.runbook import Action, substitute_plain
from tuirunbook.core.text import clean, one_line
from tuirunbook.core.timeline import TimelineLine
from tuirunbook.tui.panes.after import prevent, verify
from tuirunbook.tui.panes.look import detect, inspect
from tuirunbook.tui.panes.parts import SAYS_GLYPH, Lines, greyed, heading, is_key, key
from tuirunbook.tui.panes.release import delete_lock, force_unlock
from tuirunbook.tui.panes.rule_out import prepare, retry_plan, rule_out
from tuirunbook.tui.prose import flow
from tuirunbook.tui.view import View

_PANES: Mapping[Action, Callable[[View], Lines]] = {
    Action.DETECT: detect,
    Action.INSPECT: inspect,
    Action.RULE_OUT: rule_out,
    Action.RETRY_PLAN: retry_plan,
    Action.PREPARE: prepare,
    Action.FORCE_UNLOCK: force_unlock,
    Action.DELETE_LOCK: delete_lock,
    Action.VERIFY: verify,
    Action.PREVENT: prevent,
}


def pane(view: View) -> Content:
    """The step that is shown: what to do, what is known, and below it what the runbook says about it."""
    state = view.step
    build = _PANES.get(state.step.action, _people)
    lines = list(build(view))
    if view.reads_only:
        lines = [greyed(line) for line in lines]
    if state.progress not in {Progress.CURRENT, Progress.TODO}:
        said = f"{state.progress.value}{': ' + state.note if state.note else ''}"
        lines.insert(0, Content.assemble(("This step: ", "$text-muted"), said))
    values = placeholder_values(view.root, view.incident.address, view.snapshot, view.incident.opened.operator)
    if body := substitute_plain(clean(state.step.body), values).strip():
        lines += [Content(""), Content.styled("From the runbook", "bold $text-muted"), *flow(body)]
    return Content("\n").join(lines)


def _people(view: View) -> Lines:
    step, incident = view.step.step, view.incident
    if step.commands:
        yield key("n", "copy these, which only read, to run them yourself; that marks this as done")
        yield from (Content(f"  $ {' '.join(command)}") for command in step.commands)
        return
    left = open_questions(incident, step)
    if left:
        yield key("n", f"ask: {left[0].question.text}")
    elif step.id not in incident.steps_done:
        yield key("n", "this is done")
    if step.questions:
        yield Content("")
    locks = incident.identities or (NO_LOCK,)
    for question in step.questions:
        answers = [answer for lock in locks if (answer := incident.answers.get((lock, question.id)))]
        for answer in answers:
            said = ", ".join(text for text in (answer.label, answer.how, answer.who, answer.note) if text)
            yield Content(f"{SAYS_GLYPH[answer.says]} {question.text} {one_line(said, 300)}")
        if not answers:
            yield Content(f"? {question.text} not asked")


SIDE_LINES = 30
"""How many lines of the transcript the third column of a wide terminal shows."""


def side(view: View, lines: Sequence[TimelineLine]) -> Content:
    """The third column of a wide terminal: the whole lock, and the latest of the transcript.

    It says nothing of keys: they are those of the step.
    """
    lock = [line for line in inspect(view) if not is_key(line)]
    told = [Content(f"{line.at[11:19]}Z {one_line(line.fact, 160)}") for line in lines[-SIDE_LINES:]]
    return Content("\n").join([heading("Lock"), *lock, Content(""), heading("Transcript"), *reversed(told)])
