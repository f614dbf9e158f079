"""What an S3 backend's arguments and the environment say about accounts, regions, endpoints and keys.

Arguments win over the environment. Source: Terraform 1.15 `internal/backend/remote-state/s3/backend.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping

import msgspec

from tuirunbook.core.backend import Backend

ENDPOINT_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT"),
    "dynamodb": ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT"),
    "sts": ("AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT"),
    "iam": ("AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT"),
    "sso": ("AWS_ENDPOINT_URL_SSO",),
}
"""The variables that name a service's endpoint, strongest first; `AWS_ENDPOINT_URL` comes after all of them."""

_FLAT_ENDPOINTS = {
    "s3": "endpoint",
    "dynamodb": "dynamodb_endpoint",
    "sts": "sts_endpoint",
    "iam": "iam_endpoint",
}
_FLAT_ROLE = {
    "role_arn": "role_arn",
    "session_name": "session_name",
    "external_id": "external_id",
    "duration": "assume_role_duration_seconds",
    "policy": "assume_role_policy",
    "policy_arns": "assume_role_policy_arns",
    "tags": "assume_role_tags",
    "transitive_tag_keys": "assume_role_transitive_tag_keys",
}


class SettingsError(ValueError):
    """A backend that cannot be read with as it stands; the sentence says what to change."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides as whom, where and how AWS is asked.

    Attributes:
        region: The region of bucket and table, or None when nothing names one.
        sts_region: The region of the STS calls.
        profile: The profile that the backend or the command line names; it beats keys in the environment.
        keys: Access key, secret key and session token from the backend itself, empty where it has none.
        config_file: The one shared configuration file to read, or None for the SDK's own choice.
        credentials_file: The one shared credentials file, likewise.
        assume_role: The arguments of the role to assume, by their names in the `assume_role` block; empty for none.
        web_identity: The arguments of `assume_role_with_web_identity`; empty for none.
        endpoints: Custom endpoints by service, from arguments and environment.
        path_style: Whether the bucket goes into the path instead of the host name.
        fips: Whether the backend asks for FIPS endpoints.
        dualstack: Whether the backend asks for dual-stack endpoints.
        verify: A CA bundle's path, False for no verification at all, or None for the SDK's own choice.
        proxies: Proxy by scheme; empty for none.
        no_proxy: Hosts that are asked directly, comma separated.
        metadata: Whether the instance metadata service may be asked for credentials.
        account_unchecked: Why the account is not asked for (`skip_requesting_account_id`), or None.
        allowed_accounts: The only accounts that the backend accepts; empty for any.
        forbidden_accounts: Accounts that the backend refuses.
        sse_customer_key: The customer key that state and lockfile are encrypted with, decoded; or None.
    """

    region: str | None
    sts_region: str | None
    profile: str | None
    keys: tuple[str | None, str | None, str | None]
    config_file: str | None
    credentials_file: str | None
    assume_role: Mapping[str, object]
    web_identity: Mapping[str, object]
    endpoints: Mapping[str, str]
    path_style: bool
    fips: bool
    dualstack: bool
    verify: str | bool | None
    proxies: Mapping[str, str]
    no_proxy: str
    metadata: bool
    account_unchecked: str | None
    allowed_accounts: tuple[str, ...]
    forbidden_accounts: tuple[str, ...]
    sse_customer_key: bytes | None

    def __repr__(self) -> str:
        # Secrets are among the fields, and tracebacks print values.
        return f"Settings(region={self.region!r}, profile={self.profile!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("region", self.region), ("profile", self.profile)]


def read_settings(
    backend: Backend,
    environ: Mapping[str, str],
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    region: str | None = None,
) -> Settings:
    """The settings of a backend; `profile`, `role_arn` and `region` come from the command line and win.

    Raises:
        SettingsError: Several shared files of a kind (botocore reads one), half a key pair, or a key that is no key.
    """
    region = region or backend.text("region") or _first(environ, "AWS_REGION", "AWS_DEFAULT_REGION")
    return Settings(
        region=region,
        sts_region=backend.text("sts_region") or region,
        profile=profile or backend.text("profile"),
        keys=(None, None, None) if profile else _static_keys(backend),
        config_file=_one_file(backend, "shared_config_files")
        or _first(environ, "AWS_SHARED_CONFIG_FILE", "AWS_CONFIG_FILE"),
        credentials_file=_one_file(backend, "shared_credentials_files")
        or backend.text("shared_credentials_file")
        or _first(environ, "AWS_SHARED_CREDENTIALS_FILE"),
        assume_role={"role_arn": role_arn} if role_arn else _role(backend),
        web_identity={} if profile else _web_identity(backend, environ),
        endpoints=_endpoints(backend, environ),
        path_style=backend.flag("use_path_style") or backend.flag("force_path_style"),
        fips=backend.flag("use_fips_endpoint"),
        dualstack=backend.flag("use_dualstack_endpoint"),
        verify=False if backend.flag("insecure") else backend.text("custom_ca_bundle"),
        proxies=_proxies(backend, environ),
        no_proxy=backend.text("no_proxy") or _first(environ, "NO_PROXY", "no_proxy") or "",
        metadata=not backend.flag("skip_metadata_api_check")
        and environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true",
        account_unchecked=_unchecked(backend),
        allowed_accounts=_texts(backend.arguments.get("allowed_account_ids")),
        forbidden_accounts=_texts(backend.arguments.get("forbidden_account_ids")),
        sse_customer_key=_customer_key(backend, environ),
    )


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return (str(value),)
    return tuple(str(item) for item in value) if isinstance(value, Iterable) else ()


def _static_keys(backend: Backend) -> tuple[str | None, str | None, str | None]:
    keys = (backend.text("access_key"), backend.text("secret_key"), backend.text("token"))
    if any(keys) and not (keys[0] and keys[1]):
        raise SettingsError("the backend has only part of a key: access_key and secret_key go together")
    return keys


def _one_file(backend: Backend, name: str) -> str | None:
    files = _texts(backend.arguments.get(name))
    if len(files) > 1:
        raise SettingsError(
            f"the backend names {len(files)} {name}, and only one can be read here: use --profile with a single file"
        )
    return files[0] if files else None


def _role(backend: Backend) -> Mapping[str, object]:
    if block := backend.block("assume_role"):
        return block if block.get("role_arn") else {}
    flat = {name: backend.arguments.get(argument) for name, argument in _FLAT_ROLE.items()}
    return {name: value for name, value in flat.items() if value is not None} if flat["role_arn"] else {}


def _web_identity(backend: Backend, environ: Mapping[str, str]) -> Mapping[str, object]:
    block = backend.block("assume_role_with_web_identity")
    if not block:
        return {}
    fallbacks = {
        "role_arn": "AWS_ROLE_ARN",
        "session_name": "AWS_ROLE_SESSION_NAME",
        "web_identity_token": "AWS_WEB_IDENTITY_TOKEN",
        "web_identity_token_file": "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
    given = {name: environ[variable] for name, variable in fallbacks.items() if environ.get(variable)}
    if block.get("web_identity_token") or block.get("web_identity_token_file"):
        given = {name: value for name, value in given.items() if not name.startswith("web_identity_token")}
    return {**given, **{name: value for name, value in block.items() if value}}


def _endpoints(backend: Backend, environ: Mapping[str, str]) -> Mapping[str, str]:
    block = backend.block("endpoints")
    found: dict[str, str] = {}
    for service, variables in ENDPOINT_VARIABLES.items():
        flat = backend.text(_FLAT_ENDPOINTS[service]) if service in _FLAT_ENDPOINTS else None
        url = block.get(service) or flat or _first(environ, *variables, "AWS_ENDPOINT_URL")
        if isinstance(url, str) and url:
            # The older arguments may lack the scheme.
            found[service] = url if "://" in url else f"https://{url}"
    return found


def _proxies(backend: Backend, environ: Mapping[str, str]) -> Mapping[str, str]:
    http = backend.text("http_proxy")
    # Terraform sends HTTPS through `http_proxy` as well when the backend names only that one.
    https = backend.text("https_proxy") or http
    found = {
        "http": http or _first(environ, "HTTP_PROXY", "http_proxy"),
        "https": https or _first(environ, "HTTPS_PROXY", "https_proxy"),
    }
    return {scheme: url for scheme, url in found.items() if url}


def _unchecked(backend: Backend) -> str | None:
    for name in ("skip_requesting_account_id", "skip_credentials_validation"):
        if backend.flag(name):
            return f"the backend sets {name}, so the account was not asked for"
    return None


def _customer_key(backend: Backend, environ: Mapping[str, str]) -> bytes | None:
    text = backend.text("sse_customer_key") or environ.get("AWS_SSE_CUSTOMER_KEY")
    if not text or not backend.flag("encrypt"):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SettingsError("sse_customer_key is not base64") from error
