"""YAML inside a runbook, node by node, so that each knows its line and what is wrong with one hides no other."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from tuirunbook.core.text import one_line
from tuirunbook.library.mistakes import Mistake
from tuirunbook.library.outline import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import yaml

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Source:
    """A runbook's text and the mistakes found in it so far."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.lines = lines_of(text)
        self.mistakes: list[Mistake] = []

    def wrong(self, line: int, column: int, sentence: str) -> None:
        """Note a mistake at a line and column, both from 0."""
        self.mistakes.append(Mistake(file=self.file, line=line + 1, column=column + 1, sentence=sentence))


class Yaml:
    """One YAML document inside the source; nodes know their places, and what is wrong with one hides no other."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        """Take the source's lines from `start` to `end`, as line indexes from 0; the end is exclusive."""
        self.source = source
        self.start = start
        self.content = "\n".join(source.lines[start:end]) + "\n"

    def root(self) -> yaml.Node | None:
        """The document, or None when it is empty or is not YAML, which is noted."""
        import yaml  # noqa: PLC0415 -- off the path to the first paint

        try:
            node = yaml.compose(self.content, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.wrong_at(mark.index if mark else 0, f"this is not YAML: {one_line(str(error.problem or error), 120)}")
        except yaml.reader.ReaderError as error:
            self.wrong_at(error.position, "this is not YAML: a character that it does not allow")
        except RecursionError:
            self.wrong_at(0, "this is not YAML for a runbook: it is nested too deeply")
        else:
            if node is None:
                self.wrong_at(0, "this block is empty")
            return node
        return None

    def wrong_at(self, index: int, sentence: str) -> None:
        """Note a mistake at a character of the document."""
        before = self.content[: min(index, len(self.content) - 1)]
        self.source.wrong(self.start + before.count("\n"), len(before) - before.rfind("\n") - 1, sentence)

    def wrong(self, node: yaml.Node, sentence: str) -> None:
        """Note a mistake at a node."""
        self.wrong_at(node.start_mark.index, sentence)

    def mapping(
        self, node: yaml.Node, what: str, *, required: Sequence[str], optional: Sequence[str] = ()
    ) -> dict[str, yaml.Node]:
        """The values of a mapping by key. Unknown, double, missing and empty keys are noted."""
        found: dict[str, yaml.Node] = {}
        if not self.is_a(node, "mapping"):
            self.wrong(node, f"{what} is a mapping with {listed(required)}")
            return found
        known = (*required, *optional)
        for key_node, value in node.value:
            key = key_node.value if self.is_a(key_node, "scalar") else ""
            if key not in known:
                self.wrong(key_node, f"{what} knows no {quoted(key)}{near(key, known)}")
            elif key in found:
                self.wrong(key_node, f"{what} has {key} twice")
            elif self.is_a(value, "scalar") and value.value.strip() == "":
                self.wrong(key_node, f"{key} is empty")
                found[key] = value
            else:
                found[key] = value
        for key in required:
            if key not in found:
                self.wrong(node, f"{what} lacks {key}")
        return {key: value for key, value in found.items() if value.value != ""}

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The nodes of a list; an absent one has none."""
        if node is None:
            return []
        if not self.is_a(node, "sequence"):
            self.wrong(node, f"{what} is a list")
            return []
        if not node.value:
            self.wrong(node, f"{what} is an empty list")
        return list(node.value)

    def text(self, node: yaml.Node | None, what: str) -> str:
        """A text on one line; empty when it is absent or wrong."""
        if node is None:
            return ""
        if not self.is_a(node, "scalar"):
            self.wrong(node, f"{what} is a text")
            return ""
        text = " ".join(str(node.value).split())
        if not text:
            self.wrong(node, f"{what} is empty")
        return text

    def texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.text(item, f"each of {what}") for item in self.items(node, what))

    def one_of(self, node: yaml.Node | None, what: str, known: Sequence[str]) -> str:
        """A text out of a fixed set; empty when it is absent or wrong."""
        text = self.text(node, what)
        if node is not None and text and text not in known:
            self.wrong(node, f"{what} is one of {', '.join(known)}, not {quoted(text)}{near(text, known)}")
            return ""
        return text

    def name(self, node: yaml.Node | None, what: str) -> str:
        """A name: lower-case letters and digits, joined by hyphens; empty when it is absent or wrong."""
        text = self.text(node, what)
        if node is not None and text and not _NAME.fullmatch(text):
            self.wrong(node, f"{what} is lower-case letters and digits joined by hyphens, not {quoted(text)}")
            return ""
        return text

    @staticmethod
    def is_a(node: yaml.Node, kind: str) -> bool:
        """Whether a node is a `mapping`, `sequence` or `scalar`."""
        return getattr(node, "id", None) == kind


def near(text: str, known: Sequence[str]) -> str:
    """A question about the known names that `text` may have meant; empty when it is like none."""
    close = difflib.get_close_matches(text, known, n=2, cutoff=0.75)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def quoted(text: str) -> str:
    """`text` as it stands in a sentence."""
    return f"“{one_line(text, 60)}”"


def listed(words: Sequence[str]) -> str:
    """The words as they stand in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
