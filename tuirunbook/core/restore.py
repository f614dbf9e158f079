"""How a lock that was deleted is put back from its backup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Store

_BACKUP = re.compile(r"[^\s,;]*backup-\d+-(dynamodb|s3)\.json")


def restore_command(address: StateAddress, store: Store, path: str) -> tuple[str, ...]:
    """The `aws` command that puts a lock back, on the condition that nobody holds it by now."""
    if store is Store.DYNAMODB:
        command = ["aws", "dynamodb", "put-item", "--region", address.region, "--table-name", address.table or "?"]
        command += ["--item", f"file://{path}", "--condition-expression", "attribute_not_exists(LockID)"]
        endpoint = address.dynamodb_endpoint
    else:
        command = ["aws", "s3api", "put-object", "--region", address.region, "--bucket", address.bucket]
        command += ["--key", address.lockfile_key, "--body", path, "--if-none-match", "*"]
        endpoint = address.s3_endpoint
    return (*command, "--endpoint-url", endpoint) if endpoint else tuple(command)


def backups_in(text: str) -> Iterable[tuple[Store, str]]:
    """The backup files that a text names, each with the store it came from."""
    return [(Store(match[1]), match[0]) for match in _BACKUP.finditer(text)]
