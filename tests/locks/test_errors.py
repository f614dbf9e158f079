"""What AWS and the SDK say, in plain words."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as boto
import pytest

from tuirunbook.locks.errors import explain
from tuirunbook.locks.settings import SettingsError


def client_error(code: str, message: str = "no") -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": message}}, "GetItem")


URL: dict[str, Any] = {"endpoint_url": "https://x", "error": "e"}


@pytest.mark.parametrize(
    ("error", "why", "advice"),
    [
        (boto.NoCredentialsError(), "no AWS credentials", "--profile NAME"),
        (boto.ProfileNotFound(profile="p"), "the profile p is not", "list-profiles"),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), "cannot be used", ""),
        (boto.InvalidConfigError(error_msg="source_profile missing"), "source_profile missing", ""),
        (boto.CredentialRetrievalError(provider="custom-process", error_msg="boom"), "boom", "credential_process"),
        (boto.SSOTokenLoadError(error_msg="x"), "has ended", "aws sso login --profile p"),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), "has ended", "aws sso login --profile p"),
        (boto.UnauthorizedSSOTokenError(), "has ended", "aws sso login --profile p"),
        (boto.LoginTokenLoadError(error_msg="x"), "has ended", "aws login --profile p"),
        (boto.NoRegionError(), "no region", "--region"),
        (client_error("ExpiredToken"), "expired", "sign in again"),
        (client_error("ExpiredTokenException"), "expired", "sign in again"),
        (client_error("UnrecognizedClientException"), "does not know", "get-caller-identity"),
        (client_error("InvalidSignatureException", "Signature expired"), "Signature expired", "clock"),
        (client_error("AccessDenied"), "not allowed to read the lock", "--role-arn"),
        (client_error("403", "Forbidden"), "not allowed to read the lock", "--role-arn"),
        (client_error("ResourceNotFoundException"), "does not exist in eu-west-1", "account"),
        (client_error("NoSuchBucket"), "bucket does not exist", "account"),
        (client_error("PermanentRedirect"), "another region than eu-west-1", "--region"),
        (client_error("ThrottlingException"), "throttling", "again"),
        (client_error("ValidationException", "key does not match the schema"), "does not match the schema", ""),
        (boto.EndpointConnectionError(**URL), "cannot be reached", "VPN"),
        (boto.ReadTimeoutError(**URL), "no answer in time", "VPN"),
        (boto.ProxyConnectionError(proxy_url="http://p", error="e"), "proxy", "HTTPS_PROXY"),
        (boto.SSLError(**URL), "not trusted", "CA_BUNDLE"),
        (SettingsError("two files"), "two files", ""),
        (OSError("disk"), "the lock could not be read: disk", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_failure_says_why_and_what_to_do(error: Exception, why: str, advice: str) -> None:
    explained = explain(error, what="the lock", profile="p", region="eu-west-1")
    assert why in explained.why
    assert advice in explained.advice
    assert explained.code


def test_an_error_without_a_response_is_still_explained() -> None:
    error = boto.UnauthorizedSSOTokenError()
    error.response = None  # type: ignore[attr-defined] # as some of botocore's own have it
    assert explain(error, what="the lock").advice == "aws sso login --profile default"


def test_s12_braces_and_escapes_in_messages_are_only_text() -> None:
    explained = explain(client_error("AccessDenied", "{profile} \x1b[2J {0}"), what="the lock {x}")
    assert "{profile}" in explained.why
    assert "\x1b" not in explained.why


def test_s13_secrets_in_messages_are_not_repeated() -> None:
    explained = explain(client_error("Odd", "key AKIAIOSFODNN7EXAMPLE refused"), what="the lock")
    assert "AKIA" not in explained.why
