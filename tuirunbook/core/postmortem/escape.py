"""Text from outside inside our Markdown: it is shown, and is never markup (S12)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from tuirunbook.core.text import clean, one_line

_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$]")
_BLOCK_START = re.compile(r"(?:[#+\-=]|\d+(?=[.)]))")
_AUTOLINK = re.compile(r"(?i)(?<=\w)(?=://)|(?<=www)(?=\.)|(?<=mailto)(?=:)")
_MENTION = re.compile(r"(?<![\w/`.])@(?=\w)")
_URL = re.compile(r"(?i)(?<!\w)https?://[a-z0-9._-]+(?::\d+)?(?:[/?#][a-z0-9._~/?#=&%+,:;@!$'()*-]*)?")
_END_OF_SENTENCE = ".,:;!?'()*_~"
_BACKTICKS = re.compile(r"`+")


def text(value: str, limit: int = 1_000) -> str:
    """A value in running text: on one line, without any markup of its own, and without links that a site would make.

    A web address is a code span, where it can be read and copied, and is not made a link.
    """
    line = one_line(value, limit)
    escaped, end = "", 0
    for match in _URL.finditer(line):
        url = match[0].rstrip(_END_OF_SENTENCE)
        if url.partition("://")[2]:
            escaped += f"{_inert(line[end : match.start()])}`{url}`"
            end = match.start() + len(url)
    escaped += _inert(line[end:])
    if start := _BLOCK_START.match(escaped):
        end = start.end()
        escaped = f"{escaped[:end]}\\{escaped[end:]}" if start[0].isdigit() else f"\\{escaped}"
    return escaped


def _inert(value: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", value)
    escaped = _AUTOLINK.sub(r"\\", escaped)
    # GitHub and GitLab notify whom an `@name` names; a no-break space of no width keeps it readable and mute.
    return _MENTION.sub("@\N{WORD JOINER}", escaped)


def code(value: str, limit: int = 1_000, *, cell: bool = False) -> str:
    """A value as a code span, whatever backticks it holds; in a table cell its pipes are escaped."""
    line = one_line(value, limit)
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    if cell:
        # Renderers disagree about `\\|`, so a backslash of the value's own is kept off the one that we add.
        line = line.replace("\\|", "\\ |").replace("|", "\\|")
    return f"{fence}{pad}{line}{pad}{fence}"


def block(value: str, language: str = "") -> str:
    """A value as a fenced block; what it says cannot close the fence."""
    cleaned = clean(value)
    fence = "`" * max(3, max((len(run) for run in _BACKTICKS.findall(cleaned)), default=0) + 1)
    return f"{fence}{language}\n{cleaned}\n{fence}"


def command(argv: Iterable[str]) -> str:
    """An argument list as a shell would take it, on one line."""
    return one_line(shlex.join(argv), 12_000)


def link(url: str) -> str:
    """A link that can be followed, when it is a plain web address; any other text is shown as text."""
    url = url.strip()
    if _URL.fullmatch(url):
        return f"<{url}>".replace("|", "%7C")
    return text(url)


def row(*cells: str) -> str:
    """A table row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table's lines."""
    names = tuple(head)
    return [row(*names), row(*("---" for _ in names)), *(row(*cells) for cells in rows)]
