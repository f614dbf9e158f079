"""The benchmarks' one command runs and says every figure; what the figures are is no test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import NEED_A_WORLD
from tests.support.stuck import REAL

ASKED = "BENCHMARKS"
OTHERS = (
    "replaying a journal of 100,000 events",
    "lock known to rows filled",
    "sources are asked, p95",
    "100,000 lines",
)

pytestmark = [
    *REAL,
    pytest.mark.timeout(400),
    pytest.mark.skipif(ASKED not in os.environ, reason=f"takes minutes; {ASKED}=1 asks for it"),
]


def test_one_command_prints_a_line_for_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for what in (
        *NEED_A_WORLD,
        "replaying a journal of 100,000 events",
        "lock known to rows filled",
        "sources are asked, p95",
        "100,000 lines",
    ):
        assert any(what in line for line in done.stdout.splitlines()), done.stdout
