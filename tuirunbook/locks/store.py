"""The lock store of one address on AWS: what `walk.ports.LockStore` asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.endpoints import honours_if_match
from tuirunbook.core.lock import LockSnapshot, NotChecked, Reading, Store, StoredLock, TableFacts
from tuirunbook.core.values import Caller, DeleteAnswer, DeleteOutcome, StateContent
from tuirunbook.locks import commands, deleting, listing, reading
from tuirunbook.locks.clients import Clients
from tuirunbook.locks.errors import CREDENTIAL_CLASSES, NETWORK_CLASSES, NOT_CONFIGURED, aws_errors, explain
from tuirunbook.locks.identity import identify

T = TypeVar("T")
TABLE_FACTS_LAST = timedelta(seconds=60)
"""How long a table's description is good for."""

_NO_TABLE = NotChecked(why="the backend names no lock table", code=NOT_CONFIGURED)


def _now() -> datetime:
    return datetime.now(UTC)


class AwsLockStore:
    """Reads the two lock stores and the state of one address, and deletes a lock that still is what was read.

    Args:
        address: The state; its region and endpoints are replaced by those that are really asked.
        clients: Who asks, and where.
        clock: The time, aware.
        if_match_endpoints: S3 endpoints besides AWS's own that are known to honour `If-Match` on a delete.
    """

    def __init__(
        self,
        address: StateAddress,
        clients: Clients,
        *,
        clock: Callable[[], datetime] = _now,
        if_match_endpoints: Iterable[str] = (),
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._if_match_endpoints = frozenset(if_match_endpoints)
        self._lock = threading.Lock()
        self._caller: Caller | None = None
        self._named: Caller | None = None
        self._table: tuple[datetime, TableFacts | NotChecked] | None = None
        self._address = msgspec.structs.replace(
            address,
            region=clients.region or address.region,
            s3_endpoint=clients.settings.endpoints.get("s3"),
            dynamodb_endpoint=clients.settings.endpoints.get("dynamodb"),
        )

    @property
    def address(self) -> StateAddress:
        """The address; account and caller are filled in once `identify` has answered."""
        return self._address

    def identify(self, *, again: bool = False) -> Caller | NotChecked:
        """Who the reads are made as. Remembered, unless `again`; a refusal is always asked again.

        Who was known and cannot be told any more is not known any more.
        """
        if self._caller is not None and not again:
            return self._caller
        caller = self._try("the caller's identity", lambda: identify(self._clients, self._named))
        known = caller if isinstance(caller, Caller) else None
        with self._lock:
            self._caller = known
            self._named = known or self._named
            self._address = msgspec.structs.replace(
                self._address, account=known and known.account, caller=known and known.arn
            )
        return caller

    def look(self, on_reading: Callable[[Store, Reading], None] | None = None) -> LockSnapshot:
        """Read both stores, the digest, the state's head and the table, each from its owner and now.

        `on_reading` is called as soon as a store has answered, DynamoDB first, so that a screen need not wait for all.
        """
        began = self._clock()
        clients, address = self._clients, self._locate()
        dynamodb, s3 = self.look_at_locks(on_reading or (lambda _store, _reading: None))
        unreachable = CREDENTIAL_CLASSES | NETWORK_CLASSES
        state = self._try(
            f"the state {address.state_key}",
            lambda: reading.read_state_head(clients, address),
            known=_same_failure(s3, unreachable | {"NoSuchBucket"}),
        )
        digest = self._try(
            "the state's digest",
            lambda: reading.read_digest(clients, address),
            known=_same_failure(dynamodb, unreachable | {NOT_CONFIGURED}),
        )
        table = None if address.table is None else _same_failure(dynamodb, unreachable) or self._table_facts()
        return LockSnapshot(
            address=address,
            taken_at=began,
            dynamodb=dynamodb,
            s3=s3,
            digest=digest,
            state=state,
            table=table,
        )

    def look_at_locks(self, told: Callable[[Store, Reading], None]) -> tuple[Reading, Reading]:
        """Read the lock item and the lockfile, and nothing else; `told` is called as each has answered."""
        clients, address = self._clients, self._locate()
        if address.table is None:
            dynamodb: Reading = _NO_TABLE
        else:
            dynamodb = self._try(self._table_name, lambda: reading.read_item(clients, address))
        told(Store.DYNAMODB, dynamodb)
        s3: Reading = self._try(
            f"the lockfile {address.lockfile_key}",
            lambda: reading.read_lockfile(clients, address),
            known=_same_failure(dynamodb, CREDENTIAL_CLASSES),
        )
        told(Store.S3, s3)
        return dynamodb, s3

    def lock_ids(self) -> tuple[str, ...] | NotChecked:
        """The lock IDs of the table, and of the bucket's lockfiles where the backend uses them.

        What one store tells is passed on when the other cannot be listed; nothing found there is then not an answer.
        """
        clients, address = self._clients, self._locate()
        answers: list[tuple[str, ...] | NotChecked] = []
        if address.table is not None:
            answers.append(self._try(self._table_name, lambda: listing.table_lock_ids(clients, address)))
        if address.use_lockfile:
            answers.append(
                self._try(f"the bucket {address.bucket}", lambda: listing.lockfile_lock_ids(clients, address))
            )
        found = {lock_id for answer in answers if not isinstance(answer, NotChecked) for lock_id in answer}
        failures = [answer for answer in answers if isinstance(answer, NotChecked)]
        if not found and (failures or not answers):
            return failures[0] if failures else _NO_TABLE
        return tuple(sorted(found))

    def state_ids(self) -> tuple[str, ...] | NotChecked:
        """The objects of the state's bucket that may be states, as `bucket/key`."""
        clients, address = self._clients, self._locate()
        return self._try(f"the bucket {address.bucket}", lambda: listing.state_ids(clients, address))

    def state_content(self) -> StateContent | NotChecked:
        """Read the state object: its MD5, serial, lineage and number of resources."""
        address = self._locate()
        return self._try(f"the state {address.state_key}", lambda: reading.read_state(self._clients, address))

    def delete(self, lock: StoredLock) -> DeleteAnswer:
        """Delete this lock on the condition that it still is what was read. One attempt.

        Raises:
            ValueError: The address has no such lock; nothing was sent.
        """
        address = self._locate()
        if lock.store is Store.DYNAMODB:
            return deleting.delete_item(self._clients, address, lock)
        if not honours_if_match(address.s3_endpoint, self._if_match_endpoints):
            message = f"{address.s3_endpoint} is not known to honour If-Match, so nothing was sent"
            return DeleteAnswer(outcome=DeleteOutcome.UNSUPPORTED, message=message)
        return deleting.delete_lockfile(self._clients, address, lock)

    def delete_command(self, lock: StoredLock) -> tuple[str, ...]:
        """The `aws` command that does the same, for the one who has the permission."""
        return commands.delete_command(self._locate(), lock)

    @property
    def _table_name(self) -> str:
        return f"the lock table {self._address.table}"

    def _table_facts(self) -> TableFacts | NotChecked:
        now = self._clock()
        if self._table is None or not timedelta(0) <= now - self._table[0] < TABLE_FACTS_LAST:
            address = self._address
            facts = self._try(self._table_name, lambda: reading.read_table(self._clients, address))
            self._table = (now, facts)
        return self._table[1]

    def _locate(self) -> StateAddress:
        """The address with the endpoints that the shared configuration file gives, once it can be read."""
        endpoints = self._try("the AWS configuration", self._endpoints)
        if not isinstance(endpoints, NotChecked):
            with self._lock:
                s3, dynamodb = endpoints
                self._address = msgspec.structs.replace(self._address, s3_endpoint=s3, dynamodb_endpoint=dynamodb)
        return self._address

    def _endpoints(self) -> tuple[str | None, str | None]:
        return self._clients.endpoint("s3"), self._clients.endpoint("dynamodb")

    def _try(self, what: str, call: Callable[[], T | NotChecked], *, known: NotChecked | None = None) -> T | NotChecked:
        if known is not None:
            return known
        try:
            return call()
        except aws_errors() as error:
            return explain(error, what=what, profile=self._clients.profile, region=self._clients.region)


def _same_failure(reading: Reading, codes: Iterable[str]) -> NotChecked | None:
    """The failure of an earlier read that the next one would only meet again, perhaps after a long wait."""
    return reading if isinstance(reading, NotChecked) and reading.code in codes else None
