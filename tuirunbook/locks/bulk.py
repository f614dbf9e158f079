"""The locks of many states: lock items a hundred at a time, lockfiles side by side, each answer as it arrives.

The digest, the state object and the table are not asked for: a list shows locks. Source of the limits: AWS's API
reference of BatchGetItem (100 items, 16 MB, `UnprocessedKeys`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import Free, Held, LockSnapshot, NotChecked, Reading
from tuirunbook.locks import reading
from tuirunbook.locks.clients import Clients
from tuirunbook.locks.errors import (
    BAD_KEY_CODES,
    CREDENTIAL_CLASSES,
    DENIED_CODES,
    EXPIRED_CODES,
    NETWORK_CLASSES,
    NOT_CONFIGURED,
    THROTTLED_CODES,
    aws_errors,
    error_code,
    explain,
)
from tuirunbook.locks.wire import lock_from_item

BATCH = 100
THREADS = 10
"""As many as the connections that a client of boto3 keeps."""
ATTEMPTS = 6
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_HOPELESS = CREDENTIAL_CLASSES | EXPIRED_CODES | BAD_KEY_CODES
_NOT_ASKED = NotChecked(why="a list reads locks only", code="not-asked", advice="`tflock-tui status` shows it")
_NO_TABLE = NotChecked(why="the backend names no lock table", code=NOT_CONFIGURED)
_NO_LOCKFILE = NotChecked(why="the backend uses no lockfile", code=NOT_CONFIGURED)


def _now() -> datetime:
    return datetime.now(UTC)


class Caller:
    """Everybody who asks with the same settings: one set of clients, and what has shown to be hopeless."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.trouble: NotChecked | None = None
        self.unreachable: dict[str, tuple[int, NotChecked]] = {}
        self._endpoints: tuple[str | None, str | None] | None = None

    def signed_in(self) -> NotChecked | None:
        """Why these credentials cannot be used, or None. Asks AWS for nothing unless a role has to be assumed."""
        try:
            credentials = self.clients.credentials()
            if credentials is None:
                return _no_credentials(self.clients)
            credentials.get_frozen_credentials()
            self._endpoints = self.clients.endpoint("s3"), self.clients.endpoint("dynamodb")
        except aws_errors() as error:
            return explain(error, what="the credentials", profile=self.clients.profile, region=self.clients.region)
        return None

    def locate(self, address: StateAddress) -> StateAddress:
        """The address with the region and endpoints that are really asked."""
        s3, dynamodb = self._endpoints or (address.s3_endpoint, address.dynamodb_endpoint)
        region = self.clients.region or address.region
        return msgspec.structs.replace(address, region=region, s3_endpoint=s3, dynamodb_endpoint=dynamodb)

    def ask(self, service: str, what: str, call: Callable[[], Reading]) -> Reading:
        """One read. What has failed for good, or three times for want of a network, is not tried again."""
        known = self.known_trouble(service)
        if known is not None:
            return known
        try:
            answer = call()
        except aws_errors() as error:
            return self.failed(service, what, error)
        self.unreachable.pop(service, None)
        return answer

    def known_trouble(self, service: str) -> NotChecked | None:
        """The failure that every read of this service will meet, or None."""
        failures, why = self.unreachable.get(service, (0, None))
        return self.trouble or (why if failures > 2 else None)  # noqa: PLR2004 - three are enough

    def failed(self, service: str, what: str, error: Exception) -> NotChecked:
        """A failure in words, remembered when others would meet it as well."""
        why = explain(error, what=what, profile=self.clients.profile, region=self.clients.region)
        if why.code in _HOPELESS:
            self.trouble = why
        elif why.code in NETWORK_CLASSES:
            self.unreachable[service] = (self.unreachable.get(service, (0, None))[0] + 1, why)
        return why


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
        pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="bulk")
        try:
            yield from self._read(pool, roots)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def callers(self, roots: Sequence[RootModule]) -> Iterator[tuple[int, RootModule, Caller | NotChecked]]:
        """Who asks for each state, or why nobody can."""
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
        caller.trouble = caller.signed_in()
        self._callers.append(caller)
        return caller

    def _read(self, pool: ThreadPoolExecutor, roots: Sequence[RootModule]) -> Iterator[tuple[int, LockSnapshot]]:
        open_ones: dict[int, _Open] = {}
        for number, root, caller in self.callers(roots):
            one = _opened(root, caller)
            if one.dynamodb is not None and one.s3 is not None:
                yield number, self._snapshot(one)
            else:
                open_ones[number] = one
        futures = self._ask(pool, open_ones)
        for future in as_completed(list(futures)):
            store, numbers = futures.pop(future)
            for number, answer in zip(numbers, future.result(), strict=True):
                one = open_ones[number]
                setattr(one, store, answer)
                if one.dynamodb is not None and one.s3 is not None:
                    yield number, self._snapshot(open_ones.pop(number))

    def _ask(
        self, pool: ThreadPoolExecutor, ones: dict[int, _Open]
    ) -> dict[Future[list[Reading]], tuple[str, list[int]]]:
        """Every question that is open, and which states it is about."""
        tables: dict[tuple[int, str], list[int]] = {}
        for number, one in ones.items():
            if one.dynamodb is None:
                tables.setdefault((id(one.caller), one.address.table or ""), []).append(number)
        futures: dict[Future[list[Reading]], tuple[str, list[int]]] = {}
        for numbers in tables.values():
            for chunk in _chunks(numbers, ones):
                futures[pool.submit(self._items, [ones[number] for number in chunk])] = "dynamodb", chunk
        for number, one in ones.items():
            if one.s3 is None:
                futures[pool.submit(_lockfile, one)] = "s3", [number]
        return futures

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
            state=_NOT_ASKED,
        )


class _Open(msgspec.Struct):
    """A state whose answers are on their way."""

    address: StateAddress
    caller: Caller | None = None
    dynamodb: Reading | None = None
    s3: Reading | None = None


def _opened(root: RootModule, caller: Caller | NotChecked) -> _Open:
    """A state with the answers that need no question."""
    address = root.address()
    if isinstance(caller, NotChecked):
        return _Open(address=address, dynamodb=caller, s3=caller)
    address, trouble = caller.locate(address), caller.trouble
    return _Open(
        address=address,
        caller=caller,
        dynamodb=_NO_TABLE if address.table is None else trouble,
        s3=trouble if address.use_lockfile else _NO_LOCKFILE,
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


def _no_credentials(clients: Clients) -> NotChecked:
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - AWS is imported when it is first asked

    return explain(NoCredentialsError(), what="the credentials", profile=clients.profile, region=clients.region)
