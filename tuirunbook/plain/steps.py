"""What each step rests on, as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tuirunbook.core import next_in_line
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.answers import each_undo
from tuirunbook.core.events import CheckRecorded
from tuirunbook.core.evidence import AFTERMATH, Finding, Match
from tuirunbook.core.gates import obstacle
from tuirunbook.core.incident import Release
from tuirunbook.core.lock import Held, LockIdentity, NotChecked, Store, short
from tuirunbook.core.placeholders import placeholder_values
from tuirunbook.core.procedure import AFTER_CHECKS, BEFORE_CHECKS, StepState, lock_in_hand, open_questions, questions_of
from tuirunbook.core.records import digest_text, state_text
from tuirunbook.core.runbook import Action, substitute_plain
from tuirunbook.core.text import clean, one_line
from tuirunbook.core.timeline import outcome_in_words
from tuirunbook.core.verdict import CHECK_NAMES, Opinion, as_counted, as_finding, judge
from tuirunbook.plain.exhibits import rows_without_an_answer
from tuirunbook.plain.session import Session
from tuirunbook.plain.telling import holder
from tuirunbook.plain.words import SAYS, line_rows
from tuirunbook.walk.exhibits import WEIGHT, dispute_of

_RESULTS = {"ok": "in order", "bad": "NOT IN ORDER", "not-checked": "not checked"}


_RETRIES = {
    "refused-by-this": "it was refused by this lock, which is still in the way",
    "refused-by-another": "it was refused by another lock than the one read here",
    "obtained": "it obtained the lock: nothing is in the way any more",
    "inconclusive": "it failed before it came to the lock, and says nothing about it",
}


def step_list(session: Session) -> Iterator[str]:
    """Every step with its progress, in the order of their numbers from 1."""
    for state in session.told.steps():
        note = f": {state.note}" if state.note else ""
        yield f"{one_line(state.step.title, 80)} ({state.progress.value}{note})"


def step(session: Session, state: StepState) -> Iterator[str]:
    """What one step rests on."""
    yield from _FACTS.get(state.step.action, _people)(session, state)


def runbook_text(session: Session, state: StepState) -> str:
    """What the runbook says about a step, values filled in."""
    incident = session.incident
    values = placeholder_values(session.root, incident.address, session.snapshot, incident.opened.operator)
    return substitute_plain(clean(state.step.body), values).strip() or "The runbook says nothing more about this step."


def _detect(session: Session, state: StepState) -> Iterator[str]:
    del state
    root, address = session.root, session.incident.address
    program = session.incident.checks.get(("look", "program"))
    origins = root.backend.origins
    told = {
        "root module": root.directory or "none; bucket and key were given",
        "backend": f"{root.backend.type}, {'initialised' if root.initialised else 'not initialised here'}",
        "bucket": address.bucket + _from(origins, "bucket"),
        "key": address.state_key + _from(origins, "key"),
        "workspace": f"{address.workspace} (from {root.workspace_origin})",
        "region": (address.region or "not known") + _from(origins, "region"),
        "lock table": (address.table or "none configured") + _from(origins, "dynamodb_table"),
        "lockfile": ("used" if address.use_lockfile else "not configured") + _from(origins, "use_lockfile"),
        "program": program.detail if program else f"{root.program}, version not asked yet",
    }
    yield from (f"{name}: {one_line(value, 400)}" for name, value in told.items())
    for difference in root.disagreements:
        where = f"{difference.where} says {difference.files}"
        yield one_line(f"! {difference.argument}: init saved {difference.saved}, {where}; the saved one counts.", 400)
    yield from (one_line(f"! {missing.argument} is missing: {missing.how}", 400) for missing in root.missing)
    yield from (f"! {one_line(note, 400)}" for note in root.notes)


def _from(origins: Mapping[str, str], name: str) -> str:
    return f" (from {origins[name]})" if name in origins else ""


def _inspect(session: Session, state: StepState) -> Iterator[str]:
    del state
    snapshot = session.snapshot
    if snapshot is None:
        yield "The lock is being read…"
        return
    for store in Store:
        match snapshot.reading(store):
            case Held(lock=held):
                yield f"{store.label}: held: {holder(session, held)}"
            case NotChecked(code="not-configured"):
                yield f"{store.label}: not configured"
            case NotChecked(why=why):
                yield f"{store.label}: not checked: {one_line(why, 300)}"
            case _:
                yield f"{store.label}: free"
    yield f"digest: {digest_text(snapshot.digest)}"
    yield f"state object: {one_line(state_text(snapshot), 300)}"
    yield from _unseen_evidence(session)


def _rule_out(session: Session, state: StepState) -> Iterator[str]:
    incident = session.incident
    yield from _unseen_evidence(session)
    if not incident.identities and not incident.unseen:
        yield "No lock is held here, so there is nothing to rule out."
    for identity in incident.identities:
        yield f"About lock {short(identity)}:"
        yield from (f"  {fact}" for fact in _evidence(session, identity))
        asked = {question for about, question in incident.answers if about == identity}
        left = [one for one in questions_of(incident, state.step, identity) if one.id not in asked]
        yield from (f"  not asked: {one_line(one.text, 200)}" for one in left)
        yield from (f"  {row}" for row in rows_without_an_answer(session))
        yield from verdict(session, identity, with_rows=True)


def _unseen_evidence(session: Session) -> Iterator[str]:
    """What is known of the holders of locks that no look shows now."""
    for info in session.incident.unseen:
        identity = LockIdentity(info.id)
        yield f"About lock {short(identity)}, which has not been read:"
        yield from (f"  {fact}" for fact in _evidence(session, identity))
        yield from verdict(session, identity, with_rows=True)


def _evidence(session: Session, identity: LockIdentity) -> Iterator[str]:
    incident = session.incident
    found = [finding for finding in as_counted(incident, identity) if not finding.key.startswith(AFTERMATH)]
    found += [
        as_finding(answer)
        for (about, question), answer in incident.answers.items()
        if about == identity and question != "next"
    ]
    for finding in sorted(found, key=lambda one: (one.match is Match.CANNOT_BE, WEIGHT[one.says])):
        yield _finding(session, finding)


def _finding(session: Session, finding: Finding) -> str:
    mark = ", disputed" if dispute_of(session.incident, finding) else ""
    asked = f"{finding.witness}: " if finding.witness and finding.witness not in finding.source else ""
    return f"{SAYS[finding.says]}{mark}: {one_line(finding.fact, 400)} ({one_line(asked + finding.source, 160)})"


def verdict(session: Session, identity: LockIdentity, *, with_rows: bool = False) -> Iterator[str]:
    """What the evidence about a lock comes to; `with_rows` says that the rows themselves were printed already."""
    found = judge(session.incident, identity)
    yield f"  Verdict: {found.opinion.value.upper()}, because {one_line(found.because, 400)}."
    yield from (f"  contradiction: {one_line(sentence, 600)}" for sentence in found.contradictions)
    yield from (f"  could be about this state: {one_line(fact, 300)}" for fact in found.candidates)
    if not with_rows:
        yield from (f"  not checked: {one_line(fact, 300)}" for fact in found.not_checked)
    elif found.not_checked:
        yield f"  not checked: {len(found.not_checked)} of the rows above; they count for nothing"
    if found.missing and found.opinion is not Opinion.ACTIVE:
        yield f"  no decisive answer: {', '.join(CHECK_NAMES[name] for name in found.missing)}"
    if not found.checks:
        yield f"  {one_line(found.advice, 300)}"
        return
    yield (
        "  What would decide; any one of them may be enough:"
        if found.any_decides
        else "  What would decide, all of it:"
    )
    yield from (f"  - {one_line(check.what, 300)} (about {check.minutes} min)" for check in found.checks)


def _retry(session: Session, state: StepState) -> Iterator[str]:
    del state
    retry = session.incident.last_retry
    yield from _running(session)
    if retry is not None:
        detail = f" ({one_line(retry.detail, 300)})" if retry.detail else ""
        yield f"Last retry, by {retry.source}: {_RETRIES.get(retry.outcome, retry.outcome)}{detail}"
    elif not session.incident.running:
        yield "A plan shows whether the lock still refuses. If it is free, the plan holds it while it runs."


def _running(session: Session) -> Iterator[str]:
    for started in session.incident.running.values():
        yield f"Our {started.purpose} is running and may hold the lock. Its output: {started.child.log}"


def _prepare(session: Session, state: StepState) -> Iterator[str]:
    incident = session.incident
    yield from _checks("before", BEFORE_CHECKS, session)
    for identity in incident.identities:
        answer = incident.answers.get((identity, "next"))
        said = one_line(f"{answer.label} {answer.how} {answer.note}", 300) if answer else "not asked"
        yield f"what takes lock {short(identity)} next: {said}"
        if answer is None:
            yield from _found_in_line(session, identity)
        else:
            yield from (f"  to undo at close: {one_line(undo, 300)}" for undo in each_undo(answer.undo))
    others = [wanted for wanted in open_questions(incident, state.step) if wanted.question.id != "next"]
    yield from (f"not asked: {one_line(wanted.question.text, 200)}" for wanted in others)


def _found_in_line(session: Session, lock: LockIdentity) -> Iterator[str]:
    """What the sources know of what comes next, with what holds it; a person says whether that is all, and held."""
    lines = next_in_line.found(session.incident, lock)
    if lines:
        yield "  found, to be confirmed by you; run what holds it, then answer:"
    yield from (f"  {row}" for row in line_rows(lines))
    if next_in_line.nothing_queued(session.incident, lock):
        yield "  CI was asked, and shows nothing in line."


def _checks(phase: str, names: Iterable[str], session: Session) -> Iterator[str]:
    for name in names:
        check: CheckRecorded | None = session.incident.checks.get((phase, name))
        said = (
            f"{_RESULTS.get(check.result, check.result)}: {one_line(check.detail, 300)}" if check else "not checked yet"
        )
        yield f"{name}: {said}"


def _force_unlock(session: Session, state: StepState) -> Iterator[str]:
    del state
    held = lock_in_hand(session.incident)
    if held is None:
        yield "No lock is held, so there is nothing to unlock."
        return
    yield from _attempts(session.incident.releases_of(held))
    yield from verdict(session, held)
    yield from stands_against(session, ForceUnlock(lock=held))
    yield (
        "Terraform reads the lock, compares the ID and then deletes it without a condition: a lock taken in those "
        "milliseconds would be lost. That is why runs that wait are held first."
    )


def _delete(session: Session, state: StepState) -> Iterator[str]:
    del state
    held = lock_in_hand(session.incident)
    if held is None:
        yield "No lock is held, so there is nothing to delete."
        return
    yield from _attempts(session.incident.releases_of(held))
    for half in session.incident.locks:
        if half.identity == held:
            yield f"In {half.store.label}:"
            yield from stands_against(session, DeleteLock(lock=held, store=half.store))


def stands_against(session: Session, action: ForceUnlock | DeleteLock) -> Iterator[str]:
    """Why this release is not possible now; nothing when it is."""
    refusal = obstacle(action, session.incident, session.snapshot, session.policy)
    if refusal is not None:
        yield f"Not yet: {one_line(refusal.why, 300)}. {one_line(refusal.enable, 300)}"


def _attempts(releases: Iterable[Release]) -> Iterator[str]:
    for release in releases:
        said = outcome_in_words(release.ended) if release.ended else "under way"
        detail = f" ({one_line(release.ended.detail, 300)})" if release.ended and release.ended.detail else ""
        yield f"Tried {release.intended.method}: {said}{detail}"


def _verify(session: Session, state: StepState) -> Iterator[str]:
    del state
    incident = session.incident
    if not incident.verifiable:
        yield "The lock is still held, or was never seen to leave; there is nothing to verify yet."
        return
    yield from _running(session)
    yield from _checks("after", AFTER_CHECKS, session)
    if incident.ending == "repair":
        yield (
            "Read the plan by name. Much to create that exists, or to destroy that should stay: the repair was not the "
            "right one, and the runbook says the way back."
        )
    elif incident.may_have_written:
        yield (
            "A dead apply may have created what the state does not know. Read the plan line by line, by name, against "
            "the commit that ran: what it wants to create may already be there."
        )
    else:
        yield "A dead plan wrote nothing. A plan that looks as it did before is all there is to see."
    if incident.verified:
        yield f"Read by {one_line(incident.verified.read_by, 100)}."


def _prevent(session: Session, state: StepState) -> Iterator[str]:
    incident = session.incident
    if incident.closed:
        yield f"This incident is closed. `tflock-tui export {incident.id}` writes the postmortem."
        return
    yield from (f"hold to undo: {one_line(hold, 300)}" for hold in incident.holds)
    for item in state.step.items:
        done = incident.prevention.get(item)
        owner = f" ({one_line(f'{done.owner}, {done.due}', 80)})" if done and done.owner else ""
        yield f"{done.state if done else 'open'}: {one_line(item, 200)}{owner}"


def _people(session: Session, state: StepState) -> Iterator[str]:
    yield runbook_text(session, state)
    for command in state.step.commands:
        yield f"  $ {one_line(' '.join(command), 400)}"


_FACTS: Mapping[Action, Callable[[Session, StepState], Iterator[str]]] = {
    Action.DETECT: _detect,
    Action.INSPECT: _inspect,
    Action.RULE_OUT: _rule_out,
    Action.RETRY_PLAN: _retry,
    Action.PREPARE: _prepare,
    Action.FORCE_UNLOCK: _force_unlock,
    Action.DELETE_LOCK: _delete,
    Action.VERIFY: _verify,
    Action.PREVENT: _prevent,
}
