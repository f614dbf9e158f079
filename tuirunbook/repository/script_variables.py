"""Variables of Makefiles and shell scripts that are as good as literals: set once, to a text, whatever happens.

`make BUCKET=x` can still give another value than the file's `BUCKET = acme`, as it can for a literal argument. What is
not taken: `?=`, `+=`, `:-` defaults, a variable that is set twice or under a condition, and every file that includes
another one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

_MAKEFILE = re.compile(r"(?:GNU)?[Mm]akefile|.+\.mk")
_SHELL = re.compile(r".+\.(?:sh|bash|zsh)|\.envrc")
_TEXT = re.compile(r"[\w./:@-]+")
_MAKE_SETS = re.compile(r"\s*(?:export\s+|override\s+)?([A-Za-z_]\w*)\s*(:{0,3}=|\?=|\+=|!=)\s*(.*?)\s*(?:#.*)?")
_MAKE_CONDITION = re.compile(r"\s*(?:if|else|endif|define|endef)")
_MAKE_INCLUDES = re.compile(r"\s*[-s]?include\b")
_MAKE_TARGET_SETS = re.compile(r"[^\t#=]+:\s*(?:export\s+|override\s+)?([A-Za-z_]\w*)\s*[:?+!]*=")
_SHELL_SETS = re.compile(r"(?:export |readonly |declare (?:-\w+ )?)?([A-Za-z_]\w*)=(.*)")
_SHELL_CHANGES = re.compile(
    r"\b(?:read|for|unset|printf\s+-v|local|mapfile|getopts\s+\S+)\b\s+(?:-\w+\s+)*([A-Za-z_]\w*)"
)
_SHELL_ANY = re.compile(r"(?:^|[\s;&|({])([A-Za-z_]\w*)\+?=")
_SHELL_INCLUDES = re.compile(r"(?:^|[\s;&|])(?:source|\.|eval|source_env|dotenv)\s")


def filler(name: str, lines: Sequence[str]) -> Callable[[str], str]:
    """A function that puts values for the variables in a command of this file; a variable that is not known stays."""
    if _MAKEFILE.fullmatch(name):
        known, use = _of_makefile(lines), re.compile(r"(?<!\$)\$(?:\((\w+)\)|\{(\w+)\})")
    elif _SHELL.fullmatch(name):
        known, use = _of_shell(lines), re.compile(r"(?<![\\$])\$(?:\{(\w+)\}|(\w+))")
    else:
        return lambda text: text
    # in single quotes a shell takes the dollar as it stands
    quotes = "" if _MAKEFILE.fullmatch(name) else "'"
    if not known:
        return lambda text: text

    def fill(text: str) -> str:
        if quotes and quotes in text:
            return text
        return use.sub(lambda match: known.get(match[1] or match[2], match[0]), text)

    return fill


def _of_makefile(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    times: Counter[str] = Counter()
    conditions = 0
    for line in lines:
        if _MAKE_INCLUDES.match(line):
            return {}
        if line.startswith("\t"):
            continue
        if condition := _MAKE_CONDITION.match(line):
            conditions += {"if": 1, "define": 1, "endif": -1, "endef": -1}.get(condition[0].strip(), 0)
        if target := _MAKE_TARGET_SETS.match(line):
            times[target[1]] += 1
        if (sets := _MAKE_SETS.fullmatch(line)) is None:
            continue
        name, how, value = sets.groups()
        times[name] += 1
        if conditions == 0 and how in {"=", ":=", "::=", ":::="} and _TEXT.fullmatch(value):
            found[name] = value
    return {name: value for name, value in found.items() if times[name] == 1}


def _of_shell(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    times: Counter[str] = Counter()
    for line in lines:
        code = line.split(" #")[0]
        if code.lstrip().startswith("#"):
            continue
        if _SHELL_INCLUDES.search(code):
            return {}
        times.update(_changed(code))
        sets = _SHELL_SETS.fullmatch(code.rstrip())
        if sets is None:
            continue
        value = sets[2]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if _TEXT.fullmatch(value):
            found[sets[1]] = value
    return {name: value for name, value in found.items() if times[name] == 1}


def _changed(code: str) -> Iterator[str]:
    """The variables that a line may set."""
    yield from (match[1] for match in _SHELL_ANY.finditer(code))
    yield from (match[1] for match in _SHELL_CHANGES.finditer(code))
