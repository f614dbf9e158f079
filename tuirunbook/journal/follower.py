"""Reading a journal while another process writes it."""

from __future__ import annotations

from pathlib import Path

from tuirunbook.core.events import Event
from tuirunbook.core.values import JournalError, Writer
from tuirunbook.journal import reader
from tuirunbook.journal.claim import writer_of


class Follower:
    """One incident, read as far as it is written. It satisfies `walk.ports.FollowedJournal`.

    A line that could not be flushed is cut away again by its writer, and may have been read meanwhile: what has become
    shorter, or does not follow on what was read, is read again from its beginning.

    Args:
        directory: The incident's directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / reader.JOURNAL
        self._reader = reader.Reader(self._path)

    def read_new(self) -> tuple[Event, ...]:
        """The events that were added since the last call; all of them, from the first, when it is read again.

        Raises:
            JournalError: It cannot be read, or is not there any more.
        """
        try:
            size = self._path.stat().st_size
        except OSError as error:
            raise JournalError(f"the journal {self._path} cannot be read: {error.strerror}") from error
        if size == self._reader.position.length:
            return ()
        damage = len(self._reader.report.damage)
        if size > self._reader.position.length:
            found = tuple(self._reader.added())
            if len(self._reader.report.damage) == damage:
                return found
        self._reader = reader.Reader(self._path)
        return tuple(self._reader.added())

    def writer(self) -> Writer | None:
        """Who writes it now, or None when nobody is seen to."""
        return writer_of(self._directory)
