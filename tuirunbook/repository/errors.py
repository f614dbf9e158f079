"""What detection says when it cannot go on: one sentence, one next step, and the place in the file."""

from __future__ import annotations

from tuirunbook.core.text import clean


class DetectionError(Exception):
    """No root module with a usable backend could be made out.

    Attributes:
        sentence: What is wrong.
        next_step: What to do about it.
        file: The file it is about, as shown; None when it is about none.
        line: Its line, from 1.
        column: Its column, from 1.
    """

    def __init__(
        self,
        sentence: str,
        next_step: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.sentence = clean(sentence)
        self.next_step = clean(next_step)
        self.file = None if file is None else clean(file, keep_newlines=False)
        self.line = line
        self.column = column
        super().__init__(f"{self.place}{self.sentence} {self.next_step}")

    @property
    def place(self) -> str:
        """`file:line:column: `, as far as it is known; empty when it is not."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts) + ": " if parts else ""
