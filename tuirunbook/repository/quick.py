"""A quick reader of backend blocks that are plain: no templates, no escapes, nothing unusual.

`Outline` and python-hcl2 read everything; this reader stands in front of them, and whatever it does not recognise in
full it declines (None), so that they read it. It works on bytes: most files hold no block that matters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Generator, Iterator, Mapping

import msgspec

_BOM = b"\xef\xbb\xbf"
_STRING = (
    rb'"(?:[^"\\$%\n]++|\\[^\n]|\$\$\{|%%\{|[$%](?!\{)'
    rb'|[$%]\{(?:[^{}"\n$%#/<]++|"[^"\\$%{}\n]*+")*+\})*+"'
)
_COMMENT = rb"\#[^\n]*+|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
_TOKEN = re.compile(
    rb"(?:" + _STRING + rb"|" + _COMMENT + rb")|"
    rb"<<-?(?P<marker>[A-Za-z_][\w-]*)[ \t\r]*\n(?:[^\n]*\n)*?[ \t\r]*(?P=marker)[ \t\r]*(?=\n|\Z)"
    rb'|(?P<mark>[{}()\[\]"]|/\*|<<)'
)
_GAP = re.compile(rb"(?:[ \t\r\n]++|\#[^\n]*+|//[^\n]*+)*+")
_REST_OF_LINE = re.compile(rb"[ \t\r]*+(?:\#[^\n]*+|//[^\n]*+)?(?=\n|\Z)")
_PLAIN_LABEL = rb'(?:"(?P<quoted>[\w.-]*)"|(?P<bare>[A-Za-z_][\w-]*))'
_HEAD = re.compile(
    rb'(?P<name>[A-Za-z_][\w-]*)(?P<labels>(?:[ \t]*(?:"[^"\\$%\n]*"|(?<=[ \t"])[A-Za-z_][\w-]*))*)[ \t]*(?P<open>\{)'
)
_ARGUMENT = re.compile(rb"(?P<name>[A-Za-z_][\w-]*)[ \t]*=(?!=)[ \t]*")
_LABEL = re.compile(rb"[ \t]*" + _PLAIN_LABEL + rb"[ \t]*")
_SCALAR = re.compile(
    rb'"(?P<text>(?:[^"\\$%\n\r]++|[$%](?![{$%]))*+)"(?=[ \t\r\n,}\]\#/]|\Z)|(?P<flag>true|false)\b(?![-.(\[])'
    rb"|(?P<number>-?(?:0|[1-9]\d{0,14}))(?![\w.\"-])"
)
_PLAIN = re.compile(
    rb'backend[ \t]+"(?P<type>[\w-]+)"[ \t]*\{[ \t]*'
    rb'(?P<body>\n(?:[ \t]*[A-Za-z_][\w-]*[ \t]*=[ \t]*(?:"[^"\\$%\n\r]*"|true|false)[ \t]*\n)*)[ \t]*\}'
)
_LINE = re.compile(rb'([A-Za-z_][\w-]*)[ \t]*=[ \t]*(?:"([^"]*)"|(true|false))')
_SEPARATOR = re.compile(rb"[ \t\r]*+(?:,[ \t\r]*+)?")
_CLOSERS = {b"{": b"}", b"[": b"]", b"(": b")"}
_MATTERS = (b"backend", b"cloud", b"state_store")
_DEEPEST = 8


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One block in a file.

    Attributes:
        type: The backend's name; `cloud` for that block.
        line: Its line, from 1.
        arguments: What is set.
        lines: The line of each.
    """

    type: str
    line: int
    arguments: Mapping[str, object] = {}
    lines: Mapping[str, int] = {}


class _DeclinedError(Exception):
    """Something that this reader does not read."""


def blocks(raw: bytes) -> list[Found] | None:
    """The backend and `cloud` blocks of a file, or None where the text is not plain enough."""
    try:
        return list(_blocks(raw))
    except (_DeclinedError, UnicodeDecodeError):
        return None


def arguments(raw: bytes) -> Mapping[str, object] | None:
    """The arguments of a file that holds nothing else, or None where the text is not plain enough."""
    start = len(_BOM) if raw.startswith(_BOM) else 0
    try:
        found, _ = _body(raw[start:], whole_file=True)
    except (_DeclinedError, UnicodeDecodeError):
        return None
    return found


def _blocks(raw: bytes) -> Iterator[Found]:
    at = len(_BOM) if raw.startswith(_BOM) else 0
    if not raw.isascii():
        raw.decode("utf-8")
    while True:
        at = _skip_gap(raw, at)
        if at == len(raw):
            return
        head = _HEAD.match(raw, at)
        if head is None:
            raise _DeclinedError
        if head["name"] == b"terraform":
            if head["labels"].strip():
                raise _DeclinedError
            end = yield from _in_terraform(raw, head.end())
        else:
            end = _partner(raw, head.start("open"))
        at = _end_line(raw, end + 1)


def _in_terraform(raw: bytes, start: int) -> Generator[Found, None, int]:
    """The blocks that matter; returns where the brace is that closes the `terraform` block."""
    if raw[start : start + 1] == b"}":
        return start
    at = _end_line(raw, start)
    while True:
        at = _skip_gap(raw, at)
        if raw[at : at + 1] == b"}":
            return at
        plain = _PLAIN.match(raw, at)
        if plain is not None:
            yield _plain(raw, plain)
            at = _end_line(raw, plain.end())
            continue
        argument = _ARGUMENT.match(raw, at)
        if argument is not None:
            at = _end_line(raw, _end_of_value(raw, argument.end()))
            continue
        head = _HEAD.match(raw, at)
        if head is None:
            raise _DeclinedError
        close = _partner(raw, head.start("open"))
        name = head["name"]
        if name in _MATTERS:
            yield _found(raw, head, close)
        elif raw.count(b"\n", head.end(), close) == 0 and raw[head.end() : close].strip():
            # python-hcl2 and Terraform differ on what may stand on one line
            raise _DeclinedError
        at = _end_line(raw, close + 1)


def _plain(raw: bytes, block: re.Match[bytes]) -> Found:
    """A block of nothing but plain lines, the first of them below its brace."""
    line = raw.count(b"\n", 0, block.start()) + 1
    found: dict[str, object] = {}
    lines: dict[str, int] = {}
    for number, (name, text, flag) in enumerate(_LINE.findall(block["body"]), line + 1):
        called = name.decode("ascii")
        if called in found:
            raise _DeclinedError
        found[called] = flag == b"true" if flag else text.decode("utf-8")
        lines[called] = number
    return Found(type=block["type"].decode("ascii"), line=line, arguments=found, lines=lines)


def _found(raw: bytes, head: re.Match[bytes], close: int) -> Found:
    line = raw.count(b"\n", 0, head.start()) + 1
    name, labels = head["name"], head["labels"]
    if name == b"cloud":
        if labels.strip():
            raise _DeclinedError
        return Found(type="cloud", line=line)
    label = _LABEL.fullmatch(labels)
    if name != b"backend" or label is None:
        raise _DeclinedError
    found, lines = _body(raw[head.end() : close], whole_file=False)
    return Found(
        type=(label["quoted"] or label["bare"] or b"").decode("ascii"),
        line=line,
        arguments=found,
        lines={name: line + offset for name, offset in lines.items()},
    )


@functools.lru_cache(maxsize=4096)
def _body(raw: bytes, *, whole_file: bool) -> tuple[Mapping[str, object], Mapping[str, int]]:
    """A body's arguments, and how many lines below its first one each stands."""
    found: dict[str, object] = {}
    lines: dict[str, int] = {}
    if not raw.strip():
        return found, lines
    # on the brace's own line there is nothing but a comment
    at = 0 if whole_file else _end_line(raw, 0)
    while True:
        at = _skip_gap(raw, at)
        if at == len(raw):
            return found, lines
        argument = _ARGUMENT.match(raw, at)
        if argument is None:
            raise _DeclinedError
        name = argument["name"].decode("ascii")
        if name in found:
            raise _DeclinedError
        lines[name] = raw.count(b"\n", 0, at)
        found[name], at = _value(raw, argument.end(), 0)
        at = _end_line(raw, at)


def _value(raw: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth > _DEEPEST:
        raise _DeclinedError
    opening = raw[at : at + 1]
    if opening == b"[":
        return _list(raw, at + 1, depth)
    if opening == b"{":
        return _object(raw, at + 1, depth)
    scalar = _SCALAR.match(raw, at)
    if scalar is None:
        raise _DeclinedError
    if (text := scalar["text"]) is not None:
        return text.decode("utf-8"), scalar.end()
    if (flag := scalar["flag"]) is not None:
        return flag == b"true", scalar.end()
    return int(scalar["number"]), scalar.end()


def _list(raw: bytes, at: int, depth: int) -> tuple[object, int]:
    found: list[object] = []
    while True:
        at = _skip_gap(raw, at)
        if raw[at : at + 1] == b"]":
            return found, at + 1
        value, at = _value(raw, at, depth + 1)
        found.append(value)
        at = _skip_gap(raw, at)
        if raw[at : at + 1] == b",":
            at += 1
        elif raw[at : at + 1] != b"]":
            raise _DeclinedError


def _object(raw: bytes, at: int, depth: int) -> tuple[object, int]:
    found: dict[str, object] = {}
    while True:
        at = _skip_gap(raw, at)
        if raw[at : at + 1] == b"}":
            return found, at + 1
        argument = _ARGUMENT.match(raw, at)
        if argument is None:
            raise _DeclinedError
        name = argument["name"].decode("ascii")
        if name in found:
            raise _DeclinedError
        found[name], at = _value(raw, argument.end(), depth + 1)
        separator = _SEPARATOR.match(raw, at)
        assert separator is not None  # noqa: S101 - it matches nothing as well
        if separator.end() > at and b"," in separator[0]:
            at = separator.end()
            continue
        at = separator.end()
        if raw[at : at + 1] not in {b"\n", b"}", b"#", b"/"}:
            raise _DeclinedError


def _end_of_value(raw: bytes, at: int) -> int:
    """Where the value at `at` ends, for a value that is not read: on its line, but for what its brackets hold."""
    for token in _TOKEN.finditer(raw, at):
        stop = raw.find(b"\n", at, token.start())
        if stop >= 0:
            return _trimmed(raw, at, stop)
        mark = token["mark"]
        if mark is not None:
            if mark not in _CLOSERS:
                raise _DeclinedError
            end = _partner(raw, token.start()) + 1
            _end_line(raw, end)
            if b"=" in raw[at : token.start()]:
                raise _DeclinedError
            return end
        if token["marker"] is not None or raw[token.start() : token.start() + 2] == b"/*":
            raise _DeclinedError
        if raw[token.start() : token.start() + 1] == b'"':
            end = token.end()
            if raw[at : token.start()].strip():
                raise _DeclinedError
            return end
        return _trimmed(raw, at, token.start())
    raise _DeclinedError


def _trimmed(raw: bytes, at: int, stop: int) -> int:
    text = raw[at:stop].rstrip()
    if not text or b"=" in text:
        raise _DeclinedError
    return at + len(text)


def _partner(raw: bytes, at: int) -> int:
    """The offset of the bracket that closes the one at `at`."""
    expected: list[bytes] = []
    for token in _TOKEN.finditer(raw, at):
        mark = token["mark"]
        if mark is None:
            continue
        closer = _CLOSERS.get(mark)
        if closer is not None:
            expected.append(closer)
        elif expected and expected[-1] == mark:
            expected.pop()
            if not expected:
                return token.start()
        else:
            raise _DeclinedError
    raise _DeclinedError


def _skip_gap(raw: bytes, at: int) -> int:
    gap = _GAP.match(raw, at)
    assert gap is not None  # noqa: S101 - it matches nothing as well
    return gap.end()


def _end_line(raw: bytes, at: int) -> int:
    """The end of a line on which nothing but a comment follows."""
    rest = _REST_OF_LINE.match(raw, at)
    if rest is None:
        raise _DeclinedError
    return rest.end()
