"""The only composer: builds the real world from options, settings and the environment.

Importing this imports no adapter, no AWS library, no HCL and no git; each is imported when it is first needed.
"""

from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem

__all__ = ["Options", "Problem"]
