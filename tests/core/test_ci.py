"""The rules that make findings of what a CI system says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.ci import (
    Fit,
    Holder,
    Job,
    Report,
    Runner,
    Stage,
    Target,
    covers,
    ending,
    findings,
    fit,
    in_line,
    match,
    names_root,
    printed_at,
    refusal,
)
from tuirunbook.core.ci.matching import covers_path, values_of
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import LockIdentity

LOCK = LockIdentity("ac79d869-c060-d8c3-b079-2296078ee80e")
TAKEN = datetime(2026, 11, 23, 9, 26, 22, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOLDER = Holder(lock=LOCK, who="ci@build-7", created=TAKEN)
TARGET = Target(names=("acme/env:/prod/x.tfstate", LOCK), root="infra/prod", others=("infra/staging", "infra/prod/dns"))
RAN = Job(
    name="apply (infra/prod)",
    stage=Stage.ENDED,
    run="7",
    started=TAKEN - timedelta(minutes=2),
    ended=TAKEN + timedelta(minutes=9),
    runner=Runner.LASTING,
    host=("agent-1",),
)
END = "Terraform 1.11\nError: boom\n##[error]Process completed with exit code 1.\n"


def job(**changes: object) -> Job:
    return msgspec.structs.replace(RAN, **changes)


def judged(*jobs: Job, holder: Holder = HOLDER, now: datetime = NOW) -> dict[str, Finding]:
    report = Report(system="x", place="X", source="GET", jobs=jobs)
    return {finding.key.rpartition(".")[2]: finding for finding in findings(report, TARGET, holder, now)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("apply (infra/prod)", True),
        ("cd infra/prod && terraform apply", True),
        ("./infra/prod", True),
        ("${{ github.workspace }}/infra/prod", True),
        ("$CI_PROJECT_DIR/infra/prod", True),
        ("infra/prod/**", True),
        ("infra/prod/*.tf", True),
        ("infra/prod/main.tf", True),
        ("working-directory: infra/prod/", True),
        ("infra/prod/dns", False),
        ("infra/prod-eu", False),
        ("infra/production", False),
        ("old/infra/prod", False),
        ("my-infra/prod", False),
        ("infra/prod.bak", False),
        ("infra", False),
    ],
)
def test_a_directory_is_named_whole_and_not_by_its_neighbours(text: str, *, named: bool) -> None:
    assert names_root(text, "infra/prod") is named


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("apply (infra/prod, eu-west-1)", ("infra/prod", "eu-west-1")),
        ("apply: [infra/prod, eu]", ("infra/prod", "eu")),
        ("apply", ()),
        ("call / apply (prod)", ("prod",)),
    ],
)
def test_the_values_of_a_matrix_are_read_from_a_jobs_name(name: str, values: tuple[str, ...]) -> None:
    assert values_of(name) == values


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [("infra/prod/**", True), ("infra/prod", True), ("infra/prod/*.tf", True), ("infra/**", False), ("**", False)],
)
def test_a_path_filter_asks_for_a_root_only_when_it_is_inside(pattern: str, *, covered: bool) -> None:
    assert covers_path(pattern, "infra/prod") is covered


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Match.NAMES_THIS_STATE),
        ({"name": "apply (infra/staging)"}, Match.CANNOT_BE),
        ({"name": "apply"}, Match.COULD_BE),
        ({"name": "apply", "log": f"ID: {LOCK}"}, Match.NAMES_THIS_STATE),
        ({"name": "apply", "log": "key acme/env:/prod/x.tfstate"}, Match.NAMES_THIS_STATE),
        ({"name": "apply", "log": "key acme/env:/prod/x.tfstate-md5"}, Match.COULD_BE),
        ({"name": "apply", "log": "Path: ***/prod/x.tfstate"}, Match.COULD_BE),
        ({"name": "lint", "definition": "run: eslint ."}, Match.CANNOT_BE),
        ({"name": "lint", "definition": "run: ./ci.sh"}, Match.COULD_BE),
        ({"name": "go", "definition": "run: terraform -chdir=infra/prod apply"}, Match.NAMES_THIS_STATE),
        ({"name": "go", "definition": "run: terraform -chdir=infra/staging apply"}, Match.CANNOT_BE),
        ({"name": "go", "definition": "TF_ROOT: infra/staging\nrun: terragrunt run-all apply"}, Match.COULD_BE),
        ({"name": "go", "definition": "a: infra/staging\nworking-directory: $DIR\nrun: terraform"}, Match.COULD_BE),
        ({"name": "go", "definition": "infra/prod infra/staging terraform"}, Match.COULD_BE),
        ({"name": "go", "paths": ("infra/prod/**", "modules/**")}, Match.NAMES_THIS_STATE),
        ({"name": "go", "paths": ("infra/staging/**", "modules/**")}, Match.CANNOT_BE),
        ({"name": "go", "paths": ("!infra/prod/**", "**")}, Match.COULD_BE),
    ],
)
def test_how_firmly_a_job_is_tied_to_a_state(changes: dict[str, object], expected: Match) -> None:
    assert match(job(**changes), TARGET).match is expected


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("working-directory: prod\nrun: terraform apply", Match.NAMES_THIS_STATE),
        ("environment: prod\nrun: terraform apply", Match.COULD_BE),
    ],
)
def test_an_everyday_word_names_a_root_only_where_a_directory_is_said(definition: str, expected: Match) -> None:
    target = Target(names=(), root="prod")
    assert match(job(name="deploy prod", definition=definition), target).match is expected


@pytest.mark.parametrize(
    ("started", "ended", "covered"),
    [
        (-60, None, True),
        (60, None, True),
        (61, None, False),
        (-600, -60, True),
        (-600, -61, False),
        (-600, 600, True),
    ],
)
def test_a_window_is_as_wide_as_the_slack_on_both_sides(started: int, ended: int | None, *, covered: bool) -> None:
    end = None if ended is None else TAKEN + timedelta(seconds=ended)
    ran = job(started=TAKEN + timedelta(seconds=started), ended=end)
    assert covers(ran, HOLDER, timedelta(0)) is covered


def test_without_times_no_window_is_known() -> None:
    assert not covers(job(started=None), HOLDER, timedelta(0))
    assert not covers(RAN, Holder(lock=LOCK), timedelta(0))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"log": END}, Says.SUPPORTS),
        ({"log": "Terraform\nApply complete! Resources: 1 added, 0 changed, 0 destroyed."}, Says.SUPPORTS),
        ({"log": "tofu apply\nERROR: Job failed: exit code 1"}, Says.SUPPORTS),
        ({"log": "Terraform\nPlan: 1 to add, 0 to change\n##[error]The operation was canceled."}, Says.NOTHING),
        ({"log": "npm test\n##[error]Process completed with exit code 1."}, Says.NOTHING),
        ({"log": ""}, Says.NOTHING),
        ({}, Says.NOTHING),
        ({"log": END, "cut": True}, Says.NOTHING),
        ({"log": END, "lost": True}, Says.NOTHING),
        ({"runner": Runner.SINGLE_USE}, Says.SUPPORTS),
        ({"runner": Runner.SINGLE_USE, "cut": True}, Says.SUPPORTS),
        ({"runner": Runner.SINGLE_USE, "lost": True}, Says.NOTHING),
        ({"stage": Stage.RUNNING, "runner": Runner.SINGLE_USE}, Says.BLOCKS),
        ({"runner": Runner.SINGLE_USE, "result": "success"}, Says.NOTHING),
        ({"log": END, "result": "Succeeded"}, Says.NOTHING),
    ],
)
def test_what_an_end_says(changes: dict[str, object], says: Says) -> None:
    assert ending(job(**changes), HOLDER)[0] is says


@pytest.mark.parametrize(
    ("changes", "who", "expected"),
    [
        ({"host": ("build-7",)}, "ci@build-7", Fit.TIED),
        ({"host": ("runner",)}, "ci@runner", Fit.MAYBE),
        ({"log": "Running on build-7-x via"}, "ci@build-7-x", Fit.TIED),
        ({"log": "Running on build-77 via"}, "ci@build-7", Fit.MAYBE),
        ({"unlike": r"(?!runner@).+"}, "ci@build-7", Fit.NO),
        ({"unlike": r"(?!runner@).+"}, "runner@fv-az1-2", Fit.MAYBE),
        ({"unlike": r"(?!runner@).+"}, "", Fit.MAYBE),
    ],
)
def test_whether_a_job_can_have_left_a_who(changes: dict[str, object], who: str, expected: Fit) -> None:
    assert fit(job(**changes), msgspec.structs.replace(HOLDER, who=who))[0] is expected


def test_a_run_that_started_after_the_lock_blocks_and_is_not_its_holder() -> None:
    late = job(stage=Stage.RUNNING, started=TAKEN + timedelta(minutes=5), ended=None)
    found = judged(late)
    assert found["active"].says is Says.BLOCKS
    assert "no run that names this state can have taken the lock" in found["holder"].fact


def test_a_job_that_succeeded_does_not_hide_the_one_that_did_not() -> None:
    good = job(runner=Runner.SINGLE_USE, result="success", name="plan (infra/prod)")
    bad = job(runner=Runner.SINGLE_USE, result="cancelled", cut=True)
    assert judged(good)["holder"].says is Says.NOTHING
    assert "given its lock back" in judged(good)["holder"].fact
    assert judged(good, bad)["holder"].says is Says.SUPPORTS


def test_an_end_is_told_by_this_machines_clock() -> None:
    report = Report(system="x", place="X", source="GET", jobs=(job(log=END),), skew=timedelta(seconds=30))
    found = {finding.key: finding for finding in findings(report, TARGET, HOLDER, NOW)}
    assert found["ci.x.holder"].ended_at == "2026-11-23T09:34:52.000Z"


def test_what_names_this_state_comes_first_in_line() -> None:
    possible = job(name="nightly", stage=Stage.QUEUED)
    ours = job(stage=Stage.WAITING, hold="x cancel 1", undo="x rerun 1")
    other = job(name="apply (infra/staging)", stage=Stage.QUEUED)
    lines = in_line(Report(system="x", place="X", source="GET", jobs=(possible, other, ours)), TARGET)
    assert [line.match for line in lines] == [Match.NAMES_THIS_STATE, Match.COULD_BE]
    assert lines[0].hold == "x cancel 1"


@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (4.9, True), (5, False), (600, False)])
def test_a_refusal_counts_as_the_retry_for_five_minutes(minutes: float, *, fresh: bool) -> None:
    at = NOW - timedelta(minutes=minutes)
    stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z "
    log = "\n".join(
        stamp + line
        for line in (
            "Error: Error acquiring the state lock",
            "",
            "Error message: ConditionalCheckFailedException: The conditional request failed",
            "Lock Info:",
            f"  ID:        {LOCK}",
            "  Path:      acme/env:/prod/x.tfstate",
        )
    )
    report = Report(system="x", place="X", source="GET", jobs=(job(log=log),))
    assert (refusal(report, HOLDER, NOW) is not None) is fresh
    other = msgspec.structs.replace(HOLDER, lock=LockIdentity(LOCK.replace("a", "b")))
    assert refusal(report, other, NOW) is None


REFUSED = f"""Error: Error acquiring the state lock

Error message: ConditionalCheckFailedException: The conditional request failed
Lock Info:
  ID:        {LOCK}
  Path:      acme/env:/prod/x.tfstate
"""


@pytest.mark.parametrize(
    ("skew", "age", "fresh"),
    [(0, 4, True), (-60, 3.5, True), (-120, 6, False), (120, 2.5, True), (120, 3.5, False), (600, -8, True)],
)
def test_where_the_clocks_differ_a_refusal_is_as_old_as_either_allows(skew: float, age: float, *, fresh: bool) -> None:
    stamp = f"{NOW - timedelta(minutes=age):%Y-%m-%dT%H:%M:%S}Z "
    log = "\n".join(stamp + line for line in REFUSED.splitlines())
    report = Report(system="x", place="X", source="GET", jobs=(job(log=log),), skew=timedelta(seconds=skew))
    assert (refusal(report, HOLDER, NOW) is not None) is fresh


@pytest.mark.parametrize(("began", "fresh"), [(4, True), (6, False)])
def test_a_refusal_without_a_time_is_as_old_as_its_job(began: float, *, fresh: bool) -> None:
    started, ended = NOW - timedelta(minutes=began), NOW - timedelta(minutes=1)
    report = Report(system="x", place="X", source="GET", jobs=(job(log=REFUSED, started=started, ended=ended),))
    assert (refusal(report, HOLDER, NOW) is not None) is fresh


def test_a_log_whose_lines_carry_times_tells_when_it_was_refused() -> None:
    refused = "\n".join(
        f"2026-11-23T09:58:{second}.0000000Z {line}"
        for second, line in (
            (10, "Error: Error acquiring the state lock"),
            (10, "Error message: ConditionalCheckFailedException: The conditional request failed"),
            (11, f"  ID:        {LOCK}"),
            (30, "##[error]Process completed with exit code 1."),
        )
    ).replace("Z   ID", "Z Lock Info:\n2026-11-23T09:58:11.0000000Z   ID")
    assert printed_at(refused) == datetime(2026, 11, 23, 9, 58, 11, tzinfo=UTC)
    assert printed_at(refused.replace("2026-11-23T", "")) is None
    assert printed_at(f"2026-11-23T09:58:10Z Apply complete! {LOCK}") is None
    assert printed_at("") is None


TIMES = st.none() | st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
JOBS = st.builds(
    Job,
    name=st.sampled_from(["apply (infra/prod)", "apply (infra/staging)", "nightly", "\x1b[2Jx", "[b]"]),
    stage=st.sampled_from(Stage),
    run=st.text(max_size=5),
    result=st.sampled_from(["success", "failure", "cancelled", ""]),
    cut=st.booleans(),
    lost=st.booleans(),
    started=TIMES,
    ended=TIMES,
    runner=st.sampled_from(Runner),
    log=st.none() | st.sampled_from([END, f"refused by {LOCK}", ""]),
    url=st.just("https://ci.test/1"),
)


@given(st.lists(JOBS, max_size=6), JOBS)
def test_a_job_in_progress_that_names_the_state_always_blocks(jobs: list[Job], one: Job) -> None:
    running = msgspec.structs.replace(one, name="apply (infra/prod)", stage=Stage.RUNNING)
    assert judged(*jobs, running)["active"].says is Says.BLOCKS


@given(st.lists(JOBS, max_size=6))
def test_only_a_completed_hosted_job_or_a_log_with_terraforms_end_supports(jobs: list[Job]) -> None:
    weak = [msgspec.structs.replace(one, runner=Runner.LASTING, log=None) for one in jobs]
    assert all(finding.says is not Says.SUPPORTS for finding in judged(*weak).values())
    lost = [msgspec.structs.replace(one, lost=True) for one in jobs]
    assert all(finding.says is not Says.SUPPORTS for finding in judged(*lost).values())


@given(st.lists(JOBS, max_size=6), JOBS)
def test_another_job_never_turns_what_does_not_support_into_what_does_unless_it_does_itself(
    jobs: list[Job], more: Job
) -> None:
    cut = msgspec.structs.replace(more, runner=Runner.LASTING, log=None)
    if judged(*jobs)["holder"].says is not Says.SUPPORTS:
        assert judged(*jobs, cut)["holder"].says is not Says.SUPPORTS


@given(st.lists(JOBS, max_size=6), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_same_answer_makes_the_same_findings_however_old_the_lock_is(jobs: list[Job], later: timedelta) -> None:
    before, after = judged(*jobs), judged(*jobs, now=NOW + later)
    for key in (before.keys() | after.keys()) - {"retry"}:
        assert before[key].fact == after[key].fact
        assert before[key].says is after[key].says


@given(st.lists(JOBS, max_size=6))
def test_every_look_tells_the_same_keys_so_that_nothing_stale_blocks(jobs: list[Job]) -> None:
    assert {"active", "candidates", "holder", "next", "asked"} <= judged(*jobs).keys()
    for finding in judged(*jobs).values():
        assert "\x1b" not in finding.fact
        assert finding.lock == LOCK


def test_a_refusal_at_the_end_of_a_long_log_is_found() -> None:
    log = (
        "\x1b[32m2026-11-23T09:58:10.0000000Z module.vpc.aws_subnet.a: Still creating... [10s elapsed]\x1b[0m\n"
        * 20_000
    )
    jobs = [job(run=str(number), log=f"{number}{log}{REFUSED}") for number in range(4)]
    assert "this lock refused" in judged(*jobs)["retry"].fact


def test_only_an_address_of_the_web_becomes_a_link() -> None:
    running = job(stage=Stage.RUNNING, url="javascript:alert(1)")
    assert judged(running)["active"].link is None
