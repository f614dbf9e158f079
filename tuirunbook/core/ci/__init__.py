"""What runs of a CI system say about a lock: which could have taken it, how they ended, what takes it next.

A system's adapter tells what it was told (`Report`); the rules that make findings of it are the same for all systems.
"""

from tuirunbook.core.ci.endings import Fit, ending, fit, printed_at, refused_at
from tuirunbook.core.ci.findings import Refused, findings, in_line, refusal
from tuirunbook.core.ci.jobs import Holder, Job, Report, Runner, Stage, Target, covers
from tuirunbook.core.ci.matching import Matched, match, names_root

__all__ = [
    "Fit",
    "Holder",
    "Job",
    "Matched",
    "Refused",
    "Report",
    "Runner",
    "Stage",
    "Target",
    "covers",
    "ending",
    "findings",
    "fit",
    "in_line",
    "match",
    "names_root",
    "printed_at",
    "refusal",
    "refused_at",
]
