"""From a pasted error on, what needs no AWS is asked about the lock that it claims; a look then says if it is so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.core.test_claims import error
from tests.support.incidents import LOCKFILE_ONLY, RUNBOOK, START, UNREAD, A, B, held, lock_text, look
from tests.support.stuck import wait_for
from tests.walk.parts import Clock, FakeTerraform, Paper, Shelf
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.claims import as_lock
from tuirunbook.core.events import ErrorPasted, FindingRecorded, timestamp
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.fold import fold
from tuirunbook.core.gates import Policy
from tuirunbook.core.lock import LockIdentity, Store, StoredLock, parse_lock_info
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import Resumption, World

LONG = 20.0


class Ci:
    """A source that needs no AWS: it says of each holder what `says` tells, and waits for `go` where it is set."""

    can_block = True

    def __init__(self, name: str = "CI", says: Callable[[StoredLock], Says] = lambda _: Says.BLOCKS) -> None:
        self.name = name
        self.says = says
        self.asked: list[StoredLock] = []
        self.wait: Callable[[StoredLock], object] = lambda _: None

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        del address, now
        self.asked.append(lock)
        self.wait(lock)
        yield Finding(
            key=f"{self.name}.holder",
            lock=lock.identity,
            says=self.says(lock),
            fact=f"{lock.info.who if lock.info else 'somebody'} was asked about",
            source=self.name,
            observed_at=timestamp(START),
        )

    def asked_about(self) -> list[str]:
        return [lock.info.who for lock in self.asked if lock.info]


class Trail(Ci):
    """One that is asked with the login that the locks are read with."""

    asks_aws = True


class Place:
    """A walk's world, whose looks wait until they are let."""

    def __init__(self, directory: Path, sources: Sequence[Ci]) -> None:
        self.shelf = Shelf(Clock(), LOCKFILE_ONLY)
        self.paper = Paper(directory)
        self.looks = threading.Event()
        self.shelf.before_look.append(self._wait)
        self.sources = sources

    def _wait(self) -> None:
        assert self.looks.wait(LONG)

    @contextmanager
    def walk(self, resumption: Resumption | None = None) -> Iterator[Walk]:
        world = World(
            root=RootModule(directory=None, name="infra", backend=Backend(type="s3", arguments={})),
            store=self.shelf,
            terraform=FakeTerraform(self.shelf),
            policy=Policy(),
            create_journal=lambda _: self.paper,
            operator="priya",
            host="oncall",
            tool="0",
            sources=self.sources,
            clock=self.shelf._clock,
        )
        walk = set_up(world, RUNBOOK, lambda _: None, incident_id="261123-0312-kiwi", resumption=resumption)
        walk.start()
        try:
            yield walk
        finally:
            self.looks.set()
            walk.stop(LONG)

    def looked(self, walk: Walk) -> None:
        """Let the looks go on, and wait for what the first one shows to be written down."""
        self.looks.set()
        wait_for(lambda: walk.scribe.incident.snapshot is not None, "the first look")


def paste(walk: Walk, text: str) -> None:
    walk.desk.submit(walk.paste, text).result(LONG)


def found(walk: Walk, lock: LockIdentity = A, key: str = "CI.holder") -> Finding | None:
    return walk.scribe.incident.findings.get((lock, key))


def test_it_is_asked_and_recorded_before_aws_has_answered(tmp_path: Path) -> None:
    ci, trail = Ci(), Trail("trail")
    place = Place(tmp_path, [ci, trail])
    with place.walk() as walk:
        paste(walk, error())
        wait_for(lambda: found(walk), "what CI says")
        assert walk.scribe.incident.snapshot is None
        assert (ci.asked_about(), trail.asked_about()) == (["runner@ci-7"], [])
        kinds = [type(event) for event in place.paper.events]
        assert kinds.index(ErrorPasted) < kinds.index(FindingRecorded)


def test_where_aws_cannot_be_read_it_is_asked_and_stands_in_the_journal(tmp_path: Path) -> None:
    ci, trail = Ci(), Trail("trail")
    place = Place(tmp_path, [ci, trail])
    place.shelf.readings[Store.S3] = UNREAD
    with place.walk() as walk:
        paste(walk, error())
        place.looked(walk)
        wait_for(lambda: found(walk), "what CI says")
        wait_for(lambda: walk.scribe.incident.blind_since, "the loss of sight")
        incident = walk.scribe.incident
        assert ([info.id for info in incident.unseen], incident.identities) == ([A], ())
    assert trail.asked_about() == []
    kept = fold(place.paper.events)
    assert (kept.claims, kept.findings) == (incident.claims, incident.findings)


def test_it_counts_for_the_lock_that_a_look_then_shows_with_this_id(tmp_path: Path) -> None:
    ci, trail = Ci(), Trail("trail")
    place = Place(tmp_path, [ci, trail])
    with place.walk() as walk:
        paste(walk, error())
        wait_for(lambda: found(walk), "what CI says")
        place.looked(walk)
        assert judge(walk.scribe.incident, A).opinion is Opinion.ACTIVE
        wait_for(lambda: found(walk, key="trail.holder"), "what AWS says, now that it can be asked")


def test_it_never_counts_for_a_lock_that_a_look_then_shows_with_another_id(tmp_path: Path) -> None:
    ci = Ci(says=lambda lock: Says.SUPPORTS if lock.identity == A else Says.NOTHING)
    place = Place(tmp_path, [ci])
    place.shelf.hold(Store.S3, lock_text(B))
    with place.walk() as walk:
        paste(walk, error())
        wait_for(lambda: found(walk), "what CI says")
        place.looked(walk)
        wait_for(lambda: found(walk, B), "what CI says of the other")
        assert judge(walk.scribe.incident, B).supports == ()


def test_an_answer_about_a_claim_that_the_lock_does_not_bear_out_is_dropped_when_it_comes_late() -> None:
    late, never = threading.Event(), threading.Event()
    ci = Ci(says=lambda _: Says.SUPPORTS)
    ci.wait = lambda lock: (late if "kim@laptop" in str(lock.info) else never).wait(LONG)
    told: list[Finding] = []
    desk = EvidenceDesk([ci], told.append, lambda: START)

    def threads() -> int:
        return sum(thread.name == "evidence: CI" for thread in threading.enumerate())

    desk.ask_unseen([as_lock(parse_lock_info(lock_text(A, Who="kim@laptop")), LOCKFILE_ONLY)], LOCKFILE_ONLY)
    desk.ask(look(address=LOCKFILE_ONLY))
    late.set()
    wait_for(lambda: threads() == 1, "the late answer")
    assert told == []
    never.set()
    wait_for(lambda: threads() == 0, "the answer")
    assert [finding.fact for finding in told] == ["runner@ci-7 was asked about"]


def test_a_resumed_incident_asks_about_its_claim_while_aws_still_cannot_be_read(tmp_path: Path) -> None:
    first = Place(tmp_path, [])
    first.shelf.readings[Store.S3] = UNREAD
    with first.walk() as walk:
        paste(walk, error())
        first.looked(walk)
    ci = Ci()
    second = Place(tmp_path, [ci])
    second.shelf.readings[Store.S3] = UNREAD
    with second.walk(Resumption(incident=fold(first.paper.events), journal=second.paper)) as walk:
        second.looked(walk)
        wait_for(lambda: found(walk), "what CI says")
    assert set(ci.asked_about()) == {"runner@ci-7"}


def test_an_error_of_another_state_is_not_asked_about(tmp_path: Path) -> None:
    ci = Ci()
    place = Place(tmp_path, [ci])
    with place.walk() as walk:
        paste(walk, error(path="acme-tfstate/dns/terraform.tfstate"))
        assert (ci.asked, walk.evidence.asking) == ([], ())


def test_a_lock_that_was_read_is_asked_about_again_while_sight_is_lost(tmp_path: Path) -> None:
    ci = Ci()
    place = Place(tmp_path, [ci])
    with place.walk() as walk:
        place.looked(walk)
        wait_for(lambda: found(walk), "what CI says")
        place.shelf.readings[Store.S3] = UNREAD
        walk.watcher.look_now()
        wait_for(lambda: walk.scribe.incident.blind_since, "the loss of sight")
        assert [info.id for info in walk.scribe.incident.unseen] == [A]
        walk.desk.submit(walk.reception.ask_unseen).result(LONG)
        wait_for(lambda: len(ci.asked) > 1, "the second question")
        place.shelf.readings[Store.S3] = held(Store.S3)
    assert {lock.identity for lock in ci.asked} == {A}
