"""A runbook as loaded: steps, questions, and the part of both that no runbook may change.

The core questions are the safety floor's own (S6, S14, S16). A runbook may reword them and add to them; what their
answers weigh is fixed here.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.evidence import Says
from tuirunbook.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NEEDS = ("who", "how", "where", "link", "note", "undo")
"""What an answer can ask for beside itself: who said so, how they know, where it was looked for, a link, a note, and
what has to be undone at close."""

VALUE_NAMES = frozenset(
    {
        "backend.type",
        "lock.created",
        "lock.id",
        "lock.operation",
        "lock.store",
        "lock.version",
        "lock.who",
        "operator.name",
        "root.directory",
        "root.name",
        "state.account",
        "state.bucket",
        "state.digest_id",
        "state.key",
        "state.lock_id",
        "state.lockfile_key",
        "state.region",
        "state.table",
        "state.workspace",
        "tool.program",
    }
)
"""The names that a runbook may write as `{{ name }}`. `state.key` is the object key of the state, workspace included;
`state.lock_id` the lock item's partition key; `lock.id` what force-unlock takes."""

PLACEHOLDER = re.compile(r"(?<!\$)\{\{[ \t]{0,8}([^\s{}]*)[ \t]{0,8}\}\}")
"""A name to be filled in. `${{ … }}` belongs to CI systems and stays as it is."""

_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9_@%+=:,./-]*")


class Action(enum.StrEnum):
    """What the tool does in a step. The set is closed: a runbook arranges, it does not program."""

    DETECT = "detect"
    INSPECT = "inspect"
    RULE_OUT = "rule-out"
    RETRY_PLAN = "retry-plan"
    PREPARE = "prepare"
    FORCE_UNLOCK = "force-unlock"
    DELETE_LOCK = "delete-lock"
    VERIFY = "verify"
    PREVENT = "prevent"
    ASK = "ask"
    NOTE = "note"
    RUN = "run"


RELEASES = frozenset({Action.FORCE_UNLOCK, Action.DELETE_LOCK})
"""The actions after which a lock may be gone."""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to a question.

    Attributes:
        value: Names the answer in the journal.
        label: What the operator picks.
        says: What it says about a release.
        needs: What has to be told with it, out of `NEEDS`.
        final: True when no dispute can set it aside.
    """

    value: str
    label: str
    says: Says = Says.NOTHING
    needs: tuple[str, ...] = ()
    final: bool = False


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the operator.

    Attributes:
        id: Names the question in the journal.
        text: The question.
        why: One sentence: what the answer decides.
        options: The answers.
        core: True for the four that the safety floor asks.
    """

    id: str
    text: str
    why: str
    options: tuple[Option, ...]
    core: bool = False

    def option(self, value: str) -> Option | None:
        """The answer with this value."""
        return next((option for option in self.options if option.value == value), None)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where to read or ask on."""

    text: str
    url: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a runbook that is read and not walked."""

    title: str
    body: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step.

    Attributes:
        id: Names the step in the journal.
        number: Its place, from 1.
        title: Its heading without the number.
        action: What the tool does in it.
        body: The section's Markdown without the heading and the `step` fence.
        questions: What is asked in it.
        links: Where to read or ask on.
        commands: Argument lists, for `run`; each is shown before it starts.
        owners: Who to ask about this step.
        items: What is gone through one by one, for `prevent`.
    """

    id: str
    number: int
    title: str
    action: Action
    body: str = ""
    questions: tuple[Question, ...] = ()
    links: tuple[Link, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    owners: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to call, and when."""

    to: str
    when: str


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook as loaded from its Markdown.

    Attributes:
        name: The file's name without `.md`.
        title: Its title.
        version: Its version, as its authors count.
        owner: Who keeps it.
        expected_minutes: How long a practised engineer takes.
        escalate: Whom to call, and when.
        may_run: Each role with the steps it may run, in words.
        last_exercised: The day it was last walked from end to end (`2026-11-20`), or None.
        lead: The text between the title and the first section.
        steps: The steps in their order; a runbook is a list, without jumps.
        background: The sections that are read and not walked.
        text: The whole Markdown source.
        sha256: Of the source's UTF-8 bytes, 64 lowercase hex digits.
        origin: Where it came from, as it is shown.
    """

    name: str
    title: str
    version: str
    owner: str
    expected_minutes: int
    escalate: tuple[Escalation, ...] = ()
    may_run: tuple[tuple[str, str], ...] = ()
    last_exercised: str | None = None
    lead: str = ""
    steps: tuple[Step, ...]
    background: tuple[Section, ...] = ()
    text: str
    sha256: str
    origin: str

    @property
    def releases(self) -> bool:
        """Whether it can release a lock. One that cannot repairs something else, mostly where no lock is held."""
        return any(step.action in RELEASES for step in self.steps)

    def step(self, action: Action) -> Step | None:
        """The first step with this action."""
        return next((step for step in self.steps if step.action is action), None)

    def questions(self) -> Iterator[Question]:
        """Every question, in the order of the steps."""
        for step in self.steps:
            yield from step.questions

    def question(self, question_id: str) -> Question | None:
        """The question with this ID."""
        return next((question for question in self.questions() if question.id == question_id), None)


_DONT_KNOW = Option(value="dont-know", label="don't know", says=Says.UNKNOWN)

CORE_QUESTIONS: Mapping[str, Question] = {
    question.id: question
    for question in (
        Question(
            id="ci",
            text="Which CI run took this lock, and has it ended?",
            why="A run that is still working will write this state, lock or no lock.",
            core=True,
            options=(
                Option(value="running", label="a run that works on this state is in progress", says=Says.BLOCKS),
                Option(
                    value="ended",
                    label="it ended: its log shows terraform's end, or its single-use runner is gone",
                    says=Says.SUPPORTS,
                    needs=("how", "link"),
                ),
                Option(
                    value="cancelled",
                    label="cancelled, timed out or lost, on a host that may live",
                    needs=("link",),
                ),
                Option(value="none", label="no run matches", needs=("where",)),
                _DONT_KNOW,
            ),
        ),
        Question(
            id="owner",
            text="What does the owner of this operation say?",
            why="Only the person who started it knows whether it is meant to be running.",
            core=True,
            options=(
                Option(value="mine-running", label="mine, and running", says=Says.BLOCKS, final=True),
                Option(value="mine-died", label="mine, it died", says=Says.SUPPORTS, needs=("who", "how")),
                Option(value="mine-unsure", label="mine, unsure", needs=("who",)),
                Option(value="not-mine", label="not mine", needs=("who",)),
                Option(value="nobody-reachable", label="nobody reachable", needs=("who", "where")),
                _DONT_KNOW,
            ),
        ),
        Question(
            id="holder-host",
            text="What runs on the host that took this lock?",
            why="A terraform process outlives the job, the terminal and the session that started it.",
            core=True,
            options=(
                Option(value="alive", label="terraform runs there", says=Says.BLOCKS),
                Option(value="ended", label="looked there: its process is gone", says=Says.SUPPORTS, needs=("how",)),
                Option(
                    value="host-gone",
                    label="the host ended, or was reborn after the lock",
                    says=Says.SUPPORTS,
                    needs=("how",),
                ),
                Option(value="unreachable", label="it cannot be looked at", needs=("how",)),
                _DONT_KNOW,
            ),
        ),
        Question(
            id="next",
            text="What takes this lock next, the second it is free?",
            why="A queued apply starts at once, on a state that the last one may have left half written.",
            core=True,
            options=(
                Option(value="nothing", label="nothing is queued or scheduled", needs=("how",)),
                Option(value="held", label="it is kept from starting", needs=("how", "undo")),
                Option(value="not-held", label="it will start, and that is right because…", needs=("note",)),
                _DONT_KNOW,
            ),
        ),
    )
}
"""The four questions of the safety floor by ID, with the weights of their answers. No runbook changes a weight."""


def substitute(text: str, values: Mapping[str, str]) -> str:
    """`text` with each `{{ name }}` replaced by its value, cleaned and on one line.

    For text that is already parsed: a label, a question, the text of a Markdown token. A name without a value stays as
    it is written. A value is never looked at for names again.
    """
    return PLACEHOLDER.sub(lambda match: one_line(values[match[1]], 2000) if match[1] in values else match[0], text)


def is_plain(value: str) -> bool:
    """Whether neither a shell nor Markdown would read anything into this value."""
    return _PLAIN.fullmatch(value) is not None


def substitute_plain(text: str, values: Mapping[str, str]) -> str:
    """As `substitute`, for text that a person copies into a shell: only values that are plain go in."""
    return substitute(text, {name: value for name, value in values.items() if is_plain(value)})


class ArgumentError(ValueError):
    """A command's arguments cannot be filled in; the sentence says which and why."""


def fill_arguments(argv: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """`argv` with each argument that is one `{{ name }}` replaced by its value, unaltered.

    Raises:
        ArgumentError: A value is not known, is empty, or would read as an option or hold control characters.
    """
    return tuple(_argument(argument, values) for argument in argv)


def _argument(argument: str, values: Mapping[str, str]) -> str:
    match = PLACEHOLDER.fullmatch(argument)
    if match is None:
        return argument
    value = values.get(match[1], "")
    if not value:
        raise ArgumentError(f"{match[1]} is not known here, so this command cannot be completed")
    if value.startswith("-") or not value.isprintable():
        raise ArgumentError(f"{match[1]} is {one_line(value, 60)!r}, which is not safe to pass to a command")
    return value
