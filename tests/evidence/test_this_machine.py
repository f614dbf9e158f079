"""Processes of this machine: real ones, in real directories, also suspended."""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.support.aws import EmbeddedAws
from tests.support.locks import BUCKET, KEY, lock_json
from tests.support.stuck import REAL, live_apply, practice_root, wait_for
from tests.walk.parts import Bench
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import Held, Store, StoredLock
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.evidence.process_state import Relation, works_on
from tuirunbook.evidence.this_machine import Running, ThisMachine, container_in
from tuirunbook.walk.evidence_desk import EvidenceDesk

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
    assert all(f"pid {process.pid}" not in finding.fact for finding in source.gather(lock(), ADDRESS, NOW))


@contextmanager
def program(name: str, tmp_path: Path, cwd: Path, *arguments: str, key: str = KEY) -> Iterator[psutil.Process]:
    """A process of this name, which only waits. Its directory names a state: this one unless another key is given."""
    binary = tmp_path / name
    tail = shutil.which("tail")
    assert tail is not None
    if not binary.exists():
        shutil.copy(tail, binary)
    if not (cwd / ".terraform").exists():
        save(cwd, key=key)
    settle(cwd)
    words = arguments or ("apply",)
    started = subprocess.Popen([str(binary), "-F", "-q", *words], cwd=cwd, stderr=subprocess.DEVNULL)
    try:
        process = psutil.Process(started.pid)
        wait_for(lambda: process.name() == name, "the program")
        yield process
    finally:
        started.kill()
        started.wait()


def settle(root: Path) -> None:
    """Until what is saved is surely older than a process that starts now: its start is told to a second."""
    saved = root / ".terraform" / "terraform.tfstate"
    if saved.exists():
        wait_for(lambda: time.time() > saved.stat().st_ctime + 1.2, "an older file")


def save(directory: Path, backend: str = "s3", **config: object) -> None:
    """What `init` leaves."""
    told = {"bucket": BUCKET, "key": KEY, "region": "eu-west-1"} | config if backend == "s3" else config
    (directory / ".terraform").mkdir(parents=True, exist_ok=True)
    document = {"version": 3, "backend": {"type": backend, "config": told}}
    (directory / ".terraform" / "terraform.tfstate").write_text(json.dumps(document))


def of(process: psutil.Process, source: ThisMachine, about: StoredLock | None = None) -> Finding:
    """What is told of this process; other terraforms, of other tests, may run as well."""
    found = source.gather(about or lock(), ADDRESS, NOW)
    (finding,) = (one for one in found if f"(pid {process.pid}" in one.fact)
    return finding


def fake(*found: Running, booted: datetime = NOW - timedelta(days=9)) -> ThisMachine:
    def processes(_own: Collection[int]) -> tuple[list[Running], datetime]:
        return list(found), booted

    return ThisMachine("build-7.acme.test", [Path("/infra/prod")], processes=processes)


def running(directory: str | None, started: datetime = NOW - timedelta(hours=2), container: str = "") -> Running:
    where = Path(directory) if directory else None
    return Running(pid=7, name="terraform", started=started, directory=where, container=container)


OURS = lock(f"{USER}@build-7.acme.test", NOW - timedelta(hours=1))


@pytest.mark.parametrize("name", ["terraform", "tofu", "terragrunt", "terraform_1.5.7"])
@pytest.mark.parametrize("directories", [True, False])
def test_a_process_on_this_state_blocks_and_cannot_be_disputed(tmp_path: Path, name: str, directories: bool) -> None:  # noqa: FBT001
    source = ThisMachine(HOST, [tmp_path / "root"] if directories else [])
    with program(name, tmp_path, tmp_path / "a clone") as process:
        finding = of(process, source)
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.NAMES_THIS_STATE, True)
    assert finding.key.startswith(f"host.process.{process.pid}.")


def test_a_process_below_the_root_blocks_as_terragrunts_do(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root" / ".terragrunt-cache" / "x") as process:
        assert of(process, ThisMachine(HOST, [tmp_path / "root"])).final


def test_a_terragrunt_works_on_what_is_in_its_cache(tmp_path: Path) -> None:
    save(tmp_path / "unit", key="another.tfstate")
    save(tmp_path / "unit" / ".terragrunt-cache" / "x" / "y" / "module")
    with program("terragrunt", tmp_path, tmp_path / "unit") as process:
        assert of(process, ThisMachine(HOST)).final


def test_a_terragrunt_of_another_state_is_a_candidate(tmp_path: Path) -> None:
    with program("terragrunt", tmp_path, tmp_path / "unit", key=f"{tmp_path.name}.tfstate") as process:
        finding = of(process, ThisMachine(HOST))
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.COULD_BE, False)


def test_a_suspended_process_is_alive(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root") as process:
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED, "the stop")
        finding = of(process, ThisMachine(HOST, [tmp_path / "root"]))
    assert finding.says is Says.BLOCKS
    assert "suspended" in finding.fact


def test_a_process_of_another_state_does_not_block(tmp_path: Path) -> None:
    with program("terraform", tmp_path, tmp_path / "root", key="another.tfstate") as process:
        finding = of(process, ThisMachine(HOST, [tmp_path / "root"]))
        assert (finding.says, finding.match, finding.final) == (Says.NOTHING, Match.CANNOT_BE, False)
        assert f"s3://{BUCKET}/another.tfstate" in finding.fact
        # what is saved now is not what the process has read
        save(tmp_path / "root", key="a third.tfstate")
        assert of(process, ThisMachine(HOST)).final


def test_two_processes_are_two_findings_and_one_of_them_may_be_disputed(tmp_path: Path) -> None:
    other = tmp_path / "unit"
    with (
        program("terraform", tmp_path, tmp_path / "clone") as holder,
        program("terragrunt", tmp_path, other, key=f"{tmp_path.name}.tfstate") as bystander,
    ):
        source = ThisMachine(HOST, [tmp_path / "root"])
        finals = [of(one, source).final for one in (holder, bystander)]
        assert of(holder, source).key != of(bystander, source).key
    assert finals == [True, False]


def test_what_was_told_of_a_process_does_not_outlive_it(tmp_path: Path) -> None:
    source = ThisMachine(HOST)
    with program("terraform", tmp_path, tmp_path / "clone") as process:
        alive = of(process, source)
    for _ in range(2):
        ended = of(process, source)
        assert (ended.key, ended.says, ended.final) == (alive.key, Says.NOTHING, False)
        assert "has ended" in ended.fact


def test_what_an_earlier_session_told_of_a_process_does_not_outlive_it() -> None:
    source = ThisMachine(
        "build-7.acme.test",
        processes=lambda _: ([], NOW),
        known=lambda _: ["ci.run", "host.process.12.20260101T000000Z"],
    )
    found = {one.key: one for one in source.gather(OURS, ADDRESS, NOW)}
    assert set(found) == {"host.process", "host.process.12.20260101T000000Z"}
    assert found["host.process"].says is Says.SUPPORTS
    assert found["host.process.12.20260101T000000Z"].fact == "pid 12 has ended"


@pytest.mark.parametrize("command", ["", "apply", "plan", "workspace", "console"])
def test_where_the_state_cannot_be_told_the_process_blocks(command: str) -> None:
    one = msgspec.structs.replace(running("/elsewhere"), command=command)
    finding = gather(fake(one), OURS)
    assert (finding.says, finding.match, finding.final) == (Says.BLOCKS, Match.NAMES_THIS_STATE, True)


@pytest.mark.parametrize("command", ["fmt", "init", "output"])
def test_a_command_that_takes_no_lock_is_a_candidate_elsewhere_and_blocks_in_the_root(command: str) -> None:
    for directory, final in (("/elsewhere", False), ("/infra/prod", True)):
        one = msgspec.structs.replace(running(directory), command=command)
        finding = gather(fake(one), OURS)
        assert (finding.says, finding.final) == (Says.BLOCKS, final)


SINCE = datetime.now(UTC) + timedelta(hours=1)


def relation(directory: Path, *arguments: str, **environ: str) -> Relation:
    known = works_on(["terraform", *arguments], {"HOME": "/"} | environ, directory, SINCE, terragrunt=False)
    return known.relation(ADDRESS)


def test_the_state_is_that_of_the_saved_configuration_and_the_workspace(tmp_path: Path) -> None:
    save(tmp_path)
    assert relation(tmp_path, "apply") is Relation.SAME
    assert relation(tmp_path, "apply", TF_WORKSPACE="prod") is Relation.OTHER
    assert relation(tmp_path.parent, f"-chdir={tmp_path.name}", "apply") is Relation.SAME
    assert relation(tmp_path, "apply", TF_DATA_DIR="elsewhere") is Relation.UNTOLD
    (tmp_path / ".terraform" / "environment").write_text("prod\n")
    assert relation(tmp_path, "apply") is Relation.OTHER
    assert relation(tmp_path, "apply", "-var", "a=b", "-auto-approve") is Relation.OTHER


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"bucket": "another"}, Relation.OTHER),
        ({"bucket": "arn:aws:s3:eu-west-1:111122223333:accesspoint/state"}, Relation.UNTOLD),
        ({"key": "./" + KEY}, Relation.SAME),
        ({"key": None}, Relation.UNTOLD),
        ({"backend": "gcs"}, Relation.OTHER),
        ({"region": "us-east-1"}, Relation.SAME),
    ],
)
def test_only_another_bucket_key_or_backend_is_another_state(
    tmp_path: Path, config: dict[str, str], expected: Relation
) -> None:
    save(tmp_path, **config)
    assert relation(tmp_path, "plan") is expected


def test_another_port_of_a_service_may_be_another_service(tmp_path: Path) -> None:
    save(tmp_path, endpoints={"s3": "http://localhost:9000"})
    known = works_on(["terraform", "apply"], {"HOME": "/"}, tmp_path, SINCE, terragrunt=False)
    for url, expected in (("http://127.0.0.1:9000", Relation.SAME), ("http://127.0.0.1:9001", Relation.PERHAPS)):
        assert known.relation(msgspec.structs.replace(ADDRESS, s3_endpoint=url)) is expected


@pytest.mark.parametrize(
    "arguments", [("apply", "saved.plan"), ("init",), ("workspace", "new", "x"), ("a-new-command",), ()]
)
def test_what_may_leave_the_saved_state_is_not_said_to_work_on_another(tmp_path: Path, arguments: tuple[str]) -> None:
    save(tmp_path, key="another.tfstate")
    assert relation(tmp_path, *arguments) is Relation.UNTOLD
    assert relation(tmp_path, "apply") is Relation.OTHER
    assert relation(tmp_path, "apply", TF_CLI_ARGS_apply="saved.plan") is Relation.UNTOLD


def test_a_saved_configuration_that_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    save(tmp_path)
    (tmp_path / ".terraform" / "terraform.tfstate").write_text("{")
    assert relation(tmp_path, "apply") is Relation.UNTOLD


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
    assert (finding.key, finding.says) == ("host.process", Says.NOTHING)
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


def test_s6_it_cannot_be_turned_off_as_no_dispute_sets_it_aside() -> None:
    asked = ThisMachine("oncall", ())
    (status,) = EvidenceDesk((asked,), lambda _: None, lambda: NOW, off=lambda: {asked.name}).sources
    assert "must never be overlooked" in status.why_always


def test_importing_the_room_imports_no_psutil() -> None:
    code = "import sys, tuirunbook.evidence.this_machine; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@REAL[0]
@REAL[1]
@pytest.mark.parametrize("directories", [True, False])
def test_s6_a_live_apply_in_a_second_clone_cannot_be_disputed(
    aws: EmbeddedAws,
    tmp_path: Path,
    directories: bool,  # noqa: FBT001
) -> None:
    root = practice_root(aws, tmp_path / "one")
    clone = dataclasses.replace(root, directory=tmp_path / "two")
    shutil.copytree(root.directory, clone.directory)
    bench = Bench(tmp_path, root.address)
    source = ThisMachine(HOST, [root.directory] if directories else [])
    with live_apply(clone) as live:
        raw = next(iter(root.locks().values()))
        about = StoredLock.read(Store.S3, json.dumps(raw).encode())
        bench.shelf.readings[Store.S3] = Held(lock=about)
        bench.look()
        mine = [one for one in source.gather(about, root.address, NOW) if f"(pid {live.process.pid})" in one.fact]
        assert [(one.says, one.match, one.final) for one in mine] == [(Says.BLOCKS, Match.NAMES_THIS_STATE, True)]
        bench.observer.weigh_in(mine[0])
        with pytest.raises(ValueError, match="cannot be disputed"):
            bench.dispute(mine[0].key, about.identity)
        assert judge(bench.incident, about.identity).opinion is Opinion.ACTIVE


@REAL[0]
@REAL[1]
def test_a_live_apply_of_another_workspace_or_key_is_none_of_this_state(aws: EmbeddedAws, tmp_path: Path) -> None:
    root = practice_root(aws, tmp_path / "one", key="another.tfstate")
    settle(root.directory)
    with live_apply(root) as live:
        source = ThisMachine(HOST, [tmp_path / "two"])
        about = StoredLock.read(Store.S3, json.dumps(next(iter(root.locks().values()))).encode())
        finding = of(psutil.Process(live.process.pid), source, about)
    assert (finding.says, finding.match) == (Says.NOTHING, Match.CANNOT_BE)
