"""Events are redacted before they exist, so that memory, journal and replay agree (S13)."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from tuirunbook.core.events import Event
from tuirunbook.core.records import RAW_LIMIT
from tuirunbook.core.text import clip, redact

TEXT_LIMIT = 2_000
"""Characters that a field of an event keeps, unless `LIMITS` says otherwise."""

LIMITS = {"raw": RAW_LIMIT, "text": 20_000, "runbook_text": 1_000_000}
"""Fields that keep more: a lock's raw text, what Terraform printed, the runbook that is walked."""

EXACT = frozenset({"bucket", "key", "workspace", "workspace_key_prefix", "identity", "lock", "locks", "voided"})
"""Fields that are names: events are matched by them and locks found with them. A redacted one points elsewhere."""

_SECRET_OPTION = re.compile(r"(?i)--?[\w-]*(?:secret|password|passwd|token|access-?key|private-?key|customer-?key)")
_REDACTED = "[redacted]"
_ROUNDS = 8

S = TypeVar("S", bound=msgspec.Struct)
E = TypeVar("E", bound=Event)
Rewrite = Callable[[str, str], str]


def map_text(struct: S, rewrite: Rewrite) -> S:
    """`struct` with `rewrite(field name, text)` applied to every text in it, at any depth; enumerations stay.

    Keys of mappings are names and stay too.
    """
    changed = {}
    for name in struct.__struct_fields__:
        before = getattr(struct, name)
        after = _mapped(name, before, rewrite)
        if after is not before:
            changed[name] = after
    return msgspec.structs.replace(struct, **changed) if changed else struct


def _mapped(name: str, value: Any, rewrite: Rewrite) -> Any:
    match value:
        case enum.Enum():
            return value
        case str():
            return rewrite(name, value)
        case msgspec.Struct():
            return map_text(value, rewrite)
        case tuple():
            return tuple(_mapped(name, item, rewrite) for item in value)
        case Mapping():
            return {key: _mapped(name, item, rewrite) for key, item in value.items()}
    return value


def redacted(event: E) -> E:
    """`event` as it may exist: without secrets of known shapes, clipped, encodable. Doing it twice changes nothing."""
    return map_text(_without_secret_arguments(event), _rewrite)


def _rewrite(name: str, text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    if name in EXACT:
        return text
    limit = LIMITS.get(name, TEXT_LIMIT)
    # A clipped `token=[redac…` is redacted to another length once more, so this goes on until nothing changes.
    for _ in range(_ROUNDS):
        after = clip(redact(text), limit)
        if after == text:
            break
        text = after
    return text


def _without_secret_arguments(event: E) -> E:
    """`event` with the value after an option such as `--token` redacted, in every argument list."""
    changed: dict[str, Any] = {}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name == "command" and isinstance(value, tuple):
            changed[name] = secret_free_arguments(value)
        elif name == "child" and isinstance(value, msgspec.Struct):
            argv = secret_free_arguments(getattr(value, "argv", ()))
            changed[name] = msgspec.structs.replace(value, argv=argv)
    return msgspec.structs.replace(event, **changed) if changed else event


def secret_free_arguments(argv: tuple[str, ...]) -> tuple[str, ...]:
    """An argument list in which the argument after a secret option is redacted."""
    before = ("", *argv)
    return tuple(
        _REDACTED if _SECRET_OPTION.fullmatch(option) else argument
        for option, argument in zip(before, argv, strict=False)
    )
