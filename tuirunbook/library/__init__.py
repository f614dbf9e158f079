"""Loads Markdown runbooks, and says every mistake in one with its line and column.

A runbook is Markdown that a person can follow without the tool. YAML front matter says what it is; every `##` section
is a step and holds one fenced block with the info string `step`, which is what the tool reads:

    ## 3. Rule out an active run

    Text for people, with `{{ state.key }}` where this repository's values belong.

    ```step
    action: rule-out
    questions:
      - id: ci
    ```

Sections under the level-one headings `Before you start` and `Background` are read and not walked; they hold no `step`
fence.

Front matter: `name` (the file's), `title`, `version`, `owner`, `expected_minutes`; `may_run` (role: steps), `escalate`
(a list of `to` and `when`), `last_exercised`. Fence: `action`; `id`, `questions`, `links` (`text` and `url`), `owners`,
`commands` (argument lists, for `run`), `items` (for `prevent`). A question has `id`, `text`, `why` and `options`; an
option `value`, `label`, `says`, `needs`, `final`. A core question needs no more than its ID; it may be
worded anew and get more answers, and its own answers stay as they are (S14).
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.text import one_line
from tuirunbook.library.mistakes import Mistake, RunbookErrors
from tuirunbook.library.reader import Reader
from tuirunbook.library.show import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuirunbook.core.runbook import Runbook

__all__ = ["Found", "Mistake", "RunbookErrors", "available", "check", "find_shipped", "load", "parse", "show"]

MAX_BYTES = 1_000_000

_SUFFIX = ".md"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook that is there to be loaded.

    Attributes:
        name: What it is called on the command line.
        path: Its file.
        origin: The directory it came from, as it is shown; `tflock-tui` for ours.
        shadows: The origin of the runbook that it stands in for, or None.
    """

    name: str
    path: Path
    origin: str
    shadows: str | None = None


def find_shipped() -> Path:
    """The directory of our own runbooks: inside the installed package, or at the top level of a checkout."""
    package = Path(str(resources.files("tuirunbook")))
    inside = package / "runbooks"
    return inside if inside.is_dir() else package.parent / "runbooks"


def available(extra_dirs: Sequence[Path] = ()) -> tuple[Found, ...]:
    """The runbooks in our directory and then in `extra_dirs`, by name; a later one stands in for an earlier namesake.

    A directory that is not there holds none.
    """
    found: dict[str, Found] = {}
    for directory, origin in ((find_shipped(), "tflock-tui"), *((extra, str(extra)) for extra in extra_dirs)):
        for path in sorted(directory.glob("*" + _SUFFIX)) if directory.is_dir() else ():
            earlier = found.get(path.stem)
            found[path.stem] = Found(
                name=path.stem,
                path=path,
                origin=one_line(origin),
                shadows=earlier.origin if earlier else None,
            )
    return tuple(found[name] for name in sorted(found))


def load(path: Path) -> Runbook:
    """The runbook in this file.

    Raises:
        RunbookErrors: It has mistakes, or cannot be read.
    """
    shown = one_line(str(path), 500)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RunbookErrors([_first(shown, f"cannot be read: {error.strerror or error}")]) from error
    if len(raw) > MAX_BYTES:
        raise RunbookErrors([_first(shown, f"is {len(raw)} bytes long; a runbook has at most {MAX_BYTES}")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        sentence = "this is not UTF-8; save the file as UTF-8"
        raise RunbookErrors([Mistake(file=shown, line=line, column=column, sentence=sentence)]) from error
    return Reader(text, shown).runbook(file_name=path.stem)


def check(path: Path) -> tuple[Mistake, ...]:
    """Every mistake of the runbook in this file, in their order."""
    try:
        load(path)
    except RunbookErrors as errors:
        return errors.mistakes
    return ()


def parse(text: str, origin: str) -> Runbook:
    """The runbook in this text, such as the copy that an incident keeps.

    Raises:
        RunbookErrors: It has mistakes.
    """
    return Reader(text.removeprefix("\ufeff"), origin).runbook(file_name=None)


def _first(file: str, sentence: str) -> Mistake:
    return Mistake(file=file, line=1, column=1, sentence=sentence)
