"""Text from outside is data: cleaned before it is shown, redacted before it is kept.

Everything that a lock, Terraform, git, a CI system or a repository says passes through `clean` before a
screen, a plain prompt or an export sees it, and through `redact` before it becomes an event.
"""

from __future__ import annotations

import re
import unicodedata

ESCAPES = re.compile(
    "\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    "|[\\]PX^_][^\x1b\x07]*(?:\x07|\x1b\\\\)?"  # OSC, DCS, SOS, PM, APC with their strings
    r"|[ -/]*[0-~])?"  # everything shorter
)
_REDACTED = "[redacted]"
# Every run is bounded, so that a lock of 400 kB takes no longer than its length.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), _REDACTED),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b"), _REDACTED),
    (re.compile(r"\bgl(?:pat|rt|ptt|dt|cbt|ft|soat|agent|oas)-[\w-]{16,}"), _REDACTED),
    (re.compile(r"\b[A-Za-z0-9]{10,20}\.atlasv1\.[\w-]{20,}|\bhv[sbr]\.[\w-]{20,}"), _REDACTED),
    (
        re.compile(r"\b(?:bkua|bkat|bkct|CCIPAT|CCIPRJ|npm|dop_v1)_\w{20,}|\bATATT[\w=-]{16,}|\bAIza[\w-]{30,}"),
        _REDACTED,
    ),
    (re.compile(r"\bxox[abprs]-[\w-]{10,}"), _REDACTED),
    (re.compile(r"https://hooks\.[\w.-]+/\S+"), _REDACTED),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{8,2000}\b"), _REDACTED),
    (
        re.compile(r"(?i)\b(authorization\s{0,16}[:=]\s{0,16}(?:bearer|basic|token)?\s{0,16})[^\s\"',]+"),
        r"\1" + _REDACTED,
    ),
    (
        re.compile(
            r"(?i)((?:secret|password|passwd|token|access[_-]?key|account[_-]?key|private[_-]?key|customer[_-]?key)"
            r"[\w-]{0,64}\"?\s{0,16}[:=]\s{0,16})(\"[^\"\n]{4,}\"|'[^'\n]{4,}'|[^\s\"',;&]{6,})"
        ),
        r"\1" + _REDACTED,
    ),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/@:]{1,200}:[^\s/@]{1,400}@"), r"\1" + _REDACTED + "@"),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        _REDACTED,
    ),
    (re.compile(r"(\s(?:-u|--user)[ =]{0,4}[^\s:'\"]{1,200}:)[^\s'\"]{4,400}"), r"\1" + _REDACTED),
    (
        re.compile(r"(?i)([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|sig)=)[^&\s]+"),
        r"\1" + _REDACTED,
    ),
)


def strip_escapes(text: str) -> str:
    """`text` without ANSI escape sequences; other characters stay."""
    return ESCAPES.sub("", text)


def clean(text: str, *, keep_newlines: bool = True) -> str:
    r"""`text` as it may stand on a terminal or in Markdown: no escape, control or bidi override character.

    Line breaks become `\n`; with `keep_newlines=False` they become spaces. Whatever else cannot be printed becomes
    U+FFFD, so that nothing vanishes unseen.
    """
    if text.isascii() and text.isprintable():
        # nearly all text is, and lists show thousands of such texts
        return text
    text = strip_escapes(text).replace("\r\n", "\n").replace("\r", "\n")
    if not keep_newlines:
        text = text.replace("\n", " ")
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character in "\n\t" or (character.isascii() and character.isprintable()):
        return character
    # Cc control, Cf format (bidi overrides, zero width), Cs surrogate, Co private, Cn unassigned
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character)[0] == "C" else character


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; a cut is shown as `…`."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def one_line(text: str, limit: int = 200) -> str:
    """`text` cleaned, on one line, at most `limit` characters."""
    return clip(" ".join(clean(text, keep_newlines=False).split()), limit)


def redact(text: str) -> str:
    """`text` without secrets of known shapes: AWS keys, tokens, passwords in arguments and URLs, private keys."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
