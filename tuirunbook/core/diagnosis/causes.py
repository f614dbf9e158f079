"""From the words of one error to a kind: the first error code decides, never the block beneath it.

The wording is that of Terraform 0.9 to 1.17-dev and OpenTofu 1.6 to 1.13-dev, and of the AWS, Google and Azure SDKs.
"""

from __future__ import annotations

from typing import NamedTuple

from tuirunbook.core.diagnosis.boxes import Box
from tuirunbook.core.diagnosis.passages import Operation, Passage
from tuirunbook.core.diagnosis.presentation import squeeze
from tuirunbook.core.diagnosis.values import BackendStore, Kind

_CODES: tuple[tuple[Kind, BackendStore | None, tuple[str, ...]], ...] = (
    (Kind.HELD, BackendStore.DYNAMODB, ("ConditionalCheckFailed",)),
    (Kind.HELD, BackendStore.GCS, ("googleapi: Error 412", "conditionNotMet")),
    (Kind.HELD, BackendStore.S3, ("StatusCode: 412", "PreconditionFailed", "ConditionalRequestConflict")),
    (
        Kind.HELD,
        BackendStore.AZURERM,
        ("state blob is already locked", "LeaseAlreadyPresent", "There is already a lease present"),
    ),
    (Kind.HELD, BackendStore.KUBERNETES, ("the state is already locked by another",)),
    (Kind.HELD, BackendStore.PG, ("Workspace is already locked", "Workspace is currently being created")),
    (Kind.HELD, BackendStore.REMOTE, ("workspace already locked", "workspace is locked by")),
    (Kind.HELD, BackendStore.HTTP, ("HTTP remote state already locked", "HTTP remote state is locked")),
    (
        Kind.HELD,
        BackendStore.LOCAL,
        ("resource temporarily unavailable", "because another process has locked a portion of the file"),
    ),
    (
        Kind.CREDENTIALS,
        None,
        (
            "ExpiredToken",
            "RequestExpired",
            "No valid credential sources",
            "NoCredentialProviders",
            "failed to refresh cached credentials",
            "failed to retrieve credentials",
            "Cannot assume IAM Role",
            "cannot be assumed",
            "sts:AssumeRole",
            "operation error STS",
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "InvalidSignature",
            "SignatureDoesNotMatch",
            "RequestTimeTooSkewed",
            "validating provider credentials",
            "retrieving credentials",
            "AWS account ID not allowed",
            "could not find default credentials",
            "HTTP remote state endpoint requires auth",
        ),
    ),
    (
        Kind.THROTTLED,
        None,
        (
            "ProvisionedThroughputExceeded",
            "ThrottlingException",
            "RequestLimitExceeded",
            "Throttling:",
            "SlowDown",
            "StatusCode: 503",
            "StatusCode: 429",
            "ServiceUnavailable",
            "TooManyRequests",
        ),
    ),
    (
        Kind.TABLE_MISSING,
        BackendStore.DYNAMODB,
        ("ResourceNotFoundException", "Cannot do operations on a non-existent table"),
    ),
    (
        Kind.BUCKET_MISSING,
        BackendStore.S3,
        ("NoSuchBucket", "referenced S3 bucket must have been", "S3 bucket does not exist"),
    ),
    (Kind.SCHEMA, BackendStore.DYNAMODB, ("ValidationException", "key element does not match the schema")),
    (
        Kind.DIGEST_MISMATCH,
        BackendStore.DYNAMODB,
        ("state data in S3 does not have the expected content", "checksum calculated for the state stored in S3"),
    ),
    (
        Kind.ACCESS_DENIED,
        None,
        (
            "AccessDenied",
            "is not authorized to perform",
            "StatusCode: 403",
            "api error Forbidden",
            "googleapi: Error 403",
            "AuthorizationPermissionMismatch",
            "AuthorizationFailed",
            "HTTP remote state endpoint invalid auth",
            "permission denied",
        ),
    ),
    (
        Kind.NOT_A_LOCK_ERROR,
        None,
        (
            "connection refused",
            "no such host",
            "i/o timeout",
            "request send failed",
            "connection reset",
            "TLS handshake",
            "x509:",
            "actual location",
            "PermanentRedirect",
            "decryption failed",
            "resource not found",
            "Unsupported state file format",
            "operation canceled",
        ),
    ),
)
_STORES: tuple[tuple[BackendStore, tuple[str, ...]], ...] = (
    (BackendStore.DYNAMODB, ("DynamoDB", "failed to retrieve lock info", "does not match existing lock")),
    (
        BackendStore.S3,
        (
            "error S3: ",
            "s3:PutObject",
            "s3:GetObject",
            "s3:DeleteObject",
            "s3:ListBucket",
            "S3 bucket",
            "unlock S3",
            "unlock both S3",
            "JSON data into LockInfo struct",
            "does not match the existing lock ID",
            "from s3 does not match",
            "delete the lock file",
        ),
    ),
    (BackendStore.GCS, ("googleapi", "storage: object doesn't exist")),
    (BackendStore.AZURERM, ("state blob", "blobs.Client", "azure")),
    (BackendStore.KUBERNETES, ("kubernetes",)),
    (BackendStore.PG, ("pq: ", "postgres")),
    (BackendStore.CONSUL, ("consul",)),
    (BackendStore.HTTP, ("HTTP remote state",)),
    (BackendStore.REMOTE, ("resource not found", "workspace already unlocked")),
    (BackendStore.LOCAL, ("LocalState", "open terraform.tfstate", "Local state cannot be unlocked")),
)
_UNREADABLE = tuple(
    squeeze(words)
    for words in (
        "unexpected end of JSON input",
        "invalid character",
        "failed to unmarshal JSON data into LockInfo struct",
        "unable to json parse the lock info",
        "cannot unmarshal",
        "parsing time",
    )
)
_GONE = tuple(
    squeeze(words)
    for words in ("NoSuchKey", "no lock info found for", "storage: object doesn't exist", "StatusCode: 404")
)
_DENIED = squeeze("AccessDenied")
_CLEAN_UP = squeeze("failed to clean up file lock after DynamoDB lock error")
_ORIGINAL = squeeze("original error:")
_INITIAL = squeeze("Initial configuration of")
_CHANGED = (squeeze("Backend configuration changed"), squeeze("Reason:"))
_WRONG_DIRECTORY = (
    squeeze("LocalState not locked"),
    squeeze("Local state cannot be unlocked by another process"),
)
_NOT_OF_THE_STATE = {Operation.OTHER, Operation.BACKEND, Operation.DIRECTORY}
_WITHOUT_CODE = {
    Operation.UNLOCK: Kind.UNLOCK_FAILED,
    Operation.SAVE: Kind.NOT_A_LOCK_ERROR,
    Operation.LOAD: Kind.NOT_A_LOCK_ERROR,
}
_SECOND_ERROR = 1500
"""How far behind the first code the second error can end; in a log without the advice, other output follows."""

_ATTEMPTS = squeeze("exceeded maximum number of attempts")
_DELETING = tuple(squeeze(words) for words in ("DeleteItem", "DeleteObject"))

_SQUEEZED_CODES = tuple((squeeze(words), kind, store) for kind, store, codes in _CODES for words in codes)
_SQUEEZED_STORES = tuple((squeeze(words), store) for store, codes in _STORES for words in codes)

BLOCKING = frozenset(
    {
        Kind.ACCESS_DENIED,
        Kind.TABLE_MISSING,
        Kind.CREDENTIALS,
        Kind.THROTTLED,
        Kind.BUCKET_MISSING,
        Kind.SCHEMA,
    }
)
"""Causes that keep their name when a force-unlock fails by them: nothing changed, so the cause is the news."""


class Cause(NamedTuple):
    """What one error comes to.

    Attributes:
        kind: Its kind.
        store: Where it came from.
        code: The kind of the first code in it; None when there is none that is known.
        reading_denied: The lock is held, and reading who holds it was refused.
        orphan: A lockfile was left beside a refused table lock.
        deleting: The refused call would have removed something.
    """

    kind: Kind
    store: BackendStore
    code: Kind | None = None
    reading_denied: bool = False
    orphan: bool = False
    deleting: bool = False


def find_cause(passage: Passage, boxes: tuple[Box, ...]) -> Cause:
    """The cause of one error; `boxes` are the lock blocks under it."""
    if passage.operation in _NOT_OF_THE_STATE or passage.about_a_resource:
        return Cause(_of_configuration(passage), BackendStore.UNKNOWN)
    words = squeeze(passage.headline) + passage.cause
    orphan = _CLEAN_UP in words
    if orphan and (original := words.find(_ORIGINAL)) >= 0:
        words = words[original:]
    code, store, rest = _first_code(words)
    store = store or _store(words)
    kind = _kind(passage, code, rest, boxes, store)
    return Cause(
        kind,
        store,
        code,
        reading_denied=kind is Kind.HELD and _DENIED in rest,
        orphan=orphan,
        deleting=any(call in words for call in _DELETING),
    )


def _first_code(words: str) -> tuple[Kind | None, BackendStore | None, str]:
    """The kind and store of the first known code, and what follows it."""
    first: tuple[int, int, Kind, BackendStore | None] | None = None
    for code, kind, store in _SQUEEZED_CODES:
        position = words.find(code)
        if position >= 0 and (first is None or position < first[0]):
            first = (position, position + len(code), kind, store)
    if first is None:
        return (Kind.THROTTLED if _ATTEMPTS in words else None), None, words
    return first[2], first[3], words[first[1] : first[1] + _SECOND_ERROR]


def _store(words: str) -> BackendStore:
    found = [(position, store) for code, store in _SQUEEZED_STORES if (position := words.find(code)) >= 0]
    return min(found)[1] if found else BackendStore.UNKNOWN


def _kind(passage: Passage, code: Kind | None, rest: str, boxes: tuple[Box, ...], store: BackendStore) -> Kind:
    match passage.operation:
        case Operation.RELEASE:
            return Kind.RELEASE_FAILED
        case Operation.UNLOCK if any(words in squeeze(passage.headline) + passage.cause for words in _WRONG_DIRECTORY):
            return Kind.WRONG_DIRECTORY
        case Operation.UNLOCK | Operation.SAVE if code not in BLOCKING:
            return _WITHOUT_CODE[passage.operation]
    if passage.operation is Operation.FRAGMENT and store is BackendStore.UNKNOWN and not boxes:
        return Kind.UNKNOWN  # a code alone, as any program prints it
    if code is Kind.HELD:
        return _held(rest, boxes, store)
    return code or _WITHOUT_CODE.get(passage.operation, Kind.UNKNOWN)


def _held(rest: str, boxes: tuple[Box, ...], store: BackendStore) -> Kind:
    """What a refused write is, from the second error: that of reading whose lock it was.

    DynamoDB's `unexpected end of JSON input` means a lock that left or one without readable content; only a look at
    the item tells, and the reading that does not call a lock gone is the one to give.
    """
    if boxes:
        aws = store in {BackendStore.DYNAMODB, BackendStore.S3}
        return Kind.UNREADABLE_LOCK if aws and all(box.blank_id for box in boxes) else Kind.HELD
    if any(words in rest for words in _UNREADABLE):
        return Kind.UNREADABLE_LOCK
    if _DENIED not in rest and any(words in rest for words in _GONE):
        return Kind.RELEASED_MEANWHILE
    return Kind.HELD


def _of_configuration(passage: Passage) -> Kind:
    headline = squeeze(passage.headline)
    if passage.operation is Operation.DIRECTORY:
        return Kind.WRONG_DIRECTORY
    if passage.operation is not Operation.BACKEND:
        return Kind.NOT_A_LOCK_ERROR
    if _INITIAL in passage.cause:
        return Kind.NOT_INITIALISED
    return (
        Kind.BACKEND_CHANGED if any(words in headline + passage.cause for words in _CHANGED) else Kind.NOT_INITIALISED
    )
