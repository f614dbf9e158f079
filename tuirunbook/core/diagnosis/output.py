"""A whole text to one diagnosis."""

from __future__ import annotations

import re
from typing import NamedTuple

from tuirunbook.core.diagnosis.boxes import Box, boxes, distinct
from tuirunbook.core.diagnosis.causes import Cause, find_cause
from tuirunbook.core.diagnosis.explanations import explain, runbook_for
from tuirunbook.core.diagnosis.passages import Operation, Passage, passages
from tuirunbook.core.diagnosis.presentation import normalise
from tuirunbook.core.diagnosis.values import BackendStore, Diagnosis, Kind, ReportedLock

_URGENCY = (
    Kind.HELD,
    Kind.UNREADABLE_LOCK,
    Kind.RELEASED_MEANWHILE,
    Kind.RELEASE_FAILED,
    Kind.DIGEST_MISMATCH,
    Kind.TABLE_MISSING,
    Kind.SCHEMA,
    Kind.ACCESS_DENIED,
    Kind.CREDENTIALS,
    Kind.BUCKET_MISSING,
    Kind.THROTTLED,
    Kind.UNLOCK_FAILED,
    Kind.BACKEND_CHANGED,
    Kind.NOT_INITIALISED,
    Kind.WRONG_DIRECTORY,
    Kind.UNKNOWN,
    Kind.NOT_A_LOCK_ERROR,
)
_TERRAFORM = re.compile(
    r"\b(?:Terraform|OpenTofu|Terragrunt|terraform_version)\b"
    r"|\bPlan: \d+ to |\bNo changes\. |\bAcquiring state lock\b|\bRefreshing state\.\.\."
    r"|\bInitializing the backend\b|\bApply complete!|\bNo state file was found|\bThe state file is empty\b"
    r"|\bDo you really want to force-unlock|\bNo outputs found|\bstate file format\b|\bUsage: (?:terraform|tofu)\b"
    r"|\.(?:tf|tofu)(?:\.json)? line \d|╷"
)


class Failure(NamedTuple):
    """One error of a text with its cause and the lock blocks under it."""

    passage: Passage
    cause: Cause
    boxes: tuple[Box, ...]


class Output(NamedTuple):
    """A text as it was read: every error in it, in order, and every lock."""

    text: str
    failures: tuple[Failure, ...]
    locks: tuple[ReportedLock, ...]

    def having(self, *operations: Operation) -> tuple[Failure, ...]:
        """The errors of these operations."""
        return tuple(failure for failure in self.failures if failure.passage.operation in operations)

    @property
    def recognised(self) -> bool:
        """Whether this is Terraform's, OpenTofu's or Terragrunt's output at all."""
        return _TERRAFORM.search(self.text) is not None


def read(text: str) -> Output:
    """The errors and locks in a text of any presentation."""
    plain = normalise(text)
    found = boxes(plain)
    failures: list[Failure] = []
    for passage in passages(plain):
        own = passage.boxes(found)
        failures.append(Failure(passage, find_cause(passage, own), own))
    return Output(plain, tuple(failures), distinct(found))


def diagnose(text: str) -> Diagnosis:
    """What a pasted text says about a state lock. Any text will do; none raises.

    Of several errors the one that says most about a lock counts, and of those the last. The operation and the
    error code decide, not the `Lock Info` block: Terraform prints that also under errors that it does not explain.
    """
    return conclude(read(text))


def conclude(output: Output) -> Diagnosis:
    """The diagnosis of an output that was read."""
    chosen = _most_urgent(output)
    if chosen is None or chosen.cause.kind in {Kind.UNKNOWN, Kind.NOT_A_LOCK_ERROR}:
        chosen = _recognise(output, chosen)
    unsaved = bool(output.having(Operation.SAVE))
    own = distinct(chosen.boxes) or output.locks
    runbook = runbook_for(chosen.cause)
    return Diagnosis(
        kind=chosen.cause.kind,
        store=chosen.cause.store,
        locks=output.locks,
        explanation=explain(chosen.cause, chosen.passage, own, unsaved=unsaved),
        runbook="state-lock" if runbook is None and _shows_only_a_lock(chosen, output) else runbook,
    )


def _most_urgent(output: Output) -> Failure | None:
    ranked = sorted(enumerate(output.failures), key=lambda item: (_URGENCY.index(item[1].cause.kind), -item[0]))
    return ranked[0][1] if ranked else None


def _recognise(output: Output, chosen: Failure | None) -> Failure:
    """Tell Terraform's other output from text that is not Terraform's."""
    if chosen is None or chosen.passage.operation in {Operation.OTHER, Operation.FRAGMENT}:
        kind = Kind.NOT_A_LOCK_ERROR if output.recognised and not output.locks else Kind.UNKNOWN
        passage = chosen.passage if chosen else Passage(Operation.FRAGMENT, 0, 0, "", "", "")
        return Failure(passage, Cause(kind, BackendStore.UNKNOWN), ())
    return chosen


def _shows_only_a_lock(chosen: Failure, output: Output) -> bool:
    return chosen.cause.kind is Kind.UNKNOWN and bool(output.locks)
