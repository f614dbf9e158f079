"""The postmortem that writes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.journal.story import ADDRESS, LOCK, OTHER, START, free, held, lock_record, opened, story
from tuirunbook.core.chain import ChainReport, Damage
from tuirunbook.core.changes import Change
from tuirunbook.core.events import (
    CheckRecorded,
    Closed,
    DetailsGiven,
    Event,
    FindingRecorded,
    LockChanged,
    LockObserved,
    NoteAdded,
    Opened,
    OutsideAction,
    QuestionAnswered,
    ReleaseEnded,
    ReleaseIntended,
    RetryEnded,
    SourceSwitched,
    UnknownEvent,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.lock import LockInfo, Store
from tuirunbook.core.postmortem import Postmortem, build, escape, to_markdown
from tuirunbook.core.postmortem.times import duration
from tuirunbook.core.records import LockRecord, SnapshotRecord
from tuirunbook.core.restore import backups_in, restore_command

ZONE = timezone(timedelta(hours=1), "CET")
INTACT = ChainReport(lines=40)
AT = timestamp(START)
LINKING = MarkdownIt("gfm-like")
LINKING.linkify.add("//", None)  # type: ignore[union-attr]  # no site makes a link of `//a.b`
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")


def of(*events: Event, chain: ChainReport = INTACT, **options: Any) -> Postmortem:
    return build(events or story(), chain=chain, zone=ZONE, **options)


def text(*events: Event, **options: Any) -> str:
    return to_markdown(of(*events, **options))


def section(markdown: str, heading: str) -> str:
    return markdown.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def later(minutes: float) -> str:
    return timestamp(START + timedelta(minutes=minutes))


def seen() -> LockObserved:
    return LockObserved(at=later(1), snapshot=held())


def left() -> LockChanged:
    change = Change(what="left", sentence="the lock left DynamoDB", store=Store.DYNAMODB)
    return LockChanged(at=later(2), snapshot=free(), changes=(change,), voided=(LOCK,))


def test_the_header_says_what_who_where_and_with_what() -> None:
    header = of().header
    assert header.ticket == "OPS-17"
    assert header.status == "closed"
    assert header.operators == ("Priya Raman", "Lena Ortiz")
    assert header.caller == "oncall (arn:aws:sts::123456789012:assumed-role/oncall/priya)"
    assert (header.account, header.region, header.state) == ("123456789012", "eu-west-1", ADDRESS.lock_id)
    assert (header.tool, header.program, header.runbook) == ("0.1.0", "terraform 1.11.4", "state-lock 3")


def released_at() -> str:
    """When the story's release was read back."""
    return next(event.at for event in story() if isinstance(event, ReleaseEnded))


def test_the_summary_is_three_sentences_about_lock_evidence_and_end() -> None:
    what, evidence, end = of().summary
    assert what == (
        "The Terraform state acme-tfstate/env:/prod/network/terraform.tfstate was locked by "
        "Apply by runner@runnervmwhb2z since 2026-11-23T02:41:09Z (3f8f3f8f) in DynamoDB."
    )
    assert evidence == (
        "Before the release the evidence came to “cannot tell”: "
        "1 fact spoke for a release and 1 against it; not checked: the owner."
    )
    at = released_at()
    assert end.startswith(f"Force-unlock released the lock at {at[:10]} {at[11:19]} UTC, ")
    assert "min 00 s after the first refusal known" in end
    assert end.endswith("Priya Raman verified the state afterwards.")


def test_durations_go_from_the_lock_to_the_verified_state() -> None:
    points = {point.name: (point.at, point.after) for point in of().durations}
    assert list(points) == ["lock created", "first refusal", "page", "opened", "verdict", "release", "verified"]
    assert points["first refusal"][0] == "2026-11-23T02:58:00.000Z"
    assert points["first refusal"][1] == pytest.approx(1010.877, abs=0.01)
    assert points["page"][1] == 420
    assert points["release"][0] == released_at()


def test_what_nobody_knows_is_unknown_and_not_left_out() -> None:
    durations = section(text(opened()), "Durations")
    for name in ("lock created", "first refusal", "page", "verdict", "release", "verified"):
        assert f"| {name} | unknown | unknown |" in durations
    assert "**unknown**" in section(text(opened()), "Impact")


def test_a_pasted_error_dates_the_first_refusal_at_the_latest() -> None:
    error = next(event for event in story() if type(event).__name__ == "ErrorPasted")
    point = of(opened(), error).durations[3]
    assert (point.name, point.at) == ("first refusal", error.at)
    assert point.note.startswith("at the latest")


def test_the_timeline_begins_before_the_page_in_utc_with_local_time() -> None:
    first, _, refused, paged, begun, *_ = of().timeline
    assert (first.at, first.local) == ("2026-11-23T02:41:09.123Z", "03:41:09 CET")
    assert first.actor == "runner@runnervmwhb2z"
    assert refused.fact == "A run was refused by the lock."
    assert paged.fact == "The on-call engineer was paged."
    assert begun.fact.startswith("The incident on")


def test_the_timeline_is_in_the_order_of_time() -> None:
    times = [row.at for row in of().timeline if row.gap is None]
    assert times == sorted(times)


def test_a_gap_is_shown_as_a_gap() -> None:
    events = (opened(), seen(), NoteAdded(at=later(40), by="priya", text="back from the phone"))
    assert "*nothing of note was recorded for 39 min 00 s*" in section(text(*events), "Timeline")
    assert "nothing of note" not in section(text(*events, gap_minutes=60), "Timeline").partition("03:12")[2]


def test_a_very_long_timeline_loses_its_middle_and_says_so() -> None:
    notes = tuple(NoteAdded(at=later(number / 100), by="priya", text=f"note {number}") for number in range(500))
    markdown = text(opened(), *notes)
    assert "381 rows in the middle are left out" in markdown
    assert "note 499." in markdown
    assert len(of(opened(), *notes).timeline) == 501


def test_a_decision_tells_what_was_believed_then() -> None:
    (decision,) = of().decisions
    assert decision.believed == "cannot tell"
    assert decision.not_checked == ("the owner",)
    assert "the owner: mine, it died (Sam saw the runner go), said Sam Okafor" in decision.answers
    assert decision.reasons == {"accepts": "nobody asked the owner"}
    assert decision.accepted_by == "Lena Ortiz"
    assert decision.outcome == "every store that was read was free"


def test_what_was_learnt_after_a_decision_is_not_in_it() -> None:
    events = story()
    place = next(number for number, event in enumerate(events) if isinstance(event, ReleaseEnded))
    hindsight = QuestionAnswered(
        at=later(60),
        by="priya",
        lock=LOCK,
        question="ci",
        answer="running",
        says=Says.BLOCKS,
        label="it ran",
    )
    (decision,) = of(*events[: place + 1], hindsight).decisions
    assert not [answer for answer in decision.answers if "it ran" in answer]


def test_a_release_that_the_tool_died_in_says_so() -> None:
    events = story()
    place = next(number for number, event in enumerate(events) if isinstance(event, ReleaseIntended))
    (decision,) = of(*events[: place + 1]).decisions
    assert "the tool ended during the release" in decision.outcome


def test_disputes_skips_and_outside_actions_are_listed() -> None:
    told = section(text(), "Disputes, skips, actions outside the tool")
    assert "“run 4712 was queued” (3f8f3f8f) was held to be wrong by Sam Okafor: 4712 plans another root" in told
    assert "errored-tfstate for 3f8f3f8f: the host is gone (Priya Raman)" in told
    assert "Sam Okafor: restarted the runner pool" in told


def test_before_and_after_are_side_by_side() -> None:
    facts = of().before_after
    assert facts.before is not None
    assert facts.after is not None
    assert (facts.before.serial, facts.before.version_id) == (41, "v1")
    assert (facts.after.serial, facts.after.version_id) == (42, "v2")
    assert (facts.plan_summary, facts.read_by) == ("Plan: 1 to add, 0 to change", "Priya Raman")
    assert facts.locks[0].sha256 == "ab" * 32
    assert facts.locks[0].raw.startswith('{"ID":"3f8f3f8f')


def test_prompts_begin_with_what_the_journal_knows() -> None:
    known = {prompt.heading: prompt.known for prompt in of().prompts}
    badly = known["What went badly"]
    assert "Force-unlock was refused because the plan has not been retried." in badly
    assert "Release 1 was decided without evidence from the owner." in badly
    assert "From 2026-11-23 03:16:00 UTC the lock could not be read for 1 min 00 s: the network is gone." in badly
    assert "Release 1 was read back: every store that was read was free." in known["What went well"]
    assert known["What was surprising"] == ("The runner pool had no drain hook.",)
    assert section(text(), "What went well").rstrip().endswith("- to fill in")


def test_checks_are_told_in_words_and_not_by_their_ids() -> None:
    checks = [
        CheckRecorded(at=later(30), phase="after", name="stores", result="ok", detail="free"),
        CheckRecorded(at=later(30), phase="after", name="state-version", result="ok", detail="serial 7"),
        CheckRecorded(at=later(30), phase="before", name="errored-tfstate", result="not-checked", detail="elsewhere"),
    ]
    known = {prompt.heading: prompt.known for prompt in of(*released(), *checks).prompts}
    sound = "Looked at after the release and found in order: every configured store, the state object."
    assert sound in known["What went well"]
    assert "Before the release, errored.tfstate was not checked: elsewhere." in known["What went badly"]


def test_follow_ups_have_owner_and_date_and_holds_are_still_to_undo() -> None:
    told = section(text(), "Follow-ups")
    assert "| forward signals to terraform | Sam Okafor | 2026-12-01 |" in told
    assert "| Step prevent, which was deferred | Lena Ortiz | 2026-11-24 |" in told
    assert "- enable the deploy workflow, Priya Raman (the deploy workflow is disabled)" in told


def test_the_appendix_has_commands_with_exit_codes_and_the_way_back() -> None:
    markdown = text()
    assert "| `terraform plan -no-color -input=false` | 1 | Error acquiring the state lock |" in markdown
    assert "| 0 | unlocked; read back: every store that was read was free |" in markdown
    assert (
        "aws dynamodb put-item --region eu-west-1 --table-name tf-locks "
        "--item file:///state/261123-0312-kiwi/backup-1-dynamodb.json "
        "--condition-expression 'attribute_not_exists(LockID)'"
    ) in markdown


def test_a_lockfile_is_put_back_only_where_there_is_none() -> None:
    argv = restore_command(ADDRESS, Store.S3, "/b/backup-2-s3.json")
    assert argv[-6:] == ("--key", ADDRESS.lockfile_key, "--body", "/b/backup-2-s3.json", "--if-none-match", "*")


def test_the_backups_of_both_stores_are_found() -> None:
    both = "/state dir/x/backup-1-s3.json, /state dir/x/backup-2-dynamodb.json"
    assert list(backups_in(both)) == [
        (Store.S3, "/state dir/x/backup-1-s3.json"),
        (Store.DYNAMODB, "/state dir/x/backup-2-dynamodb.json"),
    ]


def test_a_training_says_so_in_its_title() -> None:
    markdown = text(opened(training=True))
    assert markdown.startswith("# \\[TRAINING\\] Terraform state lock on")
    assert "This was a training" in markdown
    assert "This was a training" not in text()


def test_a_journal_that_does_not_verify_is_said_loudly() -> None:
    chain = ChainReport(lines=40, damage=(Damage(line=7, sentence="its content does not match its hash"),))
    head = text(chain=chain).partition("## Summary")[0]
    assert "> **The journal does not verify.**" in head
    assert "line 7: its content does not match its hash" in head


def test_an_event_before_the_opening_is_not_lost() -> None:
    lost = UnknownEvent(at=AT, by="?", original="unreadable", content="garbage")
    assert "cannot read (unreadable)" in text(lost, opened(), seen())


def test_times_that_are_no_times_do_not_stop_an_export() -> None:
    damaged = NoteAdded(at="2026-13-99", by="priya", text="odd")
    assert "| unknown |  | priya |  | odd. |" in text(opened(), damaged)


def test_a_lock_that_left_by_itself_is_told_as_that() -> None:
    assert "The lock left without a release by this tool" in of(opened(), seen(), left()).summary[2]
    outside = OutsideAction(at=later(1.5), action="unlocked it", who="sam")
    assert "after sam had acted elsewhere" in of(opened(), seen(), outside, left()).summary[2]


def test_a_lock_that_is_still_there_is_not_told_as_released() -> None:
    assert "was still there" in of(opened(), seen()).summary[2]
    assert "is not known" in of(opened()).summary[2]


def test_the_json_export_is_the_same_document() -> None:
    told = json.loads(msgspec.json.encode(of()))
    assert told["format"] == 1
    assert told["header"]["chain"]["lines"] == 40
    assert msgspec.json.decode(msgspec.json.encode(of()), type=Postmortem) == of()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 01 s"),
        (3_840, "1 h 04 min"),
        (100_000, "1 d 3 h"),
        (-90, "−1 min 30 s"),
    ],
)
def test_durations_are_told_in_two_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


PEOPLE = ("priya", "raman", "sam", "okafor", "lena", "ortiz", "oncall-laptop")


def test_anonymised_no_person_is_named_anywhere() -> None:
    document = of(anonymise=True)
    for told in (to_markdown(document), msgspec.json.encode(document).decode()):
        assert not [name for name in PEOPLE if name in told.casefold()]


def test_anonymised_a_person_is_the_same_role_everywhere() -> None:
    document = of(anonymise=True)
    assert document.header.operators == ("Operator 1", "Operator 2")
    assert document.header.caller.endswith("/Operator 1)")
    assert document.decisions[0].by == "Operator 1"
    assert document.decisions[0].accepted_by == "Operator 2"
    assert "the owner: mine, it died (Owner 1 saw the runner go), said Owner 1" in document.decisions[0].answers
    assert document.follow_ups[0].owner == "Owner 1"


def test_anonymised_service_users_and_lock_ids_stay() -> None:
    document = of(anonymise=True)
    assert "runner@runnervmwhb2z" in document.summary[0]
    assert document.decisions[0].lock == LOCK


def test_anonymised_a_holder_at_a_laptop_loses_name_and_machine() -> None:
    lock = LockObserved(at=later(1), snapshot=held(lock_record(who="ACME\\jdoe@jdoes-mbp")))
    told = text(opened(), lock, NoteAdded(at=later(2), by="Priya Raman", text="asked JDoe, no answer"), anonymise=True)
    assert "jdoe" not in told.casefold()
    assert "asked Holder 1, no answer" in told


NAMES = st.from_regex(r"[A-Z][a-z]{3,9}[0-9]", fullmatch=True).filter(lambda name: name != "Operator1")


@given(NAMES, NAMES, NAMES)
@settings(deadline=None)
def test_anonymised_names_in_free_text_are_roles(operator: str, owner: str, holder: str) -> None:
    said = f"{operator} phoned {owner.upper()}, then ({holder.lower()}): {operator}'s plan."
    events = (
        opened(operator=operator, host="h1-box"),
        LockObserved(at=later(1), snapshot=held(lock_record(who=f"{holder}@h2-box"))),
        QuestionAnswered(
            at=later(2),
            by=operator,
            lock=LOCK,
            question="owner",
            answer="not-mine",
            says=Says.NOTHING,
            who=owner,
            how=said,
        ),
        NoteAdded(at=later(3), by=operator, text=said),
    )
    told = text(*events, anonymise=True).casefold()
    for name in (operator, owner, holder, "h1-box", "h2-box"):
        assert name.casefold() not in told


EVIL = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["<script>alert(1)</script>", "<img src=x>", "![x](http://e.x/i.png)", "[x](javascript:1)", "<http://e.x>"],
        ),
        st.sampled_from(
            ["|", "`", "``", "```", "~~~", "\\", "\\|", "\\`", "*", "__", "# ", "- ", "1. ", "> ", "---", "==="]
        ),
        st.sampled_from(
            ["[a]: http://e.x", "[a]", "&lt;b&gt;", "<!--", "-->", "\n", "\n\n", "    ", "\t", "\r", "</", "<?"]
        ),
        st.sampled_from(
            ["\x1b[31m", "\x1b]8;;http://e.x\x07", "\u202e", "\u2028", "\x00", "]]>", "<![CDATA[", "](", "!["]
        ),
    ),
    max_size=8,
).map("".join)


def tokens(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def shape(markdown: str) -> list[tuple[str, str]]:
    """What a document is made of, its words left out."""
    words = {"text", "softbreak", "hardbreak", "text_special"}
    return [(token.type, token.tag) for token in tokens(markdown) if token.type not in words]


def with_lock(evil: str) -> tuple[Event, ...]:
    info = LockInfo(id=LOCK, operation=evil, info=evil, who=evil, version=evil, path=evil)
    lock = LockRecord(store=Store.S3, identity=LOCK, sha256="ab" * 32, info=info, raw=evil, unreadable=evil)
    return (
        opened(root=evil),
        LockObserved(at=later(1), snapshot=held(lock)),
        QuestionAnswered(
            at=later(2),
            by=evil,
            lock=LOCK,
            question="ci",
            answer=evil,
            says=Says.NOTHING,
            how=evil,
            note=evil,
        ),
        NoteAdded(at=later(3), by=evil, text=evil),
        CheckRecorded(at=later(4), phase="after", name=evil, result="bad", detail=evil),
        ReleaseIntended(
            at=later(5),
            by=evil,
            release=1,
            method="force-unlock",
            lock=LOCK,
            fingerprint="f",
            verdict="orphaned",
            supports=(evil, evil),
            advised=evil,
            typed={"why": evil},
            command=("terraform", "force-unlock", evil),
        ),
    )


@given(EVIL)
@settings(deadline=None, max_examples=120)
def test_s12_nothing_from_outside_becomes_html_an_image_or_a_link(evil: str) -> None:
    found = {token.type for token in tokens(text(*with_lock(evil)))}
    assert not found & {"html_inline", "html_block", "image", "link_open", "link_close"}


@given(EVIL)
@settings(deadline=None, max_examples=120)
def test_s12_nothing_from_outside_alters_the_documents_blocks_and_tables(evil: str) -> None:
    def blocks(markdown: str) -> list[str]:
        inline = {"text", "code_inline", "inline", "text_special"}
        return [kind for kind, _ in shape(markdown) if kind not in inline]

    padded = f"x{evil}x"
    assert blocks(text(*with_lock(padded))) == blocks(text(*with_lock("xx")))


STARTS = (
    "# h",
    "- item",
    "+ item",
    "1. item",
    "12) item",
    "> quote",
    "===",
    "---",
    "    code",
    "```",
    "~~~",
    "[a]: /b",
    "|a|",
)


@pytest.mark.parametrize("start", STARTS)
def test_s12_what_begins_like_a_block_is_text(start: str) -> None:
    def blocks(markdown: str) -> list[tuple[str, str]]:
        return [told for told in shape(markdown) if told[0] not in {"code_inline", "inline"}]

    assert blocks(text(*with_lock(start))) == blocks(text(*with_lock("xx")))


def test_s12_only_plain_web_addresses_are_links() -> None:
    events = [event for event in story() if isinstance(event, QuestionAnswered)]
    for url, linked in (
        ("https://ci.example/runs/4711?a=b#c", True),
        ("javascript:alert(1)", False),
        ("https://e.x/><script>", False),
        ("https://user@e.x/`|", False),
    ):
        answer = msgspec.structs.replace(events[0], link=url)
        links = [token for token in tokens(text(opened(), answer)) if token.type == "link_open"]
        assert bool(links) is linked


@pytest.mark.parametrize("url", ["https://ci.example/runs/4711?a=b&c=d#e", "http://e.x", "HTTPS://e.x/a_b"])
def test_s12_a_web_address_in_free_text_can_be_read_and_is_no_link(url: str) -> None:
    told = text(opened(), NoteAdded(at=later(1), by="priya", text=f"see {url}, and ({url})."))
    assert f"see `{url}`, and (`{url}`)." in told
    assert not [token for token in LINKING.parse(told) if "link_open" in {child.type for child in token.children or ()}]


@given(
    st.lists(st.sampled_from(["https://e.x", "http://", "a", ":80", "/", "`", "\\", ".", "@b", "|", " "])).map("".join)
)
@settings(deadline=None)
def test_s12_addresses_in_free_text_stay_mute_whatever_is_around_them(evil: str) -> None:
    told = f"| x | y |\n|---|---|\n| {escape.text(evil)} | z |\n"
    found = [child for token in LINKING.parse(told) for child in token.children or ()]
    assert not [token for token in found if token.type == "link_open"]
    words = "".join(token.content for token in found if token.type in {"text", "text_special", "code_inline"})
    assert words.replace("\N{WORD JOINER}", "") == f"xy{' '.join(evil.split())}z"


def test_s13_secrets_do_not_reach_an_export_through_the_whole_story() -> None:
    assert "runbook_text" not in msgspec.json.encode(of()).decode()
    assert opened().runbook_text.strip() not in text()


def test_an_export_needs_an_opened_incident() -> None:
    with pytest.raises(ValueError, match="opens an incident"):
        of(seen())
    assert isinstance(opened(), Opened)


def test_local_time_names_the_day_where_it_is_another() -> None:
    late = opened(at="2026-11-23T23:30:00.000Z")
    document = build((late,), chain=INTACT, zone=ZONE)
    assert document.timeline[0].local == "11-24 00:30:00 CET"
    assert build((late,), chain=INTACT, zone=UTC).timeline[0].local == "23:30:00 UTC"


def told_details(**facts: str) -> DetailsGiven:
    return DetailsGiven(at=later(50), **facts)


def refused() -> RetryEnded:
    return RetryEnded(at=later(5), outcome="refused-by-this", source="plan", locks=(LOCK,), lock=LOCK)


def intended(minute: float = 10) -> ReleaseIntended:
    return ReleaseIntended(
        at=later(minute), by="priya", release=1, method="force-unlock", lock=LOCK, fingerprint="f", verdict="orphaned"
    )


def ended(outcome: str, snapshot: SnapshotRecord | None) -> ReleaseEnded:
    return ReleaseEnded(at=later(11), release=1, outcome=outcome, snapshot=snapshot)


def released(*before: Event) -> tuple[Event, ...]:
    return (opened(), seen(), *before, intended(), ended("released", free()))


@pytest.mark.parametrize(
    ("page", "first", "since", "begin"),
    [
        (-7, None, "the page", -7),
        (7, None, "the first refusal known", 5),
        (-7, -14, "the first refusal known", -14),
        (None, 8, "the first refusal known", 5),
        (None, None, "the first refusal known", 5),
    ],
)
def test_the_impact_begins_with_the_earliest_sign(
    page: float | None, first: float | None, since: str, begin: float
) -> None:
    told = told_details(
        page_at="" if page is None else later(page), first_refusal_at="" if first is None else later(first)
    )
    document = of(*released(refused()), told)
    assert (document.impact.since, document.impact.begin) == (since, later(begin))
    assert document.impact.seconds == (11 - begin) * 60
    assert f"Blocked from {since} (" in section(to_markdown(document), "Impact")
    assert f" after {since}; " in document.summary[2]


def test_a_release_before_the_first_sign_has_no_length() -> None:
    document = of(*released(), told_details(page_at=later(40)))
    assert document.impact.seconds is None
    assert "**unknown**, for the release is the earlier of the two." in section(to_markdown(document), "Impact")


def test_a_page_before_the_lock_is_said_so() -> None:
    document = of(*released(), told_details(page_at="2026-11-23T02:00:00Z"))
    first, second, *_ = document.durations
    assert (first.name, second.name) == ("page", "first refusal")
    assert first.note == "before the lock was created"


MINUTES = st.one_of(st.just(None), st.integers(-90, 90))


@given(MINUTES, MINUTES)
@settings(deadline=None, max_examples=50)
def test_durations_are_never_negative_and_rows_are_in_the_order_of_time(page: int | None, first: int | None) -> None:
    told = told_details(
        page_at="" if page is None else later(page), first_refusal_at="" if first is None else later(first)
    )
    points = of(*released(refused()), told).durations
    times = [point.at for point in points if point.at]
    assert times == sorted(times)
    assert all(point.after is None or point.after >= 0 for point in points)
    assert len({point.name for point in points}) == 7


def test_a_refusal_that_was_seen_here_has_one_row() -> None:
    facts = [row.fact for row in of(*released(refused())).timeline if "refused" in row.fact]
    assert facts == ["The plan was refused by this lock (3f8f3f8f)."]


def test_every_store_that_held_the_lock_is_named() -> None:
    both = held(lock_record(), msgspec.structs.replace(lock_record(), store=Store.S3))
    what = of(opened(), LockObserved(at=later(1), snapshot=both)).summary[0]
    assert what.endswith("(3f8f3f8f) in DynamoDB and the S3 lockfile.")
    assert what.count("3f8f3f8f") == 1


def answered(minute: float, answer: str, says: Says, label: str, **facts: Any) -> QuestionAnswered:
    told = {"question": "holder-host", "answer": answer, "says": says, "label": label}
    return QuestionAnswered(at=later(minute), by="Priya Raman", lock=LOCK, **told | facts)


RUNS = answered(2, "running", Says.BLOCKS, "terraform runs there", who="Sam Okafor")
GONE = answered(3, "host-gone", Says.SUPPORTS, "its process is gone", how="looked with ps")


def test_a_blocking_answer_that_was_changed_stands_in_the_decision() -> None:
    told = section(text(*released(RUNS, GONE)), "Decision record")
    assert (
        "- **Against, later changed:** terraform runs there (said by Sam Okafor at 2026-11-23 03:14:00 UTC), then: "
        "its process is gone (looked with ps; said by Priya Raman at 2026-11-23 03:15:00 UTC)"
    ) in told


def test_a_blocking_answer_that_a_change_voided_stands_in_the_decision() -> None:
    change = Change(what="rewritten", sentence="the lock in DynamoDB was rewritten", store=Store.DYNAMODB)
    voided = LockChanged(at=later(3), snapshot=held(), changes=(change,), voided=(LOCK,))
    (decision,) = of(*released(RUNS, voided)).decisions
    (changed,) = decision.changed
    assert changed.endswith("then: the lock changed at 2026-11-23 03:15:00 UTC, and it no longer counted")


def test_only_what_blocked_and_was_changed_before_the_release_of_its_lock_is_told_as_changed() -> None:
    other = msgspec.structs.replace(RUNS, lock=OTHER)
    again = msgspec.structs.replace(RUNS, at=later(2.5))
    for before in ((GONE, RUNS), (RUNS, again), (other, msgspec.structs.replace(GONE, lock=OTHER))):
        assert of(*released(*before)).decisions[0].changed == ()
    assert of(*released(RUNS), msgspec.structs.replace(GONE, at=later(20))).decisions[0].changed == ()


def test_an_answer_among_the_factors_says_how_and_who() -> None:
    factors = of(*released(GONE)).prompts[0].known
    assert factors == ("The holder's host: its process is gone (looked with ps), said Priya Raman.",)


def finding(key: str, fact: str, **facts: Any) -> FindingRecorded:
    told = Finding(
        key=key, lock=LOCK, says=Says.NOTHING, fact=fact, source="GitHub: GET runs", observed_at=later(2), **facts
    )
    return FindingRecorded(at=later(2), finding=told)


def test_what_makes_a_lock_come_back_and_the_causes_that_were_seen_are_factors() -> None:
    factors = (
        of(
            *released(
                finding(
                    "recurrence.fresh", "a fresh lock by the same ci, 2 min after another: a cause, not an incident"
                ),
                finding("cause.cancels", "shown: deploy.yml cancels the run in progress"),
                finding("cause.timeout", "not seen: no limit"),
            )
        )
        .prompts[0]
        .known
    )
    assert factors == (
        "A fresh lock by the same ci, 2 min after another: a cause, not an incident.",
        "A usual cause of locks that are left: deploy.yml cancels the run in progress.",
    )


def test_the_export_shows_of_each_finding_its_lock_who_was_asked_and_with_what() -> None:
    shown = section(
        text(*released(finding("ci.a", "one", asked="GitHub"), finding("k", "two", asked="EC2"))), "Findings"
    )
    first, second = [line for line in shown.splitlines() if "| one |" in line or "| two |" in line]
    assert f"`{LOCK[:8]}`" in first
    assert "| GitHub: GET runs |" in first
    assert "| EC2: GitHub: GET runs |" in second


def test_a_source_that_was_turned_off_stands_among_what_was_left_out() -> None:
    off = SourceSwitched(at=later(2), by="Priya Raman", source="Kubernetes", off=True, why="it asks for a login")
    assert of(*released(off)).skips == (
        "Kubernetes: turned off as a source of evidence, it asks for a login (Priya Raman)",
    )


def test_an_incident_closed_without_the_prevention_list_says_so() -> None:
    closed = Closed(at=later(60), by="priya")
    markdown = text(*released(), closed)
    assert "Prevention list: nothing was checked." in section(markdown, "Follow-ups")
    assert section(markdown, "Prevention list").strip() == "Nothing was checked."
    assert "nothing was checked" not in text(*released()) + text()


def test_a_release_that_another_holder_followed_is_a_release() -> None:
    theirs = held(lock_record(OTHER))
    document = of(opened(), seen(), intended(), ended("new-holder", theirs), Closed(at=later(60), by="priya"))
    release = next(point for point in document.durations if point.name == "release")
    assert (release.at, release.note) == (later(11), "as read back; then held by another")
    assert document.header.status == "closed, not verified"
    assert document.summary[2].startswith("Force-unlock released the lock at 2026-11-23 03:23:00 UTC")
    assert "the state was locked again when it was last read" in document.summary[2]


def test_a_lock_that_came_after_a_release_does_not_undo_it() -> None:
    change = Change(what="appeared", sentence="a lock appeared", store=Store.DYNAMODB)
    again = LockChanged(at=later(20), snapshot=held(lock_record(OTHER)), changes=(change,))
    document = of(*released(), again)
    assert document.header.status == "unblocked, not verified"
    assert document.summary[2].startswith("Force-unlock released the lock at 2026-11-23 03:23:00 UTC")
