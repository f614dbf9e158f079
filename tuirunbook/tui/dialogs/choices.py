"""A list of answers to pick one from, which shows by a sign and not by colour alone where the cursor is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Choices(OptionList):
    """Plain-text options; the one under the cursor begins with `▸`.

    Args:
        choices: `(value, label)` pairs; the value is the option's ID.
        id: The widget's ID.
        classes: Its classes.
    """

    def __init__(self, choices: Sequence[tuple[str, str]], *, id: str, classes: str = "") -> None:  # noqa: A002 - Textual's
        self._labels = tuple(label for _, label in choices)
        self._marked: int | None = None
        options = [Option(self._line(label, marked=False), id=value) for value, label in choices]
        super().__init__(*options, id=id, classes=classes, markup=False)

    @staticmethod
    def _line(label: str, *, marked: bool) -> Content:
        return Content(f"{'▸' if marked else ' '} {label}")

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Move the sign with the cursor."""
        for index, marked in ((self._marked, False), (highlighted, True)):
            if index is not None:
                self.replace_option_prompt_at_index(index, self._line(self._labels[index], marked=marked))
        self._marked = highlighted
        super().watch_highlighted(highlighted)
