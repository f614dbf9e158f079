"""What a dead apply's log shows as begun and not completed. The lines are Terraform 1.11's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import A, Story, lock_text, stored
from tuirunbook.core.ci import Job, Report, Runner, Stage, Target
from tuirunbook.core.events import FindingRecorded
from tuirunbook.core.inflight import (
    MOST,
    UNKNOWN_ID,
    Action,
    Unfinished,
    against,
    at_death,
    findings,
    import_blocks,
    listed,
    planned,
    unfinished,
)
from tuirunbook.core.lock import Store

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
KILLED = """\
aws_security_group.db: Creating...
aws_security_group.db: Creation complete after 3s [id=sg-0123]
aws_db_instance.main: Creating...
aws_s3_bucket_policy.logs: Modifying... [id=acme-logs]
module.old["eu, west"].aws_instance.web[0]: Destroying... [id=i-0abc]
aws_db_instance.main: Still creating... [10s elapsed]
module.old["eu, west"].aws_instance.web[0]: Still destroying... [id=i-0abc, 10s elapsed]
aws_db_instance.main: Still creating... [23m10s elapsed]
Error: The operation was canceled.
"""


def by_address(log: str) -> dict[str, Unfinished]:
    return {one.address: one for one in unfinished(log)}


def test_what_began_and_did_not_complete_is_listed_in_the_order_it_began() -> None:
    assert [(one.address, one.action, one.id, one.elapsed) for one in unfinished(KILLED)] == [
        ("aws_db_instance.main", Action.CREATE, "", "23m10s"),
        ("aws_s3_bucket_policy.logs", Action.MODIFY, "acme-logs", ""),
        ('module.old["eu, west"].aws_instance.web[0]', Action.DESTROY, "i-0abc", "10s"),
    ]


def test_a_run_that_came_to_its_end_left_nothing_in_flight() -> None:
    assert unfinished(KILLED + "\nApply complete! Resources: 2 added, 1 changed, 0 destroyed.\n") == ()


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-11-23T02:41:09.1234567Z ",
        "[infra/prod] terraform: ",
        "11:45:18.047 STDOUT [infra/prod] terraform: ",
        "\x1b[0m\x1b[1m",
        "│ ",
    ],
)
def test_what_ci_and_wrappers_put_before_a_line_does_not_hide_it(prefix: str) -> None:
    assert list(by_address(f"{prefix}aws_db_instance.main: Creating...\x1b[0m\n")) == ["aws_db_instance.main"]


def test_a_data_source_that_was_being_read_is_nothing_to_look_for() -> None:
    assert unfinished("data.aws_ami.x: Reading...\naws_db_instance.main: Refreshing state... [id=x]\n") == ()


def test_what_failed_is_listed_as_failed() -> None:
    log = "aws_db_instance.main: Creating...\n│ Error: creating RDS\n│ \n│   with aws_db_instance.main,\n"
    assert unfinished(log)[0].failed


def test_what_was_created_in_the_last_seconds_may_have_come_too_late_for_the_state() -> None:
    stamps = [f"2026-11-23T02:41:{second:02}.0Z" for second in (5, 40, 55)]
    log = (
        f"{stamps[0]} aws_vpc.early: Creation complete after 3s [id=vpc-1]\n"
        f"{stamps[1]} aws_vpc.late: Creation complete after 3s [id=vpc-2]\n"
        f"{stamps[2]} Error: The operation was canceled.\n"
    )
    assert [(one.address, one.action, one.id) for one in unfinished(log)] == [("aws_vpc.late", Action.CREATED, "vpc-2")]


def test_the_json_output_of_an_apply_is_read_as_well() -> None:
    def line(kind: str, address: str, action: str = "create", **hook: Any) -> str:
        return json.dumps({"type": kind, "hook": {"resource": {"addr": address}, "action": action, **hook}})

    log = "\n".join(
        [
            line("apply_start", "aws_vpc.a"),
            line("apply_complete", "aws_vpc.a", id_key="id", id_value="vpc-1"),
            line("apply_start", "aws_db_instance.main"),
            line("apply_progress", "aws_db_instance.main", elapsed_seconds=1390),
            line("apply_start", "aws_x.failed", "update", id_value="i-1"),
            line("apply_errored", "aws_x.failed", "update"),
            '{"type": "apply_start", "hook": 3}',
        ]
    )
    found = by_address(log)
    assert found["aws_db_instance.main"].elapsed == "1390s"
    assert (found["aws_x.failed"].failed, found["aws_x.failed"].id) == (True, "i-1")
    assert len(found) == 2


@given(st.text(max_size=400))
def test_no_log_breaks_the_reading(log: str) -> None:
    unfinished(log + "\naws_db_instance.main: Creating...\n")


def test_an_import_block_names_the_address_and_the_id_where_the_log_has_it() -> None:
    known = Unfinished(address='aws_vpc.a["k"]', action=Action.CREATED, id='we"ird-${x}')
    assert known.import_block == 'import {\n  to = aws_vpc.a["k"]\n  id = "we\\"ird-$${x}"\n}'
    assert UNKNOWN_ID in Unfinished(address="aws_vpc.b", action=Action.CREATE).import_block


def test_what_was_being_destroyed_or_changed_is_not_to_be_imported() -> None:
    assert import_blocks([one for one in unfinished(KILLED) if one.action is not Action.CREATE]) == ""


def test_each_resource_is_read_against_the_plan_by_its_name() -> None:
    plan = (
        "  # aws_db_instance.main will be created\n"
        '  + resource "aws_db_instance" "main" {\n'
        '  # module.old["eu, west"].aws_instance.web[0] is tainted, so must be replaced\n'
    )
    told = {one.address: what for one, what in against(unfinished(KILLED), plan)}
    assert told == {
        "aws_db_instance.main": "will be created",
        "aws_s3_bucket_policy.logs": "is not named in the plan",
        'module.old["eu, west"].aws_instance.web[0]': "is tainted, so must be replaced",
    }
    assert planned("nothing") == {}


def test_the_list_survives_the_journal() -> None:
    story = Story()
    for finding in findings(unfinished(KILLED), A, source="the log", now=NOW):
        story.add(FindingRecorded, finding=finding)
    back = listed(story.incident)
    assert back == unfinished(KILLED)


def test_a_long_list_is_cut_and_says_so() -> None:
    log = "".join(f"aws_vpc.n{number}: Creating...\n" for number in range(MOST + 5))
    found = list(findings(unfinished(log), A, source="the log", now=NOW))
    assert len(found) == MOST + 1
    assert found[-1].fact.startswith("5 more")


CREATED = datetime(2026, 11, 23, 2, 41, 9, tzinfo=UTC)
JOB = Job(
    name="apply (infra/network)",
    stage=Stage.ENDED,
    run="812",
    definition="terraform apply",
    result="cancelled",
    cut=True,
    started=CREATED - timedelta(minutes=1),
    ended=CREATED + timedelta(minutes=25),
    runner=Runner.SINGLE_USE,
    log=KILLED,
    url="https://github.com/acme/infra/actions/runs/812",
)
TARGET = Target(names=("acme-tfstate/network/terraform.tfstate",), root="infra/network", others=("infra/prod",))


def dead(job: Job = JOB, **lock: str) -> list[str]:
    report = Report(system="github", place="GitHub Actions", source="GET", jobs=(job,))
    about = stored(Store.S3, lock_text(A, **lock))
    return [finding.key for finding in at_death(report, TARGET, about, NOW)]


def test_the_holders_log_is_the_one_that_is_read() -> None:
    assert "inflight.create.aws_db_instance.main" in dead()


def test_a_plan_had_nothing_in_flight() -> None:
    assert dead(Operation="OperationTypePlan") == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "apply (infra/prod)"},
        {"stage": Stage.RUNNING, "ended": None},
        {"log": None},
        {"started": CREATED + timedelta(hours=1), "ended": CREATED + timedelta(hours=2)},
    ],
)
def test_the_log_of_another_state_or_time_or_of_a_run_in_progress_is_not_read(change: dict[str, Any]) -> None:
    assert dead(msgspec.structs.replace(JOB, **change)) == []
