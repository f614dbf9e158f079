"""`status`, `locks` and `wait`: exit codes that are never a false "free", and JSON of one shape."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.aws import ACCOUNT, REGION
from tests.support.locks import BUCKET, FIRST, KEY, LOCK_ID, SECOND, TABLE, lock_json, put_item, put_lockfile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Machine

KEYS = {"address", "held", "locks", "digest", "state", "not_checked", "observed_at"}


def test_a_free_state_exits_0(machine: Machine) -> None:
    machine.write_root()
    ran = machine.run("status")
    assert ran.code == 0
    assert ran.out.startswith(f"free  {LOCK_ID}")


def test_a_held_state_exits_10_and_names_the_holder(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    ran = machine.run("status")
    assert ran.code == 10
    assert "Apply by root@runner-7" in ran.out


def test_the_json_says_everything_under_the_documented_keys(machine: Machine) -> None:
    machine.write_root(use_lockfile=True)
    put_item(machine.aws, lock_json())
    put_lockfile(machine.aws, "not json")
    ran = machine.run("status", "--json")
    assert ran.code == 10
    assert set(ran.json) == KEYS
    assert ran.json["held"] is True
    assert ran.json["address"]["path"] == LOCK_ID
    assert ran.json["address"]["account"] == ACCOUNT
    unreadable, readable = ran.json["locks"]
    assert (unreadable["store"], unreadable["readable"], unreadable["id"]) == ("s3", False, None)
    assert unreadable["raw"] == "not json"
    assert readable["id"] == FIRST
    assert set(readable) == {"store", "id", "who", "operation", "created", "readable", "raw"}


def test_a_denied_read_is_not_free(machine: Machine) -> None:
    machine.write_root()
    machine.aws.deny("GetItem")
    ran = machine.run("status", "--json")
    assert ran.code == 1
    assert ran.json["held"] is None
    assert "dynamodb" in {entry["what"] for entry in ran.json["not_checked"]}


def test_a_missing_table_is_not_free(machine: Machine) -> None:
    machine.write_root(dynamodb_table="no-such-table")
    assert machine.run("status").code == 1


def test_a_backend_that_does_not_lock_is_not_free(machine: Machine) -> None:
    machine.write_root(dynamodb_table=None)
    ran = machine.run("status", "--json")
    assert ran.code == 1
    assert "locking" in {entry["what"] for entry in ran.json["not_checked"]}


def test_one_free_store_of_two_is_not_free_while_the_other_is_blind(machine: Machine) -> None:
    machine.write_root(use_lockfile=True)
    machine.aws.deny("GetObject")
    assert machine.run("status").code == 1


def test_no_backend_here_is_told_with_the_next_step_and_stays_json(machine: Machine) -> None:
    ran = machine.run("status", "--json")
    assert ran.code == 1
    assert set(ran.json) == KEYS
    assert ran.json["held"] is None
    assert "--bucket" in ran.err


def test_half_a_state_is_a_usage_error(machine: Machine) -> None:
    assert machine.run("status", "--bucket", BUCKET).code == 2
    assert machine.run("--key", KEY).code == 2


def test_another_backend_is_answered_with_where_its_lock_lives(machine: Machine) -> None:
    (machine.here / "main.tf").write_text('terraform {\n  backend "gcs" {\n    bucket = "b"\n  }\n}\n')
    ran = machine.run("status")
    assert ran.code == 1
    assert "generation number" in ran.err


def test_a_backend_that_lacks_its_key_says_how_to_give_it(machine: Machine) -> None:
    (machine.here / "main.tf").write_text('terraform {\n  backend "s3" {\n    bucket = "b"\n  }\n}\n')
    ran = machine.run("status")
    assert ran.code == 1
    assert "lacks key" in ran.err
    assert "--backend-config key=VALUE" in ran.err


def test_broken_hcl_is_told_with_file_and_line(machine: Machine) -> None:
    (machine.here / "main.tf").write_text('terraform {\n  backend "s3" {\n    bucket = = "b"\n  }\n}\n')
    ran = machine.run("status")
    assert ran.code == 1
    assert "main.tf:3" in ran.err


def test_options_count_before_and_after_the_command(machine: Machine) -> None:
    state = ("--bucket", BUCKET, "--key", KEY, "--table", TABLE, "--region", REGION)
    put_item(machine.aws, lock_json())
    assert machine.run("status", *state).code == 10
    assert machine.run(*state, "status").code == 10
    assert machine.run("--bucket", "other", *state[2:], "status", "--bucket", BUCKET).code == 10


def test_the_path_of_an_error_selects_the_root(machine: Machine) -> None:
    machine.write_root(machine.here / "infra" / "network")
    machine.write_root(machine.here / "infra" / "dns", key="dns/terraform.tfstate")
    put_item(machine.aws, lock_json())
    error = f"Error: Error acquiring the state lock\nLock Info:\n  ID: {FIRST}\n  Path: {LOCK_ID}\n"
    ran = machine.run("status", "--error", "-", "--json", stdin=error)
    assert ran.code == 10
    assert ran.json["address"]["key"] == KEY


def test_lock_fields_that_hold_escape_sequences_reach_no_terminal(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json(Who="\x1b]0;owned\x07\x1b[2Jroot@\u202ehost"))
    for arguments in (("status",), ("status", "--json"), ("locks",)):
        ran = machine.run(*arguments)
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err


def test_wait_exits_10_when_the_lock_is_still_held_at_the_end(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())
    ran = machine.run("wait", "--for", "0s", "--json")
    assert ran.code == 10
    assert ran.json["outcome"] == "held"
    assert set(ran.json["status"]) == KEYS
    assert "Apply by root@runner-7" in ran.err


def test_wait_is_blind_when_it_cannot_read(machine: Machine) -> None:
    machine.write_root()
    machine.aws.deny("GetItem")
    ran = machine.run("wait", "--for", "0s", "--json")
    assert (ran.code, ran.json["outcome"]) == (1, "blind")


def test_wait_for_a_lock_that_was_never_seen_here_is_no_release(machine: Machine) -> None:
    machine.write_root()
    ran = machine.run("wait", "--for", "1m")
    assert ran.code == 1
    assert "No lock was seen here" in ran.out


def test_wait_exits_0_when_the_lock_is_released(machine: Machine) -> None:
    machine.write_root()
    put_item(machine.aws, lock_json())

    def release_once_seen() -> None:
        while not machine.aws.called("DescribeTable"):
            stopped.wait(0.05)
        machine.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": LOCK_ID}})

    stopped = threading.Event()
    releaser = threading.Thread(target=release_once_seen)
    releaser.start()
    ran = machine.run("wait", "--for", "1m", "--json")
    releaser.join()
    assert (ran.code, ran.json["outcome"]) == (0, "released")


@pytest.mark.parametrize("span", ["soon", "-5m", "5", "1h30"])
def test_a_time_span_that_is_none_is_a_usage_error(machine: Machine, span: str) -> None:
    assert machine.run("wait", f"--for={span}").code == 2


def test_a_backend_that_reads_aws_settings_of_the_checkout_needs_trust_first(machine: Machine, tmp_path: Path) -> None:
    proof = tmp_path / "started"
    aws_file = machine.here / "aws.cfg"
    aws_file.write_text(f"[default]\ncredential_process = touch {proof}\n")
    machine.write_root(shared_config_files=[str(aws_file)])
    ran = machine.run("status", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert ran.code == 1
    assert "tflock-tui trust" in ran.err
    assert not proof.exists()
    assert machine.run("trust", "--yes").code == 0
    assert machine.run("status").code == 0


def test_the_second_half_of_a_dual_lock_is_told_as_well(machine: Machine) -> None:
    machine.write_root(use_lockfile=True)
    put_item(machine.aws, lock_json())
    put_lockfile(machine.aws, lock_json(SECOND, Who="ci@other"))
    ran = machine.run("status")
    assert "root@runner-7" in ran.out
    assert "ci@other" in ran.out


class TestOptionsThatCannotCount:
    """Nothing that says which state is meant is left out of account."""

    @pytest.mark.parametrize("option", [("--table", "other"), ("--use-lockfile",), ("--no-use-lockfile",)])
    @pytest.mark.parametrize("command", [("status",), ("wait",), ("locks",), ("doctor",), ("runbook", "show"), ()])
    def test_how_a_state_locks_is_not_said_without_its_key(
        self, machine: Machine, command: tuple[str, ...], option: tuple[str, ...]
    ) -> None:
        machine.write_root()
        for arguments in ((*command, *option), (*option, *command)):
            ran = machine.run(*arguments)
            assert ran.code == 2
            assert "--bucket and --key" in ran.err

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--table", TABLE, "incidents"),
            ("--bucket", BUCKET, "--key", KEY, "diagnose", "--sample"),
            ("--workspace", "prod", "runbook", "list"),
            ("--error", "ci.log", "locks"),
            ("--backend-config", "key=a", "locks"),
            ("--key", KEY, "completion", "bash"),
            ("--bucket", BUCKET, "--key", KEY, "train", "--list"),
            ("--workspace", "prod", "resume"),
            ("resume", "--bucket", BUCKET),
            ("status", "--bucket", BUCKET, "--key", KEY, "--backend-config", "region=x"),
            ("--states", "status"),
            ("--states", "--plain"),
        ],
    )
    def test_what_a_command_does_not_hear_is_refused(self, machine: Machine, arguments: tuple[str, ...]) -> None:
        assert machine.run(*arguments).code == 2

    def test_what_cannot_mislead_may_stand_before_any_command(self, machine: Machine) -> None:
        assert machine.run("--read-only", "--profile", "x", "-C", ".", "incidents").code == 0

    def error(self, path: str) -> str:
        return f"Error: Error acquiring the state lock\nLock Info:\n  ID: {FIRST}\n  Path: {path}\n"

    def test_an_error_and_an_option_that_disagree_are_told(self, machine: Machine) -> None:
        machine.write_root()
        put_item(machine.aws, lock_json())
        told = self.error(LOCK_ID)
        ran = machine.run("status", "--error", "-", "--table", "other", stdin=told)
        assert (ran.code, f"names {TABLE}" in ran.err) == (1, True)
        assert machine.run("status", "--error", "-", "--use-lockfile", stdin=told).code == 1
        ran = machine.run("status", "--error", "-", "--workspace", "prod", stdin=told)
        assert (ran.code, "of the workspace default" in ran.err) == (1, True)
        agreeing = ("--table", TABLE, "--no-use-lockfile", "--workspace", "default")
        assert machine.run("status", "--error", "-", *agreeing, stdin=told).code == 10

    def test_what_completes_a_backend_counts_with_an_error_too(self, machine: Machine) -> None:
        (machine.here / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
        given = {"bucket": BUCKET, "key": KEY, "region": REGION, "dynamodb_table": TABLE}
        options = [part for name, value in given.items() for part in ("--backend-config", f"{name}={value}")]
        put_item(machine.aws, lock_json())
        assert machine.run("status", "--error", "-", *options, stdin=self.error(LOCK_ID)).code == 10
        ran = machine.run("status", "--error", "-", *options, stdin=self.error(f"{BUCKET}/env:/prod/{KEY}"))
        assert f"env:/prod/{KEY}" in ran.out
        ran = machine.run("status", "--error", "-", *options, stdin=self.error(f"{BUCKET}/other.tfstate"))
        assert (ran.code, "the error is about" in ran.err) == (1, True)


class TestAStateThatIsNotThere:
    """A slip in a name is not read as a calm "free"."""

    NAMED = ("--bucket", BUCKET, "--table", TABLE, "--region", REGION)

    def put_state(self, machine: Machine, *keys: str) -> None:
        for key in keys:
            machine.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")

    def test_a_key_that_was_typed_wrong_is_not_free_and_the_near_ones_are_named(self, machine: Machine) -> None:
        self.put_state(machine, KEY, f"env:/prod/{KEY}", "dns/terraform.tfstate")
        ran = machine.run("status", *self.NAMED, "--key", KEY.replace("network", "netwrok"))
        assert ran.code == 1
        assert ran.out.startswith("NOT KNOWN")
        assert "there is no state object at" in ran.out
        assert f"{BUCKET}/{KEY} (spelled almost the same)" in ran.out
        assert "dns/" not in ran.out

    def test_the_json_says_so_under_the_documented_keys(self, machine: Machine) -> None:
        ran = machine.run("status", *self.NAMED, "--key", "no/such.tfstate", "--json")
        assert (ran.code, set(ran.json), ran.json["held"]) == (1, KEYS, None)
        (entry,) = [entry for entry in ran.json["not_checked"] if entry["what"] == "state"]
        assert "there is no state object" in entry["why"]

    def test_a_key_whose_state_is_there_is_free(self, machine: Machine) -> None:
        self.put_state(machine, KEY)
        assert machine.run("status", *self.NAMED, "--key", KEY).code == 0

    def test_a_lock_without_a_state_is_held(self, machine: Machine) -> None:
        put_item(machine.aws, lock_json())
        ran = machine.run("status", *self.NAMED, "--key", KEY)
        assert (ran.code, "no state object" in ran.out) == (10, False)

    def test_a_state_that_the_files_name_and_nobody_applied_is_free_and_that_is_said(self, machine: Machine) -> None:
        machine.write_root()
        ran = machine.run("status")
        assert ran.code == 0
        assert "there is no state object at" in ran.out
        assert "Nothing was applied yet" in ran.err

    def test_a_workspace_that_is_not_there_is_not_free(self, machine: Machine) -> None:
        machine.write_root()
        self.put_state(machine, KEY, f"env:/prod/{KEY}")
        assert machine.run("status", "--workspace", "prod").code == 0
        for ran in (machine.run("status", "--workspace", "prdo"), machine.run("status", TF_WORKSPACE="prdo")):
            assert ran.code == 1
            assert f"env:/prod/{KEY} (the same key in the workspace prod)" in ran.out

    def test_a_bucket_that_may_not_be_listed_is_told(self, machine: Machine) -> None:
        machine.aws.deny("ListObjectsV2")
        ran = machine.run("status", *self.NAMED, "--key", "no/such.tfstate")
        assert ran.code == 1
        assert "not allowed to read the bucket" in ran.err

    def test_a_typed_key_whose_state_may_not_be_read_is_not_free(self, machine: Machine) -> None:
        machine.aws.deny("HeadObject")
        ran = machine.run("status", *self.NAMED, "--key", KEY)
        assert ran.code == 1
        assert "whether there is such a state could not be read" in ran.out


def test_roots_of_one_name_are_told_apart_by_their_paths(machine: Machine, tmp_path: Path) -> None:
    outside = tmp_path / "no-checkout"
    for place in ("live/app", "stage/app", "dns"):
        machine.write_root(outside / place, key=f"{place}.tfstate")
    (outside / "again").mkdir()
    machine.write_root(outside / "again" / "app", key="live/app.tfstate")
    ran = machine.run("status", cwd=outside)
    assert ran.code == 1
    assert "live/app (default)" in ran.err
    assert "stage/app (default)" in ran.err
    assert " dns (default)" in ran.err
    error = f"Error acquiring the state lock\nLock Info:\n  ID: {FIRST}\n  Path: {BUCKET}/live/app.tfstate\n"
    ran = machine.run("status", "--error", "-", cwd=outside, stdin=error)
    assert "again/app (default)" in ran.err
    assert "live/app (default)" in ran.err
