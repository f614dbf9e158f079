"""Which step of the runbook is current: computed from facts. Gates permit, not position."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tuirunbook.core import candidates
from tuirunbook.core.evidence import Says
from tuirunbook.core.gates import LISTED_FAILURES
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, short
from tuirunbook.core.runbook import Action, Question, Runbook, Step
from tuirunbook.core.timeline import retry_in_words
from tuirunbook.core.verdict import HOLDER_QUESTIONS, Opinion, judge

BEFORE_CHECKS = ("digest", "state-list", "errored-tfstate", "state-version")
"""What is looked at before a release."""

AFTER_CHECKS = ("stores", "digest", "state-list", "plan")
"""What is looked at after it."""


class Progress(enum.StrEnum):
    """How far a step is."""

    DONE = "done"
    CURRENT = "current"
    TODO = "todo"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    NOT_NEEDED = "not needed"


class StepState(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the runbook, how far it is, and in a few words what is left or how it ended."""

    step: Step
    progress: Progress
    note: str = ""


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question that wants an answer about one lock."""

    lock: LockIdentity
    question: Question


class _Left(msgspec.Struct, frozen=True):
    """What is left of a step: nothing when `done`; why it will never be needed when `moot`."""

    done: bool
    note: str = ""
    moot: bool = False


def current_index(steps: Sequence[StepState]) -> int:
    """Where the current step is; the last one when nothing is left."""
    return next((i for i, state in enumerate(steps) if state.progress is Progress.CURRENT), len(steps) - 1)


def progress(incident: Incident, runbook: Runbook) -> tuple[StepState, ...]:
    """Every step with its progress. The first one with something left is current."""
    found: list[StepState] = []
    current = False
    for step in runbook.steps:
        left = _LEFT[step.action](incident, step)
        if step.id in incident.deferred and not left.done:
            deferred = incident.deferred[step.id]
            state = StepState(step=step, progress=Progress.DEFERRED, note=f"{deferred.owner}, {deferred.until}")
        elif left.done:
            state = StepState(step=step, progress=Progress.DONE, note=left.note)
        elif left.moot:
            state = StepState(step=step, progress=Progress.NOT_NEEDED, note=left.note)
        elif (skip := _skip(incident, step)) is not None:
            state = StepState(step=step, progress=Progress.SKIPPED, note=skip)
        else:
            state = StepState(step=step, progress=Progress.TODO if current else Progress.CURRENT, note=left.note)
            current = True
        found.append(state)
    return tuple(found)


NO_LOCK = LockIdentity("")
"""What a question is about when no lock is present: the incident itself."""


def open_questions(incident: Incident, step: Step) -> tuple[OpenQuestion, ...]:
    """The questions of a step that want an answer, for every lock that is present, in the order to ask them.

    A "don't know" is an answer on record, and still wants a better one; but not about runs that nobody can tell apart.
    """
    return tuple(
        OpenQuestion(lock=lock, question=question)
        for lock in incident.identities or (NO_LOCK,)
        for question in questions_of(incident, step, lock)
        if _is_open(incident, lock, question.id)
    )


def questions_of(incident: Incident, step: Step, lock: LockIdentity) -> tuple[Question, ...]:
    """What a step asks about a lock: the runbook's questions, after that which run it was where several could be."""
    runs = candidates.question(incident, lock) if step.action is Action.RULE_OUT else None
    return (*((runs,) if runs else ()), *step.questions)


def _is_open(incident: Incident, lock: LockIdentity, question: str) -> bool:
    if question == candidates.QUESTION:
        return candidates.wants_an_answer(incident, lock)
    return not answered(incident, lock, question)


def answered(incident: Incident, lock: LockIdentity, question: str) -> bool:
    """Whether a question has an answer that counts, for this lock."""
    answer = incident.answers.get((lock, question))
    return answer is not None and answer.says is not Says.UNKNOWN


def lock_in_hand(incident: Incident) -> LockIdentity | None:
    """The lock that the next act would be about: S3 before DynamoDB, as Terraform meets them."""
    return next(iter(incident.identities), None)


def active_lock(incident: Incident) -> LockIdentity | None:
    """A lock that is present and whose holder is held to be alive; it leads to waiting."""
    return next((lock for lock in incident.identities if judge(incident, lock).opinion is Opinion.ACTIVE), None)


def plan_purpose(incident: Incident) -> str:
    """What a plan that is started now is for, in words."""
    if incident.gone:
        return "plan after the release"
    return "plan after the repair" if incident.verifiable else "plan"


def _skip(incident: Incident, step: Step) -> str | None:
    names = {step.id, step.action.value}
    for lock in (*incident.identities, None):
        for name in names:
            if (skip := incident.skips.get((lock, name))) is not None:
                return skip.note or skip.reason
    return None


def _detect(incident: Incident, step: Step) -> _Left:
    del step
    return _Left(done=True, note="" if incident.address.account else "account not checked")


def _inspect(incident: Incident, step: Step) -> _Left:
    if incident.snapshot is None:
        return _Left(done=False, note="reading…")
    wanted = incident.address.locks_at_all and not incident.opened.repairs
    if not incident.seen and wanted:
        return _Left(done=False, note="no lock was seen here")
    return _asked(incident, step)


def _rule_out(incident: Incident, step: Step) -> _Left:
    if incident.gone:
        return _Left(done=_all_answered(incident, step), moot=True, note="the lock is gone")
    if not incident.identities:
        return _Left(done=False)
    wanted = {*HOLDER_QUESTIONS, *(question.id for question in step.questions)}
    missing = [name for lock in incident.identities for name in wanted if not answered(incident, lock, name)]
    missing += [candidates.QUESTION for lock in incident.identities if candidates.wants_an_answer(incident, lock)]
    if active_lock(incident) is not None:
        return _Left(done=False, note="active: wait")
    return _Left(done=not missing, note=f"{len(missing)} to answer" if missing else "")


def _retry(incident: Incident, step: Step) -> _Left:
    del step
    refused = [lock for lock in incident.identities if lock in incident.refused_by]
    if incident.gone:
        return _Left(done=bool(incident.last_retry), moot=True, note="the lock is gone")
    if incident.identities and len(refused) == len(incident.identities):
        return _Left(done=True, note=f"refused by {short(refused[0])}")
    return _Left(
        done=False, note=f"the last one {retry_in_words(incident.last_retry.outcome)}" if incident.last_retry else ""
    )


def _prepare(incident: Incident, step: Step) -> _Left:
    del step
    missing = [name for name in BEFORE_CHECKS if ("before", name) not in incident.checks]
    if incident.gone:
        return _Left(done=not missing, moot=True, note="" if not missing else "the lock is gone")
    unanswered = [lock for lock in incident.identities if not answered(incident, lock, "next")]
    left = len(missing) + len(unanswered)
    return _Left(done=bool(incident.identities) and not left, note=f"{left} left" if left else "")


def _force_unlock(incident: Incident, step: Step) -> _Left:
    del step
    tried = [release for release in incident.releases if release.intended.method == "force-unlock" and release.ended]
    if incident.gone:
        worked = any(release.ended and release.ended.outcome in {"released", "partly"} for release in tried)
        return _Left(done=worked, moot=True, note="the lock is gone")
    present = incident.identities
    failed = [r for r in tried if r.ended and r.ended.failure in LISTED_FAILURES and r.intended.lock in present]
    if failed and failed[-1].ended:
        return _Left(done=False, moot=True, note=f"failed: {failed[-1].ended.failure}")
    return _Left(done=False)


def _delete(incident: Incident, step: Step) -> _Left:
    del step
    tried = [release for release in incident.releases if release.intended.method != "force-unlock" and release.ended]
    if incident.gone:
        worked = any(release.ended and release.ended.outcome in {"released", "partly"} for release in tried)
        return _Left(done=worked, moot=True, note="not needed")
    failed = any(
        release.ended and release.ended.failure in LISTED_FAILURES
        for lock in incident.identities
        for release in incident.releases_of(lock)
    )
    return _Left(done=False, moot=not failed, note="" if failed else "only if force-unlock fails")


def _verify(incident: Incident, step: Step) -> _Left:
    del step
    missing = [name for name in AFTER_CHECKS if ("after", name) not in incident.checks]
    if incident.verified and incident.verifiable:
        return _Left(done=True, note=f"read by {incident.verified.read_by}")
    return _Left(done=False, note=f"{len(missing)} left" if incident.verifiable and missing else "")


def _prevent(incident: Incident, step: Step) -> _Left:
    if incident.closed:
        return _Left(done=True, note="closed")
    left = [item for item in step.items if item not in incident.prevention]
    return _Left(done=False, note=f"{len(left)} left" if incident.gone and left else "")


def _asked(incident: Incident, step: Step) -> _Left:
    left = _all_answered(incident, step)
    return _Left(done=left, note="" if left else "questions left")


def _all_answered(incident: Incident, step: Step) -> bool:
    told = {question for _, question in incident.answers}
    return all(question.id in told for question in step.questions)


def _people(incident: Incident, step: Step) -> _Left:
    return _Left(done=step.id in incident.steps_done)


_LEFT: Mapping[Action, Callable[[Incident, Step], _Left]] = {
    Action.DETECT: _detect,
    Action.INSPECT: _inspect,
    Action.RULE_OUT: _rule_out,
    Action.RETRY_PLAN: _retry,
    Action.PREPARE: _prepare,
    Action.FORCE_UNLOCK: _force_unlock,
    Action.DELETE_LOCK: _delete,
    Action.VERIFY: _verify,
    Action.PREVENT: _prevent,
    Action.ASK: _people,
    Action.NOTE: _people,
    Action.RUN: _people,
}
