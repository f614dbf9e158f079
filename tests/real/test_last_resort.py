"""A lock that nobody can read: Terraform cannot release it, and the conditional delete can."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.real.walking import ACCOUNT, Desk, Operator, raw_lock, replace_lock, stuck_on_a_runner
from tests.support.stuck import BUCKET, KEY, REAL, TABLE, Mode
from tuirunbook.core.lock import Store

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]

LIVE = (
    '{"ID":"7c11aa3e-7111-9570-8d2f-0b9c5a6f1e22","Operation":"OperationTypeApply","Info":"","Who":"runner@fv-az99",'
    '"Version":"1.11.4","Created":"2026-11-23T09:26:22.850832286Z","Path":"acme-tfstate/network/terraform.tfstate"}'
)
PLACE = f"network/terraform.tfstate {ACCOUNT[-4:]}"


def unreadable_lock(desk: Desk, store: Store) -> str:
    """What is left of a real lock after half of it was lost; its text."""
    stuck_on_a_runner(desk.root)
    raw = raw_lock(desk.root, store)[:60]
    replace_lock(desk.root, store, raw)
    return raw


def up_to_delete(operator: Operator) -> None:
    """The whole order: ruled out, retried, checked, force-unlock tried and failed."""
    operator.arrive()
    assert operator.sees("■ HELD, unreadable")
    operator.rule_out()
    operator.retry_plan()
    operator.before_release()
    operator.open_confirmation()
    identity = operator.title_of_confirmation()
    operator.fill_confirmation({"it has no readable ID": identity})
    operator.press("ctrl+y")
    operator.wait_for("not released: it is still held")
    operator.step(7)


def fill_delete(operator: Operator) -> None:
    """Three different facts, and no more than the screen asks for."""
    operator.open_confirmation()
    operator.fill_confirmation(
        {
            "why force-unlock cannot release it": "half of its JSON is missing",
            "ruled out as its holder, and how": "the runner: Kim saw it shut down",
            PLACE: PLACE,
        }
    )


@pytest.mark.parametrize(
    ("mode", "store"), [(Mode.DYNAMODB, Store.DYNAMODB), (Mode.LOCKFILE, Store.S3)], ids=["dynamodb", "lockfile"]
)
def test_an_unreadable_lock_is_walked_to_a_conditional_delete(make_desk: MakeDesk, mode: Mode, store: Store) -> None:
    desk = make_desk(mode)
    root = desk.root
    raw = unreadable_lock(desk, store)
    # The practice store is known to honour If-Match; nobody but the user may say so of one.
    desk.settings(f'if_match_endpoints = ["{root.aws.endpoint}"]\n')
    before = root.objects()
    operator = desk.start()
    up_to_delete(operator)

    fill_delete(operator)
    operator.press("ctrl+y")
    operator.wait_for("released: no store holds it any more")
    operator.step(8)
    assert root.locks() == {}
    assert root.objects() == before - {root.address.lockfile_key}
    action = "DeleteItem" if store is Store.DYNAMODB else "DeleteObject"
    sent = [call for call in root.aws.called(action) if "if-match" in call.headers or b"attribute_exists" in call.body]
    assert len(sent) == 1

    operator.verify()
    incident = desk.incident()
    assert (incident["status"], incident["chain_verified"]) == ("verified", True)
    document = desk.run("export", incident["id"])
    assert hashlib.sha256(raw.encode()).hexdigest() in document
    assert "half of its JSON is missing" in document


def test_a_lockfile_on_an_endpoint_that_may_ignore_if_match_is_never_deleted(make_desk: MakeDesk) -> None:
    desk = make_desk(Mode.LOCKFILE)
    raw = unreadable_lock(desk, Store.S3)
    operator = desk.start()
    up_to_delete(operator)

    operator.next_to("Not possible: http")
    assert operator.sees("is not known to honour a conditional delete")
    assert raw_lock(desk.root, Store.S3) == raw


def test_a_lock_that_is_replaced_between_the_last_read_and_the_delete_stays(make_desk: MakeDesk) -> None:
    desk = make_desk()
    root = desk.root
    unreadable_lock(desk, Store.DYNAMODB)
    operator = desk.start()
    up_to_delete(operator)
    fill_delete(operator)

    with root.aws.hold("DeleteItem", match="attribute_exists") as held:
        operator.press("ctrl+y")
        held.wait()
        replace_lock(root, Store.DYNAMODB, LIVE)
    operator.wait_for("somebody else holds the state now")
    assert raw_lock(root, Store.DYNAMODB) == LIVE
    operator.wait_for("fv-az99")
    item = root.dynamodb.get_item(TableName=TABLE, Key={"LockID": {"S": f"{BUCKET}/{KEY}"}})
    assert item["Item"]["Info"]["S"] == LIVE
