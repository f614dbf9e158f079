"""What the names in a runbook's `{{ … }}` stand for here."""

from __future__ import annotations

from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.core.lock import LockSnapshot


def placeholder_values(
    root: RootModule, address: StateAddress, snapshot: LockSnapshot | None = None, operator: str = ""
) -> dict[str, str]:
    """The known values by name; what is not known is left out, and then stays as it is written."""
    values = {
        "backend.type": root.backend.type,
        "operator.name": operator,
        "root.directory": root.directory or "",
        "root.name": root.name,
        "state.account": address.account or "",
        "state.bucket": address.bucket,
        "state.digest_id": address.digest_id,
        "state.key": address.state_key,
        "state.lock_id": address.lock_id,
        "state.lockfile_key": address.lockfile_key,
        "state.region": address.region,
        "state.table": address.table or "",
        "state.workspace": address.workspace,
        "tool.program": root.program,
    }
    lock = next(iter(snapshot.locks), None) if snapshot else None
    if lock is not None:
        values["lock.store"] = lock.store.label
        if lock.info is not None:
            info = lock.info
            values |= {
                "lock.created": info.created or "",
                "lock.id": info.id,
                "lock.operation": info.operation,
                "lock.version": info.version,
                "lock.who": info.who,
            }
    return {name: value for name, value in values.items() if value}
