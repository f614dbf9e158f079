"""What people say: answers, disputes, notes, skips, pasted errors, what was done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tuirunbook.core import next_in_line
from tuirunbook.core.answers import NEED_LABELS, weighed
from tuirunbook.core.events import Marker, NoteAdded, OutsideAction, StepDeferred, StepDone
from tuirunbook.core.gates import SKIP_REASONS
from tuirunbook.core.lock import short
from tuirunbook.core.procedure import NO_LOCK, OpenQuestion, lock_in_hand, open_questions, questions_of
from tuirunbook.core.runbook import Action, Option, Question, Step
from tuirunbook.core.verdict import as_finding
from tuirunbook.plain.console import Cancelled
from tuirunbook.plain.exhibits import dispute_fact
from tuirunbook.plain.session import Instead, Session
from tuirunbook.plain.words import SAYS
from tuirunbook.walk.exhibits import disputable

OPTIONAL = {"who": NEED_LABELS["who"], "link": NEED_LABELS["link"], "note": "anything to add"}
"""What every answer may carry besides what its option needs."""

END_OF_TEXT = "."


def ask_open(session: Session, step: Step) -> None:
    """Ask the open questions of a step, one after the other."""
    left = open_questions(session.incident, step)
    for wanted in left:
        if wanted.lock and wanted.lock not in session.incident.identities:
            session.console.say("The lock changed meanwhile; the questions begin again.")
            return
        ask(session, wanted)
    if left:
        return
    if step.action is Action.ASK and step.id not in session.incident.steps_done:
        session.tell(StepDone, step=step.id)
    else:
        session.console.say("Every question of this step is answered.")


def answer_any(session: Session, step: Step) -> None:
    """Pick any question of a step, answered or not, and answer it."""
    locks = session.incident.identities or (NO_LOCK,)
    wanted = [
        OpenQuestion(lock=lock, question=question)
        for lock in locks
        for question in questions_of(session.incident, step, lock)
    ]
    ask(session, session.console.choose("Which question", [(one, _asked(session, one)) for one in wanted], back="Back"))


def _asked(session: Session, wanted: OpenQuestion) -> str:
    given = session.incident.answers.get((wanted.lock, wanted.question.id))
    about = f"[{short(wanted.lock)}] " if wanted.lock else ""
    return f"{about}{wanted.question.text} ({given.label if given else 'not asked'})"


def ask(session: Session, wanted: OpenQuestion) -> None:
    """Ask one question and record the answer.

    Raises:
        Cancelled: It was left.
    """
    console, question = session.console, wanted.question
    record = session.incident.record(wanted.lock)
    of = f" of {record.info.who}" if record and record.info and record.info.who else ""
    console.say()
    console.say(f"{question.text} About {f'lock {short(wanted.lock)}{of}' if wanted.lock else 'this incident'}.")
    if question.why:
        console.say(question.why)
    known = next_in_line.begin_with(session.incident, wanted.lock, question.id)
    options = [(option, _option(question, option, known)) for option in question.options]
    option = console.choose("Answer", options, back="Leave this question")
    needs = weighed(question.id, option).needs
    told = console.fill(
        {need: NEED_LABELS[need] for need in needs},
        {need: label for need, label in OPTIONAL.items() if need not in needs},
        known if option.value == known.get("answer") else {},
    )
    try:
        shown = tuple(option.value for option in question.options)
        session.do(session.walk.clerk.answer, wanted.lock, question.id, option.value, told, shown)
    except ValueError as error:
        console.say(f"Not recorded: {error}.")


def _option(question: Question, option: Option, known: Mapping[str, str]) -> str:
    """An option with what it says about a release, and whether the answer begins with it."""
    mark = ", as known so far" if option.value == known.get("answer") else ""
    return f"{option.label} ({SAYS[weighed(question.id, option).says]}{mark})"


def dispute(session: Session) -> None:
    """Dispute a blocking fact: who says so, how it is known."""
    incident = session.incident
    facts = (*incident.findings.values(), *map(as_finding, incident.answers.values()))
    blocking = [(fact, fact.fact) for fact in facts if disputable(incident, fact)]
    if not blocking:
        session.console.say("No blocking fact here can be disputed.")
        return
    dispute_fact(session, session.console.choose("Which fact is wrong", blocking, back="Back"))


def note(session: Session) -> None:
    """Write something down, with a marker."""
    text = session.console.require("What happened, or what you think")
    markers: list[tuple[Marker | None, str]] = [(None, "no marker")]
    markers += [(marker, marker.value.replace("-", " ")) for marker in Marker]
    session.tell(NoteAdded, text=text, marker=session.console.choose("Marker", markers))


def skip(session: Session, step: Step) -> None:
    """Leave a step out, for a reason; it stays visible."""
    listed = SKIP_REASONS.get(step.action.value)
    choices = list(listed.items()) if listed else [("not-needed", "not needed here"), ("no-time", "no time now")]
    reason = session.console.choose(f"Why skip “{step.title}”", choices, back="Do not skip it")
    added = session.console.ask("Anything to add, a link (empty: nothing)")
    said = " ".join(part for part in (dict(choices)[reason], added) if part)
    lock = lock_in_hand(session.incident) if listed else None
    where = step.action.value if listed else step.id
    session.do(session.walk.clerk.skip, where, reason, lock=lock, note=said)


def defer(session: Session, step: Step) -> None:
    """Put a step off, to a name and a time."""
    told = session.console.fill({"owner": "Who does it", "until": "Until when"})
    session.tell(StepDeferred, step=step.id, **told)


def elsewhere(session: Session, step: Step) -> None:
    """Somebody else did it: who; then it is read back."""
    told = session.console.fill({"who": f"Who did it elsewhere (“{step.title}”)"}, {"note": "Where, a link"})
    session.tell(OutsideAction, action=step.title, **told)
    session.walk.watcher.look_now()


def paste(session: Session) -> None:
    """Hand in what Terraform printed somewhere else, line by line until a lone full stop."""
    text = read_text(session)
    printed = session.console.choose(
        "When was it printed",
        [(None, "earlier, or not known"), (session.now - timedelta(minutes=1), "less than 5 minutes ago")],
        back="Do not hand it in",
    )
    link = session.console.ask("Where, a link (empty: none)")
    diagnosis = session.do(session.walk.paste, text, printed, link)
    session.console.say(diagnosis.explanation)
    name = diagnosis.runbook
    if name is not None and name != session.walk.runbook.name:
        choices = [(name, f"walk {name} instead"), ("", "go on here")]
        if chosen := session.console.choose(f"The runbook for it is {name}", choices):
            raise Instead(chosen)


def read_text(session: Session) -> str:
    """Several lines of typing.

    Raises:
        Cancelled: There was no text.
    """
    session.console.say(f"Paste it; end with a line that holds only “{END_OF_TEXT}”.")
    lines: list[str] = []
    while (line := session.console.ask_line("text")).strip() != END_OF_TEXT:
        lines.append(line)
    if not any(line.strip() for line in lines):
        raise Cancelled
    return "\n".join(lines)
