"""Small values that cross the border between the walk and the world."""

from __future__ import annotations

import enum

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who AWS says we are.

    Attributes:
        account: Twelve digits.
        arn: The caller's ARN.
        alias: The account's alias, where it may be read.
        expires_at: When the credentials end, RFC 3339 in UTC; None when they do not or cannot tell.
        profile: The profile that supplied them, or None.
    """

    account: str
    arn: str
    alias: str | None = None
    expires_at: str | None = None
    profile: str | None = None

    @property
    def role(self) -> str:
        """The name people know: role, user or `root`."""
        parts = self.arn.rsplit(":", 1)[-1].split("/")
        return parts[1] if len(parts) > 1 else parts[0]


class StateContent(msgspec.Struct, frozen=True, kw_only=True):
    """What the state object holds, without its values.

    Attributes:
        md5: Of its bytes, 32 lowercase hex digits; None when there is no object.
        serial: Its serial, or None when it is not state JSON.
        lineage: Its lineage, likewise.
        resources: How many resources it lists, likewise.
        version_id: The version that was read, in a versioned bucket.
    """

    md5: str | None
    serial: int | None = None
    lineage: str | None = None
    resources: int | None = None
    version_id: str | None = None


class DeleteOutcome(enum.StrEnum):
    """What a conditional delete came back with. What is true afterwards, only a read says."""

    DELETED = "deleted"
    CHANGED = "changed"
    """The condition failed: it is not the lock that was read."""
    DENIED = "denied"
    UNKNOWN = "unknown"
    """No answer, or one that says neither; the delete may have happened."""
    UNSUPPORTED = "unsupported"
    """This endpoint is not known to honour the condition, so nothing was sent."""


class DeleteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a conditional delete: the outcome, AWS's error code and sentence."""

    outcome: DeleteOutcome
    code: str = ""
    message: str = ""


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A terraform process that we started. It outlives us; with these facts it is found again.

    Attributes:
        id: Our name for the command (`plan-1`).
        argv: Its arguments, program first.
        cwd: Its directory.
        pid: Its process ID; 0 while it is about to be started, and for as long as nobody has written it down.
        started: Its creation time in seconds since the epoch, as the system tells it; without a process, when it
            was intended.
        boot_id: The boot of the machine it runs on.
        log: The file that its output goes to.
    """

    id: str
    argv: tuple[str, ...]
    cwd: str
    pid: int
    started: float
    boot_id: str
    log: str


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """The session that writes an incident.

    Attributes:
        pid: Its process ID.
        since: When it began to write, RFC 3339 in UTC.
        host: The machine it runs on.
        terminal: The terminal it was started on (`pts/3`), or empty.
    """

    pid: int
    since: str
    host: str = ""
    terminal: str = ""

    @property
    def words(self) -> str:
        """Who that is, to be found: `process 4711 on pts/3`."""
        return f"process {self.pid}" + (f" on {self.terminal}" if self.terminal else "")


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """A child's end. The code is None when it was not ours to collect (after a restart of the app)."""

    code: int | None


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A short command that ran to its end: arguments, exit code, output with both streams in order."""

    argv: tuple[str, ...]
    exit_code: int
    output: str


class ProgramError(Exception):
    """A program that the walk needs could not do its part; the sentence says why and what to do."""


class ReadsOnlyError(Exception):
    """Something that writes was asked of a session that reads an incident along; the sentence says who writes it."""


class JournalError(Exception):
    """The journal could not be written or read; the sentence says where and why."""
