"""The lock stores of a practice world, as the ones who arrange it reach them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tuirunbook.core.scenario import Mode, PracticeRoot
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.checkout import BUCKET, TABLE, digest, state_key


class Stores:
    """Reads and writes locks and states past every rule of the embedded AWS.

    Args:
        aws: The embedded AWS.
        mode: Where the backends lock.
    """

    def __init__(self, aws: EmbeddedAws, mode: Mode) -> None:
        self._aws = aws
        self._mode = mode
        self._s3: Any = aws.client("s3")
        self._dynamodb: Any = aws.client("dynamodb")

    def create(self) -> None:
        """The bucket, versioned, and the lock table where there is one."""
        self._aws.create_backend(BUCKET, None if self._mode is Mode.LOCKFILE else TABLE, versioned=True)

    def name(self, root: PracticeRoot, workspace: str) -> str:
        """The object key of a state."""
        key = state_key(root)
        return key if workspace == "default" else f"env:/{workspace}/{key}"

    def locks(self, key: str) -> dict[str, str]:
        """What each store that is configured holds for this state, raw."""
        found: dict[str, str] = {}
        if self._mode is not Mode.LOCKFILE and (info := self._item(key)) is not None:
            found["dynamodb"] = info
        if self._mode is not Mode.DYNAMODB and (body := self.object(f"{key}.tflock")) is not None:
            found["s3"] = body.decode("utf-8", "replace")
        return found

    def lock_id(self, key: str) -> str:
        """The ID of the lock that holds this state in every store that is configured, or empty."""
        found = [_id(raw) for raw in self.locks(key).values()]
        wanted = 2 if self._mode is Mode.BOTH else 1
        return found[0] if len(found) == wanted and all(found) else ""

    def holds(self, key: str, lock_id: str) -> bool:
        """Whether any store holds this lock."""
        return any(_id(raw) == lock_id for raw in self.locks(key).values())

    def dress(self, key: str, who: str, age: int) -> None:
        """Let a lock say who took it and how long ago."""
        created = (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "312Z")
        for store, raw in self.locks(key).items():
            told = json.loads(raw) | {"Who": who, "Created": created}
            self.put(key, store, json.dumps(told, separators=(",", ":")))

    def put(self, key: str, store: str, raw: str) -> None:
        """Put this text where a lock is."""
        if store == "s3":
            self._s3.put_object(Bucket=BUCKET, Key=f"{key}.tflock", Body=raw.encode(), ContentType="application/json")
        else:
            item = {"LockID": {"S": f"{BUCKET}/{key}"}, "Info": {"S": raw}}
            self._dynamodb.put_item(TableName=TABLE, Item=item)

    def remove(self, key: str, store: str) -> None:
        """Remove a lock from one store."""
        if store == "s3":
            self._s3.delete_object(Bucket=BUCKET, Key=f"{key}.tflock")
        else:
            self._dynamodb.delete_item(TableName=TABLE, Key={"LockID": {"S": f"{BUCKET}/{key}"}})

    def put_state(self, key: str, content: bytes, *, with_digest: bool = True) -> None:
        """Write a state, with its digest unless that is what was never written."""
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="application/json")
        if with_digest and self._mode is not Mode.LOCKFILE:
            item = {"LockID": {"S": f"{BUCKET}/{key}-md5"}, "Digest": {"S": digest(content)}}
            self._dynamodb.put_item(TableName=TABLE, Item=item)

    def state(self, key: str) -> Mapping[str, Any]:
        """A state: `serial`, and the names of its `resources`."""
        told = json.loads(self.object(key) or b"{}")
        names = tuple(f"{one['type']}.{one['name']}" for one in told.get("resources", ()))
        return {"serial": told.get("serial", 0), "resources": names}

    def buckets(self) -> tuple[str, ...]:
        """The buckets that there are besides the one with the states."""
        return tuple(one["Name"] for one in self._s3.list_buckets()["Buckets"] if one["Name"] != BUCKET)

    def object(self, key: str) -> bytes | None:
        """An object's bytes, or None."""
        try:
            content: bytes = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return content

    def _item(self, key: str) -> str | None:
        wanted = {"LockID": {"S": f"{BUCKET}/{key}"}}
        item = self._dynamodb.get_item(TableName=TABLE, Key=wanted, ConsistentRead=True).get("Item")
        return None if item is None else str(item.get("Info", {}).get("S", ""))


def _id(raw: str) -> str:
    try:
        told = json.loads(raw)
    except ValueError:
        return ""
    return str(told.get("ID", "")) if isinstance(told, dict) else ""
