"""Where a state lives, and so where its lock lives: every name that a release may touch is computed here."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

import msgspec

DEFAULT_WORKSPACE = "default"
DEFAULT_KEY_PREFIX = "env:"
DIGEST_SUFFIX = "-md5"
LOCKFILE_SUFFIX = ".tflock"


class AddressError(ValueError):
    """An address that cannot be a state's: the sentence says why."""


def join_key(prefix: str, workspace: str, key: str) -> str:
    """The object key of a workspace's state, joined and cleaned as Go's `path.Join` does.

    The default workspace's key is used verbatim; every other one is cleaned (`a//b` → `a/b`, `./a` → `a`).
    Source: Terraform `backend_state.go`, the same in OpenTofu.
    """
    if workspace == DEFAULT_WORKSPACE:
        return key
    joined = posixpath.normpath("/".join(part for part in (prefix, workspace, key) if part))
    return "/" + joined.lstrip("/") if joined.startswith("//") else joined


class StateAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One state: a bucket and key in one account and region, and what locks it.

    Attributes:
        bucket: The bucket that holds the state.
        key: The backend's `key` argument; see `state_key` for the object's name.
        workspace: The workspace; `default` unless another one is selected.
        workspace_key_prefix: The backend's prefix for the other workspaces; `env:` unless set, may be empty.
        region: The region of bucket and table.
        table: The DynamoDB lock table, or None when the backend names none.
        use_lockfile: Whether the backend locks with an S3 lockfile.
        account: The twelve digits of the account, or None when it was not checked.
        caller: The ARN that the reads are made as, or None when it was not checked.
        s3_endpoint: A custom S3 endpoint, or None for AWS's own.
        dynamodb_endpoint: A custom DynamoDB endpoint, or None for AWS's own.

    Raises:
        AddressError: The key is empty, or is that of a digest item or a lockfile.
    """

    bucket: str
    key: str
    region: str
    workspace: str = DEFAULT_WORKSPACE
    workspace_key_prefix: str = DEFAULT_KEY_PREFIX
    table: str | None = None
    use_lockfile: bool = False
    account: str | None = None
    caller: str | None = None
    s3_endpoint: str | None = None
    dynamodb_endpoint: str | None = None

    def __post_init__(self) -> None:
        if not self.bucket or "/" in self.bucket:
            raise AddressError(f"the bucket name {self.bucket!r} is not one")
        if not self.key:
            raise AddressError("the state key is empty")
        for suffix, what in ((DIGEST_SUFFIX, "state digest"), (LOCKFILE_SUFFIX, "lockfile")):
            if self.state_key.endswith(suffix):
                raise AddressError(f"{self.state_key!r} names a {what}, not a state; nothing here will touch it")

    @property
    def state_key(self) -> str:
        """The object key of the state."""
        return join_key(self.workspace_key_prefix, self.workspace, self.key)

    @property
    def lock_id(self) -> str:
        """The partition key of the lock item, and the `Path` that Terraform prints: `bucket/key`."""
        return f"{self.bucket}/{self.state_key}"

    @property
    def digest_id(self) -> str:
        """The partition key of the state's digest item. It is read and never written."""
        return self.lock_id + DIGEST_SUFFIX

    @property
    def lockfile_key(self) -> str:
        """The object key of the S3 lockfile, in the same bucket."""
        return self.state_key + LOCKFILE_SUFFIX

    @property
    def locks_at_all(self) -> bool:
        """Whether the backend locks. Without table and lockfile Terraform takes no lock and says nothing."""
        return self.table is not None or self.use_lockfile

    @property
    def dual(self) -> bool:
        """Whether both a lock table and a lockfile are configured."""
        return self.table is not None and self.use_lockfile

    @property
    def place(self) -> tuple[str | None, ...]:
        """What must not change between look and act: account, caller, region, endpoints, bucket, table, state key."""
        return (
            self.account,
            self.caller,
            self.region,
            self.s3_endpoint,
            self.dynamodb_endpoint,
            self.bucket,
            self.table,
            self.state_key,
        )


def shortest_unique_end(path: str, others: Iterable[str]) -> str:
    """The shortest run of last `/`-segments of `path`, at least two where it has them, that ends none of `others`."""
    segments = path.split("/")
    rivals = [other for other in others if other != path]
    for count in range(min(2, len(segments)), len(segments) + 1):
        end = "/".join(segments[-count:])
        if not any(other == end or other.endswith("/" + end) for other in rivals):
            return end
    return path
