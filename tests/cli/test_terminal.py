"""The walk and its terminal: keys come from it after a pipe, and without one the walk says what to do instead."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import time
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.support.locks import FIRST, LOCK_ID, lock_json, put_item

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Machine

ERROR = (
    f"Error: Error acquiring the state lock\n\nLock Info:\n  ID:        {FIRST}\n  Path:      {LOCK_ID}\n"
    "  Operation: OperationTypeApply\n"
)
TINY = """
import sys
from tuirunbook.terminal import keys_from_terminal, missing_terminal, read_piped

assert missing_terminal() is None
text = read_piped()
keys_from_terminal()
from textual.app import App
from textual.widgets import Static


class Tiny(App[int]):
    def compose(self):
        yield Static(f"read {len(text)} characters")

    def on_key(self, event):
        self.exit(int(event.key))


sys.exit(Tiny().run())
"""


def spawn(machine: Machine, command: str, columns: int = 80) -> pexpect.spawn[bytes]:
    return pexpect.spawn(
        "/bin/sh", ["-c", command], cwd=str(machine.here), env=machine.environ(), dimensions=(24, columns), timeout=30
    )


@pytest.mark.pty
def test_keys_come_from_the_terminal_after_the_error_was_piped_in(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(TINY)
    child = spawn(machine, f"printf 'twelve chars' | {sys.executable} {tmp_path}/tiny.py")
    child.expect("read 12 characters")
    child.send("7")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7


@pytest.mark.pty
def test_a_piped_error_opens_the_walk_of_the_state_that_it_names(machine: Machine) -> None:
    machine.write_root(machine.here / "network")
    machine.write_root(machine.here / "dns", key="dns/terraform.tfstate")
    (machine.here / "ci.log").write_text(ERROR)
    put_item(machine.aws, lock_json())
    child = spawn(machine, f"cat ci.log | {sys.executable} -m tuirunbook --error -")
    child.expect("HELD")
    child.send("\x11")
    expect_end(child)
    assert child.exitstatus == 0


def expect_end(child: pexpect.spawn[bytes], seconds: float = 20) -> None:
    """Until it ends, also where leaving is asked about: a second ctrl+q is an answer to that."""
    deadline = time.monotonic() + seconds
    while child.isalive() and time.monotonic() < deadline:
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            child.expect(pexpect.EOF, timeout=1)
    child.close()


def test_without_a_terminal_the_walk_exits_2_and_names_what_works(machine: Machine) -> None:
    for arguments in ((), ("--read-only",), ("resume",)):
        ran = machine.run(*arguments)
        assert ran.code == 2
        assert "tflock-tui status" in ran.err
        assert "--plain" in ran.err


@pytest.mark.pty
def test_a_theme_that_there_is_not_is_told_before_the_screen_opens(machine: Machine) -> None:
    settings = machine.home / ".config" / "tflock-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('theme = "no-such-theme"\n')
    child = spawn(machine, f"{sys.executable} -m tuirunbook")
    child.expect("There is no theme 'no-such-theme'")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1


@pytest.mark.pty
def test_without_a_controlling_terminal_the_walk_exits_2(machine: Machine) -> None:
    # Standard output is a terminal, but not ours to read keys from.
    script = (
        "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], stdin=0, start_new_session=True).returncode)"
    )
    child = spawn(machine, f"{sys.executable} -c '{script}' {sys.executable} -m tuirunbook < /dev/null")
    child.expect("no other one to read keys from")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2


def test_whoever_stops_reading_gets_no_complaint(machine: Machine) -> None:
    child = spawn(machine, f"{{ {sys.executable} -m tuirunbook runbook show; echo code $? >&2; }} | head -n 1")
    child.expect(pexpect.EOF)
    assert child.before is not None
    assert b"Traceback" not in child.before
    assert b"code 141" in child.before or b"code 0" in child.before
    child.close()


def test_the_plain_walk_needs_no_terminal(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    ran = machine.run("--plain")
    assert ran.code in {0, 1}
    assert "root@runner-7" in ran.out


@pytest.mark.pty
def test_the_plain_walk_takes_its_answers_from_the_terminal_after_a_piped_error(machine: Machine) -> None:
    machine.write_root(machine.here / "network")
    (machine.here / "ci.log").write_text(ERROR)
    put_item(machine.aws, lock_json())
    child = spawn(machine, f"cat ci.log | {sys.executable} -m tuirunbook --plain --error -")
    child.expect(rb"(\d+)\. leave")
    assert isinstance(child.match, re.Match)
    number = child.match[1]
    child.expect("a number:")
    child.sendline(number)
    child.expect(pexpect.EOF)
    child.close()


@pytest.mark.pty
def test_a_walk_that_was_killed_is_resumed_by_its_word(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    child = spawn(machine, f"exec {sys.executable} -m tuirunbook")
    child.expect("HELD")
    # The incident is on disk once its name can be listed.
    listed: list[dict[str, str]] = []
    while not listed:
        listed = machine.run("incidents", "--json").json["incidents"]
    child.kill(signal.SIGKILL)
    child.close()
    word = listed[0]["id"].rsplit("-", 1)[1]
    for arguments in (word, ""):
        resumed = spawn(machine, f"exec {sys.executable} -m tuirunbook resume {arguments}")
        resumed.expect("HELD")
        resumed.send("\x11")
        expect_end(resumed)
        assert resumed.exitstatus == 0
    assert machine.run("incidents", "--json").json["incidents"][0]["chain_verified"] is True


@pytest.mark.pty
def test_several_states_are_offered_held_ones_first(machine: Machine) -> None:
    machine.write_root(machine.here / "a-free", key="dns/terraform.tfstate")
    machine.write_root(machine.here / "b-held")
    put_item(machine.aws, lock_json())
    child = spawn(machine, f"exec {sys.executable} -m tuirunbook")
    child.expect("root@runner-7")
    child.send("\x11")
    expect_end(child)
    assert child.exitstatus == 0


@pytest.mark.pty
def test_a_lock_that_cannot_be_read_is_not_said_to_be_unseen(machine: Machine) -> None:
    machine.write_root()
    machine.aws.deny("GetItem")
    child = spawn(machine, f"{sys.executable} -m tuirunbook")
    child.expect("nothing is known about it")
    child.send("\x11")
    expect_end(child)
    said = machine.run("--plain").out
    assert "nothing is known about it until that can be read" in " ".join(said.split())
    assert "none was seen here" not in said


@pytest.mark.pty
def test_a_journal_that_cannot_be_written_is_told_in_a_sentence(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    (machine.here / "file").write_text("")
    child = spawn(machine, f"{sys.executable} -m tuirunbook --journal-dir file/incidents")
    child.expect("Not written down")
    child.expect("not written")
    child.send("\x11")
    expect_end(child)


def printed(child: pexpect.spawn[bytes]) -> str:
    """What was printed before that which was waited for."""
    assert isinstance(child.before, bytes)
    return child.before.decode()


def lines_at(machine: Machine, command: str, columns: int) -> list[str]:
    """What a command prints on a terminal of this width."""
    child = spawn(machine, f"{sys.executable} -m tuirunbook {command}", columns)
    if "--plain" in command:
        child.expect("What now, a number: ")
        said = printed(child)
        child.sendeof()
        child.expect(pexpect.EOF)
    else:
        child.expect(pexpect.EOF)
        said = printed(child)
    child.close()
    return said.replace("\r\n", "\n").splitlines()


@pytest.mark.pty
@pytest.mark.parametrize("command", ["status", "status --workspace prod", "doctor", "--plain"])
@pytest.mark.parametrize("columns", [60, 132])
def test_text_is_folded_to_the_terminals_width(machine: Machine, command: str, columns: int) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    machine.aws.deny("DescribeTable")
    lines = lines_at(machine, command, columns)
    words = [line for line in lines if " " in line.strip()]
    assert max(map(len, words)) <= columns
    assert max(map(len, words)) > columns // 2


@pytest.mark.pty
def test_a_command_that_is_longer_than_the_terminal_stays_whole(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, "not json")
    child = spawn(machine, f"{sys.executable} -m tuirunbook --plain")
    pick(child, "go to another step")
    pick(child, "delete the lock", "Which step, a number: ")
    pick(child, "print the command")
    child.expect(r"aws [^\r\n]+--expression-attribute-values[^\r\n]+\r?\n")
    child.sendeof()
    expect_end(child)


def pick(child: pexpect.spawn[bytes], words: str, prompt: str = "What now, a number: ") -> None:
    """Choose the line of a plain menu that holds these words."""
    child.expect(re.escape(prompt))
    menu = re.findall(rf"(?:^|\n)(\d+)\. [^\n]*{re.escape(words)}", printed(child))
    child.sendline(menu[-1])


def test_a_pipe_gets_whole_lines(machine: Machine) -> None:
    machine.write_root()
    machine.aws.deny("GetItem")
    ran = machine.run("status")
    assert any(len(line) > 130 for line in ran.out.splitlines())
    assert "Next: use a role that may read it" in ran.err


@pytest.mark.pty
@pytest.mark.parametrize(
    ("typed", "completed"), [("tflock-tui dia", "diagnose"), ("tflock-tui status --buc", "--bucket")]
)
def test_bash_completes(machine: Machine, tmp_path: Path, typed: str, completed: str) -> None:
    program = tmp_path / "bin" / "tflock-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tuirunbook "$@"\n')
    program.chmod(0o755)
    environ = machine.environ(PS1="ready> ", PATH=f"{program.parent}:/usr/bin:/bin", INPUTRC="/dev/null")
    child = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env=environ, dimensions=(24, 200), timeout=30, cwd=str(machine.here)
    )
    child.expect("ready> ")
    child.sendline('eval "$(tflock-tui completion bash)"; echo "set"-up')
    child.expect("set-up")
    child.expect("ready> ")
    child.send(f"{typed}\t")
    child.expect(completed)
    child.close(force=True)
