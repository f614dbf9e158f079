"""What the commands that we run ourselves came to: a plan or lock probe, and a force-unlock."""

from __future__ import annotations

import enum
import re

import msgspec

from tuirunbook.core.diagnosis.boxes import distinct
from tuirunbook.core.diagnosis.output import Failure, Output, conclude, read
from tuirunbook.core.diagnosis.passages import Operation
from tuirunbook.core.diagnosis.values import Diagnosis, Kind, ReportedLock
from tuirunbook.core.text import one_line

_SUMMARY = re.compile(r"(?:Plan: \d+ to |No changes\. |Apply complete! )[^\n]{0,300}")
_SUMMARY_STARTS = ("Plan: ", "No changes. ", "Apply complete! ")
_AFTER_THE_LOCK = (
    "Refreshing state...",
    ": Refresh complete",
    ": Reading...",
    ": Read complete after",
    "used the selected providers to generate the following execution",
    "Changes to Outputs:",
    "Releasing state lock. This may take",
    "Objects have changed outside of",
    "Unsupported state file format",
)
_NO_VARIABLE = re.compile(r"\bNo[\s│|]+value[\s│|]+for[\s│|]+required[\s│|]+variable\b")
_INTERRUPTED = ("Two interrupts received", "peration canceled", "\nSIGQUIT: quit", "panic: ")
_UNLOCKED = re.compile(r"\bstate[\s│|]+has[\s│|]+been[\s│|]+successfully[\s│|]+unlocked\b")
_NAMED_ID = re.compile(r"\bfor lock ID \"([^\"]{1,200})\"|\bLock ID: ([0-9a-fA-F-]{36})\b")
_MISMATCH = re.compile(
    r"lock (?:ID|id) [\"']([^\"']{0,200})[\"'](?: from s3)? does not match (?:the )?existing lock"
    r"(?: ID)?(?: ?\(?[\"']([^\"']{0,200})[\"'])?"
)
_CONFIGURATION = re.compile(
    r"\.(?:tf|tofu)(?:\.json)? line \d|\bDuplicate\b|\bcloud\b.{0,40}\bbackend\b"
    r"|\bworkspace\b.{0,200}\bdoes not exist\b|\bInvalid\b|\bUnsupported\b|\bencryption\b"
)
_UNREADABLE = (
    "unexpected end of JSON",
    "invalid character",
    "LockInfo struct",
    "json parse the lock info",
    "parsing time",
    "cannot unmarshal",
)
_NOTHING = ("NoSuchKey", "no lock info found")
_REFUSALS = {Kind.HELD, Kind.UNREADABLE_LOCK}
_UNUSABLE = {Kind.NOT_INITIALISED, Kind.BACKEND_CHANGED, Kind.WRONG_DIRECTORY}


class PlanOutcome(enum.StrEnum):
    """Whether a plan, or a probe, obtained the lock."""

    REFUSED = "refused"
    OBTAINED = "obtained"
    INCONCLUSIVE = "inconclusive"


class PlanReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's whole output says about the lock.

    Attributes:
        outcome: Refused by a lock; obtained it, whether or not the plan then failed; or neither is certain.
        lock_ids: The IDs that refused it, or that it could not release; empty where the text names none.
        diagnosis: The same output, diagnosed.
        summary_line: `Plan: 1 to add, …` or `No changes. …`, else the first error's headline; None without either.
        release_failed: The lock was obtained and not released: our own command left it, most likely.
        interrupted: The command was cut off by a signal or a crash; a lock that it had may be left.
    """

    outcome: PlanOutcome
    lock_ids: tuple[str, ...] = ()
    diagnosis: Diagnosis
    summary_line: str | None = None
    release_failed: bool = False
    interrupted: bool = False


class UnlockOutcome(enum.StrEnum):
    """How a force-unlock ended, by its own words. What it did is seen only by reading the stores again."""

    UNLOCKED = "unlocked"
    UNREADABLE_OR_GONE = "unreadable-or-gone"
    DENIED = "denied"
    OTHER_ID = "other-id"
    NOTHING_THERE = "nothing-there"
    UNUSABLE_CONFIG = "unusable-config"
    NOT_AS_WRITTEN = "not-as-written"
    FAILED = "failed"


class UnlockReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a force-unlock's output says.

    Attributes:
        outcome: How it ended. For DynamoDB a lock without readable content and no lock at all print the same.
        diagnosis: The same output, diagnosed.
        holder: With `other-id`, the lock that is really there, as far as the text tells.
        half_released: Both stores are configured and one of them failed: the other half was released.
    """

    outcome: UnlockOutcome
    diagnosis: Diagnosis
    holder: ReportedLock | None = None
    half_released: bool = False


def read_plan(output: str, exit_code: int | None, *, probe: bool = False) -> PlanReading:
    """Whether a plan obtained the lock, from its whole output, human or `-json`.

    Errors of the configuration, of initialisation and of credentials come before the lock and leave it open. A digest
    mismatch, an unreadable state and whatever names a resource come after it. With `probe`, the root has one
    required variable without a value, which Terraform asks for only when it has the lock (measured with 1.11.4); in
    other roots OpenTofu may ask before.

    Args:
        output: Everything that it printed, both streams.
        exit_code: Its exit code, negative for a signal; None when nobody saw it end.
        probe: Whether it was the lock probe.
    """
    seen = read(output)
    releases = seen.having(Operation.RELEASE)
    refusals = tuple(
        failure
        for failure in seen.having(Operation.ACQUIRE, Operation.LOAD, Operation.FRAGMENT)
        if failure.cause.kind in _REFUSALS
    )
    succeeded = exit_code in {0, 2} and _summary(seen) is not None
    if refusals and not succeeded:
        outcome, ids = PlanOutcome.REFUSED, _ids(refusals)
    elif releases:
        outcome, ids = PlanOutcome.OBTAINED, _ids(releases)
    else:
        obtained = _obtained(seen, probe=probe)
        outcome, ids = PlanOutcome.OBTAINED if obtained else PlanOutcome.INCONCLUSIVE, ()
    return PlanReading(
        outcome=outcome,
        lock_ids=ids,
        diagnosis=conclude(seen),
        summary_line=_summary(seen) or _first_error(seen),
        release_failed=bool(releases),
        interrupted=_interrupted(seen, exit_code),
    )


def _obtained(seen: Output, *, probe: bool) -> bool:
    if any(failure.cause.kind is Kind.RELEASED_MEANWHILE for failure in seen.failures):
        return False
    if seen.having(Operation.ACQUIRE):
        return _summary(seen) is not None
    return (
        _summary(seen) is not None
        or any(words in seen.text for words in _AFTER_THE_LOCK)
        or any(failure.cause.kind is Kind.DIGEST_MISMATCH for failure in seen.failures)
        or any(failure.passage.about_a_resource for failure in seen.failures)
        or (probe and _NO_VARIABLE.search(seen.text) is not None)
    )


def _summary(seen: Output) -> str | None:
    """The last summary line: Terraform prints it after all that it plans."""
    last = -1
    for start in _SUMMARY_STARTS:
        position = seen.text.rfind(start)
        while position > last:
            if _SUMMARY.match(seen.text, position):
                last = position
            position = seen.text.rfind(start, 0, position)
    found = _SUMMARY.match(seen.text, last) if last >= 0 else None
    return one_line(found[0]) if found else None


def _first_error(seen: Output) -> str | None:
    for failure in seen.failures:
        passage = failure.passage
        if passage.operation is Operation.OTHER:
            return one_line(passage.body.lstrip().split("\n", 1)[0]) or None
        if passage.operation is not Operation.FRAGMENT:
            return one_line(passage.headline)
    return None


def _ids(failures: tuple[Failure, ...]) -> tuple[str, ...]:
    ids = [lock.id for failure in failures for lock in distinct(failure.boxes) if lock.id]
    for failure in failures:
        ids += [found[1] or found[2] for found in _NAMED_ID.finditer(failure.passage.one_line)]
    return tuple(dict.fromkeys(one_line(identity) for identity in ids))


def _interrupted(seen: Output, exit_code: int | None) -> bool:
    by_signal = exit_code is not None and (exit_code < 0 or exit_code > 128)  # noqa: PLR2004 the shell's 128 + signal
    return by_signal or any(words in seen.text for words in _INTERRUPTED)


def read_unlock(output: str, exit_code: int | None) -> UnlockReading:
    """How a force-unlock ended, from its output.

    Args:
        output: Everything that it printed, both streams.
        exit_code: Its exit code, or None when nobody saw it end. It breaks a tie only: it is 1 also after some
            releases that succeeded.
    """
    seen = read(output)
    diagnosis = conclude(seen)
    failures = tuple(f for f in seen.failures if f.passage.operation is not Operation.FRAGMENT)
    if _UNLOCKED.search(seen.text) and (exit_code == 0 or not failures):
        return UnlockReading(outcome=UnlockOutcome.UNLOCKED, diagnosis=diagnosis)
    unlocks = seen.having(Operation.UNLOCK)
    words = " ".join(f"{f.passage.headline} {f.passage.one_line}" for f in unlocks or seen.failures)
    outcome, holder = _unlock_outcome(seen, diagnosis, words)
    s3, dynamodb = "failed to unlock S3:" in words, "failed to unlock DynamoDB:" in words
    half = s3 != dynamodb or "lock released but" in words
    return UnlockReading(outcome=outcome, diagnosis=diagnosis, holder=holder, half_released=half)


def _unlock_outcome(seen: Output, diagnosis: Diagnosis, words: str) -> tuple[UnlockOutcome, ReportedLock | None]:
    mismatches = [(found[1], found[2]) for found in _MISMATCH.finditer(words)]
    outcome = UnlockOutcome.FAILED
    if diagnosis.kind in _UNUSABLE or seen.having(Operation.ACQUIRE) or "ocking is disabled" in words:
        outcome = UnlockOutcome.UNUSABLE_CONFIG
    elif diagnosis.kind is Kind.ACCESS_DENIED:
        outcome = UnlockOutcome.DENIED
    elif diagnosis.kind is Kind.NOT_A_LOCK_ERROR and _CONFIGURATION.search(words):
        outcome = UnlockOutcome.UNUSABLE_CONFIG
    elif diagnosis.kind is Kind.UNLOCK_FAILED and mismatches:
        return _other_id(seen, mismatches)
    elif diagnosis.kind is Kind.UNLOCK_FAILED and "ConditionalCheckFailed" in words:
        # OpenTofu >= 1.10 deletes on the condition that Info is as it would write it itself.
        outcome = UnlockOutcome.NOT_AS_WRITTEN
    elif diagnosis.kind is Kind.UNLOCK_FAILED and any(saying in words for saying in _UNREADABLE):
        outcome = UnlockOutcome.UNREADABLE_OR_GONE
    elif diagnosis.kind is Kind.UNLOCK_FAILED and any(saying in words for saying in _NOTHING):
        outcome = UnlockOutcome.NOTHING_THERE
    return outcome, None


def _other_id(seen: Output, mismatches: list[tuple[str, str | None]]) -> tuple[UnlockOutcome, ReportedLock | None]:
    """The lock that is there instead; one with a blank ID is unreadable.

    In dual mode the block shows the half that was released when only the other one had another ID.
    """
    given = {asked for asked, _ in mismatches}
    existing = [there for _, there in mismatches if there is not None]
    if existing and not any(existing):
        return UnlockOutcome.UNREADABLE_OR_GONE, None
    for lock in seen.locks:
        if lock.id in existing or (not existing and lock.id not in given):
            return UnlockOutcome.OTHER_ID, lock
    named = next((there for there in existing if there), None)
    return UnlockOutcome.OTHER_ID, ReportedLock(id=one_line(named)) if named else None
