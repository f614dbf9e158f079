"""Renewing credentials: what is run, what is asked afterwards, and what is said where it cannot be run."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from tuirunbook.core.lock import NotChecked
from tuirunbook.tui.doing.login import login
from tuirunbook.tui.doing.stage import Stage


class Scene:
    """A stage whose walk only notes what is asked of it."""

    def __init__(self, *command: str) -> None:
        self.done: list[str] = []
        self.said: list[str] = []
        self.front = SimpleNamespace(login_command=lambda _: command or None)
        self.view = SimpleNamespace(
            root=None, caller=NotChecked(code="NoCredentials", why="Nobody is signed in", advice="Sign in.")
        )
        self.session = SimpleNamespace(know_again=self._know_again, watcher=SimpleNamespace(look_now=self._look_now))

    def _know_again(self) -> None:
        self.done.append("who")

    def _look_now(self) -> None:
        self.done.append("look")

    def suspended(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    async def do(self, busy: str, request: Callable[..., Any]) -> Any:
        del busy
        return request()

    def say(self, sentence: str, *, bad: bool = False) -> None:
        self.said.append(f"{'BAD ' if bad else ''}{sentence}")

    def log_in(self) -> None:
        asyncio.run(login(cast("Stage", self)))


def test_after_a_login_it_is_asked_who_we_are_before_the_next_look() -> None:
    scene = Scene(sys.executable, "-c", "")
    scene.log_in()
    assert scene.done == ["who", "look"]
    assert scene.said == ["Logged in; reading again."]


def test_a_program_that_is_not_there_is_told_in_a_sentence() -> None:
    scene = Scene("aws-not-here", "sso", "login", "--profile", "a b")
    scene.log_in()
    (said,) = scene.said
    assert said.startswith("BAD aws-not-here is not installed here")
    assert "`aws-not-here sso login --profile 'a b'`" in said
    assert not scene.done


def test_a_program_that_cannot_be_started_is_told_in_a_sentence() -> None:
    scene = Scene("/")
    scene.log_in()
    assert "cannot be started" in scene.said[0]


def test_a_login_that_fails_is_told_and_nothing_is_asked() -> None:
    scene = Scene(sys.executable, "-c", "raise SystemExit(3)")
    scene.log_in()
    assert scene.said == ["BAD The login ended with exit code 3."]
    assert not scene.done


def test_ctrl_c_ends_the_login_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    # Both are in the terminal's foreground: both get the signal.
    both = "import os, signal; os.kill(os.getppid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT)"
    scene = Scene(sys.executable, "-c", f"{both}; input()")
    scene.log_in()
    assert scene.said[0].startswith("BAD The login ended with exit code")
    assert signal.getsignal(signal.SIGINT) is before


def test_without_a_command_the_advice_is_told() -> None:
    scene = Scene()
    scene.log_in()
    assert scene.said == ["No command here renews these credentials. Nobody is signed in. Sign in."]
