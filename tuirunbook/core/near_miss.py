"""Lock IDs that are not the one that was looked for, but may be the one that was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX, DEFAULT_WORKSPACE

SHOWN = 10
"""How many near misses are worth reading."""

_WORKSPACE_KEY = re.compile(re.escape(DEFAULT_KEY_PREFIX) + r"/([^/]+)/(.+)")
_ALIKE = 0.9


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A lock ID near to the one that was looked for, and in what it differs."""

    lock_id: str
    why: str


def rank(lock_id: str, candidates: Iterable[str]) -> tuple[NearMiss, ...]:
    """The candidates that resemble `lock_id`, most telling first: workspace, prefix, bucket, tail, spelling."""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(lock_id)
    found: list[tuple[int, float, str, str]] = []
    for candidate in sorted(set(candidates) - {lock_id}):
        matcher.set_seq1(candidate)
        near = _relation(lock_id, candidate)
        if near is None and _spelled_alike(matcher):
            near = (6, "spelled almost the same")
        if near is not None:
            found.append((near[0], -matcher.ratio(), candidate, near[1]))
    return tuple(NearMiss(lock_id=candidate, why=why) for _, _, candidate, why in sorted(found)[:SHOWN])


def _spelled_alike(matcher: difflib.SequenceMatcher[str]) -> bool:
    # The cheap upper bounds come first: a table may hold thousands of IDs.
    return all(ratio() >= _ALIKE for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


def _relation(lock_id: str, candidate: str) -> tuple[int, str] | None:
    if lock_id.casefold() == candidate.casefold():
        return 0, "differs only in upper and lower case"
    if _cleaned(lock_id) == _cleaned(candidate):
        return 0, "differs only in slashes"
    return _key_relation(*_split(lock_id), *_split(candidate))


def _key_relation(bucket: str, key: str, their_bucket: str, their_key: str) -> tuple[int, str] | None:
    base = _workspace(key)[1]
    their_workspace, their_base = _workspace(their_key)
    same_bucket = bucket == their_bucket
    if base == their_base:
        if not same_bucket and key == their_key:
            return 3, "the same key in another bucket"
        place = f"in the workspace {their_workspace}"
        return (1, f"the same key {place}") if same_bucket else (4, f"the same key in another bucket, {place}")
    if same_bucket and (key.endswith("/" + their_key) or their_key.endswith("/" + key)):
        return 2, "the same key under another prefix"
    tail = _tail(base)
    return (5, "the key ends the same") if tail is not None and tail == _tail(their_base) else None


def _split(lock_id: str) -> tuple[str, str]:
    bucket, _, key = lock_id.partition("/")
    return bucket, key


def _cleaned(lock_id: str) -> list[str]:
    return [segment for segment in lock_id.split("/") if segment not in {"", "."}]


def _workspace(key: str) -> tuple[str, str]:
    match = _WORKSPACE_KEY.fullmatch(key)
    return (match[1], match[2]) if match else (DEFAULT_WORKSPACE, key)


def _tail(key: str) -> list[str] | None:
    """The last two segments; one alone, `terraform.tfstate`, tells nothing."""
    segments = key.split("/")
    return segments[-2:] if len(segments) > 1 else None
