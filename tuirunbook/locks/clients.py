"""AWS clients that ask as whom, where and how the backend says; AWS is imported when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

from tuirunbook.core.backend import Backend
from tuirunbook.locks.credentials import install_credentials
from tuirunbook.locks.pages import refuse_pages
from tuirunbook.locks.settings import Settings, read_settings

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

READ_ATTEMPTS = 2
CONNECT_TIMEOUT = 3
READ_TIMEOUT = 5


class Clients:
    """One session and its clients, made when they are first used; safe to share between threads.

    Args:
        settings: What the backend and the environment say.
        environ: The environment to read credentials from; the process's own is not consulted.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self._environ = dict(environ)
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._clients: dict[tuple[str, int], Any] = {}

    @property
    def region(self) -> str | None:
        """The region of bucket and table."""
        return self.settings.region

    @property
    def profile(self) -> str | None:
        """The profile in effect by name, whether or not keys in the environment win over it."""
        return self.settings.profile or self._environ.get("AWS_PROFILE") or self._environ.get("AWS_DEFAULT_PROFILE")

    def dynamodb(self) -> DynamoDBClient:
        """The client that reads the lock table."""
        client: DynamoDBClient = self._client("dynamodb", READ_ATTEMPTS)
        return client

    def s3(self) -> S3Client:
        """The client that reads the bucket."""
        client: S3Client = self._client("s3", READ_ATTEMPTS)
        return client

    def sts(self) -> STSClient:
        """The client that says who we are."""
        client: STSClient = self._client("sts", READ_ATTEMPTS)
        return client

    def iam(self) -> Any:
        """The client that is asked once for the account's alias."""
        return self._client("iam", 1)

    def deleting_dynamodb(self) -> DynamoDBClient:
        """A client that tries once: after a lost reply a second try would meet its own work as somebody else's."""
        client: DynamoDBClient = self._client("dynamodb", 1)
        return client

    def deleting_s3(self) -> S3Client:
        """The same for the bucket."""
        client: S3Client = self._client("s3", 1)
        return client

    def credentials(self) -> Any:
        """The credentials in use, refreshable or not; None when there are none."""
        return self._boto_session().get_credentials()

    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """The profiles of the shared configuration files, by name."""
        session: Any = self._boto_session()._session  # noqa: SLF001 - boto3 keeps botocore's session there
        found: Mapping[str, Mapping[str, Any]] = session.full_config.get("profiles", {})
        return found

    def endpoint(self, service: str) -> str | None:
        """The custom endpoint of a service from arguments, environment or configuration file; None for AWS's own."""
        if given := self.settings.endpoints.get(service):
            return given
        return self._configured_endpoint(service)

    def sse_arguments(self) -> dict[str, Any]:
        """What reads of encrypted objects have to carry; empty without a customer key."""
        key = self.settings.sse_customer_key
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key} if key else {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, service: str, attempts: int) -> Any:
        with self._lock:
            if (service, attempts) not in self._clients:
                make: Any = self._boto_session().client
                self._clients[service, attempts] = make(service, **self._arguments(service, attempts))
            return self._clients[service, attempts]

    def _arguments(self, service: str, attempts: int) -> dict[str, Any]:
        region = self.settings.sts_region if service == "sts" else self.settings.region
        endpoint = self.endpoint(service)
        host = urlsplit(endpoint).hostname if endpoint else f"{service}.{region}.amazonaws.com"
        return {
            "region_name": region,
            "endpoint_url": endpoint,
            "verify": self.settings.verify,
            "config": self._config(host or "", attempts),
        }

    def _config(self, host: str, attempts: int) -> Config:
        from botocore.config import Config  # noqa: PLC0415 - AWS is imported when it is first asked

        settings = self.settings
        options: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "retries": {"mode": "standard", "total_max_attempts": attempts},
            "proxies": {} if _direct(host, settings.no_proxy) else dict(settings.proxies),
            # They are looked up here, in the environment that was given.
            "ignore_configured_endpoint_urls": True,
        }
        if settings.path_style:
            options["s3"] = {"addressing_style": "path"}
        if settings.fips:
            options["use_fips_endpoint"] = True
        if settings.dualstack:
            options["use_dualstack_endpoint"] = True
        return Config(**options)

    def _boto_session(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = self._make_session()
            return self._session

    def _make_session(self) -> Session:
        import boto3  # noqa: PLC0415 - AWS is imported when it is first asked
        import botocore.session  # noqa: PLC0415 - likewise
        from botocore.configprovider import ConfigChainFactory  # noqa: PLC0415 - likewise

        settings = self.settings
        session = botocore.session.Session(profile=settings.profile)
        refuse_pages(session)
        environ = self._environ
        if profile := environ.get("AWS_PROFILE"):
            # botocore asks the older name first, Terraform the newer.
            environ = {**environ, "AWS_DEFAULT_PROFILE": profile}
        store = session.get_component("config_store")
        chains = ConfigChainFactory(session=session, environ=environ)
        for name, (in_file, variable, default, convert) in session.SESSION_VARIABLES.items():
            chain = chains.create_config_chain(
                instance_name=name,
                env_var_names=variable,
                config_property_names=in_file,
                default=default,
                conversion_func=convert,
            )
            store.set_config_provider(name, chain)
        for name, path in (("config_file", settings.config_file), ("credentials_file", settings.credentials_file)):
            if path:
                session.set_config_variable(name, path)

        def create_sts(service: str, **given: Any) -> Any:
            return session.create_client(service, **{**given, **self._arguments(service, READ_ATTEMPTS)})

        install_credentials(session, settings, self._environ, create_sts)
        return boto3.session.Session(botocore_session=session)

    def _configured_endpoint(self, service: str) -> str | None:
        """The endpoint that the shared configuration file gives for the profile."""
        session: Any = self._boto_session()._session  # noqa: SLF001 - boto3 keeps botocore's session there
        if session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        scoped = session.get_scoped_config()
        section = session.full_config.get("services", {}).get(scoped.get("services"), {})
        url = section.get(service, {}).get("endpoint_url") or scoped.get("endpoint_url")
        return str(url) if url else None


def clients(
    backend: Backend,
    *,
    environ: Mapping[str, str],
    profile: str | None = None,
    role_arn: str | None = None,
    region: str | None = None,
) -> Clients:
    """The clients for a backend. `profile`, `role_arn` and `region` come from the command line and win.

    Raises:
        SettingsError: The backend cannot be read with as it stands; the sentence says why.
    """
    settings = read_settings(backend, environ, profile=profile, role_arn=role_arn, region=region)
    return Clients(settings, environ)


def credential_environ(clients: Clients) -> dict[str, str]:
    """The credentials of this moment and the region, for a child terraform that must be who the reads were made as.

    They replace every other source of credentials: the child's environment must name no profile, role or token file,
    and its backend no keys, profile or role.

    Raises:
        botocore.exceptions.BotoCoreError: There are none, or they cannot be refreshed.
    """
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - AWS is imported when it is first asked

    credentials = clients.credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen = credentials.get_frozen_credentials()
    found = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
        "AWS_REGION": clients.region,
    }
    return {name: value for name, value in found.items() if value}


def _direct(host: str, no_proxy: str) -> bool:
    # Go never sends this machine's own addresses through a proxy.
    local = host in {"localhost", "::1"} or host.startswith("127.")
    return local or bool(no_proxy and proxy_bypass_environment(host, {"no": no_proxy}))
