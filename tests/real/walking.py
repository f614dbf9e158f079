"""An operator at the terminal: reads the screen, presses keys, and goes through the runbook as the screen says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.stuck import BUCKET, TABLE, PracticeRoot, StuckLock, stuck_lock
from tests.support.terminal import Terminal
from tuirunbook.core.answers import NEED_LABELS
from tuirunbook.core.lock import Store
from tuirunbook.core.runbook import CORE_QUESTIONS
from tuirunbook.tui.dialogs.confirm import DEAF_SECONDS

ACCOUNT = "123456789012"
RUNNER = "runner@runnervm3jyl0"
CHECKOUT = Path(__file__).parents[2]
TOOL = ("-m", "tuirunbook")


@dataclass
class Desk:
    """A person's machine: a home of their own, a root module, and the tool."""

    root: PracticeRoot
    home: Path
    open_terminals: list[Terminal] = field(default_factory=list)
    python: str = sys.executable

    def environ(self, **more: str) -> dict[str, str]:
        """A login shell's environment; the workspace is the selected one."""
        return self.root.aws.environ(
            HOME=str(self.home),
            XDG_CONFIG_HOME=str(self.home / "config"),
            XDG_STATE_HOME=str(self.home / "state"),
            PYTHONPATH=str(CHECKOUT),
            USER="oncall",
            **more,
        )

    def settings(self, text: str) -> None:
        """Write the user's settings."""
        directory = self.home / "config" / "tflock-tui"
        directory.mkdir(parents=True)
        (directory / "config.toml").write_text(text)

    def start(
        self,
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        cwd: Path | None = None,
        program: Sequence[str] = TOOL,
        **environ: str,
    ) -> Operator:
        """Start the tool in a terminal, in the root module's directory."""
        terminal = Terminal(
            [self.python, *program, *arguments], self.environ(**environ), cwd or self.root.directory, size
        )
        self.open_terminals.append(terminal)
        return Operator(terminal)

    def run(self, *arguments: str) -> str:
        """Run a command of the tool without a terminal; what it prints."""
        done = subprocess.run(
            [self.python, "-m", "tuirunbook", *arguments],
            cwd=self.root.directory,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def incident(self) -> dict[str, Any]:
        """The one incident that is on disk."""
        listed: dict[str, Any] = json.loads(self.run("incidents", "--json"))
        assert listed["unreadable"] == []
        (incident,) = listed["incidents"]
        return dict(incident)


class Operator:
    """Somebody who has never seen the tool: presses what the screen offers, and waits for what it says."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    @property
    def sees(self) -> Callable[[str], bool]:
        """Whether a text is on the screen."""
        return self.terminal.shows

    def press(self, *keys: str) -> None:
        """Press keys."""
        self.terminal.press(*keys)

    def wait_for(self, wanted: str | Callable[[], object]) -> None:
        """Until it is on the screen."""
        self.terminal.wait_for(wanted)

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label, once the cursor is in it."""
        self.wait_for(lambda: self.terminal.above_cursor().endswith(label))
        self.terminal.type(text)
        self.wait_for(lambda: text[-30:] in self.terminal.at_cursor())

    def next_to(self, wanted: str) -> None:
        """Press n once nothing is under way, for until then it begins nothing, and wait for what it leads to."""
        self.wait_until_idle()
        self.press("n")
        self.wait_for(wanted)

    def wait_until_idle(self) -> None:
        """Until nothing is said to be under way."""
        self.wait_for(lambda: not self.terminal.screen[3].startswith(" … "))

    def step(self, number: int) -> None:
        """Until this step is the current one."""
        self.wait_for(lambda: any(f"▶ {number} " in line for line in self.terminal.screen))

    def arrive(self, step: int = 3) -> None:
        """Until the lock has been read, who we are is known and the incident is recorded."""
        self.wait_for(f"{ACCOUNT} as")
        self.wait_for("● rec")
        self.step(step)

    def answer(self, question: str, value: str, **told: str) -> None:
        """Choose an answer in the dialog that is open or opens, and say with it what it needs."""
        asked = CORE_QUESTIONS[question]
        values = [option.value for option in asked.options]
        option = asked.options[values.index(value)]
        # The label of the list's last line says that it is all there; it goes away once a choice was made.
        self.wait_for(lambda: self.sees(asked.why) and self.sees("enter chooses, then goes on"))
        # Where something is known already, the list begins at that answer.
        self.press("home", *["down"] * values.index(value), "enter")
        for number, need in enumerate(option.needs):
            if number:
                self.press("enter")
            self.fill(NEED_LABELS[need], told[need])
        if not option.needs:
            self.wait_for(lambda: self.terminal.above_cursor().endswith("(if there is one)"))
        self.press("ctrl+s")
        self.wait_for(lambda: not self.sees(asked.why))

    def rule_out(self, owner: str = "mine-died") -> None:
        """Step 3: three questions, one after the other."""
        self.next_to("enter chooses, then goes on")
        self.answer("ci", "cancelled", link="ci.example/8121")
        if owner == "mine-died":
            self.answer("owner", "mine-died", who="Kim", how="her laptop shut down")
        else:
            self.answer("owner", "not-mine", who="Kim")
        self.answer("holder-host", "ended", how="looked with ps")
        self.step(4)

    def retry_plan(self) -> None:
        """Step 4: the plan is refused by this lock."""
        self.next_to("was refused by this lock")
        self.step(5)

    def before_release(self) -> None:
        """Step 5: the checks, then what runs next."""
        # n goes on to the question once every check has a result, however many lines those take.
        self.next_to("ask: What takes this lock next")
        self.next_to("nothing is queued")
        self.answer("next", "nothing", how="looked at the queue")
        self.step(6)

    def up_to_release(self) -> None:
        """From the first screen to step 6, as the documented order is."""
        self.arrive()
        self.rule_out()
        self.retry_plan()
        self.before_release()

    def open_confirmation(self) -> None:
        """Open the confirmation of the shown step, and read it: it is deaf for a moment."""
        self.next_to("Release (ctrl+y)")
        self.wait_until_heard()

    def wait_until_heard(self) -> None:
        """Until the confirmation that is on the screen takes keys; it began to be deaf before it could be seen."""
        heard_from = time.monotonic() + DEAF_SECONDS
        self.wait_for(lambda: time.monotonic() > heard_from)

    def title_of_confirmation(self) -> str:
        """What the lock is called in the question that is open."""
        found = re.search(r"(?:Force-unlock|Delete) (\S+)\?", self.terminal.text)
        assert found, self.terminal.picture()
        return found[1]

    def fill_confirmation(self, fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> None:
        """Type what the confirmation asks for; Enter goes from field to field."""
        self.press("tab")
        pairs = list(dict(fields).items())
        for number, (label, text) in enumerate(pairs, 1):
            self.fill(label, text)
            if number < len(pairs):
                self.press("enter")

    def force_unlock(self, lock_id: str) -> None:
        """Step 6: confirm with the beginning of the lock's ID, and wait for what is read back."""
        self.open_confirmation()
        self.fill_confirmation({"of the lock ID": lock_id[:8]})
        self.press("ctrl+y")

    def verify(self) -> None:
        """Step 8: checks, plan, who read it."""
        self.next_to("plan again (takes the lock")
        self.wait_for("✓ both stores: every configured store is free")
        self.next_to("obtained the lock")
        self.wait_for("✓ plan: ")
        self.next_to("Who looked?")
        self.fill("by name", "Kim")
        self.press("enter")
        self.wait_for(lambda: self.terminal.above_cursor().endswith("what it says"))
        self.press("enter")
        self.fill("(or: nobody has to)", "nobody has to")
        self.press("enter")
        self.step(9)

    def paste(self, text: str) -> None:
        """Hand in what Terraform printed somewhere else."""
        self.wait_until_idle()
        self.press("e")
        self.wait_for("Paste what Terraform printed")
        self.terminal.type(f"\x1b[200~{text}\x1b[201~")
        self.wait_for(text.strip().splitlines()[-1])
        self.press("ctrl+s")
        self.wait_for(lambda: not self.sees("Paste what Terraform printed"))

    def quit(self) -> int:
        """Leave."""
        self.press("ctrl+q")
        return self.terminal.wait_for_end()


def from_a_runner(stuck: StuckLock) -> StuckLock:
    """The same lock as if its apply had run on a CI runner.

    Whether other terraforms run on this machine then says nothing about it; tests beside this one start some.
    """
    root = stuck.root
    here = stuck.raw["Who"]
    for store in root.locks():
        replace_lock(root, store, raw_lock(root, store).replace(here, RUNNER))
    return StuckLock(root, stuck.lock_id, stuck.raw | {"Who": RUNNER})


def stuck_on_a_runner(root: PracticeRoot) -> StuckLock:
    """A lock left by an apply that was killed on a CI runner."""
    return from_a_runner(stuck_lock(root))


def raw_lock(root: PracticeRoot, store: Store) -> str:
    """The lock's text as the store holds it."""
    address = root.address
    if store is Store.DYNAMODB:
        item = root.dynamodb.get_item(TableName=TABLE, Key={"LockID": {"S": address.lock_id}}, ConsistentRead=True)
        return str(item["Item"]["Info"]["S"])
    body: bytes = root.s3.get_object(Bucket=BUCKET, Key=address.lockfile_key)["Body"].read()
    return body.decode()


def replace_lock(root: PracticeRoot, store: Store, raw: str) -> None:
    """Put this text where the lock is."""
    address = root.address
    if store is Store.DYNAMODB:
        item = {"LockID": {"S": address.lock_id}, "Info": {"S": raw}}
        root.dynamodb.put_item(TableName=TABLE, Item=item)
    else:
        root.s3.put_object(Bucket=BUCKET, Key=address.lockfile_key, Body=raw.encode())


def take_over(stuck: StuckLock, new_id: str) -> None:
    """Somebody else releases the stuck lock and takes a live one."""
    for store in stuck.root.locks():
        raw = raw_lock(stuck.root, store)
        replace_lock(stuck.root, store, raw.replace(stuck.lock_id, new_id).replace(RUNNER, "runner@fv-az99-live"))
