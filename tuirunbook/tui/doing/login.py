"""Renewing credentials from inside."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence

from tuirunbook.core.values import Caller
from tuirunbook.tui.doing.stage import Stage


async def login(stage: Stage) -> None:
    """Run the login command in the terminal, then ask who we are and look again."""
    command = stage.front.login_command(stage.view.root)
    if command is None:
        caller = stage.view.caller
        advice = "" if caller is None or isinstance(caller, Caller) else f" {caller.why}. {caller.advice}"
        stage.say(f"No command here renews these credentials.{advice}")
        return
    with stage.suspended():
        trouble = _run(command)
    if trouble:
        stage.say(trouble, bad=True)
        return
    stage.say("Logged in; reading again.")
    await stage.do("asking AWS who we are…", stage.session.know_again)
    stage.session.watcher.look_now()


def _run(command: Sequence[str]) -> str:
    """What went wrong, or empty. The application is suspended meanwhile, so it may wait."""
    print(f"$ {shlex.join(command)}")  # noqa: T201 - the terminal is the operator's here
    try:
        with _deaf_to_ctrl_c():
            code = subprocess.run(command, check=False).returncode  # noqa: S603 - an argument list, from the profile
    except FileNotFoundError:
        return f"{command[0]} is not installed here, or not on PATH; run `{shlex.join(command)}` where it is."
    except OSError as error:
        return f"{command[0]} cannot be started ({error.strerror}); run `{shlex.join(command)}` elsewhere."
    return f"The login ended with exit code {code}." if code else ""


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl+c ends the login, not us. A handler, for what is ignored here would be ignored by the login, too."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
