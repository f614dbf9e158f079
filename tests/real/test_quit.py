"""Leaving waits for nobody: not for an AWS that takes every connection and never answers, nor for such a CI system."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.aws import REGION
from tests.support.locks import lock_json
from tests.support.stuck import wait_for
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

pytestmark = pytest.mark.pty

CHECKOUT = Path(__file__).parents[2]
PATIENT = """\
import importlib

importlib.import_module("tuirunbook.locks.clients").READ_TIMEOUT = 600
importlib.import_module("botocore.utils").ContainerMetadataFetcher.TIMEOUT_SECONDS = 600
"""
"""Has whoever asks AWS wait longer than a test does: what ends did not wait for an answer."""


@dataclass
class Silence:
    """A server that accepts, and says nothing."""

    listener: socket.socket
    asked: threading.Event = field(default_factory=threading.Event)
    kept: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(connection)
            self.asked.set()

    def close(self) -> None:
        self.listener.close()
        for connection in self.kept:
            connection.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    server = Silence(socket.create_server(("127.0.0.1", 0)))
    threading.Thread(target=server.accept, daemon=True).start()
    yield server
    server.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root module whose backend is saved, in a checkout."""
    directory = tmp_path / "checkout"
    saved = directory / ".terraform"
    saved.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "patient").mkdir()
    (tmp_path / "patient" / "sitecustomize.py").write_text(PATIENT)
    subprocess.run(["git", "init", "-q", str(directory)], check=True)
    given = {"bucket": "acme-tfstate", "key": "network/x.tfstate", "region": "eu-central-1", "dynamodb_table": "locks"}
    (directory / "main.tf.json").write_text(json.dumps({"terraform": {"backend": {"s3": given}}}))
    (saved / "terraform.tfstate").write_text(json.dumps({"version": 3, "backend": {"type": "s3", "config": given}}))
    return directory


def start(root: Path, silence: Silence, *arguments: str, **environ: str) -> Terminal:
    home = root.parent / "home"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join((str(root.parent / "patient"), str(CHECKOUT))),
        "AWS_ENDPOINT_URL": silence.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    } | (environ or {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"})
    return Terminal([sys.executable, "-m", "tuirunbook", *arguments], environ, root)


def leave(terminal: Terminal) -> None:
    """Press what leaves, and wait until the program has ended."""
    terminal.press("ctrl+q")
    assert terminal.wait_for_end() == 0


def test_leaving_the_walk_does_not_wait_for_aws(root: Path, silence: Silence) -> None:
    with start(root, silence) as terminal:
        terminal.wait_for("Runbook")
        assert silence.asked.wait(30)
        # What takes longer than the first look is asked only after the first frame.
        terminal.wait_for("reading")
        leave(terminal)


def test_leaving_the_opening_does_not_wait_for_credentials(root: Path, silence: Silence) -> None:
    with start(root, silence, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{silence.url}/credentials") as terminal:
        terminal.wait_for("Looking for the root module")
        assert silence.asked.wait(30)
        helpers = psutil.Process(terminal.pid).children(recursive=True)
        leave(terminal)
        _, alive = psutil.wait_procs(helpers, timeout=20)
        assert not alive, "whoever looked first still looks"


def test_leaving_the_list_of_states_does_not_wait_for_aws(root: Path, silence: Silence) -> None:
    with start(root, silence, "--states") as terminal:
        terminal.wait_for("network/x")
        assert silence.asked.wait(30)
        leave(terminal)


GH = """#!/bin/sh
case "$1" in auth) exit 0;; esac
trap "" HUP
echo $$ >> "{asked}"
exec cat "{never}"
"""
"""A `gh` that is logged in, and whose host never answers."""


def test_leaving_the_walk_does_not_wait_for_ci(root: Path, silence: Silence, aws: EmbeddedAws) -> None:
    aws.create_backend("acme-tfstate", "locks")
    item = {"LockID": {"S": "acme-tfstate/network/x.tfstate"}, "Info": {"S": lock_json()}}
    aws.client("dynamodb").put_item(TableName="locks", Item=item)
    subprocess.run(["git", "-C", str(root), "remote", "add", "origin", "git@github.com:acme/infra.git"], check=True)
    never, asked, gh = (root.parent / name for name in ("never", "asked", "bin/gh"))
    os.mkfifo(never)
    gh.parent.mkdir()
    gh.write_text(GH.format(never=never, asked=asked))
    gh.chmod(0o755)
    environ = aws.environ(PATH=f"{gh.parent}{os.pathsep}{os.environ['PATH']}", NO_PROXY="127.0.0.1")
    with start(root, silence, "--region", REGION, **environ) as terminal:
        terminal.wait_for("runner-7")
        wait_for(asked.exists, "the question to CI")
        leave(terminal)
        # Whoever waited for the answer would have ended, when patience was over, what asks for it.
        waiting = [psutil.Process(int(line)) for line in asked.read_text().split()]
        assert all(one.status() != psutil.STATUS_ZOMBIE for one in waiting)
        os.close(os.open(never, os.O_RDWR))
        psutil.wait_procs(waiting, timeout=20)
