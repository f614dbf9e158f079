"""One CI system as a source of evidence: asks it, and lets the rules of `core.ci` make findings of what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.ci import Holder, Report, Target, findings
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.inflight import at_death
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.text import one_line
from tuirunbook.evidence.ci.transport import NotAskedError


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a system is asked: about which state, which lock, and at what time."""

    target: Target
    holder: Holder
    now: datetime


class System(Protocol):
    """One CI system that may have taken the lock."""

    @property
    def key(self) -> str:
        """Its part of the findings' keys (`github`)."""
        ...

    @property
    def name(self) -> str:
        """What is asked, for people (`GitHub Actions of acme/infra`)."""
        ...

    def ask(self, question: Question) -> Report:
        """What it says.

        Raises:
            NotAskedError: It could not be asked; the sentence says why, and what to do.
        """
        ...


class Lazily:
    """A system that is connected to when it is first asked, and again as long as there is no login.

    Args:
        key: Its part of the findings' keys.
        name: What is asked, for people.
        connect: Makes the system; raises `NotAskedError` when there is no login.
    """

    def __init__(self, key: str, name: str, connect: Callable[[], System]) -> None:
        self._key = key
        self._name = name
        self._connect = connect
        self._system: System | None = None

    @property
    def key(self) -> str:
        """Its part of the findings' keys."""
        return self._key

    @property
    def name(self) -> str:
        """What is asked; the same before and after it is connected to."""
        return self._name

    def ask(self, question: Question) -> Report:
        """What it says; keys and name are this one's, for two systems of one kind may be asked."""
        system = self._system or self._connect()
        report = system.ask(question)
        self._system = system
        return msgspec.structs.replace(report, system=self._key, place=self._name)


class CiSource:
    """Asks one CI system about a lock.

    Args:
        system: The system.
        target: The root and workspace that the state is of; bucket, key and lock are added for each question.
        asks_aws: Whether the system is AWS's own, asked with the login that the locks are read with.
    """

    def __init__(self, system: System, target: Callable[[], Target], *, asks_aws: bool = False) -> None:
        self.asks_aws = asks_aws
        self._system = system
        self._target = target

    @property
    def name(self) -> str:
        """What it asks, for people."""
        return self._system.name

    @property
    def can_block(self) -> bool:
        """A run in progress blocks, so it is asked again before the act."""
        return True

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """The findings about this lock; when the system cannot be asked, one that says so and what to do."""
        try:
            target = self._target()
            names = (*target.names, *names_of(address, lock))
            target = msgspec.structs.replace(target, names=names, workspace=address.workspace)
            question = Question(target=target, holder=Holder.of(lock), now=now)
            report = self._system.ask(question)
            return (*findings(report, target, question.holder, now), *at_death(report, target, lock, now))
        except NotAskedError as error:
            return (self._unknown(lock, now, f"could not be asked: {error.sentence}", error.how),)
        except Exception as error:  # noqa: BLE001 - a source never raises; an answer of no known shape is one more
            fact = f"answered in a way that is not understood ({type(error).__name__}: {one_line(str(error), 120)})"
            return (self._unknown(lock, now, fact, "Look there yourself."),)

    def _unknown(self, lock: StoredLock, now: datetime, fact: str, how: str) -> Finding:
        return Finding(
            key=f"ci.{self._system.key}.asked",
            lock=lock.identity,
            says=Says.UNKNOWN,
            match=Match.COULD_BE,
            fact=one_line(f"{self._system.name} {fact}. {how}", 900).rstrip(),
            source=one_line(self._system.name, 200),
            observed_at=timestamp(now),
        )


def names_of(address: StateAddress, lock: StoredLock) -> Iterator[str]:
    """Texts that name this state and no other. A key alone may be in many buckets, so it has to have some length."""
    yield address.lock_id
    if lock.info is not None:
        yield lock.info.id
    if address.state_key.count("/") > 0:
        yield address.state_key
