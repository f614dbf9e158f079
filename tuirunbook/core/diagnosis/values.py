"""What a diagnosis says: the kinds of failure, the stores, and locks as an error text claims them."""

from __future__ import annotations

import enum

import msgspec


class Kind(enum.StrEnum):
    """What went wrong, as far as a text tells."""

    HELD = "held"
    RELEASED_MEANWHILE = "released-meanwhile"
    UNREADABLE_LOCK = "unreadable-lock"
    ACCESS_DENIED = "access-denied"
    TABLE_MISSING = "table-missing"
    BUCKET_MISSING = "bucket-missing"
    CREDENTIALS = "credentials"
    THROTTLED = "throttled"
    DIGEST_MISMATCH = "digest-mismatch"
    NOT_INITIALISED = "not-initialised"
    BACKEND_CHANGED = "backend-changed"
    WRONG_DIRECTORY = "wrong-directory"
    RELEASE_FAILED = "release-failed"
    UNLOCK_FAILED = "unlock-failed"
    SCHEMA = "schema"
    NOT_A_LOCK_ERROR = "not-a-lock-error"
    UNKNOWN = "unknown"


class BackendStore(enum.StrEnum):
    """Where the decisive error came from: the part of a backend that keeps the lock, or the state."""

    DYNAMODB = "dynamodb"
    S3 = "s3"
    GCS = "gcs"
    AZURERM = "azurerm"
    KUBERNETES = "kubernetes"
    PG = "pg"
    CONSUL = "consul"
    HTTP = "http"
    LOCAL = "local"
    REMOTE = "remote"
    UNKNOWN = "unknown"


class ReportedLock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock as an error text claims it. A claim: the error beside it may have nothing to do with it.

    Attributes:
        id: The lock ID, or None when it is blank or masked. A generation number on GCS.
        path: `bucket/key` on S3, also for lockfiles.
        operation: `OperationTypeApply`, `state-rm`, …
        who: `user@host`.
        version: The version of Terraform or OpenTofu.
        created: RFC 3339 where the text can be read as a time, else as printed; None when absent or Go's zero time.
        info: Free text; nothing that the command line takes sets it.
    """

    id: str | None = None
    path: str | None = None
    operation: str | None = None
    who: str | None = None
    version: str | None = None
    created: str | None = None
    info: str | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says about a state lock.

    Attributes:
        kind: What went wrong.
        store: Where the error came from.
        locks: The locks that the text shows, in its order, each once.
        explanation: What happened and what to do next, in plain words.
        runbook: `state-lock`, `digest-mismatch`, `access-denied`, `table-missing`, or None when none applies.
    """

    kind: Kind
    store: BackendStore
    locks: tuple[ReportedLock, ...] = ()
    explanation: str
    runbook: str | None = None


def to_json_object(diagnosis: Diagnosis) -> dict[str, object]:
    """The diagnosis for `--json`: plain text, lists and null, every key always present."""
    return {
        "kind": diagnosis.kind.value,
        "store": diagnosis.store.value,
        "locks": [msgspec.to_builtins(lock) for lock in diagnosis.locks],
        "explanation": diagnosis.explanation,
        "runbook": diagnosis.runbook,
    }
