"""Fixtures for every room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.aws import EmbeddedAws


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
