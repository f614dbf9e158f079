"""The `Lock Info` blocks in a text, in whatever layout they survived."""

from __future__ import annotations

import re

from tuirunbook.core.diagnosis.presentation import unprefix
from tuirunbook.core.diagnosis.values import ReportedLock
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import one_line

BOX = re.compile(r"Lock[ \t]+Info:")
ADVICE = re.compile(r"(?:Terraform|OpenTofu)[\s│|]+acquires[\s│|]+a[\s│|]+(?:state[\s│|]+)?lock\b")
"""Where the paragraph begins that follows every lock error and says nothing about this one."""

_LABELS = "ID|Path|Operation|Who|Version|Created|Info"
_LINE = re.compile(rf"\s*({_LABELS}):[ \t]*(.*)")
_FLAT = re.compile(rf"(?:^|(?<=[\s│|]))({_LABELS}):(?=\s|$)")
_GO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(Z|UTC|[+-]\d\d:?\d\d)?(?: ?[A-Z]{1,5})?(?: m=\S+)?"
)
_MASKED = re.compile(r"[*Xx.\-\[\]<>…]*(?:redacted|masked)?[*Xx.\-\[\]<>…]*", re.IGNORECASE)
_REGION = 4000
_VALUE = 2048
_IDENTITY = 200
_MOST = 200


class Box:
    """One block: where it begins, the lock it claims, and whether its ID is printed blank."""

    __slots__ = ("blank_id", "lock", "position")

    def __init__(self, position: int, fields: dict[str, str]) -> None:
        self.position = position
        self.blank_id = fields.get("ID") == "" and len(fields) > 1
        self.lock = _lock(fields)


def boxes(text: str) -> tuple[Box, ...]:
    """Every block in a normalised text, in order; of very many the last ones."""
    starts = [(found.start(), found.end()) for found in BOX.finditer(text)][-_MOST:]
    ends = [*(start for start, _ in starts), len(text)][1:]
    found = (
        Box(start, _fields(text[begin : min(end, begin + _REGION)]))
        for (start, begin), end in zip(starts, ends, strict=True)
    )
    return tuple(box for box in found if box.blank_id or box.lock != ReportedLock())


def distinct(found: tuple[Box, ...]) -> tuple[ReportedLock, ...]:
    """The locks of these blocks, each once: by its ID, or by all that it says when it shows none."""
    seen: dict[str | ReportedLock, ReportedLock] = {}
    for box in found:
        if box.lock != ReportedLock():
            seen.setdefault(box.lock.id or box.lock, box.lock)
    return tuple(seen.values())


def _fields(region: str) -> dict[str, str]:
    region = unprefix(region)
    advice = ADVICE.search(region)
    region = (region[: advice.start()] if advice else region).lstrip("\n\t │|")
    if len(_FLAT.findall(region.split("\n", 1)[0])) > 1:
        return _flat_fields(region)
    fields: dict[str, str] = {}
    lines = [line for line in region.split("\n") if line.strip()]
    while lines:
        line = lines.pop(0)
        found = _LINE.match(line)
        if found is None and lines and (found := _LINE.match(line + lines[0])):
            lines.pop(0)  # a line break inside the label
        if found is None or found[1] in fields:
            break
        fields[found[1]] = found[2].strip()
        if found[1] == "Info":
            break
    return fields


def _flat_fields(region: str) -> dict[str, str]:
    """The fields of a block whose line breaks became spaces."""
    labels: list[re.Match[str]] = []
    for found in _FLAT.finditer(region):
        if all(found[1] != label[1] for label in labels):
            labels.append(found)
        if found[1] == "Info":
            break
    fields: dict[str, str] = {}
    for label, following in zip(labels, [*labels[1:], None], strict=True):
        value = region[label.end() : following.start() if following else None].replace("│", " ").strip()
        if following is None and label[1] != "Created":
            value = "" if label[1] == "Info" else value.split(maxsplit=1)[0] if value else ""
        fields[label[1]] = value
    return fields


def _lock(fields: dict[str, str]) -> ReportedLock:
    values = {label.lower(): one_line(value, _VALUE) or None for label, value in fields.items() if label != "ID"}
    identity = one_line(fields.get("ID", ""), _IDENTITY) or None
    created = values.pop("created", None)
    return ReportedLock(
        id=None if identity is None or _MASKED.fullmatch(identity) else identity,
        created=rfc3339(created) if created else None,
        **values,
    )


def rfc3339(printed: str) -> str | None:
    """Go's `Time.String` as RFC 3339 with all its digits; None for the zero time; other text as it is."""
    found = _GO_TIME.match(printed)
    if found is None:
        return printed
    day, time, zone = found.groups()
    offset = "Z" if zone in {None, "Z", "UTC", "+0000", "+00:00"} else f"{zone[:3]}:{zone[-2:]}"
    try:
        moment = parse_time(f"{day}T{time}{offset}")
    except ValueError:
        return printed
    return None if moment.year == 1 else f"{day}T{time}{offset}"
