"""What a walk needs of the world. Adapters satisfy these protocols by shape; training satisfies them too.

All are synchronous, and are called from the incident's own thread or from the watcher's, never from the screen's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import Event
from tuirunbook.core.evidence import Finding
from tuirunbook.core.lock import LockSnapshot, NotChecked, Reading, Store, StoredLock
from tuirunbook.core.values import Caller, Child, DeleteAnswer, Exit, Ran, StateContent, Writer


class LockStore(Protocol):
    """The two lock stores and the state of one address, read and, last of all, deleted from."""

    @property
    def address(self) -> StateAddress:
        """The address; account and caller are filled in once `identify` has answered."""
        ...

    def identify(self, *, again: bool = False) -> Caller | NotChecked:
        """Who the reads are made as. Remembered, unless `again`; a refusal is always asked again.

        Who was known and cannot be told any more is not known any more: the address says so.
        """
        ...

    def look(self, on_reading: Callable[[Store, Reading], None] | None = None) -> LockSnapshot:
        """Read both stores, the digest and the state's head, consistently. AWS errors become `NotChecked`.

        `on_reading` is called with each store's reading as it arrives.
        """
        ...

    def lock_ids(self) -> tuple[str, ...] | NotChecked:
        """The partition keys of all locks in the table, digests left out; names only."""
        ...

    def state_content(self) -> StateContent | NotChecked:
        """Read the state object: its MD5, serial, lineage and number of resources."""
        ...

    def delete(self, lock: StoredLock) -> DeleteAnswer:
        """Delete this lock on the condition that it still is what was read. One attempt."""
        ...

    def delete_command(self, lock: StoredLock) -> tuple[str, ...]:
        """The `aws` command that does the same, for the one who has the permission."""
        ...


class ReleaseRoot(Protocol):
    """A private, initialised root that holds only the resolved backend block, on the full state key."""

    def force_unlock_argv(self, lock_id: str) -> tuple[str, ...]:
        """The exact argument list of `force_unlock`."""
        ...

    def force_unlock(self, lock_id: str, *, command_id: str, log: Path, tell: Callable[[Child], None]) -> Ran:
        """Run Terraform's own release of this lock ID to its end; its output goes to `log`.

        `tell` is told the child before it is started, without its process, and again with it: it outlives us. Nothing
        is started where it raises the first time.

        Raises:
            ProgramError: It cannot be started, or does not end in time; it is then left running.
        """
        ...

    def probe(self, command_id: str, log: Path, tell: Callable[[Child], None]) -> Child:
        """Start a plan that can only be refused by the lock or stop at a missing variable; it changes nothing.

        `tell` as for `ReleaseRoot.force_unlock`.
        """
        ...


class OutputReader(Protocol):
    """Follows a command's output file."""

    def read_new(self, max_bytes: int = 1 << 20) -> str:
        """What was written since the last call, at most `max_bytes` of it; empty when nothing was."""
        ...


class Terraform(Protocol):
    """terraform, tofu or terragrunt for one root module. Nothing here leaves a lock behind by itself."""

    @property
    def program(self) -> str:
        """The program's name."""
        ...

    def version(self) -> str:
        """What the program says it is, in the root's directory (`1.11.4`).

        Raises:
            ProgramError: It is not there, or cannot be started; the sentence says what to do.
        """
        ...

    def plan_argv(self, extra: Sequence[str]) -> tuple[str, ...]:
        """The exact argument list of `plan`."""
        ...

    def plan(self, command_id: str, log: Path, extra: Sequence[str], tell: Callable[[Child], None]) -> Child:
        """Start a plan in the root module; its output goes to `log`. `tell` as for `ReleaseRoot.force_unlock`."""
        ...

    def state_list(self) -> Ran:
        """List the state's resources. Takes no lock."""
        ...

    def workspaces(self) -> tuple[str, ...]:
        """The workspaces that exist, as listing shows them. Takes no lock."""
        ...

    def init_command(self) -> str:
        """The exact `init` command that the operator would run here."""
        ...

    def poll(self, child: Child) -> Exit | None:
        """The child's end, or None while it runs."""
        ...

    def attach(self, child: Child) -> Child:
        """The child with its process, where nobody wrote it down; unchanged where that is known, or not to be seen.

        Of such a child `poll` tells all the same whether it runs.
        """
        ...

    def interrupt(self, child: Child) -> None:
        """Send one SIGINT to terraform itself."""
        ...

    def follow(self, log: Path) -> OutputReader:
        """A reader of a command's output, from its beginning."""
        ...

    def errored_state(self) -> Path | None:
        """The `errored.tfstate` that a failed apply left in the root's directory, or None."""
        ...

    def can_interrupt(self) -> str | None:
        """Why a cancel must not be offered, or None when it may."""
        ...

    def release_root(self, address: StateAddress) -> AbstractContextManager[ReleaseRoot]:
        """A backend-only root for this address, initialised on entry and removed on exit.

        Raises:
            ProgramError: `init` failed; the sentence carries what it said.
        """
        ...


class EvidenceSource(Protocol):
    """One place that may know whether the holder lives. Never raises; what cannot be asked is said as a finding."""

    @property
    def name(self) -> str:
        """What it asks, for people."""
        ...

    @property
    def can_block(self) -> bool:
        """Whether it is asked again between the last keystroke and the act."""
        ...

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """The findings about this lock."""
        ...


@runtime_checkable
class AlwaysAsked(Protocol):
    """A source that cannot be turned off, because no dispute sets its word aside either (S6)."""

    @property
    def why_always(self) -> str:
        """Why, for people."""
        ...


@runtime_checkable
class AsksAws(Protocol):
    """A source that may need the login that the locks are read with: it is not asked about a lock that was not read."""

    @property
    def asks_aws(self) -> bool:
        """Whether it does."""
        ...


class Journal(Protocol):
    """The incident on disk."""

    def append(self, event: Event) -> None:
        """Write one event, flushed to disk where its kind asks for it.

        Raises:
            JournalError: It could not be written. Nothing may be changed then.
        """
        ...

    def keep_backup(self, lock: StoredLock) -> Path:
        """Write the raw lock to a private file of its own, flushed, and say where.

        Raises:
            JournalError: It could not be written.
        """
        ...

    def log_path(self, command_id: str) -> Path:
        """Where a command's output goes."""
        ...

    def close(self) -> None:
        """Let another process, or another walk of ours, write. Nothing is appended afterwards."""
        ...


class FollowedJournal(Protocol):
    """An incident on disk that another session writes. Nothing here writes, and nothing is in the writer's way."""

    def read_new(self) -> Sequence[Event]:
        """The events that were added since the last call; all of them, from the first, when it was read again.

        Raises:
            JournalError: It cannot be read, or is not there any more.
        """
        ...

    def writer(self) -> Writer | None:
        """Who writes it now, or None when nobody is seen to."""
        ...
