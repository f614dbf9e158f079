"""How a lock that was deleted is put back from its backup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tuirunbook.core.address import StateAddress
from tuirunbook.core.lock import Store

_BACKUP = re.compile(r"backup-\d+-(dynamodb|s3)\.json$")


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
    """The backup files that an intent names, separated by `, `, each with the store it came from."""
    found = ((path, _BACKUP.search(path)) for path in text.split(", "))
    return [(Store(match[1]), path) for path, match in found if match]
