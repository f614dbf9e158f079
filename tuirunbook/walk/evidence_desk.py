"""Asks the sources of evidence, each in a thread of its own: a dead one costs nothing to the others or to the walk."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import LockIdentity, LockInfo, LockSnapshot, StoredLock
from tuirunbook.core.text import one_line, redact
from tuirunbook.walk.ports import AlwaysAsked, AsksAws, EvidenceSource

PATIENCE_SECONDS = 5.0
"""How long a source is waited for before it is said that it has not answered."""

REFRESH_SECONDS = 60.0
"""How old the answer of a source that can block may grow before it is asked again by itself."""


class EvidenceDesk:
    """Asks, and hands on what is found; it decides nothing.

    Threads are daemons, one for each question put to a source: quitting waits for none of them, and one that hangs
    holds up neither the next question nor anybody else. What comes late still counts, unless the same source has
    answered a later question meanwhile.

    Args:
        sources: Whom to ask.
        submit: Hands a finding to the incident's thread; it must not wait.
        clock: The time.
        patience: Seconds until a source counts as one that has not answered.
        refresh: Seconds until a source that can block is asked again.
        off: The names of the sources that are turned off. They are not asked, but for those that always are.
    """

    def __init__(
        self,
        sources: Sequence[EvidenceSource],
        submit: Callable[[Finding], object],
        clock: Callable[[], datetime],
        *,
        patience: float = PATIENCE_SECONDS,
        refresh: float = REFRESH_SECONDS,
        off: Callable[[], Container[str]] = frozenset,
    ) -> None:
        self._askers = [_Asker(source, submit, clock, patience) for source in sources]
        self._patience = patience
        self._refresh = refresh
        self._off = off

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        """Every source and how its questions stand, in the order in which they were given."""
        return tuple(asker.status for asker in self._askers)

    @property
    def asking(self) -> tuple[str, ...]:
        """The sources that are being asked right now, by name."""
        return tuple(asker.name for asker in self._askers if asker.busy)

    def ask(self, snapshot: LockSnapshot, only: str = "") -> None:
        """Ask every source about every lock of this look, all at once; or the one of that name."""
        self._ask([asker for asker in self._on() if not only or asker.name == only], snapshot)

    def refresh(self, snapshot: LockSnapshot) -> None:
        """Ask the sources that can block again, where what they said has grown old."""
        self._ask(self._old(), snapshot)

    def ask_unseen(
        self, locks: Sequence[StoredLock], address: StateAddress, *, only: str = "", again: bool = False
    ) -> None:
        """Ask the sources that need no login to AWS about locks that no look shows now.

        Args:
            locks: The locks, as a pasted error or an earlier look tells of them.
            address: Their state.
            only: The name of the one source to ask.
            again: Ask those alone that can block and whose answer has grown old.
        """
        askers = [asker for asker in (self._old() if again else self._on()) if not asker.asks_aws]
        self._mind_all(_put([asker for asker in askers if not only or asker.name == only], locks, address))

    def again(self, snapshot: LockSnapshot) -> Iterable[Finding]:
        """What every source that can block says now, about every lock of this look, and who has not answered in time.

        All are asked at once, each once for each lock; they are waited for, but together not longer than patience
        lasts.
        """
        deadline = time.monotonic() + self._patience
        askers = [asker for asker in self._on() if asker.can_block]
        for asker, question in _put(askers, _halves(snapshot), snapshot.address, waited_for=True):
            question.done.wait(max(0.0, deadline - time.monotonic()))
            silence = asker.note_silence(question)
            yield from question.found if silence is None else (silence,)

    def stop(self) -> None:
        """Hand on nothing any more."""
        for asker in self._askers:
            asker.stopped = True

    def _on(self) -> list[_Asker]:
        off = self._off()
        return [asker for asker in self._askers if asker.why_always or asker.name not in off]

    def _old(self) -> list[_Asker]:
        now = time.monotonic()
        old = [one for one in self._on() if one.can_block and now - one.asked_at >= self._refresh]
        return [asker for asker in old if not asker.busy]

    def _ask(self, askers: Sequence[_Asker], snapshot: LockSnapshot) -> None:
        self._mind_all(_put(askers, _halves(snapshot), snapshot.address))

    def _mind_all(self, questions: Sequence[tuple[_Asker, _Question]]) -> None:
        if questions:
            threading.Thread(target=self._mind, args=(questions,), name="evidence: patience", daemon=True).start()

    def _mind(self, questions: Sequence[tuple[_Asker, _Question]]) -> None:
        """Hand on the silence of those who do not answer in time."""
        deadline = time.monotonic() + self._patience
        for asker, question in questions:
            question.done.wait(max(0.0, deadline - time.monotonic()))
            asker.note_silence(question)


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One source, and how its questions stand.

    Attributes:
        name: What it asks, for people.
        can_block: Whether it is asked again between the last keystroke and the act.
        why_always: Why it cannot be turned off, or empty.
        asks_aws: Whether it is asked with the login that the locks are read with.
        asking_since: When the oldest question that it has not answered was put, or None.
        answered_at: When it answered last, or None.
    """

    name: str
    can_block: bool
    why_always: str = ""
    asks_aws: bool = False
    asking_since: datetime | None = None
    answered_at: datetime | None = None


class _Question(msgspec.Struct, kw_only=True):
    """One question to one source.

    Attributes:
        number: Which of its questions, from 1.
        lock: What it is about.
        info: What was known about that lock.
        waited_for: Whether somebody takes the answer away himself, so that it is handed on only when it is late.
        done: Set when the source has answered.
        late: Whether it was said that it has not answered in time.
        found: The answer.
    """

    number: int
    lock: LockIdentity
    info: LockInfo | None
    waited_for: bool
    done: threading.Event
    late: bool = False
    found: tuple[Finding, ...] = ()


class _Asker:
    """One source, and the questions that were put to it."""

    def __init__(
        self,
        source: EvidenceSource,
        submit: Callable[[Finding], object],
        clock: Callable[[], datetime],
        patience: float,
    ) -> None:
        self.name = source.name
        self.can_block = source.can_block
        self.why_always = source.why_always if isinstance(source, AlwaysAsked) else ""
        self.asks_aws = isinstance(source, AsksAws) and source.asks_aws
        self.asked_at = float("-inf")
        self.stopped = False
        self._source = source
        self._submit = submit
        self._clock = clock
        self._patience = patience
        self._gate = threading.Lock()
        self._numbers = 0
        self._open: dict[int, datetime] = {}
        self._answered_at: datetime | None = None
        self._answered: dict[LockIdentity, int] = {}
        self._silent: set[LockIdentity] = set()
        self._latest: dict[LockIdentity, LockInfo | None] = {}

    @property
    def busy(self) -> bool:
        """Whether a question is open."""
        return bool(self._open)

    @property
    def status(self) -> SourceStatus:
        """How its questions stand."""
        with self._gate:
            return SourceStatus(
                name=self.name,
                can_block=self.can_block,
                why_always=self.why_always,
                asks_aws=self.asks_aws,
                asking_since=min(self._open.values(), default=None),
                answered_at=self._answered_at,
            )

    def begin(self, lock: StoredLock, address: StateAddress, *, waited_for: bool = False) -> _Question:
        """Ask; what comes is handed on, unless it is `waited_for` and comes in time."""
        with self._gate:
            self._numbers += 1
            self._open[self._numbers] = self._clock()
            self.asked_at = time.monotonic()
            self._latest[lock.identity] = lock.info
            question = _Question(
                number=self._numbers,
                lock=lock.identity,
                info=lock.info,
                waited_for=waited_for,
                done=threading.Event(),
            )
        threading.Thread(
            target=self._answer, args=(question, lock, address), name=f"evidence: {self.name}", daemon=True
        ).start()
        return question

    def note_silence(self, question: _Question) -> Finding | None:
        """The finding that there is no answer in time, handed on unless it is waited for; None when there is one."""
        with self._gate:
            if question.done.is_set():
                return None
            question.late = True
            self._silent.add(question.lock)
            fact = f"{self.name}: no answer within {self._patience:g} s, so nothing is known from there"
            finding = self._about(question.lock, Says.UNKNOWN, fact)
            if not question.waited_for and not self.stopped:
                self._submit(finding)
            return finding

    def _answer(self, question: _Question, lock: StoredLock, address: StateAddress) -> None:
        found, failure = self._gathered(lock, address)
        with self._gate:
            del self._open[question.number]
            self._answered_at = self._clock()
            if failure is not None:
                self._silent.add(question.lock)
                found = (*found, failure)
            elif question.lock in self._silent:
                self._silent.discard(question.lock)
                found = (*found, self._about(question.lock, Says.NOTHING, f"{self.name} has answered after all"))
            question.found = found
            question.done.set()
            if self.stopped or self._is_outdated(question):
                return
            self._answered[question.lock] = question.number
            if not question.waited_for or question.late:
                for finding in found:
                    self._submit(finding)

    def _is_outdated(self, question: _Question) -> bool:
        """Whether a later question was answered already, or the lock turned out to be told of wrongly in this one."""
        latest = self._latest[question.lock]
        otherwise = question.info is not None and not question.info.tells_of_the_same(latest)
        return otherwise or self._answered.get(question.lock, 0) > question.number

    def _gathered(self, lock: StoredLock, address: StateAddress) -> tuple[tuple[Finding, ...], Finding | None]:
        found: list[Finding] = []
        try:
            answer = self._source.gather(lock, address, self._clock())
            found.extend(msgspec.structs.replace(finding, asked=self.name) for finding in answer)
        except Exception as error:  # noqa: BLE001 - a source must not raise; one that does has not answered
            said = one_line(redact(f"{type(error).__name__}: {error}"), 200)
            return tuple(found), self._about(lock.identity, Says.UNKNOWN, f"{self.name} could not be asked: {said}")
        return tuple(found), None

    def _about(self, lock: LockIdentity, says: Says, fact: str) -> Finding:
        return Finding(
            key=f"asked.{re.sub(r'[^a-z0-9]+', '-', self.name.casefold()).strip('-')}",
            lock=lock,
            says=says,
            match=Match.COULD_BE,
            fact=fact,
            source=self.name,
            observed_at=timestamp(self._clock()),
            asked=self.name,
        )


def _halves(snapshot: LockSnapshot) -> list[StoredLock]:
    """Each lock of a look once: of one in both stores, the lockfile, which knows when it was written."""
    return [snapshot.find(identity)[0] for identity in snapshot.identities]


def _put(
    askers: Sequence[_Asker], locks: Sequence[StoredLock], address: StateAddress, *, waited_for: bool = False
) -> list[tuple[_Asker, _Question]]:
    """Ask each about each lock."""
    return [(one, one.begin(lock, address, waited_for=waited_for)) for lock in locks for one in askers]
