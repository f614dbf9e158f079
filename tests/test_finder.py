"""A finder in a process of its own tells what is there, and what it cannot tell is found without it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.finder import Finder
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.states import found_states
from tuirunbook.wiring.surveying import survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuirunbook.core.state import State


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "TF_WORKSPACE", "TF_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "repository")], check=True)
    for number in range(30):
        write(tmp_path / "repository" / f"r{number:02}", f"key-{number}")
    return tmp_path / "repository"


def write(directory: Path, key: str) -> None:
    directory.mkdir(parents=True)
    (directory / "main.tf").write_text(
        f'terraform {{\n  backend "s3" {{\n    bucket = "b"\n    key = "{key}"\n    region = "r"\n'
        '    max_retries = 3\n    allowed_account_ids = ["123456789012"]\n  }\n}\n'
    )


def test_it_tells_every_state_as_it_is_found_here_the_own_root_first(top: Path) -> None:
    options = Options(start=str(top / "r07"))
    finder = Finder(options)
    told = list(finder.states())
    assert finder.complete
    assert told == list(found_states(Adapters(options)))
    assert (told[0].root.name, told[0].here, told[1].here) == ("r07", True, False)


def test_a_name_that_is_no_unicode_is_found_without_it(top: Path) -> None:
    write(top / os.fsdecode(b"caf\xe9"), "latin")
    finder = Finder(Options(start=str(top)))
    rows = [row for row in survey(Adapters(Options(start=str(top))), finder) if row.snapshot is None]
    assert not finder.complete
    assert sorted(row.root.address().key for row in rows) == sorted(["latin", *(f"key-{n}" for n in range(30))])


def test_a_finder_that_dies_is_made_up_for_without_a_state_twice(top: Path) -> None:
    class Dying(Finder):
        def states(self) -> Iterator[State]:
            for number, state in enumerate(super().states()):
                if number == 10:
                    self.stop()
                    self.complete = False
                    return
                yield state

    options = Options(start=str(top))
    found = survey(Adapters(options), Dying(options))
    keys = [row.root.address().key for row in found if row.snapshot is None]
    assert sorted(keys) == sorted(f"key-{number}" for number in range(30))


def test_a_directory_that_is_not_there_is_told_by_the_application_itself(top: Path) -> None:
    options = Options(start=str(top / "nowhere"))
    with pytest.raises(ValueError, match="no directory"):
        list(survey(Adapters(options), Finder(options)))
