"""A runbook as text to follow by hand, for when the tool cannot run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import PLACEHOLDER, ArgumentError, fill_arguments, is_plain, substitute_plain
from tuirunbook.core.text import one_line
from tuirunbook.library.outline import lines_of, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuirunbook.core.runbook import Question, Runbook, Step

_MEANING = {
    Says.BLOCKS: "STOP: nothing is released",
    Says.SUPPORTS: "speaks for a release",
    Says.NOTHING: "proves nothing",
    Says.UNKNOWN: "does not count as an answer",
}
_TELL = {
    "who": "who says so",
    "how": "how it is known",
    "where": "where you looked or asked",
    "link": "a link",
    "note": "a note",
    "undo": "what to undo afterwards",
}


def show(runbook: Runbook, values: Mapping[str, str]) -> str:
    """The runbook's Markdown with this repository's values filled in and each `step` fence as a checklist.

    A value that a shell or Markdown could read something into is not filled in: its name stays, and the value stands in
    the list at the top, as data.
    """
    parts = outline(runbook.text)
    source = lines_of(runbook.text)
    walked = [part for part in parts.parts if not part.background]
    checklists = {part.fences[0]: step for part, step in zip(walked, runbook.steps, strict=True)}
    starts = {start: (end, step) for (start, end), step in checklists.items()}
    out = [*_header(runbook), *_values(runbook, values), ""]
    number = parts.front
    while number < len(source):
        if number in starts:
            number, step = starts[number]
            out += _checklist(step, values)
        else:
            out.append(substitute_plain(source[number], values))
            number += 1
    return "\n".join(out).rstrip() + "\n"


def _header(runbook: Runbook) -> Iterator[str]:
    yield f"Runbook {runbook.name}, version {runbook.version}, from {runbook.origin}"
    yield f"Owner: {runbook.owner}. Expected: {runbook.expected_minutes} minutes."
    yield from (f"May run: {role}: {steps}" for role, steps in runbook.may_run)
    yield from (f"Call {escalation.to}: {escalation.when}" for escalation in runbook.escalate)
    yield f"Last exercised: {runbook.last_exercised or 'never, as far as this file says'}"


def _values(runbook: Runbook, values: Mapping[str, str]) -> Iterator[str]:
    named = list(dict.fromkeys(PLACEHOLDER.findall(runbook.text)))
    left = [name for name in named if name not in values or not is_plain(values[name])]
    yield ""
    for name in named:
        if name not in left:
            yield f"    {name} = {values[name]}"
    for name in left:
        how = (
            f"= {one_line(values[name], 2000)!r} (not filled in: quote it yourself)"
            if name in values
            else "is not known"
        )
        yield f"    {name} {how}"


def _checklist(step: Step, values: Mapping[str, str]) -> Iterator[str]:
    for question in step.questions:
        yield from _question(question, values)
    for command in step.commands:
        yield "```sh"
        yield _line(command, values)
        yield "```"
    yield from (f"- [ ] {substitute_plain(item, values)}" for item in step.items)
    if step.owners:
        yield f"Ask: {', '.join(step.owners)}"
    yield from (f"- {link.text}: <{link.url}>" for link in step.links)


def _question(question: Question, values: Mapping[str, str]) -> Iterator[str]:
    yield f"**{substitute_plain(question.text, values)}** {substitute_plain(question.why, values)}"
    yield ""
    for option in question.options:
        tell = "; write down " + ", ".join(_TELL[need] for need in option.needs) if option.needs else ""
        yield f"- [ ] {substitute_plain(option.label, values)} ({_MEANING[option.says]}{tell})"
    yield ""


def _line(command: tuple[str, ...], values: Mapping[str, str]) -> str:
    """The command as a shell takes it; with a value missing, the names stay in it."""
    try:
        return shlex.join(fill_arguments(command, values))
    except ArgumentError:
        return " ".join(a if PLACEHOLDER.fullmatch(a) else shlex.quote(a) for a in command)
