"""A second start checks by stat what the first one read; it never believes what has changed, and keeps no secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tuirunbook.repository import finding
from tuirunbook.repository.remembered import Remembered, remembered_in
from tuirunbook.repository.states import States

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.repository.conftest import Checkout

    Lists = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this test count as old enough to be believed."""
    monkeypatch.setattr("tuirunbook.repository.remembered._SETTLED_NS", -60_000_000_000)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def states(checkout: Checkout, cache: Path) -> Lists:
    remembered = remembered_in(cache, str(checkout.top))
    found = States(checkout.top, checkout.top, environ={}, remembered=remembered).all()
    return [(state.root.name, "unresolved" if state.unresolved else state.root.address().lock_id) for state in found]


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose content is read from now on."""
    told: list[str] = []
    read, read_bytes = finding._read, Path.read_bytes

    def noted(path: str) -> bytes:
        told.append(path)
        return read(path)

    def noted_bytes(path: Path) -> bytes:
        if path.suffix != ".msgpack":
            told.append(str(path))
        return read_bytes(path)

    monkeypatch.setattr(finding, "_read", noted)
    monkeypatch.setattr(Path, "read_bytes", noted_bytes)
    return told


def full(key: str, more: str = "") -> str:
    return f'    bucket = "b"\n    key = "{key}"\n    region = "r"\n{more}'


def test_an_unchanged_repository_is_not_read_again(
    checkout: Checkout, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.backend(full("a"), "a/main.tf")
    checkout.backend("", "b/main.tf")
    checkout.write("b/prod.tfbackend", 'bucket = "b"\nkey = "b"\nregion = "r"\n')
    checkout.write("modules/m/main.tf", 'variable "backend" {}\n')
    checkout.write("deploy.sh", "terraform init\n")
    first = states(checkout, cache)
    told = reads(monkeypatch)
    assert states(checkout, cache) == first == [("a", "b/a"), ("b", "b/b")]
    assert told == []


def test_a_script_that_comes_to_hand_something_to_init_is_noticed(checkout: Checkout, cache: Path) -> None:
    checkout.backend('    region = "r"\n', "a/main.tf")
    script = checkout.write("a/init.sh", "terraform init\n")
    assert states(checkout, cache) == [("a", "unresolved")]
    script.write_text("terraform init -backend-config=bucket=b -backend-config=key=k -backend-config=secret_key=hush\n")
    for _ in range(2):
        assert states(checkout, cache) == [("a", "b/k")]
    assert b"hush" not in b"".join(file.read_bytes() for file in cache.iterdir())


def test_changed_new_and_removed_files_are_noticed(checkout: Checkout, cache: Path) -> None:
    path = checkout.backend(full("a"), "a/main.tf")
    checkout.backend(full("b"), "b/main.tf")
    states(checkout, cache)
    path.write_text(path.read_text().replace('"a"', '"z"'))
    checkout.backend(full("c"), "c/main.tf")
    (checkout.top / "b" / "main.tf").unlink()
    assert states(checkout, cache) == [("a", "b/z"), ("c", "b/c")]


def test_a_file_of_the_same_size_and_time_is_noticed_by_its_change_time(checkout: Checkout, cache: Path) -> None:
    path = checkout.backend(full("a"), "a/main.tf")
    states(checkout, cache)
    before = path.stat()
    path.write_text(path.read_text().replace('"a"', '"z"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert states(checkout, cache) == [("a", "b/z")]


@pytest.mark.parametrize(
    "more",
    [
        '    secret_key = "hush"\n',
        '    assume_role_with_web_identity = {\n      web_identity_token = "hush"\n    }\n',
        '    sse_customer_key = "hush"\n',
    ],
)
def test_a_block_with_a_secret_is_not_remembered(checkout: Checkout, cache: Path, more: str) -> None:
    checkout.backend(full("a", more), "a/main.tf")
    checkout.backend("", "b/main.tf")
    checkout.write("b/x.tfbackend", 'bucket = "b"\nkey = "b"\nregion = "r"\nsecret_key = "hush"\n')
    checkout.save({"bucket": "b", "key": "c", "region": "r", "secret_key": "hush"}, "c")
    first = states(checkout, cache)
    assert b"hush" not in b"".join(file.read_bytes() for file in cache.iterdir())
    assert states(checkout, cache) == first


def test_what_was_written_just_now_is_not_believed(
    checkout: Checkout, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuirunbook.repository.remembered._SETTLED_NS", 2_000_000_000)
    checkout.backend(full("a"), "a/main.tf")
    states(checkout, cache)
    told = reads(monkeypatch)
    states(checkout, cache)
    assert len(told) == 1


def _damaged(file: Path) -> Iterator[bytes]:
    good = file.read_bytes()
    yield b""
    yield good[: len(good) // 2]
    yield b"\xff" * 100
    yield b"\x81\xa1x\x01"


def test_a_damaged_or_foreign_file_is_left_alone(checkout: Checkout, cache: Path) -> None:
    checkout.backend(full("a"), "a/main.tf")
    first = states(checkout, cache)
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    for raw in _damaged(file):
        file.write_bytes(raw)
        assert states(checkout, cache) == first


def test_a_place_that_cannot_be_written_is_no_failure(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checkout.backend(full("a"), "a/main.tf")
    assert states(checkout, tmp_path / "file" / "below") == [("a", "b/a")]


def test_without_a_file_nothing_is_remembered() -> None:
    remembered = Remembered()
    remembered.learn("a", [])
    remembered.save()
    assert remembered.declared("a") is None
