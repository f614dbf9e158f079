"""DynamoDB attribute values as one line of wire JSON, so that a condition repeats them type and all."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from tuirunbook.core.lock import Store, StoredLock

_KINDS = {
    "N": "a number",
    "B": "binary",
    "BOOL": "a boolean",
    "NULL": "null",
    "M": "a map",
    "L": "a list",
    "SS": "a set of texts",
    "NS": "a set of numbers",
    "BS": "a set of binaries",
}


def to_wire(attribute: dict[str, Any]) -> str:
    """`{"S": "…"}` and its kin as JSON; binary becomes base64, as it is on the wire."""
    return json.dumps(attribute, ensure_ascii=False, default=lambda value: base64.b64encode(value).decode())


def from_wire(text: str) -> dict[str, Any]:
    """The attribute that `to_wire` wrote, as boto3 takes it."""
    return _decode(json.loads(text))


def _decode(attribute: dict[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(value)}
        case "BS":
            return {kind: [base64.b64decode(item) for item in value]}
        case "L":
            return {kind: [_decode(item) for item in value]}
        case "M":
            return {kind: {name: _decode(item) for name, item in value.items()}}
        case _:
            return {kind: value}


def lock_from_item(item: dict[str, Any]) -> StoredLock:
    """The lock that an item of the table is; whatever its `Info`, it is a lock that somebody may have to remove."""
    extra = tuple(sorted(set(item) - {"LockID", "Info"}))
    info = item.get("Info")
    if info is None:
        lock = StoredLock.read(Store.DYNAMODB, b"", extra=extra)
        return _unreadable(lock, "the item has no Info")
    wire = to_wire(info)
    if isinstance(text := info.get("S"), str):
        return StoredLock.read(Store.DYNAMODB, text.encode("utf-8", "surrogatepass"), attribute=wire, extra=extra)
    kind = _KINDS.get(next(iter(info)), "not text")
    # Terraform takes an Info that is not text for an absent one, even if its bytes would be a lock.
    lock = StoredLock.read(Store.DYNAMODB, wire.encode(), attribute=wire, extra=extra)
    return _unreadable(lock, f"its Info is {kind}, not text")


def _unreadable(lock: StoredLock, why: str) -> StoredLock:
    return msgspec.structs.replace(lock, info=None, unreadable=why)
