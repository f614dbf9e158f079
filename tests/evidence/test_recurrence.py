"""Earlier incidents, from journals on a real disk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.core.test_recurrence import NOW, TAKEN, journal, lock, snapshot
from tests.support.incidents import DUAL, A, B
from tuirunbook.core.events import Opened
from tuirunbook.core.recurrence import FRESH, SAME, earlier
from tuirunbook.evidence.recurrence import Recurrence
from tuirunbook.journal.journals import Journals


def test_what_was_walked_before_on_this_machine_is_found_in_its_journals(tmp_path: Path) -> None:
    journals = Journals(tmp_path / "incidents")
    gone = TAKEN - timedelta(minutes=3)
    events = journal(
        (gone - timedelta(hours=1), snapshot(lock(B, created=gone - timedelta(hours=2)))), (gone, snapshot())
    )
    assert isinstance(events[0], Opened)
    with journals.create(events[0]) as writer:
        for event in events:
            writer.append(event)
    source = Recurrence(lambda: filter(None, (earlier(journals.read(name)[0]) for name in journals.names())))
    found = {finding.key: finding for finding in source.gather(lock(A), DUAL, NOW)}
    assert set(found) == {SAME, FRESH}
    assert events[0].incident in found[SAME].fact
