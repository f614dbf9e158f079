"""The evidence row by row: open one, ask its source again, dispute a fact, turn a source off or on."""

from __future__ import annotations

from collections.abc import Iterator

from tuirunbook.core.age import age_in_words
from tuirunbook.core.claims import in_question
from tuirunbook.core.events import SourceSwitched
from tuirunbook.core.evidence import Finding
from tuirunbook.core.lock import parse_time, short
from tuirunbook.core.text import one_line
from tuirunbook.plain.console import Choices
from tuirunbook.plain.session import Session
from tuirunbook.plain.words import SAYS, line_rows, moment_ago
from tuirunbook.walk.exhibits import (
    MEANS,
    NOT_TO_DISPUTE,
    WEIGHT,
    Exhibit,
    disputable,
    dispute_of,
    exhibits,
    weighs,
)

ROWS = "evidence, row by row: open, ask again, dispute, turn off"
"""What the rows are called in a menu."""


def open_rows(session: Session) -> None:
    """List every row, numbered; show the one that is picked in full, with what can be done about it."""
    console = session.console
    rows = exhibits(session.incident, session.shown.sources)
    if not rows:
        console.say("No source is asked, and nobody has said anything.")
        return
    picked = console.choose("Which row", [(row.key, row_line(row, session)) for row in rows], back="Back")
    # What was said while the operator read the list counts too.
    now = {row.key: row for row in exhibits(session.incident, session.shown.sources)}
    row = now.get(picked) or next(row for row in rows if row.key == picked)
    for line in in_full(row, session):
        console.say(line, indent="    ")
    if deeds := _deeds(row, session):
        console.choose("What about it", deeds, back="Back")()


def row_line(row: Exhibit, session: Session) -> str:
    """A row on one line."""
    if row.finding is None:
        return f"{row.source}: {source_word(row, session)}"
    about = f"[{short(row.finding.lock)}] " if len(in_question(session.incident)) > 1 else ""
    mark = ", disputed" if dispute_of(session.incident, row.finding) else ""
    return f"- {about}{SAYS[row.finding.says]}{mark}: {row.finding.fact}"


def source_word(row: Exhibit, session: Session) -> str:
    """How a source stands."""
    status = row.status
    if _is_off(row, session):
        return "turned off, so not checked"
    if status is not None and status.asking_since:
        return f"asking{' again' if row.said else ''}, for {age_in_words(status.asking_since, session.now)}"
    if row.said:
        return SAYS[min((finding.says for finding in row.said), key=WEIGHT.__getitem__)]
    return "knows nothing of it" if status is not None and status.answered_at else "not asked yet"


def in_full(row: Exhibit, session: Session) -> Iterator[str]:
    """Everything that is known of a row."""
    yield from _finding(row.finding, row, session) if row.finding else _source(row, session)


def _source(row: Exhibit, session: Session) -> Iterator[str]:
    yield f"{one_line(row.source, 200)}: {source_word(row, session)}"
    status, off = row.status, session.incident.off.get(row.source)
    if off is not None and _is_off(row, session):
        why = f": {one_line(off.why, 300)}" if off.why else ""
        yield f"Turned off by {one_line(off.by, 80)} at {_moment(off.at, session)}{why}."
        yield "What it would know is not checked. What it said before still blocks, and no longer supports."
    if status is not None:
        yield weighs(status)
        if status.why_always:
            yield f"It cannot be turned off: {one_line(status.why_always, 300)}."
        if status.answered_at:
            yield f"answered: {moment_ago(status.answered_at, session)}"
    for finding in row.said:
        yield f"- {SAYS[finding.says]}: {one_line(finding.fact, 400)}"


def _finding(finding: Finding, row: Exhibit, session: Session) -> Iterator[str]:
    yield f"{SAYS[finding.says]}: {MEANS[finding.says]}"
    yield one_line(finding.fact, 2_000)
    if dispute := dispute_of(session.incident, finding):
        yield f"Disputed by {one_line(dispute.who, 80)} at {_moment(dispute.at, session)}: {one_line(dispute.how, 400)}"
    if finding.final:
        yield NOT_TO_DISPUTE
    yield f"asked: {one_line(row.source, 200)}"
    yield f"with: {one_line(finding.source, 400)}"
    yield f"at: {_moment(finding.observed_at, session)}"
    record = session.incident.record(finding.lock)
    who = f" of {one_line(record.info.who, 80)}" if record and record.info and record.info.who else ""
    yield f"lock: {finding.lock}{who}" if finding.lock else "lock: the incident itself"
    yield f"match: {finding.match.replace('-', ' ')}"
    if finding.link:
        yield f"link: {one_line(finding.link, 400)}"
    yield from line_rows(finding.in_line if isinstance(finding.in_line, tuple) else ())


def _deeds(row: Exhibit, session: Session) -> Choices:
    deeds: Choices = []
    if session.followed is not None:
        return deeds
    facts = [row.finding] if row.finding else list(row.said)
    deeds += [
        (lambda fact=fact: dispute_fact(session, fact), f"dispute that {one_line(fact.fact, 120)}")  # type: ignore[misc]
        for fact in facts
        if disputable(session.incident, fact)
    ]
    if row.status is not None and not _is_off(row, session):
        deeds.append((lambda: ask_again(session, row.source), f"ask {one_line(row.source, 80)} again"))
    if row.status is not None and not row.status.why_always:
        off = not _is_off(row, session)
        verb = "turn it off for this incident" if off else "turn it on again, and ask it"
        deeds.append((lambda: _switch(session, row.source, off=off), verb))
    return deeds


def dispute_fact(session: Session, fact: Finding) -> None:
    """Dispute a fact as it was shown: who says so, how it is known."""
    told = session.console.fill({"who": "who holds it to be wrong", "how": "how they know"})
    try:
        session.do(session.walk.clerk.dispute, fact, **told)
    except ValueError as error:
        session.console.say(f"Not recorded: {error}.")


def ask_again(session: Session, source: str) -> None:
    """Ask a source again about every lock that is there or may be; its answer comes within its patience, or never."""
    if not in_question(session.incident):
        session.console.say("No lock is held here, so there is nothing to ask about.")
        return
    session.do(session.walk.reception.ask_again, source)
    session.console.say(f"{one_line(source, 200)} is asked; what it says is printed when it comes.")


def _switch(session: Session, source: str, *, off: bool) -> None:
    if off:
        session.console.say(
            "It is not asked any more, and counts as not checked. What it has said still blocks until it is disputed, "
            "or the source is asked again; what it has said for a release does not count."
        )
    why = session.console.require("Why") if off else ""
    if session.tell(SourceSwitched, source=source, off=off, why=why) and not off:
        ask_again(session, source)


def _is_off(row: Exhibit, session: Session) -> bool:
    return row.source in session.incident.off and not (row.status is not None and row.status.why_always)


def _moment(at: str, session: Session) -> str:
    try:
        when = parse_time(at)
    except ValueError:
        return one_line(at, 40)
    return moment_ago(when, session)


def rows_without_an_answer(session: Session) -> Iterator[str]:
    """The sources that are being asked for the first time, and those that are turned off."""
    for row in exhibits(session.incident, session.shown.sources):
        if row.finding is None and not row.said and (_is_off(row, session) or _asking(row)):
            yield f"{one_line(row.source, 80)}: {source_word(row, session)}"


def _asking(row: Exhibit) -> bool:
    return row.status is not None and row.status.asking_since is not None
