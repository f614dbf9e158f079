"""Sources are asked at once, each in its own thread; a dead one costs the others, the walk and the quitting nothing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.incidents import GOOD_ANSWERS, LOCKFILE_ONLY, RUNBOOK, START, TOLD, A, B, lock_text, look, stored
from tests.support.stuck import wait_for
from tests.walk.parts import Clock, FakeTerraform, Paper, Shelf
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.events import RetryEnded, timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.gates import Policy, Refusal
from tuirunbook.core.lock import Held, Store, StoredLock
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.walk.responder import Prepared
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import World

LONG = 20.0
Say = Callable[[], Iterable[Finding]]


def said(key: str, says: Says = Says.NOTHING, fact: str = "looked") -> Finding:
    return Finding(key=key, lock=A, says=says, fact=fact, source="the test", observed_at=timestamp(START))


class Source:
    """A source that does what it is told in its own thread."""

    def __init__(self, name: str, say: Say | None = None, *, can_block: bool = True) -> None:
        self.name = name
        self.can_block = can_block
        self.say: Say = say or (lambda: [said(name)])
        self.asked = 0
        self.threads: set[str] = set()

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        del lock, address, now
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        return self.say()


class Asked:
    """A desk over some sources, and what it handed on."""

    def __init__(self, *sources: Source, patience: float = LONG, refresh: float = LONG) -> None:
        self.told: queue.SimpleQueue[Finding] = queue.SimpleQueue()
        self.off: set[str] = set()
        self.desk = EvidenceDesk(
            sources, self.told.put, lambda: START, patience=patience, refresh=refresh, off=lambda: self.off
        )

    def next(self) -> Finding:
        return self.told.get(timeout=LONG)


@contextmanager
def hanging() -> Iterator[tuple[Say, threading.Event]]:
    """What a source does that never answers, until it is let go."""
    go = threading.Event()

    def hang() -> Iterable[Finding]:
        go.wait(LONG)
        return [said("late")]

    try:
        yield hang, go
    finally:
        go.set()


def test_eight_sources_are_asked_at_once_beside_one_that_is_dead() -> None:
    together = threading.Barrier(8)

    def slow(name: str) -> Say:
        def answer() -> Iterable[Finding]:
            together.wait(LONG)
            return [said(name)]

        return answer

    with hanging() as (hang, _):
        names = [f"source {number}" for number in range(8)]
        asked = Asked(Source("dead", hang), *(Source(name, slow(name)) for name in names))
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        assert {asked.next().key for _ in names} == set(names)


def test_each_is_asked_in_a_thread_of_its_own() -> None:
    sources = [Source("one"), Source("two")]
    asked = Asked(*sources)
    asked.desk.ask(look(address=LOCKFILE_ONLY))
    assert {asked.next().key for _ in sources} == {"one", "two"}
    assert [source.threads for source in sources] == [{"evidence: one"}, {"evidence: two"}]


def test_a_lock_in_both_stores_is_asked_about_once() -> None:
    source = Source("one")
    asked = Asked(source)
    asked.desk.ask(look())
    asked.next()
    wait_for(lambda: not asked.desk.asking, "the end")
    assert source.asked == 1


def test_one_that_does_not_answer_in_time_is_said_to_know_nothing() -> None:
    with hanging() as (hang, go):
        asked = Asked(Source("GitHub: acme/infra", hang), patience=0.05)
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        silence = asked.next()
        assert asked.desk.asking == ("GitHub: acme/infra",)
        go.set()
        late = [asked.next(), asked.next()]
    assert (silence.key, silence.says, silence.match) == ("asked.github-acme-infra", Says.UNKNOWN, Match.COULD_BE)
    assert "no answer within 0.05 s" in silence.fact
    assert [(finding.key, finding.says) for finding in late] == [
        ("late", Says.NOTHING),
        ("asked.github-acme-infra", Says.NOTHING),
    ]


def test_one_that_raises_has_not_answered_and_its_secrets_stay_with_it() -> None:
    def fail() -> Iterable[Finding]:
        yield said("before")
        raise OSError("token=abcdef0123456789 was refused")

    source = Source("Jenkins", fail)
    asked = Asked(source)
    asked.desk.ask(look(address=LOCKFILE_ONLY))
    first, failure = asked.next(), asked.next()
    assert (first.key, failure.says) == ("before", Says.UNKNOWN)
    assert "abcdef" not in failure.fact
    source.say = list
    asked.desk.ask(look(address=LOCKFILE_ONLY))
    assert asked.next().says is Says.NOTHING


def test_an_old_answer_does_not_replace_a_newer_one() -> None:
    with hanging() as (hang, go):
        source = Source("one", hang)
        asked = Asked(source, patience=0.05)
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        assert asked.next().says is Says.UNKNOWN
        source.say = lambda: [said("new")]
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        assert [asked.next().key, asked.next().key] == ["new", "asked.one"]
        go.set()
        wait_for(lambda: not asked.desk.asking, "the end")
        assert asked.told.empty()


def test_a_source_that_can_block_is_asked_again_by_itself_once_its_answer_is_old() -> None:
    blocking, other = Source("blocking"), Source("other", can_block=False)
    asked = Asked(blocking, other, refresh=0.0)
    asked.desk.refresh(look(address=LOCKFILE_ONLY))
    asked.next()
    wait_for(lambda: not asked.desk.asking, "the end")
    asked.desk.refresh(look(address=LOCKFILE_ONLY))
    asked.next()
    assert (blocking.asked, other.asked) == (2, 0)


def test_one_that_still_hangs_is_not_asked_again_by_itself() -> None:
    with hanging() as (hang, _):
        source = Source("one", hang)
        asked = Asked(source, refresh=0.0)
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        wait_for(lambda: source.asked == 1, "the question")
        asked.desk.refresh(look(address=LOCKFILE_ONLY))
        assert source.asked == 1


def test_a_fresh_answer_is_not_asked_for_again() -> None:
    source = Source("one")
    asked = Asked(source)
    asked.desk.ask(look(address=LOCKFILE_ONLY))
    asked.next()
    wait_for(lambda: not asked.desk.asking, "the end")
    asked.desk.refresh(look(address=LOCKFILE_ONLY))
    assert source.asked == 1


def test_one_source_can_be_asked_again_by_name() -> None:
    one, two = Source("one"), Source("two")
    asked = Asked(one, two)
    asked.desk.ask(look(address=LOCKFILE_ONLY), only="two")
    assert asked.next().key == "two"
    assert (one.asked, two.asked) == (0, 1)


class Steady(Source):
    """A source that is always asked."""

    why_always = "it is here"


def test_s6_a_source_that_is_turned_off_is_not_asked_by_anybody_but_one_that_always_is() -> None:
    off, steady, on = Source("off"), Steady("steady"), Source("on")
    asked = Asked(off, steady, on, refresh=0.0)
    asked.off |= {"off", "steady"}
    snapshot = look(address=LOCKFILE_ONLY)
    asked.desk.ask(snapshot)
    assert {asked.next().key, asked.next().key} == {"steady", "on"}
    wait_for(lambda: not asked.desk.asking, "the end")
    asked.desk.refresh(snapshot)
    assert {asked.next().key, asked.next().key} == {"steady", "on"}
    assert {finding.key for finding in asked.desk.again(snapshot)} == {"steady", "on"}
    asked.desk.ask(snapshot, only="off")
    assert (off.asked, asked.desk.asking) == (0, ())
    asked.off.clear()
    asked.desk.ask(snapshot, only="off")
    assert asked.next().key == "off"


def test_a_finding_says_which_source_was_asked_also_when_it_did_not_answer() -> None:
    with hanging() as (hang, _):
        asked = Asked(Source("dead", hang), Source("alive"), patience=0.05)
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        assert {(found.witness, found.says) for found in (asked.next(), asked.next())} == {
            ("dead", Says.UNKNOWN),
            ("alive", Says.NOTHING),
        }


def test_the_desk_tells_of_every_source_since_when_it_is_asked_and_when_it_answered_last() -> None:
    with hanging() as (hang, go):
        asked = Asked(Source("dead", hang), Steady("alive", can_block=False))
        never = asked.desk.sources
        assert [(one.asking_since, one.answered_at) for one in never] == [(None, None), (None, None)]
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        asked.next()
        wait_for(lambda: asked.desk.asking == ("dead",), "the answer")
        dead, alive = asked.desk.sources
        assert (dead.name, dead.can_block, dead.asking_since, dead.answered_at) == ("dead", True, START, None)
        assert (alive.can_block, alive.why_always, alive.asking_since) == (False, "it is here", None)
        assert alive.answered_at == START
        go.set()


def test_where_no_lock_is_held_nobody_is_asked() -> None:
    source = Source("one")
    asked = Asked(source)
    asked.desk.ask(look(address=LOCKFILE_ONLY, s3=look(address=LOCKFILE_ONLY).dynamodb))
    assert (source.asked, asked.desk.asking) == (0, ())


@pytest.mark.timeout(15)
def test_before_the_act_all_that_can_block_are_asked_again_within_a_bound() -> None:
    with hanging() as (hang, _):
        dead, alive = Source("dead", hang), Source("alive", lambda: [said("ci.run", Says.BLOCKS)])
        calm = Source("calm", can_block=False)
        asked = Asked(dead, alive, calm, patience=0.2)
        snapshot = look(address=LOCKFILE_ONLY)
        found = list(asked.desk.again(snapshot))
    assert {(finding.key, finding.says) for finding in found} == {
        ("ci.run", Says.BLOCKS),
        ("asked.dead", Says.UNKNOWN),
    }
    assert calm.asked == 0


def test_before_the_act_each_is_asked_once_about_each_lock_and_all_at_once() -> None:
    both = threading.Barrier(2)

    def meet() -> list[Finding]:
        both.wait(LONG)
        return [said("met")]

    source = Source("one", meet)
    asked = Asked(source)
    halves = look(dynamodb=Held(lock=stored(Store.DYNAMODB, lock_text(B))))
    assert [finding.key for finding in asked.desk.again(halves)] == ["met", "met"]
    single = Source("one")
    assert [finding.key for finding in Asked(single).desk.again(look())] == ["one"]
    assert (source.asked, single.asked) == (2, 1)


def test_what_is_taken_away_before_the_act_is_not_handed_on_twice() -> None:
    asked = Asked(Source("one"))
    snapshot = look(address=LOCKFILE_ONLY)
    assert [f.key for f in asked.desk.again(snapshot)] == ["one"]
    assert asked.told.empty()


def test_after_the_stop_nothing_is_handed_on() -> None:
    with hanging() as (hang, go):
        source = Source("one", hang)
        asked = Asked(source, patience=0.05)
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        asked.desk.stop()
        go.set()
        wait_for(lambda: not asked.desk.asking, "the end")
    assert asked.told.empty()


def test_all_threads_are_daemons_so_that_quitting_waits_for_none() -> None:
    with hanging() as (hang, _):
        asked = Asked(Source("one", hang))
        asked.desk.ask(look(address=LOCKFILE_ONLY))
        ours = [thread for thread in threading.enumerate() if thread.name.startswith("evidence: ")]
        assert ours
        assert all(thread.daemon for thread in ours)


@contextmanager
def walking(tmp_path: Path, *sources: Source, off: Sequence[str] = ()) -> Iterator[Walk]:
    """A walk on lock A with these sources, its first look taken."""
    clock = Clock()
    shelf = Shelf(clock, LOCKFILE_ONLY)
    paper = Paper(tmp_path)
    world = World(
        root=RootModule(directory=None, name="infra", backend=Backend(type="s3", arguments={})),
        store=shelf,
        terraform=FakeTerraform(shelf),
        policy=Policy(),
        create_journal=lambda _: paper,
        operator="priya",
        host="oncall",
        tool="0",
        sources=sources,
        sources_off=off,
        clock=clock,
    )
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    walk = set_up(world, RUNBOOK, told.put)
    walk.start()
    try:
        wait_for(lambda: walk.scribe.incident.snapshot is not None, "the first look")
        yield walk
    finally:
        walk.stop(LONG)


def do(walk: Walk, request: Callable[..., Any], *args: Any, **facts: Any) -> Any:
    return walk.desk.submit(request, *args, **facts).result(LONG)


def test_a_dead_source_holds_up_neither_the_incident_nor_what_others_find(tmp_path: Path) -> None:
    with (
        hanging() as (hang, _),
        walking(tmp_path, Source("dead", hang), Source("alive", lambda: [said("ci.run", Says.BLOCKS)])) as walk,
    ):
        wait_for(lambda: (A, "ci.run") in walk.scribe.incident.findings, "the finding")
        do(walk, walk.clerk.answer, A, "ci", "none", TOLD)
        assert judge(walk.scribe.incident, A).opinion is Opinion.ACTIVE
        assert walk.evidence.asking == ("dead",)


def test_findings_are_recorded_by_the_incidents_own_thread(tmp_path: Path) -> None:
    source = Source("alive")
    with walking(tmp_path, source) as walk:
        wait_for(lambda: (A, "alive") in walk.scribe.incident.findings, "the finding")
    assert source.threads == {"evidence: alive"}


def test_s1_a_run_that_started_while_the_confirmation_was_typed_refuses_the_release(tmp_path: Path) -> None:
    source = Source("CI", list)
    with walking(tmp_path, source) as walk:
        for question, value in GOOD_ANSWERS.items():
            do(walk, walk.clerk.answer, A, question, value, TOLD)
        do(walk, walk.scribe.record, RetryEnded, outcome="refused-by-this", source="plan", lock=A, locks=(A,))
        prepared = do(walk, walk.responder.prepare, ForceUnlock(lock=A))
        assert isinstance(prepared, Prepared), prepared
        source.say = lambda: [said("ci.run", Says.BLOCKS, "run 4712 is in progress")]
        typed = {field.id: field.exactly or ", ".join(field.names) or "x" for field in prepared.fields}
        refused = do(walk, walk.responder.release, prepared, typed)
    assert isinstance(refused, Refusal)
    assert "run 4712 is in progress" in refused.why


def test_s6_a_refusal_found_in_a_log_is_recorded_as_the_retry_once_and_with_its_link(tmp_path: Path) -> None:
    refusal = msgspec.structs.replace(
        said("ci.github.retry"), link="https://ci/812", refused_at=timestamp(START - timedelta(minutes=1))
    )
    source = Source("CI", lambda: [refusal, said("ci.github.asked")])
    with walking(tmp_path, source) as walk:
        wait_for(lambda: (A, "ci.github.asked") in walk.scribe.incident.findings, "both findings")
        do(walk, walk.scribe.now)
        incident = walk.scribe.incident
    retry = incident.refused_by[A]
    assert (retry.source, retry.link, retry.lock, retry.by) == ("ci-log", "https://ci/812", A, "tflock-tui")
    assert incident.last_retry is retry


def test_s6_the_users_settings_turn_sources_off_before_anything_is_asked_and_none_that_always_is(
    tmp_path: Path,
) -> None:
    cluster, here, other = Source("Kubernetes of prod"), Steady("processes"), Source("other")
    with walking(tmp_path, cluster, here, other, off=("kubernetes", "proc", "")) as walk:
        wait_for(lambda: {(A, "processes"), (A, "other")} <= set(walk.scribe.incident.findings), "the findings")
        incident = walk.scribe.incident
    assert cluster.asked == 0
    assert {name: event.why for name, event in incident.off.items()} == {"Kubernetes of prod": "by the user's settings"}
    assert "Kubernetes of prod: turned off" in judge(incident, A).not_checked[0]
