"""Whether the holder lives on this machine, or in a container on it; it counts only when the lock was taken here."""

from __future__ import annotations

import getpass
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import read_who, same_host
from tuirunbook.core.lock import LockIdentity, StoredLock
from tuirunbook.core.text import one_line
from tuirunbook.evidence.process_state import HARMLESS, UNTOLD, Relation, WorksOn, command_of, works_on

if TYPE_CHECKING:
    import psutil

KEY = "host.process"
"""Names what is known of all processes; one process's own finding adds its ID and when it started."""
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
        command: Its subcommand (`apply`), or empty where that is not one that is known.
        works_on: The states that it works on, as far as that is known.
    """

    pid: int
    name: str
    started: datetime
    directory: Path | None
    suspended: bool = False
    container: str = ""
    command: str = ""
    works_on: WorksOn = UNTOLD

    @property
    def key(self) -> str:
        """The key of the finding about this process: a process ID alone is used again."""
        return f"{KEY}.{self.pid}.{self.started:%Y%m%dT%H%M%SZ}"

    @property
    def words(self) -> str:
        """The process in a few words."""
        where = f" in {self.directory}" if self.directory else ", directory not readable"
        name = f"{self.name} {self.command}".rstrip()
        return one_line(f"{name} (pid {self.pid}{', suspended' if self.suspended else ''}){where}", 300)


class ThisMachine:
    """Lists this machine's terraform, tofu and terragrunt processes, suspended ones as well.

    Each that could have taken the lock is a finding of its own, so that a dispute is about one process. Once told, a
    process is told of at every question, also when it has ended: what was said of it does not stand on.

    Args:
        host: This machine's name, as Go's `os.Hostname` says it.
        directories: Where this root module's commands run; empty without a checkout.
        own: The processes that we started ourselves; they and theirs are left out.
        processes: What runs here, and when the machine started; the system is asked by default.
        known: The keys of the findings about a lock that an earlier session recorded; those that are not of this
            source are passed over.
    """

    def __init__(
        self,
        host: str,
        directories: Iterable[Path] = (),
        *,
        own: Callable[[], Collection[int]] = tuple,
        processes: Callable[[Collection[int]], tuple[list[Running], datetime]] | None = None,
        known: Callable[[LockIdentity], Iterable[str]] = lambda _: (),
    ) -> None:
        self._host = host
        self._directories = tuple(path.resolve() for path in directories)
        self._own = own
        self._processes = processes or running_here
        self._known = known
        self._told: dict[LockIdentity, dict[str, str]] = {}
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        """What it asks, for people."""
        return "processes of this machine"

    @property
    def can_block(self) -> bool:
        """A process that lives here blocks, so it is asked again before the act."""
        return True

    @property
    def why_always(self) -> str:
        """A terraform that lives here is never overlooked: no dispute sets it aside, so no switch does (S6)."""
        return "a terraform that runs on this machine must never be overlooked, and asking costs nothing"

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding for each process that may be the holder, or one of all; none when the lock names no host."""
        holder = read_who(lock.info.who) if lock.info else None
        if holder is None or not holder.host:
            return ()
        at = timestamp(now)
        same, container = same_host(holder.host, self._host), holder.fact("container")
        if same is False and not container:
            return (self._elsewhere(lock, holder.host, at),)
        try:
            found, booted = self._processes(self._own())
        except OSError as error:
            fact = f"processes could not be listed: {error}"
            return self._with_ended(lock, [self._finding(lock, Says.UNKNOWN, Match.COULD_BE, fact, at)], None, at)
        if same is False:
            inside = [one for one in found if one.container.startswith(container)]
            alive = [self._alive_inside(lock, container, one, at) for one in inside]
            return self._with_ended(lock, alive or [self._elsewhere(lock, holder.host, at)], found, at)
        older = _older(lock, found)
        named = "" if same else f"; this machine goes by {one_line(self._host, 80)}"
        told = [self._judge(lock, address, one, at, named) for one in older]
        summary = self._summary(lock, holder.user, found, booted, at, surely=same is True)
        blocked = any(finding.says is Says.BLOCKS for finding in told)
        told = self._with_ended(lock, told, found, at)
        if not told or self._was_told(lock.identity, KEY) or (summary.says is Says.SUPPORTS and not blocked):
            told.append(self._one_by_one(lock, at) if blocked else summary)
            with self._guard:
                self._told[lock.identity][KEY] = ""
        return told

    def _elsewhere(self, lock: StoredLock, host: str, at: str) -> Finding:
        here, there = one_line(self._host, 80), one_line(host, 80)
        fact = f"the lock was taken on {there}; this machine is {here}, so its processes say nothing"
        return self._finding(lock, Says.NOTHING, Match.CANNOT_BE, fact, at)

    def _alive_inside(self, lock: StoredLock, container: str, one: Running, at: str) -> Finding:
        fact = f"alive in container {container} on this machine, which took the lock: {one.words}"
        return self._finding(lock, Says.BLOCKS, Match.NAMES_THIS_STATE, fact, at, about=one, final=True)

    def _judge(self, lock: StoredLock, address: StateAddress, one: Running, at: str, named: str) -> Finding:
        """What a process that ran when the lock was taken says.

        A machine goes by another domain on another network (`named`), so it only may be the one that took the lock;
        there, and of a command that takes no such lock, it takes the state's name to be sure.
        """
        relation = one.works_on.relation(address)
        if relation is Relation.OTHER:
            states = ", ".join(state.words for state in one.works_on.states[:_MOST_NAMED])
            fact = one_line(f"alive on this machine, and works on another state: {one.words}: {states}", 600)
            return self._finding(lock, Says.NOTHING, Match.CANNOT_BE, fact, at, about=one)
        fact = f"alive on this machine, which took the lock{named}: {one.words} {relation.value}"
        here = self._could_work_here(one)
        untold = relation is Relation.UNTOLD and not _takes_no_such_lock(one, lock)
        sure = relation is Relation.SAME or (not named and (here or untold))
        match = Match.NAMES_THIS_STATE if sure else Match.COULD_BE
        return self._finding(lock, Says.BLOCKS, match, fact, at, about=one, final=sure)

    def _summary(
        self, lock: StoredLock, user: str, found: list[Running], booted: datetime, at: str, *, surely: bool
    ) -> Finding:
        """What it says that no process here can be the holder."""
        created = lock.info.created_at if lock.info else None
        later = len(found) > len(_older(lock, found))
        also = "; what runs here started after the lock was taken, or works on another state" if later else ""
        if surely and created is not None and booted > created + SLACK and self._surely_here(user):
            fact = f"this machine took the lock and has started anew since, at {timestamp(booted)}{also}"
            return self._finding(lock, Says.SUPPORTS, Match.NAMES_THIS_STATE, fact, at)
        where = "this machine" if surely else f"this machine ({one_line(self._host, 80)}), which may have taken it"
        fact = f"no terraform, tofu or terragrunt older than the lock that could hold it was found on {where}{also}"
        return self._finding(lock, Says.NOTHING, Match.COULD_BE, fact, at)

    def _one_by_one(self, lock: StoredLock, at: str) -> Finding:
        fact = "processes that may hold the lock were found on this machine; each is told of by itself"
        return self._finding(lock, Says.NOTHING, Match.COULD_BE, fact, at)

    def _was_told(self, lock: LockIdentity, key: str) -> bool:
        with self._guard:
            return key in self._told.get(lock, ()) or key in self._known(lock)

    def _with_ended(
        self, lock: StoredLock, findings: list[Finding], found: list[Running] | None, at: str
    ) -> list[Finding]:
        """The findings, and what has become of the processes that were told of before."""
        now = {finding.key for finding in findings}
        with self._guard:
            told = self._told.setdefault(lock.identity, {})
            for key in self._known(lock.identity):
                if key == KEY or key.startswith(f"{KEY}."):
                    told.setdefault(key, f"pid {key.removeprefix(KEY).split('.')[1]}" if key != KEY else "")
            told.update({KEY: ""} if KEY in now else {})
            told.update({one.key: one.words for one in found or () if one.key in now})
            ended = {} if found is None else {key: words for key, words in told.items() if key not in {KEY, *now}}
        alive = {one.key for one in found or ()}
        for key, words in ended.items():
            fact = f"{words} has ended" if key not in alive else f"{words} is none that took this lock"
            findings.append(self._finding(lock, Says.NOTHING, Match.COULD_BE, fact, at, key=key))
        return findings

    def _could_work_here(self, process: Running) -> bool:
        directory = process.directory
        if directory is None or not self._directories:
            return directory is None
        return any(directory.is_relative_to(root) for root in self._directories)

    def _surely_here(self, user: str) -> bool:
        """Whether the name means this machine: many share a common one, and a user unknown here is another's."""
        return _COMMON_HOSTS.fullmatch(self._host.casefold()) is None and _is_user(user)

    def _finding(
        self,
        lock: StoredLock,
        says: Says,
        match: Match,
        fact: str,
        at: str,
        *,
        about: Running | None = None,
        key: str = KEY,
        final: bool = False,
    ) -> Finding:
        return Finding(
            key=about.key if about else key,
            lock=lock.identity,
            says=says,
            match=match,
            fact=fact,
            source=f"process list of {one_line(self._host, 80)}",
            observed_at=at,
            final=final,
        )


def _takes_no_such_lock(process: Running, lock: StoredLock) -> bool:
    """Whether the command holds no lock of this operation; `init` takes one when it moves a state, named for that."""
    operation = lock.info.operation if lock.info else ""
    return process.command in HARMLESS or (process.command == "init" and operation.startswith("OperationType"))


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
    started = datetime.fromtimestamp(process.create_time(), UTC)
    try:
        directory: Path | None = Path(process.cwd())
    except psutil.NoSuchProcess:
        raise
    except (psutil.Error, OSError):
        directory = None
    try:
        arguments = process.cmdline()
    except psutil.AccessDenied:
        arguments = []
    return Running(
        pid=process.pid,
        name=name,
        started=started,
        directory=directory,
        suspended=process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP},
        container=_container(process.pid),
        command=command_of(arguments),
        works_on=_works_on(process, name, arguments, directory, started) if directory else UNTOLD,
    )


def _works_on(process: psutil.Process, name: str, arguments: list[str], directory: Path, started: datetime) -> WorksOn:
    import psutil  # noqa: PLC0415 - as above

    try:
        environ = process.environ()
    except psutil.NoSuchProcess:
        raise
    except (psutil.Error, OSError):
        return UNTOLD
    if not environ or not arguments or not _shares_our_files(process.pid):
        return UNTOLD
    return works_on(arguments, environ, directory, _to_the_tick(process.pid, started), terragrunt="terragrunt" in name)


def _to_the_tick(pid: int, started: datetime) -> datetime:
    """When a process started, as exactly as Linux knows; psutil counts from a start of the machine in whole seconds."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return started
    return (
        started if clock is None else datetime.fromtimestamp(time.time() - time.clock_gettime(clock) + since_boot, UTC)
    )


def _shares_our_files(pid: int) -> bool:
    """Whether a path means the same file to it as to us; in a container it does not."""
    if not Path("/proc/self/ns/mnt").exists():
        return True
    try:
        theirs, ours = Path(f"/proc/{pid}"), Path("/proc/self")
        return all((theirs / link).readlink() == (ours / link).readlink() for link in ("ns/mnt", "root"))
    except OSError:
        return False


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


def _is_user(name: str) -> bool:
    import pwd  # noqa: PLC0415 - only a machine that was restarted needs it

    try:
        return bool(name) and (name == getpass.getuser() or bool(pwd.getpwnam(name)))
    except (KeyError, OSError):
        return False
