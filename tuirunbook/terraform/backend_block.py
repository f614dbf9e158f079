"""The backend block of the backend-only root: what the detected backend says, on the full state key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import SECRET_ARGUMENTS, Backend
from tuirunbook.core.values import ProgramError
from tuirunbook.terraform.program import version_tuple

PROBE_VARIABLE = "lock_probe"
"""The variable that no one sets, so that a plan of the backend-only root stops before it plans anything."""

_FROM_ADDRESS = frozenset({"bucket", "key", "region", "dynamodb_table", "use_lockfile", "workspace_key_prefix"})
_FLAT_ROLE = frozenset({"role_arn", "session_name", "external_id"})
_WHO = frozenset({"profile", "assume_role", "assume_role_with_web_identity"})
_WHO_PREFIXES = ("shared_config", "shared_credentials", "assume_role_")
# Keys of Terragrunt's `remote_state.config` that it keeps to itself.
_TERRAGRUNT_ONLY = frozenset(
    {
        "accesslogging_bucket_name",
        "accesslogging_bucket_tags",
        "accesslogging_target_object_partition_date_source",
        "accesslogging_target_prefix",
        "disable_aws_client_checksums",
        "disable_bucket_update",
        "dynamodb_table_tags",
        "enable_lock_table_ssencryption",
        "lock_table",
        "s3_bucket_tags",
    }
)
_TERRAGRUNT_PREFIXES = ("skip_bucket_", "bucket_sse_", "skip_accesslogging_")
_FLAT_ROLE_REMOVED = (1, 10)


def backend_block(
    backend: Backend,
    address: StateAddress,
    *,
    program: str,
    version: str,
    own_credentials: bool,
    directory: str | None,
) -> dict[str, Any]:
    """The arguments of the backend block, without secrets.

    Args:
        backend: The detected backend.
        address: The state; its full key becomes `key`, and the workspace is always `default`.
        program: `terraform` or `tofu`.
        version: Its version: what it no longer accepts is left out.
        own_credentials: Whether resolved credentials are supplied by the environment. Profile, roles and shared files
            are left out then: the roles have been assumed already.
        directory: The root module's directory, which relative paths in the backend start from.

    Raises:
        ProgramError: It is no S3 backend, or an argument holds a template, which the programs read differently.
    """
    if backend.type != "s3":
        raise ProgramError(f"the backend is {backend.type!r}; only locks of the s3 backend can be released here")
    flat_role_gone = "tofu" not in program and version_tuple(version) >= _FLAT_ROLE_REMOVED
    block: dict[str, Any] = {}
    for name in sorted(backend.arguments):
        if name in _FROM_ADDRESS | SECRET_ARGUMENTS | _TERRAGRUNT_ONLY or name.startswith(_TERRAGRUNT_PREFIXES):
            continue
        if (own_credentials and _says_who(name)) or (name == "profile" and backend.text("access_key")):
            continue
        flat = name in _FLAT_ROLE or (name.startswith("assume_role_") and name != "assume_role_with_web_identity")
        if flat and flat_role_gone:
            continue
        value = _plain(backend, name)
        if value is not None:
            block[name] = _absolute(name, value, directory)
    block |= {"bucket": address.bucket, "key": address.state_key, "region": address.region}
    if address.table is not None:
        block["dynamodb_table"] = address.table
    if address.use_lockfile:
        block["use_lockfile"] = True
    _refuse_templates(block)
    return block


def root_module(block: Mapping[str, Any]) -> dict[str, Any]:
    """The whole content of the backend-only root, in Terraform's JSON syntax."""
    return {
        "terraform": {"backend": {"s3": dict(block)}},
        "variable": {PROBE_VARIABLE: {"type": "string"}},
    }


def secret_environment(backend: Backend) -> dict[str, str]:
    """The secrets that the backend's arguments hold, as environment variables."""
    names = {
        "access_key": "AWS_ACCESS_KEY_ID",
        "secret_key": "AWS_SECRET_ACCESS_KEY",
        "token": "AWS_SESSION_TOKEN",
        "sse_customer_key": "AWS_SSE_CUSTOMER_KEY",
    }
    found = {variable: backend.text(name) for name, variable in names.items()}
    return {variable: value for variable, value in found.items() if value is not None}


def _says_who(name: str) -> bool:
    return name in _WHO | _FLAT_ROLE or name.startswith(_WHO_PREFIXES)


def _plain(backend: Backend, name: str) -> object:
    value = backend.arguments[name]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping) or (isinstance(value, list) and value and isinstance(value[0], Mapping)):
        block = backend.block(name)
        return {key: block[key] for key in block if key != "web_identity_token" and block[key] not in ("", [])} or None
    return list(value) or None if isinstance(value, list | tuple | set | frozenset) else None


def _absolute(name: str, value: object, directory: str | None) -> object:
    if directory is None:
        return value
    if name in {"custom_ca_bundle", "shared_credentials_file"} and isinstance(value, str):
        return _path(value, directory)
    if name in {"shared_config_files", "shared_credentials_files"} and isinstance(value, list):
        return [_path(str(one), directory) for one in value]
    if name == "assume_role_with_web_identity" and isinstance(value, dict):
        file = value.get("web_identity_token_file")
        return value | {"web_identity_token_file": _path(file, directory)} if isinstance(file, str) else value
    return value


def _path(value: str, directory: str) -> str:
    return value if value.startswith("~") else os.path.normpath(Path(directory, value))


def _refuse_templates(value: object) -> None:
    if isinstance(value, str) and ("${" in value or "%{" in value):
        raise ProgramError(f"the backend's value {value!r} holds a template; it cannot be resolved here")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            _refuse_templates(inner)
