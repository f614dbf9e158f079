"""A first look from a process of its own, begun before the screen's libraries are imported.

Importing boto3 takes as long as importing Textual; in two processes they are imported at once, and the lock is on the
screen no later than the aws CLI would print it. The scout only reads, what it reads is only shown, and nothing is
decided by it: the walk takes its own look.

It is left out where reading could ask a person something twice (`credential_process`, MFA).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.lock import Reading, Store
from tuirunbook.wiring.options import Options


class Sighting(msgspec.Struct, frozen=True):
    """What one store of a state said."""

    lock_id: str
    store: Store
    reading: Reading


class Scout:
    """The process, and what it says."""

    def __init__(self, options: Options) -> None:
        # -P: the checkout's own Python files are not ours to run.
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            (sys.executable, "-P", "-m", "tuirunbook.wiring.scout", msgspec.json.encode(options).decode()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End it; it only reads, and nobody listens any more."""
        self._process.terminate()

    def sightings(self) -> Iterator[Sighting]:
        """What it reads, as it arrives; blocks in between. Nothing at all where there is nothing quick to read."""
        decoder = msgspec.json.Decoder(Sighting)
        with self._process as process:
            for line in process.stdout or ():
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError:
                    return


def worth_sending(options: Options, environ: Mapping[str, str]) -> bool:
    """Whether a scout could find the state without reading HCL, and without asking a person for credentials."""
    if options.error or options.backend_config:
        return False
    home = Path(environ.get("HOME", "~")).expanduser()
    files = (
        environ.get("AWS_CONFIG_FILE") or home / ".aws" / "config",
        environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials",
    )
    return not any(_asks(Path(file)) for file in files)


def _asks(file: Path) -> bool:
    try:
        text = file.read_text("utf-8", "replace")
    except OSError:
        return False
    return "credential_process" in text or "mfa_serial" in text


def main(encoded: str) -> None:
    """Look, and print a line for each store."""
    from tuirunbook.wiring.adapters import Adapters  # noqa: PLC0415 - the parent imports this module, too
    from tuirunbook.wiring.problem import Problem  # noqa: PLC0415

    adapters = Adapters(msgspec.json.decode(encoded, type=Options))
    try:
        root = adapters.roots.quickly()
        store = adapters.store(root) if root is not None else None
    except Problem:
        return
    if store is None:
        return
    lock_id = store.address.lock_id

    def tell(place: Store, reading: Reading) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(Sighting(lock_id, place, reading)) + b"\n")
        sys.stdout.buffer.flush()

    store.look_at_locks(tell)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BrokenPipeError:
        # The application has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
