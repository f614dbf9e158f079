"""One event, one line in the past tense: the same on the transcript, in plain output and in the export."""

from __future__ import annotations

import re
from functools import singledispatch

import msgspec

from tuirunbook.core.events import (
    ActionRefused,
    CheckRecorded,
    Closed,
    CommandEnded,
    CommandIntended,
    CommandStarted,
    DetailsGiven,
    ErrorPasted,
    Event,
    FindingDisputed,
    FindingRecorded,
    HoldUndone,
    Identified,
    LockChanged,
    LockObserved,
    Marker,
    NeighboursFound,
    NoteAdded,
    Opened,
    OutsideAction,
    PreventionChecked,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    Resumed,
    RetryEnded,
    SourceSwitched,
    StepDeferred,
    StepDone,
    StepSkipped,
    UnknownEvent,
    Verified,
    WaitEnded,
    WaitStarted,
    WatchLost,
    WatchRestored,
)
from tuirunbook.core.evidence import Says
from tuirunbook.core.lock import short
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.text import one_line
from tuirunbook.core.verdict import QUESTION_NAMES

FACT_LIMIT = 400

_FRACTION = re.compile(r"(?<=:\d\d)\.\d+")
_RULE = re.compile(r"^S\d+: ")


class TimelineLine(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, as one row.

    Attributes:
        at: When, RFC 3339 in UTC.
        actor: Who or what did it.
        marker: What part it plays in the incident, or None.
        fact: A past-tense sentence on one line, cleaned.
        source: Where the fact comes from: a command, a call, a person; may be empty.
        link: Where it can be seen again; may be empty.
        routine: Whether the story reads as well without it; such rows are in the appendix of an export.
    """

    at: str
    actor: str
    marker: Marker | None
    fact: str
    source: str
    link: str
    routine: bool


class _Told(msgspec.Struct, frozen=True):
    fact: str
    marker: Marker | None = None
    source: str = ""
    link: str = ""
    actor: str = ""
    routine: bool = False


def line(event: Event) -> TimelineLine:
    """The row for an event of any kind."""
    told = _told(event)
    return TimelineLine(
        at=event.at,
        actor=one_line(told.actor or event.by, 80),
        marker=told.marker,
        fact=_sentence(told.fact),
        source=one_line(told.source),
        link=one_line(told.link, 1_000),
        routine=told.routine,
    )


def _sentence(text: str) -> str:
    text = one_line(text, FACT_LIMIT)
    return text if text.endswith((".", "…", "?", "!")) or not text else text + "."


_IN_NAMES = frozenset("._:/@")
"""What stands within the names of things, and not within words."""


def capital(text: str) -> str:
    """`text` with its first letter in upper case; a name (of a resource, a file, a host) stays as it is."""
    first = text.partition(" ")[0].rstrip(".,:;…")
    return text if _IN_NAMES & set(first) else text[:1].upper() + text[1:]


def joined(*parts: str, by: str = ", ") -> str:
    """The parts that say something."""
    return by.join(part for part in parts if part)


def lock_in_words(lock: LockRecord) -> str:
    """A recorded lock: what, by whom, since when, which, where."""
    if lock.info is None:
        return f"an unreadable lock ({joined(lock.unreadable or '', short(lock.identity))}) in {lock.store.label}"
    taken = f"{lock.info.operation_name} by {lock.info.who or 'nobody named'}"
    since = f" since {to_the_second(lock.info.created)}" if lock.info.created else ""
    return f"{taken}{since} ({short(lock.identity)}) in {lock.store.label}"


def to_the_second(created: str) -> str:
    """A time as it was written, without the fraction of the second."""
    return _FRACTION.sub("", created)


def snapshot_in_words(snapshot: SnapshotRecord) -> str:
    """What a look showed, as a clause."""
    theirs = [lock_in_words(lock) for lock in snapshot.locks if not lock.ours]
    if theirs:
        return f"the state was locked: {' and '.join(theirs)}"
    if snapshot.locks:
        return "the state was locked by a command of ours"
    if snapshot.free:
        return "no configured store held a lock"
    blind = [f"{store} {said}" for store, said in snapshot.readings.items() if said.startswith("not checked")]
    return f"no lock was seen; {'; '.join(blind)}" if blind else "no lock was seen"


def question_in_words(question: str) -> str:
    """What a question is about."""
    return QUESTION_NAMES.get(question, question)


def without_rule(why: str) -> str:
    """A refusal's reason without the number of its rule."""
    return _RULE.sub("", why)


@singledispatch
def _told(event: Event) -> _Told:
    raise TypeError(f"there are no words for {type(event).__name__}")


@_told.register
def _(event: Opened) -> _Told:
    training = "a training" if event.training else "the"
    where = f"on {event.host} with tflock-tui {event.tool}"
    fact = f"{capital(training)} incident on {event.address.lock_id} was opened {where}"
    return _Told(fact, Marker.DETECTION, event.runbook, actor=event.operator)


@_told.register
def _(event: Identified) -> _Told:
    account, caller = event.account or "an unknown account", event.caller or "an unknown caller"
    return _Told(f"AWS answered for account {account}, to {caller}", source="sts:GetCallerIdentity", routine=True)


@_told.register
def _(event: Resumed) -> _Told:
    note = f"; {event.note}" if event.note else ""
    return _Told(f"The incident was resumed on {event.host} with tflock-tui {event.tool}{note}", actor=event.operator)


@_told.register
def _(event: NeighboursFound) -> _Told:
    fact = f"Other states were found whose path ends alike: {len(event.lock_ids)}"
    return _Told(fact, source="the repository", routine=True)


@_told.register
def _(event: ErrorPasted) -> _Told:
    named = f" that named {', '.join(short(lock) for lock in event.locks)}" if event.locks else ""
    fresh = ", printed less than 5 minutes before" if event.fresh else ""
    return _Told(
        f"Terraform's error was handed in: {event.diagnosis}{named}{fresh}", Marker.DETECTION, "error", event.link
    )


@_told.register
def _(event: LockObserved) -> _Told:
    marker = Marker.DETECTION if event.snapshot.locks else None
    return _Told(capital(snapshot_in_words(event.snapshot)), marker, _stores(event.snapshot))


@_told.register
def _(event: LockChanged) -> _Told:
    changes = capital("; ".join(change.sentence for change in event.changes)) or "Something changed"
    voided = ", ".join(short(lock) for lock in event.voided)
    fact = f"{changes}; what had been answered about {voided} no longer counted" if voided else changes
    return _Told(fact, Marker.KEY_MOMENT if voided else None, _stores(event.snapshot))


def _stores(snapshot: SnapshotRecord) -> str:
    names = {"dynamodb": "dynamodb:GetItem", "s3": "s3:GetObject"}
    read = (names.get(store, store) for store, said in snapshot.readings.items() if not said.startswith("not checked"))
    return ", ".join(read)


@_told.register
def _(event: WatchLost) -> _Told:
    return _Told(f"The lock could not be read any more: {event.why}")


@_told.register
def _(event: WatchRestored) -> _Told:
    del event
    return _Told("The lock could be read again")


@_told.register
def _(event: QuestionAnswered) -> _Told:
    said = joined(event.how, event.where, event.note, event.undo and f"to undo: {event.undo}", by="; ")
    more = joined(said, event.lock and f"about lock {short(event.lock)}", by="; ")
    told = f"{event.label or event.answer}{f' ({more})' if more else ''}"
    fact = f"Answered about {question_in_words(event.question)}: {told}"
    source = event.who if event.who != event.by else ""
    routine = event.says is Says.UNKNOWN and not said
    return _Told(fact, Marker.DIAGNOSIS, source, event.link, routine=routine)


@_told.register
def _(event: FindingRecorded) -> _Told:
    finding = event.finding
    telling = finding.says in {Says.BLOCKS, Says.SUPPORTS}
    marker = Marker.DIAGNOSIS if telling else None
    return _Told(capital(finding.fact), marker, finding.source, finding.link or "", routine=not telling)


@_told.register
def _(event: FindingDisputed) -> _Told:
    fact = f"{event.who} held the finding {event.key} about {short(event.lock)} to be wrong: {event.how}"
    return _Told(fact, Marker.KEY_MOMENT, event.who)


@_told.register
def _(event: SourceSwitched) -> _Told:
    why = f": {event.why}" if event.why else ""
    if event.off:
        fact = f"The source “{event.source}” was turned off, and is not checked from here on{why}"
        return _Told(fact, Marker.KEY_MOMENT)
    return _Told(f"The source “{event.source}” was turned on again{why}")


def _spoken(step: str) -> str:
    """A step's ID, as it is read: an ID is the title in lower case with hyphens."""
    return step.replace("-", " ")


@_told.register
def _(event: StepSkipped) -> _Told:
    return _Told(f"The step “{_spoken(event.step)}” was skipped: {event.note or event.reason}", Marker.KEY_MOMENT)


@_told.register
def _(event: StepDone) -> _Told:
    note = f": {event.note}" if event.note else ""
    return _Told(f"The step “{_spoken(event.step)}” was done{note}", routine=not note)


@_told.register
def _(event: StepDeferred) -> _Told:
    return _Told(
        f"The step “{_spoken(event.step)}” was deferred to {event.owner}, until {event.until}", Marker.KEY_MOMENT
    )


@_told.register
def _(event: CommandIntended) -> _Told:
    fact = f"The command {event.child.id} was about to be started ({event.purpose})"
    return _Told(fact, source=" ".join(event.child.argv), routine=True)


@_told.register
def _(event: CommandStarted) -> _Told:
    fact = f"The command {event.child.id} was started ({event.purpose})"
    return _Told(fact, source=" ".join(event.child.argv), routine=True)


@_told.register
def _(event: CommandEnded) -> _Told:
    code = "without anybody there to collect its exit code"
    ended = code if event.exit_code is None else f"with exit code {event.exit_code}"
    summary = f": {event.summary}" if event.summary else ""
    return _Told(f"The command {event.command} ended {ended}{summary}", source=event.command, routine=True)


_RETRIES = {
    "refused-by-this": "was refused by this lock",
    "refused-by-another": "was refused by another lock",
    "obtained": "obtained the lock",
    "inconclusive": "showed nothing about the lock",
    "refused": "was refused by a lock",
}


def retry_in_words(outcome: str) -> str:
    """What a retry, or a plan's output alone, came to: a clause without its subject."""
    return _RETRIES.get(outcome, outcome)


@_told.register
def _(event: RetryEnded) -> _Told:
    what = {
        "plan": "The plan",
        "probe": "The lock probe",
        "ci": "A run elsewhere",
        "ci-log": "A run in CI, by its log,",
    }.get(event.source, "The retry")
    named = f" ({', '.join(short(lock) for lock in event.locks)})" if event.locks else ""
    fact = f"{what} {retry_in_words(event.outcome)}{named}"
    detail = f": {event.detail}" if event.detail and event.source not in {"ci", "ci-log"} else ""
    elsewhere = f"; {event.elsewhere}" if event.elsewhere else ""
    marker = Marker.KEY_MOMENT if event.elsewhere else Marker.DIAGNOSIS
    return _Told(f"{fact}{detail}{elsewhere}", marker, event.source, event.link)


_CHECKS = {
    "digest": "the digest",
    "errored-tfstate": "errored.tfstate",
    "near-misses": "the table's other locks",
    "plan": "the plan",
    "program": "the program",
    "state-list": "the state list",
    "state-version": "the state object",
    "stores": "every configured store",
}
_RESULTS = {"ok": "", "bad": " was found wrong", "not-checked": " was not checked"}


def check_in_words(name: str) -> str:
    """What a check looks at."""
    return _CHECKS.get(name, name)


@_told.register
def _(event: CheckRecorded) -> _Told:
    when = {"before": "Before the release, ", "after": "Afterwards, "}.get(event.phase, "")
    what = check_in_words(event.name)
    detail = f": {event.detail}" if event.detail else ""
    result = _RESULTS.get(event.result, f" was {event.result}") or ("" if event.detail else " was looked at")
    fact = f"{when}{what}{result}{detail}"
    marker = Marker.KEY_MOMENT if event.result == "bad" else None
    return _Told(capital(fact), marker, event.name, routine=event.result != "bad" and event.phase != "after")


@_told.register
def _(event: ActionRefused) -> _Told:
    return _Told(f"{capital(event.action)} was refused: {without_rule(event.why)}", source="safety floor")


@_told.register
def _(event: ReleaseIntended) -> _Told:
    fact = (
        f"Release {event.release} was confirmed: {event.method} of {short(event.lock)}; the verdict was {event.verdict}"
    )
    return _Told(fact, Marker.KEY_MOMENT, " ".join(event.command))


_OUTCOMES = {
    "released": "every store that was read was free",
    "partly": "one store had let go of the lock, another still held it",
    "still-held": "the lock was still there",
    "new-holder": "the lock was gone and somebody else held the state",
    "unknown": "the stores could not be read, so the outcome was not known",
    "not-tried": "nothing had been sent",
}


def outcome_in_words(event: ReleaseEnded) -> str:
    """What the read-back after a release said, as a clause."""
    return _OUTCOMES.get(event.outcome, event.outcome)


@_told.register
def _(event: ReleaseEnded) -> _Told:
    detail = f" ({event.detail})" if event.detail else ""
    fact = f"Read back after release {event.release}, {outcome_in_words(event)}{detail}"
    return _Told(fact, Marker.REPAIR, _stores(event.snapshot) if event.snapshot else "")


@_told.register
def _(event: OutsideAction) -> _Told:
    note = f" ({event.note})" if event.note else ""
    return _Told(f"{event.who} acted outside this tool: {event.action}{note}", Marker.KEY_MOMENT, event.who)


@_told.register
def _(event: HoldUndone) -> _Told:
    return _Told(f"The hold was taken back: {event.hold}", Marker.REPAIR)


@_told.register
def _(event: NoteAdded) -> _Told:
    return _Told(event.text, event.marker)


@_told.register
def _(event: WaitStarted) -> _Told:
    del event
    return _Told("Waiting for the holder began", Marker.KEY_MOMENT)


@_told.register
def _(event: WaitEnded) -> _Told:
    return _Told(f"Waiting for the holder ended: {event.outcome}")


@_told.register
def _(event: Verified) -> _Told:
    what = {"dead-plan": "a dead plan", "dead-apply": "a dead apply", "repair": "a repair"}.get(
        event.ending, event.ending
    )
    plan = f"the plan was read by {event.read_by}" + (f" ({event.plan_summary})" if event.plan_summary else "")
    rerun = f"; who runs the pipeline again: {event.rerun}" if event.rerun else ""
    return _Told(f"The state was verified after {what}: {plan}{rerun}", Marker.REPAIR, event.read_by)


@_told.register
def _(event: PreventionChecked) -> _Told:
    owner = joined(event.owner, event.due, by=", due ")
    more = joined(owner, event.note, by="; ")
    state = {"follow-up": "became a follow-up", "not-checked": "was not checked"}.get(event.state, "was checked")
    return _Told(f"Prevention: “{event.item}” {state}" + (f" ({more})" if more else ""), routine=True)


@_told.register
def _(event: DetailsGiven) -> _Told:
    told = joined(
        event.page_at and f"paged at {event.page_at}",
        event.first_refusal_at and f"first run refused at {event.first_refusal_at}",
        event.ticket and f"ticket {event.ticket}",
        event.impact and f"impact: {event.impact}",
        event.surprise and f"surprising: {event.surprise}",
        by="; ",
    )
    return _Told(f"Details were told: {told or 'none'}", routine=True)


@_told.register
def _(event: Closed) -> _Told:
    why = f": {event.resolution}" if event.resolution else ""
    return _Told(f"The incident was closed{why}", Marker.KEY_MOMENT)


@_told.register
def _(event: UnknownEvent) -> _Told:
    return _Told(f"Something was recorded that this version cannot read ({event.original})", source="journal")
