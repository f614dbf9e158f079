"""What a scenario begins with: the stores, the checkout, and locks that real runs took."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tuirunbook.core.scenario import Fate, PracticeLock, PracticeRoot, Scenario, seconds
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.checkout import state_bytes, write_repository
from tuirunbook.training.holders import Holder, HolderError, run, wait_until
from tuirunbook.training.place import PRACTICE_TERRAFORM, Place
from tuirunbook.training.profiles import Profiles
from tuirunbook.training.stores import Stores


class Held(msgspec.Struct, kw_only=True):
    """A lock of the scenario, with who took it."""

    root: PracticeRoot
    key: str
    who: str
    holder: Holder | None
    lock_id: str = ""
    alive: bool = False
    stolen: bool = False
    unreadable: bool = False


class Ground:
    """Builds the world of one scenario.

    Args:
        scenario: What the seed has decided already.
        place: Its directory.
        aws: Its AWS.

    Attributes:
        environ: The environment of everything that runs in it.
        profiles: Who the trainee is.
        stores: Its lock stores.
        locks: The locks of the scenario, those that came later included.
        program: `terraform`, or what stands in for it.
    """

    def __init__(self, scenario: Scenario, place: Place, aws: EmbeddedAws) -> None:
        self.scenario = scenario
        self.place = place
        self.environ = place.environ(aws.environ(), aws.endpoint)
        self.profiles = Profiles(scenario.profiles, place.home, self.environ)
        self.stores = Stores(aws, scenario.mode)
        self.locks: list[Held] = []
        self.program = ""
        self._aws = aws
        self._runners = 0
        self._started: list[Holder] = []
        self._counting = threading.Lock()

    def build(self, *, practice_terraform: bool = False) -> None:
        """Make the world, up to locks that are held.

        Raises:
            HolderError: It cannot be built; the sentence says why.
        """
        if practice_terraform or shutil.which("terraform", path=self.environ["PATH"]) is None:
            self._use_practice_terraform()
        with ThreadPoolExecutor(4) as pool:
            history = pool.submit(
                write_repository, self.place.checkout, self.scenario, self._aws.endpoint, self.environ
            )
            self.stores.create()
            self.profiles.create(self._aws, self.scenario.mode)
            self._write_states()
            history.result()
            self._initialise(pool)
            list(pool.map(self._take, self.scenario.locks))
        self.locks.sort(key=lambda held: held.key)

    def _use_practice_terraform(self) -> None:
        self.place.use_practice_terraform()
        self.program = PRACTICE_TERRAFORM

    def _write_states(self) -> None:
        for root in self.scenario.roots:
            for workspace in ("default", *self.scenario.workspaces):
                key = self.stores.name(root, workspace)
                self.stores.put_state(key, state_bytes(root.has, serial=7))

    def _initialise(self, pool: ThreadPoolExecutor) -> None:
        roots = [self.directory(root) for root in self.scenario.roots]
        results = list(pool.map(self._init, roots))
        if any(code for code, _ in results) and not self.program:
            # An old terraform, or a wrapper that needs its owner's home: ours does what theirs cannot here.
            self._use_practice_terraform()
            results = list(pool.map(self._init, roots))
        failed = next((said for code, said in results if code), None)
        if failed is not None:
            raise HolderError(f"terraform init failed in the practice world: {failed}")
        if not self.program:
            self.program = "terraform"
        if self.scenario.workspace != "default":
            for root in roots:
                (root / ".terraform" / "environment").write_text(self.scenario.workspace, encoding="ascii")

    def _init(self, directory: Path) -> tuple[int, str]:
        return run(directory, self.environ, "init", "-no-color", "-input=false")

    def _take(self, lock: PracticeLock) -> None:
        root = next((one for one in self.scenario.roots if one.name == lock.root), self.scenario.roots[0])
        key = self.stores.name(root, lock.workspace)
        held = Held(root=root, key=key, who=lock.who, holder=None, alive=lock.fate is Fate.ALIVE)
        held.unreadable = lock.raw is not None
        held.holder = self.start(root, lock.workspace, lock.operation)
        held.holder.wait_for_lock(lambda: self.stores.lock_id(key))
        held.lock_id = held.holder.lock_id
        if root.creates and lock.operation == "apply":
            wait_until(lambda: root.creates in self.stores.buckets(), "what the practice apply creates")
        if not held.alive:
            held.holder.kill()
        self.stores.dress(key, lock.who, seconds(lock.age))
        if root.drift:
            self.stores.put_state(key, state_bytes((*root.has, *root.adds), serial=8), with_digest=False)
        for store in self.stores.locks(key):
            if lock.raw is not None:
                self.stores.put(key, store, lock.raw)
            if lock.half and store != lock.half:
                self.stores.remove(key, store)
        self.locks.append(held)

    def start(self, root: PracticeRoot, workspace: str, operation: str, *, gated: bool = True) -> Holder:
        """Start to plan or to apply on a runner of its own."""
        holder = self.runner(root, {"TF_WORKSPACE": workspace} if workspace != "default" else {})
        holder.start(operation, gated=gated)
        return holder

    def runner(self, root: PracticeRoot, environ: Mapping[str, str]) -> Holder:
        """A runner of its own, with a copy of the checkout, that runs nothing yet."""
        with self._counting:
            self._runners += 1
            target = self.place.home / f"runner-{self._runners}"
        holder = Holder(self.directory(root), target, {**self.environ, **environ})
        with self._counting:
            self._started.append(holder)
        return holder

    def directory(self, root: PracticeRoot) -> Path:
        """Where a root module is in the checkout."""
        return self.place.checkout / root.name

    def close(self) -> None:
        """End every process of this world."""
        with self._counting:
            for runner in self._started:
                runner.kill()
