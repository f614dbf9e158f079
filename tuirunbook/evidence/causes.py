"""Reads a repository's CI files, scripts and policies for what leaves locks, and asks IAM about the holder's role.

All of it is somebody else's text: read, never run. It says what the checkout has now; a run had what its commit had.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tuirunbook.core.address import StateAddress
from tuirunbook.core.causes import (
    RUNS,
    WRITES,
    Cause,
    Kind,
    Result,
    Task,
    deaf_scripts,
    findings,
    in_jobs,
    in_text,
    merged,
    without_comments,
)
from tuirunbook.core.evidence import Finding
from tuirunbook.core.lock import NotChecked, StoredLock
from tuirunbook.core.policies import Statement, gaps, needs, speaks_of
from tuirunbook.core.text import one_line
from tuirunbook.evidence.aws_door import AwsDoor, told
from tuirunbook.evidence.policies import policies_in

MOST_BYTES = 500_000
MOST_FILES = 20_000
MOST_ROLES = 3
_LEFT_OUT = frozenset({".git", ".terraform", ".terragrunt-cache", "node_modules", "vendor", ".venv", "venv"})
_CI_NAMES = re.compile(
    r"(?:\.github/(?:workflows|actions)/.+|\.gitlab-ci|\.gitlab/.+|azure-pipelines[\w.-]*|\.azure/.+|\.circleci/config"
    r"|\.buildkite/.+|buildspec[\w.-]*|atlantis|bitbucket-pipelines)\.ya?ml|(?:.+/)?(?:Jenkinsfile|Makefile|GNUmakefile)"
    r"|.+\.(?:sh|bash)"
)
_SCRIPT = re.compile(r"(?<![\w/.-])((?:\./)?[\w.-]+(?:/[\w.-]+){0,8}\.(?:sh|bash))\b")
_TARGET = re.compile(r"\bmake\s(?:[^\n;&|]{0,80}\s)?([\w-]{1,60})")
_ROLE = re.compile(r"arn:aws[\w-]{0,12}:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
_UNSEEN = (
    "a simulation sees neither the bucket's, the table's or a key's own policy, nor what the session was narrowed to"
)
_RESERVED = frozenset({"stages", "variables", "default", "include", "workflow", "image", "services", "cache", "spec"})


class Causes:
    """Looks for the usual causes in a checkout.

    Args:
        checkout: Its top.
    """

    name = "usual causes in this repository"
    can_block = False

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding for each cause that was looked for."""
        files = self._files()
        runs_it = {path: text for path, text in files.items() if RUNS.search(without_comments(text))}
        tasks = tuple(self._tasks(files))
        source = ", ".join(sorted({task.place.partition(",")[0] for task in tasks})) or "the CI files"
        causes = [*in_jobs(tasks, source), *in_text(runs_it)]
        if deaf := list(deaf_scripts(runs_it)):
            causes.append(Cause(kind=Kind.SIGNAL, result=Result.SHOWN, fact="; ".join(deaf[:3]), source="the scripts"))
        causes.append(_policy(self._policies(), address))
        return tuple(findings(merged(causes), lock.identity, now))

    def roles(self) -> tuple[str, ...]:
        """The roles that CI files which run terraform name; the holder's is likely to be among them."""
        texts = (text for path, text in self._files().items() if not path.endswith((".sh", ".bash")))
        found = [role for text in texts if RUNS.search(text) for role in _ROLE.findall(without_comments(text))]
        return tuple(dict.fromkeys(found))

    def _files(self) -> dict[str, str]:
        return {path: text for path, text in self._walk() if _CI_NAMES.fullmatch(path)}

    def _policies(self) -> Iterator[tuple[str, tuple[Statement, ...]]]:
        for path, text in self._walk():
            if path.endswith((".tf", ".tofu", ".json")):
                yield from policies_in(path, text)

    def _walk(self) -> Iterator[tuple[str, str]]:
        """The files that may matter, by their path in the checkout, in order; links are not followed."""
        seen = 0
        for place, directories, names in os.walk(self._checkout):
            directories[:] = sorted(one for one in directories if one not in _LEFT_OUT)
            for name in sorted(names):
                seen += 1
                if seen > MOST_FILES:
                    return
                file = Path(place, name)
                path = file.relative_to(self._checkout).as_posix()
                if path.endswith((".tf", ".tofu", ".json")) or _CI_NAMES.fullmatch(path):
                    text = _text(file)
                    if text is not None:
                        yield path, text

    def _tasks(self, files: Mapping[str, str]) -> Iterator[Task]:
        for path, text in files.items():
            if path.startswith(".github/workflows/"):
                yield from _github_tasks(path, _loaded(text), files)
            elif path == ".gitlab-ci.yml" or path.startswith(".gitlab/"):
                yield from _gitlab_tasks(path, _loaded(text), files)


def _policy(policies: Iterable[tuple[str, tuple[Statement, ...]]], address: StateAddress) -> Cause:
    """Whether a policy of the checkout gives what takes this state's lock, and not what releases it."""
    every = list(policies)
    lacking = [(place, gap) for place, statements in every for gap in gaps(statements, address)]
    speaking = [place for place, statements in every if speaks_of(statements, address)]
    source = one_line("; ".join(dict.fromkeys(speaking)), 200) or "the policies of this repository"
    if not speaking:
        fact = "no policy in the .tf and .json files of this repository speaks of this state's lock"
        return Cause(kind=Kind.POLICY, result=Result.NOT_CHECKED, fact=fact, source=source)
    if not lacking:
        fact = f"{source}: gives what releases the lock as well as what takes it"
        return Cause(kind=Kind.POLICY, result=Result.NOT_SEEN, fact=fact, source=source)
    said = "; ".join(f"{place} {gap.fact}" for place, gap in lacking[:3])
    complete = [place for place in speaking if place not in {one for one, _ in lacking}]
    if complete and not any(gap.denied for _, gap in lacking):
        fact = f"{said}; but {complete[0]} gives both, and which of them the holder has is for IAM to say"
        return Cause(kind=Kind.POLICY, result=Result.NOT_CHECKED, fact=fact, source=source)
    return Cause(kind=Kind.POLICY, result=Result.SHOWN, fact=said, source=source)


def _github_tasks(path: str, node: Any, files: Mapping[str, str]) -> Iterator[Task]:
    triggers = node.get("on") if isinstance(node, Mapping) else None
    called = triggers == "workflow_call" or (isinstance(triggers, Mapping) and set(triggers) == {"workflow_call"})
    shared = _mapping(node).get("concurrency")
    for name, value in _mapping(_mapping(node).get("jobs")).items():
        job = _mapping(value)
        steps = [_mapping(step) for step in _list(job.get("steps"))]
        script = _with_scripts("\n".join(f"{step.get('uses', '')}\n{step.get('run', '')}" for step in steps), files)
        if not RUNS.search(script):
            continue
        groups = [group for group in (shared, job.get("concurrency")) if group]
        yield Task(
            place=f"{path}, job {one_line(str(name), 60)}",
            system="github",
            script=script,
            applies=bool(WRITES.search(script)),
            grouped=True if groups else None if called else False,
            cancels=any(_mapping(group).get("cancel-in-progress", "false") != "false" for group in groups),
            minutes=_number(job.get("timeout-minutes")),
            wrapped=any(_wraps(step) for step in steps),
            labels=tuple(_texts(job.get("runs-on"))),
        )


def _wraps(step: Mapping[Any, Any]) -> bool:
    uses, given = str(step.get("uses", "")), _mapping(step.get("with"))
    wrapper = {"hashicorp/setup-terraform": "terraform_wrapper", "opentofu/setup-opentofu": "tofu_wrapper"}
    option = wrapper.get(uses.partition("@")[0].casefold())
    return option is not None and str(given.get(option, "true")).casefold() != "false"


def _gitlab_tasks(path: str, node: Any, files: Mapping[str, str]) -> Iterator[Task]:
    defaults = {**_mapping(node), **_mapping(_mapping(node).get("default"))}
    for name in _mapping(node):
        if str(name) in _RESERVED or str(name).startswith(".") or not isinstance(node[name], Mapping):
            continue
        job = _extended(node, str(name), 0)
        lines = [
            text
            for part in ("before_script", "script", "after_script")
            for text in _texts(job.get(part) or (defaults.get(part) if part == "before_script" else None))
        ]
        script = _with_scripts("\n".join(lines), files)
        if not RUNS.search(script):
            continue
        yield Task(
            place=f"{path}, job {one_line(str(name), 60)}",
            system="gitlab",
            script=script,
            applies=bool(WRITES.search(script)),
            grouped=bool(job.get("resource_group")),
            cancels=str(job.get("interruptible", defaults.get("interruptible", "false"))) == "true",
            minutes=_duration(job.get("timeout", _mapping(node.get("default")).get("timeout"))),
            labels=tuple(_texts(job.get("tags"))),
        )


def _extended(node: Mapping[Any, Any], name: str, depth: int) -> dict[Any, Any]:
    """A job with what it extends and merges, its own keys last."""
    job = _mapping(node.get(name))
    found: dict[Any, Any] = {}
    if depth < 10:  # noqa: PLR2004 - GitLab allows 11 levels
        for parent in _texts(job.get("extends")):
            found |= _extended(node, parent, depth + 1)
    for merge in [job["<<"]] if isinstance(job.get("<<"), Mapping) else _list(job.get("<<")):
        found |= _mapping(merge)
    return found | dict(job)


def _with_scripts(script: str, files: Mapping[str, str]) -> str:
    """A script with those of the checkout that it runs, by file or by make target; one deep."""
    script = without_comments(script)
    parts = [script]
    for named in dict.fromkeys(_SCRIPT.findall(script)):
        path = named.removeprefix("./")
        text = files.get(path) or next((files[one] for one in files if one.endswith(f"/{path}")), "")
        parts.append(without_comments(text))
    makefile = next((files[name] for name in ("Makefile", "GNUmakefile") if name in files), "")
    for target in dict.fromkeys(_TARGET.findall(script)):
        recipe = re.search(rf"^{re.escape(target)}\s*:[^\n]*\n((?:[\t ][^\n]*\n?|\n)*)", makefile, re.MULTILINE)
        parts.append(recipe[1] if recipe else "")
    return "\n".join(filter(None, parts))


class HolderRole:
    """Asks IAM whether a role may release what it may take.

    Args:
        door: Makes clients.
        roles: The roles that the holder may have had: those that CI files, settings or CloudTrail name.
    """

    name = "the holder's role"
    can_block = False
    asks_aws = True

    def __init__(self, door: AwsDoor, roles: Callable[[], Sequence[str]]) -> None:
        self._door = door
        self._roles = roles

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding, also when it cannot be asked."""
        roles = tuple(self._roles())[:MOST_ROLES]
        if not roles:
            fact = "which role the holder had is not known: no CI file of this repository names one in full"
            causes = [Cause(kind=Kind.ROLE, result=Result.NOT_CHECKED, fact=fact, source="iam:SimulatePrincipalPolicy")]
        elif why := self._door.why_not("iam"):
            causes = [Cause(kind=Kind.ROLE, result=Result.NOT_CHECKED, fact=why, source="iam:SimulatePrincipalPolicy")]
        else:
            causes = [self._simulate(role, address) for role in roles]
        return tuple(findings(merged(causes), lock.identity, now))

    def _simulate(self, role: str, address: StateAddress) -> Cause:
        source = f"iam:SimulatePrincipalPolicy of {role}"
        denied, allowed = [], []
        for need in needs(address, role.split(":")[4]):
            answer = self._door.ask(
                f"what {role} may do",
                lambda need=need: self._door.client("iam").simulate_principal_policy(  # type: ignore[misc]
                    PolicySourceArn=role, ActionNames=[need.takes, need.releases], ResourceArns=[need.resource]
                ),
            )
            if isinstance(answer, NotChecked):
                return Cause(kind=Kind.ROLE, result=Result.NOT_CHECKED, fact=told(answer), source=source)
            decisions = {one["EvalActionName"]: one["EvalDecision"] for one in answer.get("EvaluationResults", [])}
            if decisions.get(need.releases) == "allowed":
                allowed.append(need.releases)
            else:
                decision = {"explicitDeny": "is denied"}.get(decisions.get(need.releases, ""), "is not given")
                takes = "may" if decisions.get(need.takes) == "allowed" else "may not either"
                denied.append(f"{need.releases} {decision} on {need.resource} ({need.takes}: {takes})")
        name = role.rpartition("/")[2]
        if denied:
            fact = f"{name}: {'; '.join(denied)}. {_UNSEEN}"
            return Cause(kind=Kind.ROLE, result=Result.SHOWN, fact=fact, source=source)
        fact = f"{name} may {' and '.join(allowed)}; {_UNSEEN}"
        return Cause(
            kind=Kind.ROLE, result=Result.NOT_SEEN if allowed else Result.NOT_CHECKED, fact=fact, source=source
        )


def _text(file: Path) -> str | None:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MOST_BYTES:
            return None
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _loaded(text: str) -> Any:
    """YAML with every scalar as text and every tag as plain data; None for what is no YAML."""
    import yaml  # noqa: PLC0415 - only who looks pays

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None


def _mapping(node: Any) -> Mapping[Any, Any]:
    return node if isinstance(node, Mapping) else {}


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []


def _texts(node: Any, depth: int = 0) -> list[str]:
    """The texts of a value that is one, or a list of them, or a list of lists (GitLab), or has labels (GitHub)."""
    if isinstance(node, str):
        return [node] if node else []
    if isinstance(node, Mapping):
        return _texts(node.get("labels"), depth + 1) + _texts(node.get("group"), depth + 1)
    return [] if depth > 5 else [text for one in _list(node) for text in _texts(one, depth + 1)]  # noqa: PLR2004


def _number(node: Any) -> float | None:
    return float(node) if isinstance(node, str) and re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", node) else None


_UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 1_440, "w": 10_080}


def _duration(node: Any) -> float | None:
    """GitLab's `1h 30m`, `10 minutes`, `3600 seconds` in minutes."""
    parts = re.findall(r"(\d{1,6})\s*([smhdw])", node) if isinstance(node, str) else []
    return sum(int(number) * _UNITS[unit] for number, unit in parts) if parts else None
