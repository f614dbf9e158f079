"""Names for incidents: they sort by time and can be said aloud.

`261123-0312-kiwi` is an incident of 2026-11-23, 03:12 UTC. The word tells incidents of one minute apart, and can be
said alone: `resume kiwi`. Within a minute the words go up, so that the names still sort.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

NAME = re.compile(r"\d{6}-\d{4}-[a-z]+")

_WORDS = """
acorn amber apple arrow badge basil beach birch bison brick cabin cedar chalk cider cloud clover coral crane
daisy delta denim dune eagle ember fern field finch flint fox garnet ginger glade grape hazel heron honey indigo
iris ivory jade jasper juniper kelp kiwi koala lemon lilac linen lotus lynx maple marble meadow melon mint moss
nectar nickel oak oasis olive onyx opal orchid otter panda peach pearl pebble pepper pine plum poppy quail quartz
raven reed ridge river robin rowan ruby saffron sage salmon sierra silver slate spruce tango teal thistle tiger
topaz tulip tundra umber velvet violet walnut willow wren yarrow zebra zinc
"""
WORDS = tuple(_WORDS.split())


def name_for(now: datetime, taken: Collection[str], choose: Callable[[Sequence[str]], str]) -> str:
    """A name that is not taken and sorts behind those of its minute; a full minute gives one of the next."""
    moment = now.astimezone(UTC)
    while True:
        stem = f"{moment:%y%m%d-%H%M}-"
        last = max((name.removeprefix(stem) for name in taken if name.startswith(stem)), default="")
        free = [word for word in WORDS if word > last]
        if free:
            return stem + choose(free)
        moment += timedelta(minutes=1)


def matching(asked: str, names: Collection[str]) -> tuple[str, ...]:
    """The names that are meant: exactly this one, or those that begin with it, or those of this word."""
    if asked in names:
        return (asked,)
    return tuple(name for name in sorted(names) if asked and (name.startswith(asked) or name.endswith("-" + asked)))
