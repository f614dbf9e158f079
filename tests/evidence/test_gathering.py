"""A walk over a real lock gathers what this machine, the bucket, CloudTrail and EC2 know of its holder."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.test_ec2 import launch
from tests.support.aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.incidents import RUNBOOK
from tests.support.locks import BUCKET, KEY, make_backend, make_clients, make_store, put_lockfile
from tests.support.locks import lock_json as written
from tests.support.stuck import wait_for
from tests.walk.parts import Clock, FakeTerraform, Paper, Shelf
from tuirunbook.core.backend import RootModule
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.gates import Policy
from tuirunbook.core.holder import WhoRule
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.core.verdict import Opinion, judge
from tuirunbook.evidence.who import WhoTells
from tuirunbook.walk.walk import Walk, set_up
from tuirunbook.walk.world import World
from tuirunbook.wiring.evidence import host_and_aws_sources

WHO = "ec2-user@ip-10-6-39-55"


@pytest.fixture
def walk(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Walk]:
    """A walk on a lock that an instance took an hour ago; the instance was replaced since, the state just written."""
    aws.create_backend(BUCKET, versioned=True)
    launch(aws)
    put_lockfile(aws, written(Who=WHO, Created=(datetime.now(UTC) - timedelta(hours=1)).isoformat()))
    backend = make_backend(dynamodb_table=None)
    made = make_clients(aws, backend)
    world = World(
        root=RootModule(directory=None, name="infra", backend=backend),
        store=make_store(aws, dynamodb_table=None),
        terraform=FakeTerraform(Shelf(Clock())),
        policy=Policy(),
        create_journal=lambda _: Paper(tmp_path),
        operator="priya",
        host="oncall",
        tool="0",
        sources=host_and_aws_sources(
            made,
            host="oncall",
            directories=[],
            known=lambda _: (),
            own=tuple,
            rules=[WhoRule(matches="*@ip-10-6-*", account=ACCOUNT, region=REGION)],
            environ=aws.environ(),
        ),
    )
    begun = set_up(world, RUNBOOK, queue.SimpleQueue[Any]().put)
    begun.start()
    yield begun
    begun.stop(20)


def gathered(walk: Walk, *keys: str) -> tuple[Incident, dict[str, Finding]]:
    """The incident and its findings, once these are among them."""

    def found() -> dict[str, Finding]:
        return {key: finding for (_, key), finding in walk.scribe.incident.findings.items()}

    wait_for(lambda: found().keys() >= set(keys), f"{keys}")
    return walk.scribe.incident, found()


def test_each_source_says_its_own_and_the_verdict_weighs_them(walk: Walk) -> None:
    incident, found = gathered(
        walk, "holder.who", "host.process", "host.ec2", "state.writes", "lockfile.times", "trail.calls"
    )
    assert "probably an EC2 instance" in found["holder.who"].fact
    assert (found["host.process"].says, found["host.process"].match) == (Says.NOTHING, Match.CANNOT_BE)
    assert found["state.writes"].says is Says.NOTHING
    assert "waited so long for the lock" in found["lockfile.times"].fact
    verdict = judge(incident, incident.identities[0])
    assert verdict.opinion is Opinion.CANNOT_TELL
    assert verdict.not_checked == (found["trail.calls"].fact,)


def test_a_state_that_is_written_while_the_lock_is_held_makes_the_holder_active(walk: Walk, aws: EmbeddedAws) -> None:
    gathered(walk, "state.writes")
    aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"{}")
    walk.watcher.look_now()
    incident, _ = gathered(walk, "state.state-written")
    assert judge(incident, incident.identities[0]).opinion is Opinion.ACTIVE


@pytest.mark.parametrize(
    ("who", "fact"),
    [
        (WHO, "ip-10-6-39-55: probably an EC2 instance, named by its private address"),
        ("root@runner-t3qyxf-project-7120-concurrent-0", "(project 7120, runner t3qyxf)"),
        ("", "the lock names nobody"),
        ("x\x1b[31m@infra", "tells nothing about where it ran"),
    ],
)
def test_the_name_is_told_as_a_hint(who: str, fact: str) -> None:
    about = StoredLock.read(Store.DYNAMODB, written(Who=who).encode())
    address = make_address()
    (finding,) = WhoTells().gather(about, address, datetime.now(UTC))
    assert (finding.says, fact in finding.fact, "\x1b" in finding.fact) == (Says.NOTHING, True, False)
    assert not list(WhoTells().gather(StoredLock.read(Store.S3, b"garbage"), address, datetime.now(UTC)))


def make_address() -> Any:
    return RootModule(directory=None, name="infra", backend=make_backend()).address()
