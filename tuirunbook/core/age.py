"""How long ago something was: two ways to write it, for a narrow header and for a sentence."""

from __future__ import annotations

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def age(since: datetime, now: datetime) -> str:
    """Short: `45s`, `12m`, `1h01m`, `3d4h`; of what lies ahead, `0s`."""
    (count, unit), *rest = _largest(since, now)
    smaller = "".join(f"{more:02}m" if name == "min" else f"{more}{name}" for more, name in rest)
    return f"{count}{unit[0]}{smaller}"


def age_in_words(since: datetime, now: datetime) -> str:
    """In a sentence: `45 s`, `12 min`, `1 h 1 min`, `3 d 4 h`."""
    return " ".join(f"{count} {unit}" for count, unit in _largest(since, now))


def _largest(since: datetime, now: datetime) -> tuple[tuple[int, str], ...]:
    """The seconds or minutes alone, or else the two largest units."""
    seconds = max(0, int((now - since).total_seconds()))
    if seconds < _MINUTE:
        return ((seconds, "s"),)
    if seconds < _HOUR:
        return ((seconds // _MINUTE, "min"),)
    if seconds < _DAY:
        return (seconds // _HOUR, "h"), (seconds % _HOUR // _MINUTE, "min")
    return (seconds // _DAY, "d"), (seconds % _DAY // _HOUR, "h")
