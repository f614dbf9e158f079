"""The walk on real parts: terraform's own locks, AWS calls over HTTP, a journal on disk."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.support.aws import ACCOUNT
from tests.support.incidents import GOOD_ANSWERS, RUNBOOK, START, TOLD
from tests.support.stuck import BUCKET, REAL, TABLE, Mode, PracticeRoot, live_apply, practice_root, stuck_lock, wait_for
from tests.walk.parts import Clock
from tuirunbook.core.actions import DeleteLock, ForceUnlock
from tuirunbook.core.events import NoteAdded, ReleaseEnded
from tuirunbook.core.gates import Policy, Refusal
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockIdentity, Store
from tuirunbook.journal.journals import Journals
from tuirunbook.locks import AwsLockStore, clients
from tuirunbook.terraform.cli import TerraformCli
from tuirunbook.walk.messages import PlanEnded
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.responder import Prepared, Released
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import Resumption, World

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

pytestmark = REAL
R = TypeVar("R")
LONG = 60.0


@dataclasses.dataclass
class Walking:
    """A started walk, asked for things as a front end asks."""

    walk: Walk
    told: queue.SimpleQueue[Any]
    clock: Clock
    journals: Journals

    @property
    def incident(self) -> Incident:
        return self.walk.scribe.incident

    def do(self, request: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Have it done by the incident's thread."""
        return self.walk.desk.submit(request, *args, **kwargs).result(LONG)

    def wait_for(self, kind: type[R]) -> R:
        while True:
            message = self.told.get(timeout=LONG)
            if isinstance(message, kind):
                return message

    def retry(self, *, probe: bool = False) -> PlanEnded:
        started = self.do(self.walk.commands.start, probe=probe)
        assert not isinstance(started, Refusal), started
        return self.wait_for(PlanEnded)

    def answer(self, lock: LockIdentity) -> None:
        for question, value in GOOD_ANSWERS.items():
            self.do(self.walk.clerk.answer, lock, question, value, TOLD)

    def prepare(self, action: ForceUnlock | DeleteLock) -> Prepared:
        prepared = self.do(self.walk.responder.prepare, action)
        assert isinstance(prepared, Prepared), prepared
        return prepared

    def confirm(self, prepared: Prepared) -> Released:
        typed = {f.id: f.exactly or f"{f.id} was looked at: {', '.join(f.names)}" for f in prepared.fields}
        released = self.do(self.walk.responder.release, prepared, typed)
        assert isinstance(released, Released), released
        return released


Start = Callable[..., Walking]


@pytest.fixture
def start(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Start]:
    """Starts walks of a practice root, and stops them in the end."""
    walks: list[Walk] = []

    def begin(
        root: PracticeRoot, *, resumed: Incident | None = None, clock: Clock | None = None, **arguments: Any
    ) -> Walking:
        clock = clock or Clock()
        journals = Journals(tmp_path / "incidents")
        seen = dataclasses.replace(root, arguments=dict(root.arguments) | arguments)
        made = clients(seen.module.backend, environ=aws.environ())
        aws.closing(made)
        world = World(
            root=root.module,
            store=AwsLockStore(seen.address, made, clock=clock, if_match_endpoints=[aws.endpoint]),
            terraform=TerraformCli(root.module, environ=aws.environ(), parent=tmp_path),
            policy=Policy(if_match_endpoints=(aws.endpoint,)),
            create_journal=journals.create,
            operator="priya",
            host="oncall",
            tool="0",
            clock=clock,
        )
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        resumption = None
        if resumed is not None:
            resumption = Resumption(incident=resumed, journal=journals.open_for_writing(resumed.id))
        walk = set_up(world, RUNBOOK, told.put, incident_id=journals.fresh_name(START), resumption=resumption)
        walks.append(walk)
        walk.start()
        walking = Walking(walk, told, clock, journals)
        walking.wait_for(Looked)
        return walking

    yield begin
    for walk in walks:
        walk.stop(LONG)


def as_written(walking: Walking) -> None:
    """The journal on disk verifies, and tells what the walk holds in memory."""
    walking.walk.watcher.stop()
    walking.do(lambda: None)
    told, chain = walking.journals.replay(walking.incident.id)
    assert chain.verified
    assert told == walking.incident


@pytest.mark.parametrize(
    ("mode", "workspace"),
    [(Mode.DYNAMODB, "default"), (Mode.LOCKFILE, "default"), (Mode.BOTH, "default"), (Mode.BOTH, "prod")],
)
def test_the_lock_of_a_killed_apply_is_walked_to_its_release(
    aws: EmbeddedAws, tmp_path: Path, start: Start, mode: Mode, workspace: str
) -> None:
    root = practice_root(aws, tmp_path / "infra", mode, workspace=workspace)
    stuck = stuck_lock(root)
    before = root.objects()
    walking = start(root)
    lock = LockIdentity(stuck.lock_id)

    ended = walking.retry()
    assert ended.retry is not None
    assert (ended.retry.outcome, ended.retry.lock) == ("refused-by-this", lock)
    walking.answer(lock)
    walking.do(walking.walk.checks.before)
    prepared = walking.prepare(ForceUnlock(lock=lock))
    assert (prepared.verdict.opinion, prepared.command[-1]) == ("orphaned", lock)
    released = walking.confirm(prepared)

    assert (released.outcome, root.locks()) == ("released", {})
    assert walking.incident.gone
    assert root.objects() == before - {stuck.address.lockfile_key}
    walking.do(walking.walk.checks.after)
    assert walking.incident.checks["after", "stores"].result == "ok"
    plan = walking.retry()
    assert plan.exit_code == 0
    assert walking.incident.checks["after", "plan"].result == "ok"
    as_written(walking)


def test_s6_a_lock_that_only_one_store_kept_is_released_although_terraform_says_it_failed(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.BOTH)
    stuck = stuck_lock(root)
    root.s3.delete_object(Bucket=BUCKET, Key=stuck.address.lockfile_key)
    lock = LockIdentity(stuck.lock_id)
    walking = start(root)
    walking.answer(lock)
    walking.retry()
    too_soon = walking.do(walking.walk.responder.prepare, ForceUnlock(lock=lock))
    assert isinstance(too_soon, Refusal)
    walking.clock.forward(6)
    released = walking.confirm(walking.prepare(ForceUnlock(lock=lock)))
    assert (released.outcome, released.exit_code, root.locks()) == ("released", 1, {})


def test_s7_an_unreadable_lock_is_walked_to_its_conditional_delete(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.DYNAMODB)
    with live_apply(root):
        pass
    address, objects = root.address, root.objects()
    root.dynamodb.put_item(TableName=TABLE, Item={"LockID": {"S": address.lock_id}, "Info": {"S": "{broken"}})
    walking = start(root)
    (lock,) = walking.incident.identities
    ended = walking.retry(probe=True)
    assert ended.retry is not None
    assert (ended.retry.outcome, ended.retry.lock) == ("refused-by-this", lock)
    walking.answer(lock)
    failed = walking.confirm(walking.prepare(ForceUnlock(lock=lock)))
    assert (failed.outcome, failed.failure) == ("still-held", "unreadable")
    released = walking.confirm(walking.prepare(DeleteLock(lock=lock, store=Store.DYNAMODB)))
    assert (released.outcome, root.locks()) == ("released", {})
    left = [item["LockID"]["S"] for item in root.dynamodb.scan(TableName=TABLE)["Items"]]
    assert (left, root.objects()) == ([address.digest_id], objects)
    as_written(walking)


def test_s3_a_lock_that_is_taken_between_our_last_read_and_our_delete_stays(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.DYNAMODB)
    key = {"LockID": {"S": root.address.lock_id}}
    root.dynamodb.put_item(TableName=TABLE, Item=key | {"Info": {"S": "{broken"}})
    walking = start(root)
    (lock,) = walking.incident.identities
    walking.retry(probe=True)
    walking.answer(lock)
    walking.confirm(walking.prepare(ForceUnlock(lock=lock)))
    prepared = walking.prepare(DeleteLock(lock=lock, store=Store.DYNAMODB))
    outcomes: list[Released] = []
    with aws.hold("DeleteItem") as held:
        thread = threading.Thread(target=lambda: outcomes.append(walking.confirm(prepared)))
        thread.start()
        held.wait()
        root.dynamodb.delete_item(TableName=TABLE, Key=key)
        with live_apply(root) as live:
            held.release()
            thread.join(LONG)
            assert outcomes[0].outcome == "new-holder"
            assert root.locks()[Store.DYNAMODB]["ID"] == live.lock_id
    assert not walking.incident.gone


def test_s15_the_wrong_table_is_never_gone_and_never_released(aws: EmbeddedAws, tmp_path: Path, start: Start) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.DYNAMODB)
    stuck_lock(root)
    aws.create_backend("another-bucket", "another-table")
    walking = start(root, dynamodb_table="another-table")
    ended = walking.retry()
    assert ended.retry is not None
    assert "is not read here" in ended.retry.elsewhere
    assert not walking.incident.gone
    assert root.locks()


def test_s9_a_live_apply_is_active_and_keeps_its_lock(aws: EmbeddedAws, tmp_path: Path, start: Start) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.BOTH)
    with live_apply(root) as live:
        lock = LockIdentity(live.lock_id)
        walking = start(root)
        walking.retry()
        walking.answer(lock)
        walking.do(walking.walk.clerk.answer, lock, "owner", "mine-running", {"who": "sam"})
        refused = walking.do(walking.walk.responder.prepare, ForceUnlock(lock=lock))
        assert isinstance(refused, Refusal)
        assert "is active" in refused.why
        assert root.locked()


def test_s1_an_apply_that_took_over_while_the_confirmation_was_open_keeps_its_lock(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.BOTH)
    stuck = stuck_lock(root)
    lock = LockIdentity(stuck.lock_id)
    walking = start(root)
    walking.retry()
    walking.answer(lock)
    prepared = walking.prepare(ForceUnlock(lock=lock))
    root.terraform("force-unlock", "-force", stuck.lock_id)
    with live_apply(root) as live:
        typed = {f.id: f.exactly or "" for f in prepared.fields}
        refused = walking.do(walking.walk.responder.release, prepared, typed)
        assert isinstance(refused, Refusal)
        assert "changed hands" in refused.why
        assert {held["ID"] for held in root.locks().values()} == {live.lock_id}


def test_a_walk_goes_on_from_its_journal_after_the_tool_died_in_a_release(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.BOTH)
    stuck = stuck_lock(root)
    lock = LockIdentity(stuck.lock_id)
    first = start(root)
    first.retry()
    first.answer(lock)
    prepared = first.prepare(ForceUnlock(lock=lock))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    first.walk.responder._act = die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        first.confirm(prepared)
    first.walk.stop(LONG)

    incident, chain = first.journals.replay(first.incident.id)
    assert (chain.verified, incident.unended_release is not None) == (True, True)
    second = start(root, resumed=incident, clock=first.clock)
    ends = [release.ended for release in second.incident.releases]
    assert [end.outcome for end in ends if isinstance(end, ReleaseEnded)] == ["still-held"]
    assert second.confirm(second.prepare(ForceUnlock(lock=lock))).outcome == "released"
    assert root.locks() == {}
    as_written(second)


def test_s15_account_and_caller_are_asked_of_aws_and_written_down(
    aws: EmbeddedAws, tmp_path: Path, start: Start
) -> None:
    root = practice_root(aws, tmp_path / "infra", Mode.LOCKFILE)
    walking = start(root, skip_requesting_account_id=False)
    wait_for(lambda: walking.incident.account, "the account")
    assert (walking.incident.account, walking.incident.address.caller) == (
        ACCOUNT,
        walking.walk.world.store.address.caller,
    )
    walking.do(walking.walk.clerk.tell, NoteAdded, text="nothing is held")
    wait_for(walking.journals.names, "the journal")
    as_written(walking)
