"""What the CI files of a checkout say about a job: the text that defines it, its path filters, its schedules.

They are the checkout's, and a run had those of its own commit; what is concluded from them says so by where it comes
from. They are somebody else's text: read, never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

_MOST_BYTES = 1_000_000
_MOST_TEXT = 400_000
_SUFFIXES = frozenset({".yml", ".yaml"})
_GITLAB_WORDS = frozenset(
    {"stages", "variables", "default", "include", "workflow", "image", "services", "cache", "spec", "before_script"}
)


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A CI file.

    Attributes:
        path: Relative to the checkout.
        text: All of it.
        shared: What every job gets: environment, defaults.
        jobs: For each job, as it is called in the file and on screen, the text that defines it.
        paths: The path filters by what triggers it (`push`, `pull_request`).
        schedules: Its cron expressions, in UTC.
    """

    path: str
    text: str
    shared: str = ""
    jobs: Mapping[str, str] = {}
    paths: Mapping[str, tuple[str, ...]] = {}
    schedules: tuple[str, ...] = ()

    def defining(self, job: str) -> str:
        """The text that defines a job: its own block and what all get; the whole file when the job is not in it."""
        own = next((text for name, text in self.jobs.items() if _is_called(job, name)), None)
        return self.text if own is None else f"{self.shared}\n{own}"


def workflows(checkout: Path | None) -> dict[str, Workflow]:
    """GitHub's workflow files by their path in the checkout."""
    if checkout is None:
        return {}
    found = {}
    for file in sorted((checkout / ".github" / "workflows").glob("*")):
        if file.suffix in _SUFFIXES and (text := read_text(file)) is not None:
            path = f".github/workflows/{file.name}"
            found[path] = github_workflow(path, text)
    return found


def github_workflow(path: str, text: str) -> Workflow:
    """A workflow file of GitHub's; one that is no YAML is only text."""
    node = _loaded(text)
    if node is None:
        return Workflow(path=path, text=text)
    # YAML 1.1 reads the key `on` as true.
    triggers = _mapping(node.get("on", node.get(True)))
    paths = {}
    for event in ("push", "pull_request", "pull_request_target"):
        filters = _texts(_mapping(triggers.get(event)).get("paths"))
        if filters:
            paths[event] = filters
    schedule = triggers.get("schedule")
    crons = [_mapping(one).get("cron") for one in schedule] if isinstance(schedule, list) else []
    shared = flatten({name: node[name] for name in ("env", "defaults", "name", "run-name") if name in node})
    jobs = {}
    for name, job in _mapping(node.get("jobs")).items():
        called = _mapping(job).get("name")
        jobs[called if isinstance(called, str) else str(name)] = flatten(job)
    return Workflow(
        path=path,
        text=text,
        shared=shared,
        jobs=jobs,
        paths=paths,
        schedules=tuple(cron for cron in crons if isinstance(cron, str)),
    )


def gitlab_pipeline(checkout: Path | None) -> Workflow | None:
    """`.gitlab-ci.yml`, or None where there is none. What it includes is not fetched."""
    path = ".gitlab-ci.yml"
    text = read_text(checkout / path) if checkout else None
    if text is None:
        return None
    node = _loaded(text)
    if node is None:
        return Workflow(path=path, text=text)
    shared = flatten({name: value for name, value in node.items() if name in _GITLAB_WORDS})
    jobs = {str(name): _gitlab_job(node, name) for name in node if name not in _GITLAB_WORDS}
    return Workflow(path=path, text=text, shared=shared, jobs=jobs)


def _gitlab_job(node: Mapping[Any, Any], name: Any) -> str:
    """A job's block and the templates that it extends, one deep."""
    job = _mapping(node.get(name))
    parents = _texts(job.get("extends"))
    return "\n".join([flatten(node.get(name)), *(flatten(node.get(parent)) for parent in parents)])


def read_text(file: Path) -> str | None:
    """A CI file's text, or None when it is not there, cannot be read, or is far too long for one."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def flatten(node: Any) -> str:
    """A YAML node as `key: value` lines with its texts as they are, so that they can be searched."""
    lines: list[str] = []
    size = 0
    for line in _lines(node, "", 0):
        lines.append(line)
        size += len(line)
        if size > _MOST_TEXT:
            break
    return "\n".join(lines)


def _lines(node: Any, key: str, depth: int) -> Iterator[str]:
    if depth > 20:  # noqa: PLR2004 - deeper than any CI file
        return
    if isinstance(node, Mapping):
        if key:
            yield f"{key}:"
        for name, value in node.items():
            yield from _lines(value, str(name), depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _lines(value, key, depth + 1)
    else:
        yield f"{key}: {node}" if key else str(node)


def _loaded(text: str) -> Mapping[Any, Any] | None:
    try:
        node = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader that knows GitLab's own tags
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return node if isinstance(node, Mapping) else None


class _Loader(yaml.SafeLoader):
    """Takes `!reference [job, key]` and any other tag for plain data."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _plain)


def _is_called(job: str, name: str) -> bool:
    """Whether a job on screen is this one: with the values of its matrix, templates filled in, as part of a caller."""
    if job == name or job.startswith((f"{name} (", f"{name}: [", f"{name} / ", f"{name} [")):
        return True
    if "${{" not in name:
        return False
    pattern = "".join(
        ".{0,200}" if part.startswith("${{") else re.escape(part) for part in re.split(r"(\$\{\{[^}]{0,200}\}\})", name)
    )
    return re.fullmatch(pattern, job) is not None


def _mapping(node: Any) -> Mapping[Any, Any]:
    return node if isinstance(node, Mapping) else {}


def _texts(node: Any) -> tuple[str, ...]:
    if isinstance(node, str):
        return (node,)
    return tuple(one for one in node if isinstance(one, str)) if isinstance(node, list) else ()
