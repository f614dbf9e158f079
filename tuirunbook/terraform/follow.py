"""Reading a log while a child writes it."""

from __future__ import annotations

import codecs
from pathlib import Path


class LogFollower:
    """Reads a growing file from where it stopped last. It holds no file open and may be asked ten times a second.

    Characters that are cut by the end of the file wait for their other bytes; what is not UTF-8 becomes U+FFFD.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read_new(self, max_bytes: int = 1 << 20) -> str:
        """What was written since the last call, at most `max_bytes` of it; empty when there is nothing (yet)."""
        try:
            with self.path.open("rb") as log:
                log.seek(self._offset)
                data = log.read(max_bytes)
        except FileNotFoundError:
            return ""
        self._offset += len(data)
        return self._decoder.decode(data)

    def finish(self) -> str:
        """What remains once the writer has ended, all of it, with a cut last character shown as U+FFFD."""
        parts: list[str] = []
        while part := self.read_new():
            parts.append(part)
        parts.append(self._decoder.decode(b"", final=True))
        return "".join(parts)
