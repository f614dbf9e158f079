"""Is the holder dead? The rules, and what does not count."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import START, A, B, Story, lock_text, look, stored
from tuirunbook.core.events import FindingRecorded, LockObserved, SourceSwitched, timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import Held, LockSnapshot, Store
from tuirunbook.core.records import SnapshotRecord
from tuirunbook.core.runbook import CORE_QUESTIONS
from tuirunbook.core.verdict import HOLDER_QUESTIONS, Opinion, Verdict, as_finding, judge, weigh


def opinion(story: Story) -> Opinion:
    return judge(story.incident, A).opinion


def findings(says: Says, **facts: object) -> list[Finding]:
    told = {"key": "k", "lock": A, "fact": "f", "source": "s", "observed_at": "2026-11-23T03:12:00Z"} | facts
    return [Finding(says=says, **told)]  # type: ignore[arg-type]


def test_nothing_known_is_cannot_tell() -> None:
    verdict = judge(Story().incident, A)
    assert (verdict.opinion, verdict.unanswered) == (Opinion.CANNOT_TELL, HOLDER_QUESTIONS)


def test_s6_evidence_alone_does_not_stand_for_the_questions() -> None:
    story = Story()
    for key in ("host.process", "ci.run", "instance"):
        story.finding(key, Says.SUPPORTS)
    assert opinion(story) is Opinion.CANNOT_TELL


def test_every_question_answered_without_any_evidence_is_cannot_tell() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    verdict = judge(story.incident, A)
    assert (verdict.opinion, verdict.missing, verdict.unanswered) == (Opinion.CANNOT_TELL, HOLDER_QUESTIONS, ())


def test_one_sign_of_the_end_with_every_question_answered_is_orphaned() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="ended")
    verdict = judge(story.incident, A)
    assert (verdict.opinion, verdict.missing) == (Opinion.ORPHANED, ("ci", "owner"))


def test_a_block_outweighs_any_number_of_supports() -> None:
    story = Story()
    story.answers()
    story.finding("instance", Says.SUPPORTS)
    story.finding("ci.run", Says.BLOCKS)
    verdict = judge(story.incident, A)
    assert (verdict.opinion, bool(verdict.contradictions)) == (Opinion.ACTIVE, True)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match.NAMES_THIS_STATE, Opinion.ACTIVE),
        (Match.COULD_BE, Opinion.CANNOT_TELL),
        (Match.CANNOT_BE, Opinion.ORPHANED),
    ],
)
def test_how_firmly_a_block_matches_decides(match: Match, expected: Opinion) -> None:
    story = Story()
    story.answers()
    story.finding("ci.run", Says.BLOCKS, match=match)
    assert opinion(story) is expected


def test_a_support_that_only_could_be_about_this_state_is_none() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    story.finding("instance", Says.SUPPORTS, match=Match.COULD_BE)
    assert opinion(story) is Opinion.CANNOT_TELL


def test_findings_answers_and_disputes_about_another_lock_do_not_count() -> None:
    story = Story()
    story.answers(B)
    story.finding("ci.run", Says.BLOCKS, lock=B)
    assert judge(story.incident, A) == judge(Story().incident, A)
    story.answers(A)
    story.finding("ci.run", Says.BLOCKS)
    story.disputed("ci.run", B)
    assert opinion(story) is Opinion.ACTIVE


def test_s6_what_a_source_said_before_it_was_turned_off_still_blocks_and_no_longer_supports() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    story.finding("ci.holder", Says.SUPPORTS, asked="CI")
    assert opinion(story) is Opinion.ORPHANED
    story.add(SourceSwitched, source="CI", off=True, why="it answers with an error page")
    assert opinion(story) is Opinion.CANNOT_TELL
    assert judge(story.incident, A).not_checked == (
        "CI: turned off for this incident by priya (it answers with an error page)",
    )
    story.add(SourceSwitched, source="CI", off=False)
    assert opinion(story) is Opinion.ORPHANED
    story.finding("ci.active", Says.BLOCKS, asked="CI")
    story.add(SourceSwitched, source="CI", off=True)
    assert opinion(story) is Opinion.ACTIVE
    story.disputed("ci.active")
    assert opinion(story) is Opinion.CANNOT_TELL


def test_a_disputed_block_leaves_the_verdict_open_and_stays_in_sight() -> None:
    story = Story()
    story.answers()
    story.finding("ci.run", Says.BLOCKS)
    story.disputed("ci.run")
    verdict = judge(story.incident, A)
    assert (verdict.opinion, verdict.blocks) == (Opinion.CANNOT_TELL, ("ci.run was seen (disputed)",))


def test_an_answer_can_be_disputed_unless_it_is_final() -> None:
    story = Story()
    story.answers(ci="running")
    assert opinion(story) is Opinion.ACTIVE
    story.disputed("answer.ci")
    assert opinion(story) is Opinion.CANNOT_TELL
    story.answer(A, "owner", "mine-running")
    story.disputed("answer.owner")
    assert opinion(story) is Opinion.ACTIVE


def test_a_finding_whose_time_cannot_be_read_counts_as_not_disputed() -> None:
    story = Story()
    story.answers()
    story.finding("ci.run", Says.BLOCKS, observed_at="a while ago")
    story.disputed("ci.run")
    assert opinion(story) is Opinion.ACTIVE


def test_s14_an_answer_to_a_runbooks_own_question_can_block_and_cannot_support() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    event = story.incident.answers[A, "next"]
    own = {"question": "freeze", "answer": "on", "label": "a change freeze is on"}
    facts = {name: getattr(event, name) for name in ("lock", "who")}
    story.add(type(event), says=Says.SUPPORTS, **facts, **own)
    assert opinion(story) is Opinion.CANNOT_TELL
    story.add(type(event), says=Says.BLOCKS, **facts, **own)
    assert opinion(story) is Opinion.ACTIVE


def test_an_answer_as_a_finding_names_its_source() -> None:
    story = Story()
    story.answer(A, "owner", "mine-died", who="sam", how="the laptop crashed")
    finding = as_finding(story.incident.answers[A, "owner"])
    assert (finding.source, finding.fact) == ("sam", "the owner: mine, it died (the laptop crashed)")


SAYS = st.sampled_from(list(Says))
MATCH = st.sampled_from(list(Match))
ANY_FINDING = st.builds(
    lambda key, says, match, final: findings(says, key=key, match=match, final=final)[0],
    st.sampled_from("abc"),
    SAYS,
    MATCH,
    st.booleans(),
)
OPTIONS = [(q, option.value) for q in HOLDER_QUESTIONS for option in CORE_QUESTIONS[q].options]


@given(
    st.lists(ANY_FINDING, max_size=6), st.sets(st.sampled_from("abc")), st.lists(st.sampled_from(OPTIONS), max_size=5)
)
def test_the_verdict_follows_its_five_rules(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]]
) -> None:
    story = Story()
    for question, value in picked:
        story.answer(A, question, value)
    answers = [story.incident.answers[A, question] for question in dict(picked)]
    everything = found + [as_finding(answer) for answer in answers]
    verdict = weigh(everything, disputed, answers)

    told = {answer.question: answer.says for answer in answers}
    unanswered = [q for q in HOLDER_QUESTIONS if told.get(q, Says.UNKNOWN) is Says.UNKNOWN]
    blocks = [f for f in everything if f.says is Says.BLOCKS and f.match is not Match.CANNOT_BE]
    named = [f for f in blocks if f.match is Match.NAMES_THIS_STATE and (f.final or f.key not in disputed)]
    supports = [f for f in everything if f.says is Says.SUPPORTS and f.match is Match.NAMES_THIS_STATE]
    if named:
        expected = Opinion.ACTIVE
    elif unanswered or blocks or not supports:
        expected = Opinion.CANNOT_TELL
    else:
        expected = Opinion.ORPHANED
    assert (verdict.opinion, list(verdict.unanswered)) == (expected, unanswered)


@given(st.lists(ANY_FINDING, max_size=5))
def test_the_order_of_findings_does_not_matter(found: list[Finding]) -> None:
    opinions = {weigh(order, (), ()).opinion for order in itertools.islice(itertools.permutations(found), 10)}
    assert len(opinions) == 1


PERMISSIVE = [Opinion.ACTIVE, Opinion.CANNOT_TELL, Opinion.ORPHANED]
"""From the one that refuses to the one that asks for least."""
KEYS = st.sampled_from(["a", "b", "c", "answer.ci", "answer.holder-host", "state.state-written"])
ENDS = st.sampled_from([msgspec.UNSET, "2026-11-23T03:12:30Z", "2026-11-23T03:14:00Z", "2026-11-24T03:12:00Z"])
OPPOSED = st.lists(
    st.sampled_from(["a", "b", "holder-host=ended", "holder-host=host-gone", "ci=ended", "answer.ci"]), max_size=2
)
EVERY_FINDING = st.builds(
    lambda key, says, match, final, opposes, end: findings(
        says, key=key, match=match, final=final, opposes=tuple(opposes), fact=f"{key} {says} {match}", ended_at=end
    )[0],
    KEYS,
    SAYS,
    MATCH,
    st.booleans(),
    OPPOSED,
    ENDS,
)
BLOCKING = st.builds(lambda finding: msgspec.structs.replace(finding, says=Says.BLOCKS), EVERY_FINDING)
SOME = st.lists(EVERY_FINDING, max_size=6)
DISPUTED = st.sets(KEYS)
PICKED = st.lists(st.sampled_from(OPTIONS), max_size=5)


def answered(picked: list[tuple[str, str]]) -> Story:
    story = Story()
    for question, value in picked:
        story.answer(A, question, value)
    return story


def weighed(found: list[Finding], disputed: set[str], picked: list[tuple[str, str]]) -> Verdict:
    answers = list(answered(picked).incident.answers.values())
    return weigh(found + [as_finding(answer) for answer in answers], disputed, answers)


def permits(verdict: Verdict) -> tuple[int, int]:
    """How far a verdict opens the way, and what it leaves unanswered."""
    return PERMISSIVE.index(verdict.opinion), -len(verdict.unanswered)


@given(SOME, DISPUTED, PICKED, BLOCKING)
def test_adding_a_blocking_finding_never_makes_a_verdict_more_permissive(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], blocking: Finding
) -> None:
    before, after = weighed(found, disputed, picked), weighed([*found, blocking], disputed, picked)
    assert permits(after) <= permits(before)


@given(SOME, DISPUTED, PICKED, EVERY_FINDING)
def test_what_only_could_be_about_this_state_never_supports(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], extra: Finding
) -> None:
    vague = msgspec.structs.replace(extra, match=Match.COULD_BE)
    before, after = weighed(found, disputed, picked), weighed([*found, vague], disputed, picked)
    assert permits(after) <= permits(before)


@given(SOME, DISPUTED, PICKED, EVERY_FINDING)
def test_what_cannot_be_about_this_state_changes_nothing(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], extra: Finding
) -> None:
    unrelated = msgspec.structs.replace(extra, match=Match.CANNOT_BE)
    assert weighed([*found, unrelated], disputed, picked) == weighed(found, disputed, picked)


@given(SOME, DISPUTED, PICKED, EVERY_FINDING)
def test_a_check_that_failed_is_listed_and_decides_nothing(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], extra: Finding
) -> None:
    failed = msgspec.structs.replace(extra, key="failed", says=Says.UNKNOWN, match=Match.COULD_BE, fact="not asked")
    before, after = weighed(found, disputed, picked), weighed([*found, failed], disputed, picked)
    assert msgspec.structs.replace(after, not_checked=before.not_checked) == before
    assert "not asked" in after.not_checked


@given(SOME, DISPUTED, PICKED, st.sets(st.sampled_from(["CI", "EC2"])), st.sets(st.sampled_from(["CI", "EC2"])))
def test_s6_turning_a_source_off_never_makes_a_verdict_more_permissive(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], off: set[str], more: set[str]
) -> None:
    story = answered(picked)
    for number, finding in enumerate(found):
        asked = msgspec.structs.replace(finding, asked=("CI", "EC2")[number % 2], key=f"{finding.key}{number}")
        story.add(FindingRecorded, finding=asked)
        if finding.key in disputed:
            story.disputed(f"{finding.key}{number}")
    for source in sorted(off):
        story.add(SourceSwitched, source=source, off=True)
    before = judge(story.incident, A)
    for source in sorted(more):
        story.add(SourceSwitched, source=source, off=True, why="it is slow")
    after = judge(story.incident, A)
    assert permits(after) <= permits(before)
    assert {told.partition(":")[0] for told in after.not_checked} >= off | more


@given(SOME, PICKED, st.integers(min_value=0, max_value=3_000))
def test_age_alone_never_changes_the_verdict(found: list[Finding], picked: list[tuple[str, str]], days: int) -> None:
    verdicts = []
    for age in (timedelta(0), timedelta(days=days)):
        story = answered(picked)
        story.add(LockObserved, snapshot=SnapshotRecord.of(held_since(START - age)))
        for finding in found:
            story.finding(finding.key, finding.says, match=finding.match, final=finding.final)
        verdicts.append(judge(story.incident, A))
    assert verdicts[0] == verdicts[1]


@given(SOME, DISPUTED, PICKED, SOME)
def test_findings_about_another_lock_never_count(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]], others: list[Finding]
) -> None:
    def told(strangers: list[Finding]) -> Verdict:
        story = answered(picked)
        for finding in strangers:
            story.finding(finding.key, finding.says, lock=B, match=finding.match, final=finding.final)
        for finding in found:
            story.finding(finding.key, finding.says, match=finding.match, final=finding.final)
        for key in disputed:
            story.disputed(key, B)
        return judge(story.incident, A)

    assert told(others) == told([])


@given(SOME, DISPUTED, PICKED)
def test_every_verdict_says_why_and_cannot_tell_says_what_would_decide(
    found: list[Finding], disputed: set[str], picked: list[tuple[str, str]]
) -> None:
    verdict = weighed(found, disputed, picked)
    assert verdict.because
    assert verdict.advice
    if verdict.opinion is Opinion.CANNOT_TELL:
        assert {check.question for check in verdict.checks} >= set(verdict.unanswered)
        assert all(check.minutes > 0 for check in verdict.checks)
    else:
        assert verdict.checks == ()


# Writes of the state that were seen between two looks


def written_at(seconds: float, key: str = "state.state-written") -> Story:
    """A write was seen then; the operator has answered everything since."""
    story = Story()
    story.look()
    story.clock = seconds
    story.finding(key, Says.BLOCKS)
    story.answers(ci="ended", owner="mine-died", holder_host="ended")
    return story


def ended_at(story: Story, seconds: float, **facts: Any) -> Opinion:
    story.finding("ci.github.holder", Says.SUPPORTS, ended_at=timestamp(START + timedelta(seconds=seconds)), **facts)
    return opinion(story)


@pytest.mark.parametrize("key", ["state.state-written", "state.digest-written"])
def test_a_write_that_was_seen_blocks_whatever_people_say_and_however_long_ago_it_was(key: str) -> None:
    story = written_at(0, key)
    story.clock = 1e6
    story.look()
    story.answers()
    assert opinion(story) is Opinion.ACTIVE


@pytest.mark.parametrize(
    ("end", "expected"),
    [(-10, Opinion.ACTIVE), (0, Opinion.ACTIVE), (60, Opinion.ACTIVE), (61, Opinion.ORPHANED)],
)
def test_a_write_is_past_once_the_holder_ended_surely_after_the_look_that_showed_it(
    end: int, expected: Opinion
) -> None:
    assert ended_at(written_at(100), 100 + end) is expected


def test_a_write_that_was_seen_after_the_end_blocks() -> None:
    story = written_at(100)
    assert ended_at(story, 500) is Opinion.ORPHANED
    story.clock = 600
    story.finding("state.state-written", Says.BLOCKS)
    assert opinion(story) is Opinion.ACTIVE


@pytest.mark.parametrize(
    "facts", [{"match": Match.COULD_BE}, {"match": Match.CANNOT_BE}, {"key": "x", "ended_at": "?"}]
)
def test_an_end_that_is_not_the_holders_for_sure_ends_no_write(facts: dict[str, Any]) -> None:
    story = written_at(100)
    if "key" in facts:
        story.finding(facts["key"], Says.SUPPORTS, ended_at=facts["ended_at"])
        assert opinion(story) is Opinion.ACTIVE
    else:
        assert ended_at(story, 1_000, **facts) is Opinion.ACTIVE


def test_an_end_that_something_opposes_ends_no_write() -> None:
    story = written_at(100)
    story.finding("host.process", Says.NOTHING, opposes=("ci.github.holder",))
    assert ended_at(story, 1_000) is Opinion.ACTIVE


def test_the_holders_end_makes_nothing_past_but_writes() -> None:
    assert ended_at(written_at(100, "ci.gitlab.active"), 1_000) is Opinion.ACTIVE


def held_since(created: datetime, **facts: Any) -> LockSnapshot:
    """A look at lock A, taken at `created` by its own word."""
    dynamodb = Held(lock=stored(Store.DYNAMODB, lock_text(A, Created=created.isoformat())))
    s3 = Held(lock=stored(Store.S3, lock_text(A, Created=created.isoformat()), **facts))
    return msgspec.structs.replace(look(), dynamodb=dynamodb, s3=s3)


B_, S_, N_, U_ = Says.BLOCKS, Says.SUPPORTS, Says.NOTHING, Says.UNKNOWN
NAMES, COULD, CANNOT = Match.NAMES_THIS_STATE, Match.COULD_BE, Match.CANNOT_BE
ALL_NEUTRAL = {"ci": "none", "owner": "not-mine", "holder-host": "unreachable"}
ALL_ENDED = {"ci": "ended", "owner": "mine-died", "holder-host": "ended"}


@pytest.mark.parametrize(
    ("facts", "answers", "disputed", "expected"),
    [
        # what blocks and names this state
        ([(B_, NAMES)], ALL_ENDED, [], Opinion.ACTIVE),
        ([(B_, NAMES)], {}, [], Opinion.ACTIVE),
        ([(B_, NAMES), (S_, NAMES)], ALL_ENDED, [], Opinion.ACTIVE),
        ([(B_, NAMES)], ALL_ENDED, ["k0"], Opinion.CANNOT_TELL),
        ([(B_, NAMES), (B_, NAMES)], ALL_ENDED, ["k0"], Opinion.ACTIVE),
        # questions come before everything but that
        ([(S_, NAMES)], {}, [], Opinion.CANNOT_TELL),
        ([(S_, NAMES)], {"ci": "none", "owner": "not-mine"}, [], Opinion.CANNOT_TELL),
        ([(S_, NAMES)], ALL_NEUTRAL | {"owner": "dont-know"}, [], Opinion.CANNOT_TELL),
        # what could be
        ([(B_, COULD)], ALL_ENDED, [], Opinion.CANNOT_TELL),
        ([(B_, COULD), (S_, NAMES)], ALL_ENDED, [], Opinion.CANNOT_TELL),
        ([(S_, COULD)], ALL_NEUTRAL, [], Opinion.CANNOT_TELL),
        # what cannot be is folded away
        ([(B_, CANNOT)], ALL_ENDED, [], Opinion.ORPHANED),
        ([(S_, CANNOT)], ALL_NEUTRAL, [], Opinion.CANNOT_TELL),
        # positive evidence, and none
        ([(S_, NAMES)], ALL_NEUTRAL, [], Opinion.ORPHANED),
        ([], ALL_ENDED, [], Opinion.ORPHANED),
        ([], ALL_NEUTRAL, [], Opinion.CANNOT_TELL),
        ([(N_, NAMES), (U_, NAMES)], ALL_NEUTRAL, [], Opinion.CANNOT_TELL),
        ([(N_, NAMES)] * 5, ALL_NEUTRAL, [], Opinion.CANNOT_TELL),
        ([(S_, NAMES), (U_, NAMES), (N_, NAMES)], ALL_NEUTRAL, [], Opinion.ORPHANED),
        # the owner's word
        ([], ALL_NEUTRAL | {"owner": "mine-died"}, [], Opinion.ORPHANED),
        ([], ALL_NEUTRAL | {"owner": "mine-unsure"}, [], Opinion.CANNOT_TELL),
        ([(S_, NAMES)], ALL_NEUTRAL | {"owner": "mine-running"}, [], Opinion.ACTIVE),
        ([(S_, NAMES)], ALL_NEUTRAL | {"owner": "mine-running"}, ["answer.owner"], Opinion.ACTIVE),
        ([], ALL_NEUTRAL | {"ci": "cancelled"}, [], Opinion.CANNOT_TELL),
    ],
)
def test_the_truth_table(
    facts: list[tuple[Says, Match]], answers: dict[str, str], disputed: list[str], expected: Opinion
) -> None:
    story = Story()
    for question, value in answers.items():
        story.answer(A, question, value)
    for number, (says, match) in enumerate(facts):
        story.finding(f"k{number}", says, match=match)
    for key in disputed:
        story.disputed(key)
    assert opinion(story) is expected


def test_what_opposes_a_support_is_shown_and_takes_its_weight() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="host-gone")
    assert opinion(story) is Opinion.ORPHANED
    story.finding("ec2", Says.NOTHING, fact="the instance runs", opposes=("holder-host=host-gone",))
    verdict = judge(story.incident, A)
    assert verdict.opinion is Opinion.CANNOT_TELL
    assert verdict.supports == ()
    assert "“the instance runs” and “the holder's host: " in verdict.contradictions[0]
    assert verdict.advice.startswith("Settle which is so: “the holder's host: ")


def test_somebody_who_looked_is_not_opposed_by_a_host_that_lives_on() -> None:
    story = Story()
    story.answers(ci="none", owner="not-mine", holder_host="ended")
    story.finding("ec2", Says.NOTHING, opposes=("holder-host=host-gone",))
    assert opinion(story) is Opinion.ORPHANED


def test_an_end_elsewhere_stands_although_another_is_opposed() -> None:
    story = Story()
    story.answers(ci="ended", owner="not-mine", holder_host="host-gone")
    story.finding("ec2", Says.NOTHING, opposes=("holder-host=host-gone",))
    verdict = judge(story.incident, A)
    assert (verdict.opinion, len(verdict.supports), len(verdict.contradictions)) == (Opinion.ORPHANED, 1, 1)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (timedelta(hours=-1), Opinion.CANNOT_TELL),
        (timedelta(seconds=-61), Opinion.CANNOT_TELL),
        (timedelta(seconds=-59), Opinion.ORPHANED),
        (timedelta(minutes=9), Opinion.ORPHANED),
    ],
)
def test_what_ended_before_the_lock_was_taken_says_nothing(ended: timedelta, expected: Opinion) -> None:
    story = Story()
    story.look(held_since(START))
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    story.finding("ci.run", Says.SUPPORTS, ended_at=timestamp(START + ended))
    assert opinion(story) is expected


def test_the_servers_clock_widens_the_time_in_which_the_lock_was_taken() -> None:
    story = Story()
    story.look(held_since(START, last_modified=timestamp(START - timedelta(minutes=5))))
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    story.finding("ci.run", Says.SUPPORTS, ended_at=timestamp(START - timedelta(minutes=4)))
    assert opinion(story) is Opinion.ORPHANED


def test_an_end_supports_nothing_where_the_lock_does_not_say_when_it_was_taken() -> None:
    story = Story()
    unreadable = stored(Store.DYNAMODB, b"garbage")
    story.look(msgspec.structs.replace(look(), dynamodb=Held(lock=unreadable)))
    story.answers(unreadable.identity, ci="none", owner="not-mine", holder_host="unreachable")
    for ended_at, expected in ((timestamp(START), Opinion.CANNOT_TELL), (msgspec.UNSET, Opinion.ORPHANED)):
        story.finding("ci.run", Says.SUPPORTS, lock=unreadable.identity, ended_at=ended_at)
        assert judge(story.incident, unreadable.identity).opinion is expected


def test_cannot_tell_names_the_checks_that_would_decide_and_how_long_they_take() -> None:
    story = Story()
    story.answer(A, "ci", "none")
    verdict = judge(story.incident, A)
    assert verdict.advice == "Find out about the owner (about 5 min) and the holder's host (about 3 min) first."
    story.answers(ci="none", owner="not-mine", holder_host="unreachable")
    verdict = judge(story.incident, A)
    assert verdict.any_decides
    assert [check.question for check in verdict.checks] == ["ci", "holder-host", "owner"]
    assert "CI (about 2 min) or the holder's host" in verdict.advice


def test_runs_that_could_be_the_holder_are_one_question_with_its_candidates() -> None:
    story = Story()
    story.answers()
    for number in (1, 2):
        story.finding(f"ci.{number}", Says.BLOCKS, match=Match.COULD_BE, fact=f"run {number} is in progress")
    verdict = judge(story.incident, A)
    assert verdict.candidates == ("run 1 is in progress", "run 2 is in progress")
    assert len(verdict.checks) == 2
