"""Takes down what people say; what cannot be disputed cannot be answered away either."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.incidents import DUAL, TOLD, A, B, lock_text
from tests.walk.parts import Bench, Witness, written
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.events import LockChanged, NoteAdded, ReleaseEnded, RetryEnded
from tuirunbook.core.evidence import Candidate, Finding, Match, Says
from tuirunbook.core.gates import Policy, obstacle
from tuirunbook.core.lock import LockIdentity, Store
from tuirunbook.core.procedure import NO_LOCK
from tuirunbook.core.verdict import Opinion, as_finding, judge
from tuirunbook.walk.clerk import TOLD as SAYABLE

REFUSAL = f"""
Error: Error acquiring the state lock

Error message: operation error DynamoDB: PutItem, https response error StatusCode: 400, RequestID: X,
ConditionalCheckFailedException: The conditional request failed
Lock Info:
  ID:        {A}
  Path:      {DUAL.lock_id}
  Operation: OperationTypeApply
  Who:       runner@ci-7
  Version:   1.11.4
  Created:   2026-11-23 02:41:09.123456789 +0000 UTC
  Info:      
"""  # noqa: W291 - Terraform prints these spaces


def opinion(bench: Bench, lock: LockIdentity = A) -> Opinion:
    return judge(bench.incident, lock).opinion


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.look()
    return made


def running(bench: Bench, who: str = "sam") -> None:
    bench.answer()
    bench.clerk.answer(A, "owner", "mine-running", {"who": who})


# Mine, and running


def test_s6_who_may_take_an_answer_back_and_how_is_said_in_the_words_of_the_question(bench: Bench) -> None:
    running(bench)
    with pytest.raises(ValueError, match="only sam can take it back by answering “mine, it died” or “mine, unsure”"):
        bench.clerk.answer(A, "owner", "not-mine", TOLD | {"who": "kim"})


@pytest.mark.parametrize("value", ["not-mine", "nobody-reachable", "dont-know", "mine-died", "mine-unsure"])
@pytest.mark.parametrize("who", ["kim", ""])
def test_s6_mine_and_running_cannot_be_answered_away_by_somebody_else(bench: Bench, value: str, who: str) -> None:
    running(bench)
    with pytest.raises(ValueError, match="sam"):
        bench.clerk.answer(A, "owner", value, TOLD | {"who": who or "another"})
    assert opinion(bench) is Opinion.ACTIVE


@pytest.mark.parametrize("value", ["not-mine", "nobody-reachable", "dont-know"])
def test_s6_the_owner_not_being_reachable_does_not_take_it_back(bench: Bench, value: str) -> None:
    running(bench)
    with pytest.raises(ValueError, match="stands"):
        bench.clerk.answer(A, "owner", value, TOLD | {"who": "sam"})


@pytest.mark.parametrize(("value", "after"), [("mine-died", Opinion.ORPHANED), ("mine-unsure", Opinion.ORPHANED)])
def test_s6_the_one_who_said_it_can_take_it_back(bench: Bench, value: str, after: Opinion) -> None:
    running(bench)
    bench.clerk.answer(A, "owner", value, TOLD | {"who": " Sam "})
    assert opinion(bench) is after


def test_s6_where_nobody_was_named_the_operator_said_it(bench: Bench) -> None:
    running(bench, "")
    with pytest.raises(ValueError, match="priya"):
        bench.clerk.answer(A, "owner", "mine-died", TOLD | {"who": "sam"})
    bench.clerk.answer(A, "owner", "mine-unsure", TOLD | {"who": "priya"})


def test_s6_mine_and_running_may_be_said_again(bench: Bench) -> None:
    running(bench)
    bench.clerk.answer(A, "owner", "mine-running", {"who": "sam", "link": "https://chat/1"})
    assert opinion(bench) is Opinion.ACTIVE


# Disputes


def test_s6_what_is_final_cannot_be_disputed(bench: Bench) -> None:
    running(bench)
    with pytest.raises(ValueError, match="cannot be disputed"):
        bench.dispute("answer.owner")
    witness = Witness()
    witness.blocks(key="host.process", final=True)
    assert bench.observer.latest is not None
    for finding in witness.gather(bench.observer.latest.locks[0], DUAL, bench.clock()):
        bench.observer.weigh_in(finding)
    with pytest.raises(ValueError, match="cannot be disputed"):
        bench.dispute("host.process")


@pytest.mark.parametrize("key", ["ci.run", "answer.ci", "owner", ""])
def test_s6_what_nobody_found_cannot_be_disputed_in_advance(bench: Bench, key: str) -> None:
    with pytest.raises(ValueError, match="no such fact"):
        bench.dispute(key)


@pytest.mark.parametrize("missing", ["who", "how"])
def test_s6_a_dispute_says_who_and_how_known(bench: Bench, missing: str) -> None:
    bench.answer(ci="running")
    with pytest.raises(ValueError, match="how they know"):
        bench.dispute("answer.ci", who="" if missing == "who" else "kim", how=" " if missing == "how" else "saw it")
    assert opinion(bench) is Opinion.ACTIVE


def test_s6_a_dispute_of_what_was_shown_does_not_set_aside_what_its_source_says_by_now(bench: Bench) -> None:
    witness = Witness()
    assert bench.observer.latest is not None
    shown: list[Finding] = []
    for fact in ("run 1 is in progress", "run 2 is in progress"):
        witness.blocks(fact)
        bench.clock.forward(1)
        for finding in witness.gather(bench.observer.latest.locks[0], DUAL, bench.clock()):
            bench.observer.weigh_in(finding)
        shown.append(bench.incident.findings[A, "ci.run"])
    bench.clock.forward(1)
    with pytest.raises(ValueError, match="run 2 is in progress"):
        bench.clerk.dispute(shown[0], who="sam", how="run 1 plans another root")
    assert opinion(bench) is Opinion.ACTIVE
    bench.clerk.dispute(shown[1], who="sam", how="run 2 too")
    assert opinion(bench) is Opinion.CANNOT_TELL


def test_s6_a_dispute_of_an_answer_does_not_set_aside_the_next_one(bench: Bench) -> None:
    bench.answer(ci="running")
    shown = as_finding(bench.incident.answers[A, "ci"])
    bench.clock.forward(1)
    bench.answer(ci="running")
    with pytest.raises(ValueError, match="something else by now"):
        bench.clerk.dispute(shown, who="sam", how="that was about yesterday")
    assert opinion(bench) is Opinion.ACTIVE


# Answers


def test_s6_the_word_of_a_holder_that_runs_outlives_the_writes_that_it_makes(bench: Bench) -> None:
    running(bench)
    bench.shelf.state = written(bench.shelf.state)
    bench.look(3)
    bench.dispute("state.state-written")
    with pytest.raises(ValueError, match="only sam can take it back"):
        bench.clerk.answer(A, "owner", "not-mine", TOLD | {"who": "kim"})
    assert opinion(bench) is Opinion.ACTIVE


def test_s6_an_answer_about_a_lock_that_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="not there any more"):
        bench.clerk.answer(B, "ci", "none", TOLD)


def test_s6_an_answer_that_was_given_while_the_lock_changed_hands_counts_for_neither(bench: Bench) -> None:
    for store in Store:
        bench.shelf.hold(store, lock_text(B))
    bench.look(3)
    with pytest.raises(ValueError, match="the old one"):
        bench.clerk.answer(A, "ci", "none", TOLD)
    assert bench.incident.answers == {}


def test_an_answer_about_the_incident_counts_for_no_lock(bench: Bench) -> None:
    for question, value in {"ci": "ended", "owner": "mine-died", "holder-host": "ended", "next": "nothing"}.items():
        bench.clerk.answer(NO_LOCK, question, value, TOLD)
    assert opinion(bench) is Opinion.CANNOT_TELL
    refusal = obstacle(ForceUnlock(lock=A), bench.incident, bench.observer.latest, Policy())
    assert refusal is not None
    assert refusal.rule == "S6"


def _could_be(bench: Bench, *numbers: int) -> None:
    runs = tuple(Candidate(id=f"x:{n}", what=f"run {n}", says=Says.BLOCKS, fact="is running") for n in numbers)
    facts = {"fact": "could be", "source": "x", "observed_at": "2026-11-23T03:12:00Z", "match": Match.COULD_BE}
    bench.observer.weigh_in(Finding(key="ci.x.candidates", lock=A, says=Says.BLOCKS, candidates=runs, **facts))  # type: ignore[arg-type]


def test_the_run_that_was_picked_is_recorded_with_who_how_and_what_there_was_to_choose_from(bench: Bench) -> None:
    _could_be(bench, 1)
    bench.clerk.answer(A, "holder-run", "x:1", {"how": "its log"}, ("x:1", "none", "dont-know"))
    answer = bench.incident.answers[A, "holder-run"]
    assert (answer.answer, answer.how, answer.by, answer.says) == ("x:1", "its log", "priya", Says.NOTHING)
    assert answer.among == ("x:1", "none", "dont-know")
    assert opinion(bench) is Opinion.ACTIVE


def test_none_of_them_does_not_cover_a_run_that_came_up_while_the_question_was_open(bench: Bench) -> None:
    bench.answer()
    _could_be(bench, 1, 2)
    bench.clerk.answer(A, "holder-run", "none", {"how": "asked"}, ("x:1", "none"))
    assert opinion(bench) is Opinion.CANNOT_TELL
    bench.clerk.answer(A, "holder-run", "none", {"how": "asked"}, ("x:1", "x:2", "none"))
    assert opinion(bench) is Opinion.ORPHANED


@pytest.mark.parametrize(("value", "told"), [("x:9", {"how": "its log"}), ("x:1", {}), ("none", {"how": " "})])
def test_a_run_that_nobody_found_or_a_pick_without_a_reason_is_refused(
    bench: Bench, value: str, told: dict[str, str]
) -> None:
    _could_be(bench, 1)
    with pytest.raises(ValueError, match=r"no answer|lacks"):
        bench.clerk.answer(A, "holder-run", value, told, ("x:1",))


def test_without_candidates_nobody_is_asked_which_run_it_was(bench: Bench) -> None:
    with pytest.raises(ValueError, match="asks no question"):
        bench.clerk.answer(A, "holder-run", "none", {"how": "x"})


@pytest.mark.parametrize(("question", "value", "why"), [("ci", "maybe", "no answer"), ("weather", "fine", "asks no")])
def test_an_answer_that_nobody_asked_for_is_refused(bench: Bench, question: str, value: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bench.clerk.answer(A, question, value, TOLD)


@pytest.mark.parametrize("kind", [RetryEnded, ReleaseEnded, LockChanged])
def test_people_cannot_add_what_only_the_tool_can_know(bench: Bench, kind: type[NoteAdded]) -> None:
    assert kind not in SAYABLE
    with pytest.raises(ValueError, match="not for people"):
        bench.clerk.tell(kind)


# Skips and pasted errors


def test_s6_the_retry_is_skipped_for_a_listed_reason_only(bench: Bench) -> None:
    with pytest.raises(ValueError, match="no reason"):
        bench.clerk.skip("retry-plan", "no time", lock=A)
    bench.clerk.skip("retry-plan", "side-effects", lock=A)
    assert (A, "retry-plan") in bench.incident.skips


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (timedelta(0), True),
        (timedelta(minutes=4, seconds=59), True),
        (timedelta(minutes=5), False),
        (timedelta(hours=3), False),
        (timedelta(minutes=-10), False),
        (None, False),
    ],
)
def test_s6_a_refusal_in_ci_counts_as_the_retry_for_five_minutes(
    bench: Bench,
    age: timedelta | None,
    counts: bool,  # noqa: FBT001
) -> None:
    bench.clerk.paste(REFUSAL, printed_at=None if age is None else bench.clock() - age)
    assert (A in bench.incident.refused_by) is counts


@pytest.mark.parametrize(("hours", "counts"), [(2, False), (0, True)])
def test_s6_the_times_of_a_log_outweigh_the_word_that_it_is_fresh(bench: Bench, hours: int, *, counts: bool) -> None:
    printed = (bench.clock() - timedelta(hours=hours, seconds=30)).isoformat().replace("+00:00", ".0000000Z")
    log = "\n".join(f"{printed} {line}" for line in REFUSAL.splitlines())
    bench.clerk.paste(log, printed_at=bench.clock() - timedelta(minutes=1))
    assert (A in bench.incident.refused_by) is counts


def test_s15_a_pasted_id_that_is_not_here_is_doubt_and_no_retry(bench: Bench) -> None:
    bench.answer()
    bench.clerk.paste(REFUSAL.replace(A, B), printed_at=bench.clock())
    assert bench.incident.refused_by == {}
    refusal = obstacle(ForceUnlock(lock=A), bench.incident, bench.observer.latest, Policy())
    assert refusal is not None
    assert refusal.rule == "S15"


def test_a_pasted_text_that_is_no_refusal_names_no_lock(bench: Bench) -> None:
    bench.clerk.paste(f"I saw {A} and {B} somewhere", printed_at=bench.clock())
    assert (bench.incident.pasted, bench.incident.refused_by) == ({}, {})


def test_s12_a_pasted_text_is_cleaned_before_it_is_kept(bench: Bench) -> None:
    bench.clerk.paste("\x1b[31mError: Error acquiring the state lock\x1b[0m\x1b]0;x\x07")
    assert "\x1b" not in str(bench.paper.events[-1])
