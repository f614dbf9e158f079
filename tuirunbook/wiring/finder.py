"""Finding the states of a repository in a process of its own, begun before the screen's libraries are imported.

Finding takes about as long as importing Textual, and neither can go on while the other holds the interpreter. In two
processes the rows are there when the first frame is painted. Whatever keeps this process from telling everything, the
caller finds itself: it is a head start and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from tuirunbook.core.state import State
from tuirunbook.wiring.options import Options

_END = b"end\n"
_BUFFER = 1 << 20
_FLUSH_SECONDS = 0.02
"""How long a state may lie in the pipe's buffer: a frame."""


class Finder:
    """The process, and the states that it tells."""

    def __init__(self, options: Options) -> None:
        # -P: the checkout's own Python files are not ours to run.
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            (sys.executable, "-P", "-m", "tuirunbook.wiring.finder", msgspec.json.encode(options).decode()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Each read gives the interpreter away, and a busy screen gives it back late: few and large ones.
            bufsize=_BUFFER,
            pipesize=_BUFFER,
        )
        self.complete = False

    def stop(self) -> None:
        """End it; it only reads, and nobody listens any more."""
        self._process.terminate()

    def states(self) -> Iterator[State]:
        """Each state as it is found; afterwards `complete` says whether that was all of them."""
        decoder = msgspec.json.Decoder(State)
        with self._process as process:
            for line in process.stdout or ():
                if line == _END:
                    self.complete = True
                    return
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError:
                    process.terminate()
                    return


def main(encoded: str) -> None:
    """Find, and print a line for each state."""
    from tuirunbook.wiring.adapters import Adapters  # noqa: PLC0415 - the parent imports this module, too
    from tuirunbook.wiring.states import found_states  # noqa: PLC0415 - likewise

    out = sys.stdout.buffer
    encoder = msgspec.json.Encoder()
    threading.Thread(target=_flush_now_and_then, args=(out,), daemon=True).start()
    for state in found_states(Adapters(msgspec.json.decode(encoded, type=Options))):
        out.write(encoder.encode(state) + b"\n")
    out.write(_END)
    out.flush()


def _flush_now_and_then(out: BinaryIO) -> None:
    """Let nothing lie in the buffer while the next state is searched for, or what was read is remembered."""
    with contextlib.suppress(OSError, ValueError):
        while True:
            time.sleep(_FLUSH_SECONDS)
            out.flush()


if __name__ == "__main__":
    try:
        # What goes wrong here goes wrong again where it can be told, in the application itself. A name that is no
        # Unicode is among it.
        with contextlib.suppress(Exception):
            main(sys.argv[1])
    finally:
        with contextlib.suppress(OSError):
            os.close(sys.stdout.fileno())
        # the interpreter would take its time to forget a thousand states
        os._exit(0)
