"""Text from outside is data: nothing of it reaches a terminal as a command, and no secret reaches a journal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuirunbook.core.text import clean, clip, one_line, redact, strip_escapes

HOSTILE = st.text(
    st.characters() | st.sampled_from("\x1b\x07\x9b\x90\x9d\r\n\t[]0;mHJ?\\\u202e\u2066\u200b\ud800\x7f\u2028"),
    max_size=40,
)
ORDINARY = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8") | st.sampled_from("\n\t"), max_size=40
)


@given(HOSTILE)
@example("\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b]8;;http://x\x1b\\link")
@example("\x1b\x1b[0m[31m")
def test_s12_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    left = clean(text)
    assert not [c for c in left if c not in "\n\t" and unicodedata.category(c)[0] == "C"]
    assert "\x1b" not in strip_escapes(text)


@given(HOSTILE)
def test_s12_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert line == line.strip()
    assert len(line.splitlines()) <= 1
    assert len(line) <= 200


@given(HOSTILE)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert one_line(one_line(text)) == one_line(text)


@given(ORDINARY)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_what_cannot_be_printed_leaves_a_mark() -> None:
    assert (
        clean("a\u202eb\x00c\ud800") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}"
    )
    assert clean("one\r\ntwo\rthree") == "one\ntwo\nthree"
    assert clean("one\r\ntwo", keep_newlines=False) == "one two"


@given(st.text(), st.integers(0, 50))
def test_a_clipped_text_is_no_longer_than_its_limit_and_says_that_it_was_cut(text: str, limit: int) -> None:
    clipped = clip(text, max(limit, 1))
    assert len(clipped) <= max(limit, 1)
    assert clipped == text or clipped.endswith("…")


SECRETS = {
    "AKIA" + "IOSFODNN7EXAMPLE": "AKIA",
    "ghp_" + "a" * 36: "ghp_",
    "glpat-" + "b" * 20: "glpat-",
    "xoxb-" + "1" * 12: "xoxb-",
    "https://hooks.slack.com/services/T0/B0/" + "c" * 24: "services",
    "eyJ" + "hbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4": "eyJ",
    "aws_secret_access_key = " + "wJalrXUtnFEMI": "wJalr",
    '"secret_key": "' + 'hunter22"': "hunter22",
    "password=" + "correcthorse": "correcthorse",
    "Authorization: Bearer " + "abcdef123456": "abcdef",
    "https://user:" + "pa55word@host/": "pa55word",
    "?X-Amz-Signature=" + "0badc0de": "0badc0de",
    "glrt-" + "b" * 20: "glrt-",
    "aBcDeFgHiJkLmN." + "atlasv1." + "d" * 40: "atlasv1",
    "hvs." + "CAESIJ" + "e" * 20: "hvs.",
    "bkua_" + "0" * 40: "bkua_",
    "CCIPAT_" + "f" * 30: "CCIPAT",
    "npm_" + "g" * 36: "npm_",
    "AccountKey=" + "h" * 40 + "==": "hhhh",
    "?sv=2020&sig=" + "0badc0de%3D": "0badc0de",
    "curl -u admin:" + "s3cr3tpass": "s3cr3t",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----": "MIIE",
}


@pytest.mark.parametrize("text", SECRETS, ids=lambda text: text[:12])
@pytest.mark.parametrize("around", ["{}", "before {} after", "[{}]", "\n{}\n"])
def test_s13_a_secret_of_a_known_shape_is_gone(text: str, around: str) -> None:
    assert SECRETS[text] not in redact(around.format(text))


@given(
    st.lists(st.sampled_from([*SECRETS, " ", "\n", "token", "=", ":", '"', "x" * 8, "authorization", "@"]), max_size=8)
)
def test_s13_redaction_settles_within_a_few_rounds(parts: list[str]) -> None:
    text = redact("".join(parts))
    for _ in range(3):
        text = redact(text)
    assert redact(text) == text


@given(
    st.text(st.characters(categories=["L", "N", "Zs"]), max_size=60).filter(lambda t: "KIA" not in t and "SIA" not in t)
)
def test_text_without_anything_that_looks_like_a_secret_is_left_as_it_is(text: str) -> None:
    if not any(word in text.lower() for word in ("eyj", "ghp", "gho", "ghu", "ghs", "ghr")):
        assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "3f8f3f8f-1c2d-4e5f-8a9b-0123456789ab",
        "acme-tfstate/env:/prod/network/terraform.tfstate",
        "arn:aws:sts::123456789012:assumed-role/oncall/priya",
        "d41d8cd98f00b204e9800998ecf8427e",
        "ConditionalCheckFailedException: The conditional request failed",
        "https://github.com/acme/infra/actions/runs/4711",
        "git@github.com:acme/infra.git",
    ],
)
def test_what_an_incident_is_about_is_left_as_it_is(text: str) -> None:
    assert redact(text) == text
