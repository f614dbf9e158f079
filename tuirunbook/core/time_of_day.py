"""Times as people say them: a time of the day, in the zone that they live in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

_SAID = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def time_trouble(text: str) -> str | None:
    """Why `text` is no time of a day, or None where it is one."""
    return None if _SAID.fullmatch(text) else f"{text!r} is not a time like 03:10"


def last_time_of_day(text: str, now: datetime) -> datetime:
    """The latest moment, not after `now`, that the clock showed `text` (`HH:MM`, in the zone of `now`), in UTC.

    Raises:
        ValueError: It is no time of a day.
    """
    said = _SAID.fullmatch(text)
    if said is None:
        raise ValueError(time_trouble(text))
    moment = datetime.combine(now.date(), time(int(said[1]), int(said[2])), tzinfo=now.tzinfo)
    return (moment if moment <= now else moment - timedelta(days=1)).astimezone(UTC)
