"""Locks that come back, told by journals of earlier incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.support.incidents import DUAL, A, B, Story, lock_text, stored
from tuirunbook.core.ci import Holder, Job, Report, Runner, Stage, Target
from tuirunbook.core.ci import findings as ci_findings
from tuirunbook.core.events import Event, FindingRecorded, LockChanged, LockObserved, Opened, timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.lock import LockIdentity, Store, StoredLock
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.recurrence import FRESH, SAME, Earlier, earlier, findings, job_named, recurring, unreleased

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
TAKEN = NOW - timedelta(minutes=30)
WHO = "root@ip-10-1-2-3"


def lock(identity: LockIdentity = A, who: str = WHO, created: datetime = TAKEN) -> StoredLock:
    return stored(Store.S3, lock_text(identity, Who=who, Created=timestamp(created)))


def snapshot(*locks: StoredLock, ours: bool = False) -> SnapshotRecord:
    return SnapshotRecord(fingerprint=str(len(locks)), locks=tuple(LockRecord.of(one, ours=ours) for one in locks))


def journal(*looks: tuple[datetime, SnapshotRecord], state: str = DUAL.key, training: bool = False) -> list[Event]:
    opened = Opened(
        at=timestamp(looks[0][0]),
        incident="261120-0231-kiwi",
        address=msgspec.structs.replace(DUAL, key=state),
        root="infra/network",
        operator="sam",
        host="oncall",
        tool="0",
        training=training,
    )
    (first, shown), *rest = looks
    changed = [LockChanged(at=timestamp(at), snapshot=look, changes=()) for at, look in rest]
    return [opened, LockObserved(at=timestamp(first), snapshot=shown), *changed]


def past(other: StoredLock, *, ended: datetime = TAKEN - timedelta(days=3), **facts: str) -> Earlier:
    found = earlier(journal((ended - timedelta(hours=1), snapshot(other)), (ended, snapshot()), **facts))  # type: ignore[arg-type]
    assert found is not None
    return found


def gather(*before: Earlier, about: StoredLock | None = None, jobs: tuple[str, ...] = ()) -> dict[str, Finding]:
    return {finding.key: finding for finding in findings(about or lock(), DUAL, before, NOW, jobs)}


def test_an_incident_is_read_from_its_journal_until_its_lock_was_gone() -> None:
    found = past(lock(B), ended=TAKEN)
    assert [(one.identity, one.who, one.until) for one in found.locks] == [(B, WHO, TAKEN)]


def test_practice_and_incidents_without_a_lock_are_no_history() -> None:
    assert earlier(journal((NOW, snapshot(lock())), training=True)) is None
    assert earlier(journal((NOW, snapshot()))) is None
    assert earlier(journal((NOW, snapshot(lock(), ours=True)))) is None


def test_the_same_state_and_holder_in_an_earlier_incident_are_told() -> None:
    fact = gather(past(lock(B)))[SAME].fact
    assert "1 earlier incident is like this one: 261120-0231-kiwi" in fact
    assert "(same state, same holder)" in fact


def test_a_hosted_runner_has_another_name_each_time_and_still_counts_on_the_same_state() -> None:
    about = lock(who="runner@runnervmwhb2z")
    assert "same kind of holder" in gather(past(lock(B, who="runner@fv-az881-525")), about=about)[SAME].fact
    other_state = past(lock(B, who="runner@fv-az881-525"), state="other/x.tfstate")
    assert "no earlier incident" in gather(other_state, about=about)[SAME].fact


def test_the_same_holder_on_another_state_counts() -> None:
    assert "(same holder)" in gather(past(lock(B), state="other/x.tfstate"))[SAME].fact


def test_an_incident_about_this_very_lock_is_not_an_earlier_one() -> None:
    assert gather(past(lock(A)))[SAME].fact == "there was no earlier incident on this machine"
    fact = gather(past(lock(A)), past(lock(B, who="kim@laptop"), state="other/x.tfstate"))[SAME].fact
    assert fact == "no earlier incident on this machine was about the same state, holder or job (1 looked at)"


def test_nothing_that_recurs_weighs_in_the_verdict() -> None:
    found = gather(past(lock(B), ended=TAKEN - timedelta(minutes=2)))
    assert {finding.says for finding in found.values()} == {Says.NOTHING}


@pytest.mark.parametrize(("minutes", "expected"), [(0, True), (4, True), (10, True), (11, False), (-5, True)])
def test_a_fresh_lock_by_the_same_who_within_ten_minutes_is_a_cause(minutes: int, expected: bool) -> None:  # noqa: FBT001 - a table
    before = past(lock(B, created=TAKEN - timedelta(hours=1)), ended=TAKEN - timedelta(minutes=minutes))
    found = gather(before)
    assert (FRESH in found) is expected
    if expected:
        assert "a cause, not an incident" in found[FRESH].fact


def test_two_new_locks_within_one_incident_are_a_cause_too() -> None:
    begun = TAKEN - timedelta(minutes=20)
    first = lock(B, created=begun)
    under_way = earlier(
        journal(
            (begun, snapshot(first)),
            (TAKEN - timedelta(minutes=3), snapshot()),
            (TAKEN + timedelta(seconds=5), snapshot(lock())),
        )
    )
    assert under_way is not None
    assert FRESH in gather(under_way)


def test_another_holder_or_another_state_is_no_recurrence_of_this_one() -> None:
    soon = TAKEN - timedelta(minutes=2)
    created = TAKEN - timedelta(hours=1)
    assert FRESH not in gather(past(lock(B, who="sam@laptop", created=created), ended=soon))
    assert FRESH not in gather(past(lock(B, created=created), ended=soon, state="other/x.tfstate"))
    assert FRESH not in gather(past(lock(B, who="", created=created), ended=soon), about=lock(who=""))


def holder_finding() -> Finding:
    job = Job(
        name="apply (infra/network)",
        stage=Stage.ENDED,
        run="812",
        definition="terraform",
        started=TAKEN - timedelta(minutes=1),
        ended=TAKEN + timedelta(minutes=5),
        runner=Runner.SINGLE_USE,
    )
    report = Report(system="github", place="GitHub Actions", source="GET", jobs=(job,))
    target = Target(names=("x",), root="infra/network", others=("infra/prod",))
    found = ci_findings(report, target, Holder.of(lock()), NOW)
    return next(finding for finding in found if finding.key == "ci.github.holder")


def test_the_job_that_held_the_lock_is_known_by_its_name() -> None:
    assert job_named(holder_finding()) == ("github: apply (infra/network)",)


def test_the_same_job_in_an_earlier_incident_is_told_whatever_its_state() -> None:
    events = [
        *journal((NOW - timedelta(days=2), snapshot(lock(B, who="runner@x"))), state="other/x.tfstate"),
        FindingRecorded(at=timestamp(NOW), finding=holder_finding()),
    ]
    before = earlier(events)
    assert before is not None
    assert "same job github: apply" in gather(before, jobs=("github: apply (infra/network)",))[SAME].fact


def test_an_incident_says_what_makes_it_a_recurrence() -> None:
    story = Story()
    assert recurring(story.incident) == ()
    for finding in gather(past(lock(B, created=TAKEN - timedelta(hours=2)), ended=TAKEN)).values():
        story.add(FindingRecorded, finding=finding)
    first, second = recurring(story.incident)
    assert "a cause, not an incident" in first
    assert "like this one" in second


def test_no_earlier_incident_at_all_is_no_recurrence() -> None:
    story = Story()
    for finding in gather().values():
        story.add(FindingRecorded, finding=finding)
    assert recurring(story.incident) == ()


NOT_RELEASED = f"""\
Apply complete! Resources: 1 added, 0 changed, 0 destroyed.

Error: Error releasing the state lock

Error message: failed to delete the lock file: operation error S3: DeleteObject, https response error StatusCode: 403,
api error AccessDenied: not authorized
Lock Info:
  ID:        {A}
  Path:      acme-tfstate/network/terraform.tfstate
  Operation: OperationTypeApply
  Who:       runner@ci-7
  Version:   1.11.4
  Created:   2026-11-23 02:41:09.123456789 +0000 UTC

Terraform acquires a lock when accessing your state to prevent others
running Terraform to potentially modify the state at the same time.
"""


def test_a_log_that_could_not_release_this_very_lock_is_a_cause() -> None:
    finding = unreleased(NOT_RELEASED, A, NOW)
    assert finding is not None
    story = Story()
    story.add(FindingRecorded, finding=finding)
    assert "a permission that is missing" in recurring(story.incident)[0]


def test_a_log_about_another_lock_or_without_such_an_error_is_none() -> None:
    assert unreleased(NOT_RELEASED, B, NOW) is None
    assert unreleased("Apply complete!", A, NOW) is None
