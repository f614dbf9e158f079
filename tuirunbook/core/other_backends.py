"""Backends that this tool does not release: where each keeps its lock, and what its owner does about a stuck one.

Facts are from the sources of Terraform 1.14.
"""

from __future__ import annotations

import msgspec


class OtherBackend(msgspec.Struct, frozen=True, kw_only=True):
    """One backend that is recognised and answered, not walked.

    Attributes:
        type: The backend's name as configuration gives it.
        lives: Where its lock lives, one sentence.
        advice: What to do about a stuck lock, one or two sentences.
    """

    type: str
    lives: str
    advice: str


_ANSWERS: tuple[OtherBackend, ...] = (
    OtherBackend(
        type="gcs",
        lives="The lock is the object `<prefix>/<workspace>.tflock` in the state's bucket.",
        advice=(
            "The ID that `terraform force-unlock` takes is the object's generation number, not the ID inside its JSON; "
            "the release is conditional on that number."
        ),
    ),
    OtherBackend(
        type="azurerm",
        lives="The lock is an infinite lease on the state's blob; who took it is in the metadata `terraformlockid`.",
        advice=(
            "`terraform force-unlock` takes the lease ID. Where it cannot work, `az storage blob lease break` ends the "
            "lease, and the metadata is removed by hand."
        ),
    ),
    OtherBackend(
        type="pg",
        lives="The lock is a PostgreSQL advisory lock, which ends with the connection that took it.",
        advice=(
            "`force-unlock` from another process cannot release it. Find the connection in `pg_locks` and "
            "`pg_stat_activity`, make sure that its run is dead, and end it with `pg_terminate_backend`."
        ),
    ),
    OtherBackend(
        type="consul",
        lives="The lock is the key `<path>/.lock`, bound to a Consul session; its description is `<path>/.lockinfo`.",
        advice="It expires with the session. `terraform force-unlock` with the ID from the error deletes both keys.",
    ),
    OtherBackend(
        type="kubernetes",
        lives="The lock is the Lease `lock-tfstate-<workspace>-<secret_suffix>` in the backend's namespace.",
        advice=(
            "`terraform force-unlock` takes its holder identity. By hand, clear both the holder identity and the "
            "annotation `app.terraform.io/lock-info`."
        ),
    ),
    OtherBackend(
        type="http",
        lives="The lock is kept by the server behind `lock_address`; it alone decides who holds it.",
        advice=(
            "Ask the server's owner. GitLab unlocks a state on its Terraform states page or through its API; "
            "Terraform's `force-unlock` sends an empty body, which some servers refuse."
        ),
    ),
    OtherBackend(
        type="oss",
        lives="The lock is a row in the Tablestore table that the backend names, with `LockID` as its primary key.",
        advice="`terraform force-unlock` deletes the row. The row that ends in `-md5` is a digest and stays.",
    ),
    OtherBackend(
        type="cos",
        lives="The lock is the object `<key>.tflock`, guarded for a moment by the tag `tencentcloud-terraform-lock`.",
        advice="`terraform force-unlock` deletes the object. After a crash in between, the tag has to go as well.",
    ),
    OtherBackend(
        type="oci",
        lives="The lock is the object `<key>.lock` in the state's bucket.",
        advice="`terraform force-unlock` with the ID from the error deletes it.",
    ),
    OtherBackend(
        type="remote",
        lives="The lock is on the workspace in HCP Terraform or Terraform Enterprise.",
        advice=(
            "Look at the workspace's current run first. Its settings have `Force unlock`; `terraform force-unlock` "
            "takes the ID that the error shows (the run, or `organization/workspace`) and needs the permission."
        ),
    ),
    OtherBackend(
        type="cloud",
        lives="The lock is on the workspace in HCP Terraform or Terraform Enterprise.",
        advice=(
            "Look at the workspace's current run first. Its settings have `Force unlock`; `terraform force-unlock` "
            "takes the ID that the error shows (the run, or `organization/workspace`) and needs the permission."
        ),
    ),
    OtherBackend(
        type="local",
        lives="It is the operating system's, on the state file; `.terraform.tfstate.lock.info` only describes it.",
        advice=(
            "It ends with the process that holds it, so find that process. A description that stays behind without a "
            "process is harmless. If this state should be remote, this is the wrong directory."
        ),
    ),
    OtherBackend(
        type="state_store",
        lives="The lock is kept by the provider that the `state_store` block names.",
        advice="Follow the provider's documentation; `terraform force-unlock` with the error's ID is its way in.",
    ),
)


def other_backend(backend_type: str) -> OtherBackend | None:
    """The answer for a backend other than `s3`, or None for `s3` itself. An unknown name gets a general answer."""
    if backend_type == "s3":
        return None
    for answer in _ANSWERS:
        if answer.type == backend_type:
            return answer
    return OtherBackend(
        type=backend_type,
        lives="Where this backend keeps its lock is not known here.",
        advice="`terraform force-unlock` with the error's ID is the general way; its documentation says the rest.",
    )
