"""Trainees and their machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.training.playing import Desk

MakeDesk: TypeAlias = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A trainee's machine; whatever is still open at the end is closed."""
    made = Desk(tmp_path)
    yield made
    for terminal in made.open_terminals:
        terminal.__exit__()
