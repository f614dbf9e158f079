"""What a walk's screen knows, and how it is said. Values and pure functions; widgets only show the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from textual.content import Content

from tuirunbook.core.age import age
from tuirunbook.core.backend import RootModule
from tuirunbook.core.claims import in_question
from tuirunbook.core.gates import Policy
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import (
    Free,
    Held,
    LockInfo,
    LockSnapshot,
    NotChecked,
    Reading,
    Store,
    StoredLock,
    parse_time,
    short,
)
from tuirunbook.core.next_in_line import in_brief
from tuirunbook.core.procedure import Progress, StepState
from tuirunbook.core.runbook import Action, Runbook
from tuirunbook.core.text import clip, one_line
from tuirunbook.core.values import Caller, Writer
from tuirunbook.walk.evidence_desk import SourceStatus

GLYPHS: Mapping[Progress, str] = {
    Progress.DONE: "✓",
    Progress.CURRENT: "▶",
    Progress.TODO: " ",
    Progress.SKIPPED: "⤼",
    Progress.DEFERRED: "…",
    Progress.NOT_NEEDED: "–",
}


LIST_WIDTH = 20
"""Columns of the list of steps."""

SHORT_TITLES: Mapping[Action, str] = {
    Action.DETECT: "Detect",
    Action.INSPECT: "Look",
    Action.RULE_OUT: "Rule out a run",
    Action.RETRY_PLAN: "Retry plan",
    Action.PREPARE: "Before release",
    Action.FORCE_UNLOCK: "Force-unlock",
    Action.DELETE_LOCK: "Delete (last)",
    Action.VERIFY: "Verify",
    Action.PREVENT: "Prevent, close",
}
"""What a step is called in the narrow list, where its action says it all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """A walk as the screen shows it; replaced whole when anything changes."""

    root: RootModule
    incident: Incident
    runbook: Runbook
    steps: tuple[StepState, ...]
    shown: int
    now: datetime
    snapshot: LockSnapshot | None = None
    looks: int = 0
    seen_at: datetime | None = None
    readings: Mapping[Store, Reading] = dataclasses.field(default_factory=dict)
    caller: Caller | NotChecked | None = None
    sources: tuple[SourceStatus, ...] = ()
    ours: frozenset[str] = frozenset()
    flash: str = ""
    busy: str = ""
    unwritable: str = ""
    interrupted: frozenset[str] = frozenset()
    policy: Policy = dataclasses.field(default_factory=Policy)
    training: bool = False
    writer: Writer | None = None
    writer_ended: bool = False

    @property
    def reads_only(self) -> bool:
        """Whether another session writes this incident, or did, so that this one only reads along."""
        return self.writer is not None

    @property
    def step(self) -> StepState:
        """The step that is shown."""
        return self.steps[self.shown]

    @property
    def zone(self) -> tzinfo | None:
        """The operator's time zone."""
        return self.now.tzinfo


def clock(moment: datetime, zone: tzinfo | None) -> str:
    """A moment in UTC with local time beside: `02:21:14Z (04:21)`."""
    return f"{moment.astimezone(UTC):%H:%M:%S}Z ({moment.astimezone(zone):%H:%M})"


def operation(info: LockInfo) -> str:
    """An operation as people call it: `apply`, `plan`, `state rm`."""
    return one_line(info.operation_name.replace("-", " ").lower(), 30)


def header(view: View, width: int) -> Content:
    """The four lines that are always on screen: who I am, what is locked, by whom, what comes next."""
    lines = (_me(view, width), _lock_line(view, width), _holder(view), _next_in_line(view))
    return Content("\n").join([line.truncate(width, ellipsis=True) for line in lines])


def reading_line(view: View, width: int) -> Content:
    """Who writes the incident that is read along, or that nobody does any more; empty where this session writes it."""
    writer = view.writer
    if writer is None:
        return Content("")
    if view.writer_ended:
        told = f" NOBODY WRITES  {one_line(writer.words, 40)} has ended; T takes this incident over"
        return Content.styled(told, "bold $text-success on $success-muted").truncate(width, ellipsis=True)
    since = f"{writer.since[11:16]}Z ({parse_time(writer.since).astimezone(view.zone):%H:%M})"
    told = f" YOU ONLY READ  {one_line(writer.words, 40)} writes since {since}"
    return Content.styled(told, "bold $text-warning on $warning-muted").truncate(width, ellipsis=True)


def who_writes(view: View) -> str:
    """Why what writes is grey here, and what would change that."""
    if view.writer is None:
        return ""
    words = one_line(view.writer.words, 60)
    if view.writer_ended:
        return f"This window only reads: {words} wrote this incident and has ended. T takes it over."
    return f"This window only reads: {words} writes this incident. Answer and act there, or leave it with ctrl+q there."


def _me(view: View, width: int) -> Content:
    caller = view.caller
    if isinstance(caller, Caller):
        name = f"{caller.alias} " if caller.alias else ""
        me = f"{name}{caller.account} as {one_line(caller.role, 32)}"
    else:
        me = "account not checked" if caller else "account: reading…"
    parts: list[str | tuple[str, str]] = []
    if view.training:
        parts.append((" PRACTICE ", "bold $text-warning on $warning-muted"))
        parts.append(" ")
    parts.append(me)
    if isinstance(caller, Caller) and caller.expires_at:
        left = parse_time(caller.expires_at) - view.now
        soon = left.total_seconds() < 600  # noqa: PLR2004 - ten minutes
        said = "expired" if left.total_seconds() <= 0 else f"{age(view.now, view.now + left)} left"
        parts += ["   ", (f"login {said}", "bold $text-error" if soon else "")]
    page = view.incident.details.page_at if view.incident.details else ""
    if page:
        parts.append(f"   page +{age(parse_time(page), view.now)}")
    if view.incident.id:
        kept = "○ read" if view.reads_only else "● rec"
        parts += ["   ", f"{view.incident.id} ", ("● not written", "bold $text-error") if view.unwritable else kept]
    del width
    return Content.assemble(*parts)


def _lock_line(view: View, width: int) -> Content:
    word, style = lock_word(view)
    stores = "  ".join(f"{name} {_mark(view, store)}" for name, store in (("DDB", Store.DYNAMODB), ("S3", Store.S3)))
    verb = "asked" if view.incident.blind_since else "seen"
    seen = f"   {verb} {age(view.seen_at, view.now)} ago" if view.seen_at else "   reading…"
    tail = f"  {word}  {stores}{seen}"
    name = view.incident.address.lock_id
    room = max(12, width - len(tail))
    shown = name if len(name) <= room else "…" + name[-(room - 1) :]
    return Content.assemble((one_line(shown, room), "bold"), "  ", (word, style), f"  {stores}{seen}")


def lock_word(view: View) -> tuple[str, str]:
    """The state of the lock in a word with a glyph, and its style."""
    snapshot = view.snapshot
    early = [reading for reading in view.readings.values() if isinstance(reading, Held)]
    if snapshot is None and early:
        return _held_word(early[0].lock, view), "bold $text-error"
    if snapshot is None:
        return "? reading…", "$text-muted"
    if view.incident.blind_since:
        return f"? BLIND {age(parse_time(view.incident.blind_since), view.now)}", "bold $text-warning"
    if view.ours:
        return f"■ {'their' if view.reads_only else 'your'} plan", "bold $text-accent"
    if snapshot.held:
        return _held_word(snapshot.locks[0], view), "bold $text-error"
    if not snapshot.address.locks_at_all:
        return "! NO LOCKING", "bold $text-warning"
    if not snapshot.free:
        return "? NOT CHECKED", "bold $text-warning"
    if view.incident.gone:
        return "□ FREE", "bold $text-success"
    return "□ no lock here", "$text-muted"


def _held_word(lock: StoredLock, view: View) -> str:
    if lock.info is None:
        return "■ HELD, unreadable"
    created = lock.info.created_at
    return f"■ HELD {age(created, view.now)}" if created else "■ HELD"


def _mark(view: View, store: Store) -> str:
    reading = view.snapshot.reading(store) if view.snapshot else view.readings.get(store)
    match reading:
        case None:
            return "…"
        case Held():
            return "■"
        case Free():
            return "□"
        case NotChecked(code="not-configured"):
            return "–"
        case NotChecked():
            return "?"


def _holder(view: View) -> Content:
    lock = _first_lock(view)
    if lock is None and view.incident.unseen:
        return _unseen(view, view.incident.unseen[0])
    if lock is None:
        return Content(_nobody(view))
    if lock.info is None:
        return Content.assemble(
            ("UNREADABLE", "bold"), f": {one_line(lock.unreadable or '', 60)}   {short(lock.identity)}"
        )
    info = lock.info
    what = f"{operation(info).upper()}: " + ("may be half done" if info.may_have_written else "wrote nothing")
    return Content.assemble((what, "bold"), f"   {_taker(view, info)}")


def _taker(view: View, info: LockInfo) -> str:
    since = f"   {clock(info.created_at, view.zone)}" if info.created_at else ""
    return f"{one_line(info.who, 34) or '(nobody named)'}{since}   {short(info.id)}"


def _unseen(view: View, info: LockInfo) -> Content:
    """A lock that may be there and that no look shows now: said in one word before all that is told of it."""
    word = "UNSEEN NOW" if info.id in view.incident.seen else "CLAIMED, NOT SEEN"
    return Content.assemble((word, "bold $text-warning"), f"  {operation(info).upper()}  {_taker(view, info)}")


def _first_lock(view: View) -> StoredLock | None:
    if view.snapshot is not None:
        return next(iter(view.snapshot.locks), None)
    return next((reading.lock for reading in view.readings.values() if isinstance(reading, Held)), None)


def _nobody(view: View) -> str:
    if view.snapshot is None:
        return "Asking AWS for the lock…"
    if unseen := [lock for lock in view.incident.pasted if lock not in view.incident.seen]:
        return f"The error names lock {short(unseen[-1])}, never seen here: account, table, workspace?"
    if view.incident.gone:
        return f"The lock left at {clock(parse_time(view.incident.gone_at), view.zone)}."
    blind = view.snapshot.blind
    if blind:
        return f"{blind[0][0].label} cannot be read: {one_line(blind[0][1].why, 80)}"
    return "No lock was seen here. That is not the same as gone."


def _next_in_line(view: View) -> Content:
    if view.busy:
        return Content.assemble(("… ", "bold"), view.busy)
    if view.flash:
        return Content.assemble((one_line(view.flash, 200), "bold reverse"))
    if view.incident.elsewhere:
        return Content.assemble(("STOP: ", "bold $text-error"), f"not what Terraform reads: {view.incident.elsewhere}")
    told = [answer for (_, question), answer in view.incident.answers.items() if question == "next"]
    if not told:
        briefs = [brief for lock in in_question(view.incident) if (brief := in_brief(view.incident, lock))]
        if not briefs:
            return Content.assemble("Next in line: ", ("not known yet", "$text-muted"))
        return Content.assemble("Next in line, by CI: ", (briefs[0], "bold"))
    answer = told[-1]
    if answer.answer == "held" and not view.incident.holds:
        return Content("Next in line: what was held back may start again; its holds are undone")
    said = ", ".join(text for text in (answer.label, answer.note, answer.how) if text)
    return Content(f"Next in line: {clip(one_line(said), 120)}")


def step_list(view: View) -> Content:
    """The runbook's steps, one line each, the shown one reversed."""
    lines = []
    for index, state in enumerate(view.steps):
        title = SHORT_TITLES.get(state.step.action, state.step.title)
        text = f"{GLYPHS[state.progress]} {state.step.number} {clip(one_line(title), LIST_WIDTH - 4)}"
        style = {
            Progress.CURRENT: "bold",
            Progress.DONE: "$text-success",
            Progress.NOT_NEEDED: "$text-muted",
            Progress.SKIPPED: "$text-warning",
            Progress.DEFERRED: "$text-warning",
        }.get(state.progress, "")
        if index == view.shown:
            style = f"{style} reverse".strip()
        lines.append(Content.styled(text, style) if style else Content(text))
    return Content("\n").join(lines)
