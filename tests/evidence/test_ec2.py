"""Instances by their private address, in an EC2 that moto plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from tests.support.aws import ACCOUNT, REGION, EmbeddedAws
from tests.support.locks import BUCKET, KEY, lock_json, make_backend, make_clients
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import WhoRule
from tuirunbook.core.lock import NotChecked, Store, StoredLock
from tuirunbook.evidence.ec2 import Ec2
from tuirunbook.wiring.evidence import BackendDoor

T = TypeVar("T")
IP = "10.6.39.55"
WHO = "ec2-user@ip-10-6-39-55"
HERE = StateAddress(bucket=BUCKET, key=KEY, region=REGION, account=ACCOUNT)
DECLARED = (WhoRule(matches="*@ip-10-6-*", account=ACCOUNT, region=REGION),)
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def door(aws: EmbeddedAws) -> Iterator[BackendDoor]:
    made = BackendDoor(make_clients(aws, make_backend()), aws.environ())
    yield made
    made.close()


def launch(aws: EmbeddedAws, ip: str = IP, **more: Any) -> str:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.6.39.0/24")["Subnet"]["SubnetId"]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress=ip, **more)
    return str(made["Instances"][0]["InstanceId"])


def lock(who: str = WHO, created: datetime = NOW) -> StoredLock:
    return StoredLock.read(Store.DYNAMODB, lock_json(Who=who, Created=created.isoformat()).encode())


def gather(
    door: BackendDoor,
    about: StoredLock,
    rules: tuple[WhoRule, ...] = DECLARED,
    address: StateAddress = HERE,
) -> Finding:
    (finding,) = Ec2(door, rules).gather(about, address, NOW)
    return finding


def test_an_instance_that_ran_before_the_lock_lives_on_and_says_nothing(aws: EmbeddedAws, door: BackendDoor) -> None:
    name = launch(aws)
    finding = gather(door, lock(created=NOW + HOUR))
    assert (finding.says, finding.match) == (Says.NOTHING, Match.NAMES_THIS_STATE)
    assert finding.opposes == ("holder-host=host-gone",)
    assert name in finding.fact


def test_an_instance_launched_after_the_lock_shows_that_the_one_before_has_ended(
    aws: EmbeddedAws, door: BackendDoor
) -> None:
    launch(aws)
    finding = gather(door, lock(created=NOW - HOUR))
    assert (finding.says, finding.match) == (Says.SUPPORTS, Match.NAMES_THIS_STATE)
    assert not finding.opposes


def test_one_launched_about_when_the_lock_was_taken_may_have_taken_it(aws: EmbeddedAws, door: BackendDoor) -> None:
    launch(aws)
    assert gather(door, lock(created=datetime.now(UTC))).says is Says.NOTHING


@pytest.mark.parametrize("end", ["stop_instances", "terminate_instances"])
def test_an_instance_that_ended_since_supports_with_its_time(aws: EmbeddedAws, door: BackendDoor, end: str) -> None:
    getattr(aws.client("ec2"), end)(InstanceIds=[launch(aws)])
    finding = gather(door, lock(created=NOW))
    assert finding.says is Says.SUPPORTS
    assert isinstance(finding.ended_at, str)
    assert finding.ended_at[:10] == f"{datetime.now(UTC):%Y-%m-%d}"


def test_one_that_can_hibernate_may_go_on(aws: EmbeddedAws, door: BackendDoor) -> None:
    aws.client("ec2").stop_instances(InstanceIds=[launch(aws, HibernationOptions={"Configured": True})])
    finding = gather(door, lock())
    assert (finding.says, "hibernate" in finding.fact) == (Says.NOTHING, True)


def test_of_several_networks_with_one_address_the_living_instance_counts(aws: EmbeddedAws, door: BackendDoor) -> None:
    aws.client("ec2").stop_instances(InstanceIds=[launch(aws)])
    launch(aws)
    finding = gather(door, lock(created=NOW + HOUR))
    assert (finding.says, finding.fact.count("i-")) == (Says.NOTHING, 2)


def test_where_the_settings_say_nothing_an_instance_only_could_be_the_holders(
    aws: EmbeddedAws, door: BackendDoor
) -> None:
    launch(aws)
    finding = gather(door, lock(created=NOW - HOUR), rules=())
    assert (finding.says, finding.match) == (Says.SUPPORTS, Match.COULD_BE)
    assert "[[who]]" in finding.fact


@pytest.mark.usefixtures("aws")
def test_not_found_says_nothing_unless_the_settings_say_that_it_lives_here(door: BackendDoor) -> None:
    finding = gather(door, lock(), rules=())
    assert (finding.says, finding.match) == (Says.NOTHING, Match.COULD_BE)
    assert '[[who]] matches = "*@ip-10-6-39-55"' in finding.fact
    finding = gather(door, lock())
    assert (finding.says, finding.match) == (Says.SUPPORTS, Match.NAMES_THIS_STATE)


def test_not_found_says_nothing_while_a_task_or_pod_has_the_address(aws: EmbeddedAws, door: BackendDoor) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.6.39.0/24")["Subnet"]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=IP, Description="ecs attachment \u202e7")
    finding = gather(door, lock())
    assert (finding.says, "ecs attachment" in finding.fact, "\u202e" in finding.fact) == (Says.NOTHING, True, False)


def test_the_region_in_the_name_is_the_one_that_is_asked(aws: EmbeddedAws, door: BackendDoor) -> None:
    launch(aws)
    about = lock("ec2-user@ip-10-6-39-55.eu-central-1.compute.internal", NOW - HOUR)
    finding = gather(door, about, rules=(WhoRule(matches="*", account=ACCOUNT),))
    assert finding.says is Says.SUPPORTS
    assert "eu-central-1" in finding.source
    assert aws.calls[-1].region == "eu-central-1"


def test_settings_that_name_another_region_than_the_holder_declare_nothing(aws: EmbeddedAws, door: BackendDoor) -> None:
    del aws
    about = lock("ec2-user@ip-10-6-39-55.eu-central-1.compute.internal")
    assert gather(door, about).says is Says.NOTHING


@pytest.mark.usefixtures("aws")
def test_with_credentials_of_another_account_nobody_is_asked(door: BackendDoor) -> None:
    rules = (WhoRule(matches="*", account="999999999999", region=REGION),)
    finding = gather(door, lock(), rules=rules)
    assert (finding.says, "--profile" in finding.fact) == (Says.UNKNOWN, True)


@pytest.mark.parametrize("effect", ["deny", "throttle", "fail"])
def test_what_aws_refuses_is_not_taken_for_an_absence(aws: EmbeddedAws, door: BackendDoor, effect: str) -> None:
    getattr(aws, effect)("ec2:*")
    finding = gather(door, lock())
    assert finding.says is Says.UNKNOWN
    assert "could not be looked for" in finding.fact


@pytest.mark.parametrize("who", ["root@runner-7", "", "atlantis@eu-west-1.compute.internal", "@ip-10-0-0-999"])
def test_a_holder_without_an_address_is_not_asked_about(door: BackendDoor, who: str) -> None:
    assert not list(Ec2(door).gather(lock(who), HERE, NOW))
    assert not list(Ec2(door).gather(StoredLock.read(Store.S3, b"garbage"), HERE, NOW))


class Elsewhere:
    """A door of a state that is not kept on AWS."""

    def client(self, service: str, region: str | None = None) -> Any:
        raise AssertionError((service, region))

    def ask(self, what: str, call: Callable[[], T]) -> T | NotChecked:
        raise AssertionError((what, call))

    def why_not(self, service: str) -> str:
        return f"the state is kept at a custom endpoint, which has no {service}"


def test_a_state_that_is_not_kept_on_aws_sends_nobody_to_aws() -> None:
    (finding,) = Ec2(Elsewhere(), DECLARED).gather(lock(), HERE, NOW)
    assert (finding.says, "custom endpoint" in finding.fact) == (Says.UNKNOWN, True)
