"""One text out of every presentation that Terraform's output arrives in.

Boxes, colours, word wrap, `-json` lines, escaped strings, timestamps and wrappers' prefixes all carry the same
words. Everything here takes time in proportion to the length of the text, so that a whole CI log can be given.
"""

from __future__ import annotations

import json
import re

from tuirunbook.core.text import strip_escapes

_ESCAPED_LINES = re.compile(
    r"\\n(?:\\n|[ \t]*(?:Error|Lock Info|ID:|Terraform|OpenTofu|[│╷\[]|\\u001[bB]|\\u25[0-9a-f]{2}))"
    r"|\\n\d\d(?:\d\d-\d\d-\d\dT|:\d\d:\d\d)"
)
"""Backslash-n as two characters, where only a line break makes sense: `DOMAIN\\nick@host` stays as it is."""

_ESCAPED = re.compile(r'\\(?:u([0-9a-fA-F]{4})|x1[bB]|033|([nrt"/\\]))')
_ESCAPED_ESC = re.compile(r"\\(?:u001[bB]|x1[bB]|033)(?=\[)")
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "/": "/", "\\": "\\"}
_NESTING = 3
"""A log line can be a JSON string within a JSON string."""

_PREFIX = re.compile(
    r"^(?:[^\t\n]{1,80}\t[^\t\n]{1,80}\t)?"  # gh run view --log: job, step
    r"\N{ZERO WIDTH NO-BREAK SPACE}?"
    r"(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]+(?:\d\d[OE][ +])?)?"
    r"(?:##\[\w{1,20}\])?"  # Azure Pipelines
    r"(?:\[?\d\d:\d\d:\d\d(?:\.\d{1,9})?\]?[ \t]+)?"
    r"(?:(?:STDERR|STDOUT|ERROR|WARN|INFO)[ \t]+)?"
    r"(?:\[[^\]\n]{1,200}\][ \t]+)?"  # Terragrunt: the unit
    r"(?:(?:terraform|tofu|terragrunt)(?:\.exe)?:[ \t]?)?"
    r"(?:[ \t]{0,40}(?:[│╷╵|]|Γöé|â”\N{SINGLE LOW-9 QUOTATION MARK})[ \t]?){0,3}",
    re.MULTILINE,
)
_SEPARATORS = re.compile("[^a-z0-9]+")


def normalise(text: str) -> str:
    """`text` with `-json` lines and escaped strings unpacked, without escape sequences and carriage returns."""
    if '"@level"' in text:
        text = "\n".join(_unpack(line) if '"@level"' in line else line for line in text.splitlines())
    for _ in range(_NESTING):
        if _ESCAPED_LINES.search(text) is None:
            break
        text = _ESCAPED.sub(_unescape, text)
    text = _ESCAPED_ESC.sub("\x1b", text)
    return strip_escapes(text).replace("\r\n", "\n").replace("\r", "\n")


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _UNESCAPED.get(found[2], "\x1b")


def _unpack(line: str) -> str:
    """What a line of `-json` output would have said in human text; the line itself when it cannot be read."""
    try:
        record = json.loads(line[line.index("{") : line.rindex("}") + 1])
    except (ValueError, RecursionError):
        return line
    if not isinstance(record, dict):
        return line
    found = record.get("diagnostic")
    if isinstance(found, dict):
        title = "Warning" if found.get("severity") == "warning" else "Error"
        address = f"\n  with {found['address']}," if isinstance(found.get("address"), str) else ""
        return f"\n{title}: {found.get('summary', '')}\n{address}\n{found.get('detail', '')}\n"
    return str(record.get("@message", line))


def unprefix(passage: str) -> str:
    """`passage` without what CI systems and wrappers put before each line, and without the box's gutter."""
    return _PREFIX.sub("", passage)


def squeeze(passage: str) -> str:
    """Only the letters and digits, in lower case: the same for every wrapping, gutter and punctuation."""
    return _SEPARATORS.sub("", passage.lower())
