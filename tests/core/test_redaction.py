"""Events are redacted before they exist."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.story import LOCK, START, opened, story
from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import (
    CommandStarted,
    ErrorPasted,
    Event,
    FindingRecorded,
    NoteAdded,
    QuestionAnswered,
    ReleaseIntended,
    timestamp,
)
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.core.redaction import TEXT_LIMIT, redacted
from tuirunbook.core.values import Child

AT = timestamp(START)
SECRET = "AKIAIOSFODNN7EXAMPLE"
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [SECRET, "token=", "password: ", '"', "'", "authorization: bearer ", f"ghp_{'a' * 30}", "https://u:p@host"],
        ),
        st.sampled_from(
            ["[redacted]", "-----BEGIN PRIVATE KEY-----", "&X-Amz-Signature=abc", " ", "\n", "secret", "=", "eyJ"],
        ),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("event", story(), ids=lambda event: type(event).__name__)
def test_s13_what_holds_no_secret_stays_as_it_is(event: Event) -> None:
    assert redacted(event) == event


@given(TEXTS)
def test_s13_redacting_twice_changes_nothing(text: str) -> None:
    once = redacted(NoteAdded(at=AT, text=text))
    assert redacted(once) == once


@given(TEXTS, st.integers(TEXT_LIMIT - 40, TEXT_LIMIT + 10))
def test_s13_redacting_twice_changes_nothing_where_text_is_clipped(text: str, before: int) -> None:
    once = redacted(FindingRecorded(at=AT, finding=finding("x " * (before // 2) + text)))
    assert redacted(once) == once


def finding(fact: str) -> Finding:
    return Finding(key="k", lock=LOCK, says=Says.NOTHING, fact=fact, source=SECRET, observed_at=AT)


def test_s13_secrets_are_found_at_any_depth() -> None:
    event = ReleaseIntended(
        at=AT,
        release=1,
        method="force-unlock",
        lock=LOCK,
        fingerprint="f",
        verdict="orphaned",
        supports=(f"seen with {SECRET}",),
        typed={"why": f"used {SECRET}"},
        command=("aws", SECRET),
    )
    assert SECRET.encode() not in msgspec.json.encode(redacted(event))
    assert SECRET.encode() not in msgspec.json.encode(redacted(FindingRecorded(at=AT, finding=finding(SECRET))))


def test_s13_the_argument_after_a_secret_option_is_redacted() -> None:
    child = Child(
        id="plan-1", argv=("terraform", "--token", "hunter22"), cwd="/", pid=1, started=0.5, boot_id="b", log="/l"
    )
    event = redacted(CommandStarted(at=AT, child=child, purpose="plan"))
    assert event.child.argv == ("terraform", "--token", "[redacted]")


def test_s13_names_that_lead_to_a_lock_are_never_altered() -> None:
    address = StateAddress(bucket="b", key="token=abcdefgh/terraform.tfstate", region="eu-west-1")
    event = redacted(opened(address=address))
    assert event.address == address
    answer = QuestionAnswered(at=AT, lock=LOCK, question="ci", answer="ended", says=Says.SUPPORTS)
    assert redacted(answer).lock == LOCK


def test_s13_credentials_in_an_endpoint_are_redacted() -> None:
    address = StateAddress(bucket="b", key="k", region="r", s3_endpoint="https://user:hunter22@minio.local")
    assert redacted(opened(address=address)).address.s3_endpoint == "https://[redacted]@minio.local"


def test_long_text_is_clipped_and_a_runbook_is_not() -> None:
    assert len(redacted(ErrorPasted(at=AT, text="x " * 50_000, diagnosis="held")).text) == 20_000
    assert len(redacted(opened(runbook_text="x " * 50_000)).runbook_text) == 100_000


def test_bytes_that_were_no_text_can_be_written() -> None:
    event = redacted(NoteAdded(at=AT, text=b"\xff".decode("utf-8", "surrogateescape")))
    assert msgspec.json.encode(event)
