"""Whether a journal still is what was written: the report of its hash chain."""

from __future__ import annotations

import msgspec


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a journal is not what was written: the line, from 1, and what is wrong with it."""

    line: int
    sentence: str


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a journal found out about the journal itself.

    The chain detects damage, not forgery, and it cannot see that whole lines are missing at the end.

    Attributes:
        lines: How many lines were read.
        damage: Where it does not verify; nothing of it is left out for that.
        torn: What was dropped from the end because a crash had cut it off, or empty.
    """

    lines: int
    damage: tuple[Damage, ...] = ()
    torn: str = ""

    @property
    def verified(self) -> bool:
        """Whether every line that was completed is as it was written."""
        return not self.damage

    @property
    def sentence(self) -> str:
        """The report for people."""
        torn = f"; {self.torn}" if self.torn else ""
        if self.verified:
            return f"verified, {self.lines} lines{torn}"
        told = "; ".join(f"line {damage.line}: {damage.sentence}" for damage in self.damage[:5])
        more = f"; and {len(self.damage) - 5} more" if len(self.damage) > 5 else ""  # noqa: PLR2004
        return f"NOT VERIFIED: {told}{more}{torn}"
