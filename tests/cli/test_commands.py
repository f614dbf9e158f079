"""The other commands, as people and scripts run them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest

from tests.support.aws import ACCOUNT, REGION
from tests.support.locks import BUCKET, FIRST, KEY, LOCK_ID, lock_json, put_item
from tuirunbook.core.address import StateAddress
from tuirunbook.core.chain import ChainReport
from tuirunbook.core.events import Closed, Event, Opened, timestamp
from tuirunbook.core.postmortem.document import Postmortem
from tuirunbook.journal.journals import Journals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Machine


def write_incident(machine: Machine, *, closed_days_ago: int | None = None, host: str = "elsewhere") -> str:
    """An incident on the machine's disk."""
    journals = Journals(machine.home / ".local/state/tflock-tui/incidents")
    now = datetime.now(UTC)
    opened_at = now - timedelta(days=(closed_days_ago or 0) + 1)
    name = journals.fresh_name(opened_at)
    opened = Opened(
        at=timestamp(opened_at),
        by="Ada",
        incident=name,
        address=StateAddress(bucket=BUCKET, key=KEY, region=REGION, account=ACCOUNT),
        root="network",
        operator="Ada",
        host=host,
        tool="0.1.0",
        runbook="state-lock 1.0",
        runbook_sha256="0" * 64,
        runbook_text="",
    )
    events: list[Event] = [opened]
    if closed_days_ago is not None:
        events.append(Closed(at=timestamp(now - timedelta(days=closed_days_ago)), by="Ada"))
    writer = journals.create(opened)
    for event in events:
        writer.append(event)
    writer.close()
    return name


def test_diagnose_tells_the_kind_of_the_sample(machine: Machine) -> None:
    ran = machine.run("diagnose", "--sample")
    assert ran.code == 0
    assert "held  (store: dynamodb)" in ran.out


def test_diagnose_prints_json_of_the_documented_shape(machine: Machine) -> None:
    (machine.here / "ci.log").write_text(f"Error acquiring the state lock\nLock Info:\n  ID: {FIRST}\n  Path: a/b\n")
    ran = machine.run("diagnose", "ci.log", "--json")
    assert ran.code == 0
    assert set(ran.json) == {"kind", "store", "locks", "explanation", "runbook"}
    assert ran.json["locks"][0]["id"] == FIRST
    piped = machine.run("diagnose", "-", "--json", stdin=(machine.here / "ci.log").read_text())
    assert piped.json == ran.json


def test_diagnose_reads_one_thing(machine: Machine) -> None:
    assert machine.run("diagnose").code == 2
    assert machine.run("diagnose", "-", "--sample").code == 2
    ran = machine.run("diagnose", "no-such-file")
    assert ran.code == 1
    assert "no-such-file cannot be read" in ran.err


def test_incidents_are_listed_and_exported(machine: Machine) -> None:
    assert machine.run("incidents").code == 0
    name = write_incident(machine)
    assert name in machine.run("incidents").out
    (listed,) = machine.run("incidents", "--json").json["incidents"]
    assert (listed["id"], listed["status"], listed["state"]) == (name, "open", LOCK_ID)
    word = name.rsplit("-", 1)[1]
    assert machine.run("export", word).out.startswith("# Terraform state lock on")
    assert machine.run("export", word, "--format", "json").json["header"]["incident"] == name
    assert "Ada" not in machine.run("export", word, "--anonymise").out


def test_an_export_goes_into_a_file(machine: Machine) -> None:
    name = write_incident(machine)
    assert machine.run("export", name, "-o", "postmortem.md").code == 0
    assert (machine.here / "postmortem.md").read_text().startswith("# ")
    assert machine.run("export", name, "-o", "no/such/directory.md").code == 1


def test_prune_removes_what_was_closed_long_ago_and_says_what_stays(machine: Machine) -> None:
    old, recent, still_open = write_incident(machine, closed_days_ago=100), "", write_incident(machine)
    recent = write_incident(machine, closed_days_ago=10)
    ran = machine.run("incidents", "prune", "--older-than", "90d")
    assert ran.code == 0
    assert f"removed {old}" in ran.out
    assert still_open in ran.err
    assert recent in ran.err
    assert machine.run("incidents", "prune").code == 2


def test_a_dry_run_of_prune_removes_nothing(machine: Machine) -> None:
    old = write_incident(machine, closed_days_ago=100)
    assert f"would remove {old}" in machine.run("incidents", "prune", "--older-than", "90d", "--dry-run").out
    assert old in machine.run("incidents").out


def test_an_unknown_incident_is_told_in_a_sentence(machine: Machine) -> None:
    ran = machine.run("export", "kiwi")
    assert ran.code == 1
    assert "no incident is called 'kiwi'" in ran.err


def test_incidents_live_where_they_are_told_to(machine: Machine) -> None:
    write_incident(machine)
    assert machine.run("incidents", "--journal-dir", "elsewhere").out == ""


def test_runbooks_are_listed_with_their_origin_and_the_teams_stands_in(machine: Machine) -> None:
    team = machine.here / ".tflock" / "runbooks"
    team.mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "runbooks" / "state-lock.md"
    (team / "state-lock.md").write_text(shipped.read_text())
    ran = machine.run("runbook", "list")
    assert ran.code == 0
    assert f"{team}  (instead of the one from tflock-tui)" in ran.out


def test_a_runbook_is_shown_with_this_repositorys_values(machine: Machine) -> None:
    machine.write_root()
    ran = machine.run("runbook", "show")
    assert ran.code == 0
    assert f"state.lock_id = {LOCK_ID}" in ran.out


def test_a_runbook_is_shown_without_a_repository_as_well(machine: Machine) -> None:
    ran = machine.run("runbook", "show", "digest-mismatch")
    assert ran.code == 0
    assert "are not filled in" in ran.err


def test_every_mistake_of_a_runbook_is_listed_with_its_place(machine: Machine) -> None:
    assert machine.run("runbook", "check").code == 0
    broken = machine.here / "broken.md"
    broken.write_text("---\nname: other\n---\n# Nothing\n")
    ran = machine.run("runbook", "check", "broken.md", "--json")
    assert ran.code == 1
    assert ran.json[0]["mistakes"][0].keys() == {"file", "line", "column", "sentence"}
    assert machine.run("runbook", "show", "no-such-runbook").code == 1


def test_doctor_is_content_with_a_root_that_works(machine: Machine) -> None:
    machine.write_root(use_lockfile=True)
    put_item(machine.aws, lock_json())
    ran = machine.run("doctor", "--json", "--program", sys.executable)
    levels = {check["name"]: check["level"] for check in ran.json["checks"]}
    for name in ("account", "caller", "backend", "table", "read lock item", "read lockfile", "journal"):
        assert levels[name] == "ok", ran.out
    assert not {call.action for call in machine.aws.calls} & {"PutItem", "DeleteItem", "PutObject", "DeleteObject"} - {
        call.action for call in machine.aws.calls if "ARRANGEMENTS" in call.access_key
    }


def test_doctor_names_what_may_not_be_read_and_exits_1(machine: Machine) -> None:
    machine.write_root()
    machine.aws.deny("GetItem")
    ran = machine.run("doctor")
    assert ran.code == 1
    assert "not allowed to read" in ran.out


def test_doctor_finds_a_table_with_the_wrong_key(machine: Machine) -> None:
    machine.aws.client("dynamodb").create_table(
        TableName="wrong",
        KeySchema=[{"AttributeName": "Lock", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Lock", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    machine.write_root(dynamodb_table="wrong")
    ran = machine.run("doctor", "--json")
    levels = {check["name"]: check["level"] for check in ran.json["checks"]}
    assert levels["table"] == "bad"
    assert ran.code == 1


@pytest.mark.parametrize("place", ["/proc/nope", "file/incidents", "file"])
def test_doctor_says_what_is_wrong_with_a_journal_directory(machine: Machine, place: str) -> None:
    (machine.here / "file").write_text("")
    ran = machine.run("doctor", "--journal-dir", place, "--json")
    (journal,) = [check for check in ran.json["checks"] if check["name"] == "journal"]
    assert (ran.code, journal["level"]) == (1, "bad")
    assert "cannot be" in journal["fact"]
    assert "MB free" not in journal["fact"]
    assert "--journal-dir" in journal["advice"]


def test_doctor_leaves_nothing_where_it_looked(machine: Machine) -> None:
    machine.run("doctor", "--journal-dir", "new/incidents")
    assert not (machine.here / "new").exists()


def test_doctor_without_a_root_still_tells_the_rest(machine: Machine) -> None:
    ran = machine.run("doctor", "--json")
    names = [check["name"] for check in ran.json["checks"]]
    assert "git" in names
    assert "terraform" in names
    assert ran.code == 1


def test_trust_shows_the_file_asks_and_forgets_it_when_it_changes(machine: Machine) -> None:
    settings = machine.here / ".tflock" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('plan_args = ["-var=a=b"]\n')
    refused = machine.run("trust", stdin="n\n")
    assert refused.code == 130
    assert "-var=a=b" in refused.out
    assert machine.run("trust", stdin="y\n").code == 0
    assert "nothing here that needs trust" in machine.run("trust").out
    settings.write_text('plan_args = ["-var=a=c"]\n')
    assert "-var=a=c" in machine.run("trust", "--yes").out


def test_a_setting_that_is_none_is_an_error_with_file_and_line(machine: Machine) -> None:
    machine.write_root()
    (machine.here / ".tflock").mkdir()
    (machine.here / ".tflock" / "config.toml").write_text('read_only = true\nprogram = "/tmp/evil"\n')
    ran = machine.run("status")
    assert ran.code == 1
    assert "config.toml:2: program is not a setting here" in ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(machine: Machine, shell: str) -> None:
    ran = machine.run("completion", shell)
    assert ran.code == 0
    assert "_TFLOCK_TUI_COMPLETE" in ran.out


def test_completion_completes_commands(machine: Machine) -> None:
    ran = machine.run(_TFLOCK_TUI_COMPLETE="bash_complete", COMP_WORDS="tflock-tui dia", COMP_CWORD="1")
    assert "plain,diagnose" in ran.out


def test_every_command_that_prints_json_documents_its_shape(machine: Machine) -> None:
    for command in ("status", "locks", "wait", "diagnose", "incidents", "doctor", "runbook check", "train"):
        page = machine.run(*command.split(), "--help").out
        assert "--json prints" in page
        assert '{"' in page


def test_the_help_of_export_names_every_key_of_its_json(machine: Machine) -> None:
    page = machine.run("export", "--help").out

    def keys(kind: type[msgspec.Struct]) -> Iterator[str]:
        for field in msgspec.structs.fields(kind):
            yield field.encode_name
            for inner in (field.type, *get_args(field.type), *(a for b in get_args(field.type) for a in get_args(b))):
                if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and inner is not ChainReport:
                    yield from keys(inner)

    missing = [key for key in keys(Postmortem) if f'"{key}"' not in page]
    assert missing == []


def test_the_version_and_an_unknown_command(machine: Machine) -> None:
    assert machine.run("--version").out.startswith("tflock-tui, version ")
    assert machine.run("unlock").code == 2


def test_the_walk_imports_no_cloud_git_or_hcl_library_before_its_screen_is_there() -> None:
    code = (
        "import sys, tuirunbook.cli.walk, tuirunbook.wiring.adapters, tuirunbook.wiring.front, tuirunbook.tui.app\n"
        "heavy = {'boto3', 'botocore', 'hcl2', 'git', 'yaml', 'markdown_it', 'psutil', 'httpx', 'click', 'tomllib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    # Textual's own Markdown widget brings its parser when somebody asks for it.
    assert json.loads(done.stdout.replace("'", '"')) == []
