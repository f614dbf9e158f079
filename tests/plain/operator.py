"""An operator at a plain console: reads the menu, picks by words, types answers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from tests.support.stuck import PracticeRoot

PROMPT = r": $"
PATIENCE = 40


class Operator:
    """Somebody who answers `tflock-tui --plain` in a terminal."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self.child = child
        self.told = ""

    def read(self, prompt: str = "What now, a number") -> str:
        """What was printed until this question."""
        self.child.expect(re.escape(prompt) + ": ", timeout=PATIENCE)
        before: Any = self.child.before
        said = str(before).replace("\r\n", "\n")
        self.told += said
        return said

    def pick(self, words: str, prompt: str = "What now, a number") -> str:
        """Choose the line of the menu that holds these words; what was printed before the menu's question."""
        said = ""
        number: list[str] = []
        while not number:
            # What happens meanwhile is printed between the menu and its question, and the question is put again.
            said += self.read(prompt)
            # A label may be folded over two lines; without an echo, a menu goes on in the line of the last question.
            menu = re.findall(r"(?:^|: )(\d+)\. (.*(?:\n   .*)*)", said, re.MULTILINE)
            number = [number for number, label in menu if words in " ".join(label.split())]
        self.child.sendline(number[-1])
        return said

    def type(self, text: str, prompt: str) -> None:
        """Answer a question."""
        self.read(prompt)
        self.child.sendline(text)

    def answer(self, words: str, told: Mapping[str, str]) -> None:
        """Answer the question that is open: the option with these words, then what each field's label asks for."""
        self.pick(words, "Answer, a number")
        for prompt, text in told.items():
            self.type(text, prompt)

    def end(self) -> int:
        """Until the program has ended; its exit code."""
        self.child.expect(pexpect.EOF, timeout=PATIENCE)
        before: Any = self.child.before
        self.told += str(before)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)


@contextmanager
def plain(root: PracticeRoot, home: Path, *arguments: str) -> Iterator[Operator]:
    """`tflock-tui --plain` in a terminal, in a root module."""
    env = root.environ(HOME=str(home), PYTHONPATH=str(Path(__file__).parents[2]), TERM="dumb")
    argv = ["-m", "tuirunbook", "--plain", *arguments]
    child = pexpect.spawn(
        sys.executable, argv, cwd=str(root.directory), env=env, encoding="utf-8", echo=False, dimensions=(24, 200)
    )
    try:
        yield Operator(child)
    finally:
        child.close(force=True)
