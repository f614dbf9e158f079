"""The first look from a process of its own: it reads, it is shown, and it never asks a person anything."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.fronts import EmptyFront
from tests.support.locks import FIRST, LOCK_ID, lock_json, put_item
from tests.support.pilots import painted, piloted, until
from tuirunbook.core.lock import Free, Held, Store, StoredLock, short
from tuirunbook.tui.app import TflockApp
from tuirunbook.tui.front import NoRoot
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.scout import Scout, Sighting, worth_sending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Machine


def sent_from(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[Sighting]:
    """What a scout sees from where the machine's user stands."""
    for name, value in machine.environ().items():
        monkeypatch.setenv(name, value)
    return list(Scout(Options(start=str(machine.here))).sightings())


def test_a_saved_configuration_is_read_without_waiting_for_the_application(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    first, second = sent_from(machine, monkeypatch)
    assert (first.lock_id, first.store) == (LOCK_ID, Store.DYNAMODB)
    assert isinstance(first.reading, Held)
    assert first.reading.lock.identity == FIRST
    assert (second.store, second.reading) == (Store.S3, Free())


def test_a_scout_only_reads(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    arranged = len(machine.aws.calls)
    sent_from(machine, monkeypatch)
    assert {call.action for call in machine.aws.calls[arranged:]} == {"GetItem", "GetObject"}


def test_s14_the_checkouts_own_python_files_are_not_run(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    ran = machine.home / "ran"
    (machine.here / "boto3.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    monkeypatch.chdir(machine.here)
    assert sent_from(machine, monkeypatch)
    assert not ran.exists()


def test_where_nothing_is_saved_a_scout_says_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent_from(machine, monkeypatch) == []


@pytest.mark.parametrize("line", ["credential_process = /bin/ask", "mfa_serial = arn:aws:iam::1:mfa/me"])
@pytest.mark.parametrize("file", ["config", "credentials"])
def test_no_scout_is_sent_where_credentials_could_ask_a_person_twice(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / ".aws").mkdir()
    environ = {"HOME": str(tmp_path)}
    assert worth_sending(Options(), environ)
    (tmp_path / ".aws" / file).write_text(f"[default]\n{line}\n")
    assert not worth_sending(Options(), environ)


@dataclass
class TwoSightings:
    """A scout that has seen a lock in one store."""

    def sightings(self) -> Iterator[Sighting]:
        lock = StoredLock.read(Store.DYNAMODB, lock_json().encode())
        yield Sighting(LOCK_ID, Store.DYNAMODB, Held(lock))
        yield Sighting(LOCK_ID, Store.S3, Free())


class SlowFront(EmptyFront):
    """Is still looking for the root until the test lets it find that there is none."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def find(self) -> NoRoot:
        self.gate.wait(30)
        return NoRoot(sentence="There is no backend here.", next_step="Go elsewhere.")


@piloted
async def test_what_a_scout_sees_is_on_the_screen_before_the_root_is_known() -> None:
    gate = threading.Event()
    app = TflockApp(SlowFront(gate).front, scout=TwoSightings())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "S3 lockfile is free" in painted(app))
        assert "HELD in DynamoDB: Apply by root@runner-7" in painted(app)
        assert short(FIRST) in painted(app)
        gate.set()


def test_a_sighting_survives_its_pipe() -> None:
    lock = StoredLock.read(Store.DYNAMODB, lock_json().encode())
    sighting = Sighting(LOCK_ID, Store.DYNAMODB, Held(lock))
    assert msgspec.json.decode(msgspec.json.encode(sighting), type=Sighting) == sighting
