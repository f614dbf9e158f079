"""A runbook that repairs something and releases no lock: walked to its end where no lock is held."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.walking import Desk, Operator
from tests.support.stuck import BUCKET, KEY, REAL, TABLE
from tuirunbook.core.answers import NEED_LABELS
from tuirunbook.core.runbook import Runbook
from tuirunbook.library import find_shipped, load

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]

STATE = b'{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"a","outputs":{},"resources":[]}'


def runbook() -> Runbook:
    return load(find_shipped() / "digest-mismatch.md")


def mismatch(desk: Desk) -> str:
    """A state and a digest that do not belong together; what terraform says of it."""
    root = desk.root
    root.s3.put_object(Bucket=BUCKET, Key=KEY, Body=STATE)
    write_digest(desk, "0" * 32)
    told = subprocess.run(
        ["terraform", "plan", "-no-color", "-input=false"],
        cwd=root.directory,
        env=desk.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "does not have the expected content" in told.stderr
    return told.stderr


def write_digest(desk: Desk, md5: str) -> None:
    item = {"LockID": {"S": desk.root.address.digest_id}, "Digest": {"S": md5}}
    desk.root.dynamodb.put_item(TableName=TABLE, Item=item)


def answer(operator: Operator, question: str, value: str) -> None:
    """Pick an answer; each of them needs one thing to be told."""
    asked = runbook().question(question)
    assert asked
    option = asked.option(value)
    assert option
    operator.next_to(asked.why)
    operator.press("home", *["down"] * asked.options.index(option), "enter")
    operator.fill(NEED_LABELS[option.needs[0]], "Kim")
    operator.press("ctrl+s")
    operator.wait_for(lambda: not operator.sees(asked.why))


def test_a_digest_that_does_not_match_is_walked_to_a_verified_state_without_a_lock(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk()
    said = mismatch(desk)
    (tmp_path / "ci.log").write_text(said)
    operator = desk.start("--error", str(tmp_path / "ci.log"))
    operator.wait_for("● rec")
    operator.step(2)
    answer(operator, "writer", "quiet")
    operator.step(3)
    answer(operator, "right-one", "state")
    operator.step(4)
    answer(operator, "agreed", "agreed")
    operator.step(5)

    write_digest(desk, said.rpartition("following value: ")[2].split()[0])
    operator.next_to("▶ 6 ")
    operator.next_to("plan again (takes the lock")
    operator.next_to("✓ plan: ")
    operator.next_to("Who looked?")
    operator.fill("by name", "Kim")
    operator.press("ctrl+s")
    operator.wait_for("still missing: who runs")
    operator.fill("(or: nobody has to)", "nobody has to")
    operator.press("enter")
    operator.step(7)
    assert operator.quit() == 0
    assert desk.incident()["status"] == "verified"
