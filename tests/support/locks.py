"""Locks as Terraform writes them, put into the embedded AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.aws import REGION
from tuirunbook.core.address import StateAddress
from tuirunbook.core.backend import Backend
from tuirunbook.locks import AwsLockStore, Clients, clients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.aws import EmbeddedAws

BUCKET = "acme-tfstate"
TABLE = "acme-tflock"
KEY = "network/terraform.tfstate"
LOCK_ID = f"{BUCKET}/{KEY}"
FIRST = "ac79d869-c060-d8c3-b079-2296078ee80e"
SECOND = "7c11aa3e-7111-9570-8d2f-0b9c5a6f1e22"


def lock_json(lock_id: str = FIRST, **fields: str) -> str:
    """The bytes that Terraform writes."""
    info = {
        "ID": lock_id,
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "root@runner-7",
        "Version": "1.11.4",
        "Created": "2026-11-23T09:26:22.850832286Z",
        "Path": LOCK_ID,
    }
    return json.dumps(info | fields, separators=(",", ":"))


def put_item(aws: EmbeddedAws, info: Mapping[str, Any] | str | None, **attributes: Mapping[str, Any]) -> None:
    """A lock item: `info` as text, as a typed attribute, or absent."""
    typed = {"S": info} if isinstance(info, str) else info
    item = {"LockID": {"S": LOCK_ID}, **attributes} | ({} if typed is None else {"Info": typed})
    aws.client("dynamodb").put_item(TableName=TABLE, Item=item)


def get_item(aws: EmbeddedAws, lock_id: str = LOCK_ID) -> Any:
    """The item, or None."""
    return aws.client("dynamodb").get_item(TableName=TABLE, Key={"LockID": {"S": lock_id}}).get("Item")


def put_lockfile(aws: EmbeddedAws, body: str | bytes) -> str:
    """A lockfile; its ETag."""
    content = body.encode() if isinstance(body, str) else body
    return str(aws.client("s3").put_object(Bucket=BUCKET, Key=KEY + ".tflock", Body=content)["ETag"])


def object_keys(aws: EmbeddedAws) -> list[str]:
    return [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def make_backend(**arguments: object) -> Backend:
    """A backend in dual mode; None takes an argument away."""
    given = {"bucket": BUCKET, "key": KEY, "region": REGION, "dynamodb_table": TABLE, "use_lockfile": True} | arguments
    return Backend(type="s3", arguments={name: value for name, value in given.items() if value is not None})


def make_store(
    aws: EmbeddedAws, *, environ: Mapping[str, str] | None = None, known: bool = True, **arguments: object
) -> AwsLockStore:
    """A store on the embedded AWS; `known` says that its endpoint honours If-Match."""
    backend = make_backend(**arguments)
    made = make_clients(aws, backend, environ)
    address = StateAddress(
        bucket=BUCKET,
        key=KEY,
        region=REGION,
        table=backend.text("dynamodb_table"),
        use_lockfile=backend.flag("use_lockfile"),
    )
    return AwsLockStore(address, made, if_match_endpoints=[aws.endpoint] if known else [])


def make_clients(aws: EmbeddedAws, backend: Backend, environ: Mapping[str, str] | None = None) -> Clients:
    """Clients that the embedded AWS closes with itself."""
    made = clients(backend, environ=aws.environ() if environ is None else environ)
    aws.closing(made)
    return made
