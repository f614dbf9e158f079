"""What the command line says about the state to work on."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a command line may say about one walk; each is empty when it was not given.

    Attributes:
        start: The directory to start from.
        error: What Terraform printed, as text.
        error_link: The address that it was read from, or empty.
        bucket: With `key`, a state that no repository here describes.
        key: Its key.
        table: Its lock table.
        use_lockfile: Whether it locks with a lockfile; None for what is usual.
        region: Overrides the region, wherever the state is from.
        workspace: Overrides the workspace.
        backend_config: `FILE` or `NAME=VALUE`, as for Terraform's `-backend-config`.
        profile: The AWS profile to read and release with.
        role_arn: The role to assume, likewise.
        plan_args: Arguments for `plan`.
        read_only: Refuse every change.
        journal_dir: Where incidents are kept.
        program: `terraform`, `tofu`, `terragrunt` or a path.
        runbook: The runbook to walk.
    """

    start: str = "."
    error: str = ""
    error_link: str = ""
    bucket: str | None = None
    key: str | None = None
    table: str | None = None
    use_lockfile: bool | None = None
    region: str | None = None
    workspace: str | None = None
    backend_config: tuple[str, ...] = ()
    profile: str | None = None
    role_arn: str | None = None
    plan_args: tuple[str, ...] = ()
    read_only: bool = False
    journal_dir: str | None = None
    program: str | None = None
    runbook: str | None = None
