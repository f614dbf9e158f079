"""Surveys and waiting, over real stores on the embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.aws import REGION
from tests.support.locks import (
    BUCKET,
    LOCK_ID,
    SECOND,
    TABLE,
    lock_json,
    make_backend,
    make_store,
    put_item,
    put_lockfile,
)
from tuirunbook.core.backend import RootModule
from tuirunbook.survey import (
    Outcome,
    Status,
    status_exit,
    status_object,
    wait_for_release,
)

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws
    from tuirunbook.locks import AwsLockStore


@pytest.fixture
def backend(aws: EmbeddedAws) -> EmbeddedAws:
    aws.create_backend(BUCKET, TABLE)
    return aws


def root(name: str, **arguments: object) -> RootModule:
    return RootModule(directory=None, name=name, backend=make_backend(region=REGION, **arguments))


def release(aws: EmbeddedAws) -> None:
    aws.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": LOCK_ID}})


class Time:
    """A clock that only moves when somebody sleeps, and what happens meanwhile."""

    def __init__(self, *happenings: object) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self._happenings = list(happenings)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        if self._happenings:
            happening = self._happenings.pop(0)
            if callable(happening):
                happening()

    def monotonic(self) -> float:
        return self.now


def wait(store: AwsLockStore, time: Time, seconds: float | None = 600) -> tuple[Outcome, list[str]]:
    told: list[str] = []
    ended = wait_for_release(store, seconds=seconds, tell=told.append, sleep=time.sleep, monotonic=time.monotonic)
    return ended.outcome, told


def test_a_snapshot_of_two_free_stores_is_free_and_of_a_blind_one_is_not_known(backend: EmbeddedAws) -> None:
    assert status_exit(make_store(backend).look()) is Status.FREE
    backend.deny("GetObject")
    snapshot = make_store(backend).look()
    assert status_exit(snapshot) is Status.UNKNOWN
    assert status_object(snapshot)["held"] is None


def test_a_lock_beside_a_blind_store_is_held(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    backend.deny("GetObject")
    assert status_exit(make_store(backend).look()) is Status.HELD


def test_a_wait_ends_when_the_lock_that_was_seen_has_left(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    outcome, told = wait(make_store(backend), Time(None, lambda: release(backend)))
    assert outcome is Outcome.RELEASED
    assert told[0].startswith("held: Apply by root@runner-7")
    assert "the lock left DynamoDB" in told


def test_a_wait_goes_on_when_the_lock_changes_hands_or_leaves_one_store_only(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    put_lockfile(backend, lock_json())
    next_one = lambda: put_item(backend, lock_json(SECOND, Who="ci@next"))  # noqa: E731 - what happens meanwhile
    outcome, told = wait(make_store(backend), Time(lambda: release(backend), next_one), seconds=30)
    assert outcome is Outcome.HELD
    assert any("ci@next" in line for line in told)


def test_blindness_is_never_a_release(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())

    def go_blind() -> None:
        backend.deny("GetItem")
        release(backend)

    outcome, told = wait(make_store(backend), Time(go_blind), seconds=120)
    assert outcome is Outcome.BLIND
    assert any("cannot be read any more" in line for line in told)


def test_sight_that_comes_back_to_a_free_store_is_a_release(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    rules = []

    def go_blind() -> None:
        rules.append(backend.deny("GetItem"))
        release(backend)

    outcome, _ = wait(make_store(backend), Time(go_blind, None, lambda: backend.remove(rules[0])))
    assert outcome is Outcome.RELEASED


def test_a_state_that_was_free_from_the_start_is_not_released(backend: EmbeddedAws) -> None:
    assert wait(make_store(backend), Time())[0] is Outcome.NEVER_HELD


def test_a_long_wait_looks_less_often_and_once_more_at_its_end(backend: EmbeddedAws) -> None:
    put_item(backend, lock_json())
    time = Time()
    assert wait(make_store(backend, use_lockfile=None), time, seconds=1000)[0] is Outcome.HELD
    assert time.now == 1000
    assert time.pauses[0] < max(time.pauses)
