"""A scenario under way: its world is built, things happen in it, and what an act breaks is really broken."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from tuirunbook.core.scenario import Does, Fate, Happening, PracticeLock, PracticeRoot, Scenario, seconds
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.checkout import TABLE, resources_text, state_bytes, write_repository
from tuirunbook.training.holders import Holder, HolderError, run, wait_until
from tuirunbook.training.place import PRACTICE_TERRAFORM, Place
from tuirunbook.training.stores import Stores

TICK = 0.25
LIVE_RUNNER = "runner@runnervm9q2xk"
RUNNER_KEY = "AKIAPRACTICERUNNER00"
_OVERTAKER = "peering"


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


class Engine:
    """Builds and runs one scenario.

    Args:
        scenario: What the seed has decided already.
        place: Its directory.
        aws: Its AWS.
        tell: Takes what is said on the screen.
        speed: How many times faster than real time things happen.
    """

    def __init__(
        self, scenario: Scenario, place: Place, aws: EmbeddedAws, tell: Callable[[str], None], speed: float = 1.0
    ) -> None:
        self.scenario = scenario
        self.place = place
        self.environ = place.environ(aws.environ(), aws.endpoint)
        self.stores = Stores(aws, scenario.mode)
        self.locks: list[Held] = []
        self.damage: list[str] = []
        self.program = ""
        self._aws = aws
        self._tell = tell
        self._speed = speed
        self._queue_held = not scenario.queue
        self._queue_ran = False
        self._left = list(scenario.happenings)
        self._began: float | None = None
        self._runners = 0
        self._busy = threading.RLock()

    # Building

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
            self._write_states()
            history.result()
            self._initialise(pool)
            list(pool.map(self._take, self.scenario.locks))
        self.locks.sort(key=lambda held: held.key)
        self._fire(lambda happening: happening.at == "start")

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
        held.holder = self._start(root, lock.workspace, lock.operation)
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

    def _start(self, root: PracticeRoot, workspace: str, operation: str, **more: Any) -> Holder:
        holder = self._runner(root, {"TF_WORKSPACE": workspace} if workspace != "default" else {})
        holder.start(operation, **more)
        return holder

    def _runner(self, root: PracticeRoot, environ: Mapping[str, str]) -> Holder:
        with self._busy:
            self._runners += 1
            target = self.place.home / f"runner-{self._runners}"
        return Holder(self.directory(root), target, {**self.environ, **environ})

    def directory(self, root: PracticeRoot) -> Path:
        """Where a root module is in the checkout."""
        return self.place.checkout / root.name

    # Time

    def begin(self) -> None:
        """The walk has begun: from now on things happen."""
        with self._busy:
            self._began = self._began or time.monotonic()

    def tick(self) -> None:
        """Let happen what is due, and what follows from what was done."""
        with self._busy:
            if self._began is None:
                return
            passed = (time.monotonic() - self._began) * self._speed
            self._fire(lambda happening: bool(happening.after) and seconds(happening.after) <= passed)
            self._notice()

    def reached(self, moment: str) -> None:
        """Something was reached that happenings wait for: `confirmation`."""
        with self._busy:
            self._fire(lambda happening: happening.at == moment)

    def _fire(self, due: Callable[[Happening], bool]) -> None:
        now = [happening for happening in self._left if due(happening)]
        self._left = [happening for happening in self._left if happening not in now]
        for happening in now:
            if happening.text:
                self._tell(happening.text)
            self._do(happening)

    def _do(self, happening: Happening) -> None:
        match happening.does:
            case Does.FINISH:
                for held in self._living():
                    assert held.holder is not None  # noqa: S101 - the living have one
                    held.alive = False
                    held.holder.let_go()
            case Does.HAND_OVER:
                self._hand_over()
            case Does.COME_BACK:
                self._come_back()
            case Does.DENY:
                self._aws.deny(happening.action.partition(":")[2], match=TABLE)
            case Does.HOLD_QUEUE:
                self._queue_held = True
            case Does.NOTHING:
                pass

    def hold_queue(self) -> None:
        """The queued apply stays where it is."""
        self._queue_held = True

    def _living(self) -> Iterable[Held]:
        return [held for held in self.locks if held.alive and held.holder is not None]

    def _hand_over(self) -> None:
        held = self.locks[0]
        for store in self.stores.locks(held.key):
            self.stores.remove(held.key, store)
        self._hold_anew(held, LIVE_RUNNER, self._start(held.root, "default", "apply"), alive=True)

    def _come_back(self) -> None:
        """A runner that may take a lock and not give it back runs its plan once more."""
        held = self.locks[0]
        self._aws.deny("DeleteItem", access_key=RUNNER_KEY)
        self._aws.deny("DeleteObject", access_key=RUNNER_KEY)
        runner = self._runner(held.root, {"AWS_ACCESS_KEY_ID": RUNNER_KEY})
        runner.start("plan", gated=False)
        runner.wait()
        self._hold_anew(held, held.who, runner, alive=False)

    def _hold_anew(self, held: Held, who: str, holder: Holder, *, alive: bool) -> None:
        wait_until(lambda: self.stores.lock_id(held.key), "the next practice lock")
        new = self.stores.lock_id(held.key)
        self.stores.dress(held.key, who, 1)
        self.locks.append(Held(root=held.root, key=held.key, who=who, holder=holder, lock_id=new, alive=alive))

    # What acts lead to

    def _notice(self) -> None:
        for held in list(self._living()):
            if not held.stolen and not self.stores.holds(held.key, held.lock_id):
                held.stolen = True
                self._overtake(held)
        if not self._queue_ran and not self._queue_held and not self.stores.locks(self.locks[0].key):
            self._queue_ran = True
            self._run_queued()
        if self.locks and not any(self._is_held(held) for held in self.locks):
            self._fire(lambda happening: happening.at == "released")

    def _is_held(self, held: Held) -> bool:
        return bool(self.stores.locks(held.key)) if held.unreadable else self.stores.holds(held.key, held.lock_id)

    def _overtake(self, held: Held) -> None:
        """What a released live lock leads to: the next apply writes the state, and the first one writes over it."""
        assert held.holder is not None  # noqa: S101 - the living have one
        if held.holder.operation == "plan":
            held.holder.let_go()
            held.holder.wait()
            self._break(f"The plan was alive. Its run ended red: {_error(held.holder.said)}")
            return
        self._tell("The next apply in the pipeline takes the lock the second it is free…")
        second = self._runner(held.root, {})
        text = resources_text(held.root, new=False, more=(_OVERTAKER,))
        (second.directory / "main.tf").write_text(text, encoding="utf-8")
        second.start("apply", gated=False)
        second.wait()
        written = self.stores.state(held.key)
        held.holder.let_go()
        held.holder.wait()
        now = self.stores.state(held.key)
        lost = [name for name in written["resources"] if name not in now["resources"]]
        self._break(
            f"The apply was alive. A second one took the free lock and wrote serial {written['serial']} with "
            f"{', '.join(lost) or 'nothing new'}; then the first wrote its own serial {now['serial']} over it. What "
            f"only the second one knew exists, and no state knows it. "
            f"The first run ended red: {_error(held.holder.said)}"
        )

    def _run_queued(self) -> None:
        self._tell("The queued apply has started: it takes the lock the second it is free.")
        queued = self._start(self.scenario.roots[0], "default", "apply", gated=False)
        code = queued.wait()
        if code:
            self._break(f"The queued apply ran on the half-written state and failed: {_error(queued.said)}")

    def _break(self, sentence: str) -> None:
        self.damage.append(sentence)
        self._tell(sentence)

    # What is told of it

    def facts(self) -> dict[str, Any]:
        """What is so in the world: the locks and their holders, states, buckets, and what broke."""
        with self._busy:
            return {
                "program": self.program,
                "damage": list(self.damage),
                "locks": {held.lock_id: {"alive": held.alive or held.stolen, "key": held.key} for held in self.locks},
                "held": [held.key for held in self.locks if self.stores.locks(held.key)],
                "buckets": list(self.stores.buckets()),
            }

    def close(self) -> None:
        """End every process of this world."""
        with self._busy:
            for held in self.locks:
                if held.holder is not None:
                    held.holder.kill()


def _error(said: str) -> str:
    """The line that tells why a terraform ended badly."""
    lines = [line.strip() for line in said.splitlines() if "Error" in line or "error" in line]
    return lines[0] if lines else "without an error"


def version_of(environ: Mapping[str, str]) -> str:
    """The first line of `terraform version`."""
    try:
        return run(Path("/"), environ, "version")[1].splitlines()[0]
    except (HolderError, IndexError, subprocess.SubprocessError):
        return ""
