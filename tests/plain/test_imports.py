"""The plain walk is there where no screen can be: it imports no screen library."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import sys, tuirunbook.plain, tuirunbook.wiring.front
print({*sys.modules} & {'textual', 'rich', 'boto3', 'git', 'hcl2'})
"""


def test_importing_the_plain_walk_leaves_screens_and_clouds_out() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
