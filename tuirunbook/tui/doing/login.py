"""Renewing credentials from inside."""

from __future__ import annotations

import shlex
import subprocess

from tuirunbook.core.values import Caller
from tuirunbook.tui.doing.stage import Stage


async def login(stage: Stage) -> None:
    """Run the login command in the terminal, then go on."""
    command = stage.front.login_command(stage.view.root)
    if command is None:
        caller = stage.view.caller
        advice = "" if caller is None or isinstance(caller, Caller) else f" {caller.why}. {caller.advice}"
        stage.say(f"No command here renews these credentials.{advice}")
        return
    with stage.suspended():
        print(f"$ {shlex.join(command)}")  # noqa: T201 - the terminal is the operator's here
        code = subprocess.run(command, check=False).returncode  # noqa: ASYNC221, S603 - the app is suspended
    stage.say("Logged in; reading again." if code == 0 else f"The login ended with exit code {code}.", bad=code != 0)
    stage.walk.watcher.look_now()
