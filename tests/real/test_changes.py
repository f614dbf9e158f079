"""The world moves while somebody decides, or was never the one that they thought."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.real.walking import ACCOUNT, Desk, raw_lock, replace_lock, stuck_on_a_runner, take_over
from tests.support.stuck import REAL, TABLE, Mode, PracticeRoot, live_apply
from tuirunbook.core.lock import Store

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]

LIVE = "7c11aa3e-7111-9570-8d2f-0b9c5a6f1e22"
OTHER_ACCOUNT = "999999999999"
UNSEEN = "11111111-2222-3333-4444-555555555555"


def refusal(path: str, lock_id: str = UNSEEN) -> str:
    """What a pipeline printed."""
    return f"""
Error: Error acquiring the state lock

Error message: operation error DynamoDB: PutItem, https response error
StatusCode: 400, RequestID: X, ConditionalCheckFailedException: The conditional request failed
Lock Info:
  ID:        {lock_id}
  Path:      {path}
  Operation: OperationTypeApply
  Who:       runner@runnervm3jyl0
  Version:   1.11.4
  Created:   2026-11-23 02:21:14.17741269 +0000 UTC
  Info:

Terraform acquires a state lock to protect the state from being written
by multiple users at the same time.
"""


def test_a_lock_that_changes_hands_closes_the_confirmation_and_voids_the_answers(make_desk: MakeDesk) -> None:
    desk = make_desk(Mode.LOCKFILE)
    root = desk.root
    stuck = stuck_on_a_runner(root)
    operator = desk.start()
    operator.up_to_release()
    operator.open_confirmation()
    operator.fill_confirmation({"of the lock ID": stuck.lock_id[:8]})

    take_over(stuck, LIVE)
    operator.wait_for(lambda: not operator.sees("Release (ctrl+y)"))
    # What was typed for the old lock goes nowhere.
    operator.press("ctrl+y")
    operator.wait_for("fv-az99-live")
    operator.step(3)
    operator.next_to("of runner@fv-az99-live")
    assert [lock["ID"] for lock in root.locks().values()] == [LIVE]


def test_after_the_last_keystroke_all_is_read_again_and_a_rewritten_lock_is_not_released(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    stuck = stuck_on_a_runner(root)
    operator = desk.start()
    operator.up_to_release()
    operator.open_confirmation()
    operator.fill_confirmation({"of the lock ID": stuck.lock_id[:8]})

    # The ID stays, so Terraform would release it; the look that would have shown the change on the screen is late.
    rewritten = raw_lock(root, Store.DYNAMODB).replace('"Info":""', '"Info":"not the same"')
    with root.aws.hold("GetItem", match=root.address.lock_id) as held:
        held.wait()
        replace_lock(root, Store.DYNAMODB, rewritten)
        operator.press("ctrl+y")
        operator.wait_for("Nothing was sent: ")
    operator.step(3)
    assert raw_lock(root, Store.DYNAMODB) == rewritten


def test_mine_and_running_refuses_the_release_and_the_wait_ends_with_the_apply(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    with live_apply(root) as live:
        operator = desk.start()
        operator.arrive()
        operator.next_to("Which CI run took this lock")
        operator.answer("ci", "none", where="gh run list")
        operator.answer("owner", "mine-running")
        operator.answer("holder-host", "ended", how="did not look well")
        operator.wait_for("Verdict ACTIVE")
        operator.wait_for("wait for the holder")

        operator.press("down", "down", "down")
        operator.wait_for("6 Force-unlock")
        operator.next_to("Not possible: lock")
        assert next(iter(root.locks().values()))["ID"] == live.lock_id

        operator.press("w")
        operator.wait_for("stop waiting")
        live.finish()
        operator.wait_for(lambda: not operator.sees("stop waiting"))
    operator.wait_for("□ FREE")
    assert root.locks() == {}


def refused_plan(root: PracticeRoot) -> str:
    """What Terraform prints where the lock is."""
    done = subprocess.run(
        ["terraform", "plan", "-no-color", "-input=false"],
        cwd=root.directory,
        env=root.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stderr


def another_table(desk: Desk) -> list[str]:
    """The options of somebody who remembers the table's name wrongly."""
    address = desk.root.address
    make_table(desk.root.dynamodb, "other-locks")
    where = ["--bucket", address.bucket, "--key", address.state_key, "--region", "eu-west-1"]
    return [*where, "--table", "other-locks"]


def another_workspace(desk: Desk) -> list[str]:
    """Somebody has selected another workspace than the pipeline works in."""
    subprocess.run(
        ["terraform", "workspace", "select", "default"],
        cwd=desk.root.directory,
        env=desk.root.aws.environ(),
        check=True,
        capture_output=True,
    )
    return []


def another_account(desk: Desk) -> list[str]:
    """The options of somebody whose role is in another account, with a table of the same name."""
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/on-call"
    sts = desk.root.aws.client("sts")
    given = sts.assume_role(RoleArn=role, RoleSessionName="arranging")["Credentials"]
    client = boto3.client(
        "dynamodb",
        endpoint_url=desk.root.aws.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    desk.root.aws.closing(client)
    make_table(client, TABLE)
    return ["--role-arn", role]


def make_table(client: Any, name: str) -> None:
    """A lock table as Terraform's documentation makes them."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.parametrize("elsewhere", [another_table, another_workspace, another_account])
def test_a_lock_that_is_not_where_we_look_is_never_called_gone(
    make_desk: MakeDesk, elsewhere: Callable[[Desk], list[str]]
) -> None:
    desk = make_desk(workspace="prod" if elsewhere is another_workspace else "default")
    stuck = stuck_on_a_runner(desk.root)
    printed = refused_plan(desk.root)
    operator = desk.start(*elsewhere(desk))
    operator.wait_for(f"{OTHER_ACCOUNT if elsewhere is another_account else ACCOUNT} as")
    operator.wait_for("□ no lock here")
    assert operator.sees("No lock was seen here. That is not the same as gone.")

    operator.paste(printed)
    operator.wait_for(f"The error names lock {stuck.lock_id[:8]}, never seen here")
    assert not operator.sees("FREE")
    operator.step(2)
    for _ in range(5):
        operator.press("down")
    operator.next_to("No lock is held here.")
    assert operator.quit() == 0

    assert desk.incident()["status"] == "open"
    assert next(iter(desk.root.locks().values()))["ID"] == stuck.lock_id
    assert "left" not in desk.run("export", desk.incident()["id"]).partition("# Appendix")[0]


def test_a_refusal_by_a_lock_that_was_never_seen_blocks_the_one_that_is(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck = stuck_on_a_runner(desk.root)
    operator = desk.start()
    operator.up_to_release()
    operator.paste(refusal(desk.root.address.lock_id))
    operator.wait_for("which was never seen here")
    operator.next_to("Not possible: the pasted error")
    assert next(iter(desk.root.locks().values()))["ID"] == stuck.lock_id
