"""The locks of many states: lock items a hundred at a time, lockfiles side by side, each answer as it arrives.

The digest, the state object and the table are not asked for: a list shows locks. Only of a state that may not be there
at all, as its name was typed, the head is asked for. Source of the limits: AWS's API
reference of BatchGetItem (100 items, 16 MB, `UnprocessedKeys`).
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import Free, Held, LockSnapshot, NotChecked, Reading, StateObject
from tuirunbook.locks import reading
from tuirunbook.locks.caller import Caller
from tuirunbook.locks.clients import Clients
from tuirunbook.locks.errors import (
    DENIED_CODES,
    NOT_CONFIGURED,
    THROTTLED_CODES,
    aws_errors,
    error_code,
)
from tuirunbook.locks.wire import lock_from_item
from tuirunbook.threads import Hands

BATCH = 100
THREADS = 10
"""As many as the connections that a client of boto3 keeps."""
ATTEMPTS = 6
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_NOT_ASKED = NotChecked(why="a list reads locks only", code="not-asked", advice="`tflock-tui status` shows it")
_NO_TABLE = NotChecked(why="the backend names no lock table", code=NOT_CONFIGURED)
_NO_LOCKFILE = NotChecked(why="the backend uses no lockfile", code=NOT_CONFIGURED)


def _now() -> datetime:
    return datetime.now(UTC)


class BulkReader:
    """Reads the locks of many root modules.

    Args:
        clients_for: The clients of one root module; those of equal settings are shared. A `ValueError` is what that
            state cannot be read for.
        clock: The time, aware.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        clients_for: Callable[[RootModule], Clients],
        *,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clients_for = clients_for
        self._clock = clock
        self._sleep = sleep
        self._callers: list[Caller] = []

    def read(self, roots: Sequence[RootModule]) -> Iterator[tuple[int, LockSnapshot]]:
        """Each state's place in `roots` and its locks, in the order in which the answers arrive."""
        hands = Hands(THREADS, "bulk")
        try:
            yield from self._read(hands, roots)
        finally:
            hands.put_down()

    def callers(self, roots: Sequence[RootModule]) -> Iterator[tuple[int, RootModule, Caller | NotChecked]]:
        """Who asks for each state, or why nobody can. They may not be signed in yet."""
        for number, root in enumerate(roots):
            try:
                made = self._clients_for(root)
            except ValueError as error:
                yield number, root, NotChecked(why=str(error), code="SettingsError")
                continue
            yield number, root, self._caller(made)

    def _caller(self, made: Clients) -> Caller:
        for caller in self._callers:
            if caller.clients.settings == made.settings:
                return caller
        caller = Caller(made)
        self._callers.append(caller)
        return caller

    def _read(self, hands: Hands, roots: Sequence[RootModule]) -> Iterator[tuple[int, LockSnapshot]]:
        # who had trouble before is asked anew: perhaps somebody has signed in meanwhile
        self._callers = [caller for caller in self._callers if caller.trouble is None and not caller.unreachable]
        groups: dict[int, tuple[Caller, list[int]]] = {}
        for number, root, caller in self.callers(roots):
            if isinstance(caller, NotChecked):
                yield number, self._snapshot(_Open(address=root.address(), dynamodb=caller, s3=caller))
            else:
                groups.setdefault(id(caller), (caller, []))[1].append(number)
        questions = _Questions(hands)
        for caller, numbers in groups.values():
            questions.ask(("caller", numbers), functools.partial(_signed_in, caller))
        open_ones: dict[int, _Open] = {}
        while questions.open:
            (what, numbers), answers = questions.next()
            if what == "caller":
                open_ones |= {number: _opened(roots[number], answers[0]) for number in numbers}
                self._ask(questions, {number: open_ones[number] for number in numbers})
            else:
                for number, answer in zip(numbers, answers, strict=True):
                    setattr(open_ones[number], what, answer)
            for number in numbers:
                one = open_ones[number]
                if one.dynamodb is not None and one.s3 is not None and one.state is not None:
                    yield number, self._snapshot(open_ones.pop(number))

    def _ask(self, questions: _Questions, ones: dict[int, _Open]) -> None:
        """Every question about these states, all of them one caller's."""
        tables: dict[str, list[int]] = {}
        for number, one in ones.items():
            if one.dynamodb is None:
                tables.setdefault(one.address.table or "", []).append(number)
        for numbers in tables.values():
            for chunk in _chunks(numbers, ones):
                questions.ask(("dynamodb", chunk), functools.partial(self._items, [ones[number] for number in chunk]))
        for number, one in ones.items():
            if one.s3 is None:
                questions.ask(("s3", [number]), functools.partial(_lockfile, one))
            if one.state is None:
                questions.ask(("state", [number]), functools.partial(_state, one))

    def _items(self, ones: list[_Open]) -> list[Reading]:
        """The lock items of up to a hundred states of one table."""
        caller, table = ones[0].caller, ones[0].address.table
        assert caller is not None  # noqa: S101 - nobody else is asked
        assert table is not None  # noqa: S101 - likewise
        if known := caller.known_trouble("dynamodb"):
            return [known for _ in ones]
        wanted = list(dict.fromkeys(one.address.lock_id for one in ones))
        found: dict[str, Reading] = {}
        try:
            left = self._batches(caller, table, wanted, found)
        except aws_errors() as error:
            if error_code(error) in DENIED_CODES:
                # Terraform itself needs GetItem only, so a role may lack the other.
                return [_item(one) for one in ones]
            why = caller.failed("dynamodb", f"the lock table {table}", error)
            return [found.get(one.address.lock_id, why) for one in ones]
        why = NotChecked(
            why=f"the lock table {table} is throttled and left this one out",
            code="ThrottlingException",
            advice="look again",
        )
        free = Free()
        return [found.get(one.address.lock_id) or (why if one.address.lock_id in left else free) for one in ones]

    def _batches(self, caller: Caller, table: str, wanted: list[str], found: dict[str, Reading]) -> set[str]:
        """Fill `found` with the locks that are there; what stays unanswered is returned."""
        client = caller.clients.dynamodb()
        keys: list[Any] = [{"LockID": {"S": lock_id}} for lock_id in wanted]
        for attempt in range(ATTEMPTS):
            if attempt:
                # with jitter, so that threads do not come back together
                self._sleep(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1))  # noqa: S311
            try:
                answer = client.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
            except aws_errors() as error:
                if error_code(error) in THROTTLED_CODES and attempt < ATTEMPTS - 1:
                    continue
                raise
            for items in answer["Responses"].values():
                for item in items:
                    lock_id = item["LockID"].get("S")
                    if isinstance(lock_id, str):
                        found[lock_id] = Held(lock=lock_from_item(dict(item)))
            keys = [key for unprocessed in answer.get("UnprocessedKeys", {}).values() for key in unprocessed["Keys"]]
            if not keys:
                return set()
        return {key["LockID"]["S"] for key in keys}

    def _snapshot(self, one: _Open) -> LockSnapshot:
        return LockSnapshot(
            address=one.address,
            taken_at=self._clock(),
            dynamodb=one.dynamodb or _NO_TABLE,
            s3=one.s3 or _NO_LOCKFILE,
            digest=_NOT_ASKED,
            state=one.state or _NOT_ASKED,
        )


class _Questions:
    """Calls that run side by side; answers come in the order in which they arrive."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._waiting: dict[Future[list[Any]], tuple[str, list[int]]] = {}
        self._done: SimpleQueue[Future[list[Any]]] = SimpleQueue()

    @property
    def open(self) -> bool:
        return bool(self._waiting)

    def ask(self, about: tuple[str, list[int]], call: Callable[[], list[Any]]) -> None:
        future = self._hands.give(call)
        self._waiting[future] = about
        future.add_done_callback(self._done.put)

    def next(self) -> tuple[tuple[str, list[int]], list[Any]]:
        future = self._done.get()
        return self._waiting.pop(future), future.result()


class _Open(msgspec.Struct):
    """A state whose answers are on their way."""

    address: StateAddress
    caller: Caller | None = None
    dynamodb: Reading | None = None
    s3: Reading | None = None
    state: StateObject | NotChecked | None = _NOT_ASKED


def _signed_in(caller: Caller) -> list[Caller]:
    caller.sign_in()
    return [caller]


def _opened(root: RootModule, caller: Caller) -> _Open:
    """A state with the answers that need no question."""
    address, trouble = caller.locate(root.address()), caller.trouble
    return _Open(
        address=address,
        caller=caller,
        dynamodb=_NO_TABLE if address.table is None else trouble,
        s3=trouble if address.use_lockfile else _NO_LOCKFILE,
        state=trouble if root.may_not_be_there else _NOT_ASKED,
    )


def _item(one: _Open) -> Reading:
    caller = one.caller
    assert caller is not None  # noqa: S101 - nobody else is asked
    what = f"the lock table {one.address.table}"
    return caller.ask("dynamodb", what, lambda: reading.read_item(caller.clients, one.address))


def _lockfile(one: _Open) -> list[Reading]:
    caller = one.caller
    assert caller is not None  # noqa: S101 - nobody else is asked
    what = f"the lockfile {one.address.lockfile_key}"
    return [caller.ask("s3", what, lambda: reading.read_lockfile(caller.clients, one.address))]


def _state(one: _Open) -> list[StateObject | NotChecked]:
    caller = one.caller
    assert caller is not None  # noqa: S101 - nobody else is asked
    what = f"the state {one.address.state_key}"
    return [caller.ask("s3", what, lambda: reading.read_state_head(caller.clients, one.address))]


def _chunks(numbers: list[int], ones: dict[int, _Open]) -> Iterator[list[int]]:
    """Runs of states that have no more than a hundred lock IDs together; a request may not repeat one."""
    chunk: list[int] = []
    ids: set[str] = set()
    for number in numbers:
        lock_id = ones[number].address.lock_id
        if len(ids) == BATCH and lock_id not in ids:
            yield chunk
            chunk, ids = [], set()
        chunk.append(number)
        ids.add(lock_id)
    if chunk:
        yield chunk
