"""Questions, disputes, notes, skips, pasted errors: what people say."""

from __future__ import annotations

from datetime import timedelta

from textual.content import Content

from tuirunbook.core import next_in_line
from tuirunbook.core.diagnosis import Diagnosis
from tuirunbook.core.events import (
    DetailsGiven,
    Marker,
    NoteAdded,
    OutsideAction,
    StepDeferred,
    StepDone,
    timestamp,
)
from tuirunbook.core.evidence import Says
from tuirunbook.core.gates import SKIP_REASONS
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.procedure import NO_LOCK, OpenQuestion, active_lock, lock_in_hand, open_questions, questions_of
from tuirunbook.core.runbook import Action, Question, Step
from tuirunbook.core.time_of_day import last_time_of_day, time_trouble
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.doing.waiting import wait


async def ask_next(stage: Stage) -> None:
    """Ask the open questions of the shown step, one after the other, until one is left."""
    step = stage.view.step.step
    left = open_questions(stage.view.incident, step)
    if not left:
        await _nothing_left(stage, step)
        return
    incident: Incident | None = None
    for question in left:
        if question.lock and question.lock not in stage.view.incident.identities:
            return
        incident = await _ask(stage, question)
        if incident is None:
            return
    if incident is not None:
        await _finish(stage, incident, step)


async def _finish(stage: Stage, incident: Incident, step: Step) -> None:
    """A step that only asks is done with its last answer, unless that one stands against going on."""
    asked = {question.id for question in step.questions}
    against = [said for (_, name), said in incident.answers.items() if name in asked and said.says is Says.BLOCKS]
    if step.action is Action.ASK and step.id not in incident.steps_done and not open_questions(incident, step):
        if against:
            stage.say(f"“{against[-1].label}” stands against going on; a changes the answer, n goes on all the same.")
        else:
            await stage.do("", stage.walk.clerk.tell, StepDone, step=step.id)


async def _nothing_left(stage: Stage, step: Step) -> None:
    if active_lock(stage.view.incident) is not None:
        await wait(stage)
    elif step.action is Action.ASK and step.id not in stage.view.incident.steps_done:
        await stage.do("", stage.walk.clerk.tell, StepDone, step=step.id)
    else:
        stage.say("Every question of this step is answered; a changes an answer.")


async def answer(stage: Stage) -> None:
    """Pick any question of this step, answered or not, and answer it."""
    incident, step = stage.view.incident, stage.view.step.step
    locks = incident.identities or (NO_LOCK,)
    pairs = [(lock, question) for lock in locks for question in questions_of(incident, step, lock)]
    if not pairs:
        stage.say("This step asks no question.")
        return
    chosen = pairs[0]
    if len(pairs) > 1:
        choices = [(str(index), _choice(stage, *pair)) for index, pair in enumerate(pairs)]
        told = await stage.ask(
            FormScreen("Which question?", [FormField(id="which", label="enter picks", choices=choices)])
        )
        if told is None:
            return
        chosen = pairs[int(told["which"])]
    await _ask(stage, OpenQuestion(lock=chosen[0], question=chosen[1]))


def _choice(stage: Stage, lock: LockIdentity, question: Question) -> str:
    given = stage.view.incident.answers.get((lock, question.id))
    about = f"[{short(lock)}] " if len(stage.view.incident.identities) > 1 else ""
    return f"{about}{question.text}  ({given.label if given else 'not asked'})"


async def _ask(stage: Stage, wanted: OpenQuestion) -> Incident | None:
    """Ask one question and record the answer; the incident with it, or None when there is none."""
    lock, question = wanted.lock, wanted.question
    incident = stage.view.incident
    record = incident.record(lock)
    who = record.info.who if record and record.info else ""
    about = f"about lock {short(lock)}{' of ' + who if who else ''}" if lock else "about this incident"
    known = next_in_line.begin_with(incident, lock, question.id)
    told = await stage.ask(AnswerScreen(question, about, lock=lock, before=known))
    if told is None:
        return None
    value, details = told
    try:
        shown = tuple(option.value for option in question.options)
        return await stage.do("", stage.walk.clerk.answer, lock, question.id, value, details, shown)
    except ValueError as error:
        stage.say(str(error), bad=True)
        return None


async def _tell(stage: Stage, kind: type, **facts: object) -> None:
    try:
        await stage.do("", stage.walk.clerk.tell, kind, **facts)
    except ValueError as error:
        stage.say(str(error), bad=True)


async def note(stage: Stage) -> None:
    """Write something down."""
    markers = [("", "no marker"), *((marker.value, marker.value.replace("-", " ")) for marker in Marker)]
    told = await stage.ask(
        FormScreen(
            "A note for the transcript",
            [
                FormField(id="text", label="what happened, or what you think", required=True, lines=4),
                FormField(id="marker", label="marker", choices=markers),
            ],
        )
    )
    if told is not None:
        marker = Marker(told["marker"]) if told["marker"] else None
        await _tell(stage, NoteAdded, text=told["text"], marker=marker)


async def skip(stage: Stage) -> None:
    """Leave the shown step out, for a reason."""
    step = stage.view.step.step
    if step.action in {Action.DETECT, Action.INSPECT, Action.FORCE_UNLOCK, Action.DELETE_LOCK}:
        stage.say(f"“{step.title}” is not a step to skip; nothing has to be done in it.")
        return
    listed = SKIP_REASONS.get(step.action.value)
    choices = list(listed.items()) if listed else [("not-needed", "not needed here"), ("no-time", "no time now")]
    told = await stage.ask(
        FormScreen(
            f"Skip “{step.title}”; it stays visible",
            [
                FormField(id="reason", label="why", choices=choices),
                FormField(id="note", label="anything to add, a link (optional)"),
            ],
        )
    )
    if told is None:
        return
    lock = lock_in_hand(stage.view.incident) if listed else None
    said = " ".join(part for part in (dict(choices)[told["reason"]], told["note"]) if part)
    where = step.action.value if listed else step.id
    await stage.do("", stage.walk.clerk.skip, where, told["reason"], lock=lock, note=said)


async def defer(stage: Stage) -> None:
    """Put verify or prevent off, to a name and a time."""
    step = stage.view.step.step
    if step.action not in {Action.VERIFY, Action.PREVENT}:
        stage.say("Only verify and prevent can be put off.")
        return
    told = await stage.ask(
        FormScreen(
            f"Put “{step.title}” off",
            [
                FormField(id="owner", label="who does it", required=True),
                FormField(id="until", label="until when", required=True, value="tomorrow 10:00"),
            ],
        )
    )
    if told is not None:
        await _tell(stage, StepDeferred, step=step.id, owner=told["owner"], until=told["until"])


async def elsewhere(stage: Stage) -> None:
    """Somebody else did it: who; then it is read back."""
    told = await stage.ask(
        FormScreen(
            "Done elsewhere: it is read back, whatever is said here",
            [
                FormField(id="action", label="what was done", value=stage.view.step.step.title, required=True),
                FormField(id="who", label="by whom", required=True),
                FormField(id="note", label="where, a link (optional)"),
            ],
        )
    )
    if told is not None:
        await _tell(stage, OutsideAction, action=told["action"], who=told["who"], note=told["note"])
        stage.walk.watcher.look_now()


async def paste(stage: Stage) -> None:
    """Hand in what Terraform printed somewhere else."""
    told = await stage.ask(
        FormScreen(
            "Paste what Terraform printed",
            [
                FormField(id="text", label="the error, the whole log, any shape", required=True, lines=7),
                FormField(
                    id="when",
                    label="when was it printed?",
                    choices=[("earlier", "earlier, or not known"), ("fresh", "less than 5 minutes ago")],
                ),
                FormField(id="link", label="where (a link, optional)"),
            ],
        )
    )
    if told is None:
        return
    printed = stage.front.now() - timedelta(minutes=1) if told["when"] == "fresh" else None
    diagnosis = await stage.do("", stage.walk.paste, told["text"], printed, told["link"])
    stage.say(diagnosis.explanation)
    await _other_runbook(stage, diagnosis)


async def _other_runbook(stage: Stage, diagnosis: Diagnosis) -> None:
    """The same headline can have another cause, with a runbook of its own."""
    name = diagnosis.runbook
    if name is None or name == stage.view.runbook.name:
        return
    kind = diagnosis.kind.value.replace("-", " ")
    told = await stage.ask(
        FormScreen(
            f"This is not a stuck lock: {kind}" if name != "state-lock" else "This is a stuck lock",
            [
                FormField(
                    id="walk",
                    label=f"The runbook for it is {name}.",
                    choices=[("yes", f"walk {name} instead"), ("no", "go on here")],
                )
            ],
            intro=Content(diagnosis.explanation),
        )
    )
    if told is not None and told["walk"] == "yes":
        stage.walk_instead(name)


async def page_time(stage: Stage) -> None:
    """When the page came; asked once, and editable."""
    now = stage.front.now()
    told = await stage.ask(
        FormScreen(
            "When did the page come?",
            [FormField(id="at", label="HH:MM, local time", required=True, value=f"{now:%H:%M}")],
            check=lambda told: time_trouble(told["at"]),
            intro=Content("The minutes since then stand in the first line."),
        )
    )
    if told is not None:
        await _tell(stage, DetailsGiven, page_at=timestamp(last_time_of_day(told["at"], now)))
