"""From the pager to a verified release, with nothing but the screen of an 80x24 terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.walking import ACCOUNT, RUNNER, stuck_on_a_runner
from tests.support.stuck import REAL, Mode

if TYPE_CHECKING:
    from tests.real.conftest import MakeDesk

pytestmark = [*REAL, pytest.mark.pty]


@pytest.mark.parametrize(
    ("mode", "workspace"),
    [(Mode.DYNAMODB, "default"), (Mode.LOCKFILE, "default"), (Mode.BOTH, "default"), (Mode.BOTH, "prod")],
    ids=["dynamodb", "lockfile", "both", "workspace"],
)
def test_a_stuck_lock_is_walked_to_a_verified_release(make_desk: MakeDesk, mode: Mode, workspace: str) -> None:
    desk = make_desk(mode, workspace)
    root = desk.root
    stuck = stuck_on_a_runner(root)
    before = root.objects()
    operator = desk.start()

    operator.up_to_release()
    assert operator.sees("Verdict ORPHANED")
    operator.open_confirmation()
    assert operator.sees(root.address.lock_id)
    assert operator.sees(f"{ACCOUNT}, eu-west-1")
    assert operator.sees(f"terraform force-unlock -no-color -force {stuck.lock_id}")
    operator.fill_confirmation({"of the lock ID": stuck.lock_id[:8]})
    operator.press("ctrl+y")
    operator.wait_for("released: no store holds it any more")
    operator.step(8)
    assert root.locks() == {}
    assert desk.incident()["status"] == "unblocked"

    operator.verify()
    incident = desk.incident()
    assert (incident["status"], incident["chain_verified"]) == ("verified", True)
    assert operator.quit() == 0
    assert operator.sees(f"tflock-tui resume {incident['id']}")
    assert root.locks() == {}
    assert root.objects() == before - {root.address.lockfile_key}

    document = desk.run("export", incident["id"])
    _, _, decision = document.partition(f"### Release 1: force-unlock of `{stuck.lock_id}`")
    assert "**Believed:** orphaned" in decision
    assert "her laptop shut down" in decision
    assert "**Read back:** every store that was read was free" in decision
    assert RUNNER in document
    assert "| Journal | verified, " in document


def test_enter_never_confirms_and_a_wrong_id_releases_nothing(make_desk: MakeDesk) -> None:
    desk = make_desk()
    stuck = stuck_on_a_runner(desk.root)
    operator = desk.start()
    operator.up_to_release()

    operator.open_confirmation()
    operator.fill_confirmation({"of the lock ID": "00000000"})
    operator.press("enter", "ctrl+y")
    operator.wait_for(f"not yet: it must read {stuck.lock_id[:8]}")
    operator.press("escape")
    operator.wait_for("Nothing was sent.")

    operator.open_confirmation()
    operator.press("enter")
    operator.wait_for(lambda: not operator.sees("Release (ctrl+y)"))
    operator.wait_until_idle()
    assert next(iter(desk.root.locks().values()))["ID"] == stuck.lock_id
