"""What Terraform prints about locks, for the practice terraform; worded as by Terraform 1.11.4, as measured."""

from __future__ import annotations

import json
import secrets
import textwrap
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

HELD = """\
Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended."""
KEPT = """\
Terraform acquires a lock when accessing your state to prevent others
running Terraform to potentially modify the state at the same time. An
error occurred while releasing this lock. This could mean that the lock
did or did not release properly. If the lock didn't release properly,
Terraform may not be able to run future commands since it'll appear as if
the lock is held.

In this scenario, please call the "force-unlock" command to unlock the
state manually. This is a very dangerous operation since if it is done
erroneously it could result in two people modifying state at the same time.
Only call this command if you're certain that the unlock above failed and
that no one else is holding a lock."""
MISMATCH = """\
error loading state: state data in S3 does not have the expected content.

The checksum calculated for the state stored in S3 does not match the checksum
stored in DynamoDB.

Bucket: {bucket}
Key:    {key}
Calculated checksum: {calculated}
Stored checksum:     {stored}

This may be caused by unusually long delays in S3 processing a previous state
update. Please wait for a minute or two and try again.

If this problem persists, and neither S3 nor DynamoDB are experiencing an
outage, you may need to manually verify the remote state and update the Digest
value stored in the DynamoDB table to the following value: {calculated}

"""


class TerraformError(Exception):
    """What Terraform prints as an error; the text is complete."""


class Refused(Exception):  # noqa: N818 - a store's no, in its words
    """A store said no: the message, and the lock that it holds if it can be read."""

    def __init__(self, message: str, lock: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.lock = lock


def parsed(raw: str) -> dict[str, Any]:
    """A lock as Go reads it.

    Raises:
        Refused: It cannot be read, in Go's words.
    """
    if not raw.strip():
        raise Refused("unexpected end of JSON input")
    try:
        told = json.loads(raw)
    except json.JSONDecodeError as error:
        if error.pos >= len(raw.rstrip()) or raw.lstrip()[0] in '{["':
            raise Refused("unexpected end of JSON input") from error
        raise Refused(f"invalid character '{raw.lstrip()[0]}' looking for beginning of value") from error
    return told if isinstance(told, dict) else {}


def sdk_refusal(service: str, action: str, error: ClientError) -> str:
    """A refusal as the SDK of Terraform tells it."""
    told: Mapping[str, Any] = error.response
    status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = told["Error"]["Code"], told["Error"].get("Message", "")
    request = secrets.token_hex(26).upper()
    host = f", HostID: {secrets.token_hex(20)}" if service == "S3" else ""
    api = "" if code in {"ConditionalCheckFailedException", "NoSuchKey", "ResourceNotFoundException"} else "api error "
    said = "" if code == "NoSuchKey" else message
    where = f"operation error {service}: {action}, https response error StatusCode: {status}, RequestID: {request}"
    return f"{where}{host}, {api}{code}: {said}"


def lock_info(lock: Mapping[str, Any]) -> str:
    """The block that shows a lock."""
    created = str(lock.get("Created", "")).replace("T", " ").removesuffix("Z")
    rows = {
        "ID": lock.get("ID", ""),
        "Path": lock.get("Path", ""),
        "Operation": lock.get("Operation", ""),
        "Who": lock.get("Who", ""),
        "Version": lock.get("Version", ""),
        "Created": f"{created} +0000 UTC",
        "Info": lock.get("Info", ""),
    }
    lines = "\n".join(f"  {name + ':':<10} {value}" for name, value in rows.items())
    return f"Lock Info:\n{lines}\n"


def lock_error(summary: str, refused: Refused, explanation: str) -> str:
    """The error about a lock: what was refused, the lock if it can be read, and what it means."""
    message = "\n".join(
        textwrap.fill(line, 78, break_long_words=False, break_on_hyphens=False)
        for line in f"Error message: {refused}".split("\n")
    )
    block = f"\n{lock_info(refused.lock)}" if refused.lock else ""
    return f"Error: {summary}\n\n{message}{block}\n\n{explanation}"
