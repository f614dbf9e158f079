"""What changes something: retries, releases, the checks around them, the wait and the close."""

from __future__ import annotations

import shlex
import time

from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.confirmation import Field, mistakes
from tuirunbook.core.events import (
    Closed,
    DetailsGiven,
    HoldUndone,
    PreventionChecked,
    Verified,
    WaitEnded,
    WaitStarted,
    timestamp,
)
from tuirunbook.core.gates import SKIP_REASONS, Refusal
from tuirunbook.core.lock import LockIdentity, describe, short
from tuirunbook.core.procedure import AFTER_CHECKS, BEFORE_CHECKS, lock_in_hand, open_questions, plan_purpose
from tuirunbook.core.release import ReleaseOutcome
from tuirunbook.core.runbook import Step
from tuirunbook.core.text import clean, one_line
from tuirunbook.core.time_of_day import last_time_of_day
from tuirunbook.core.values import JournalError, ProgramError
from tuirunbook.plain import answering
from tuirunbook.plain.console import Cancelled, Left
from tuirunbook.plain.session import Session
from tuirunbook.walk.responder import Prepared, Released

SEND = "release"
"""The word that, typed in full after everything else, sends a release."""

TAIL_LINES = 40


def retry(session: Session, *, probe: bool = False) -> None:
    """Run the plan once, or ask for the lock with a probe, and wait for its end."""
    purpose = plan_purpose(session.incident)
    try:
        started = session.do(session.walk.commands.start, probe=probe, purpose=purpose)
    except ProgramError as error:
        session.console.say(f"It could not be started: {error}")
        return
    except JournalError as error:
        session.console.say(f"Nothing was started: the journal cannot be written ({error}).")
        return
    if isinstance(started, Refusal):
        _refused(session, started)
        return
    session.console.say(f"{started.id} is running. Its output: {started.log}")
    follow(session)


def follow(session: Session) -> None:
    """Wait until nothing of ours runs any more; ctrl+c goes back to the menu and leaves it running."""
    session.console.say("Waiting for its end. Ctrl+c goes back to the menu; it goes on running.")
    try:
        session.wait_for(lambda: not session.incident.running)
    except KeyboardInterrupt:
        session.console.say("It goes on running.")
        return
    # What it showed is told by the incident's thread right after its end.
    session.do(lambda: None)


def interrupt(session: Session) -> None:
    """Interrupt our own command, once; a second time is a decision of its own."""
    running = next(iter(session.incident.running.values()), None)
    if running is None:
        session.console.say("Nothing of ours is running.")
        return
    again = running.child.id in session.told.interrupted
    session.console.say(
        "It was interrupted once and is finishing. A second interrupt makes terraform exit after 5 seconds, and then "
        "the lock can stay behind."
        if again
        else "One interrupt: terraform stops when the call under way ends, and releases the lock. That can take long."
    )
    if session.console.ask("Type interrupt to send it; anything else lets it run") != "interrupt":
        return
    try:
        refusal = session.do(session.walk.commands.interrupt, running.child.id)
    except ProgramError as error:
        session.console.say(f"It was not interrupted: {one_line(str(error), 400)}")
        return
    if refusal is None:
        session.told.interrupted |= {running.child.id}
    session.console.say(refusal or "Interrupted. It ends when its call under way has ended.")


def output(session: Session) -> None:
    """The end of our latest command's output, and where the whole of it is."""
    name = next(reversed(session.told.logs), "")
    if not name:
        session.console.say("No command of ours has run yet.")
        return
    try:
        with open(session.told.logs[name], "rb") as log:  # noqa: PTH123 - the path is the journal's own
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 65_536))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        session.console.say(f"{session.told.logs[name]} cannot be read: {error.strerror}")
        return
    session.console.say(f"The last lines of {session.told.logs[name]}:")
    session.console.say(clean("\n".join(lines[-TAIL_LINES:])))


def before(session: Session, step: Step) -> None:
    """The checks before a release, then what runs next."""
    if any(("before", name) not in session.incident.checks for name in BEFORE_CHECKS):
        session.do(session.walk.checks.before)
    if open_questions(session.incident, step):
        answering.ask_open(session, step)
    else:
        session.do(session.walk.checks.before)


def force_unlock(session: Session) -> None:
    """Confirm and force-unlock the lock in hand."""
    lock = lock_in_hand(session.incident)
    if lock is None:
        session.console.say("No lock is held here.")
    else:
        _release(session, ForceUnlock(lock=lock))


def delete(session: Session) -> None:
    """Confirm and delete the lock in hand, from the first store that holds it."""
    lock = lock_in_hand(session.incident)
    half = next((half for half in session.incident.locks if half.identity == lock), None)
    if lock is None or half is None:
        session.console.say("No lock is held here.")
    else:
        _release(session, DeleteLock(lock=lock, store=half.store))


def _release(session: Session, action: ForceUnlock | DeleteLock) -> None:
    responder = session.walk.responder
    session.console.say("Preparing: everything is read again.")
    try:
        prepared = session.do(responder.prepare, action)
        if isinstance(prepared, Refusal):
            _refused(session, prepared)
            return
        typed = _confirmed(session, prepared)
        if typed is None:
            session.do(responder.put_away)
            session.console.say("Nothing was sent.")
            return
        released = session.do_to_the_end(responder.release, prepared, typed)
    except JournalError as error:
        session.console.say(f"Nothing was sent: the journal cannot be written ({error}).")
    except ProgramError as error:
        session.console.say(one_line(str(error), 400))
    else:
        _tell_outcome(session, action.lock, released)


def _confirmed(session: Session, prepared: Prepared) -> dict[str, str] | None:
    """What was typed, or None when the confirmation was left in any way: then nothing is sent."""
    try:
        return _confirm(session, prepared)
    except Cancelled:
        return None
    except (Left, KeyboardInterrupt):
        session.do(session.walk.responder.put_away)
        session.console.say("Nothing was sent.")
        raise


def _confirm(session: Session, prepared: Prepared) -> dict[str, str]:
    console, address = session.console, prepared.snapshot.address
    verb = "FORCE-UNLOCK" if isinstance(prepared.action, ForceUnlock) else "DELETE"
    console.forget_typing()
    console.say()
    console.say(f"{verb} lock {short(prepared.action.lock)}?")
    console.say(f"State: {one_line(address.lock_id, 300)}")
    console.say(f"Account: {address.account or 'not checked'}, region {address.region}")
    for half in prepared.snapshot.find(prepared.action.lock):
        console.say(f"{half.store.label}: {one_line(describe(half), 300)}")
    console.say(f"Verdict: {prepared.verdict.opinion.value.upper()}")
    console.say("Sends:")
    console.say(clean(shlex.join(prepared.command), keep_newlines=False), whole=True)
    console.say("If the holder lives, two writers work on one state: resources are lost from it, for everybody.")
    console.say("Every line below has to be typed in full; an empty one leaves, and nothing is sent.")
    typed: dict[str, str] = {}
    for field in prepared.fields:
        typed[field.id] = _typed(session, prepared, field, typed)
    if console.require(f"Type {SEND} to send it") != SEND:
        raise Cancelled
    return typed


def _typed(session: Session, prepared: Prepared, field: Field, before: dict[str, str]) -> str:
    while True:
        text = session.console.require(f"Type {field.label}")
        mistake = mistakes(prepared.action, session.incident, prepared.snapshot, {**before, field.id: text}).get(
            field.id
        )
        if mistake is None:
            return text
        session.console.say(f"Not yet: {mistake}.")


def _refused(session: Session, refusal: Refusal) -> None:
    session.console.say(f"Not possible: {one_line(refusal.why, 400)}. {one_line(refusal.enable, 300)}")


def _tell_outcome(session: Session, lock: LockIdentity, released: Released | Refusal) -> None:
    if isinstance(released, Refusal):
        session.console.say(f"Nothing was sent: {released.why}. {released.enable}")
        return
    worked = released.outcome in {ReleaseOutcome.RELEASED, ReleaseOutcome.NEW_HOLDER}
    detail = "" if worked else f" {one_line(released.detail, 400)}"
    session.console.say(f"Lock {short(lock)}: {released.outcome.value.replace('-', ' ')}.{detail}")


def after(session: Session) -> None:
    """The checks after a release, the plan, then who read it."""
    incident = session.incident
    if not incident.verifiable:
        session.console.say("The lock has not left yet; there is nothing to verify.")
        return
    checked = {name for phase, name in incident.checks if phase == "after"}
    if not checked.issuperset(set(AFTER_CHECKS) - {"plan"}):
        session.do(session.walk.checks.after)
    elif "plan" not in checked and session.root.initialised:
        retry(session)
    else:
        _verified(session)


def skip_plan(session: Session) -> None:
    """Record that no plan was run after the release."""
    reasons = [*SKIP_REASONS["retry-plan"].items(), ("queued-job", "a queued job plans anyway; its log is read")]
    reason = session.console.choose("Why is no plan run", reasons, back="Back")
    where = session.console.ask("Where the state was looked at instead (empty: nowhere)")
    session.do(session.walk.clerk.check, "plan", "not-checked", f"{dict(reasons)[reason]} {where}".strip())


def _verified(session: Session) -> None:
    told = session.console.fill(
        {
            "read_by": "Who read the plan, line by line, by name",
            "rerun": "Who runs which pipeline again (or: nobody has to)",
        }
    )
    plan = session.incident.checks.get(("after", "plan"))
    session.tell(Verified, ending=session.incident.ending, plan_summary=plan.detail if plan else "", **told)


def prevent(session: Session, step: Step) -> None:
    """Holds to undo, then the list item by item, then the close."""
    for hold in tuple(session.incident.holds):
        if session.console.choose(
            f"Is this undone: {one_line(hold, 200)}", [(True, "yes, undone"), (False, "not yet")]
        ):
            session.tell(HoldUndone, hold=hold)
        else:
            return
    for item in [item for item in step.items if item not in session.incident.prevention]:
        _item(session, item)
    close(session)


def _item(session: Session, item: str) -> None:
    session.console.say(item)
    states = [("checked", "checked, it is so"), ("follow-up", "follow-up"), ("not-checked", "not checked")]
    state = session.console.choose("Which", states, back="Leave the list")
    follow_up = {"owner": "who does it", "due": "until when"} if state == "follow-up" else {}
    session.tell(PreventionChecked, item=item, state=state, **session.console.fill(follow_up))


def close(session: Session) -> None:
    """Ask what only people know, and close."""
    known = session.incident.details
    page = _page_time(session)
    told = {
        "ticket": session.console.ask("Ticket (empty: none)") or (known.ticket if known else ""),
        "impact": session.console.ask("What could not ship, one sentence (empty: nothing)"),
        "surprise": session.console.ask("What was surprising (empty: nothing)"),
    }
    session.tell(DetailsGiven, page_at=page, **told)
    if session.tell(Closed, resolution=session.incident.status.value):
        session.console.say(f"Closed. `tflock-tui export {session.incident.id}` writes the postmortem.")


def _page_time(session: Session) -> str:
    known = session.incident.details
    while True:
        text = session.console.ask("When the page came, HH:MM local (empty: not known)")
        if not text:
            return known.page_at if known else ""
        try:
            return timestamp(last_time_of_day(text, session.now))
        except ValueError:
            session.console.say(f"{one_line(text, 40)!r} is not a time like 03:10.")


def wait(session: Session) -> None:
    """Watch until the lock leaves or changes hands; ctrl+c comes back."""
    before = session.incident.identities
    if not before:
        session.console.say("No lock is held here.")
        return
    watcher = session.walk.watcher
    session.tell(WaitStarted)
    watcher.calm_since = time.monotonic()
    session.console.say("Waiting for the holder. Every change is printed; ctrl+c comes back, nothing is changed.")
    outcome = "stopped"
    try:
        session.wait_for(lambda: session.incident.identities != before)
        outcome = "released" if session.incident.gone else "changed"
    except KeyboardInterrupt:
        session.console.say("The wait was stopped.")
    finally:
        watcher.calm_since = None
        watcher.look_now()
    session.tell(WaitEnded, outcome=outcome)
