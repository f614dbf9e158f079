"""The practice world as a process of its own: JSON lines in, JSON lines out, and an end when nobody is left to ask.

`python -m tuirunbook.training.world`. The first line says what to play (`Play`); then requests with an ID come and
answers with that ID go. When standard input ends, for whatever reason, so do all processes, the port and the directory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tuirunbook.core.scenario import Scenario
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.engine import TICK, Engine
from tuirunbook.training.ground import Ground
from tuirunbook.training.place import Place, sweep
from tuirunbook.training.shell import Shell
from tuirunbook.training.shim import load


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what to play, and how.

    Attributes:
        scenario: With everything decided that a seed decides.
        speed: How many times faster than real time things happen.
        practice_terraform: Use ours even where there is a terraform.
        parent: Where the world's directory is made; empty for the temporary directory.
    """

    scenario: Scenario
    speed: float = 1.0
    practice_terraform: bool = False
    parent: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request: `begin`, `confirmation`, `hold-queue`, `shell` with a line, or `facts`."""

    id: int
    do: str
    line: str = ""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The world is there.

    Attributes:
        home: Its directory.
        checkout: The repository.
        endpoint: Its AWS.
        environ: The environment of the trainee.
        program: `terraform`, or what stands in for it.
    """

    home: str
    checkout: str
    endpoint: str
    environ: Mapping[str, str]
    program: str


class World:
    """One scenario, served over two pipes."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._over = threading.Event()

    def play(self, play: Play, lines: Callable[[], bytes]) -> None:
        """Build the world, serve it until the lines end, and leave nothing behind."""
        parent = Path(play.parent) if play.parent else None
        sweep(parent)
        place = Place(parent)
        ground: Ground | None = None
        try:
            with EmbeddedAws(place.home) as aws:
                ground = Ground(play.scenario, place, aws)
                ground.build(practice_terraform=play.practice_terraform)
                engine = Engine(ground, aws, lambda text: self._write({"news": text}), play.speed)
                ready = Ready(
                    home=str(place.home),
                    checkout=str(place.checkout),
                    endpoint=aws.endpoint,
                    environ=ground.profiles.environ,
                    program=ground.program,
                )
                self._write({"ready": msgspec.to_builtins(ready)})
                threading.Thread(target=self._keep_time, args=(engine,), daemon=True).start()
                self._serve(engine, Shell(ground, aws), lines)
                self._over.set()
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear of it
            self._write({"failed": f"{type(error).__name__}: {error}"})
        finally:
            self._over.set()
            if ground is not None:
                ground.close()
            place.remove()

    def _keep_time(self, engine: Engine) -> None:
        while not self._over.wait(TICK):
            try:
                engine.tick()
            except Exception as error:  # noqa: BLE001 - said, and the scenario goes on
                self._write({"news": f"The practice world stumbled: {error}"})

    def _serve(self, engine: Engine, shell: Shell, lines: Callable[[], bytes]) -> None:
        answers: Mapping[str, Callable[[Request], Any]] = {
            "begin": lambda _: engine.begin(),
            "confirmation": lambda _: engine.reached("confirmation"),
            "hold-queue": lambda _: engine.hold_queue(),
            "shell": lambda request: msgspec.to_builtins(shell.run(request.line)),
            "facts": lambda _: engine.facts(),
        }
        while line := lines():
            request = msgspec.json.decode(line, type=Request)
            threading.Thread(target=self._answer, args=(request, answers), daemon=True).start()

    def _answer(self, request: Request, answers: Mapping[str, Callable[[Request], Any]]) -> None:
        try:
            self._write({"id": request.id, "answer": answers[request.do](request)})
        except Exception as error:  # noqa: BLE001 - the one who asked must hear of it
            self._write({"id": request.id, "error": f"{type(error).__name__}: {error}"})


def main() -> None:
    """Play what the first line says."""
    # A ctrl+c in the terminal is meant for the app; this process ends when the app does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Whatever a library prints must not get between the answers.
    out = os.dup(1)
    os.dup2(2, 1)
    guard = threading.Lock()

    def write(message: Mapping[str, Any]) -> None:
        with guard, contextlib.suppress(OSError):
            os.write(out, msgspec.json.encode(message) + b"\n")

    load()
    first = sys.stdin.buffer.readline()
    if first:
        World(write).play(msgspec.json.decode(first, type=Play), sys.stdin.buffer.readline)
    # Requests that are still under way belong to nobody any more.
    os._exit(0)


if __name__ == "__main__":
    main()
