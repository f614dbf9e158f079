"""A mistake in a runbook, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Mistake(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One mistake in a runbook: file as shown, line and column from 1, and what was expected."""

    file: str
    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


class RunbookErrors(Exception):  # noqa: N818 -- it carries all of them
    """A runbook that cannot be walked, with all of its mistakes in their order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
