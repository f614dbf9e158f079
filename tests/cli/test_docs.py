"""The README's generated parts: made from the commands themselves, and found out when they are stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuirunbook import docs

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = "# Title\n<!-- keys -->\nold\n<!-- /keys -->\ntext\n<!-- help -->\nold\n<!-- /help -->\nend\n"


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "README.md"
    path.write_text(EMPTY)
    monkeypatch.setattr(docs, "README", path)
    return path


def test_only_what_stands_between_the_markers_is_replaced(readme: Path) -> None:
    assert docs.main([]) == 0
    text = readme.read_text()
    assert text.startswith("# Title\n<!-- keys -->\n| Key |")
    assert "\n<!-- /keys -->\ntext\n<!-- help -->\n```text\nUsage: tflock-tui" in text
    assert text.endswith("<!-- /help -->\nend\n")
    assert "\nold\n" not in text


def test_a_stale_readme_is_found_and_left_as_it_is(readme: Path) -> None:
    assert docs.main(["--check"]) == 1
    assert readme.read_text() == EMPTY


def test_what_was_generated_is_current(readme: Path) -> None:
    docs.main([])
    before = readme.read_text()
    assert docs.main(["--check"]) == 0
    assert readme.read_text() == before


def test_a_missing_pair_of_markers_is_told(readme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme.write_text("# Title\n")
    assert docs.main(["--check"]) == 1
    assert "<!-- keys -->" in capsys.readouterr().err


def test_every_command_is_in_the_help() -> None:
    text = docs.help_text()
    for command in ("status", "locks", "wait", "incidents prune", "runbook check", "export", "completion"):
        assert f"Usage: tflock-tui {command}" in text
