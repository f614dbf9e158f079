"""CloudTrail, played by a small stand-in: moto knows trails, but has no `LookupEvents`.

The stand-in checks the request as AWS documents it (target, one attribute, times, at most 50 events a page), answers in
the documented shape, and pages. The user agents are those that Terraform 1.11.4 sends.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.locks import BUCKET, KEY, lock_json, make_backend
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import WhoRule
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.evidence.aws_trail import CALLS, SESSION, AwsTrail
from tuirunbook.locks import clients
from tuirunbook.wiring.evidence import BackendDoor

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CREATED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
ME = f"arn:aws:sts::{ACCOUNT}:assumed-role/oncall/priya"
ADDRESS = StateAddress(bucket=BUCKET, key=KEY, region="eu-west-1", account=ACCOUNT, caller=ME)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) aws-sdk-go-v2/1.36.0 ua/2.1 os/linux "
    "lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/sts#1.33.12"
)
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
MINUTE = timedelta(minutes=1)
SUBJECT = "repo:acme/infra:environment:prod"


class Trail:
    """The stand-in: events, and the requests that it got."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.refusal: tuple[int, str] | None = None
        self.page = 50
        trail = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["x-amz-target"] != TARGET or "/eu-west-1/cloudtrail/" not in str(
                    self.headers["authorization"]
                ):
                    trail.wrong.append("target or signature")
                status, text = trail.answer(json.loads(body))
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, asked: dict[str, Any]) -> tuple[int, str]:
        self.asked.append(asked)
        if self.refusal is not None:
            return self.refusal
        attributes = asked.get("LookupAttributes", [])
        if len(attributes) > 1 or not 1 <= asked.get("MaxResults", 50) <= 50:
            self.wrong.append(str(asked))
            return 400, json.dumps({"__type": "InvalidLookupAttributesException", "message": "one attribute"})
        start, end = asked["StartTime"], asked["EndTime"]
        found = [event for event in self.events if start <= event["EventTime"] <= end]
        for attribute in attributes:
            found = [event for event in found if event.get(attribute["AttributeKey"]) == attribute["AttributeValue"]]
        found.sort(key=lambda event: event["EventTime"], reverse=True)
        first = int(asked.get("NextToken", 0))
        page = {"Events": found[first : first + self.page]}
        more = {"NextToken": str(first + self.page)} if len(found) > first + self.page else {}
        return 200, json.dumps(page | more)

    def add(self, name: str, at: datetime, *, key: str = "", agent: str = TERRAFORM, **record: Any) -> None:
        session = record.pop("session", "gha-4711")
        identity = {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/{session}",
            "accessKeyId": key,
        } | record.pop("identity", {})
        said = {
            "eventName": name,
            "eventTime": at.isoformat(),
            "userAgent": agent,
            "sourceIPAddress": "198.51.100.7",
            "userIdentity": identity,
        } | record
        self.events.append(
            {
                "EventId": str(len(self.events)),
                "EventName": name,
                "EventTime": at.timestamp(),
                "AccessKeyId": key,
                "CloudTrailEvent": json.dumps(said),
            }
        )

    def began(self, key: str = "ASIAHOLDER", at: datetime = CREATED - timedelta(seconds=3), **record: Any) -> None:
        """The call by which the backend asks who it is."""
        self.add("GetCallerIdentity", at, key=key, **record)

    def assumed(self, key: str = "ASIAHOLDER", session: str = "gha-4711") -> None:
        """GitHub's token was exchanged for a role."""
        self.add(
            "AssumeRoleWithWebIdentity",
            CREATED - 2 * MINUTE,
            agent="configure-aws-credentials-for-github-actions",
            identity={"type": "WebIdentityUser", "userName": SUBJECT, "arn": None},
            requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/deploy", "roleSessionName": session},
            responseElements={"credentials": {"accessKeyId": key}, "subjectFromWebIdentityToken": SUBJECT},
        )


@pytest.fixture
def trail() -> Iterator[Trail]:
    made = Trail()
    yield made
    made.server.shutdown()
    made.server.server_close()
    assert made.wrong == []


@pytest.fixture
def door(trail: Trail) -> Iterator[BackendDoor]:
    environ = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x" * 40,
        "AWS_ENDPOINT_URL_CLOUDTRAIL": f"http://127.0.0.1:{trail.server.server_port}",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }
    made = BackendDoor(clients(make_backend(), environ=environ), environ)
    yield made
    made.close()


def lock(**fields: str) -> StoredLock:
    raw = lock_json(**{"Who": "runner@fv-az1-2", "Created": CREATED.isoformat()} | fields)
    return StoredLock.read(Store.DYNAMODB, raw.encode())


def gather(
    door: BackendDoor, about: StoredLock | None = None, rules: tuple[WhoRule, ...] = (), now: datetime = NOW
) -> dict[str, Finding]:
    source = AwsTrail(door, rules, pause=lambda: None)
    return {finding.key: finding for finding in source.gather(about or lock(), ADDRESS, now)}


def test_a_recent_call_of_the_holders_session_blocks_and_names_it(trail: Trail, door: BackendDoor) -> None:
    trail.began()
    trail.add("DescribeDBInstances", NOW - timedelta(seconds=40), key="ASIAHOLDER")
    trail.add("CreateDBInstance", NOW - 9 * MINUTE, key="ASIAHOLDER")
    finding = gather(door)[CALLS]
    assert (finding.says, finding.match) == (Says.BLOCKS, Match.NAMES_THIS_STATE)
    assert "DescribeDBInstances at 2026-11-23T03:59:20.000Z, with Terraform 1.11.4" in finding.fact


def test_the_role_that_was_assumed_names_repository_environment_and_session(trail: Trail, door: BackendDoor) -> None:
    trail.assumed()
    trail.began()
    finding = gather(door)[SESSION]
    assert (finding.says, finding.match) == (Says.NOTHING, Match.NAMES_THIS_STATE)
    assert "role deploy, session gha-4711" in finding.fact
    assert SUBJECT in finding.fact


def test_a_role_that_was_assumed_with_another_role_still_names_the_repository(trail: Trail, door: BackendDoor) -> None:
    trail.assumed("ASIAJOB")
    trail.add(
        "AssumeRole",
        CREATED - MINUTE,
        key="ASIAJOB",
        requestParameters={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/terraform", "roleSessionName": "tf"},
        responseElements={"credentials": {"accessKeyId": "ASIAHOLDER"}},
    )
    trail.began(session="tf")
    said = gather(door)[SESSION]
    assert said.match is Match.NAMES_THIS_STATE
    assert said.fact.index("role terraform, session tf") < said.fact.index(SUBJECT)


def test_silence_proves_nothing(trail: Trail, door: BackendDoor) -> None:
    trail.began()
    finding = gather(door)[CALLS]
    assert (finding.says, "silence proves nothing" in finding.fact) == (Says.NOTHING, True)
    trail.add("DescribeDBInstances", NOW - 16 * MINUTE, key="ASIAHOLDER")
    finding = gather(door)[CALLS]
    assert (finding.says, "silence since proves nothing" in finding.fact) == (Says.NOTHING, True)


def test_a_fresh_lock_is_told_that_the_record_is_late(trail: Trail, door: BackendDoor) -> None:
    assert trail.events == []
    assert "15 minutes late" in gather(door, now=CREATED + 5 * MINUTE)[CALLS].fact


def test_the_call_that_came_before_the_lock_is_no_sign_of_life(trail: Trail, door: BackendDoor) -> None:
    trail.began()
    assert gather(door, now=CREATED + 2 * MINUTE)[CALLS].says is Says.NOTHING


def test_of_several_sessions_that_began_just_then_each_only_could_be(trail: Trail, door: BackendDoor) -> None:
    trail.began("ASIAONE")
    trail.began("ASIATWO", session="gha-4712")
    trail.add("DescribeDBInstances", NOW - MINUTE, key="ASIATWO", session="gha-4712")
    found = gather(door)
    assert (found[CALLS].says, found[CALLS].match) == (Says.BLOCKS, Match.COULD_BE)
    assert "gha-4712, who may be the holder" in found[CALLS].fact
    assert "2 sessions" in found[SESSION].fact


def test_the_settings_tell_which_session_is_the_holders(trail: Trail, door: BackendDoor) -> None:
    trail.began("ASIAONE")
    trail.began("ASIATWO", session="other-1")
    trail.add("DescribeDBInstances", NOW - MINUTE, key="ASIATWO", session="other-1")
    found = gather(door, rules=(WhoRule(matches="runner@*", session="gha-*"),))
    assert (found[CALLS].says, found[SESSION].match) == (Says.NOTHING, Match.NAMES_THIS_STATE)


def test_where_terraform_did_not_ask_who_it_is_the_session_that_the_settings_name_counts(
    trail: Trail, door: BackendDoor
) -> None:
    trail.assumed()
    trail.add("DescribeDBInstances", NOW - MINUTE, key="ASIAHOLDER")
    found = gather(door, rules=(WhoRule(matches="runner@*", session="gha-*"),))
    assert (found[CALLS].says, found[CALLS].match) == (Says.BLOCKS, Match.NAMES_THIS_STATE)
    assert SUBJECT in found[SESSION].fact


def test_the_holders_private_address_tells_which_session_is_its_own(trail: Trail, door: BackendDoor) -> None:
    trail.began("ASIAONE", sourceIPAddress="10.6.39.55")
    trail.began("ASIATWO")
    found = gather(door, lock(Who="root@ip-10-6-39-55"))
    assert found[SESSION].match is Match.NAMES_THIS_STATE
    assert "10.6.39.55" in found[SESSION].fact


def test_another_version_of_terraform_did_not_take_the_lock(trail: Trail, door: BackendDoor) -> None:
    trail.began(agent=TERRAFORM.replace("1.11.4", "1.5.7"))
    trail.add("DescribeDBInstances", NOW - MINUTE, key="X", agent=TERRAFORM.replace("1.11.4", "1.5.7"))
    found = gather(door)
    assert SESSION not in found
    assert found[CALLS].says is Says.NOTHING


def test_where_no_session_is_known_a_terraform_of_that_version_could_be_it(trail: Trail, door: BackendDoor) -> None:
    trail.add("DescribeDBInstances", NOW - MINUTE, key="X")
    trail.add("PutObject", NOW, key="Y", agent="aws-cli/2.0")
    finding = gather(door)[CALLS]
    assert (finding.says, finding.match) == (Says.BLOCKS, Match.COULD_BE)


def test_the_next_step_of_a_job_with_the_same_session_only_could_be_the_holder(trail: Trail, door: BackendDoor) -> None:
    trail.began()
    trail.add("PutObject", NOW - MINUTE, key="ASIAHOLDER", agent="aws-cli/2.0")
    finding = gather(door)[CALLS]
    assert (finding.says, finding.match) == (Says.BLOCKS, Match.COULD_BE)


def test_calls_by_these_very_credentials_may_be_this_tools_own(trail: Trail, door: BackendDoor) -> None:
    trail.add("GetCallerIdentity", NOW - MINUTE, key="MINE", identity={"arn": ME})
    finding = gather(door)[CALLS]
    assert (finding.says, "this tool's own" in finding.fact) == (Says.NOTHING, True)


def test_services_that_assume_roles_are_nobodys_session(trail: Trail, door: BackendDoor) -> None:
    trail.began()
    trail.add(
        "AssumeRole",
        CREATED - MINUTE,
        identity={"type": "AWSService"},
        responseElements={"credentials": {"accessKeyId": "ASIAHOLDER"}},
    )
    assert "taken by arn:" in gather(door)[SESSION].fact


def test_more_than_a_page_is_read(trail: Trail, door: BackendDoor) -> None:
    trail.page = 2
    for seconds in (50, 40, 30):
        trail.add("GetCallerIdentity", CREATED + timedelta(seconds=seconds), agent="aws-cli/2.0", key="X")
    trail.began()
    assert SESSION in gather(door)


def test_only_what_can_change_is_asked_again_and_at_the_pace_that_is_allowed(trail: Trail, door: BackendDoor) -> None:
    trail.assumed()
    trail.began()
    paused: list[int] = []
    source = AwsTrail(door, pause=lambda: paused.append(len(trail.asked)))
    list(source.gather(lock(), ADDRESS, NOW))
    assert [event.get("LookupAttributes", [{}])[0].get("AttributeValue") for event in trail.asked] == [
        *("GetCallerIdentity", "AssumeRoleWithWebIdentity", "AssumeRole", "ASIAHOLDER")
    ]
    assert paused == [1, 2, 3]
    list(source.gather(lock(), ADDRESS, NOW + MINUTE))
    assert len(trail.asked) == 5


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((400, '{"__type": "AccessDeniedException", "message": "not authorized"}'), "not allowed"),
        ((400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}'), "throttling"),
        ((400, '{"__type": "ExpiredTokenException", "message": "expired"}'), "expired"),
        ((503, "<html>sorry</html>"), "a web page came back (status 503)"),
        ((200, "<html>sign in</html>"), "a web page came back (status 200)"),
    ],
)
def test_a_record_that_cannot_be_read_is_not_an_empty_one(
    trail: Trail, door: BackendDoor, refusal: tuple[int, str], words: str
) -> None:
    trail.refusal = refusal
    (finding,) = gather(door).values()
    assert (finding.key, finding.says, finding.match) == (CALLS, Says.UNKNOWN, Match.COULD_BE)
    assert words in finding.fact


def test_events_that_are_damaged_or_carry_escapes_do_no_harm(trail: Trail, door: BackendDoor) -> None:
    trail.began(session="x\x1b[2J")
    for text in ("", "[]", "not json", '{"userIdentity": 7}', "[" * 100_000):
        event = {"EventName": "GetCallerIdentity", "EventTime": CREATED.timestamp(), "CloudTrailEvent": text}
        trail.events.append(event)
    found = gather(door)
    assert "\x1b" not in found[SESSION].fact


def test_a_lock_that_does_not_say_when_it_was_taken_is_not_asked_about(trail: Trail, door: BackendDoor) -> None:
    assert gather(door, StoredLock.read(Store.S3, b"garbage")) == {}
    assert gather(door, lock(Created="0001-01-01T00:00:00Z")) == {}
    assert trail.asked == []


def test_a_state_that_is_not_kept_on_aws_sends_nobody_to_aws() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": "/nowhere"}
    backend = make_backend(endpoints={"s3": "https://minio.test"})
    door = BackendDoor(clients(backend, environ=environ), environ)
    finding = gather(door)[CALLS]
    assert (finding.says, "minio.test" in finding.fact) == (Says.UNKNOWN, True)
