"""Whatever happens, in whatever order: a permit exactly when every condition of S6, S9, S15 and S16 holds.

The oracle below knows nothing of the fold, the observer or the gates. It keeps the plain history of what was seen and
said, and works out from the design's own words whether lock A may be force-unlocked.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.support.incidents import FREE, TOLD, UNREAD, A, B, held, lock_text, state_head
from tests.walk.parts import Bench, child
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.confirmation import Confirmation, form
from tuirunbook.core.events import (
    CommandEnded,
    CommandStarted,
    ErrorPasted,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.gates import Permit, Policy, Refusal, permit, renew
from tuirunbook.core.lock import Reading, Store
from tuirunbook.walk.clerk import TAKES_BACK

UNLOCK = ForceUnlock(lock=A)
LOCKS = {"A": A, "B": B}
HOLDER = ("ci", "owner", "holder-host")
WEIGHT = {
    "ci": {"running": "block", "ended": "support", "none": "nothing", "dont-know": "unknown"},
    "owner": {"mine-running": "block", "mine-died": "support", "not-mine": "nothing", "dont-know": "unknown"},
    "holder-host": {"alive": "block", "ended": "support", "unreachable": "nothing", "dont-know": "unknown"},
    "next": {"nothing": "nothing", "held": "nothing", "dont-know": "unknown"},
}
STORES = st.sampled_from(["A", "B", "free", "unread", "A"])
Step = tuple[Any, ...]


def reading(store: Store, what: str) -> Reading:
    if what in LOCKS:
        return held(store, lock_text(LOCKS[what]))
    return FREE if what == "free" else UNREAD


@dataclass
class Said:
    """Something that was said about a lock, and what was known of the world when it was said."""

    value: str
    moment: int


@dataclass
class Oracle:
    """The plain history. `moment` counts real changes of the world; what was said before the latest one is void."""

    time: float = 0.0
    moment: int = 0
    known: dict[str, str] = field(default_factory=dict)
    now: dict[str, str] = field(default_factory=dict)
    stands_since: float = 0.0
    looked_at: float = 0.0
    seen: set[str] = field(default_factory=set)
    answers: dict[tuple[str, str], Said] = field(default_factory=dict)
    retries: dict[str, tuple[Said, float, str]] = field(default_factory=dict)
    skips: dict[str, Said] = field(default_factory=dict)
    blocks: dict[tuple[str, str], tuple[str, bool, float]] = field(default_factory=dict)
    disputes: dict[tuple[str, str], tuple[Said, float]] = field(default_factory=dict)
    pasted: dict[str, float] = field(default_factory=dict)
    elsewhere: bool = False
    running: bool = False
    unended: bool = False

    def look(self, s3: str, dynamodb: str, state: str) -> None:
        now = {"s3": s3, "dynamodb": dynamodb, "state": state}
        read = {self.known.get("s3"), self.known.get("dynamodb")}
        about = {lock for lock in LOCKS if lock in read or self.spoken_of(lock)} & {s3, dynamodb}
        changed = {k for k, v in now.items() if v != "unread" and self.known.get(k, v) != v}
        if "state" in changed:
            self.blocks |= {(lock, "state.state-written"): ("names", False, self.time) for lock in about}
        if changed:
            self.moment += 1
        if now != self.now:
            self.stands_since = self.time
        self.known |= {k: v for k, v in now.items() if v != "unread"}
        self.now, self.looked_at = now, self.time
        self.seen |= {s3, dynamodb} & set(LOCKS)

    def spoken_of(self, lock: str) -> bool:
        """Whether anything that counts has been said about the lock."""
        said = [said for (about, _), said in self.answers.items() if about == lock]
        said += [dispute[0] for (about, _), dispute in self.disputes.items() if about == lock]
        said += [self.retries[lock][0]] if lock in self.retries else []
        said += [self.skips[lock]] if lock in self.skips else []
        return any(one.moment == self.moment for one in said)

    def held(self) -> set[str]:
        return {self.now.get("s3", ""), self.now.get("dynamodb", "")} & set(LOCKS)

    def answer(self, lock: str, question: str) -> str:
        said = self.answers.get((lock, question))
        if said and said.value == "mine-running":
            return "block"
        return WEIGHT[question][said.value] if said and said.moment == self.moment else "unknown"

    def active(self, lock: str) -> bool:
        for (about, key), (match, final, since) in self.blocks.items():
            dispute = self.disputes.get((lock, key))
            disputed = dispute and dispute[0].moment == self.moment and dispute[1] >= since
            if about == lock and match == "names" and (final or not disputed):
                return True
        return any(self.answer(lock, question) == "block" for question in HOLDER)

    def retried(self, lock: str) -> bool:
        said = self.retries.get(lock)
        skip = self.skips.get(lock)
        listed = skip and skip.moment == self.moment and (skip.value == "side-effects" or len(self.held()) > 1)
        return bool((said and said[0].moment == self.moment) or listed)

    def proven_after(self, pasted: float) -> bool:
        return any(
            said.moment == self.moment and source != "probe" and at >= pasted
            for said, at, source in self.retries.values()
        )

    def allows(self) -> bool:
        stores = (self.now.get("s3"), self.now.get("dynamodb"))
        lone = any(stores.count(lock) == 1 for lock in self.held())
        return (
            "A" in self.held()
            and "unread" not in stores
            and not self.running
            and not self.unended
            and not self.elsewhere
            and all(lock in self.seen or self.proven_after(at) for lock, at in self.pasted.items())
            and all(self.answer(lock, question) != "unknown" for lock in self.held() for question in HOLDER)
            and not any(self.active(lock) for lock in self.held())
            and self.retried("A")
            and self.answer("A", "next") != "unknown"
            and (not lone or self.looked_at - self.stands_since >= 5)
        )


class Pair:
    """The walk and the oracle, told the same things."""

    def __init__(self) -> None:
        self.bench = Bench(Path("/nowhere"))
        self.oracle = Oracle()

    def step(self, step: Step) -> None:
        self.bench.clock.forward(1)
        self.oracle.time += 1
        name, *facts = step
        getattr(self, name)(*facts)

    def look(self, s3: str, dynamodb: str, state: str) -> None:
        shelf = self.bench.shelf
        shelf.readings = {Store.S3: reading(Store.S3, s3), Store.DYNAMODB: reading(Store.DYNAMODB, dynamodb)}
        shelf.state = UNREAD if state == "unread" else state_head(int(state))
        self.bench.look()
        self.oracle.look(s3, dynamodb, state)

    def wait(self, seconds: int) -> None:
        self.bench.clock.forward(seconds)
        self.oracle.time += seconds
        if self.oracle.now:
            self.look(*self.oracle.now.values())

    def answer(self, lock: str, question: str, value: str) -> None:
        before = self.oracle.answers.get((lock, question))
        final = before and before.value == "mine-running" != value
        # Who said so takes it back by saying what became of it; the teller is the same here.
        final = final and value not in TAKES_BACK["mine-running"]
        try:
            self.bench.clerk.answer(LOCKS[lock], question, value, TOLD)
        except ValueError:
            assert final or lock not in self.oracle.held()
            return
        assert not final
        self.oracle.answers[lock, question] = Said(value, self.oracle.moment)

    def retry(self, lock: str, source: str, elsewhere: bool) -> None:  # noqa: FBT001
        self.bench.scribe.record(
            RetryEnded,
            outcome="obtained" if elsewhere else "refused-by-this",
            source=source,
            lock=LOCKS[lock],
            elsewhere="it took the lock" if elsewhere else "",
        )
        if elsewhere:
            self.oracle.elsewhere = True
            return
        self.oracle.retries[lock] = (Said("", self.oracle.moment), self.oracle.time, source)
        if source != "probe":
            self.oracle.elsewhere = False

    def skip(self, lock: str, reason: str) -> None:
        self.bench.clerk.skip("retry-plan", reason, lock=LOCKS[lock])
        self.oracle.skips[lock] = Said(reason, self.oracle.moment)

    def paste(self, lock: str) -> None:
        self.bench.scribe.record(ErrorPasted, text="…", diagnosis="held", locks=(LOCKS[lock],))
        self.oracle.pasted[lock] = self.oracle.time

    def finding(self, lock: str, match: str, final: bool) -> None:  # noqa: FBT001
        now = timestamp(self.bench.clock())
        finding = Finding(
            key="ci.run",
            lock=LOCKS[lock],
            says=Says.BLOCKS,
            match=Match.NAMES_THIS_STATE if match == "names" else Match.COULD_BE,
            final=final,
            fact=f"seen at {now}",
            source="s",
            observed_at=now,
        )
        self.bench.observer.weigh_in(finding)
        self.oracle.blocks[lock, "ci.run"] = (match, final, self.oracle.time)

    def dispute(self, lock: str, key: str) -> None:
        try:
            self.bench.dispute(key, LOCKS[lock])
        except ValueError:
            return
        self.oracle.disputes[lock, key] = (Said("", self.oracle.moment), self.oracle.time)

    def run(self) -> None:
        if not self.oracle.running:
            self.bench.scribe.record(CommandStarted, child=child("plan-1", Path("/log")), purpose="plan")
            self.oracle.running = True

    def end(self) -> None:
        self.bench.scribe.record(CommandEnded, command="plan-1", exit_code=1)
        self.oracle.running = False

    def intend(self) -> None:
        number = len(self.bench.incident.releases) + 1
        self.bench.scribe.record(
            ReleaseIntended, release=number, method="force-unlock", lock=A, fingerprint="f", verdict="orphaned"
        )
        self.oracle.unended = True

    def outcome(self) -> None:
        for release in self.bench.incident.releases:
            if release.ended is None:
                self.bench.scribe.record(ReleaseEnded, release=release.intended.release, outcome="not-tried")
        self.oracle.unended = False

    def asked(self) -> Permit | Refusal:
        snapshot, incident = self.bench.observer.latest, self.bench.incident
        fields = form(UNLOCK, incident, snapshot) if snapshot else ()
        typed = {f.id: f.exactly or f"{f.id}: {', '.join(f.names)}" for f in fields}
        confirmation = Confirmation(fingerprint=snapshot.fingerprint if snapshot else "", typed=typed)
        return permit(UNLOCK, incident, snapshot, Policy(), confirmation)


WHO = st.sampled_from(["A", "A", "B"])
ANSWERS = st.sampled_from([(q, v) for q, weights in WEIGHT.items() for v in weights])
STEPS = st.one_of(
    st.tuples(st.just("look"), STORES, STORES, st.sampled_from(["1", "1", "2", "unread"])),
    st.tuples(st.just("wait"), st.integers(1, 9)),
    st.builds(lambda lock, answer: ("answer", lock, *answer), WHO, ANSWERS),
    st.tuples(st.just("retry"), WHO, st.sampled_from(["plan", "probe", "ci"]), st.booleans()),
    st.tuples(st.just("skip"), WHO, st.sampled_from(["side-effects", "hidden-by-other-half"])),
    st.tuples(st.just("paste"), WHO),
    st.tuples(st.just("finding"), WHO, st.sampled_from(["names", "could-be"]), st.booleans()),
    st.tuples(st.just("dispute"), WHO, st.sampled_from(["ci.run", "state.state-written"])),
    st.tuples(st.just("run")),
    st.tuples(st.just("end")),
    st.tuples(st.just("intend")),
    st.tuples(st.just("outcome")),
)
ALL_DONE: list[Step] = [
    ("look", "A", "A", "1"),
    ("answer", "A", "ci", "ended"),
    ("answer", "A", "owner", "mine-died"),
    ("answer", "A", "holder-host", "ended"),
    ("answer", "A", "next", "nothing"),
    ("retry", "A", "plan", False),
]
BOTH_DONE: list[Step] = [
    ("look", "A", "B", "1"),
    *((name, lock, *rest) for lock in "AB" for name, _, *rest in ALL_DONE[1:]),
    ("wait", 6),
]
BEGINNINGS = st.sampled_from([[], ALL_DONE, ALL_DONE, BOTH_DONE])


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BEGINNINGS, st.lists(STEPS, max_size=12))
def test_s6_s9_s15_s16_a_permit_exactly_when_every_condition_holds(beginning: list[Step], steps: list[Step]) -> None:
    pair = Pair()
    for step in [*beginning, *steps]:
        pair.step(step)
        answer = pair.asked()
        allowed = isinstance(answer, Permit)
        event(f"allowed {allowed}")
        assert allowed == pair.oracle.allows(), (step, answer, dataclasses.asdict(pair.oracle))


@settings(max_examples=200, deadline=None)
@given(st.permutations(ALL_DONE[1:]))
def test_the_order_in_which_the_conditions_are_met_does_not_matter(steps: list[Step]) -> None:
    pair = Pair()
    pair.step(ALL_DONE[0])
    for count, step in enumerate(steps, 1):
        pair.step(step)
        assert isinstance(pair.asked(), Permit) == (count == len(steps))


@settings(max_examples=300, deadline=None)
@given(BEGINNINGS.filter(bool), st.lists(STEPS, max_size=8), STORES, STORES)
def test_s1_no_permit_outlives_a_look_that_differs(
    beginning: list[Step], steps: list[Step], s3: str, dynamodb: str
) -> None:
    pair = Pair()
    for step in [*beginning, *steps]:
        pair.step(step)
    given = pair.asked()
    if not isinstance(given, Permit) or given.snapshot is None:
        return
    fresh = msgspec.structs.replace(
        given.snapshot,
        s3=reading(Store.S3, s3),
        dynamodb=reading(Store.DYNAMODB, dynamodb),
        taken_at=given.snapshot.taken_at + timedelta(seconds=1),
    )
    renewed = renew(given, pair.bench.incident, fresh, Policy())
    same = [pair.oracle.now["s3"], pair.oracle.now["dynamodb"]] == [s3, dynamodb]
    assert isinstance(renewed, Permit) == same
