"""Terraform's lock protocol, for the practice terraform: the same calls in the same order, the same words when refused.

Wording and order are those of Terraform 1.11.4 as it was measured: the lockfile first, then the table; a release reads,
compares, and deletes without a condition.
"""

from __future__ import annotations

import getpass
import json
import socket
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tuirunbook.training.checkout import digest
from tuirunbook.training.place import require_loopback
from tuirunbook.training.practice_words import (
    HELD,
    KEPT,
    MISMATCH,
    Refused,
    TerraformError,
    lock_error,
    parsed,
    sdk_refusal,
)

VERSION = "1.11.4"


class LockStore(Protocol):
    """One place that holds the lock of a state.

    Every method raises `Refused` when the store says no.
    """

    name: str

    def take(self, body: str) -> None:
        """Put the lock there if there is none."""

    def let_go(self, lock_id: str) -> Mapping[str, Any]:
        """Read, compare, and delete without a condition; the lock that was there."""

    def take_back(self) -> None:
        """Undo a `take`."""


class Lockfile:
    """The lockfile beside a state."""

    name = "S3"

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = f"{key}.tflock"

    def take(self, body: str) -> None:
        """Put it there if there is none."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=body.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            message = sdk_refusal("S3", "PutObject", error)
            try:
                held = self._info()
            except Refused as unread:
                raise Refused(f"{message}\n{unread}") from error
            raise Refused(message, held) from error

    def let_go(self, lock_id: str) -> Mapping[str, Any]:
        """Read, compare, delete."""
        held = self._info()
        if held.get("ID") != lock_id:
            raise Refused(f"lock ID '{lock_id}' does not match the existing lock ID '{held.get('ID', '')}'", held)
        try:
            self.take_back()
        except ClientError as error:
            raise Refused(
                f"failed to delete the lock file: {sdk_refusal('S3', 'DeleteObject', error)}", held
            ) from error
        return held

    def take_back(self) -> None:
        """Delete it."""
        self._s3.delete_object(Bucket=self._bucket, Key=self._key)

    def _info(self) -> dict[str, Any]:
        try:
            raw = self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
        except ClientError as error:
            where = f"unable to retrieve file from S3 bucket '{self._bucket}' with key '{self._key}'"
            raise Refused(f"{where}: {sdk_refusal('S3', 'GetObject', error)}") from error
        try:
            return parsed(raw.decode("utf-8", "replace"))
        except Refused as unread:
            raise Refused(f"failed to unmarshal JSON data into LockInfo struct: {unread}") from unread


class LockTable:
    """The row of a state in the lock table, and the row of its digest."""

    name = "DynamoDB"

    def __init__(self, dynamodb: Any, table: str, path: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._key = {"LockID": {"S": path}}
        self._digest_key = {"LockID": {"S": f"{path}-md5"}}

    def take(self, body: str) -> None:
        """Put the row there if there is none."""
        item = {**self._key, "Info": {"S": body}}
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(LockID)"
            )
        except ClientError as error:
            message = sdk_refusal("DynamoDB", "PutItem", error)
            try:
                held = self._info()
            except Refused as unread:
                raise Refused(f"{message}\n{unread}") from error
            raise Refused(message, held) from error

    def let_go(self, lock_id: str) -> Mapping[str, Any]:
        """Read, compare, delete."""
        try:
            held = self._info()
        except Refused as unread:
            raise Refused(f'failed to retrieve lock info for lock ID "{lock_id}": {unread}') from unread
        if held.get("ID") != lock_id:
            raise Refused(f'lock ID "{lock_id}" does not match existing lock ("{held.get("ID", "")}")', held)
        try:
            self.take_back()
        except ClientError as error:
            raise Refused(sdk_refusal("DynamoDB", "DeleteItem", error), held) from error
        return held

    def take_back(self) -> None:
        """Delete the row."""
        self._dynamodb.delete_item(TableName=self._table, Key=self._key)

    def digest(self) -> str:
        """The digest that is kept for the state, or empty."""
        item = self._dynamodb.get_item(TableName=self._table, Key=self._digest_key, ConsistentRead=True).get("Item", {})
        return str(item.get("Digest", {}).get("S", ""))

    def keep_digest(self, value: str) -> None:
        """Keep the digest of the state."""
        self._dynamodb.put_item(TableName=self._table, Item={**self._digest_key, "Digest": {"S": value}})

    def _info(self) -> dict[str, Any]:
        try:
            got = self._dynamodb.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        except ClientError as error:
            told = sdk_refusal("DynamoDB", "GetItem", error)
            raise Refused(f'Unable to retrieve item from DynamoDB table "{self._table}": {told}') from error
        return parsed(got.get("Item", {}).get("Info", {}).get("S", ""))


class Backend:
    """The backend of one state.

    Args:
        settings: What `terraform init` kept: bucket, key, table, lockfile.
        workspace: The workspace.
        environ: The environment; its endpoint must be on this machine.
    """

    def __init__(self, settings: Mapping[str, Any], workspace: str, environ: Mapping[str, str]) -> None:
        self.bucket = str(settings["bucket"])
        key = str(settings["key"])
        prefix = str(settings.get("workspace_key_prefix") or "env:")
        self.key = key if workspace == "default" else f"{prefix}/{workspace}/{key}"
        self.prefix = prefix
        self._root_key = key
        endpoint = require_loopback(environ.get("AWS_ENDPOINT_URL", ""))
        make: Any = boto3.Session(
            # Where the environment names a profile instead, the configuration files of this world have its keys.
            aws_access_key_id=environ.get("AWS_ACCESS_KEY_ID") or None,
            aws_secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY") or None,
            aws_session_token=environ.get("AWS_SESSION_TOKEN") or None,
            region_name=str(settings.get("region") or "eu-west-1"),
        ).client
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={})
        self._s3 = make("s3", endpoint_url=endpoint, config=config)
        self._stores: list[LockStore] = []
        self._table: LockTable | None = None
        if settings.get("use_lockfile"):
            self._stores.append(Lockfile(self._s3, self.bucket, self.key))
        if table := str(settings.get("dynamodb_table") or ""):
            dynamodb = make("dynamodb", endpoint_url=endpoint, config=config)
            self._table = LockTable(dynamodb, table, f"{self.bucket}/{self.key}")
            self._stores.append(self._table)

    def lock(self, operation: str) -> dict[str, Any]:
        """Take the lock: in every store, or in none.

        Raises:
            TerraformError: It is held, or cannot be taken.
        """
        info = {
            "ID": str(uuid.uuid4()),
            "Operation": operation,
            "Info": "",
            "Who": f"{getpass.getuser()}@{socket.gethostname()}",
            "Version": VERSION,
            "Created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "Path": f"{self.bucket}/{self.key}",
        }
        body = json.dumps(info, separators=(",", ":"))
        taken: list[LockStore] = []
        try:
            for store in self._stores:
                store.take(body)
                taken.append(store)
        except Refused as refused:
            for store in taken:
                store.take_back()
            raise TerraformError(lock_error("Error acquiring the state lock", refused, HELD)) from refused
        return info

    def unlock(self, lock_id: str) -> None:
        """Give the lock back: each store whatever the other says.

        Raises:
            Refused: A store keeps it.
        """
        failed: dict[str, Refused] = {}
        lock: Mapping[str, Any] | None = None
        for store in self._stores:
            try:
                lock = store.let_go(lock_id)
            except Refused as refusal:
                failed[store.name] = refusal
        if not failed:
            return
        lock = next((one.lock for one in failed.values() if one.lock), lock)
        if len(failed) > 1:
            both = f"S3 error: {failed['S3']}, DynamoDB error: {failed['DynamoDB']}"
            raise Refused(f"failed to unlock both S3 and DynamoDB: {both}", lock)
        name, refused = next(iter(failed.items()))
        raise Refused(f"failed to unlock {name}: {refused}" if len(self._stores) > 1 else str(refused), lock)

    def release(self, info: Mapping[str, Any]) -> None:
        """Give back a lock of our own.

        Raises:
            TerraformError: It could not be given back.
        """
        try:
            self.unlock(str(info["ID"]))
        except Refused as refused:
            kept = Refused(str(refused), refused.lock or info)
            raise TerraformError(lock_error("Error releasing the state lock", kept, KEPT)) from refused

    def state(self) -> dict[str, Any]:
        """The state, held against its digest; empty where there is none.

        Raises:
            TerraformError: It is not what its digest says.
        """
        try:
            content: bytes = self._s3.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return {}
        stored, calculated = self._table.digest() if self._table else "", digest(content)
        if stored and stored != calculated:
            words = {"bucket": self.bucket, "key": self.key, "calculated": calculated, "stored": stored}
            raise TerraformError(f"Error: {MISMATCH.format(**words)}")
        told: dict[str, Any] = json.loads(content)
        return told

    def write(self, content: bytes) -> None:
        """Write the state, then its digest."""
        self._s3.put_object(Bucket=self.bucket, Key=self.key, Body=content, ContentType="application/json")
        if self._table:
            self._table.keep_digest(digest(content))

    def workspaces(self) -> list[str]:
        """The workspaces that have a state, and the default one."""
        listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/").get("Contents", ())
        ending = f"/{self._root_key}"
        inside = (one["Key"].removeprefix(f"{self.prefix}/") for one in listed if one["Key"].endswith(ending))
        return ["default", *sorted(name.removesuffix(ending) for name in inside)]
