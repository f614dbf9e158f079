"""A checkout, a lock, and CI systems on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.evidence.ci.serving import GitHubServer, Serving, serving
from tests.support.locks import BUCKET, KEY, lock_json
from tuirunbook.core.address import StateAddress
from tuirunbook.core.ci import Target
from tuirunbook.core.evidence import Finding, InLine
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.evidence.ci.source import CiSource, System

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ADDRESS = StateAddress(bucket=BUCKET, key=KEY, region="eu-west-1")
TARGET = Target(names=(), root="infra/prod", others=("infra/staging", "infra/prod/dns"))


def stored(
    who: str = "runner@runnervmwhb2z", created: str = "2026-11-23T09:26:22.850832286Z", **facts: str
) -> StoredLock:
    return StoredLock.read(Store.S3, lock_json(Who=who, Created=created).encode(), **facts)


def gather(
    system: System, lock: StoredLock | None = None, address: StateAddress = ADDRESS, target: Target = TARGET
) -> dict[str, Finding]:
    """The findings by the last part of their keys."""
    source = CiSource(system, lambda: target)
    found = {finding.key.rpartition(".")[2]: finding for finding in source.gather(lock or stored(), address, NOW)}
    assert all(finding.key.startswith(f"ci.{system.key}.") for finding in found.values() if "." in finding.key)
    return found


def next_in_line(system: System, target: Target = TARGET) -> tuple[InLine, ...]:
    """What takes the lock next, as the finding says it."""
    lines = gather(system, target=target)["next"].in_line
    return lines if isinstance(lines, tuple) else ()


@pytest.fixture
def github() -> GitHubServer:
    return GitHubServer()


@pytest.fixture
def served(github: GitHubServer) -> Iterator[Serving]:
    """The server of `github`, with the logs on another one."""
    with serving(github) as server, serving(github.store) as storage:
        github.base, github.storage = server.url, storage.url
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    top = tmp_path / "checkout"
    (top / ".github" / "workflows").mkdir(parents=True)
    return top
