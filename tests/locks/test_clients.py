"""As whom, where and how AWS is asked: every argument of the backend that decides it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.aws import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from tests.support.locks import BUCKET, TABLE, make_backend, make_clients, make_store
from tuirunbook.core.backend import Backend
from tuirunbook.core.lock import NotChecked
from tuirunbook.core.values import Caller
from tuirunbook.locks import SettingsError, clients, credential_environ
from tuirunbook.locks.credentials import role_arguments
from tuirunbook.locks.settings import Settings, read_settings

if TYPE_CHECKING:
    from tests.support.aws import Call, EmbeddedAws
    from tuirunbook.locks import Clients

BACKEND_KEY = "AKIABACKENDBACKEND00"
PROFILE_KEY = "AKIAPROFILEPROFILE00"
OTHER_KEY = "AKIAOTHEROTHEROTHE00"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/state-reader"


def settings(
    environ: dict[str, str] | None = None, options: dict[str, str] | None = None, **arguments: Any
) -> Settings:
    return read_settings(Backend(type="s3", arguments=arguments), environ or {}, **(options or {}))


@pytest.fixture
def profiles(aws: EmbeddedAws, tmp_path: Path) -> dict[str, str]:
    """An environment with a configuration file and two profiles, and without keys."""
    (tmp_path / "config").write_text("[profile team]\nregion = us-west-2\n[profile other]\n")
    (tmp_path / "credentials").write_text(
        f"[team]\naws_access_key_id = {PROFILE_KEY}\naws_secret_access_key = s\n"
        f"[other]\naws_access_key_id = {OTHER_KEY}\naws_secret_access_key = s\n"
    )
    environ = aws.environ(
        AWS_CONFIG_FILE=str(tmp_path / "config"), AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials")
    )
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    return environ


def asked(aws: EmbeddedAws, environ: dict[str, str] | None = None, **arguments: Any) -> Call:
    """The request for the lock item that this backend makes."""
    make_store(aws, environ=environ, **arguments).look()
    return aws.called("GetItem")[0]


def s3_options(made: Clients) -> Any:
    config: Any = made.s3().meta.config
    return config.s3


def test_keys_of_the_environment_are_used(aws: EmbeddedAws) -> None:
    call = asked(aws)
    assert (call.access_key, call.region) == (ACCESS_KEY, REGION)


def test_keys_of_the_backend_beat_the_environment_and_are_not_mixed_with_it(aws: EmbeddedAws) -> None:
    call = asked(aws, aws.environ(AWS_SESSION_TOKEN="of the environment"), access_key=BACKEND_KEY, secret_key="s")
    assert call.access_key == BACKEND_KEY
    assert "x-amz-security-token" not in call.headers


def test_half_a_key_in_the_backend_is_an_error() -> None:
    with pytest.raises(SettingsError, match="go together"):
        settings(access_key=BACKEND_KEY)


def test_a_profile_of_the_backend_beats_keys_of_the_environment(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    assert asked(aws, profiles | keys, profile="team").access_key == PROFILE_KEY


def test_a_profile_of_the_environment_does_not(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    assert asked(aws, profiles | keys | {"AWS_PROFILE": "team"}).access_key == ACCESS_KEY


def test_aws_profile_beats_aws_default_profile(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    environ = profiles | {"AWS_PROFILE": "team", "AWS_DEFAULT_PROFILE": "other"}
    assert asked(aws, environ).access_key == PROFILE_KEY


def test_the_process_environment_does_not_leak_in(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the process")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
    call = asked(aws)
    assert call.access_key == ACCESS_KEY
    assert "x-amz-security-token" not in call.headers


def test_a_profile_that_does_not_exist_is_named(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    reading = make_store(aws, environ=profiles, profile="nobody").look().dynamodb
    assert isinstance(reading, NotChecked)
    assert "nobody" in reading.why
    assert reading.code == "ProfileNotFound"


def test_the_command_line_wins_over_the_backend(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    backend = make_backend(profile="team", access_key=BACKEND_KEY, secret_key="s")
    made = clients(backend, environ=profiles, profile="other", region="us-east-2")
    aws.closing(made)
    assert made.region == "us-east-2"
    assert made.credentials().access_key == OTHER_KEY


def test_shared_files_of_the_backend_are_read(aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"[default]\naws_access_key_id = {BACKEND_KEY}\naws_secret_access_key = s\n")
    environ = aws.environ()
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    assert asked(aws, environ, shared_credentials_files=[str(tmp_path / "keys")]).access_key == BACKEND_KEY
    assert settings(shared_credentials_file="/k").credentials_file == "/k"


def test_several_shared_files_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="2 shared_config_files"):
        settings(shared_config_files=["/a", "/b"])


def test_the_configuration_file_variable_of_the_backend_comes_first() -> None:
    environ = {"AWS_SHARED_CONFIG_FILE": "/backend", "AWS_CONFIG_FILE": "/sdk"}
    assert settings(environ).config_file == "/backend"
    assert settings(environ, shared_config_files=["/argument"]).config_file == "/argument"


def test_a_role_is_assumed_with_all_of_its_arguments(aws: EmbeddedAws) -> None:
    role = {
        "role_arn": ROLE,
        "session_name": "me",
        "external_id": "x-1",
        "duration": "1h30m",
        "policy": "{}",
        "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "tags": {"team": "net"},
        "transitive_tag_keys": ["team"],
        "source_identity": "someone",
    }
    store = make_store(aws, assume_role=role, sts_region="eu-central-1")
    caller = store.identify()
    assert isinstance(caller, Caller)
    assert caller.arn.endswith("assumed-role/state-reader/me")
    (call,) = aws.called("AssumeRole")
    sent = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert (
        sent.items()
        >= {
            "RoleArn": ROLE,
            "RoleSessionName": "me",
            "ExternalId": "x-1",
            "DurationSeconds": "5400",
            "Policy": "{}",
            "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "Tags.member.1.Key": "team",
            "TransitiveTagKeys.member.1": "team",
            "SourceIdentity": "someone",
        }.items()
    )
    assert (call.access_key, call.region) == (ACCESS_KEY, "eu-central-1")
    store.look()
    assert aws.called("GetItem")[0].access_key not in {ACCESS_KEY, ""}


def test_the_older_flat_role_arguments_count(aws: EmbeddedAws) -> None:
    asked(aws, role_arn=ROLE, session_name="flat", external_id="x-2", assume_role_duration_seconds=900)
    sent = parse_qs(aws.called("AssumeRole")[0].body.decode())
    assert (sent["RoleSessionName"], sent["ExternalId"], sent["DurationSeconds"]) == (["flat"], ["x-2"], ["900"])


def test_a_role_from_the_command_line_replaces_the_backends(aws: EmbeddedAws) -> None:
    made = clients(make_backend(assume_role={"role_arn": ROLE}), environ=aws.environ(), role_arn=ROLE + "-2")
    aws.closing(made)
    made.sts().get_caller_identity()
    assert [parse_qs(call.body.decode())["RoleArn"] for call in aws.called("AssumeRole")] == [[ROLE + "-2"]]


def test_a_web_identity_is_assumed_and_a_role_on_top_of_it(aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("header.payload.signature")
    asked(
        aws,
        assume_role_with_web_identity={"role_arn": ROLE, "web_identity_token_file": str(tmp_path / "token")},
        assume_role={"role_arn": ROLE + "-2"},
    )
    (first,) = aws.called("AssumeRoleWithWebIdentity")
    assert parse_qs(first.body.decode())["WebIdentityToken"] == ["header.payload.signature"]
    (second,) = aws.called("AssumeRole")
    assert second.access_key not in {ACCESS_KEY, ""}


def test_a_web_identity_of_the_environment_is_used(aws: EmbeddedAws, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a.b.c")
    environ = aws.environ(AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"))
    del environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    asked(aws, environ)
    assert len(aws.called("AssumeRoleWithWebIdentity")) == 1


def test_a_profile_that_needs_a_code_prompts_nobody(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    Path(profiles["AWS_CONFIG_FILE"]).write_text(
        f"[profile careful]\nrole_arn = {ROLE}\nsource_profile = team\nmfa_serial = arn:aws:iam::{ACCOUNT}:mfa/me\n"
    )
    reading = make_store(aws, environ=profiles, profile="careful").look().dynamodb
    assert isinstance(reading, NotChecked)
    assert "one-time code" in reading.why
    assert "careful" in reading.advice


def test_a_sign_in_that_has_ended_names_the_command(aws: EmbeddedAws, profiles: dict[str, str]) -> None:
    Path(profiles["AWS_CONFIG_FILE"]).write_text(
        "[profile sso]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = eu-west-1\n"
        f"sso_account_id = {ACCOUNT}\nsso_role_name = on-call\n"
    )
    reading = make_store(aws, environ=profiles, profile="sso").look().dynamodb
    assert isinstance(reading, NotChecked)
    assert reading.advice == "aws sso login --profile sso"


def test_no_region_at_all_is_said(aws: EmbeddedAws) -> None:
    environ = aws.environ()
    del environ["AWS_REGION"]
    reading = make_store(aws, environ=environ, region=None).look().dynamodb
    assert isinstance(reading, NotChecked)
    assert reading.code == "NoRegionError"


def test_regions_come_from_argument_then_aws_region_then_default() -> None:
    environ = {"AWS_REGION": "b", "AWS_DEFAULT_REGION": "c"}
    assert settings(environ, {"region": "o"}, region="a").region == "o"
    assert settings(environ, region="a").region == "a"
    assert settings(environ).region == "b"
    assert settings({"AWS_DEFAULT_REGION": "c"}).region == "c"


@pytest.mark.parametrize(
    ("service", "flat", "variables"),
    [
        ("s3", "endpoint", ("AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT")),
        ("dynamodb", "dynamodb_endpoint", ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT")),
        ("sts", "sts_endpoint", ("AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT")),
        ("iam", "iam_endpoint", ("AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT")),
    ],
)
def test_endpoints_come_from_block_flat_argument_and_variables(
    service: str, flat: str, variables: tuple[str, str]
) -> None:
    environ = {variables[0]: "http://c", variables[1]: "http://d", "AWS_ENDPOINT_URL": "http://e"}
    arguments: dict[str, Any] = {flat: "b.example"}
    assert settings(environ, **arguments, endpoints={service: "http://a"}).endpoints[service] == "http://a"
    assert settings(environ, **arguments).endpoints[service] == "https://b.example"
    for expected in ("http://c", "http://d", "http://e"):
        assert settings(environ).endpoints[service] == expected
        del environ[next(iter(environ))]
    assert service not in settings(environ).endpoints


def test_s15_an_endpoint_of_the_configuration_file_belongs_to_the_address(
    aws: EmbeddedAws, profiles: dict[str, str]
) -> None:
    del profiles["AWS_ENDPOINT_URL"]
    Path(profiles["AWS_CONFIG_FILE"]).write_text(
        "[profile team]\nservices = local\nendpoint_url = http://127.0.0.1:9\n"
        f"[services local]\ndynamodb =\n  endpoint_url = {aws.endpoint}\n"
    )
    aws.create_backend(BUCKET, TABLE)
    snapshot = make_store(aws, environ=profiles, profile="team").look()
    assert snapshot.address.dynamodb_endpoint == aws.endpoint
    assert snapshot.address.s3_endpoint == "http://127.0.0.1:9"
    assert not isinstance(snapshot.dynamodb, NotChecked)


def test_path_style_fips_dualstack_and_verification_reach_the_clients(aws: EmbeddedAws) -> None:
    environ = aws.environ()
    del environ["AWS_ENDPOINT_URL"]
    made = make_clients(aws, make_backend(use_path_style=True, use_fips_endpoint=True, insecure=True), environ)
    assert "fips" in made.dynamodb().meta.endpoint_url
    assert s3_options(made)["addressing_style"] == "path"
    assert made._arguments("s3", 2)["verify"] is False
    dual = make_clients(aws, make_backend(use_dualstack_endpoint="true", force_path_style=True), environ)
    assert "api.aws" in dual.dynamodb().meta.endpoint_url
    assert s3_options(dual)["addressing_style"] == "path"
    assert settings(custom_ca_bundle="/ca.pem").verify == "/ca.pem"
    assert make_clients(aws, make_backend(), environ | {"AWS_USE_FIPS_ENDPOINT": "true"}).settings.fips is False


def test_reads_are_tried_twice_and_deletes_once(aws: EmbeddedAws) -> None:
    made = make_clients(aws, make_backend(max_retries=9))
    config: Any = made.dynamodb().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert (config.connect_timeout, config.read_timeout) == (3, 5)
    for deleting in (made.deleting_dynamodb(), made.deleting_s3()):
        config = deleting.meta.config
        assert config.retries["total_max_attempts"] == 1


def test_proxies_of_the_backend_beat_the_environment_and_http_serves_https_too() -> None:
    environ = {"HTTPS_PROXY": "http://e:1", "NO_PROXY": "a.example"}
    assert settings(environ).proxies == {"https": "http://e:1"}
    assert settings(environ, http_proxy="http://b:1").proxies == {"http": "http://b:1", "https": "http://b:1"}
    assert settings(environ, no_proxy="b.example").no_proxy == "b.example"


@pytest.mark.parametrize(
    ("no_proxy", "proxied"), [("", True), (".amazonaws.com", False), ("s3.eu-west-1.amazonaws.com", True), ("*", False)]
)
def test_no_proxy_is_honoured(aws: EmbeddedAws, no_proxy: str, *, proxied: bool) -> None:
    environ = aws.environ(NO_PROXY=no_proxy, HTTPS_PROXY="http://proxy:3128")
    del environ["AWS_ENDPOINT_URL"]
    made = make_clients(aws, make_backend(), environ)
    config: Any = made.dynamodb().meta.config
    assert bool(config.proxies) is proxied


def test_the_metadata_service_is_left_alone_where_it_must_be() -> None:
    assert settings().metadata
    assert not settings(skip_metadata_api_check="true").metadata
    assert not settings({"AWS_EC2_METADATA_DISABLED": "TRUE"}).metadata


def test_a_customer_key_counts_only_with_encryption_and_must_be_base64() -> None:
    key = base64.b64encode(b"k" * 32).decode()
    assert settings(sse_customer_key=key).sse_customer_key is None
    assert settings(sse_customer_key=key, encrypt=True).sse_customer_key == b"k" * 32
    assert settings({"AWS_SSE_CUSTOMER_KEY": key}, encrypt=True).sse_customer_key == b"k" * 32
    with pytest.raises(SettingsError, match="base64"):
        settings(sse_customer_key="?", encrypt=True)


def test_s13_settings_show_no_secret(aws: EmbeddedAws) -> None:
    made = make_clients(aws, make_backend(access_key=BACKEND_KEY, secret_key="hush-hush", token="quiet"))
    shown = repr(made.settings) + repr(made.settings.__rich_repr__()) + repr(made)
    assert not any(secret in shown for secret in (BACKEND_KEY, "hush", "quiet"))


def test_a_child_terraform_gets_the_very_credentials_and_region(aws: EmbeddedAws) -> None:
    assert credential_environ(make_clients(aws, make_backend())) == {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
    }
    made = make_clients(aws, make_backend(assume_role={"role_arn": ROLE}))
    environ = credential_environ(made)
    assert environ["AWS_SESSION_TOKEN"]
    with pytest.raises(made.dynamodb().exceptions.ResourceNotFoundException):
        made.dynamodb().describe_table(TableName=TABLE)
    assert aws.called("DescribeTable")[0].access_key == environ["AWS_ACCESS_KEY_ID"]
    assert len(aws.called("AssumeRole")) == 1


def test_credentials_of_a_process_are_fetched(aws: EmbeddedAws, profiles: dict[str, str], tmp_path: Path) -> None:
    program = tmp_path / "fetch"
    program.write_text(f'#!/bin/sh\necho \'{{"Version":1,"AccessKeyId":"{OTHER_KEY}","SecretAccessKey":"s"}}\'\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    Path(profiles["AWS_CONFIG_FILE"]).write_text(f"[profile fetched]\ncredential_process = {program}\n")
    assert asked(aws, profiles, profile="fetched").access_key == OTHER_KEY


def test_durations_are_gos_or_seconds() -> None:
    assert role_arguments({"duration": "90m"})["DurationSeconds"] == 5400
    assert role_arguments({"duration": "900"})["DurationSeconds"] == 900
    with pytest.raises(SettingsError, match="duration"):
        role_arguments({"duration": "soon"})


@given(st.dictionaries(st.sampled_from(sorted(Settings.__struct_fields__)), st.none() | st.text() | st.booleans()))
def test_odd_arguments_make_settings_or_a_sentence(arguments: dict[str, Any]) -> None:
    try:
        made = settings(**arguments)
    except SettingsError as error:
        assert str(error)  # noqa: PT017 - either is right
    else:
        assert isinstance(made, Settings)
