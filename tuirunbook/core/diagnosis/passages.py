"""A text cut at its headlines: each passage is one error, and says which operation failed."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from tuirunbook.core.diagnosis.boxes import ADVICE, BOX, Box
from tuirunbook.core.diagnosis.presentation import squeeze, unprefix


class Operation(enum.Enum):
    """What Terraform was doing when it failed, from the headline of the error."""

    ACQUIRE = enum.auto()
    RELEASE = enum.auto()
    UNLOCK = enum.auto()
    LOAD = enum.auto()
    SAVE = enum.auto()
    BACKEND = enum.auto()
    DIRECTORY = enum.auto()
    FRAGMENT = enum.auto()
    """The headline was lost; the text starts at the message, or later."""
    OTHER = enum.auto()


_HEADLINES: tuple[tuple[Operation, tuple[str, ...]], ...] = (
    (
        Operation.ACQUIRE,
        ("Error acquiring the state lock", "Error locking state", "Failed to lock [a-zA-Z0-9]{1,20} state"),
    ),
    (
        Operation.RELEASE,
        ("Error releasing the state lock", "Error unlocking [a-zA-Z0-9]{1,20} state", "Error unlocking state"),
    ),
    (
        Operation.UNLOCK,
        (
            "Failed to unlock state",
            "Error asking for confirmation",
            "force-unlock cancell?ed",
            "Expected a single argument: LOCK_ID",
            "Error parsing command-line flags",
            "Local state cannot be unlocked by another process",
            "Locking is disabled for this backend",
            "Locking disabled",
        ),
    ),
    (
        Operation.LOAD,
        (
            "Error loading state",
            "Error loading the state",
            "Failed to load state",
            "Error refreshing state",
            "Failed to refresh state",
            "Failed to get existing workspaces",
            "Error inspecting states in the",
            "Unable to access object",
            "Unable to list objects in S3 bucket",
            "No valid credential sources",
            "Cannot assume IAM Role",
            "Error configuring S3 Backend",
        ),
    ),
    (
        Operation.SAVE,
        ("Failed to save state", "Error saving state", "Failed to persist state", "Failed to write state"),
    ),
    (
        Operation.BACKEND,
        (
            "Backend initialization required",
            "Backend configuration changed",
            "Initialization required",
            "Module not installed",
            "Required plugins are not installed",
            "Could not load plugin",
            "Inconsistent dependency lock file",
        ),
    ),
    (
        Operation.DIRECTORY,
        ("No configuration files", "No Terraform configuration files", "No OpenTofu configuration files"),
    ),
    (Operation.FRAGMENT, ("Error message:",)),
)


def _pattern(headline: str) -> str:
    """A headline with anything for a space that a wrapped box can put there, and either case for its first letter."""
    first, rest = headline[0], headline[1:].replace(" ", r"[\s│|]+")
    return rf"[{first.upper()}{first.lower()}]{rest}"


_HEADLINE = re.compile(
    r"(?<![A-Za-z])(?=[A-Za-z])(?:"
    + "|".join(
        f"(?P<{operation.name}>{'|'.join(_pattern(headline) for headline in headlines)})"
        for operation, headlines in _HEADLINES
    )
    + r"|(?P<OTHER>Error:[ \t]))"
)
_LONGEST = 12_000
_MOST = 200
_RUNNING_ON = 400
_NEAR = 2000
_EVALUATING = {Operation.OTHER, Operation.LOAD}
_WITH_ADDRESS = re.compile(r"^[ \t]*with [^\n]{1,300},[ \t]*$", re.MULTILINE)


class Passage(NamedTuple):
    """One error.

    Attributes:
        operation: What failed.
        start: Where its headline begins in the normalised text.
        end: Where the next error begins.
        headline: The words that it was recognised by.
        body: The whole error, without prefixes and gutter.
        cause: The letters and digits of the message, up to the `Lock Info` block or the advice.
    """

    operation: Operation
    start: int
    end: int
    headline: str
    body: str
    cause: str

    def boxes(self, found: tuple[Box, ...]) -> tuple[Box, ...]:
        """Those of these blocks that belong to this error."""
        return tuple(box for box in found if self.start <= box.position < self.end)

    @property
    def about_a_resource(self) -> bool:
        """Whether Terraform names a resource or provider (`with aws_instance.web,`): it was evaluating by then."""
        return self.operation in _EVALUATING and _WITH_ADDRESS.search(self.body, 0, _NEAR) is not None

    @property
    def one_line(self) -> str:
        """The body with single spaces for all white space."""
        return " ".join(self.body.split())


def passages(text: str) -> tuple[Passage, ...]:
    """The errors in a normalised text, in order; of very many the last ones.

    A text with no headline at all is one fragment.
    """
    marks = _marks(text)
    if not marks:
        return (_passage(text, Operation.FRAGMENT, (0, 0), len(text)),) if text.strip() else ()
    ends = [start for _, (start, _), _ in marks[1:]] + [len(text)]
    cut = (_passage(text, operation, span, end) for (operation, span, _), end in zip(marks, ends, strict=True))
    return tuple(passage for passage in cut if passage.cause or passage.operation not in _EMPTY_MEANS_NESTED)


_EMPTY_MEANS_NESTED = {Operation.OTHER, Operation.LOAD, Operation.ACQUIRE, Operation.FRAGMENT}
"""`Error: error loading state: failed to lock s3 state: …` is one error: the last headline has the message."""


def _marks(text: str) -> list[tuple[Operation, tuple[int, int], str]]:
    marks: list[tuple[Operation, tuple[int, int], str]] = []
    for found in _HEADLINE.finditer(text):
        operation = Operation[found.lastgroup or "OTHER"]
        if (
            operation is Operation.FRAGMENT
            and marks
            and marks[-1][0] is not Operation.OTHER
            and found.start() - marks[-1][1][1] < _RUNNING_ON
        ):
            continue
        marks.append((operation, found.span(), found[0]))
    return marks[-_MOST:]


def _passage(text: str, operation: Operation, span: tuple[int, int], end: int) -> Passage:
    start, after = span
    body = unprefix(text[after : min(end, after + _LONGEST)])
    stops = [found.start() for found in (ADVICE.search(body), BOX.search(body)) if found]
    cause = squeeze(body[: min(stops)] if stops else body)
    return Passage(operation, start, end, text[start:after], body, cause)
