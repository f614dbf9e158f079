"""A runbook's Markdown as it reads on a terminal: paragraphs flow, commands stand apart, nothing is interpreted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textual.content import Content

_OWN_LINE = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|\||#|>|$)")
_EMPHASIS = re.compile(r"(?<![\w*])\*(\w[^*\n]{0,80}\w)\*(?![\w*])")


def flow(markdown: str) -> Iterator[Content]:
    """The text line by line, for a widget that wraps: hard line breaks inside paragraphs and list items are joined."""
    paragraph: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            yield from _joined(paragraph)
            fenced = not fenced
        elif fenced:
            yield Content.styled(f"  {line}", "$text-accent")
        elif _OWN_LINE.match(line):
            yield from _joined(paragraph)
            paragraph.append(line.rstrip())
        else:
            paragraph.append(line.strip() if paragraph else line.rstrip())
    yield from _joined(paragraph)


def _joined(paragraph: list[str]) -> Iterator[Content]:
    if paragraph:
        text = " ".join(paragraph).replace("**", "").replace("`", "")
        yield Content(_EMPHASIS.sub(r"\1", text))
        paragraph.clear()
