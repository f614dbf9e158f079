"""Commands as people paste them, and the times that they say."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.copying import command_to_copy
from tuirunbook.core.time_of_day import last_time_of_day, time_trouble

ROOT = RootModule(directory="/infra/network", name="network", backend=Backend(type="s3", arguments={}))
HOSTILE = "x&touch pwned&'`touch pwned`$(touch pwned)\";touch pwned\n#"
SHOW = 'printf "%s|" "$PWD" "${TF_WORKSPACE-unset}" "${TF_DATA_DIR-unset}" "$@"'


def root(**changes: object) -> RootModule:
    return msgspec.structs.replace(ROOT, **changes)


def test_a_command_goes_to_the_root_module_and_says_no_more_than_it_must() -> None:
    assert (
        command_to_copy(ROOT, "terraform", ("force-unlock", "id")) == "cd /infra/network && terraform force-unlock id"
    )
    assert command_to_copy(root(directory=None), "tofu", ("plan",)) == "tofu plan"


def test_the_workspace_is_said_wherever_something_names_one() -> None:
    named = root(workspace="blue", workspace_origin=".terraform/environment")
    assert command_to_copy(named, "terraform", ("plan",)) == "cd /infra/network && TF_WORKSPACE=blue terraform plan"
    asked = root(workspace="default", workspace_origin="--workspace")
    assert "TF_WORKSPACE=default " in command_to_copy(asked, "terraform", ("plan",))


@pytest.mark.parametrize(
    ("data_dir", "said"),
    [
        (None, ""),
        ("/infra/network/.terraform", ""),
        ("/infra/network/.terragrunt-cache/a/b/.terraform", ""),
        ("/var/data dir", "TF_DATA_DIR='/var/data dir' "),
    ],
)
def test_a_data_directory_of_its_own_is_said(data_dir: str | None, said: str) -> None:
    place = root(data_dir=data_dir, working_directory="/infra/network/.terragrunt-cache/a/b")
    assert command_to_copy(place, "terraform", ("plan",)) == f"cd /infra/network && {said}terraform plan"


def test_a_hostile_name_is_a_word_of_the_line_and_nothing_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("base")
    directory = base / "a&touch pwned&$(touch pwned)"
    directory.mkdir()
    show = base / "show me;touch pwned"
    show.write_text(f"#!/bin/sh\n{SHOW}\n")
    show.chmod(0o700)
    place = root(directory=str(directory), workspace=HOSTILE, data_dir=HOSTILE)
    line = command_to_copy(place, str(show), ("force-unlock", HOSTILE))
    ran = subprocess.run(["/bin/sh", "-c", line], cwd=base, capture_output=True, text=True, check=True)
    assert ran.stdout == "|".join((str(directory), HOSTILE, HOSTILE, "force-unlock", HOSTILE, ""))
    assert not list(base.rglob("pwned"))


def test_a_time_of_day_is_the_last_one_that_was() -> None:
    now = datetime(2026, 3, 14, 4, 30, tzinfo=timezone(timedelta(hours=1)))
    assert last_time_of_day("3:10", now) == datetime(2026, 3, 14, 2, 10, tzinfo=UTC)
    assert last_time_of_day("04:31", now) == datetime(2026, 3, 13, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["half past three", "24:00", "3:60", "3:5", "03:10Z", "", "\u0660\u0663:\u0661\u0660"])
def test_what_is_no_time_of_day_is_told(text: str) -> None:
    assert time_trouble(text)
    with pytest.raises(ValueError, match="is not a time"):
        last_time_of_day(text, datetime(2026, 3, 14, tzinfo=UTC))
