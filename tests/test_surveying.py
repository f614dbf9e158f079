"""What a list shows, and what is acted on: the latter is always read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.states import found_states, fresh

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "repository" / "a").mkdir(parents=True)
    return Adapters(Options(start=str(tmp_path / "repository")), environ={})


def write(adapters: Adapters, body: str) -> None:
    path = adapters.roots.start / "a" / "main.tf"
    path.write_text(f'terraform {{\n  backend "s3" {{\n{body}  }}\n}}\n')


def test_a_listed_state_is_read_again_and_keeps_its_workspace(adapters: Adapters) -> None:
    write(adapters, '    bucket = "b"\n    key = "k"\n    region = "r"\n')
    (state,) = found_states(adapters)
    assert fresh(adapters, state.root) == state.root


def test_a_state_completed_by_a_file_is_read_again_with_that_file(adapters: Adapters) -> None:
    write(adapters, '    region = "r"\n')
    for stage in ("dev", "prod"):
        (adapters.roots.start / "a" / f"{stage}.tfbackend").write_text(f'bucket = "{stage}"\nkey = "k"\n')
    found = list(found_states(adapters))
    assert [fresh(adapters, state.root).backend.text("bucket") for state in found] == ["dev", "prod"]


def test_a_listed_state_whose_files_have_changed_is_refused(adapters: Adapters) -> None:
    write(adapters, '    bucket = "b"\n    key = "k"\n    region = "r"\n')
    (state,) = found_states(adapters)
    write(adapters, '    bucket = "other"\n    key = "k"\n    region = "r"\n')
    with pytest.raises(Problem, match="have changed"):
        fresh(adapters, state.root)


def test_the_region_of_the_command_line_wins(adapters: Adapters) -> None:
    write(adapters, '    bucket = "b"\n    key = "k"\n')
    adapters = Adapters(Options(start=str(adapters.roots.start), region="eu-west-1"), environ={})
    (state,) = found_states(adapters)
    assert state.unresolved == ()
    assert state.root.address().region == "eu-west-1"
