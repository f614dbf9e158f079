"""The parts of a runbook's Markdown by line: front matter, lead, sections, `step` fences."""

from __future__ import annotations

import msgspec

BACKGROUND_HEADINGS = ("before you start", "background")
"""Level-one headings whose `##` sections are read and not walked."""


class Part(msgspec.Struct, kw_only=True):
    """A section of the source: heading, lines and `step` fences, all as line indexes from 0, ends exclusive."""

    heading: str
    level: int
    start: int
    body: int
    end: int
    background: bool
    fences: list[tuple[int, int]] = []


class Outline(msgspec.Struct, kw_only=True):
    """The source's parts: where the front matter ends (0 without one), the lead's lines, the `##` sections."""

    front: int
    lead: tuple[int, int]
    parts: list[Part]
    stray: list[int]


def lines_of(text: str) -> list[str]:
    """The source's lines as Markdown counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def outline(text: str) -> Outline:
    """Where a runbook's parts are."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 -- off the path to the first paint
    from mdit_py_plugins.front_matter import front_matter_plugin  # noqa: PLC0415

    lines = lines_of(text)
    tokens = MarkdownIt("commonmark").enable("table").use(front_matter_plugin).parse("\n".join(lines))
    front, parts, stray, background = 0, list[Part](), list[int](), False
    fences: list[tuple[int, int, int]] = []
    for index, token in enumerate(tokens):
        start, end = token.map or (0, 0)
        if token.type == "front_matter":
            front = end
        elif token.type == "heading_open" and token.level == 0 and token.tag in {"h1", "h2"}:
            heading = tokens[index + 1].content.strip()
            if token.tag == "h1":
                background = heading.casefold() in BACKGROUND_HEADINGS
            level = int(token.tag[1])
            parts.append(
                Part(heading=heading, level=level, start=start, body=end, end=len(lines), background=background)
            )
            if len(parts) > 1:
                parts[-2].end = start
        elif token.type == "fence" and token.info.split()[:1] == ["step"]:
            fences.append((start, end, token.level))
    for start, end, level in fences:
        part = next((part for part in reversed(parts) if part.start <= start), None)
        if part is None or part.level == 1 or part.background or level:
            stray.append(start)
        else:
            part.fences = [*part.fences, (start, end)]
    title = parts[0] if parts and parts[0].level == 1 and not parts[0].background else None
    lead = (title.body, title.end) if title else (front, parts[0].start if parts else len(lines))
    return Outline(front=front, lead=lead, parts=[part for part in parts if part.level > 1], stray=stray)
