"""A backend as it was detected: what it says, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX, DEFAULT_WORKSPACE, StateAddress

SECRET_ARGUMENTS = frozenset(
    {
        "access_key",
        "secret_key",
        "token",
        "sse_customer_key",
        "web_identity_token",
        # other backends
        "access_token",
        "client_certificate_password",
        "client_key",
        "client_secret",
        "conn_str",
        "credentials",
        "encryption_key",
        "http_auth",
        "oidc_request_token",
        "oidc_token",
        "password",
        "private_key",
        "private_key_password",
        "sas_token",
        "secret_id",
        "security_token",
    }
)
"""Arguments of backends that are never shown, logged or written to a file, at any depth."""

NOT_SHOWN = "(not shown)"


def shown(argument: str, value: object) -> object:
    """`value` as it may be shown: a secret argument's is replaced, nested ones as well."""
    if argument.rsplit(".", 1)[-1] in SECRET_ARGUMENTS and value is not None:
        return NOT_SHOWN
    if isinstance(value, Mapping):
        return {str(name): shown(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown("", inner) for inner in value]
    return value


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """One backend configuration, merged from all its sources.

    Attributes:
        type: `s3`, or any other backend's name; `cloud` for a `cloud` block, `local` where there is none.
        arguments: What is set, by Terraform's argument names; absent and null are the same.
        origins: For each argument where its value came from (`backend.tf:3`, `--backend-config prod.tfbackend`,
            `.terraform/terraform.tfstate`, `AWS_REGION`).
    """

    type: str
    arguments: Mapping[str, object] = {}
    origins: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Backend(type={self.type!r}, arguments={self.shown_arguments()!r}, origins={dict(self.origins)!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("type", self.type), ("arguments", self.shown_arguments()), ("origins", dict(self.origins))]

    def shown_arguments(self) -> dict[str, object]:
        """The arguments as they may be shown: without the value of any secret."""
        return {name: shown(name, value) for name, value in self.arguments.items()}

    def text(self, name: str) -> str | None:
        """A text argument, or None when it is not set."""
        value = self.arguments.get(name)
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None

    def flag(self, name: str) -> bool:
        """A boolean argument; `"true"` in quotes counts, as Terraform converts it."""
        return str(self.arguments.get(name, "")).lower() in {"true", "1"}

    def block(self, name: str) -> Mapping[str, object]:
        """A nested block or object argument; empty when it is not set."""
        value = self.arguments.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = value[0]
        return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """An argument that the saved configuration and the files give differently; `where` is the files' side.

    A secret argument's values are never in it: they are `(not shown)`, and that they differ is all it tells.
    """

    argument: str
    saved: str
    files: str
    where: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An argument that nothing supplies: what lacks, and how to give it."""

    argument: str
    how: str


LISTED = "listed in the bucket"
"""The origin of a workspace that a bucket listed."""


class RootModule(msgspec.Struct, frozen=True, kw_only=True):
    """A root module with one backend configuration and one workspace: one state.

    Attributes:
        directory: Its absolute directory, or None when the walk works without a checkout.
        name: How to call it on screen: relative to the checkout, or the bucket and key.
        checkout: The top of the git work tree, or None.
        backend: The effective backend.
        workspace: The workspace in effect.
        workspace_origin: Where that came from (`--workspace`, `TF_WORKSPACE`, `.terraform/environment`, `default`).
        data_dir: The absolute data directory (`TF_DATA_DIR`, or `.terraform`).
        initialised: Whether the data directory holds a saved configuration for this backend.
        program: `terraform`, `tofu` or `terragrunt`, from what the directory shows.
        disagreements: Where saved configuration and files differ.
        missing: What nothing supplies.
        notes: Other sentences the operator should see.
        candidates: Files that may complete a partial configuration, relative to the directory. They are suggestions:
            none is used until it is named.
        needs_trust: Files inside the checkout that the backend reads AWS settings from. They may start programs, so
            nothing reads them before the operator trusts them.
        working_directory: Where Terraform itself runs, when Terragrunt runs it elsewhere; None for `directory`.
    """

    directory: str | None
    name: str
    checkout: str | None = None
    backend: Backend
    workspace: str = DEFAULT_WORKSPACE
    workspace_origin: str = "default"
    data_dir: str | None = None
    initialised: bool = False
    program: str = "terraform"
    disagreements: tuple[Disagreement, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    needs_trust: tuple[str, ...] = ()
    working_directory: str | None = None

    @property
    def was_typed(self) -> bool:
        """Whether bucket, key or workspace was named on the command line, so that it may be a slip of the pen."""
        origins = (*(self.backend.origins.get(name, "") for name in ("bucket", "key")), self.workspace_origin)
        return any(origin.startswith("--") for origin in origins)

    @property
    def may_not_be_there(self) -> bool:
        """Whether "free" means nothing before the state itself was seen.

        That is where it was typed, and in a workspace besides `default`, which has a state object from
        `terraform workspace new` on (1.11.4), unless the bucket itself listed it.
        """
        return self.was_typed or (self.workspace != DEFAULT_WORKSPACE and self.workspace_origin != LISTED)

    def address(self, *, account: str | None = None, caller: str | None = None) -> StateAddress:
        """The state's address as far as the backend tells it; account and caller are found by asking AWS.

        Raises:
            AddressError: Bucket or key cannot be a state's.
        """
        backend = self.backend
        prefix = backend.arguments.get("workspace_key_prefix")
        endpoints = backend.block("endpoints")
        return StateAddress(
            bucket=backend.text("bucket") or "",
            key=backend.text("key") or "",
            region=backend.text("region") or "",
            workspace=self.workspace,
            workspace_key_prefix=prefix if isinstance(prefix, str) else DEFAULT_KEY_PREFIX,
            table=backend.text("dynamodb_table"),
            use_lockfile=backend.flag("use_lockfile"),
            account=account,
            caller=caller,
            s3_endpoint=_text(endpoints.get("s3")) or backend.text("endpoint"),
            dynamodb_endpoint=_text(endpoints.get("dynamodb")) or backend.text("dynamodb_endpoint"),
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
