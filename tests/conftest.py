"""Fixtures for every room."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.aws import EmbeddedAws


def pytest_configure() -> None:
    """Whoever began the tests may ignore signals (`nohup`, a shell's `&`); what is tested must not inherit that."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _nothing_runs_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """A terraform that outlives a failed test would be found by the next one that looks at this machine."""
    starts_some = any(map(request.node.get_closest_marker, ("real", "pty"))) and "tmp_path" in request.fixturenames
    place: Path | None = request.getfixturevalue("tmp_path") if starts_some else None
    yield
    for process in psutil.process_iter() if place else ():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("terraform") and Path(process.cwd()).is_relative_to(place or "/"):
                process.kill()


@pytest.fixture(scope="session")
def _embedded_aws() -> Iterator[EmbeddedAws]:
    from tests.support.aws import EmbeddedAws  # noqa: PLC0415 - starts only for tests that ask for it

    with EmbeddedAws() as server:
        yield server


@pytest.fixture
def aws(_embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """An embedded AWS, empty at the start of each test."""
    _embedded_aws.reset()
    yield _embedded_aws
    _embedded_aws.release_all()
