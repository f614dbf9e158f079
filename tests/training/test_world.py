"""The practice world's processes: nothing is left of them, whoever dies; several live side by side."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.stuck import wait_for
from tests.training.playing import CHECKOUT
from tuirunbook.core.scenario import (
    Debriefing,
    Fate,
    Mode,
    PracticeLock,
    PracticeProfile,
    PracticeRoot,
    Right,
    Rules,
    Scenario,
)
from tuirunbook.training.client import WorldClient, WorldError, spawn
from tuirunbook.training.coach import Coach
from tuirunbook.training.place import NotLoopbackError, cleaned, require_loopback, sweep
from tuirunbook.training.world import Play

KEY = "prod/network/terraform.tfstate"


def scenario(fate: Fate = Fate.DEAD, operation: str = "apply", mode: Mode = Mode.BOTH, **more: Any) -> Scenario:
    return Scenario(
        name="test",
        page="03:10",
        teaches="",
        mode=mode,
        roots=(PracticeRoot(name="prod/network"),),
        locks=(PracticeLock(fate=fate, operation=operation),),
        judge=Rules(right=Right.WAIT),
        debrief=Debriefing(truth=""),
        **more,
    )


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., WorldClient]]:
    """Begins worlds below the test's directory; ends them all."""
    begun: list[WorldClient] = []

    def make(played: Scenario | None = None, **given: Any) -> WorldClient:
        play = Play(
            scenario=played or scenario(), parent=str(tmp_path), practice_terraform=given.pop("ours", True), speed=1
        )
        begun.append(WorldClient(play, **given))
        return begun[-1]

    yield make
    for client in begun:
        client.close()


def family(pid: int) -> list[psutil.Process]:
    """The processes of a world's session."""
    found = []
    for process in psutil.process_iter():
        try:
            # One that has ended and was not collected yet, by whoever collects here, is none.
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


def worlds(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("tflock-practice-*"))


def test_a_world_that_is_closed_leaves_no_process_port_or_file(
    tmp_path: Path, begin: Callable[..., WorldClient]
) -> None:
    client = begin(scenario(Fate.ALIVE))
    ready = client.wait_ready()
    assert len(family(client.pid)) > 1
    assert client.ask("facts")["held"] == [KEY]
    port = int(ready.endpoint.rsplit(":", 1)[1])
    client.close()
    assert worlds(tmp_path) == []
    assert family(client.pid) == []
    with socket.socket() as caller, pytest.raises(ConnectionRefusedError):
        caller.connect(("127.0.0.1", port))


def test_a_world_ends_when_its_app_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from tests.training.test_world import *\n"
        "client = WorldClient(Play(scenario=scenario(Fate.ALIVE), parent=sys.argv[1], practice_terraform=True))\n"
        "client.wait_ready()\n"
        "print(client.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    app = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
    )
    assert app.stdout is not None
    world = int(app.stdout.readline())
    assert len(worlds(tmp_path)) == 1
    app.send_signal(signal.SIGKILL)
    app.wait(10)
    app.stdout.close()
    wait_for(lambda: not family(world) and not worlds(tmp_path), "the end of the world")


def test_a_world_that_is_killed_is_told_and_cleared_up(tmp_path: Path, begin: Callable[..., WorldClient]) -> None:
    died = threading.Event()
    client = begin(scenario(Fate.ALIVE), died=died.set)
    client.wait_ready()
    os.kill(client.pid, signal.SIGKILL)
    assert died.wait(20)
    assert worlds(tmp_path) == []
    assert family(client.pid) == []
    with pytest.raises(WorldError, match="has ended"):
        client.ask("facts")


def test_a_world_that_was_started_ahead_and_never_wanted_ends_with_its_coach(tmp_path: Path) -> None:
    spare = spawn()
    Coach((), tmp_path, "mara", spare=spare).close()
    assert spare.returncode == 0


def test_several_people_practise_at_once(begin: Callable[..., WorldClient]) -> None:
    first, second = begin(scenario(Fate.ALIVE)), begin(scenario(Fate.DEAD))
    assert first.wait_ready().endpoint != second.wait_ready().endpoint
    second.ask("shell", f"aws s3api delete-object --bucket acme-practice-tfstate --key {KEY}.tflock")
    assert set(first.ask("facts")["locks"]) != set(second.ask("facts")["locks"])
    assert "tflock" in first.ask("shell", "aws s3 ls s3://acme-practice-tfstate")["output"]


def test_what_a_crashed_machine_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "tflock-practice-old"
    left.mkdir()
    (left / "world.pid").write_text("999999999\n")
    mine = tmp_path / "tflock-practice-mine"
    mine.mkdir()
    (mine / "world.pid").write_text(f"{os.getpid()}\n")
    sweep(tmp_path)
    assert worlds(tmp_path) == [mine]


def test_the_environment_is_made_from_nothing(
    begin: Callable[..., WorldClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    monkeypatch.setenv("TF_CLI_ARGS", "-lock=false")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    environ = begin().wait_ready().environ
    assert "production" not in environ.values()
    assert "AKIAREALREALREALREAL" not in environ.values()
    assert not {"TF_CLI_ARGS", "HTTPS_PROXY", "AWS_PROFILE"} & set(environ)
    require_loopback(environ["AWS_ENDPOINT_URL"])
    assert environ["HOME"] != os.environ.get("HOME")


@pytest.mark.parametrize(
    "url", ["https://s3.amazonaws.com", "http://10.0.0.1:80", "http://localhost.evil.example", "", "http://0.0.0.0:1"]
)
def test_an_endpoint_that_is_not_on_this_machine_is_refused(url: str) -> None:
    with pytest.raises(NotLoopbackError):
        require_loopback(url)


def test_cleaning_keeps_what_is_not_aws_terraform_or_a_proxy() -> None:
    assert cleaned({"PATH": "/bin", "AWS_REGION": "x", "TF_LOG": "1", "https_proxy": "y", "TERM": "z"}) == {
        "PATH": "/bin",
        "TERM": "z",
    }


def test_the_repository_has_a_history_and_its_authors(begin: Callable[..., WorldClient]) -> None:
    client = begin()
    client.wait_ready()
    log = client.ask("shell", "git log --format=%an:%s")["output"]
    assert "Kim Duarte:Add what this week's ticket asks for" in log
    assert len(log.splitlines()) == 4
    assert len({line.partition(":")[0] for line in log.splitlines()}) == 2


def test_the_shell_runs_nothing_but_its_own_programs(begin: Callable[..., WorldClient]) -> None:
    client = begin()
    client.wait_ready()
    for line in ("sh -c id", "cat /etc/passwd", "cd ../../..", "terraform apply", "git config -l", "aws s3 rm x", "'"):
        said = client.ask("shell", line)
        assert "root:" not in said["output"]
        assert "uid=" not in said["output"]
        assert said["released"] == []


def test_each_account_has_its_own_lock_table_and_all_of_them_read_the_state(begin: Callable[..., WorldClient]) -> None:
    profiles = (PracticeProfile(name="dev", account="210987654321"), PracticeProfile(name="prod"))
    client = begin(scenario(mode=Mode.DYNAMODB, profiles=profiles))
    assert "AWS_ACCESS_KEY_ID" not in client.wait_ready().environ

    def run(line: str) -> str:
        return str(client.ask("shell", line)["output"])

    assert "210987654321" in run("aws sts get-caller-identity")
    assert run("aws dynamodb scan --table-name acme-practice-tflock") == "[]"
    assert KEY in run("aws s3 ls s3://acme-practice-tfstate")
    assert "AccessDenied" in run(f"aws s3 rm s3://acme-practice-tfstate/{KEY}")
    assert KEY in run("aws dynamodb scan --table-name acme-practice-tflock --profile prod")

    assert client.ask("shell", "export AWS_PROFILE=stage")["moved"] == ""
    moved = client.ask("shell", "export AWS_PROFILE=prod")
    assert moved["environ"]["AWS_PROFILE"] == "prod"
    assert "123456789012" in run("aws sts get-caller-identity")
    assert KEY in run("aws dynamodb scan --table-name acme-practice-tflock")


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("operation", ["plan", "apply"])
def test_a_dead_holder_leaves_its_lock_in_every_store(
    begin: Callable[..., WorldClient], mode: Mode, operation: str
) -> None:
    client = begin(scenario(mode=mode, operation=operation))
    client.wait_ready()
    facts = client.ask("facts")
    (told,) = facts["locks"].values()
    assert told == {"alive": False, "key": KEY}
    listed = client.ask("shell", "aws s3 ls s3://acme-practice-tfstate")["output"]
    assert (f"{KEY}.tflock" in listed) == (mode is not Mode.DYNAMODB)
    assert shutil.which("terraform") is None or "practice" in facts["program"]
