"""What the walk does about its terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys

WAITS = """
import signal, sys, threading
from tuirunbook.terminal import end_with_terminal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_with_terminal()
sys.stdout.write("ready")
sys.stdout.flush()
threading.Event().wait(60)
"""


def test_the_end_of_the_terminal_ends_the_tool_also_where_the_signal_is_ignored() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as waiting:
        os.close(theirs)
        try:
            assert os.read(ours, 100) == b"ready"
        finally:
            os.close(ours)
        assert waiting.wait(30) == 128 + signal.SIGHUP
