"""A scenario under way: things happen in its world, and what an act breaks is really broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from tuirunbook.core.scenario import Does, Happening, seconds
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.checkout import TABLE, resources_text
from tuirunbook.training.ground import Ground, Held
from tuirunbook.training.holders import Holder, wait_until

TICK = 0.25
LIVE_RUNNER = "runner@runnervm9q2xk"
RUNNER_KEY = "AKIAPRACTICERUNNER00"
_OVERTAKER = "peering"


class Engine:
    """Runs one scenario.

    Args:
        ground: Its world, built.
        aws: Its AWS.
        tell: Takes what is said on the screen.
        speed: How many times faster than real time things happen.
    """

    def __init__(self, ground: Ground, aws: EmbeddedAws, tell: Callable[[str], None], speed: float = 1.0) -> None:
        self.ground = ground
        self.stores = ground.stores
        self.locks = ground.locks
        self.damage: list[str] = []
        self._aws = aws
        self._tell = tell
        self._speed = speed
        self._queue_held = not ground.scenario.queue
        self._queue_ran = False
        self._left = list(ground.scenario.happenings)
        self._began: float | None = None
        self._busy = threading.RLock()
        self._fire(lambda happening: happening.at == "start")

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
        self._hold_anew(held, LIVE_RUNNER, self.ground.start(held.root, "default", "apply"), alive=True)

    def _come_back(self) -> None:
        """A runner that may take a lock and not give it back runs its plan once more."""
        held = self.locks[0]
        self._aws.deny("DeleteItem", access_key=RUNNER_KEY)
        self._aws.deny("DeleteObject", access_key=RUNNER_KEY)
        runner = self.ground.runner(held.root, {"AWS_ACCESS_KEY_ID": RUNNER_KEY})
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
        second = self.ground.runner(held.root, {})
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
        queued = self.ground.start(self.ground.scenario.roots[0], "default", "apply", gated=False)
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
                "program": self.ground.program,
                "damage": list(self.damage),
                "locks": {held.lock_id: {"alive": held.alive or held.stolen, "key": held.key} for held in self.locks},
                "held": [held.key for held in self.locks if self.stores.locks(held.key)],
                "buckets": list(self.stores.buckets()),
            }


def _error(said: str) -> str:
    """The line that tells why a terraform ended badly."""
    lines = [line.strip() for line in said.splitlines() if "Error" in line or "error" in line]
    return lines[0] if lines else "without an error"
