from __future__ import annotations

import json
import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuirunbook.core.diagnosis import (
    BackendStore,
    Kind,
    PlanOutcome,
    ReportedLock,
    UnlockOutcome,
    diagnose,
    read_plan,
    read_unlock,
    to_json_object,
)

FIXTURES = Path(__file__).parent.parent / "fixtures"
SGR = re.compile("\x1b\\[[0-9;]*m")


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


TERRAFORM = _rows("terraform-1.11.4.jsonl")
COLLECTED = _rows("lock-errors.jsonl")
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected-diagnosis.json").read_text(encoding="utf-8"))


def _stream(row: dict[str, Any]) -> str:
    """`stdout` for the human text on a pipe's stdout; `error` for every channel that carries the errors."""
    return "stdout" if re.fullmatch(r"pipe.*\.stdout", row["channel"]) else "error"


def _text(case: str, channel: str) -> str:
    return str(next(row["text"] for row in TERRAFORM if (row["case"], row["channel"]) == (case, channel)))


def _ids(text: str) -> list[str]:
    """The IDs under `Lock Info`, read the plain way."""
    plain = SGR.sub("", text).replace("\\n", "\n").replace("\r", "")
    return list(dict.fromkeys(re.findall(r"^[│ ]*ID: +(\S+) *$", plain, re.MULTILINE)))


@pytest.mark.parametrize("row", TERRAFORM, ids=lambda row: f"{row['case']}-{row['channel']}")
def test_every_output_of_terraform_gets_the_kind_that_its_case_was_made_for(row: dict[str, Any]) -> None:
    kind, store = EXPECTED["terraform-1.11.4"][row["case"]][_stream(row)]
    diagnosis = diagnose(row["text"])
    assert (diagnosis.kind, diagnosis.store) == (kind, store)
    assert [lock.id for lock in diagnosis.locks if lock.id] == _ids(row["text"])
    if kind == Kind.HELD and row["case"] != "iam.no-getitem.locked-plan":
        assert len(diagnosis.locks) == 1


@pytest.mark.parametrize("number", range(len(COLLECTED)))
def test_every_collected_error_gets_its_kind_store_and_lock_id(number: int) -> None:
    kind, store, *ids = EXPECTED["lock-errors"][number]
    diagnosis = diagnose(COLLECTED[number]["raw_text"])
    assert (diagnosis.kind, diagnosis.store, [lock.id for lock in diagnosis.locks]) == (kind, store, ids)


def test_each_field_of_the_lock_is_read() -> None:
    (lock,) = diagnose(_text("locked.ddb.plan", "pty80")).locks
    assert lock == ReportedLock(
        id="817eac89-31cc-5c11-36e6-fd7341cb70e3",
        path="acme-tfstate/stale-ddb/terraform.tfstate",
        operation="OperationTypeApply",
        who="root@vm",
        version="1.11.4",
        created="2026-11-23T09:24:46.17741269Z",
        info=None,
    )


def test_the_json_object_has_exactly_the_documented_shape() -> None:
    told = to_json_object(diagnose(_text("locked.lockfile.plan", "pipe.stderr")))
    assert list(told) == ["kind", "store", "locks", "explanation", "runbook"]
    locks = told["locks"]
    assert isinstance(locks, list)
    assert list(locks[0]) == ["id", "path", "operation", "who", "version", "created", "info"]
    assert json.loads(json.dumps(told))["kind"] == "held"


HELD_DYNAMODB = _text("locked.ddb.plan", "pipe-nocolor.stderr")
HELD_S3 = _text("locked.lockfile.plan", "pipe-nocolor.stderr")
KNOWN = {
    "held-dynamodb": HELD_DYNAMODB,
    "held-s3": HELD_S3,
    "unreadable-dynamodb": _text("ddb.info-empty.plan", "pipe-nocolor.stderr"),
    "unreadable-s3": _text("lockfile.info-malformed.plan", "pipe-nocolor.stderr"),
    "denied": _text("iam.no-putitem.plan", "pipe-nocolor.stderr"),
    "denied-s3": _text("iam.s3-no-put.plan", "pipe-nocolor.stderr"),
    "holder-denied": _text("iam.no-getitem.locked-plan", "pipe-nocolor.stderr"),
    "no-table": _text("no-table.plan", "pipe-nocolor.stderr"),
    "expired": _text("aws.ddb-expired-token.plan", "pipe-nocolor.stderr"),
    "throttled": _text("aws.ddb-throttled.plan", "pipe-nocolor.stderr"),
    "release": _text("iam.no-deleteitem.plan", "pipe-nocolor.stderr"),
    "digest": _text("digest-mismatch.plan", "pipe-nocolor.stderr"),
    "unlock": _text("unlock.both.wrong-id", "pipe-nocolor.stderr"),
    "uninit": _text("uninit.plan", "pipe-nocolor.stderr"),
    "released": COLLECTED[17]["raw_text"],
    "gcs": COLLECTED[30]["raw_text"],
    "azurerm": COLLECTED[32]["raw_text"],
    "kubernetes": COLLECTED[35]["raw_text"],
    "pg": COLLECTED[34]["raw_text"],
    "old": COLLECTED[1]["raw_text"],
    "opentofu": COLLECTED[16]["raw_text"],
}


KNOWN = {name: re.sub("^[│╷╵] ?", "", text, flags=re.MULTILINE) for name, text in KNOWN.items()}


def _each_line(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(prefix + line for line in text.split("\n"))


def _boxed(text: str) -> str:
    lines = "".join(f"\x1b[31m│\x1b[0m \x1b[0m{line}\n" for line in text.strip("\n").split("\n"))
    return f"\x1b[31m╷\x1b[0m\x1b[0m\n{lines}\x1b[31m╵\x1b[0m\x1b[0m\n"


def _json_lines(text: str) -> str:
    summary, _, detail = text.strip().removeprefix("Error: ").partition("\n")
    diagnostic = {"severity": "error", "summary": summary, "detail": detail.strip()}
    first = {"@level": "info", "@message": "Terraform 1.11.4", "type": "version"}
    second = {
        "@level": "error",
        "@message": f"Error: {summary}",
        "diagnostic": diagnostic,
        "type": "diagnostic",
    }
    return f"{json.dumps(first)}\n{json.dumps(second)}\n"


PRESENTATIONS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "coloured box": _boxed,
    "plain box": lambda text: SGR.sub("", _boxed(text)),
    "terminal capture": lambda text: _boxed(text).replace("\n", "\r\n"),
    "GitHub log": lambda text: _each_line("2024-11-21T18:00:48.1167551Z ")(_boxed(text)),
    "gh run view": _each_line("plan\tTerraform Plan\t2024-11-21T18:00:48.1167551Z "),
    "GitLab log": _each_line("2024-11-21T18:00:48.116755Z 01O "),
    "Azure Pipelines": _each_line("2024-11-21T18:00:48.1167551Z ##[error]"),
    "Terragrunt": lambda text: _each_line("11:45:18.047 STDERR [live/prod] terraform: ")(_boxed(text)),
    "old Terragrunt": _each_line("[/work/live/prod] "),
    "indented": _each_line("      "),
    "gutter kept as bars": _each_line("| "),
    "doubled lines": lambda text: text.replace("\n", "\n\n"),
    "JSON string": lambda text: json.dumps({"message": text}),
    "JSON string in a JSON string": lambda text: json.dumps({"m": json.dumps({"message": text})}),
    "escape codes spelled out": lambda text: json.dumps(_boxed(text)),
    "flattened": lambda text: text.replace("\n", " "),
    "flattened box": lambda text: SGR.sub("", _boxed(text)).replace("\n", " "),
    "quoted in a chat": lambda text: f"can somebody help?\n```\n{text}\n```\nthanks\n",
    "after a long plan": lambda text: "aws_instance.web: Refreshing state... [id=i-0]\n" * 2000 + text,
}


@pytest.mark.parametrize("presentation", PRESENTATIONS)
@pytest.mark.parametrize("name", KNOWN)
def test_a_presentation_changes_neither_kind_nor_store_nor_ids(name: str, presentation: str) -> None:
    plain, shown = diagnose(KNOWN[name]), diagnose(PRESENTATIONS[presentation](KNOWN[name]))
    assert (shown.kind, shown.store) == (plain.kind, plain.store)
    assert [(lock.id, lock.who, lock.created) for lock in shown.locks] == [
        (lock.id, lock.who, lock.created) for lock in plain.locks
    ]


@pytest.mark.parametrize("name", [n for n, text in KNOWN.items() if text.lstrip().startswith("Error: ")])
def test_json_output_says_the_same_as_human_output(name: str) -> None:
    plain, shown = diagnose(KNOWN[name]), diagnose(_json_lines(KNOWN[name]))
    assert (shown.kind, shown.store, shown.locks) == (plain.kind, plain.store, plain.locks)


def _wrapped(text: str, width: int) -> str:
    """As Terraform wraps: at spaces only, and no line that begins with one; headlines stay whole."""
    wrapped = []
    for line in text.split("\n"):
        whole = not line.strip() or line.startswith((" ", "\t", "Error: ", "Error loading state", "Failed to "))
        wrapped += [line] if whole else textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapped)


@given(
    name=st.sampled_from(sorted(KNOWN)),
    width=st.integers(10, 200),
    box=st.sampled_from(["as it is", "coloured box", "terminal capture"]),
    program=st.sampled_from(["as it is", "Terragrunt", "old Terragrunt"]),
    log=st.sampled_from(["as it is", "GitLab log", "Azure Pipelines", "JSON string"]),
)
@settings(deadline=None)
def test_any_width_in_any_wrapper_says_the_same(name: str, width: int, box: str, program: str, log: str) -> None:
    text = _wrapped(KNOWN[name], width)
    for shape in (box, program, log):
        text = PRESENTATIONS[shape](text)
    plain, shown = diagnose(KNOWN[name]), diagnose(text)
    assert (shown.kind, shown.store) == (plain.kind, plain.store)
    assert [lock.id for lock in shown.locks] == [lock.id for lock in plain.locks]


_PIECES = [*KNOWN.values(), "Lock Info:", "  ID: ", "Error: ", "\\n", "\\u001b[", "\x1b]", "│", "\r", '{"@level"', "}"]


@given(st.lists(st.one_of(st.text(), st.sampled_from(_PIECES)), max_size=8).map("".join))
@settings(deadline=None)
def test_no_text_raises(text: str) -> None:
    json.dumps(to_json_object(diagnose(text)))
    read_plan(text, 1)
    read_plan(text, None, probe=True)
    read_unlock(text, None)


@pytest.mark.parametrize("text", ["AccessDenied", "SlowDown", "npm ERR! Error: connection refused", "hello"])
def test_a_code_without_a_store_is_unknown(text: str) -> None:
    assert diagnose(text).kind is Kind.UNKNOWN


@given(st.text(alphabet=st.characters(blacklist_characters="╷aeiouAEIOU")))
def test_text_that_is_not_terraforms_is_unknown(text: str) -> None:
    assert diagnose(text).kind is Kind.UNKNOWN


@given(name=st.sampled_from(sorted(KNOWN)), cut=st.floats(0, 1))
@settings(deadline=None)
def test_a_text_that_was_cut_off_claims_no_lock_that_the_whole_does_not_show(name: str, cut: float) -> None:
    text = KNOWN[name]
    whole = {lock.id for lock in diagnose(text).locks}
    for lock in diagnose(text[: int(len(text) * cut)]).locks:
        assert lock.id is None or any(identity and identity.startswith(lock.id) for identity in whole)


@pytest.mark.parametrize(
    "filler",
    [
        "aws_instance.web: Refreshing state... [id=i-0]\n",
        "Error: something else\n",
        " ",
        "a",
        "\\n",
        "\x1b[",
        "Lock Info:\n  ID: x\n",
        "Error acquiring the state lock\n",
        "Plan: 1 to add ",
        "[",
        "\t",
        "12:",
        "*",
    ],
)
def test_time_grows_with_the_length_of_the_text_and_not_with_its_square(filler: str) -> None:
    def seconds(size: int) -> float:
        text = filler * (size // len(filler)) + "\n" + HELD_DYNAMODB
        best = float("inf")
        for _ in range(2):
            begin = time.thread_time()
            assert read_plan(text, 1).lock_ids[-1:] == ("817eac89-31cc-5c11-36e6-fd7341cb70e3",)
            best = min(best, time.thread_time() - begin)
        return best

    small, large = seconds(100_000), seconds(1_600_000)
    assert large < 0.05 + 16 * 6 * small


def test_the_error_code_decides_and_not_the_block_beneath_it() -> None:
    denied = KNOWN["denied"].replace("unexpected end of JSON input", HELD_DYNAMODB[HELD_DYNAMODB.index("Lock Info:") :])
    diagnosis = diagnose(denied)
    assert diagnosis.kind is Kind.ACCESS_DENIED
    assert [lock.id for lock in diagnosis.locks] == ["817eac89-31cc-5c11-36e6-fd7341cb70e3"]
    assert read_plan(denied, 1).outcome is PlanOutcome.INCONCLUSIVE


def test_a_providers_error_with_the_same_code_is_not_a_lock() -> None:
    text = (
        "aws_dynamodb_table_item.x: Refreshing state... [id=x]\n\n"
        "Error: creating DynamoDB Table (t) Item: operation error DynamoDB: PutItem, https response error\n"
        "StatusCode: 400, RequestID: X, ConditionalCheckFailedException: The conditional request failed\n\n"
        "  with aws_dynamodb_table_item.x,\n  on main.tf line 3, in resource:\n"
    )
    assert diagnose(text).kind is Kind.NOT_A_LOCK_ERROR
    assert read_plan(text, 1).outcome is PlanOutcome.OBTAINED


def test_several_locks_are_told_each_once() -> None:
    text = HELD_DYNAMODB + HELD_S3 + HELD_DYNAMODB
    assert [lock.id for lock in diagnose(text).locks] == [
        "817eac89-31cc-5c11-36e6-fd7341cb70e3",
        "d16f6143-6089-20da-7781-34ed869d3714",
    ]


OLD_AND_OPENTOFU = {
    "2 errors, old": (
        (
            "Error: Error acquiring the state lock\n\nError message: 2 errors occurred:\n"
            "\t* ConditionalCheckFailedException: The conditional request failed\n"
            "\t* unexpected end of JSON input\n\n\n"
        ),
        Kind.UNREADABLE_LOCK,
    ),
    "OpenTofu, gone": (
        (
            "Error: Error acquiring the state lock\n\nError message: 2 errors occurred:\n"
            "\t* operation error DynamoDB: PutItem, ConditionalCheckFailedException: The conditional request failed\n"
            '\t* no lock info found for: "b/k" within the DynamoDB table: t\n\n'
        ),
        Kind.RELEASED_MEANWHILE,
    ),
    "OpenTofu, lockfile not JSON": (
        (
            "Error: Error acquiring the state lock\n\nError message: 2 errors occurred:\n"
            "\t* operation error S3: PutObject, StatusCode: 412, api error PreconditionFailed: At least one\n"
            '\t* unable to json parse the lock info "k.tflock" from bucket "b": invalid character\n\n'
        ),
        Kind.UNREADABLE_LOCK,
    ),
    "lost race": ("Error acquiring the state lock ... api error ConditionalRequestConflict: x", Kind.HELD),
    "orphan": (
        (
            "Error: Error acquiring the state lock\n\nError message: failed to clean up file lock after DynamoDB lock "
            "error: operation error S3: DeleteObject, AccessDenied; original error: operation error DynamoDB: PutItem, "
            "ConditionalCheckFailedException: The conditional request failed\n"
        ),
        Kind.HELD,
    ),
    "digest, old": (
        "Error refreshing state: state data in S3 does not have the expected content.\n",
        Kind.DIGEST_MISMATCH,
    ),
    "HCP workspace": ("Error: Error acquiring the state lock\n\nError message: workspace already locked\n", Kind.HELD),
    "no role": ("Error: Cannot assume IAM Role\n\nIAM Role (arn) cannot be assumed.\n", Kind.CREDENTIALS),
    "workspace create": (
        (
            "Error: error loading state: failed to lock s3 state: api error PreconditionFailed: At least one\n"
            "Lock Info:\n  ID:        x\n"
        ),
        Kind.HELD,
    ),
    "only a block": (HELD_S3[HELD_S3.index("Lock Info:") :], Kind.UNKNOWN),
    "tofu 1.12 unlock": (
        'Error: Failed to unlock state: lock id "x" does not match existing lock\n',
        Kind.UNLOCK_FAILED,
    ),
    "nothing": ("", Kind.UNKNOWN),
}


@pytest.mark.parametrize("name", OLD_AND_OPENTOFU)
def test_wording_of_other_versions_and_products(name: str) -> None:
    text, kind = OLD_AND_OPENTOFU[name]
    assert diagnose(text).kind is kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KNOWN["pg"], "describes the command that was refused, not the holder"),
        (OLD_AND_OPENTOFU["HCP workspace"][0], "describes the command that was refused, not the holder"),
        ("Error acquiring the state lock: HTTP remote state already locked: ID=x\n", "Terraform before 1.15"),
        (OLD_AND_OPENTOFU["orphan"][0], "lockfile that this run had just written"),
        (KNOWN["holder-denied"], "may not read whose it is"),
        (_text("stolen-lock.replaced.apply.pipe-nocolor", ""), "another lock in place of its own"),
        (_text("partial.ddb-only.force-unlock", "pipe-nocolor.stderr"), "the other half was released"),
        ("Error: Failed to save state\n\nError saving state: ExpiredToken\n" + KNOWN["release"], "errored.tfstate"),
    ],
)
def test_the_explanation_says_what_is_special(text: str, told: str) -> None:
    assert told in diagnose(text).explanation


def test_runbooks_follow_the_cause() -> None:
    told = {name: diagnose(text).runbook for name, text in KNOWN.items()}
    assert told["held-s3"] == told["gcs"] == told["unreadable-s3"] == "state-lock"
    assert told["denied"] == told["release"] == "access-denied"
    assert told["no-table"] == "table-missing"
    assert told["digest"] == "digest-mismatch"
    assert told["expired"] is told["throttled"] is told["uninit"] is None


def test_text_from_outside_is_cleaned() -> None:
    text = HELD_DYNAMODB.replace("root@vm", "root\u202e@vm\x07 [/x]")
    (lock,) = diagnose(text).locks
    assert lock.who == "root\ufffd@vm\ufffd [/x]"
    assert "\u202e" not in diagnose(text).explanation


def test_a_windows_domain_user_is_not_taken_for_a_line_break() -> None:
    assert diagnose(HELD_DYNAMODB.replace("root@vm", "CORP\\nina@HOST")).locks[0].who == "CORP\\nina@HOST"


@pytest.mark.parametrize("row", TERRAFORM, ids=lambda row: f"{row['case']}-{row['channel']}")
def test_every_plan_is_read_as_its_case_was_made_for(row: dict[str, Any]) -> None:
    wanted = EXPECTED["plans"].get(row["case"])
    if wanted is None or (_stream(row) == "stdout" and "Error" not in row["text"] and row["exit_code"]):
        return
    reading = read_plan(row["text"], row["exit_code"])
    assert reading.outcome == wanted
    assert reading.release_failed == (reading.diagnosis.kind is Kind.RELEASE_FAILED)
    if wanted == PlanOutcome.REFUSED:
        assert list(reading.lock_ids) == _ids(row["text"])


PROBE_FREE = (
    '\nError: No value for required variable\n\n  on main.tf line 5:\n   5: variable "lock_probe" {}\n\n'
    'The root module input variable "lock_probe" is not set, and has no default\nvalue.\n'
)


@pytest.mark.parametrize("shape", ["as it is", "coloured box", "terminal capture"])
def test_a_probe_that_misses_its_variable_had_the_lock(shape: str) -> None:
    text = PRESENTATIONS[shape](PROBE_FREE)
    assert read_plan(text, 1, probe=True).outcome is PlanOutcome.OBTAINED
    assert read_plan(text, None, probe=True).outcome is PlanOutcome.OBTAINED
    assert read_plan(text, 1).outcome is PlanOutcome.INCONCLUSIVE


def test_a_refused_probe_is_refused_by_an_id() -> None:
    reading = read_plan(HELD_S3, 1, probe=True)
    assert (reading.outcome, reading.lock_ids) == (PlanOutcome.REFUSED, ("d16f6143-6089-20da-7781-34ed869d3714",))


def test_a_release_that_failed_names_the_lock_that_we_left_also_without_a_block() -> None:
    out = _text("iam.no-getitem.plan", "pipe-nocolor.stdout")
    reading = read_plan(out + _text("iam.no-getitem.plan", "pipe-nocolor.stderr"), 1)
    assert reading.outcome is PlanOutcome.OBTAINED
    assert reading.release_failed
    assert reading.lock_ids == ("171037d0-9f70-e796-5e62-9840805fe0f9",)
    assert reading.summary_line == "No changes. Your infrastructure matches the configuration."


@pytest.mark.parametrize(
    "text",
    [
        'Error: Invalid multi-line string\n\n  on main.tf line 3, in resource "x" "y":\n',
        "Error: Module not installed\n",
        "Error: Reference to undeclared resource\n\n  on main.tf line 3, in output:\n",
        "Acquiring state lock. This may take a few moments...\n",
        "",
    ],
)
def test_what_may_come_before_the_lock_leaves_it_open(text: str) -> None:
    assert read_plan(text, 1).outcome is PlanOutcome.INCONCLUSIVE
    assert read_plan(text, None).outcome is PlanOutcome.INCONCLUSIVE


def test_a_plan_that_succeeds_and_quotes_a_lock_error_obtained_the_lock() -> None:
    text = f"+ content = <<-EOT\n{HELD_DYNAMODB}\nEOT\n\nPlan: 1 to add, 0 to change, 0 to destroy.\n"
    assert read_plan(text, 2).outcome is PlanOutcome.OBTAINED


def test_a_signal_is_told() -> None:
    assert read_plan(_text("signal.plan-sigint-twice.plan.pipe-nocolor", ""), 1).interrupted
    assert read_plan("", -9).interrupted
    assert read_plan("", 137).interrupted
    assert not read_plan(HELD_S3, 1).interrupted


@pytest.mark.parametrize("row", TERRAFORM, ids=lambda row: f"{row['case']}-{row['channel']}")
def test_every_force_unlock_is_read_as_its_case_was_made_for(row: dict[str, Any]) -> None:
    wanted = EXPECTED["unlocks"].get(row["case"])
    if wanted is None or (_stream(row) == "stdout" and row["exit_code"]):
        return
    outcome, holder, half = wanted
    if row["exit_code"] == 0:
        outcome = UnlockOutcome.UNLOCKED
    reading = read_unlock(row["text"], row["exit_code"])
    told = reading.holder.id if reading.holder else None
    assert (reading.outcome, told, reading.half_released) == (outcome, holder, half)


def test_a_force_unlock_that_meets_its_own_lock_cannot_use_this_workspace() -> None:
    assert read_unlock(COLLECTED[10]["raw_text"], 1).outcome is UnlockOutcome.UNUSABLE_CONFIG


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Error: Duplicate backend configuration\n\n  on b.tf line 2, in terraform:\n", UnlockOutcome.UNUSABLE_CONFIG),
        ("Error: Invalid block definition\n\n  on b.tf line 2, in terraform:\n", UnlockOutcome.UNUSABLE_CONFIG),
        ("Locking is disabled for this backend\n", UnlockOutcome.UNUSABLE_CONFIG),
        ("Local state cannot be unlocked by another process\n", UnlockOutcome.UNUSABLE_CONFIG),
        (
            'Failed to unlock state: no lock info found for: "b/k" within the DynamoDB table: t\n',
            UnlockOutcome.NOTHING_THERE,
        ),
        ('Failed to unlock state: lock id "x" from s3 does not match existing lock\n', UnlockOutcome.OTHER_ID),
        ('Failed to unlock state: parsing time "yesterday" as "2006"\n', UnlockOutcome.UNREADABLE_OR_GONE),
        ("Failed to unlock state: operation error STS: ExpiredToken\n", UnlockOutcome.FAILED),
        ("OpenTofu state has been successfully unlocked!\n", UnlockOutcome.UNLOCKED),
        ("", UnlockOutcome.FAILED),
    ],
)
def test_other_ends_of_a_force_unlock(text: str, outcome: UnlockOutcome) -> None:
    assert read_unlock(text, None).outcome is outcome


def test_exit_code_zero_alone_is_not_believed() -> None:
    assert read_unlock("", 0).outcome is UnlockOutcome.FAILED


def test_the_fixtures_and_the_expectations_cover_each_other() -> None:
    assert {row["case"] for row in TERRAFORM} == set(EXPECTED["terraform-1.11.4"])
    assert len(COLLECTED) == len(EXPECTED["lock-errors"])
    assert {entry for streams in EXPECTED["terraform-1.11.4"].values() for _, entry in streams.values()} <= set(
        BackendStore
    )
