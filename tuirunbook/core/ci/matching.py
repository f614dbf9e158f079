"""How firmly a job is tied to a state: it names it, it could be about it, or it cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.ci.jobs import Job, Target
from tuirunbook.core.evidence import Match

_VALUES = re.compile(r"\(([^()]{1,400})\)|: \[([^\[\]]{1,400})\]|(?<=\s)\[([^\[\]]{1,400})\]")
_TEMPLATE = re.compile(
    r"\$\{\{\s{0,4}(?:matrix|inputs|env|parameters)\.[\w.-]{1,80}\s{0,4}\}\}|\$\{?[A-Za-z_]\w{0,80}\}?"
)
_TERRAFORM = re.compile(r"terraform|tofu|terragrunt|terramate|atlantis|atmos|cdktf|tfaction", re.IGNORECASE)
_INDIRECT = re.compile(
    r"uses:\s{0,4}['\"]?\.{1,2}/|uses:\s{0,4}\S{1,200}/\.github/workflows/|\.sh\b|\.ps1\b|\.py\b|\b(?:make|just|task|mise|"
    r"invoke|npm|yarn|pnpm|docker|bundle|gradle|mvn|nix)\b|\b(?:include|extends|trigger|template|component|orbs)\s{0,4}:"
)
_EVERYTHING = re.compile(r"\brun-all\b|--all\b")
_KEYED = r"(?:-chdir[= ]|\bcd |(?:working[-_]?directory|TF_ROOT|\bdir)['\"]?\s{0,4}[:=])\s{0,8}['\"]?"
_ENOUGH = 2
"""Segments from which a directory's name is not an everyday word."""


class Matched(msgspec.Struct, frozen=True):
    """How firmly, and by what."""

    match: Match
    why: str


def match(job: Job, target: Target) -> Matched:
    """How firmly a job is tied to a state.

    The log comes first, then the job's name and matrix, then what defines it and the path filters of its trigger. In a
    workspace other than `default` the root alone names several states, so the workspace has to be named as well.
    """
    for name in target.names:
        if job.log is not None and name_in(job.log, name):
            return Matched(Match.NAMES_THIS_STATE, "its log names this state")
    found = _by_name(job, target) or _by_definition(job, target) or _by_paths(job, target)
    if found is None:
        return Matched(Match.COULD_BE, "nothing shows which state it works on")
    if found.match is Match.NAMES_THIS_STATE and not _workspace_named(job, target.workspace):
        return Matched(Match.COULD_BE, f"{found.why}, but not the workspace")
    return found


def name_in(text: str, name: str) -> bool:
    """Whether a whole name occurs in a text: not as a part of a longer one."""
    return bool(name) and name in text and _whole(name).search(text) is not None


def names_root(text: str, root: str) -> bool:
    """Whether a text names this directory of the checkout, and not one above, below or beside it.

    A file in it counts, and a pattern below it (`infra/prod/**`).
    """
    return bool(root) and root in text and _directory(root).search(text) is not None


def values_of(name: str) -> tuple[str, ...]:
    """The values of a job's matrix, as GitHub (`apply (a, b)`) and GitLab (`apply: [a, b]`) write them in its name."""
    lists = [next(filter(None, found.groups()), "") for found in _VALUES.finditer(name[:1000])]
    return tuple(value.strip().strip("'\"") for values in lists for value in values.split(",") if value.strip())


def covers_path(pattern: str, root: str) -> bool:
    """Whether a path filter asks for files of this directory in particular: up to its first wildcard it is inside."""
    literal = re.split(r"[*?\[]", pattern.lstrip("./"), maxsplit=1)[0]
    return literal.rstrip("/") == root or literal.startswith(root + "/")


def _by_name(job: Job, target: Target) -> Matched | None:
    values = values_of(job.name)
    if _named(job.name, values, target.root):
        return Matched(Match.NAMES_THIS_STATE, "its name names this root")
    if any(_named(job.name, values, other) for other in target.others):
        return Matched(Match.CANNOT_BE, "its name names another root")
    return None


def _named(name: str, values: tuple[str, ...], root: str) -> bool:
    if root.count("/") + 1 >= _ENOUGH and names_root(name, root):
        return True
    return bool(root) and any(value.removeprefix("./").rstrip("/") == root for value in values)


def _by_definition(job: Job, target: Target) -> Matched | None:
    if job.definition is None:
        return None
    text = job.definition
    if not _TERRAFORM.search(text) and not _INDIRECT.search(text):
        return Matched(Match.CANNOT_BE, "what defines it runs no terraform")
    if any(name_in(text, name) for name in target.names):
        return Matched(Match.NAMES_THIS_STATE, "what defines it names this state")
    values = values_of(job.name)
    expanded = [_expanded(text, value) for value in values] or [text]
    ours = any(_defined(one, target.root) for one in expanded)
    theirs = any(_defined(one, other) for one in expanded for other in target.others)
    if ours and not theirs:
        return Matched(Match.NAMES_THIS_STATE, "what defines it names this root")
    if theirs and not ours and not _EVERYTHING.search(text) and not _open_ended(expanded):
        return Matched(Match.CANNOT_BE, "what defines it names other roots only")
    return None


def _defined(text: str, root: str) -> bool:
    if root.count("/") + 1 >= _ENOUGH:
        return names_root(text, root)
    return bool(root) and root in text and _keyed(root).search(text) is not None


def _expanded(text: str, value: str) -> str:
    return _TEMPLATE.sub(lambda _: value, text)


def _open_ended(texts: Iterable[str]) -> bool:
    """Whether a directory is set by what is only known when it runs."""
    return any(re.search(_KEYED + r"[^\n]{0,200}?\$", text) for text in texts)


def _by_paths(job: Job, target: Target) -> Matched | None:
    patterns = [pattern for pattern in job.paths if not pattern.startswith("!")]
    if not patterns or not target.root:
        return None
    ours = any(covers_path(pattern, target.root) for pattern in patterns)
    theirs = any(covers_path(pattern, other) for pattern in patterns for other in target.others)
    if ours and not theirs:
        return Matched(Match.NAMES_THIS_STATE, "its path filter names this root")
    if theirs and not ours:
        return Matched(Match.CANNOT_BE, "its path filter names other roots only")
    return None


def _workspace_named(job: Job, workspace: str) -> bool:
    if workspace == DEFAULT_WORKSPACE:
        return True
    texts = (job.name, job.branch, job.definition or "", job.log or "")
    return any(name_in(text, workspace) for text in texts)


@lru_cache(maxsize=256)
def _whole(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/-]){re.escape(name)}(?![\w-]|/\w)")


@lru_cache(maxsize=256)
def _directory(root: str) -> re.Pattern[str]:
    before = r"(?:(?<![\w.\-/*])|(?<=\./)|(?<=\}/)|(?<=DIR/)|(?<=WORKSPACE/))"
    return re.compile(rf"{before}{re.escape(root)}(?![\w-]|\.\w|/\.?[\w-](?![\w.-]*\.(?:tf|tofu|tfvars|hcl|json)\b))")


@lru_cache(maxsize=256)
def _keyed(root: str) -> re.Pattern[str]:
    return re.compile(rf"{_KEYED}(?:\./)?{re.escape(root)}(?![\w-]|\.\w|/\w)")
