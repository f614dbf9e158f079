"""Steps 3 to 5: is the holder alive, does the plan still fail, and what happens when it is free."""

from __future__ import annotations

from textual.content import Content

from tuirunbook.core import next_in_line
from tuirunbook.core.answers import each_undo
from tuirunbook.core.claims import unseen_in_words
from tuirunbook.core.evidence import AFTERMATH, Finding, Match, Says
from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.procedure import BEFORE_CHECKS, active_lock, open_questions, questions_of
from tuirunbook.core.recurrence import fresh
from tuirunbook.core.text import one_line
from tuirunbook.core.verdict import QUESTION_NAMES, as_counted, as_finding, judge
from tuirunbook.tui.panes.exhibits import asking_for, line_rows
from tuirunbook.tui.panes.parts import (
    OPINION_STYLE,
    SAYS_GLYPH,
    SAYS_STYLE,
    SAYS_WORDS,
    Lines,
    check_line,
    comes_back,
    heading,
    key,
    paragraph,
    verdict_lines,
)
from tuirunbook.tui.view import View
from tuirunbook.walk.exhibits import dispute_of

CHECKS = {
    "digest": "digest",
    "state-list": "state list",
    "errored-tfstate": "errored.tfstate",
    "state-version": "state now",
}


def rule_out(view: View) -> Lines:
    """Evidence, open questions and the verdict, for each lock that is present."""
    incident, step = view.incident, view.step.step
    if not incident.identities and incident.unseen:
        yield from unseen(view)
        return
    if not incident.identities:
        yield paragraph("No lock is held here, so there is nothing to rule out.")
        return
    left = open_questions(incident, step)
    if left:
        yield key("n", f"ask: {left[0].question.text}")
        yield Content("")
    elif active_lock(incident) is not None:
        yield key("n", "wait for the holder; it rings when the lock is free")
        yield key("a", "change an answer")
        yield Content("")
    for lock in incident.identities:
        if len(incident.identities) > 1:
            stores = " and ".join(record.store.label for record in incident.locks if record.identity == lock)
            yield heading(f"Lock {short(lock)} in {stores}")
        yield from comes_back(fresh(incident, lock))
        yield from verdict_lines(judge(incident, lock))
        yield Content("")
        yield from _evidence(view, lock)
    yield from unseen(view)


def unseen(view: View) -> Lines:
    """Locks that may be there while they cannot be read: what is known of their holders, and that it opens nothing."""
    for info in view.incident.unseen:
        lock = LockIdentity(info.id)
        verdict = judge(view.incident, lock)
        so_far = (verdict.opinion.value.upper(), OPINION_STYLE[verdict.opinion])
        yield heading(f"Lock {short(lock)}: {unseen_in_words(view.incident, info)}")
        yield paragraph("Nothing can be released until it is read. What needs no login to AWS is asked meanwhile.")
        yield Content.assemble(("Verdict so far ", "bold"), so_far)
        yield from _evidence(view, lock)


_DECIDING, _TO_ASK, _UNKNOWN, _NOTHING, _FOLDED = range(5)
"""What decides stands first, then what can be asked; what proves nothing stands last."""

_SHORT = 110
"""Characters of a fact that proves nothing: the whole of it is one key away."""


def _evidence(view: View, lock: LockIdentity) -> Lines:
    incident = view.incident
    findings = [
        finding
        for finding in as_counted(incident, lock)
        if not finding.key.startswith(AFTERMATH) and not _only_asked(finding)
    ]
    answers = [answer for (about, _), answer in incident.answers.items() if about == lock and answer.question != "next"]
    yield key("v", "each in full: ask again, dispute, turn off")
    rows = [(_rank(finding), _finding(view, finding)) for finding in (*findings, *map(as_finding, answers))]
    asked = {answer.question for answer in answers}
    for question in questions_of(incident, view.step.step, lock):
        if question.id not in asked:
            name = QUESTION_NAMES.get(question.id, question.text)
            row = Content.assemble(("? ", "$text-warning"), name, (": not asked", "$text-muted"))
            rows.append((_TO_ASK, row))
    rows += [(_UNKNOWN, row) for row in _without_an_answer(view)]
    yield from (row for _, row in sorted(rows, key=lambda row: row[0]))


def _only_asked(finding: Finding) -> bool:
    """Whether it says no more than that its source was asked."""
    return finding.says is Says.NOTHING and (finding.key.startswith("asked.") or finding.fact.endswith(" was asked"))


def _rank(finding: Finding) -> int:
    if finding.match is Match.CANNOT_BE:
        return _FOLDED
    return {Says.UNKNOWN: _UNKNOWN, Says.NOTHING: _NOTHING}.get(finding.says, _DECIDING)


def _without_an_answer(view: View) -> Lines:
    """The sources that are being asked for the first time, and those that are turned off."""
    for source in view.sources:
        if source.name in view.incident.off and not source.why_always:
            yield Content.assemble(("– ", "$text-warning"), one_line(source.name, 60), ": off, so not checked")
        elif source.answered_at is None and (since := asking_for(source, view.now)):
            yield Content.assemble(("… ", "$text-accent"), one_line(source.name, 60), f": asking, {since}")


def _finding(view: View, finding: Finding) -> Content:
    mark = " (disputed)" if dispute_of(view.incident, finding) else ""
    says = f" → {SAYS_WORDS[finding.says]}{mark}"
    if finding.says is not Says.NOTHING:
        says += f" ({one_line(finding.witness or finding.source, 60)})"
    room = _SHORT if finding.says is Says.NOTHING else 300
    return Content.assemble(
        (f"{SAYS_GLYPH[finding.says]} ", SAYS_STYLE[finding.says]), one_line(finding.fact, room), (says, "$text-muted")
    )


def retry_plan(view: View) -> Lines:
    """What the retry would do, how the last one ended, and what that means."""
    incident = view.incident
    running = next(iter(incident.running.values()), None)
    if running is not None:
        yield heading(f"Our {running.purpose} is running; it may hold the lock.")
        yield key("f", "its output")
        yield key("x", "cancel it: one interrupt, then patience")
        return
    retry = incident.last_retry
    if retry is not None:
        yield from _retry_outcome(retry.outcome, retry.detail, retry.source)
        yield key("f", "its output")
        yield Content("")
    if view.root.initialised:
        yield key("n", "retry the plan once (if the lock is free, the plan holds it while it runs)")
    else:
        yield key("n", "ask for the lock with a probe: this root is not initialised here, so no plan can run")
    yield key("e", "hand in a refusal from CI that is younger than 5 minutes")
    yield key("s", "skip, with a reason")


def _retry_outcome(outcome: str, detail: str, source: str) -> Lines:
    meaning = {
        "refused-by-this": "Refused by this lock: it is still in the way.",
        "refused-by-another": "Refused by another lock than the one read here.",
        "obtained": "The lock was obtained: nothing is in the way any more.",
        "inconclusive": "It failed before it came to the lock, so it says nothing about it.",
    }[outcome]
    yield Content.assemble(("Last retry ", "$text-muted"), f"({source}): ", (meaning, "bold"))
    if detail:
        yield Content(f"  {one_line(detail, 300)}")


def prepare(view: View) -> Lines:
    """What has to be known before a lock is released."""
    incident, step = view.incident, view.step.step
    checks = [incident.checks.get(("before", name)) for name in BEFORE_CHECKS]
    left = open_questions(incident, step)
    if None in checks:
        yield key("n", "check digest, state list, errored.tfstate and the state's version (reads only)")
    elif left:
        yield key("n", f"ask: {left[0].question.text}")
    yield Content("")
    for name, check in zip(BEFORE_CHECKS, checks, strict=True):
        yield check_line(check, name, CHECKS[name])
    yield Content("")
    for lock in incident.identities:
        answer = incident.answers.get((lock, "next"))
        if answer is None:
            yield Content.assemble(("? ", "$text-warning"), f"what takes the lock next ({short(lock)}): not asked")
            yield from _found_in_line(view, lock)
        else:
            said = one_line(f"{answer.label} {answer.how} {answer.note}", 200)
            yield Content.assemble(("· ", ""), f"next in line ({short(lock)}): {said}")
            for undo in each_undo(answer.undo):
                yield Content(f"  to undo at close: {one_line(undo, 200)}")


def _found_in_line(view: View, lock: LockIdentity) -> Lines:
    """What the sources know of what comes next, with what holds it; a person says whether that is all, and held."""
    lines = next_in_line.found(view.incident, lock)
    if lines:
        yield heading("Found, to be confirmed by you:")
    yield from line_rows(lines)
    if next_in_line.holding(view.incident, lock):
        yield key("c", "copy the commands that hold it; run them, then n")
    if next_in_line.nothing_queued(view.incident, lock):
        yield paragraph("  CI was asked, and shows nothing in line.")
