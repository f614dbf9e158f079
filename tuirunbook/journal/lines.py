"""A line of a journal, format version 1.

    {"v":1,"seq":7,"prev":"<hash of line 6>","event":{…},"hash":"<SHA-256>"}

The hash is of all bytes of the line before `,"hash"`, in lowercase hex; `prev` of the first line is 64 zeros. There is
one way to write a line, so a line that is right is recognised by comparing bytes, and only its event has to be decoded.
"""

from __future__ import annotations

import hashlib
from typing import Union

import msgspec

from tuirunbook.core.events import KINDS, Event, UnknownEvent
from tuirunbook.core.text import clip

FORMAT = 1
GENESIS = "0" * 64

_HASH_KEY = b',"hash":"'
_END = b'"}'
_TAIL = len(_HASH_KEY) + 64 + len(_END)
_CONTENT_LIMIT = 20_000

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Union[KINDS])  # noqa: UP007


class Envelope(msgspec.Struct, frozen=True):
    """What is around an event."""

    v: int
    seq: int
    prev: str
    event: msgspec.Raw
    hash: str


class _Kind(msgspec.Struct, frozen=True):
    kind: str = "?"
    at: str = ""
    by: str = "?"


_envelopes = msgspec.json.Decoder(Envelope)
_kinds = msgspec.json.Decoder(_Kind)


def encode(event: Event, seq: int, prev: str) -> tuple[bytes, str]:
    """The line for an event, with its line feed, and its hash."""
    body = _prefix(seq, prev) + _encoder.encode(event)
    digest = hashlib.sha256(body).hexdigest()
    return body + _HASH_KEY + digest.encode() + _END + b"\n", digest


def _prefix(seq: int, prev: str) -> bytes:
    return b'{"v":%d,"seq":%d,"prev":"%s","event":' % (FORMAT, seq, prev.encode())


def verify(line: bytes, seq: int, prev: str) -> tuple[memoryview, str] | None:
    """The event's bytes and the line's hash, when this is the line that follows on `prev`; None when it is not."""
    prefix = _prefix(seq, prev)
    if not line.startswith(prefix):
        return None
    digest = hashlib.sha256(line[:-_TAIL]).hexdigest()
    if line[-_TAIL:] != _HASH_KEY + digest.encode() + _END:
        return None
    return memoryview(line)[len(prefix) : -_TAIL], digest


def own_hash(line: bytes) -> str:
    """The hash that a line should carry."""
    return hashlib.sha256(line[:-_TAIL]).hexdigest()


def envelope(line: bytes) -> Envelope | None:
    """What is around an event, for a line that does not verify; None when it is not even that."""
    try:
        return _envelopes.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode(event: bytes | memoryview | msgspec.Raw, *, last_at: str = "") -> Event:
    """The event. A kind or a shape that this version does not know is kept as it is, with its text."""
    try:
        return _decoder.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _unknown(bytes(event), last_at)


def _unknown(event: bytes, last_at: str) -> UnknownEvent:
    try:
        told = _kinds.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = _Kind(kind="unreadable")
    content = clip(event.decode("utf-8", "replace"), _CONTENT_LIMIT)
    return UnknownEvent(at=told.at or last_at, by=told.by, original=told.kind, content=content)
