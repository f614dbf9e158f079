"""Times and durations as an export tells them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from tuirunbook.core.events import timestamp
from tuirunbook.core.lock import parse_time


def moment(text: str | None) -> datetime | None:
    """The time that a text tells, or None: a damaged journal or a person may have written anything."""
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


def utc(text: str | None) -> str | None:
    """The same time as RFC 3339 in UTC, or None."""
    when = moment(text)
    return timestamp(when) if when else None


def seconds_between(begin: str | None, end: str | None) -> float | None:
    """The seconds from one time to another, or None when one of them is not known."""
    first, last = moment(begin), moment(end)
    return (last - first).total_seconds() if first and last else None


def local(text: str, zone: tzinfo) -> str:
    """A time of day in `zone`, with the date where it is another one than in UTC."""
    when = moment(text)
    if when is None:
        return ""
    there = when.astimezone(zone)
    other_day = there.date() != when.astimezone(UTC).date()
    return f"{there:%m-%d %H:%M:%S %Z}" if other_day else f"{there:%H:%M:%S %Z}"


def spoken(text: str | None) -> str:
    """A time in UTC to the second, for people; `unknown` when nobody knows it."""
    when = moment(text)
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if when else "unknown"


_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: float | None) -> str:
    """A duration in its two largest units; `unknown` when nobody knows it."""
    if seconds is None:
        return "unknown"
    sign, rest = ("−" if seconds < 0 else ""), round(abs(seconds))
    if rest < _MINUTE:
        return f"{sign}{rest} s"
    if rest < _HOUR:
        return f"{sign}{rest // _MINUTE} min {rest % _MINUTE:02d} s"
    if rest < _DAY:
        return f"{sign}{rest // _HOUR} h {rest % _HOUR // _MINUTE:02d} min"
    return f"{sign}{rest // _DAY} d {rest % _DAY // _HOUR} h"
