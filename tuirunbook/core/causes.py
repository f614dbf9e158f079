"""What leaves locks behind, looked for in a repository's CI files, scripts and policies (lock-semantics §4 and §7)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.text import one_line

PREFIX = "cause."
SHORT_MINUTES = 30
"""A database, a cluster or a distribution takes longer than this to build."""

_MOST_PLACES = 5


class Kind(enum.StrEnum):
    """A usual cause."""

    CONCURRENCY = "concurrency"
    CANCELS = "cancels"
    TIMEOUT = "timeout"
    UNLOCKED = "lock-false"
    PIPED = "piped"
    SIGNAL = "signal"
    EVICTED = "evicted"
    POLICY = "policy"
    ROLE = "role"
    STORES = "stores"
    VERSIONS = "versions"


class Result(enum.StrEnum):
    """What looking for a cause came to."""

    SHOWN = "shown"
    NOT_SEEN = "not seen"
    NOT_CHECKED = "not checked"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One usual cause, looked for.

    Attributes:
        kind: Which.
        result: Whether it was seen.
        fact: What was seen and where, or why it was not looked for.
        source: The files or the call.
    """

    kind: Kind
    result: Result
    fact: str
    source: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A job of a CI file that runs terraform, as far as these causes go.

    Attributes:
        place: File and job, for people.
        system: `github` or `gitlab`.
        script: What it runs, scripts of the checkout included; comments left out.
        applies: Whether it can write: apply, destroy, import.
        grouped: Whether something lets one of them run at a time; None where that is not in the file.
        cancels: Whether a newer run cancels it.
        minutes: Its time limit, or None when the file sets none.
        wrapped: Whether setup-terraform's wrapper stands between the job and terraform.
        labels: What it runs on.
    """

    place: str
    system: str
    script: str
    applies: bool
    grouped: bool | None = None
    cancels: bool = False
    minutes: float | None = None
    wrapped: bool = False
    labels: tuple[str, ...] = ()


_PROGRAM = r"(?:\b(?:terraform|tofu|terragrunt)\b|\$\{?(?:TF|TERRAFORM|TOFU)(?:_?(?:BIN|CMD))?\}?)"
RUNS = re.compile(
    rf"{_PROGRAM}[^\n|;&]{{0,300}}?\s(?:plan|apply|destroy|refresh|import|state|run-all)\b"
    r"|(?:dflook|opentofu)/(?:terraform|tofu)-(?:plan|apply|destroy)\b",
    re.IGNORECASE,
)
"""A command, or an action, that takes the lock."""

WRITES = re.compile(
    rf"{_PROGRAM}[^\n|;&]{{0,300}}?\s(?:apply|destroy|import)\b|(?:dflook|opentofu)/(?:terraform|tofu)-(?:apply|destroy)\b",
    re.IGNORECASE,
)
_UNLOCKED = re.compile(r"-lock[= ]\"?'?false\b")
_PIPED = re.compile(
    rf"{_PROGRAM}[^\n|]{{0,300}}?\s(?:plan|apply|destroy|refresh)\b[^\n|]{{0,300}}\|\s*"
    r"(?:head\b|grep\s[^\n|]{0,40}?-\w*[qm]|sed\s[^\n|]{0,60}\dq\b|awk\s[^\n|]{0,80}\bexit\b)"
)
_KILLED = re.compile(
    r"\btimeout\s[^\n|;]{0,60}(?:-s\s*(?:KILL|9|SIGKILL)|--signal[= ](?:KILL|9|SIGKILL))|\bkill\s+-(?:9|KILL|SIGKILL)\b"
)
_EVICTED = re.compile(r"spot|preempt", re.IGNORECASE)
_BACKGROUND = re.compile(r"\btrap\b|\bexec\s+(?:terraform|tofu|terragrunt)\b|\btini\b|dumb-init")


def in_jobs(tasks: Sequence[Task], source: str) -> Iterator[Cause]:
    """The causes that are a matter of how jobs are set up."""
    writers = [task for task in tasks if task.applies]
    if not tasks:
        for kind in (Kind.CONCURRENCY, Kind.CANCELS, Kind.TIMEOUT, Kind.SIGNAL, Kind.EVICTED):
            fact = "no job was found in this repository's GitHub or GitLab files that runs terraform"
            yield Cause(kind=kind, result=Result.NOT_CHECKED, fact=fact, source=source)
        return
    yield _grouping(writers or list(tasks), source)
    yield _judged(
        Kind.CANCELS,
        [f"{task.place} cancels the run in progress when a newer one comes" for task in writers if task.cancels],
        "no job that applies is cancelled by a newer run",
        source,
    )
    yield _judged(
        Kind.TIMEOUT,
        [
            f"{task.place} is ended after {task.minutes:g} min, whatever terraform does then"
            for task in writers
            if task.minutes is not None and task.minutes < SHORT_MINUTES
        ],
        f"no job that applies has a time limit under {SHORT_MINUTES} min in its file",
        source,
    )
    yield _judged(Kind.SIGNAL, list(_deaf(tasks)), "nothing seen that keeps a cancel from terraform", source)
    yield _judged(
        Kind.EVICTED,
        [
            f"{task.place} applies on {one_line(', '.join(task.labels), 80)}, which may be taken away"
            for task in writers
            if any(_EVICTED.search(label) for label in task.labels)
        ],
        "no job that applies names a spot or preemptible runner",
        source,
    )


def _grouping(tasks: Sequence[Task], source: str) -> Cause:
    alone = [f"{task.place} has no {_GROUP[task.system]}" for task in tasks if task.grouped is False]
    unsure = [task.place for task in tasks if task.grouped is None]
    if not alone and unsure:
        fact = f"{_listed(unsure)}: what calls it decides whether two can run at once"
        return Cause(kind=Kind.CONCURRENCY, result=Result.NOT_CHECKED, fact=fact, source=source)
    return _judged(
        Kind.CONCURRENCY, alone, "every job that takes the lock is in a group that runs one at a time", source
    )


_GROUP = {"github": "concurrency group", "gitlab": "resource_group"}


def _deaf(tasks: Iterable[Task]) -> Iterator[str]:
    """What stands between a cancel and terraform."""
    for task in tasks:
        if task.wrapped:
            yield f"{task.place} runs terraform in setup-terraform's wrapper, which passes on no cancel"
        if (killed := _KILLED.search(task.script)) is not None:
            yield f"{task.place} kills what it runs (“{one_line(killed[0], 60)}”)"


def in_text(files: Mapping[str, str]) -> Iterator[Cause]:
    """The causes that are a matter of a command line, in CI files and scripts by their paths."""
    source = _listed(list(files)) or "no CI file"
    if not files:
        for kind in (Kind.UNLOCKED, Kind.PIPED):
            fact = "no CI file or script of this repository runs terraform"
            yield Cause(kind=kind, result=Result.NOT_CHECKED, fact=fact, source=source)
        return
    for kind, pattern, verb in ((Kind.UNLOCKED, _UNLOCKED, "runs without the lock"), (Kind.PIPED, _PIPED, "pipes it")):
        places = [
            f"{path}:{number} {verb} (“{one_line(line, 100)}”)"
            for path, text in files.items()
            for number, line in _lines(text)
            if pattern.search(line)
        ]
        clear = {
            Kind.UNLOCKED: "-lock=false is in none of these files",
            Kind.PIPED: "no plan or apply is piped into something that closes early",
        }
        yield _judged(kind, places, clear[kind], source)


def deaf_scripts(files: Mapping[str, str]) -> Iterator[str]:
    """Shell scripts that start terraform as a child and pass no signal on to it."""
    for path, text in files.items():
        body = "\n".join(line for _, line in _lines(text))
        if path.endswith((".sh", ".bash")) and WRITES.search(body) and not _BACKGROUND.search(body):
            yield f"{path} runs terraform as its child, and passes no signal on to it (exec, or a trap, would)"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are no comments; what a backslash continues is one line, under its first number."""
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not held:
            start = number
            if line.lstrip().startswith("#"):
                continue
        if line.endswith("\\") and len(held) < 2_000:  # noqa: PLR2004 - no command is longer
            held += line[:-1] + " "
            continue
        yield start, held + line
        held = ""
    if held:
        yield start, held


def without_comments(text: str) -> str:
    """A script without its comment lines, each continued command on one line."""
    return "\n".join(line for _, line in _lines(text))


def _judged(kind: Kind, places: Sequence[str], clear: str, source: str) -> Cause:
    if places:
        return Cause(kind=kind, result=Result.SHOWN, fact=_listed(places), source=source)
    return Cause(kind=kind, result=Result.NOT_SEEN, fact=clear, source=source)


def _listed(places: Sequence[str]) -> str:
    more = f"; and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    return "; ".join(places[:_MOST_PLACES]) + more


def merged(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """One cause of each kind: what was shown comes before what was not seen, and that before what was not checked."""
    found: dict[Kind, list[Cause]] = {}
    for cause in causes:
        found.setdefault(cause.kind, []).append(cause)
    order = list(Result)
    merged = []
    for same in found.values():
        best = min((cause.result for cause in same), key=order.index)
        chosen = [cause for cause in same if cause.result is best]
        fact, source = _listed([cause.fact for cause in chosen]), _listed(list(dict.fromkeys(c.source for c in chosen)))
        merged.append(Cause(kind=chosen[0].kind, result=best, fact=fact, source=source))
    return tuple(merged)


def findings(causes: Iterable[Cause], lock: LockIdentity, now: datetime) -> Iterator[Finding]:
    """Each cause as a finding, which weighs nothing."""
    for cause in causes:
        yield Finding(
            key=f"{PREFIX}{cause.kind}",
            lock=lock,
            says=Says.NOTHING,
            match=Match.COULD_BE,
            fact=one_line(f"{cause.result}: {cause.fact}", 1_200),
            source=one_line(cause.source, 300),
            observed_at=timestamp(now),
        )


def found(incident: Incident) -> dict[Kind, Cause]:
    """The causes that an incident's findings tell of, the latest of each kind."""
    causes: dict[Kind, Cause] = {}
    for finding in incident.findings.values():
        name = finding.key.removeprefix(PREFIX)
        result, _, fact = finding.fact.partition(": ")
        if name != finding.key and name in set(Kind) and result in set(Result):
            causes[Kind(name)] = Cause(kind=Kind(name), result=Result(result), fact=fact, source=finding.source)
    return causes


_ITEMS: tuple[tuple[re.Pattern[str], tuple[Kind, ...]], ...] = (
    (re.compile(r"concurrency|resource_group|one run per state", re.IGNORECASE), (Kind.CONCURRENCY, Kind.CANCELS)),
    (re.compile(r"cancel|signal", re.IGNORECASE), (Kind.SIGNAL, Kind.CANCELS)),
    (re.compile(r"(?<!lock-)\btimeouts?\b", re.IGNORECASE), (Kind.TIMEOUT,)),
    (re.compile(r"DeleteItem|DeleteObject"), (Kind.POLICY, Kind.ROLE)),
    (re.compile(r"piped|\bhead\b", re.IGNORECASE), (Kind.PIPED,)),
    (re.compile(r"-lock-timeout|-lock=false|contention", re.IGNORECASE), (Kind.UNLOCKED,)),
    (re.compile(r"\bspot\b|preemptible", re.IGNORECASE), (Kind.EVICTED,)),
)
"""Which causes an item of a prevention list is about, by its words: the first line that fits counts."""


def about(item: str, incident: Incident) -> tuple[Cause, ...]:
    """The causes that were looked for and that an item of the prevention list is about."""
    known = found(incident)
    for pattern, kinds in _ITEMS:
        if pattern.search(item):
            return tuple(known[kind] for kind in kinds if kind in known)
    return _by_look(item, incident)


def _by_look(item: str, incident: Incident) -> tuple[Cause, ...]:
    """What the looks at the lock and the state have shown already."""
    address = incident.address
    if "use_lockfile" in item or "One lock and not two" in item:
        result = Result.SHOWN if address.dual else Result.NOT_SEEN
        fact = "this backend locks in a table and in a lockfile" if address.dual else "this backend locks in one place"
        return (Cause(kind=Kind.STORES, result=result, fact=fact, source="the backend"),)
    if "versioned" in item:
        checked = [check.state for check in incident.checks.values() if check.name == "state-version" and check.state]
        if not checked:
            return ()
        kept = bool(checked[-1].version_id)
        fact = f"the bucket keeps {'' if kept else 'no '}versions; whether one was ever restored is for people to say"
        result = Result.NOT_SEEN if kept else Result.SHOWN
        return (Cause(kind=Kind.VERSIONS, result=result, fact=fact, source="the state object"),)
    return ()
