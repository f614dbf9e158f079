"""How the application ends: with what went wrong and nothing that was secret, or quietly once it leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.fronts import EmptyFront
from tests.support.pilots import piloted
from tests.support.terminal import Terminal
from tuirunbook.core.values import JournalError
from tuirunbook.tui.app import TflockApp

CRASHES = """
from tests.support.fronts import EmptyFront
from tuirunbook.tui.app import TflockApp

class Crashing(TflockApp):
    def on_mount(self):
        password = "hunter" + "2"
        raise RuntimeError("with AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

app = Crashing(EmptyFront().front)
app.run()
raise SystemExit(app.return_code)
"""


@pytest.mark.pty
def test_s13_a_crash_shows_where_it_happened_and_neither_local_variables_nor_secrets(tmp_path: Path) -> None:
    checkout = Path(__file__).parents[2]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(checkout), "LANG": "C.UTF-8"}
    with Terminal([sys.executable, "-c", CRASHES], environ, str(tmp_path), (100, 60)) as terminal:
        assert terminal.wait_for_end() == 1
        assert terminal.shows("RuntimeError")
        assert terminal.shows("in on_mount")
        assert b"hunter2" not in terminal.written
        assert b"wJalrXUtnFEMI" not in terminal.written


class Nothing(EmptyFront):
    """Finds nothing, and says so."""

    def find(self) -> None:
        raise JournalError("nothing is here")


@piloted
async def test_a_screen_that_was_just_being_opened_when_the_application_left_makes_no_failure_of_it() -> None:
    app = TflockApp(Nothing().front)
    async with app.run_test():
        app.exit(0)
        app._handle_exception(LookupError("a widget that never came"))
        assert (app.return_code, app._exit_renderables) == (0, [])
