"""A checkout: its root modules, their backends and workspaces.

python-hcl2 and GitPython are imported where they are needed, so importing this package is cheap.
"""

from tuirunbook.repository.below import roots_below
from tuirunbook.repository.by_path import detect_by_path, split_path
from tuirunbook.repository.detection import compare, detect, detect_saved, from_arguments
from tuirunbook.repository.errors import DetectionError

__all__ = [
    "DetectionError",
    "compare",
    "detect",
    "detect_by_path",
    "detect_saved",
    "from_arguments",
    "roots_below",
    "split_path",
]
