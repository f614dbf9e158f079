"""The walk as plain prompts, line by line: for screen readers, serial consoles and logs.

It shows the same walk as the screens do and goes through the same parts, so the safety floor is the same. It knows no
screen library.
"""

from tuirunbook.plain.running import run

__all__ = ["run"]
