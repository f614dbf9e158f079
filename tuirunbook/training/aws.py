"""An AWS on this machine: moto behind a shim, on a port of the loopback.

Moto keeps its state per process: one server per process. Training runs one in a process of its own.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from tuirunbook.core.scenario import HOME_ACCOUNT
from tuirunbook.training.shim import Shim

REGION = "eu-west-1"
ACCOUNT = HOME_ACCOUNT
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
ARRANGING_KEY = "AKIATESTARRANGEMENTS"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - the key of AWS's own documentation, of nobody


class EmbeddedAws(Shim):
    """A true TCP server on 127.0.0.1 that speaks S3, DynamoDB, STS and IAM.

    Args:
        parent: Where its home directory is made; the temporary directory by default.
    """

    def __init__(self, parent: Path | None = None) -> None:
        from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 - slow; only who asks pays

        class Quiet(WSGIRequestHandler):
            # Headers and body in one packet: Terraform's client can close the connection between two, and then
            # tries PutItem again and is refused by its own lock.
            wbufsize = 1 << 16

            def handle_expect_100(self) -> bool:
                """Say "go on" at once: a client that has to wait for it gives up after a whole second."""
                going_on = super().handle_expect_100()
                self.wfile.flush()
                return going_on

            def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - its name in werkzeug
                """Say nothing."""

        super().__init__()
        self._home = tempfile.TemporaryDirectory(prefix="embedded-aws-", dir=parent)
        self._clients: list[Any] = []
        self._arranging: dict[tuple[str, str], Any] = {}
        self._server = make_server("127.0.0.1", 0, self.serve, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True  # type: ignore[attr-defined] # the threaded server has it
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """Where it listens, on the loopback."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop, and close every connection that is ours."""
        self.release_all()
        for client in self._clients:
            client.close()
        self._server.shutdown()
        self._server.server_close()
        self._home.cleanup()

    def reset(self) -> None:
        """Forget everything: items, objects, rules and the record of calls."""
        self.release_all()
        with urlopen(Request(self.endpoint + "/moto-api/reset", method="POST")) as reply:  # noqa: S310 - our own
            reply.read()
        with self._lock:
            self.rules.clear()
            self.calls.clear()
            self.identities.clear()

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a child that may only see this AWS, made from nothing."""
        nowhere = str(Path(self._home.name) / "no-such-file")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self._home.name,
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            **more,
        }

    def client(self, service: Any, access_key: str = ARRANGING_KEY) -> Any:
        """A boto3 client, made once; unless a key is named, for arranging and for checking, which no rule is about."""
        with self._lock:
            if (service, access_key) not in self._arranging:
                self._arranging[service, access_key] = self._make_client(service, access_key)
            return self._arranging[service, access_key]

    def _make_client(self, service: str, access_key: str) -> Any:
        import boto3  # noqa: PLC0415 - slow; only who asks pays
        from botocore.config import Config  # noqa: PLC0415

        make: Any = boto3.client
        client = make(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={}),
        )
        self._clients.append(client)
        return client

    def closing(self, closeable: Any) -> None:
        """Close this with the server, so that no connection is left behind."""
        self._clients.append(closeable)

    def create_backend(self, bucket: str, table: str | None = None, *, versioned: bool = False) -> None:
        """A bucket and, if named, a lock table as Terraform's documentation makes them."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        if table is not None:
            self.create_table(table)

    def create_table(self, table: str, access_key: str = ARRANGING_KEY) -> None:
        """A lock table, in the account of this key."""
        self.client("dynamodb", access_key).create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
