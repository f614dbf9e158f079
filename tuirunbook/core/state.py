"""One state of a repository as its files tell it: what is known, what lacks, and what is dangerous about it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX
from tuirunbook.core.backend import RootModule

COLLISION = "key-collision"
NO_LOCKING = "no-locking"
DYNAMODB_ONLY = "dynamodb-only"
REMOVED = "removed-argument"

ORPHAN = "orphan"
"""The kind of source of a lock that belongs to no root module here."""

_LABELS = {
    COLLISION: "key collision",
    NO_LOCKING: "no locking",
    DYNAMODB_ONLY: "dynamodb_table only",
    REMOVED: "removed argument",
}

REMOVED_ARGUMENTS = (
    "role_arn",
    "session_name",
    "external_id",
    "assume_role_duration_seconds",
    "assume_role_policy",
    "assume_role_policy_arns",
    "assume_role_tags",
    "assume_role_transitive_tag_keys",
)
"""What `assume_role` took the place of. Terraform 1.10 refuses them; OpenTofu accepts them."""

REMOVED_IN = (1, 10)
_DEPRECATED_IN = (1, 11)


class Unresolved(msgspec.Struct, frozen=True, kw_only=True):
    """An argument that the files do not tell: `backend` when it is all of them."""

    argument: str
    why: str
    how: str


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a backend that will hurt one day: which of the four kinds, why, and what to do."""

    hazard: str
    why: str
    how: str

    @property
    def label(self) -> str:
        """The same in two words, for a row."""
        return _LABELS.get(self.hazard, self.hazard)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One root module with one backend configuration and one workspace.

    Attributes:
        root: The root module, its backend completed.
        source: Where the configuration is from: `saved: …`, `block: …`, `completed: …`, `script: …`, `terragrunt: …`,
            `mapping: …`, `orphan: …`.
        config_files: The files that complete the block, as seen from the root module.
        unresolved: What no file tells; nothing is read of such a state.
        here: Whether its root module is the one around the directory where the search began.
    """

    root: RootModule
    source: str = ""
    config_files: tuple[str, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    here: bool = False


def is_orphan(source: str) -> bool:
    """Whether this is the source of a lock without a root module here: how its backend is configured is not known."""
    return source.startswith(f"{ORPHAN}:")


def hazards(root: RootModule, terraform: tuple[int, ...] | None = None) -> tuple[Hazard, ...]:
    """What is dangerous about an S3 backend by itself. `terraform` is the installed version, or None if not known."""
    return tuple(_hazards(root, terraform)) if root.backend.type == "s3" else ()


def _hazards(root: RootModule, terraform: tuple[int, ...] | None) -> Iterator[Hazard]:
    backend = root.backend
    table, lockfile = backend.text("dynamodb_table"), backend.flag("use_lockfile")
    if not table and not lockfile:
        yield Hazard(
            hazard=NO_LOCKING,
            why="neither dynamodb_table nor use_lockfile is set, so two runs can write this state at the same time",
            how="set use_lockfile = true (Terraform 1.10, OpenTofu 1.10), then run init -reconfigure",
        )
    elif not lockfile and root.program != "tofu" and (terraform is None or terraform >= _DEPRECATED_IN):
        yield Hazard(
            hazard=DYNAMODB_ONLY,
            why="dynamodb_table is deprecated since Terraform 1.11",
            how=(
                "add use_lockfile = true and run init -reconfigure everywhere; when every run locks in both, "
                "remove dynamodb_table"
            ),
        )
    removed = [name for name in REMOVED_ARGUMENTS if backend.arguments.get(name) not in (None, "")]
    if removed and root.program != "tofu" and (terraform is None or terraform >= REMOVED_IN):
        known = f"the installed Terraform {'.'.join(map(str, terraform))}" if terraform else "Terraform since 1.10"
        yield Hazard(
            hazard=REMOVED,
            why=f"{known} does not accept {', '.join(removed)} in a backend any more",
            how="move them into assume_role = { … }",
        )


def place_of(root: RootModule) -> tuple[str | None, ...] | None:
    """Where a state's lock is, for finding two states at one place; None while bucket or key lack."""
    backend = root.backend
    bucket, key = backend.text("bucket"), backend.text("key")
    if backend.type != "s3" or bucket is None or key is None:
        return None
    prefix = backend.arguments.get("workspace_key_prefix")
    endpoint = backend.block("endpoints").get("s3") or backend.text("endpoint")
    prefix = prefix if isinstance(prefix, str) else DEFAULT_KEY_PREFIX
    return bucket, key, prefix, root.workspace, str(endpoint) if endpoint else None


def collision(names: tuple[str, ...]) -> Hazard:
    """Several states at one place; `names` are those of the others."""
    return Hazard(
        hazard=COLLISION,
        why=f"bucket, key and prefix are also those of {', '.join(names)}: they overwrite each other's state",
        how="give each its own key, and move the state with init -migrate-state",
    )


MAPPED_ARGUMENTS = frozenset(
    {"bucket", "key", "region", "dynamodb_table", "use_lockfile", "workspace_key_prefix", "encrypt", "profile"}
)
"""What a repository's settings may say about a backend: where its lock is, and never an endpoint or a credential."""


class StateMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a team supplies what its files do not tell: one entry of `states` in `.tflock/config.toml`.

    Attributes:
        root: The root module's directory as seen from the checkout; `*` and `?` stand for parts of one name, `**` for
            any directories.
        config_files: Backend configuration files, as seen from the checkout.
        backend: Arguments of the backend; `{root}` stands for the directory, `{name}` for its last part.
        workspaces: The workspaces to look at besides the selected one.
    """

    root: str
    config_files: tuple[str, ...] = ()
    backend: dict[str, str | bool] = {}
    workspaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.backend) - MAPPED_ARGUMENTS)
        if unknown:
            raise ValueError(f"states.backend cannot set {', '.join(unknown)}")

    def arguments(self, root: str) -> dict[str, object]:
        """The backend arguments for one root module."""
        names = {"{root}": root, "{name}": root.rpartition("/")[2]}
        return {name: _filled(value, names) for name, value in self.backend.items()}


def _filled(value: str | bool, names: dict[str, str]) -> object:  # noqa: FBT001 - a value of the settings
    if isinstance(value, str):
        for mark, name in names.items():
            value = value.replace(mark, name)
    return value
