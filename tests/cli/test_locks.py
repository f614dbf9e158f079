"""`locks`: every state of the repository, read at once, and never a false "free"."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aws import REGION
from tests.support.locks import BUCKET, FIRST, KEY, LOCK_ID, SECOND, TABLE, lock_json, put_item, put_lockfile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Machine
    from tests.support.aws import EmbeddedAws

KEYS = {
    "root",
    "backend",
    "workspace",
    "bucket",
    "key",
    "region",
    "dynamodb_table",
    "use_lockfile",
    "workspace_key_prefix",
    "config_files",
    "source",
    "unresolved",
    "hazards",
    "lock",
}


def write(machine: Machine, name: str, **arguments: object) -> Path:
    return machine.write_root(machine.here / name, key=f"{name}/x.tfstate", **arguments)


def lock(aws: EmbeddedAws, state_key: str, **fields: str) -> None:
    path = f"{BUCKET}/{state_key}"
    item = {"LockID": {"S": path}, "Info": {"S": lock_json(Path=path, **fields)}}
    aws.client("dynamodb").put_item(TableName=TABLE, Item=item)


def rows(machine: Machine, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = machine.run("locks", "--json", *arguments).json
    assert all(set(row) == KEYS for row in found)
    return found


def test_every_state_is_listed_and_what_could_not_be_told_says_why(machine: Machine) -> None:
    machine.write_root(machine.here / "network")
    write(machine, "dns")
    (machine.here / "other").mkdir()
    (machine.here / "other" / "main.tf").write_text('terraform {\n  backend "pg" {}\n}\n')
    put_item(machine.aws, lock_json())
    ran = machine.run("locks")
    assert ran.code == 10
    held, unknown, free = ran.out.splitlines()
    assert held.startswith("HELD")
    assert "network" in held
    assert "Apply by root@runner-7" in held
    assert unknown.startswith("NOT KNOWN")
    assert free.startswith("free")


def test_the_json_has_the_documented_keys(machine: Machine) -> None:
    machine.write_root(machine.here / "network", use_lockfile="true")
    put_item(machine.aws, lock_json())
    (row,) = rows(machine)
    assert row["root"] == "network"
    assert (row["bucket"], row["key"], row["region"], row["dynamodb_table"]) == (BUCKET, KEY, REGION, TABLE)
    assert (row["backend"], row["use_lockfile"], row["workspace_key_prefix"]) == ("s3", True, "env:")
    assert row["source"].startswith("saved: ")
    assert row["lock"]["held"] is True
    assert row["lock"]["locks"][0]["id"] == FIRST
    assert "address" not in row["lock"]


def test_the_exit_code_is_0_only_when_all_were_read_and_free(machine: Machine) -> None:
    write(machine, "network")
    assert machine.run("locks").code == 0
    write(machine, "dns", dynamodb_table="gone")
    assert machine.run("locks").code == 1


def test_held_ones_come_first_and_the_oldest_of_them_before_the_others(machine: Machine) -> None:
    for name in ("a", "b", "c"):
        write(machine, name)
    lock(machine.aws, "b/x.tfstate", Created="2026-11-23T09:26:22Z")
    lock(machine.aws, "c/x.tfstate", Created="2026-11-20T09:26:22Z")
    assert [row["root"] for row in rows(machine)] == ["c", "b", "a"]


def test_a_hundred_states_of_a_table_are_one_request_and_nothing_is_scanned(machine: Machine) -> None:
    for number in range(101):
        (machine.here / f"r{number}").mkdir()
        (machine.here / f"r{number}" / "main.tf").write_text(
            f'terraform {{\n  backend "s3" {{\n    bucket = "{BUCKET}"\n    key = "r{number}"\n'
            f'    region = "{REGION}"\n    dynamodb_table = "{TABLE}"\n  }}\n}}\n'
        )
    lock(machine.aws, "r7")
    found = rows(machine)
    assert len(found) == 101
    assert [row["root"] for row in found if row["lock"]["held"]] == ["r7"]
    assert len(machine.aws.called("BatchGetItem")) == 2
    assert not machine.aws.called("Scan")
    assert not machine.aws.called("GetItem")


def test_a_role_that_may_only_get_single_items_still_sees(machine: Machine) -> None:
    machine.write_root(machine.here / "network")
    put_item(machine.aws, lock_json())
    machine.aws.deny("BatchGetItem")
    assert machine.run("locks").code == 10


def test_throttling_is_waited_out(machine: Machine) -> None:
    machine.write_root(machine.here / "network")
    put_item(machine.aws, lock_json())
    machine.aws.throttle("BatchGetItem", times=3)
    assert machine.run("locks").code == 10


def test_lockfiles_are_read_for_the_backends_that_use_them(machine: Machine) -> None:
    machine.write_root(machine.here / "network", dynamodb_table=None, use_lockfile=True)
    write(machine, "dns")
    put_lockfile(machine.aws, lock_json())
    assert [(row["root"], row["lock"]["held"]) for row in rows(machine)] == [("network", True), ("dns", False)]
    assert len(machine.aws.called("GetObject")) == 1


def test_a_store_that_cannot_be_read_spoils_no_other(machine: Machine) -> None:
    write(machine, "a", dynamodb_table=None, use_lockfile=True)
    write(machine, "b")
    machine.aws.deny("GetObject")
    found = {row["root"]: row["lock"] for row in rows(machine)}
    assert (found["a"]["held"], found["b"]["held"]) == (None, False)
    assert any(entry["what"] == "s3" and "authorized" in entry["why"] for entry in found["a"]["not_checked"])


def test_accounts_without_credentials_are_not_signed_in_and_cost_no_calls(machine: Machine) -> None:
    write(machine, "a")
    write(machine, "b")
    ran = machine.run("locks", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert ran.code == 1
    assert [line.split("  ")[0] for line in ran.out.splitlines()] == ["not signed in", "not signed in"]
    assert not machine.aws.calls[len(machine.aws.calls) :]
    assert not machine.aws.called("BatchGetItem")
    assert not machine.aws.called("ListObjectsV2")


def test_credentials_that_have_expired_are_not_signed_in(machine: Machine) -> None:
    write(machine, "a")
    machine.aws.deny("*", code="ExpiredTokenException")
    assert machine.run("locks").out.startswith("not signed in")


def test_offline_finds_and_asks_nothing(machine: Machine) -> None:
    write(machine, "a")
    ran = machine.run("locks", "--offline", "--json")
    assert ran.code == 0
    assert ran.json[0]["lock"] is None
    assert not machine.aws.called("BatchGetItem")
    assert machine.run("locks", "--offline").out.startswith("not read")
    (machine.here / "b").mkdir()
    (machine.here / "b" / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    assert machine.run("locks", "--offline").code == 1


def test_what_is_missing_is_listed_with_how_to_supply_it(machine: Machine) -> None:
    (machine.here / "main.tf").write_text('terraform {\n  backend "s3" {\n    bucket = "b"\n    region = "r"\n  }\n}\n')
    (row,) = rows(machine)
    (lacks,) = row["unresolved"]
    assert set(lacks) == {"argument", "why", "how"}
    assert lacks["argument"] == "key"
    assert row["lock"] is None


def test_states_of_one_name_are_told_apart_by_their_places(machine: Machine) -> None:
    (machine.here / "app").mkdir()
    (machine.here / "app" / "main.tf").write_text('terraform {\n  backend "s3" {\n    region = "r"\n  }\n}\n')
    (machine.here / "app" / "Makefile").write_text(
        "".join(
            f"{stage}:\n\tterraform init -backend-config=bucket=acme -backend-config=key={stage}/x\n"
            for stage in ("dev", "prod")
        )
    )
    shown = machine.run("locks", "--offline").out
    assert "app [default] acme/dev/x " in shown
    assert "app [default] acme/prod/x " in shown


class TestHazards:
    def hazards(self, machine: Machine) -> dict[str, list[str]]:
        return {row["root"]: [one["hazard"] for one in row["hazards"]] for row in rows(machine, "--offline")}

    def test_two_states_with_one_bucket_key_and_prefix_collide(self, machine: Machine) -> None:
        for name in ("hub-api", "hub/api"):
            machine.write_root(machine.here / name, use_lockfile=True)
        machine.write_root(machine.here / "prefixed", use_lockfile=True, workspace_key_prefix="other")
        assert self.hazards(machine) == {"hub-api": ["key-collision"], "hub/api": ["key-collision"], "prefixed": []}
        ran = machine.run("locks", "--offline")
        assert "key collision with hub-api" in ran.out
        assert "its own key" in ran.err

    def test_no_locking_and_a_table_alone_are_told(self, machine: Machine) -> None:
        write(machine, "none", dynamodb_table=None)
        write(machine, "table")
        assert self.hazards(machine) == {"none": ["no-locking"], "table": ["dynamodb-only"]}
        assert "use_lockfile = true" in machine.run("locks", "--offline").err

    def test_an_argument_that_terraform_no_longer_accepts_is_told(self, machine: Machine) -> None:
        write(machine, "a", use_lockfile=True, role_arn="arn:aws:iam::123456789012:role/x")
        assert self.hazards(machine) == {"a": ["removed-argument"]}


class TestWorkspaces:
    def test_what_the_bucket_lists_is_read_as_well(self, machine: Machine) -> None:
        machine.write_root(machine.here / "network")
        machine.aws.client("s3").put_object(Bucket=BUCKET, Key=f"env:/prod/{KEY}", Body=b"{}")
        machine.aws.client("s3").put_object(Bucket=BUCKET, Key="env:/prod/somebody-elses", Body=b"{}")
        lock(machine.aws, f"env:/prod/{KEY}")
        found = rows(machine)
        assert [(row["workspace"], row["lock"]["held"]) for row in found] == [("prod", True), ("default", False)]

    def test_a_bucket_that_may_not_be_listed_is_told_and_spoils_nothing(self, machine: Machine) -> None:
        write(machine, "a")
        machine.aws.deny("ListObjectsV2")
        ran = machine.run("locks")
        assert ran.code == 0
        assert "Other workspaces" in ran.err

    def test_a_typed_workspace_that_is_not_there_is_not_free(self, machine: Machine) -> None:
        machine.write_root(machine.here / "network")
        machine.aws.client("s3").put_object(Bucket=BUCKET, Key=f"env:/prod/{KEY}", Body=b"{}")
        there = machine.run("locks", "--workspace", "prod")
        assert (there.code, there.out[:4]) == (0, "free")
        slip = machine.run("locks", "--workspace", "prdo")
        assert (slip.code, slip.out[:9]) == (1, "NOT KNOWN")
        assert f"there is no state object at {BUCKET}/env:/prdo/{KEY}" in slip.out
        row = rows(machine, "--workspace", "prdo")[0]
        assert row["lock"]["held"] is None
        assert [one["code"] for one in row["lock"]["not_checked"] if one["what"] == "state"] == ["NoSuchKey"]

    def test_a_typed_key_that_is_not_there_is_not_free_and_what_may_not_be_read_is_not_either(
        self, machine: Machine
    ) -> None:
        place = ("--bucket", BUCKET, "--table", TABLE, "--region", REGION, "--key", "a/slip.tfstate")
        assert machine.run("locks", *place).code == 1
        machine.aws.client("s3").put_object(Bucket=BUCKET, Key="a/slip.tfstate", Body=b"{}")
        assert machine.run("locks", *place).code == 0
        machine.aws.deny("HeadObject")
        refused = machine.run("locks", *place)
        assert (refused.code, "could not be read" in refused.out) == (1, True)

    def test_a_typed_workspace_whose_lock_is_held_is_held_without_a_state(self, machine: Machine) -> None:
        machine.write_root(machine.here / "network")
        lock(machine.aws, f"env:/new/{KEY}")
        assert machine.run("locks", "--workspace", "new").code == 10

    def test_a_state_that_the_files_name_costs_no_call_about_itself(self, machine: Machine) -> None:
        machine.write_root(machine.here / "network")
        assert machine.run("locks").code == 0
        assert not machine.aws.called("HeadObject")


class TestOrphans:
    def test_locks_of_no_state_here_are_listed_when_asked_for(self, machine: Machine) -> None:
        write(machine, "a")
        lock(machine.aws, "gone/x.tfstate")
        machine.aws.client("dynamodb").put_item(
            TableName=TABLE, Item={"LockID": {"S": f"{LOCK_ID}-md5"}, "Digest": {"S": "0"}}
        )
        assert len(rows(machine)) == 1
        assert not machine.aws.called("Scan")
        orphan, own = rows(machine, "--orphans")
        assert (orphan["root"], orphan["lock"]["held"]) == (f"{BUCKET}/gone/x.tfstate", True)
        assert orphan["source"].startswith("orphan: ")
        assert orphan["hazards"] == []
        assert own["root"] == "a"
        assert "in no root module here" in machine.run("locks", "--orphans").out.splitlines()[0]

    def test_lockfiles_without_a_state_here_as_well(self, machine: Machine) -> None:
        write(machine, "a", dynamodb_table=None, use_lockfile=True)
        put_lockfile(machine.aws, lock_json(SECOND))
        assert rows(machine, "--orphans")[0]["root"] == LOCK_ID

    def test_a_lock_in_both_stores_is_read_in_both(self, machine: Machine) -> None:
        write(machine, "a", use_lockfile=True)
        put_item(machine.aws, lock_json())
        put_lockfile(machine.aws, lock_json())
        orphan = rows(machine, "--orphans")[0]
        assert (orphan["dynamodb_table"], orphan["use_lockfile"]) == (TABLE, True)
        assert [one["store"] for one in orphan["lock"]["locks"]] == ["s3", "dynamodb"]


def test_the_filter_shows_some_only(machine: Machine) -> None:
    for name in ("network", "dns"):
        write(machine, name)
    lock(machine.aws, "dns/x.tfstate")
    assert [row["root"] for row in rows(machine, "--filter", "NETW")] == ["network"]
    assert [row["root"] for row in rows(machine, "--filter", "runner-7")] == ["dns"]


def test_watch_tells_each_change(machine: Machine) -> None:
    write(machine, "a")
    lock(machine.aws, "a/x.tfstate")
    process = subprocess.Popen(
        [sys.executable, "-m", "tuirunbook", "locks", "--watch"],
        cwd=machine.here,
        env=machine.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline().startswith("HELD")
        machine.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": f"{BUCKET}/a/x.tfstate"}})
        assert "the lock left DynamoDB" in process.stdout.readline()
        process.terminate()


def test_watch_as_json_prints_each_change_as_one_object_on_a_line(machine: Machine) -> None:
    write(machine, "a")
    write(machine, "b")
    lock(machine.aws, "a/x.tfstate")
    process = subprocess.Popen(
        [sys.executable, "-m", "tuirunbook", "locks", "--watch", "--json"],
        cwd=machine.here,
        env=machine.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process:
        shown = ""
        while not shown.endswith("\n]\n"):
            shown += process.stdout.readline()
        assert [(row["root"], row["lock"]["held"]) for row in json.loads(shown)] == [("a", True), ("b", False)]
        machine.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"LockID": {"S": f"{BUCKET}/a/x.tfstate"}})
        row = json.loads(process.stdout.readline())
        assert (row["root"], row["lock"]["held"], set(row)) == ("a", False, KEYS)
        process.terminate()


def test_watch_and_offline_exclude_each_other(machine: Machine) -> None:
    assert machine.run("locks", "--watch", "--offline").code == 2
    assert machine.run("locks", "--orphans", "--offline").code == 2


def test_the_teams_mapping_counts_once_it_is_trusted(machine: Machine) -> None:
    (machine.here / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    (machine.here / ".tflock").mkdir()
    (machine.here / ".tflock" / "config.toml").write_text(
        f'[[states]]\nroot = "*"\n[states.backend]\nbucket = "{BUCKET}"\nkey = "{KEY}"\nregion = "{REGION}"\n'
        f'dynamodb_table = "{TABLE}"\n'
    )
    put_item(machine.aws, lock_json())
    before = machine.run("locks")
    assert before.code == 1
    assert "tflock-tui trust" in before.err
    assert machine.run("trust", "--yes").code == 0
    assert machine.run("locks").code == 10


@pytest.mark.parametrize("text", ['[[states]]\nroot = "a"\n[states.backend]\nendpoint = "x"\n', "[[states]]\n"])
def test_a_mapping_that_is_none_is_refused_with_its_file(machine: Machine, text: str) -> None:
    (machine.here / ".tflock").mkdir()
    (machine.here / ".tflock" / "config.toml").write_text(text)
    ran = machine.run("locks", "--offline")
    assert ran.code == 1
    assert "config.toml" in ran.err


class TestSecondStart:
    def cache(self, machine: Machine) -> bytes:
        (file,) = (machine.home / ".local" / "state" / "tflock-tui" / "surveys").iterdir()
        return file.read_bytes()

    def test_what_is_remembered_gives_the_same_answer_and_holds_no_secret(self, machine: Machine) -> None:
        for name, secret in (("a", ""), ("b", '    secret_key = "hush-hush"\n    access_key = "AKIAHUSH"\n')):
            (machine.here / name).mkdir()
            (machine.here / name / "main.tf").write_text(
                f'terraform {{\n  backend "s3" {{\n    bucket = "{BUCKET}"\n    key = "{name}"\n    region = "r"\n'
                f"{secret}  }}\n}}\n"
            )
            settle(machine.here / name / "main.tf")
        first = rows(machine, "--offline")
        assert b"hush" not in self.cache(machine).lower()
        assert b"AKIA" not in self.cache(machine)
        assert rows(machine, "--offline") == first

    def test_a_changed_file_is_read_again(self, machine: Machine) -> None:
        path = write(machine, "a") / "main.tf.json"
        (machine.here / "a" / ".terraform" / "terraform.tfstate").unlink()
        rows(machine, "--offline")
        path.write_text(path.read_text().replace(BUCKET, "another"))
        assert rows(machine, "--offline")[0]["bucket"] == "another"


def settle(path: Path) -> None:
    """Wait until a file's time lies as far back as what is remembered must."""
    moment = path.stat().st_ctime + 2.1
    pause = threading.Event()
    while moment > time.time():
        pause.wait(0.1)


def test_text_from_outside_reaches_no_terminal(machine: Machine) -> None:
    name = "a\n\x1b[2Jb"
    write(machine, name)
    lock(machine.aws, f"{name}/x.tfstate", Who="\x1b]0;owned\x07root@\u202ehost")
    for arguments in ((), ("--json",)):
        ran = machine.run("locks", *arguments)
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out + ran.err


def test_a_directory_that_is_no_checkout_is_searched(machine: Machine, tmp_path: Path) -> None:
    machine.write_root(tmp_path / "plain" / "a")
    found = machine.run("locks", "--json", cwd=tmp_path / "plain").json
    assert [row["root"] for row in found] == ["a"]
    assert json.dumps(found)
