"""Getting bytes onto the disk itself."""

from __future__ import annotations

import fcntl
import os


def sync(descriptor: int) -> None:
    """Return when what was written to a file would survive a loss of power.

    On macOS `fsync` leaves the data in the drive's cache, and `F_FULLFSYNC` has it written (Apple's fsync(2)). A file
    system that knows no such thing gets the former.

    Raises:
        OSError: It could not be written.
    """
    full: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(descriptor, full)
        except OSError:
            pass
        else:
            return
    os.fsync(descriptor)
