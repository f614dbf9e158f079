"""The list of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.journal.story import story
from tests.support.fronts import EmptyFront
from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, text_of, until
from tuirunbook.core.values import JournalError
from tuirunbook.tui.front import IncidentRow
from tuirunbook.tui.screens.incidents import IncidentsScreen
from tuirunbook.tui.screens.transcript import TranscriptScreen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tuirunbook.core.events import Event


def row(name: str, status: str = "open", **facts: Any) -> IncidentRow:
    given = {
        "state": "acme-tfstate/network/terraform.tfstate",
        "opened_at": "2026-11-23T02:00:00Z",
        "operator": "priya",
    }
    return IncidentRow(id=name, status=status, **given | facts)


class Archive(EmptyFront):
    """Some incidents."""

    def __init__(self, *rows: IncidentRow, trouble: str = "") -> None:
        self.rows = rows
        self.trouble = trouble

    def incidents(self) -> Sequence[IncidentRow]:
        if self.trouble:
            raise JournalError(self.trouble)
        return self.rows

    def events(self, incident: str) -> Sequence[Event]:
        del incident
        return story()

    def export(self, incident: str) -> str:
        return f"# {incident}\n"


ROWS = (
    row("261120-0100-fern", "closed"),
    row("261123-0100-kiwi", "open"),
    row("261122-0100-oak", "unblocked", state="acme-tfstate/" + "deep/" * 60 + "terraform.tfstate"),
    row("261121-0100-elm", "verified", training=True),
)


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_those_that_need_somebody_come_first(size: tuple[int, int]) -> None:
    app = OneScreen(IncidentsScreen(Archive(*ROWS).front))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "261123" in painted(app))
        lines = [line for line in painted(app).splitlines() if line[2:8].isdigit()]
        assert [line[2:20].split()[0] for line in lines[:4]] == [
            "261122-0100-oak",
            "261123-0100-kiwi",
            "261121-0100-elm",
            "261120-0100-fern",
        ]
        assert lines[0].startswith("▸ 261122-0100-oak   released, not verified")
        assert "1h12m" in lines[0]
        assert "practice" in lines[2]
        await pilot.press("j", "enter")
        assert app.outcomes == [("resume", "261123-0100-kiwi")]


@piloted
async def test_one_that_cannot_be_resumed_says_why() -> None:
    app = OneScreen(IncidentsScreen(Archive(row("a", resumable="it runs on [/x] kiwi-laptop")).front))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "cannot be resumed here" in text_of(app, "#incidents-detail"))
        await pilot.press("enter")
        await until(pilot, lambda: "it runs on [/x] kiwi-laptop" in notices(app))
        assert app.outcomes == []
        await pilot.press("escape")
        assert app.outcomes == [None]


@piloted
async def test_an_export_goes_to_a_new_file_here_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = OneScreen(IncidentsScreen(Archive(row("261123-0100-kiwi")).front))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "261123" in painted(app))
        await pilot.press("e")
        first = tmp_path / "incident-261123-0100-kiwi.md"
        await until(pilot, lambda: str(first) in notices(app))
        assert first.read_text(encoding="utf-8") == "# 261123-0100-kiwi\n"
        await pilot.press("e")
        await until(pilot, (tmp_path / "incident-261123-0100-kiwi-2.md").exists)
        assert first.read_text(encoding="utf-8") == "# 261123-0100-kiwi\n"


@piloted
async def test_its_transcript_opens() -> None:
    app = OneScreen(IncidentsScreen(Archive(*ROWS).front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "261123" in painted(app))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TranscriptScreen))
        await until(pilot, lambda: "The incident ended" in painted(app) or "closed" in painted(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, IncidentsScreen))


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_an_empty_list_says_when_one_begins(size: tuple[int, int]) -> None:
    app = OneScreen(IncidentsScreen(Archive().front))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "No incidents yet." in painted(app))
        await pilot.press("enter", "t", "e", "j")
        assert "Looking leaves none." in " ".join(painted(app).split())


@piloted
async def test_a_list_that_cannot_be_read_says_why() -> None:
    app = OneScreen(IncidentsScreen(Archive(trouble="the directory is not yours [/x]").front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "the directory is not yours [/x]" in painted(app))


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_hostile_rows_are_text(size: tuple[int, int]) -> None:
    bad = row(HOSTILE, HOSTILE, state=HOSTILE + "s" * 400_000, operator=HOSTILE, opened_at=HOSTILE, resumable=HOSTILE)
    app = OneScreen(IncidentsScreen(Archive(bad).front))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "red [PROD] [/x]" in painted(app))
        assert "owned" not in painted(app)
        await pilot.press("enter", "down")
