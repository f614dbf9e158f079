"""Terraform's lock protocol, for the practice terraform: the same calls in the same order, the same words when refused.

Wording and order are those of Terraform 1.11.4 as it was measured: the lockfile first, then the table; a release reads,
compares, and deletes without a condition.
"""

from __future__ import annotations

import getpass
import json
import secrets
import socket
import textwrap
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tuirunbook.training.checkout import digest
from tuirunbook.training.place import require_loopback

VERSION = "1.11.4"
_HELD = """\
Terraform acquires a state lock to protect the state from being written
by multiple users at the same time. Please resolve the issue above and try
again. For most commands, you can disable locking with the "-lock=false"
flag, but this is not recommended."""
_KEPT = """\
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
_MISMATCH = """\
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


class Backend:
    """The stores of one state.

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
        self.table = str(settings.get("dynamodb_table") or "")
        self._lockfile = bool(settings.get("use_lockfile"))
        endpoint = require_loopback(environ.get("AWS_ENDPOINT_URL", ""))
        make: Any = boto3.Session(
            aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environ.get("AWS_SESSION_TOKEN") or None,
            region_name=str(settings.get("region") or "eu-west-1"),
        ).client
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={})
        self._s3 = make("s3", endpoint_url=endpoint, config=config)
        self._dynamodb = make("dynamodb", endpoint_url=endpoint, config=config)

    # Locks

    def lock(self, operation: str) -> dict[str, Any]:
        """Take the lock.

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
        try:
            if self._lockfile:
                self._put_lockfile(body)
            if self.table:
                try:
                    self._put_item(body)
                except Refused:
                    if self._lockfile:
                        self._s3.delete_object(Bucket=self.bucket, Key=f"{self.key}.tflock")
                    raise
        except Refused as refused:
            raise TerraformError(_error("Error acquiring the state lock", refused, _HELD)) from refused
        return info

    def unlock(self, lock_id: str) -> None:
        """Give the lock back: read, compare, delete; each store whatever the other says.

        Raises:
            Refused: A store keeps it.
        """
        failed: dict[str, Refused] = {}
        lock: Mapping[str, Any] | None = None
        for store, wanted, let_go in (
            ("S3", self._lockfile, self._unlock_s3),
            ("DynamoDB", bool(self.table), self._unlock_dynamodb),
        ):
            if wanted:
                try:
                    lock = let_go(lock_id)
                except Refused as refusal:
                    failed[store] = refusal
        if not failed:
            return
        lock = next((one.lock for one in failed.values() if one.lock), lock)
        if len(failed) > 1:
            both = f"S3 error: {failed['S3']}, DynamoDB error: {failed['DynamoDB']}"
            raise Refused(f"failed to unlock both S3 and DynamoDB: {both}", lock)
        dual = self._lockfile and bool(self.table)
        store, refused = next(iter(failed.items()))
        raise Refused(f"failed to unlock {store}: {refused}" if dual else str(refused), lock)

    def release(self, info: Mapping[str, Any]) -> None:
        """Give back a lock of our own.

        Raises:
            TerraformError: It could not be given back.
        """
        try:
            self.unlock(str(info["ID"]))
        except Refused as refused:
            kept = Refused(str(refused), refused.lock or info)
            raise TerraformError(_error("Error releasing the state lock", kept, _KEPT)) from refused

    def _put_lockfile(self, body: str) -> None:
        try:
            self._s3.put_object(
                Bucket=self.bucket,
                Key=f"{self.key}.tflock",
                Body=body.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            message = _told("S3", "PutObject", error)
            try:
                held = self._lockfile_info()
            except Refused as unread:
                raise Refused(f"{message}\n{unread}") from error
            raise Refused(message, held) from error

    def _put_item(self, body: str) -> None:
        item = {"LockID": {"S": f"{self.bucket}/{self.key}"}, "Info": {"S": body}}
        try:
            self._dynamodb.put_item(TableName=self.table, Item=item, ConditionExpression="attribute_not_exists(LockID)")
        except ClientError as error:
            message = _told("DynamoDB", "PutItem", error)
            try:
                held = self._item_info()
            except Refused as unread:
                raise Refused(f"{message}\n{unread}") from error
            raise Refused(message, held) from error

    def _unlock_s3(self, lock_id: str) -> dict[str, Any]:
        held = self._lockfile_info()
        if held.get("ID") != lock_id:
            raise Refused(f"lock ID '{lock_id}' does not match the existing lock ID '{held.get('ID', '')}'", held)
        try:
            self._s3.delete_object(Bucket=self.bucket, Key=f"{self.key}.tflock")
        except ClientError as error:
            raise Refused(f"failed to delete the lock file: {_told('S3', 'DeleteObject', error)}", held) from error
        return held

    def _unlock_dynamodb(self, lock_id: str) -> dict[str, Any]:
        try:
            held = self._item_info()
        except Refused as unread:
            raise Refused(f'failed to retrieve lock info for lock ID "{lock_id}": {unread}') from unread
        if held.get("ID") != lock_id:
            raise Refused(f'lock ID "{lock_id}" does not match existing lock ("{held.get("ID", "")}")', held)
        try:
            self._dynamodb.delete_item(TableName=self.table, Key=self._table_key())
        except ClientError as error:
            raise Refused(_told("DynamoDB", "DeleteItem", error), held) from error
        return held

    def _lockfile_info(self) -> dict[str, Any]:
        key = f"{self.key}.tflock"
        try:
            raw = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            where = f"unable to retrieve file from S3 bucket '{self.bucket}' with key '{key}'"
            raise Refused(f"{where}: {_told('S3', 'GetObject', error)}") from error
        try:
            return _parsed(raw.decode("utf-8", "replace"))
        except Refused as unread:
            raise Refused(f"failed to unmarshal JSON data into LockInfo struct: {unread}") from unread

    def _item_info(self) -> dict[str, Any]:
        try:
            got = self._dynamodb.get_item(TableName=self.table, Key=self._table_key(), ConsistentRead=True)
        except ClientError as error:
            told = _told("DynamoDB", "GetItem", error)
            raise Refused(f'Unable to retrieve item from DynamoDB table "{self.table}": {told}') from error
        return _parsed(got.get("Item", {}).get("Info", {}).get("S", ""))

    def _table_key(self) -> dict[str, Any]:
        return {"LockID": {"S": f"{self.bucket}/{self.key}"}}

    # States

    def state(self) -> dict[str, Any]:
        """The state, held against its digest; empty where there is none.

        Raises:
            TerraformError: It is not what its digest says.
        """
        try:
            content: bytes = self._s3.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return {}
        if self.table:
            key = {"LockID": {"S": f"{self.bucket}/{self.key}-md5"}}
            item = self._dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
            stored, calculated = item.get("Digest", {}).get("S", ""), digest(content)
            if stored and stored != calculated:
                words = {"bucket": self.bucket, "key": self.key, "calculated": calculated, "stored": stored}
                raise TerraformError(f"Error: {_MISMATCH.format(**words)}")
        told: dict[str, Any] = json.loads(content)
        return told

    def write(self, content: bytes) -> None:
        """Write the state, then its digest."""
        self._s3.put_object(Bucket=self.bucket, Key=self.key, Body=content, ContentType="application/json")
        if self.table:
            item = {"LockID": {"S": f"{self.bucket}/{self.key}-md5"}, "Digest": {"S": digest(content)}}
            self._dynamodb.put_item(TableName=self.table, Item=item)

    def workspaces(self) -> list[str]:
        """The workspaces that have a state, and the default one."""
        listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/").get("Contents", ())
        ending = f"/{self._root_key}"
        inside = (one["Key"].removeprefix(f"{self.prefix}/") for one in listed if one["Key"].endswith(ending))
        return ["default", *sorted(name.removesuffix(ending) for name in inside)]


def _parsed(raw: str) -> dict[str, Any]:
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


def _told(service: str, action: str, error: ClientError) -> str:
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


def _error(summary: str, refused: Refused, explanation: str) -> str:
    message = "\n".join(
        textwrap.fill(line, 78, break_long_words=False, break_on_hyphens=False)
        for line in f"Error message: {refused}".split("\n")
    )
    block = f"\n{lock_info(refused.lock)}" if refused.lock else ""
    return f"Error: {summary}\n\n{message}{block}\n\n{explanation}"
