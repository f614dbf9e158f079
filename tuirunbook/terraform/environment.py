"""The environment that terraform runs in: what is cleared, what is set, and where credentials come from."""

from __future__ import annotations

from collections.abc import Mapping

_CLEARED = (
    "TF_CLI_ARGS",  # may carry -lock=false
    "TF_LOG",
    "TF_TEMP_LOG",
    "TF_REATTACH",
)
_OURS = frozenset({"TF_DATA_DIR", "TF_WORKSPACE", "TF_INPUT", "TF_IN_AUTOMATION"})
_FIXED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "CHECKPOINT_DISABLE": "1",
    # Terragrunt, new and old spelling: it would download providers and create buckets just to retry a plan.
    "TG_NO_AUTO_INIT": "true",
    "TERRAGRUNT_AUTO_INIT": "false",
    "TG_NON_INTERACTIVE": "true",
    "TERRAGRUNT_NON_INTERACTIVE": "true",
    "TG_TF_FORWARD_STDOUT": "true",
    "TERRAGRUNT_FORWARD_TF_STDOUT": "true",
}
_PRIVATE_CLEARED = ("TF_VAR_", "TF_ENCRYPTION")
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_",
    "AWS_WEB_IDENTITY_TOKEN",
    "AWS_CONTAINER_",
)


def checkout_environment(base: Mapping[str, str], *, workspace: str | None, data_dir: str | None) -> dict[str, str]:
    """The environment for commands in the user's root module, with the user's own credentials.

    Args:
        base: What was inherited.
        workspace: The workspace, said explicitly, so that `.terraform/environment` cannot name another; None to
            leave it unsaid.
        data_dir: `TF_DATA_DIR`, or None for the default.
    """
    environ = _without(base, _CLEARED) | _FIXED
    if workspace is not None:
        environ["TF_WORKSPACE"] = workspace
    if data_dir is not None:
        environ["TF_DATA_DIR"] = data_dir
    return environ


def private_environment(base: Mapping[str, str], *, data_dir: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """The environment for the backend-only root: no workspace, no variables, a data directory of its own.

    Where credentials are given, every inherited source of others is removed, so that no role is assumed twice.
    """
    environ = _without(base, _CLEARED + _PRIVATE_CLEARED) | _FIXED
    if "AWS_ACCESS_KEY_ID" in credentials:
        environ = _without(environ, _CREDENTIALS)
    return environ | dict(credentials) | {"TF_DATA_DIR": data_dir}


def pinned_version(version: str) -> dict[str, str]:
    """What makes version managers (tfenv, tofuenv, tenv, asdf, mise) choose this version in any directory."""
    names = ("TFENV_TERRAFORM", "TOFUENV_TOFU", "ASDF_TERRAFORM", "ASDF_OPENTOFU", "MISE_TERRAFORM", "MISE_OPENTOFU")
    return {f"{name}_VERSION": version for name in names}


def _without(base: Mapping[str, str], prefixes: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in base.items() if name not in _OURS and not name.startswith(prefixes)}
