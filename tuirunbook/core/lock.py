"""A lock as it was found, and what changed between two looks."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any, NewType

import msgspec

from tuirunbook.core.address import StateAddress

LOCK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""A Terraform lock ID: 16 random bytes as 8-4-4-4-12 hex, of no RFC 4122 version."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ZERO_TIME = "0001-01-01T00:00:00Z"

LockIdentity = NewType("LockIdentity", str)
"""What tells one lock from the next: its ID, or `sha256:` and the hash of its raw bytes when it has none."""


class Store(enum.StrEnum):
    """The two places where the S3 backend keeps a lock."""

    DYNAMODB = "dynamodb"
    S3 = "s3"

    @property
    def label(self) -> str:
        """The name people use."""
        return {Store.DYNAMODB: "DynamoDB", Store.S3: "S3 lockfile"}[self]

    @property
    def abbreviation(self) -> str:
        """The name where there is little room."""
        return {Store.DYNAMODB: "DDB", Store.S3: "S3"}[self]


class UnreadableLockError(ValueError):
    """Lock content that Terraform could not read either; the sentence says what is wrong with it."""


class LockInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder wrote about itself.

    Attributes:
        id: The lock ID, 8-4-4-4-12 hex.
        operation: `OperationTypePlan`, `OperationTypeApply`, `state-rm`, …; free text.
        info: Always empty for locks that the command line took.
        who: `user@host`; either part may be missing.
        version: The version of Terraform or OpenTofu; nothing says which of the two.
        created: RFC 3339, on the holder's clock: when it began to wait for the lock, or None when absent.
        path: `bucket/key`, also for lockfiles.
    """

    id: str
    operation: str = ""
    info: str = ""
    who: str = ""
    version: str = ""
    created: str | None = None
    path: str = ""

    @property
    def operation_name(self) -> str:
        """The operation without Terraform's prefix (`Apply`), or `an operation` where none is named."""
        return self.operation.removeprefix("OperationType") or "an operation"

    @property
    def created_at(self) -> datetime | None:
        """`created` in UTC, to the microsecond; None also for a time that no calendar has in UTC."""
        try:
            return parse_time(self.created).astimezone(UTC) if self.created else None
        except OverflowError:
            return None

    def tells_of_the_same(self, other: LockInfo | None) -> bool:
        """Whether both name the same lock, holder and time, so that what was found out by one holds for the other."""
        return other is not None and (self.id, self.who, self.created_at) == (other.id, other.who, other.created_at)

    @property
    def may_have_written(self) -> bool:
        """Whether the operation can have changed infrastructure or state before it died.

        Plans, refreshes, consoles and the creation of an empty workspace write nothing that matters; whatever is
        not known to be harmless counts as a writer. Source: lock operations of Terraform 1.14 and OpenTofu 1.12.
        """
        return self.operation not in {
            "OperationTypePlan",
            "OperationTypeRefresh",
            "OperationTypeInvalid",
            "init",
        }


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with any number of fraction digits (Go trims trailing zeros).

    Raises:
        ValueError: It is not one.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time")
    if digits := match.group(1):
        text = text.replace("." + digits, "." + digits[:6].ljust(6, "0"))
    return datetime.fromisoformat(text)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order; of those that name the same field, Go keeps the last."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def parse_lock_info(raw: str) -> LockInfo:
    """Read a lock's JSON the way Go's decoder does: keys in any case, unknown keys ignored, `null` is absent.

    Raises:
        UnreadableLockError: Terraform could not read it, or its ID is not a lock ID.
    """
    try:
        decoded = json.loads(raw, object_pairs_hook=_Members, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableLockError("it is empty" if not raw.strip() else f"it is not JSON ({error})") from error
    if not isinstance(decoded, _Members):
        raise UnreadableLockError("it is JSON, but not an object")
    fields: dict[str, Any] = {}
    for key, value in decoded:
        name = key.casefold()
        if name in {"id", "operation", "info", "who", "version", "created", "path"} and value is not None:
            if not isinstance(value, str):
                raise UnreadableLockError(f"its {key} is not text")
            fields[name] = value
    created = fields.pop("created", None)
    if created is not None:
        try:
            parse_time(created)
        except ValueError as error:
            raise UnreadableLockError(f"its Created is no time ({created!r})") from error
    if not LOCK_ID.fullmatch(fields.get("id", "")):
        raise UnreadableLockError(f"its ID is not a lock ID ({fields.get('id', '')!r})")
    return LockInfo(**fields, created=None if created == _ZERO_TIME else created)


class StoredLock(msgspec.Struct, frozen=True, kw_only=True):
    """One lock in one store, exactly as it was read.

    Attributes:
        store: Where it was found.
        raw: The text: the `Info` attribute, or the object's body (undecodable bytes as surrogate escapes, cut at
            the reader's limit); empty when the item has no `Info`.
        sha256: Hex digest of all of its bytes.
        info: What it says, or None when it cannot be read.
        unreadable: Why it cannot be read, or None.
        attribute: DynamoDB: the `Info` attribute in wire JSON (`{"S": "…"}`), or None when the item has none.
        extra: DynamoDB: the names of attributes besides `LockID` and `Info`.
        etag: S3: the ETag that was read with the body, quotes included.
        version_id: S3: the version, in a versioned bucket.
        last_modified: S3: when the object was written, by the server's clock; RFC 3339.
        size: Its length in bytes.
    """

    store: Store
    raw: str
    sha256: str
    info: LockInfo | None = None
    unreadable: str | None = None
    attribute: str | None = None
    extra: tuple[str, ...] = ()
    etag: str | None = None
    version_id: str | None = None
    last_modified: str | None = None
    size: int = 0

    @classmethod
    def read(cls, store: Store, raw: bytes, **facts: Any) -> StoredLock:
        """A lock from its raw bytes; content that cannot be read makes an unreadable lock, not an error."""
        text = raw.decode("utf-8", "surrogateescape")
        info, why = None, None
        try:
            info = parse_lock_info(text)
        except UnreadableLockError as error:
            why = str(error)
        digest = hashlib.sha256(raw).hexdigest()
        return cls(store=store, raw=text, sha256=digest, info=info, unreadable=why, size=len(raw), **facts)

    @property
    def identity(self) -> LockIdentity:
        """The lock ID, or the hash of the raw bytes when the lock cannot be read."""
        return LockIdentity(self.info.id if self.info else f"sha256:{self.sha256}")


def short(identity: str) -> str:
    """The eight characters that people compare and type."""
    return identity.removeprefix("sha256:")[:8]


class Free(msgspec.Struct, frozen=True, tag="free"):
    """The store was read and holds no lock for this state."""


class Held(msgspec.Struct, frozen=True, tag="held"):
    """The store was read and holds this lock."""

    lock: StoredLock


class NotChecked(msgspec.Struct, frozen=True, tag="not-checked"):
    """The store was not read, so nothing is known about it. It never counts as free.

    Attributes:
        why: A sentence for people.
        code: The error code (`AccessDeniedException`, `NoCredentialsError`, …), or `not-configured`.
        advice: What to do about it, perhaps a command; empty when there is nothing to say.
    """

    why: str
    code: str
    advice: str = ""


Reading = Free | Held | NotChecked


class Digest(msgspec.Struct, frozen=True, tag="digest"):
    """The digest item that goes with the state; `md5` is None when there is no item or it has no digest."""

    md5: str | None = None


class StateObject(msgspec.Struct, frozen=True, tag="state"):
    """The head of the state object.

    Attributes:
        exists: Whether there is one; a state that was never written has none.
        etag: Its ETag, quotes included.
        version_id: Its version, in a versioned bucket.
        last_modified: RFC 3339, by the server's clock.
        size: In bytes.
    """

    exists: bool
    etag: str | None = None
    version_id: str | None = None
    last_modified: str | None = None
    size: int = 0


class TableFacts(msgspec.Struct, frozen=True, tag="table"):
    """The lock table: its status (`ACTIVE`) and its key schema, `LockID HASH S` when it is right."""

    status: str
    key_schema: str


class LockSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything that says whether a state is locked."""

    address: StateAddress
    taken_at: datetime
    dynamodb: Reading
    s3: Reading
    digest: Digest | NotChecked
    state: StateObject | NotChecked
    table: TableFacts | NotChecked | None = None

    def reading(self, store: Store) -> Reading:
        """What one store said."""
        return self.dynamodb if store is Store.DYNAMODB else self.s3

    def configured(self, store: Store) -> bool:
        """Whether the backend locks in this store."""
        return self.address.table is not None if store is Store.DYNAMODB else self.address.use_lockfile

    @property
    def locks(self) -> tuple[StoredLock, ...]:
        """The locks present, S3 first, as Terraform tries them."""
        readings = (self.s3, self.dynamodb)
        return tuple(reading.lock for reading in readings if isinstance(reading, Held))

    @property
    def identities(self) -> tuple[LockIdentity, ...]:
        """The distinct locks present; one lock in both stores is one."""
        return tuple(dict.fromkeys(lock.identity for lock in self.locks))

    def find(self, identity: LockIdentity) -> tuple[StoredLock, ...]:
        """The stored halves of one lock."""
        return tuple(lock for lock in self.locks if lock.identity == identity)

    @property
    def held(self) -> bool:
        """Whether any store holds a lock."""
        return bool(self.locks)

    @property
    def free(self) -> bool:
        """Whether every configured store was read and is free. Never true on ignorance, or where nothing locks."""
        configured = [store for store in Store if self.configured(store)]
        return bool(configured) and not self.held and all(isinstance(self.reading(s), Free) for s in configured)

    @property
    def lone_half(self) -> bool:
        """Whether both stores are configured and a lock is in only one of them."""
        return self.address.dual and any(len(self.find(identity)) == 1 for identity in self.identities)

    @property
    def blind(self) -> tuple[tuple[Store, NotChecked], ...]:
        """The configured stores that could not be read."""
        pairs = ((store, self.reading(store)) for store in Store if self.configured(store))
        return tuple((store, reading) for store, reading in pairs if isinstance(reading, NotChecked))

    @property
    def fingerprint(self) -> str:
        """Hash of all that a confirmation is bound to: raw bytes and ETag of each store, digest, state head, place."""
        facts: list[Any] = [self.address.place]
        for reading in (self.dynamodb, self.s3):
            match reading:
                case Held(lock):
                    facts.append([lock.sha256, lock.attribute, lock.etag, lock.extra])
                case Free():
                    facts.append("free")
                case NotChecked():
                    facts.append(["not-checked", reading.code])
        match self.digest:
            case Digest():
                facts.append(["digest", self.digest.md5])
            case NotChecked():
                facts.append(["not-checked", self.digest.code])
        match self.state:
            case StateObject():
                facts.append(
                    [
                        self.state.exists,
                        self.state.etag,
                        self.state.version_id,
                        self.state.last_modified,
                    ]
                )
            case NotChecked():
                facts.append(["not-checked", self.state.code])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def describe(lock: StoredLock) -> str:
    """A lock in a few words: what, by whom, since when, which."""
    if lock.info is None:
        return f"an unreadable lock ({lock.unreadable}, {short(lock.identity)})"
    created = lock.info.created_at
    since = f" since {created:%Y-%m-%dT%H:%M:%SZ}" if created else ""
    return f"{lock.info.operation_name} by {lock.info.who or 'nobody named'}{since} ({short(lock.identity)})"
