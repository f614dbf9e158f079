"""What takes a lock next, as far as the sources of evidence know, and what it makes of the question about it (S16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tuirunbook.core.answers import NEED_LABELS
from tuirunbook.core.evidence import Finding, InLine, Match, Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity

_SAYS = {"queued": "queued (starts on release)", "waiting": "waiting", "scheduled": "scheduled"}
_QUESTION = "next"
_KEY = ".next"
_SYSTEM = "ci."


def found(incident: Incident, lock: LockIdentity) -> tuple[InLine, ...]:
    """What is queued, waiting or scheduled for the state of this lock; what names the state first, each once."""
    lines = [line for finding in _heard(incident, lock) for line in _lines(finding)]
    once = {(line.what, line.hold): line for line in lines}
    return tuple(sorted(once.values(), key=lambda line: line.match is not Match.NAMES_THIS_STATE))


def in_brief(incident: Incident, lock: LockIdentity) -> str:
    """What was found, counted by what makes it start; empty where no system said anything."""
    lines = found(incident, lock)
    if not lines:
        return "nothing" if nothing_queued(incident, lock) else ""
    counted = Counter(line.stage if line.stage in _SAYS else "queued" for line in lines)
    return ", ".join(f"{counted[stage]} {_SAYS[stage]}" for stage in _SAYS if counted[stage])


def nothing_queued(incident: Incident, lock: LockIdentity) -> bool:
    """Whether every CI system that may run this state was asked, answered, and showed nothing in line."""
    heard = tuple(_heard(incident, lock))
    return bool(heard) and not _silent(incident, lock) and not any(_lines(finding) for finding in heard)


def holding(incident: Incident, lock: LockIdentity) -> tuple[str, ...]:
    """The commands that hold what was found, in its order."""
    return tuple(dict.fromkeys(line.hold for line in found(incident, lock) if line.hold))


def suggested(incident: Incident, lock: LockIdentity) -> dict[str, str]:
    """What the answer to the question may begin with; a person says whether it is so, and how they know."""
    lines = found(incident, lock)
    undo = "; ".join(dict.fromkeys(line.undo for line in lines if line.undo))
    if lines:
        named = "; ".join(f"{line.what}, {line.starts}" for line in lines)
        told = {"answer": "held", "undo": undo, "note": f"found: {named}", "link": lines[0].url}
    elif nothing_queued(incident, lock):
        places = ", ".join(dict.fromkeys(finding.witness or finding.source for finding in _heard(incident, lock)))
        told = {"answer": "nothing", "how": f"nothing is queued, waiting or scheduled there: {places}"}
    else:
        return {}
    return {name: text for name, text in told.items() if text}


def begin_with(incident: Incident, lock: LockIdentity, question_id: str) -> dict[str, str]:
    """What the answer to a question begins with: the answer given before, else what was found of what comes next."""
    if before := incident.answers.get((lock, question_id)):
        return {name: text for name in ("answer", *NEED_LABELS) if (text := getattr(before, name))}
    return suggested(incident, lock) if question_id == _QUESTION else {}


def _heard(incident: Incident, lock: LockIdentity) -> Iterator[Finding]:
    """What the systems said that were asked, and are not turned off."""
    for (about, key), finding in incident.findings.items():
        if about == lock and key.startswith(_SYSTEM) and key.endswith(_KEY) and finding.witness not in incident.off:
            yield finding


def _lines(finding: Finding) -> tuple[InLine, ...]:
    return finding.in_line if isinstance(finding.in_line, tuple) else ()


def _silent(incident: Incident, lock: LockIdentity) -> bool:
    """Whether a CI system was turned off, did not answer, or could not tell everything."""
    systems = {finding.witness for (_, key), finding in incident.findings.items() if key.startswith(_SYSTEM)}
    return any(
        finding.witness in systems and (finding.witness in incident.off or finding.says is Says.UNKNOWN)
        for (about, _), finding in incident.findings.items()
        if about == lock
    )
