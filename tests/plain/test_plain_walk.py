"""The walk as plain prompts, in a real terminal, on real locks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.evidence.ci.serving import GitHubServer, serving
from tests.evidence.ci.test_transport import stand_in
from tests.plain.operator import Operator, plain
from tests.support.aws import EmbeddedAws
from tests.support.stuck import (
    REAL,
    TABLE,
    Mode,
    PracticeRoot,
    StuckLock,
    hold_plans,
    practice_root,
    stuck_lock,
    wait_for,
)
from tuirunbook.core.lock import Store

pytestmark = [*REAL, pytest.mark.pty]

WHO = "who said so, or who was asked (empty: go back)"
HOW = "how they know (empty: go back)"
LINK = "a link to it (or how to find it) (empty: go back)"
MAYBE_WHO = "who said so, or who was asked (empty: nothing)"
MAYBE_LINK = "a link to it (or how to find it) (empty: nothing)"
REFUSED = (
    "Error: Error acquiring the state lock",
    "Error message: ConditionalCheckFailedException: The conditional request failed",
    "Lock Info:",
)
MISMATCH = (
    "Error: error loading state: state data in S3 does not have the expected content.",
    "Calculated checksum: 0cc175b9c0f1b6a831c399e269772661",
    "Stored checksum:     92eb5ffee6ae2fec3ad71c777531578f",
)
MAYBE_NOTE = "anything to add (empty: nothing)"


@pytest.fixture
def stuck(aws: EmbeddedAws, tmp_path: Path) -> StuckLock:
    root = practice_root(aws, tmp_path / "network", Mode.DYNAMODB)
    return taken_elsewhere(stuck_lock(root))


def taken_elsewhere(stuck: StuckLock) -> StuckLock:
    """The lock as if another host had taken it: other tests run terraform on this one, and that is evidence."""
    stuck.root.dynamodb.update_item(
        TableName=TABLE,
        Key={"LockID": {"S": stuck.address.lock_id}},
        UpdateExpression="SET Info = :info",
        ExpressionAttributeValues={":info": {"S": json.dumps({**stuck.raw, "Who": "runner@runnervm3jyl0"})}},
    )
    return stuck


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def held(root: PracticeRoot) -> bool:
    return Store.DYNAMODB in root.locks()


def go_to(operator: Operator, step: str) -> None:
    operator.pick("go to another step")
    operator.pick(step, "Which step, a number")


def rule_out(operator: Operator) -> None:
    operator.pick("answer the open questions")
    operator.answer("ended: its log", {HOW: "the log ends", LINK: "run 8121", MAYBE_WHO: "", MAYBE_NOTE: ""})
    operator.answer("mine, it died", {WHO: "Karim", HOW: "he killed it", MAYBE_LINK: "", MAYBE_NOTE: ""})
    operator.answer("process is gone", {HOW: "looked with ps", MAYBE_WHO: "", MAYBE_LINK: "", MAYBE_NOTE: ""})


def up_to_the_release(operator: Operator) -> None:
    rule_out(operator)
    operator.pick("retry the plan once")
    operator.pick("check what a release depends on")
    operator.answer("nothing is queued", {HOW: "looked at the queue", MAYBE_WHO: "", MAYBE_LINK: "", MAYBE_NOTE: ""})
    operator.pick("force-unlock; asks")


def test_a_whole_walk_releases_the_lock(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        up_to_the_release(operator)
        operator.type(stuck.lock_id[:8], "the first 8 characters of the lock ID (empty: go back)")
        operator.type("release", "Type release to send it (empty: go back)")
        operator.pick("go on verifying")
        assert "gone since" in operator.told
        operator.pick("leave")
        assert operator.end() == 0
    assert not held(stuck.root)
    assert stuck.lock_id in operator.told
    assert "was refused by this lock" in operator.told
    assert "Read back after release 1, every store that was read was free" in operator.told
    assert "tflock-tui resume" in operator.told


def test_without_answers_the_release_is_refused_and_says_so(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        go_to(operator, "Force-unlock")
        assert "Not yet: " in operator.pick("force-unlock; asks")
        assert "Not possible: not answered for lock" in operator.pick("leave")
        assert operator.end() == 0
    assert held(stuck.root)


def test_a_step_is_gone_to_by_its_own_number(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        for number in ("6", "10"):
            operator.pick("go to another step")
            operator.type(number, "Which step, a number")
        operator.pick("leave")
        assert operator.end() == 0
    assert operator.told.index("Step 6 of 9") < operator.told.rindex("Step 3 of 9")


def test_the_end_of_the_input_in_the_confirmation_sends_nothing(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        up_to_the_release(operator)
        operator.type(stuck.lock_id[:8], "the first 8 characters of the lock ID (empty: go back)")
        operator.read("Type release to send it (empty: go back)")
        operator.child.sendeof()
        assert operator.end() == 0
    assert "Nothing was sent." in operator.told
    assert held(stuck.root)
    assert not stuck.root.aws.called("DeleteItem")


def test_ctrl_c_in_the_confirmation_sends_nothing(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        up_to_the_release(operator)
        operator.read("the first 8 characters of the lock ID (empty: go back)")
        operator.child.sendintr()
        assert operator.end() == 130
    assert "Nothing was sent." in operator.told
    assert held(stuck.root)


@pytest.mark.parametrize("word", ["yes", "y", "RELEASE"])
def test_only_the_whole_word_sends_a_release(stuck: StuckLock, home: Path, word: str) -> None:
    with plain(stuck.root, home) as operator:
        up_to_the_release(operator)
        operator.type("wrong", "the first 8 characters of the lock ID (empty: go back)")
        operator.type(stuck.lock_id[:8], "the first 8 characters of the lock ID (empty: go back)")
        assert "Not yet: it must read" in operator.told
        operator.type(word, "Type release to send it (empty: go back)")
        operator.pick("leave")
        assert operator.end() == 0
    assert held(stuck.root)


def test_a_dispute_a_paste_and_a_wait_go_through_the_same_walk(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        operator.pick("answer the open questions")
        operator.answer("in progress", {MAYBE_WHO: "", MAYBE_LINK: "", MAYBE_NOTE: ""})
        operator.pick("Leave this question", "Answer, a number")
        operator.pick("more:")
        operator.pick("dispute a blocking fact", "Which, a number")
        operator.pick("in progress", "Which fact is wrong, a number")
        operator.type("Olga", "who holds it to be wrong (empty: go back)")
        operator.type("that run is of another root", "how they know (empty: go back)")
        operator.pick("more:")
        operator.pick("hand in what", "Which, a number")
        for line in (*REFUSED, f"  ID:        {stuck.lock_id}", "."):
            operator.type(line, "text")
        operator.pick("earlier", "When was it printed, a number")
        operator.type("", "Where, a link (empty: none)")
        operator.pick("wait for the holder")
        operator.child.expect("Waiting for the holder")
        stuck.root.dynamodb.delete_item(TableName=TABLE, Key={"LockID": {"S": stuck.address.lock_id}})
        operator.pick("go on verifying")
        operator.pick("leave")
        assert operator.end() == 0
    assert "held the finding answer.ci" in operator.told
    assert "Terraform's error was handed in: held that named" in operator.told
    assert "Waiting for the holder ended: released" in operator.told


def test_a_plan_that_runs_is_left_running_and_said(stuck: StuckLock, home: Path) -> None:
    root = stuck.root
    root.dynamodb.delete_item(TableName=TABLE, Key={"LockID": {"S": stuck.address.lock_id}})
    gate = hold_plans(root)
    with plain(root, home) as operator:
        go_to(operator, "Retry the plan")
        operator.pick("retry the plan once")
        gate.wait_for_reader()
        operator.child.sendintr()
        operator.pick("leave")
        assert operator.end() == 0
    assert "It goes on running." in operator.told
    assert "keeps running and may hold the lock" in operator.told
    gate.open()
    wait_for(lambda: not held(root), "the end of the plan")


def test_an_error_with_another_cause_is_walked_with_its_own_runbook(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        operator.pick("more:")
        operator.pick("hand in what", "Which, a number")
        for line in (*MISMATCH, "."):
            operator.type(line, "text")
        operator.pick("earlier", "When was it printed, a number")
        operator.type("", "Where, a link (empty: none)")
        operator.pick("walk digest-mismatch instead", "The runbook for it is digest-mismatch, a number")
        operator.pick("go to another step")
        operator.type("1", "Which step, a number")
        operator.pick("leave")
        assert operator.end() == 0
    assert operator.told.count("Step 1 of") >= 2


def test_where_no_lock_is_seen_the_nearest_names_are_offered(stuck: StuckLock, home: Path) -> None:
    root = stuck.root
    root.dynamodb.delete_item(TableName=TABLE, Key={"LockID": {"S": stuck.address.lock_id}})
    root.dynamodb.put_item(
        TableName=TABLE,
        Item={"LockID": {"S": f"{stuck.address.bucket}/network/terraform.tfstat"}, "Info": {"S": "{}"}},
    )
    with plain(root, home) as operator:
        assert "That is not the same as gone" in operator.pick("nearest names")
        operator.pick("leave")
        assert operator.end() == 0
    assert "network/terraform.tfstat (" in operator.told


def test_s16_what_is_queued_and_what_holds_it_are_shown_and_begin_the_answer(
    stuck: StuckLock, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = stuck.root.directory
    subprocess.run(["git", "init", "--quiet", str(directory)], check=True)
    subprocess.run(
        ["git", "-C", str(directory), "remote", "add", "origin", "https://github.com/acme/infra"], check=True
    )
    github = GitHubServer()
    github.add_run(815, status="queued", conclusion=None, created_at="2026-11-23T09:30:00Z")
    github.add_job(815, 9815, status="queued", conclusion=None, name=f"apply ({directory.name})", runner_id=0)
    with serving(github) as server:
        stand_in(tmp_path / "bin", "gh", server.url, "github.com")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        with plain(stuck.root, home) as operator:
            menu = operator.read()
            if "ext in line: run 815" not in menu:
                operator.child.expect("ext in line: run 815")
            operator.child.sendline(menu.partition(". go to another step")[0].rpartition("\n")[2])
            operator.pick("Before a release", "Which step, a number")
            shown = " ".join(operator.pick("check what a release depends on").split())
            assert "$ gh run cancel 815" in shown
            assert "$ gh run rerun 815" in shown
            operator.pick("as known so far", "Answer, a number")
            operator.type("cancelled it", "how they know (empty: go back)")
            operator.type("", "how each hold is undone; a semicolon between several (empty: as above)")
            operator.type("", MAYBE_WHO)
            operator.type("", "a link to it (or how to find it) (empty: as above; -: nothing)")
            operator.type("-", "anything to add (empty: as above; -: nothing)")
            shown = operator.pick("leave")
            assert operator.end() == 0
    assert "to undo at close: gh run rerun 815" in shown


def test_every_row_of_the_evidence_is_there_and_can_be_worked_on(stuck: StuckLock, home: Path) -> None:
    with plain(stuck.root, home) as operator:
        operator.pick("answer the open questions")
        operator.answer("in progress", {MAYBE_WHO: "Ada", MAYBE_LINK: "", MAYBE_NOTE: ""})
        operator.pick("Leave this question", "Answer, a number")
        said = operator.pick("evidence, row by row")
        assert "Verdict: ACTIVE, because this names the state and blocks: CI: a run" in " ".join(said.split())
        operator.pick("BLOCKS: CI", "Which row, a number")
        said = operator.pick("dispute that CI", "What about it, a number")
        assert "nothing is released while this stands" in said
        assert "asked: people" in said
        operator.type("Olga", "who holds it to be wrong (empty: go back)")
        operator.type("that run is of another root", "how they know (empty: go back)")
        operator.pick("evidence, row by row")
        assert "BLOCKS, disputed: CI" in operator.pick("processes of this machine", "Which row, a number")
        operator.pick("ask processes of this machine again", "What about it, a number")
        operator.child.expect("processes of this machine is asked")
        operator.pick("evidence, row by row")
        operator.pick("the lock's Who", "Which row, a number")
        operator.pick("turn it off", "What about it, a number")
        operator.type("it knows nothing of our runners", "Why (empty: go back)")
        operator.pick("evidence, row by row")
        assert "the lock's Who: turned off, so not checked" in operator.pick("the lock's Who", "Which row, a number")
        operator.pick("turn it on again", "What about it, a number")
        said = operator.pick("leave")
        assert operator.end() == 0
    assert "What would decide, all of it:" in operator.told
    assert "(about 5 min)" in operator.told
    assert "turned off" in operator.told
