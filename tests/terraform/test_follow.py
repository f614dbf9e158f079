"""A log is read while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.terraform.follow import LogFollower

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_log_that_is_not_there_yet_reads_as_nothing(tmp_path: Path) -> None:
    follower = LogFollower(tmp_path / "plan.log")

    assert follower.read_new() == ""
    (tmp_path / "plan.log").write_text("Plan: 1 to add\n")
    assert follower.read_new() == "Plan: 1 to add\n"
    assert follower.read_new() == ""


def test_a_character_that_is_cut_waits_for_its_other_bytes(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    follower = LogFollower(log)
    rule = "─".encode()
    log.write_bytes(b"a" + rule[:1])

    assert follower.read_new() == "a"
    with log.open("ab") as more:
        more.write(rule[1:])
    assert follower.read_new() == "─"


def test_the_end_tells_a_character_that_stays_cut(tmp_path: Path) -> None:
    log = tmp_path / "plan.log"
    log.write_bytes("done ─".encode()[:-1])
    follower = LogFollower(log)

    assert follower.read_new(3) == "don"
    assert follower.finish() == "e \N{REPLACEMENT CHARACTER}"


@given(data=st.binary(max_size=200), sizes=st.lists(st.integers(1, 20), min_size=1))
def test_pieces_make_up_the_whole(tmp_path_factory: pytest.TempPathFactory, data: bytes, sizes: list[int]) -> None:
    log = tmp_path_factory.mktemp("follow") / "log"
    log.write_bytes(data)
    follower = LogFollower(log)

    told = "".join(follower.read_new(size) for size in sizes) + follower.finish()

    assert told == data.decode(errors="replace")
