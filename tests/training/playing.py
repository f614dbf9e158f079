"""A trainee at the terminal: takes a page, asks around, answers, judges, and hears what it came to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.real.walking import Operator
from tests.support.terminal import Terminal

CHECKOUT = Path(__file__).parents[2]
SIZE = (80, 24)


@dataclass
class Desk:
    """A trainee's machine: a home of their own, and whatever terraform is on PATH."""

    home: Path
    ours: bool = False
    open_terminals: list[Terminal] = field(default_factory=list)

    def environ(self, **more: str) -> dict[str, str]:
        """A login shell's environment, with somebody's real credentials in it, which practice must not see."""
        temporary = self.home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(temporary),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHONPATH": str(CHECKOUT),
            "LANG": "C.UTF-8",
            "USER": "mara",
            "LOGNAME": "mara",
            "AWS_PROFILE": "production",
            "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
            "AWS_SECRET_ACCESS_KEY": "real",
            "HTTPS_PROXY": "http://127.0.0.1:1",
            **more,
        }

    def break_settings(self) -> None:
        """Settings and a runbook of the user's that would stop an incident; practice reads neither."""
        runbooks = self.home / "config" / "tflock-tui" / "runbooks"
        runbooks.mkdir(parents=True)
        (runbooks / "state-lock.md").write_text("no runbook\n")
        (runbooks.parent / "config.toml").write_text("read_only = true\ntheme = 'none'\n[broken\n")

    def mend_settings(self) -> None:
        """Take them away again."""
        shutil.rmtree(self.home / "config")

    @property
    def incidents(self) -> Path:
        """Where training keeps its incidents."""
        return self.home / "state" / "tflock-tui" / "training" / "incidents"

    def start(self, *arguments: str, size: tuple[int, int] = SIZE) -> Trainee:
        """Start training in a terminal."""
        ours = ("--practice-terraform",) if self.ours else ()
        argv = [sys.executable, "-m", "tuirunbook", "train", *ours, *arguments]
        terminal = Terminal(argv, self.environ(), "/", size)
        self.open_terminals.append(terminal)
        return Trainee(terminal)

    def run(self, *arguments: str, check: bool = True, **environ: str) -> str:
        """Run a command without a terminal; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "tuirunbook", *arguments],
            cwd="/",
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0 or not check, done.stdout
        return done.stdout

    def progress(self) -> list[dict[str, Any]]:
        """What was written down."""
        path = self.home / "state" / "tflock-tui" / "training" / "progress.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def leftovers(self) -> list[Path]:
        """What practice left in the temporary directory."""
        return list((self.home / "tmp").glob("*"))


class Trainee(Operator):
    """Presses what the screen offers."""

    def wait_until_idle(self) -> None:
        """Until nothing is said to be under way."""
        self.wait_for(lambda: not any(line.startswith(" … ") for line in self.terminal.screen[:6]))

    def next_to(self, wanted: str, again: str = "") -> None:
        """Press n, and wait for what it leads to; once more, a little later, while `again` is said instead."""
        while True:
            self.wait_until_idle()
            self.press("n")
            self.wait_for(lambda: self.sees(wanted) or bool(again and self.sees(again)))
            if self.sees(wanted):
                return
            later = time.monotonic() + 2
            self.wait_for(lambda later=later: time.monotonic() > later)  # type: ignore[misc]

    def on_walk(self, step: int = 3) -> None:
        """Until the lock has been read and a step is current."""
        self.wait_for(" as OnCall")
        self.step(step)

    def find_out(self, *numbers: int) -> None:
        """Ask the inquiries with these numbers, from 0."""
        self.press("q")
        self.wait_for("Find out: whom do you ask?")
        for number in numbers:
            self.press("home", *["down"] * number)
            self.wait_for("Not asked yet")
            self.press("enter")
            self.wait_for(lambda: not self.sees("Not asked yet"))
        self.press("escape")
        self.wait_for(lambda: not self.sees("Find out: whom do you ask?"))

    def rule_out_as_ended(self) -> None:
        """Answer the three questions as a dead holder's are."""
        self.next_to("enter chooses, then goes on")
        self.answer("ci", "ended", how="asked CI", link="ci.example/8121")
        self.answer("owner", "mine-died", who="Kim", how="asked Kim")
        self.answer("holder-host", "host-gone", how="the runner was removed")
        self.step(4)

    def fill_judgement(self, verdict: str, confidence: str = "90", wrong: str = "a run that works on it") -> None:
        """Write down what one believes."""
        self.wait_for("what would prove me wrong")
        choices = ["", "dead", "alive", "cannot-tell", "not-a-lock"]
        self.press(*["down"] * choices.index(verdict), "enter")
        self.fill("how sure, in %", confidence)
        self.press("enter")
        self.fill("what would prove me wrong", wrong)
        self.press("enter")
        self.wait_for(lambda: not self.sees("what would prove me wrong"))

    def lock_id(self) -> str:
        """The first 8 characters of the lock on the screen."""
        found = re.search(r"\b([0-9a-f]{8})$", "\n".join(self.terminal.screen[:6]), re.MULTILINE)
        assert found, self.terminal.picture()
        return found[1]

    def release(self, verdict: str = "dead") -> None:
        """Step 6, with the judgement before it."""
        lock = self.lock_id()
        self.next_to("Before you act", again="Not possible: only one of the two stores")
        self.fill_judgement(verdict)
        self.wait_for("Release (ctrl+y)")
        self.wait_until_heard()
        self.fill_confirmation({"of the lock ID": lock})
        self.press("ctrl+y")

    def choose_row(self, name: str) -> None:
        """Choose the row with this name in a list."""
        for _ in range(20):
            row = next((line for line in self.terminal.screen if line.startswith("▸")), "")
            if name in row:
                break
            self.press("down")
            self.wait_for(lambda row=row: not self.sees(row))  # type: ignore[misc]
        self.press("enter")

    def release_unreadable(self) -> None:
        """Steps 6 and 7: force-unlock fails, and the last resort follows; each with a judgement before it."""
        for verdict, number in (("dead", 6), ("dead", 7)):
            self.step(number)
            self.next_to("Before you act")
            self.fill_judgement(verdict)
            self.wait_for("Release (ctrl+y)")
            self.wait_until_heard()
            if number == 6:
                self.fill_confirmation({"it has no readable ID": self.title_of_confirmation()})
            else:
                place = "network/terraform.tfstate 9012"
                self.fill_confirmation(
                    {
                        "why force-unlock cannot release it": "half of its JSON is missing",
                        "ruled out as its holder, and how": "Kim's script: she looked with pgrep",
                        place: place,
                    }
                )
            self.press("ctrl+y")

    def done(self, verdict: str = "") -> str:
        """End it; what it came to."""
        self.press("z")
        if verdict:
            self.fill_judgement(verdict)
        self.wait_for("debrief: ")
        found = re.search(r"(BEST|INCOMPLETE|UNSAFE)", self.terminal.text)
        assert found, self.terminal.picture()
        return found[1].lower()
