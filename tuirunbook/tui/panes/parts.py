"""Pieces that several panes share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from textual.content import Content

from tuirunbook.core.events import CheckRecorded
from tuirunbook.core.evidence import Says
from tuirunbook.core.text import one_line
from tuirunbook.core.verdict import CHECK_NAMES, Opinion, Verdict

Lines: TypeAlias = Iterator[Content]

SAYS_GLYPH = {Says.BLOCKS: "✗", Says.SUPPORTS: "✓", Says.NOTHING: "·", Says.UNKNOWN: "?"}
SAYS_WORDS = {
    Says.BLOCKS: "blocks",
    Says.SUPPORTS: "supports",
    Says.NOTHING: "says nothing",
    Says.UNKNOWN: "not known",
}
SAYS_STYLE = {
    Says.BLOCKS: "$text-error",
    Says.SUPPORTS: "$text-success",
    Says.NOTHING: "",
    Says.UNKNOWN: "$text-warning",
}
OPINION_STYLE = {
    Opinion.ACTIVE: "bold $text-error",
    Opinion.ORPHANED: "bold $text-success",
    Opinion.CANNOT_TELL: "bold $text-warning",
}


KEY_STYLE = "bold reverse"

READING_KEYS = frozenset({"enter", "f", "c", "r", "v"})
"""The keys in panes that only show, copy or look."""


def paragraph(text: str, style: str = "") -> Content:
    """One paragraph; the widget wraps it."""
    return Content.styled(text, style) if style else Content(text)


def heading(text: str) -> Content:
    """A line that names what follows."""
    return Content.styled(text, "bold")


def pair(name: str, value: str, width: int = 11) -> Content:
    """A name and its value, the names in a column."""
    return Content.assemble((f"{name:<{width}} ", "$text-muted"), one_line(value, 400))


def key(keys: str, does: str) -> Content:
    """What a key does here."""
    return Content.assemble((f" {keys} ", KEY_STYLE), f" {does}")


def is_key(line: Content) -> bool:
    """Whether a line says what a key does."""
    return bool(line.spans) and line.spans[0].style == KEY_STYLE


def greyed(line: Content) -> Content:
    """A line as one sees it who only reads: a key that writes is still there, grey."""
    if not is_key(line) or line.plain.split()[0] in READING_KEYS:
        return line
    return Content.styled(line.plain, "$text-disabled")


def check_line(check: CheckRecorded | None, name: str, what: str) -> Content:
    """A check with its result: glyph, word, detail."""
    if check is None:
        return Content.assemble(("? ", "$text-warning"), f"{what}: not checked yet")
    glyph, style = {"ok": ("✓", "$text-success"), "bad": ("✗", "$text-error")}.get(check.result, ("?", "$text-warning"))
    del name
    return Content.assemble((f"{glyph} ", style), f"{what}: {one_line(check.detail, 300)}")


def comes_back(fact: str) -> Iterable[Content]:
    """That a lock is one of several that the same holder leaves, where it is: then releasing is not the way out."""
    if fact:
        yield Content.assemble(("✗ ", "$text-error"), (one_line(fact, 300), "bold"), "; step 9 has the usual causes.")


def verdict_lines(verdict: Verdict, *, advises: bool = True) -> Iterable[Content]:
    """The verdict, what it rests on and what it lacks; and what to do next, where no gate says so below."""
    name = verdict.opinion.value.upper()
    yield Content.assemble(("Verdict ", "bold"), (name, OPINION_STYLE[verdict.opinion]))
    for sentence in verdict.contradictions:
        yield Content.assemble(("  ≠ ", "$text-error"), one_line(sentence, 300))
    for candidate in verdict.candidates:
        said = "" if candidate.startswith("could be about this state") else "could be this state: "
        yield Content.assemble((f"  ? {said}", "$text-warning"), one_line(candidate, 300))
    if verdict.missing and verdict.opinion is not Opinion.ACTIVE:
        names = ", ".join(CHECK_NAMES[name] for name in verdict.missing)
        yield Content.assemble(("  no decisive answer: ", "$text-muted"), names)
    if advises:
        yield Content(f"  {verdict.advice}")
