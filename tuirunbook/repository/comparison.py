"""Where a saved configuration and the files differ, without showing a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuirunbook.core.backend import NOT_SHOWN, SECRET_ARGUMENTS, Disagreement
from tuirunbook.core.text import redact
from tuirunbook.repository.literals import Expression


def differences(
    saved: Mapping[str, object], files: Mapping[str, object], origins: Mapping[str, str]
) -> tuple[Disagreement, ...]:
    """Arguments that the files set to something else than what is saved.

    What only the saved configuration has came from `-backend-config` and is no disagreement; an expression is not
    compared.
    """
    return tuple(_different(saved, files, origins))


def _different(
    saved: Mapping[str, object], files: Mapping[str, object], origins: Mapping[str, str]
) -> Iterator[Disagreement]:
    flat = dict(_flatten(saved))
    for name, value in _flatten(files):
        before = flat.get(name)
        if isinstance(value, Expression) or _canonical(value) == _canonical(before):
            continue
        where = origins.get(name.partition(".")[0], "the files")
        if not SECRET_ARGUMENTS.isdisjoint(name.split(".")):
            yield Disagreement(argument=name, saved=NOT_SHOWN, files="differs", where=where)
        else:
            yield Disagreement(argument=name, saved=_shown(before), files=_shown(value), where=where)


def _flatten(arguments: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in arguments.items():
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, dict):
            yield from _flatten(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _canonical(value: object) -> object:
    """Equal for what Terraform's conversions make equal: `"true"` and true, 1 and `"1"`, a set in any order."""
    match value:
        case None | False:
            return None
        case bool() | int():
            return str(value).lower()
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case list() | tuple():
            return sorted(str(_canonical(inner)) for inner in value) or None
        case "false":
            return None
        case _:
            return value


def _shown(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case _:
            return redact(str(value))
