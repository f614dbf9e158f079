"""A line that asks for something below a list or an output, and is not there otherwise."""

from __future__ import annotations

from textual import on
from textual.message import Message
from textual.widgets import Input


class Prompt(Input):
    """Asks one thing at a time. It takes the focus; whoever asked gives it on once it is answered."""

    DEFAULT_CSS = """
    Prompt {
        display: none;
        height: 1;
        border: none;
        background: $boost;
        &.-asking { display: block; }
    }
    """

    class Answered(Message):
        """Something was typed, perhaps nothing; the line is gone again."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what = what
            self.text = text

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id, compact=True)
        self._what = ""

    @property
    def is_asking(self) -> bool:
        """Whether it waits for an answer."""
        return self.has_class("-asking")

    def ask(self, what: str, label: str, value: str) -> None:
        """Ask for `what`, which comes back with the answer."""
        self._what = what
        self.value = value
        self.placeholder = label
        self.add_class("-asking")
        self.focus()

    def put_away(self) -> None:
        """Ask no more."""
        self.remove_class("-asking")

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        event.stop()
        self.put_away()
        self.post_message(self.Answered(self._what, event.value))
