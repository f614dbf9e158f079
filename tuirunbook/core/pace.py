"""How often to look."""

from __future__ import annotations

LOOK_SECONDS = 3.0
"""Between two looks at a lock on the screen."""
_LONGEST = 60.0


def look_after(*, failures: int = 0, waited: float = 0.0) -> float:
    """Seconds until the next look.

    Args:
        failures: Looks that failed in a row; each doubles the pause, up to half a minute.
        waited: Seconds of a calm wait so far; the pause grows with them to a minute, and never ends by itself.
    """
    if failures:
        return min(LOOK_SECONDS * 2.0 ** min(failures, 8), _LONGEST / 2)
    return min(max(LOOK_SECONDS, waited / 60), _LONGEST)
