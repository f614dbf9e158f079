"""Long lines folded to a terminal's width, without breaking what people copy."""

from __future__ import annotations

import re
import textwrap

NARROWEST = 20
"""A terminal that says it is narrower than this is not believed."""

COMMAND = "$ "
"""What a line begins with that is a command: it stays whole, however long it is."""

_QUOTED = re.compile(r"`[^`\n]+`")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]* (?=\S)")
_JOINED = "\x1f"
"""Stands for a space that no line ends at; `text.clean` lets none of it in."""


def fold(line: str, width: int, indent: str = "") -> list[str]:
    """The lines that one cleaned line becomes; those after the first begin with `indent`.

    A word is never broken, and neither is a command: what stands in backquotes, an option with what follows it, and a
    line that begins with `$`. What is too long for a line stands in one of its own, which the terminal shows over
    several and copies as one.
    """
    if line.lstrip().startswith(COMMAND):
        return [line]
    joined = line
    for kept in (_QUOTED, _OPTION):
        joined = kept.sub(lambda found: found[0].replace(" ", _JOINED), joined)
    folded = textwrap.wrap(
        joined,
        max(width, NARROWEST),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(_JOINED, " ") for part in folded] or [""]
