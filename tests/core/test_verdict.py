"""Is the holder dead? The rules, and what does not count."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.incidents import A, B, Story
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.runbook import CORE_QUESTIONS
from tuirunbook.core.verdict import HOLDER_QUESTIONS, Opinion, as_finding, judge, weigh


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
