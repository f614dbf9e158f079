"""Makes `screenshots/*.svg` from the running application: `python -m tests.screenshots [--check]`.

The application walks a real lock on a local AWS, with the terraform on PATH. What differs from one run to the next (the
time, random names, the server's port, directories) is fixed, so that the same program paints the same bytes everywhere;
`--check` fails when a committed picture is not what the program paints now.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgspec
from textual.widgets import Input, OptionList, TextArea

from tests.support.aws import REGION, EmbeddedAws
from tests.support.pilots import painted, until
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockSnapshot, StateObject
from tuirunbook.core.runbook import Action
from tuirunbook.evidence.this_machine import ThisMachine
from tuirunbook.survey.states import StateRow
from tuirunbook.tui.app import TflockApp
from tuirunbook.tui.dialogs.confirm import DEAF_SECONDS, ConfirmScreen
from tuirunbook.tui.screens.wait import WaitScreen
from tuirunbook.tui.screens.walk import WalkScreen
from tuirunbook.walk.walk import Walk
from tuirunbook.walk.world import World
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.front import WiredFront
from tuirunbook.wiring.opening import Opening
from tuirunbook.wiring.options import Options

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tuirunbook.walk.ports import LockStore

PICTURES = Path(__file__).parent.parent / "screenshots"
NARROW, WIDE = (80, 24), (140, 40)
NOW = datetime(2026, 3, 14, 3, 22, 16, tzinfo=UTC)
WRITTEN = "2026-03-14T02:09:37Z"
BUCKET, TABLE, KEY = "acme-tfstate", "terraform-locks", "prod/network/terraform.tfstate"
LOCK = {
    "ID": "9f8b3c21-4d0e-7a65-bb1f-0c6a7d5e2f43",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "runner@runnervm3jyl0",
    "Version": "1.11.4",
    "Created": "2026-03-14T02:21:14.508119732Z",
    "Path": f"{BUCKET}/{KEY}",
}
UNREADABLE = '{"ID":"9f8b3c21-4d0e-7a65-bb1f-0c6a'
HOME = "/home/olga/infra"
_RANDOM = (
    (re.compile(r"terminal-\d+-"), "terminal-"),
    # DynamoDB's request IDs have 52 characters.
    (re.compile(r"\b[A-Za-z0-9]{52}\b"), "Q7KDO3G2V1NJ5PBSR8WAZ4MHTX9L" + "6EYCFU" * 4),
)


class Clock:
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class SteadyStore:
    """A lock store whose looks carry no time, port or version that differs from run to run."""

    def __init__(self, store: LockStore, clock: Clock, endpoint: str) -> None:
        self._store = store
        self._clock = clock
        self._endpoint = endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def address(self) -> Any:
        return msgspec.structs.replace(self._store.address, s3_endpoint=None, dynamodb_endpoint=None)

    def look(self, *arguments: Any) -> LockSnapshot:
        snapshot = self._store.look(*arguments)
        state = snapshot.state
        if isinstance(state, StateObject) and state.exists:
            state = msgspec.structs.replace(state, last_modified=WRITTEN, version_id=None)
        return msgspec.structs.replace(snapshot, state=state, address=self.address, taken_at=self._clock())

    def delete_command(self, lock: Any) -> tuple[str, ...]:
        command = self._store.delete_command(lock)
        return tuple(part for part in command if part not in {"--endpoint-url", self._endpoint})


class PictureOpening(Opening):
    """Opens walks at a fixed time, for an operator and a machine that are always the same."""

    def __init__(self, adapters: Adapters, clock: Clock, directory: Path, endpoint: str) -> None:
        super().__init__(adapters)
        self._clock = clock
        self._directory = directory
        self._endpoint = endpoint

    def fresh_name(self) -> str:
        return "260314-0322-kiwi"

    def world(self, root: RootModule, walks: Sequence[Walk] = ()) -> World:
        world = super().world(root, walks)
        return dataclasses.replace(
            world,
            root=self.renamed(root),
            store=SteadyStore(world.store, self._clock, self._endpoint),
            sources=(ThisMachine("olga-laptop"),),
            operator="Olga",
            host="olga-laptop",
            tool="0.1.0",
            clock=self._clock,
        )

    def renamed(self, root: RootModule, *, back: bool = False) -> RootModule:
        """The root as it would be called on the operator's machine, or back as it is called here."""
        names = (str(self._directory).encode(), HOME.encode())
        told = msgspec.json.encode(root).replace(*(reversed(names) if back else names))
        return msgspec.json.decode(told, type=RootModule)


class PictureFront(WiredFront):
    """The real front end, at a fixed time, for an operator and a machine that are always the same."""

    def __init__(self, adapters: Adapters, clock: Clock, directory: Path, endpoint: str) -> None:
        self._opening_here = PictureOpening(adapters, clock, directory, endpoint)
        super().__init__(adapters, self._opening_here)
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    def compare(self, root: RootModule) -> RootModule:
        renamed = self._opening_here.renamed
        return renamed(super().compare(renamed(root, back=True)))

    def survey(self) -> Iterator[StateRow]:
        for row in super().survey():
            yield msgspec.structs.replace(row, root=self._opening_here.renamed(row.root))


class Studio:
    """Takes the pictures of one running application."""

    def __init__(self, pilot: Pilot[Any], clock: Clock) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.clock = clock
        self.pictures: dict[str, str] = {}

    @property
    def walk(self) -> WalkScreen:
        """The walk's screen, which may be below others."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, WalkScreen))

    async def take(self, name: str) -> None:
        """A picture of what is on the screen now."""
        for blinking in self.app.screen.query(Input):
            blinking.cursor_blink = False
        for area in self.app.screen.query(TextArea):
            area.cursor_blink = False
        await self.pilot.pause()
        await self.pilot.pause()
        picture = self.app.export_screenshot()
        for pattern, fixed in _RANDOM:
            picture = pattern.sub(fixed, picture)
        self.pictures[name] = picture

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(self.pilot, condition, what)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def dialog(self, key: str = "n") -> None:
        """Press a key that opens a dialog."""
        before = self.app.screen
        await self.press(key)
        await self.until(lambda: self.app.screen is not before, f"a dialog after {key}")
        await self.pilot.pause()

    async def show(self, action: Action) -> None:
        """Look at the step with this action."""
        await self.press("home")
        view = self.walk.view
        wanted = next(index for index, state in enumerate(view.steps) if state.step.action is action)
        await self.press(*["down" if wanted > view.shown else "up"] * abs(wanted - view.shown))
        await self.until(lambda: self.walk.view.shown == wanted, f"the step {action}")

    async def answer(self, option: str, **told: str) -> None:
        """Pick an option of the question that is open, and say what it needs."""
        options = self.app.screen.query_one(OptionList)
        options.highlighted = [options.get_option_at_index(i).id for i in range(options.option_count)].index(option)
        await self.press("enter")
        await self.until(lambda: self.app.screen.query(Input), "the fields of the answer")
        await self.fill("need", told)

    async def fill(self, prefix: str, told: Mapping[str, str]) -> None:
        """Fill a dialog in and save it."""
        dialog = self.app.screen
        for name, text in told.items():
            dialog.query_one(f"#{prefix}-{name}", Input).value = text
        self.clock.advance(41)
        await self.press("ctrl+s")
        await self.until(lambda: self.app.screen is not dialog, "the dialog to close")

    async def opened(self) -> None:
        """Until the walk is there and its first look is in."""

        def walks() -> bool:
            return any(isinstance(one, WalkScreen) for one in self.app.screen_stack)

        await self.until(walks, "the walk")
        await self.until(lambda: self.walk.view.snapshot and self.walk.view.caller, "the first look")
        await self.settled()
        await self.until(lambda: not self.walk.model.walk.evidence.asking, "what the sources say")
        await self.settled()
        self.clock.advance(2)

    async def settled(self) -> None:
        """Until the incident's thread has done what was asked of it, and the screen shows it."""
        await asyncio.wrap_future(self.walk.model.walk.desk.submit(lambda: None))
        await self.pilot.pause()


@contextlib.contextmanager
def world() -> Iterator[tuple[EmbeddedAws, Path]]:
    """An AWS with a bucket and a lock table, and a directory for a checkout; settings and home are empty."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary, EmbeddedAws() as aws:
        base = Path(temporary).resolve()
        aws.create_backend(BUCKET, TABLE)
        home = {"HOME": str(base / "home"), "USER": "olga", "TZ": "UTC", "NO_COLOR": ""}
        environ = {**aws.environ(), **home, "TEXTUAL_ANIMATIONS": "none", "COLORTERM": "truecolor"}
        del environ["NO_COLOR"]
        (base / "home").mkdir()
        # Time alone never looks: how often it did would differ from run to run.
        still = mock.patch("tuirunbook.walk.watcher.look_after", return_value=3600.0)
        # The header of a picture says the time of the frozen clock, and nothing else asks for another.
        with mock.patch.dict(os.environ, environ, clear=True), still:
            yield aws, base / "infra"


def module(directory: Path, key: str) -> None:
    """A root module with two resources."""
    directory.mkdir(parents=True)
    backend = {"bucket": BUCKET, "key": key, "region": REGION, "dynamodb_table": TABLE, "use_path_style": True}
    names = {"vpc": {"input": "10.20.0.0/16"}, "peering": {"input": "shared-services"}}
    content = {"terraform": {"backend": {"s3": backend}}, "resource": {"terraform_data": names}}
    (directory / "main.tf.json").write_text(json.dumps(content, indent=2))


def put_state(aws: EmbeddedAws, key: str) -> None:
    """A state that knows the first of the two resources, with its digest."""
    vpc: dict[str, object] = {
        "id": "7a0c58f2-2f0b-3d35-9c55-2f3fd25a3b11",
        "input": {"value": "10.20.0.0/16", "type": "string"},
    }
    vpc |= {"output": vpc["input"], "triggers_replace": None}
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 41,
        "lineage": "5e9bd1c6-8c5e-0c8f-4a2d-96b7c0f6a8d0",
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": "vpc",
                "provider": 'provider["terraform.io/builtin/terraform"]',
                "instances": [{"schema_version": 0, "attributes": vpc, "sensitive_attributes": []}],
            }
        ],
        "check_results": None,
    }
    body = json.dumps(state, indent=2).encode()
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    digest = {"LockID": {"S": f"{BUCKET}/{key}-md5"}, "Digest": {"S": hashlib.md5(body).hexdigest()}}  # noqa: S324
    aws.client("dynamodb").put_item(TableName=TABLE, Item=digest)


def put_lock(aws: EmbeddedAws, info: str, key: str = KEY) -> None:
    item = {"LockID": {"S": f"{BUCKET}/{key}"}, "Info": {"S": info}}
    aws.client("dynamodb").put_item(TableName=TABLE, Item=item)


def initialise(directory: Path) -> None:
    """With the terraform on PATH."""
    command = ["terraform", "init", "-input=false", "-no-color"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


@contextlib.asynccontextmanager
async def studio(
    aws: EmbeddedAws, infra: Path, start: Path, *, states: bool = False, size: tuple[int, int] = NARROW
) -> AsyncIterator[Studio]:
    clock = Clock()
    options = Options(
        start=str(start), journal_dir=str(infra.parent / f"incidents-{len(list(infra.parent.iterdir()))}")
    )
    front = PictureFront(Adapters(options), clock, infra, aws.endpoint)
    app = TflockApp(front, states=states)
    async with app.run_test(size=size) as pilot:
        yield Studio(pilot, clock)


async def walk_to_the_end(aws: EmbeddedAws, infra: Path) -> dict[str, str]:
    """The whole walk of a lock that a dead apply left, step by step."""
    async with studio(aws, infra, infra / "prod" / "network") as shot:
        await shot.opened()
        await shot.show(Action.DETECT)
        await shot.take("step-1-detect")
        await shot.show(Action.INSPECT)
        await shot.take("step-2-look")
        await shot.show(Action.RULE_OUT)
        await shot.take("step-3-rule-out")
        await shot.dialog("n")
        await shot.take("question")
        await rule_out(shot)
        await shot.show(Action.RULE_OUT)
        await shot.take("step-3-verdict")
        await shot.dialog("v")
        await shot.press("down")
        await shot.take("evidence")
        await shot.press("escape")
        await shot.pilot.resize_terminal(*WIDE)
        await shot.until(lambda: shot.walk.body.side.content, "the third column")
        await shot.take("wide")
        await shot.pilot.resize_terminal(*NARROW)
        await retry_and_prepare(shot)
        await release(shot)
        await verify_and_close(shot)
        return shot.pictures


async def rule_out(shot: Studio) -> None:
    """The three questions about the holder; the first one is open."""
    run = "https://github.com/acme/infra/actions/runs/8121"
    await shot.answer("cancelled", link=run)
    await shot.until(lambda: not isinstance(shot.app.screen, WalkScreen), "the next question")
    await shot.answer(
        "mine-died", who="Karim, who started run 8121", how="the runner's log ends in the middle of apply"
    )
    await shot.until(lambda: not isinstance(shot.app.screen, WalkScreen), "the last question")
    await shot.answer("host-gone", how="runnervm3jyl0 is a single-use runner; the job has completed")
    await shot.until(lambda: len(shot.walk.view.incident.answers) == 3, "three answers")
    await shot.settled()


async def retry_and_prepare(shot: Studio) -> None:
    await shot.show(Action.RETRY_PLAN)
    await shot.press("n")
    await shot.until(lambda: shot.walk.view.incident.last_retry, "the plan's end")
    await shot.settled()
    shot.clock.advance(9)
    await shot.show(Action.RETRY_PLAN)
    await shot.take("step-4-retry-plan")
    await shot.press("f")
    await shot.until(lambda: not isinstance(shot.app.screen, WalkScreen), "the output")
    await shot.until(lambda: "not recommended" in painted(shot.app), "the end of the output")
    await shot.take("plan-output")
    await shot.press("escape")
    await shot.show(Action.PREPARE)
    await shot.press("n")
    await shot.until(lambda: ("before", "state-version") in shot.walk.view.incident.checks, "the checks")
    await shot.settled()
    await shot.dialog("n")
    await shot.answer("held", how="the queued deploy 8124 is paused in Actions", undo="approve deploy 8124 again")
    await shot.until(lambda: len(shot.walk.view.incident.answers) == 4, "what runs next")
    await shot.settled()
    await shot.show(Action.PREPARE)
    await shot.take("step-5-before")


async def release(shot: Studio) -> None:
    await shot.show(Action.DELETE_LOCK)
    await shot.take("step-7-last-resort")
    await shot.show(Action.FORCE_UNLOCK)
    await shot.take("step-6-force-unlock")
    await shot.dialog("n")
    confirm = shot.app.screen
    assert isinstance(confirm, ConfirmScreen)
    await shot.take("confirmation")
    confirm.query_one("#typed-id", Input).value = LOCK["ID"][:8]
    confirm._clock = lambda: confirm._opened + DEAF_SECONDS
    shot.clock.advance(12)
    await shot.press("ctrl+y")
    await shot.until(lambda: shot.walk.view.incident.gone, "the release")
    await shot.settled()


async def verify_and_close(shot: Studio) -> None:
    shot.clock.advance(20)
    await shot.show(Action.VERIFY)
    await shot.press("n")
    await shot.until(lambda: ("after", "state-list") in shot.walk.view.incident.checks, "the checks")
    await shot.settled()
    await shot.press("n")
    await shot.until(lambda: ("after", "plan") in shot.walk.view.incident.checks, "the plan")
    await shot.settled()
    shot.clock.advance(15)
    await shot.show(Action.VERIFY)
    await shot.take("step-8-verify")
    await shot.dialog("n")
    await shot.fill("field", {"read_by": "Olga and Karim", "rerun": "Karim runs deploy 8124"})
    await shot.until(lambda: shot.walk.view.incident.verified, "who read it")
    await shot.settled()
    await shot.show(Action.PREVENT)
    await shot.take("step-9-prevent")
    await shot.press("t")
    await shot.until(lambda: not isinstance(shot.app.screen, WalkScreen), "the transcript")
    await shot.take("transcript")


async def waiting(aws: EmbeddedAws, infra: Path) -> dict[str, str]:
    """The calm watch."""
    async with studio(aws, infra, infra / "prod" / "network") as shot:
        await shot.opened()
        await shot.dialog("w")
        waiting = shot.app.screen
        assert isinstance(waiting, WaitScreen)
        waiting._monotonic = lambda: waiting._taken_at
        waiting.update_view(shot.walk.view)
        await shot.take("wait")
        return shot.pictures


async def states(aws: EmbeddedAws, infra: Path) -> dict[str, str]:
    """Every state of the repository."""
    async with studio(aws, infra, infra, states=True) as shot:
        await shot.until(lambda: "1h01m" in painted(shot.app) and "reading" not in painted(shot.app), "every state")
        await shot.take("states")
        return shot.pictures


def take_all() -> dict[str, str]:
    """All pictures, by name."""
    pictures: dict[str, str] = {}
    with world() as (aws, infra):
        for key in (KEY, "prod/dns/terraform.tfstate", "staging/network/terraform.tfstate"):
            directory = infra / Path(key).parent
            module(directory, key)
            put_state(aws, key)
            initialise(directory)
        put_lock(aws, json.dumps(LOCK, separators=(",", ":")))
        put_lock(aws, UNREADABLE, "staging/network/terraform.tfstate")
        git = ["git", "-c", "init.defaultBranch=main", "init", "--quiet", str(infra)]
        subprocess.run(git, check=True)
        pictures |= asyncio.run(states(aws, infra))
        pictures |= asyncio.run(waiting(aws, infra))
        pictures |= asyncio.run(walk_to_the_end(aws, infra))
    return pictures


def main() -> int:
    """Write the pictures, or compare them; the exit code says whether they are current."""
    parser = argparse.ArgumentParser(description="Make screenshots/*.svg from the running application.")
    parser.add_argument("--check", action="store_true", help="compare with the committed pictures, write nothing")
    check = parser.parse_args().check
    if shutil.which("terraform") is None:
        sys.stdout.write("not checked: there is no terraform on PATH, and the pictures walk a real one\n")
        return 0 if check else 1
    pictures = take_all()
    before = {path.stem: path.read_text(encoding="utf-8") for path in PICTURES.glob("*.svg")}
    stale = sorted(name for name in {*pictures, *before} if pictures.get(name) != before.get(name))
    if not check:
        PICTURES.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")
        for name in set(before) - set(pictures):
            (PICTURES / f"{name}.svg").unlink()
    told = "stale" if check else "written"
    sys.stdout.writelines(f"{told}: screenshots/{name}.svg\n" for name in stale)
    sys.stdout.write(f"{len(pictures)} pictures, {len(stale)} {told}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
