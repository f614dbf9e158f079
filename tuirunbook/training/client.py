"""The app's side of a practice world: starts its process, asks it, hears of its end, and clears up after it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from tuirunbook.training.place import cleaned
from tuirunbook.training.world import Play, Ready

START_PATIENCE = 60.0
ANSWER_PATIENCE = 90.0
END_PATIENCE = 15.0
T = TypeVar("T")
_NOTHING_REAL = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class WorldError(RuntimeError):
    """The practice world cannot be built, or has ended; the sentence says what happened."""


def spawn() -> subprocess.Popen[bytes]:
    """Start the process of a world: it loads what it needs while it waits to be told what to play."""
    return subprocess.Popen(
        [sys.executable, "-m", "tuirunbook.training.world"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**cleaned(os.environ), **_NOTHING_REAL, "PYTHONPATH": str(Path(__file__).parents[2])},
        # A session of its own: closing the terminal must not end it before it has cleared up.
        start_new_session=True,
    )


class WorldClient:
    """One practice world.

    Args:
        play: What to play.
        process: Its process, from `spawn`, which from now on is this client's; a new one where there is none.
        told: Takes what happens in the world, from a thread of its own.
        died: Called when the world ended and nobody had asked it to, from the same thread.
    """

    def __init__(
        self,
        play: Play,
        told: Callable[[str], object] = lambda _: None,
        died: Callable[[], object] = lambda: None,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self._told = told
        self._died = died
        self._ready: Future[Ready] = Future()
        self._waiting: dict[int, Future[Any]] = {}
        self._number = 0
        self._guard = threading.Lock()
        self._closing = False
        self._process = process or spawn()
        self._send(msgspec.json.encode(play))
        self._reader = threading.Thread(target=self._read, name="practice-world", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def wait_ready(self) -> Ready:
        """Until the world is there.

        Raises:
            WorldError: It cannot be built.
        """
        return self._result(self._ready, START_PATIENCE)

    def ask(self, do: str, line: str = "") -> Any:
        """Ask the world, and wait for its answer.

        Raises:
            WorldError: It has ended, or could not do it.
        """
        future: Future[Any] = Future()
        with self._guard:
            self._number += 1
            number = self._number
            self._waiting[number] = future
        if self._process.poll() is not None:
            raise WorldError("the practice world has ended")
        self._send(msgspec.json.encode({"id": number, "do": do, "line": line}))
        return self._result(future, ANSWER_PATIENCE)

    def close(self) -> None:
        """End the world and whatever is left of it."""
        self._closing = True
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(END_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_PATIENCE)
        self._reader.join(END_PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._clear_up()

    def _clear_up(self) -> None:
        """What a world leaves that was killed: its processes, which share its session, and its directory."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and os.getsid(process.pid) == self._process.pid:
                    process.kill()
        if self._ready.done() and self._ready.exception() is None:
            shutil.rmtree(self._ready.result().home, ignore_errors=True)

    def _send(self, line: bytes) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(line + b"\n")
                self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise WorldError("the practice world has ended") from error

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        for line in self._process.stdout:
            self._take(msgspec.json.decode(line))
        gone = WorldError("the practice world has ended")
        if not self._ready.done():
            self._ready.set_exception(gone)
        with self._guard:
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for future in waiting:
            future.set_exception(gone)
        if not self._closing:
            self._process.wait(END_PATIENCE)
            self._clear_up()
            self._died()

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set_result(msgspec.convert(message["ready"], Ready))
        elif "news" in message:
            self._told(str(message["news"]))
        elif "failed" in message:
            if not self._ready.done():
                self._ready.set_exception(WorldError(str(message["failed"])))
        else:
            with self._guard:
                future = self._waiting.pop(int(message["id"]), None)
            if future is not None and "error" in message:
                future.set_exception(WorldError(str(message["error"])))
            elif future is not None:
                future.set_result(message["answer"])

    @staticmethod
    def _result(future: Future[T], seconds: float) -> T:
        try:
            return future.result(seconds)
        except FutureTimeoutError:
            raise WorldError(f"the practice world did not answer within {seconds:.0f} seconds") from None
