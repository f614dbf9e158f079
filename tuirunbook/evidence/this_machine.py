"""Whether the holder lives on this machine, or in a container on it; it counts only when the lock was taken here."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import read_who, same_host
from tuirunbook.core.incident import timestamp
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.text import one_line

if TYPE_CHECKING:
    import psutil

KEY = "host.process"
SLACK = timedelta(seconds=60)
"""How far a process's start and a lock's `Created` may be apart the wrong way round: one clock, read in two ways."""

_PROGRAM = re.compile(r"\.?(?:terraform|tofu|opentofu|terragrunt)(?:-wrapped|[_-]?v?\d[\w.+-]*)?")
_COMMON_HOSTS = re.compile(r"localhost(\..*)?|runner|ubuntu|debian|fedora|raspberrypi|build|builder|buildkitsandbox|")
_CONTAINER = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_MOST_NAMED = 3


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A terraform, tofu or terragrunt process of this machine.

    Attributes:
        pid: Its process ID.
        name: Its program.
        started: When it started.
        directory: Its working directory, or None when that may not be read.
        suspended: Whether it is stopped (ctrl+z), and so holds its lock without doing anything.
        container: The ID of the container that it runs in, 64 hex digits, where the system tells; else empty.
    """

    pid: int
    name: str
    started: datetime
    directory: Path | None
    suspended: bool = False
    container: str = ""

    @property
    def words(self) -> str:
        """The process in a few words."""
        where = f" in {self.directory}" if self.directory else ", directory not readable"
        return f"{self.name} (pid {self.pid}{', suspended' if self.suspended else ''}){where}"


class ThisMachine:
    """Lists this machine's terraform, tofu and terragrunt processes, suspended ones as well.

    Args:
        host: This machine's name, as Go's `os.Hostname` says it.
        directories: Where this root module's commands run; empty without a checkout.
        own: The processes that we started ourselves; they and theirs are left out.
        processes: What runs here, and when the machine started; the system is asked by default.
    """

    def __init__(
        self,
        host: str,
        directories: Iterable[Path] = (),
        *,
        own: Callable[[], Collection[int]] = tuple,
        processes: Callable[[Collection[int]], tuple[list[Running], datetime]] | None = None,
    ) -> None:
        self._host = host
        self._directories = tuple(path.resolve() for path in directories)
        self._own = own
        self._processes = processes or running_here

    @property
    def name(self) -> str:
        """What it asks, for people."""
        return "processes of this machine"

    @property
    def can_block(self) -> bool:
        """A process that lives here blocks, so it is asked again before the act."""
        return True

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:  # noqa: ARG002 - the port's shape
        """One finding about this lock; none when it does not say where it was taken."""
        holder = read_who(lock.info.who) if lock.info else None
        if holder is None or not holder.host:
            return
        at = timestamp(now)
        same, container = same_host(holder.host, self._host), holder.fact("container")
        if same is False and not container:
            yield self._elsewhere(lock, holder.host, at)
            return
        try:
            found, booted = self._processes(self._own())
        except OSError as error:
            yield self._finding(lock, Says.UNKNOWN, Match.COULD_BE, f"processes could not be listed: {error}", at)
            return
        if same is True:
            yield self._judge(lock, holder.user, found, booted, at)
        elif same is None:
            yield self._judge_namesake(lock, holder.host, found, at)
        else:
            inside = [one for one in found if one.container.startswith(container)]
            yield self._alive_inside(lock, container, inside, at) if inside else self._elsewhere(lock, holder.host, at)

    def _elsewhere(self, lock: StoredLock, host: str, at: str) -> Finding:
        here, there = one_line(self._host, 80), one_line(host, 80)
        fact = f"the lock was taken on {there}; this machine is {here}, so its processes say nothing"
        return self._finding(lock, Says.NOTHING, Match.CANNOT_BE, fact, at)

    def _alive_inside(self, lock: StoredLock, container: str, inside: list[Running], at: str) -> Finding:
        fact = f"alive in container {container} on this machine, which took the lock: {_listed(inside)}"
        return self._finding(lock, Says.BLOCKS, Match.NAMES_THIS_STATE, fact, at, final=True)

    def _judge_namesake(self, lock: StoredLock, host: str, found: list[Running], at: str) -> Finding:
        """A machine goes by another domain on another network, so this may be the one that took the lock."""
        name = f"this machine ({one_line(self._host, 80)}) may be the one that took the lock ({one_line(host, 80)})"
        older = _older(lock, found)
        if older:
            return self._finding(lock, Says.BLOCKS, Match.COULD_BE, f"{name}; alive on it: {_listed(older)}", at)
        fact = f"{name}; no terraform, tofu or terragrunt older than the lock was found on it"
        return self._finding(lock, Says.NOTHING, Match.COULD_BE, fact, at)

    def _judge(self, lock: StoredLock, user: str, found: list[Running], booted: datetime, at: str) -> Finding:
        created = lock.info.created_at if lock.info else None
        older = _older(lock, found)
        here = [one for one in older if self._could_work_here(one)]
        if here:
            fact = f"alive on this machine, which took the lock: {_listed(here)}"
            return self._finding(lock, Says.BLOCKS, Match.NAMES_THIS_STATE, fact, at, final=True)
        if older:
            fact = f"alive on this machine, which took the lock, in another directory: {_listed(older)}"
            return self._finding(lock, Says.BLOCKS, Match.COULD_BE, fact, at)
        later = f"; started after the lock was taken: {_listed(found)}" if found else ""
        if created is not None and booted > created + SLACK and self._surely_here(user):
            fact = f"this machine took the lock and has started anew since, at {timestamp(booted)}{later}"
            return self._finding(lock, Says.SUPPORTS, Match.NAMES_THIS_STATE, fact, at)
        fact = f"no terraform, tofu or terragrunt older than the lock was found on this machine{later}"
        return self._finding(lock, Says.NOTHING, Match.COULD_BE, fact, at)

    def _could_work_here(self, process: Running) -> bool:
        directory = process.directory
        if directory is None or not self._directories:
            return directory is None
        return any(directory.is_relative_to(root) for root in self._directories)

    def _surely_here(self, user: str) -> bool:
        """Whether the name means this machine: many share a common one, and a user unknown here is another's."""
        return _COMMON_HOSTS.fullmatch(self._host.casefold()) is None and _is_user(user)

    def _finding(
        self, lock: StoredLock, says: Says, match: Match, fact: str, at: str, *, final: bool = False
    ) -> Finding:
        return Finding(
            key=KEY,
            lock=lock.identity,
            says=says,
            match=match,
            fact=fact,
            source=f"process list of {one_line(self._host, 80)}",
            observed_at=at,
            final=final,
        )


def _older(lock: StoredLock, found: Iterable[Running]) -> list[Running]:
    """Those that ran when the lock was taken."""
    created = lock.info.created_at if lock.info else None
    return [one for one in found if created is None or one.started <= created + SLACK]


def running_here(own: Collection[int]) -> tuple[list[Running], datetime]:
    """The processes that could hold a lock, without `own` and what came of them, and when this machine started."""
    import psutil  # noqa: PLC0415 - only a lock that was taken here needs it

    booted = datetime.fromtimestamp(psutil.boot_time(), UTC)
    skipped = set(own)
    found = []
    for process in psutil.process_iter():
        try:
            running = _running(process, skipped)
        except psutil.Error:
            continue
        if running is not None:
            found.append(running)
    return found, booted


def _running(process: psutil.Process, skipped: set[int]) -> Running | None:
    import psutil  # noqa: PLC0415 - as above

    name = _program(process)
    if name is None or process.status() == psutil.STATUS_ZOMBIE:
        return None
    if process.pid in skipped or any(parent.pid in skipped for parent in process.parents()):
        return None
    try:
        directory: Path | None = Path(process.cwd())
    except (psutil.Error, OSError):
        directory = None
    return Running(
        pid=process.pid,
        name=name,
        started=datetime.fromtimestamp(process.create_time(), UTC),
        directory=directory,
        suspended=process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP},
        container=_container(process.pid),
    )


def _container(pid: int) -> str:
    """The container that a process runs in, by its control group; Linux only, and empty where it is not told."""
    try:
        return container_in(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def container_in(cgroups: str) -> str:
    """The container's ID in `/proc/PID/cgroup`, as Docker, containerd and Podman write it; empty when there is none."""
    match = _CONTAINER.search(cgroups)
    return match[0] if match else ""


def _program(process: psutil.Process) -> str | None:
    for candidate in _names(process):
        if _PROGRAM.fullmatch(candidate):
            return candidate
    return None


def _names(process: psutil.Process) -> Iterator[str]:
    import psutil  # noqa: PLC0415 - as above

    yield process.name()
    try:
        arguments = process.cmdline()
    except psutil.AccessDenied:
        return
    if arguments:
        yield Path(arguments[0]).name


def _listed(processes: list[Running]) -> str:
    named = ", ".join(one_line(one.words, 300) for one in processes[:_MOST_NAMED])
    more = len(processes) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _is_user(name: str) -> bool:
    import pwd  # noqa: PLC0415 - only a machine that was restarted needs it

    try:
        return bool(name) and (name == getpass.getuser() or bool(pwd.getpwnam(name)))
    except (KeyError, OSError):
        return False
