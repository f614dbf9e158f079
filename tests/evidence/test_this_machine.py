"""Processes of this machine: real ones, in real directories, also suspended."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.support.locks import BUCKET, KEY, lock_json
from tests.support.stuck import wait_for
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.evidence.this_machine import Running, ThisMachine, container_in

HOST = socket.gethostname()
USER = getpass.getuser()
NOW = datetime.now(UTC)
ADDRESS = StateAddress(bucket=BUCKET, key=KEY, region="eu-west-1")


def lock(who: str = f"{USER}@{HOST}", created: datetime | None = None) -> StoredLock:
    moment = created or datetime.now(UTC) + timedelta(seconds=5)
    return StoredLock.read(Store.S3, lock_json(Who=who, Created=moment.isoformat()).encode())


def gather(source: ThisMachine, about: StoredLock) -> Finding:
    (finding,) = source.gather(about, ADDRESS, NOW)
    return finding


def assert_not_found(process: psutil.Process, source: ThisMachine) -> None:
    """This process was not found; other terraforms, of other tests, may run in other directories."""
    finding = gather(source, lock())
    assert not finding.final
    assert f"pid {process.pid}" not in finding.fact


@contextmanager
def program(name: str, tmp_path: Path, cwd: Path) -> Iterator[psutil.Process]:
    """A process of this name, which only sleeps."""
    binary = tmp_path / name
    sleep = shutil.which("sleep")
    assert sleep is not None
    if not binary.exists():
        shutil.copy(sleep, binary)
    cwd.mkdir(parents=True, exist_ok=True)
    started = subprocess.Popen([str(binary), "60"], cwd=cwd)
    try:
        process = psutil.Process(started.pid)
        wait_for(lambda: process.name() == name, "the program")
        yield process
    finally:
        started.kill()
        started.wait()


def fake(*found: Running, booted: datetime = NOW - timedelta(days=9)) -> ThisMachine:
    def processes(_own: Collection[int]) -> tuple[list[Running], datetime]:
        return list(found), booted

    return ThisMachine("build-7.acme.test", [Path("/infra/prod")], processes=processes)


def running(directory: str | None, started: datetime = NOW - timedelta(hours=2), container: str = "") -> Running:
    where = Path(directory) if directory else None
    return Running(pid=7, name="terraform", started=started, directory=where, container=container)


OURS = lock(f"{USER}@build-7.acme.test", NOW - timedelta(hours=1))


@pytest.mark.parametrize("name", ["terraform", "tofu", "terragrunt", "terraform_1.5.7"])
def test_a_process_in_the_root_blocks_and_cannot_be_disputed(tmp_path: Path, name: str) -> None:
    with program(name, tmp_path, tmp_path / "root") as process:
        finding = gather(ThisMachine(HOST, [tmp_path / "root"]), lock())
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.NAMES_THIS_STATE, True)
    assert f"pid {process.pid}" in finding.fact


def test_a_process_below_the_root_blocks_as_terragrunts_do(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root" / ".terragrunt-cache" / "x"):
        assert gather(ThisMachine(HOST, [tmp_path / "root"]), lock()).final


def test_a_suspended_process_is_alive(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root") as process:
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED, "the stop")
        finding = gather(ThisMachine(HOST, [tmp_path / "root"]), lock())
    assert finding.says is Says.BLOCKS
    assert "suspended" in finding.fact


def test_a_process_elsewhere_could_be_the_holder(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "another"):
        finding = gather(ThisMachine(HOST, [tmp_path / "root"]), lock())
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.COULD_BE, False)


def test_our_own_processes_and_theirs_are_left_out(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root") as process:
        for own in (process.pid, os.getpid()):
            assert_not_found(process, ThisMachine(HOST, [tmp_path / "root"], own=lambda own=own: [own]))  # type: ignore[misc]


def test_a_process_that_has_ended_is_no_process(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root") as process:
        process.kill()
        wait_for(lambda: process.status() == psutil.STATUS_ZOMBIE, "its end")
        assert_not_found(process, ThisMachine(HOST, [tmp_path / "root"]))


def test_programs_with_similar_names_are_not_terraform(tmp_path: Path) -> None:
    with program("terraform-ls", tmp_path, tmp_path / "root") as process:
        assert_not_found(process, ThisMachine(HOST, [tmp_path / "root"]))


def test_a_directory_that_may_not_be_read_counts_as_the_root() -> None:
    assert gather(fake(running(None)), OURS).final


def test_a_process_that_started_after_the_lock_did_not_take_it() -> None:
    finding = gather(fake(running("/infra/prod", NOW - timedelta(minutes=5))), OURS)
    assert finding.says is Says.NOTHING
    assert "started after the lock was taken" in finding.fact


def test_a_lock_of_another_host_says_nothing_here() -> None:
    finding = gather(fake(running("/infra/prod")), lock("root@runner-7"))
    assert (finding.says, finding.match) == (Says.NOTHING, Match.CANNOT_BE)


@pytest.mark.parametrize("who", ["", "root", "root@"])
def test_a_lock_that_names_no_host_is_not_asked_about(who: str) -> None:
    assert not list(fake(running("/infra/prod")).gather(lock(who), ADDRESS, NOW))


def test_an_unreadable_lock_is_not_asked_about() -> None:
    assert not list(fake().gather(StoredLock.read(Store.S3, b"garbage"), ADDRESS, NOW))


CONTAINER = "93367e6dabee" + "0" * 52


def test_a_process_in_the_container_that_took_the_lock_blocks() -> None:
    finding = gather(fake(running("/work", container=CONTAINER)), lock("root@93367e6dabee"))
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.NAMES_THIS_STATE, True)
    assert "container 93367e6dabee" in finding.fact


def test_a_container_that_is_not_here_says_nothing_here() -> None:
    for found in ([], [running("/work")], [running("/work", container="f" * 64)]):
        finding = gather(fake(*found), lock("root@93367e6dabee"))
        assert (finding.says, finding.match) == (Says.NOTHING, Match.CANNOT_BE)


@pytest.mark.parametrize(
    ("cgroups", "container"),
    [
        (f"0::/system.slice/docker-{CONTAINER}.scope\n", CONTAINER),
        (f"12:pids:/docker/{CONTAINER}\n11:cpu:/docker/{CONTAINER}\n", CONTAINER),
        (f"0::/machine.slice/libpod-{CONTAINER}.scope/container\n", CONTAINER),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{CONTAINER}.scope", CONTAINER),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", ""),
        (f"0::/{CONTAINER}ab\n", ""),
        ("", ""),
    ],
)
def test_a_container_is_read_from_control_groups(cgroups: str, container: str) -> None:
    assert container_in(cgroups) == container


@pytest.mark.parametrize("host", ["build-7", "build-7.local", "BUILD-7.home"])
def test_a_machine_may_go_by_another_domain_on_another_network(host: str) -> None:
    about = lock(f"{USER}@{host}", NOW - timedelta(hours=1))
    found = gather(fake(running("/infra/prod")), about)
    assert (found.says, found.match, found.final) == (Says.BLOCKS, Match.COULD_BE, False)
    assert gather(fake(), about).says is Says.NOTHING
    rebooted = gather(fake(booted=NOW), about)
    assert rebooted.says is Says.NOTHING


def test_upper_and_lower_case_in_a_hosts_name_are_one() -> None:
    assert gather(fake(running("/infra/prod")), lock(f"{USER}@Build-7.ACME.test", NOW - timedelta(hours=1))).final


def test_finding_no_process_proves_nothing() -> None:
    assert gather(fake(), OURS).says is Says.NOTHING


def test_a_machine_that_started_anew_since_supports() -> None:
    finding = gather(fake(booted=NOW - timedelta(minutes=10)), OURS)
    assert (finding.says, finding.match) == (Says.SUPPORTS, Match.NAMES_THIS_STATE)


def test_a_restart_about_when_the_lock_was_taken_proves_nothing() -> None:
    assert gather(fake(booted=NOW - timedelta(hours=1) + timedelta(seconds=30)), OURS).says is Says.NOTHING


def test_a_restart_proves_nothing_where_the_name_may_be_another_machines() -> None:
    def rebooted(_own: Collection[int]) -> tuple[list[Running], datetime]:
        return [], NOW

    for host in ("localhost", "ubuntu", "runner"):
        about = lock(f"{USER}@{host}", NOW - timedelta(hours=1))
        assert gather(ThisMachine(host, processes=rebooted), about).says is Says.NOTHING
    stranger = lock("no-such-user-here@build-7.acme.test", NOW - timedelta(hours=1))
    assert gather(fake(booted=NOW), stranger).says is Says.NOTHING


def test_a_list_that_cannot_be_had_is_said() -> None:
    def refuse(_own: Collection[int]) -> tuple[list[Running], datetime]:
        raise PermissionError("no /proc")

    finding = gather(ThisMachine(HOST, processes=refuse), lock())
    assert finding.says is Says.UNKNOWN


def test_names_from_processes_are_cleaned() -> None:
    finding = gather(fake(running("/infra/prod/\x1b[2Jx")), OURS)
    assert "\x1b" not in finding.fact


def test_importing_the_room_imports_no_psutil() -> None:
    code = "import sys, tuirunbook.evidence.this_machine; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
