"""What was just said, in lines of its own: it pushes the step together, and covers nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.content import Content
from textual.widgets import Static

SHOWN_SECONDS = 6.0
BAD_SECONDS = 20.0
MOST = 2
"""How many sentences stand at once; the older ones are in the transcript or the command log."""


class Notices(Static):
    """The latest sentences, each for some seconds in which its screen is on top, or until a key is pressed after them.

    Args:
        monotonic: Seconds.
    """

    DEFAULT_CSS = """
    Notices {
        display: none;
        height: auto;
        max-height: 6;
        padding: 0 1;
        background: $surface;
        &.-said { display: block; }
    }
    """

    def __init__(self, *, id: str, monotonic: Callable[[], float] = time.monotonic) -> None:  # noqa: A002 - Textual's
        super().__init__(Content(""), id=id)
        self._monotonic = monotonic
        self._said: list[tuple[str, bool, float]] = []
        self._ticked = monotonic()

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """Show a sentence."""
        kept = [said for said in self._said if said[0] != sentence]
        self._said = [*kept, (sentence, bad, BAD_SECONDS if bad else SHOWN_SECONDS)][-MOST:]
        self._show()

    def says(self, sentence: str) -> bool:
        """Whether a sentence stands here now, or begins one that does."""
        return any(text.startswith(sentence.removesuffix("…")) for text, _, _ in self._said)

    def tick(self, *, seen: bool) -> None:
        """Let time pass, if the screen could be seen meanwhile."""
        now = self._monotonic()
        passed, self._ticked = now - self._ticked, now
        if self._said and seen:
            left = [(text, bad, seconds - passed) for text, bad, seconds in self._said]
            self._said = [said for said in left if said[2] > 0]
            if len(self._said) != len(left):
                self._show()

    def clear(self) -> None:
        """Somebody has read them and goes on."""
        if self._said:
            self._said = []
            self._show()

    def _show(self) -> None:
        lines = [
            Content.assemble(("! " if bad else "› ", "bold"), text).stylize("$text-error" if bad else "$text")
            for text, bad, _ in self._said
        ]
        self.set_class(bool(lines), "-said")
        self.update(Content("\n").join(lines))
