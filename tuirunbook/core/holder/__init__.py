"""What a lock's `Who` tells about its holder: a platform, how surely, and with whom the name is shared.

`Who` is the user and host name of the process that took the lock, joined with `@`; either may be empty. It is a hint
and never evidence: nothing here says whether the holder lives. The patterns are data. Those that are built in come
from values that were seen in public; a team adds its own in `.tflock/config.toml` or in its user's settings.
"""

from tuirunbook.core.holder.clues import Clue, Platform, Sureness
from tuirunbook.core.holder.reading import MOST_CHARACTERS, Holder, WhoRule, like, read_who, same_host

__all__ = ["MOST_CHARACTERS", "Clue", "Holder", "Platform", "Sureness", "WhoRule", "like", "read_who", "same_host"]
