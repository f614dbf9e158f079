"""Credentials for a backend, found in the order in which Terraform finds them.

Keys in the backend, else the SDK's chain (in which the backend's profile beats keys in the environment), then the web
identity, then the role. Source: hashicorp/aws-sdk-go-base v2 `aws_config.go`, `credentials.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tuirunbook.locks.settings import Settings, SettingsError

if TYPE_CHECKING:
    from botocore.credentials import CredentialResolver
    from botocore.session import Session

SESSION_NAME = "tflock-tui"
_NOT_TERRAFORMS = ("ec2-credentials-file", "boto-config")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class MfaNeededError(Exception):
    """A profile that asks for a one-time code. Nothing here prompts; the terminal belongs to the screen."""


class _Given:
    """A provider, for botocore, of credentials that were decided here."""

    METHOD = "backend"
    CANONICAL_NAME = None

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def load(self) -> Any:
        return self._load()

    def load_credentials(self) -> Any:
        return self._load()


def install_credentials(
    session: Session, settings: Settings, environ: Mapping[str, str], create_sts: Callable[..., Any]
) -> None:
    """Make `session` use the backend's credentials, and nothing of the process's environment besides `environ`.

    `create_sts` makes a client as `Session.create_client` does, at the STS endpoint and region of the backend.
    """
    resolver: CredentialResolver = session.get_component("credential_provider")
    _confine(resolver, session, settings, environ, create_sts)
    found: list[Any] = []

    def load() -> Any:
        if not found:
            credentials = _load(resolver, settings, create_sts)
            if credentials is None:
                return None
            found.append(credentials)
        return found[0]

    session.register_component("credential_provider", _Given(load))


def _confine(
    resolver: CredentialResolver,
    session: Session,
    settings: Settings,
    environ: Mapping[str, str],
    create_sts: Callable[..., Any],
) -> None:
    from botocore.credentials import (  # noqa: PLC0415 - AWS is imported when it is first asked
        AssumeRoleWithWebIdentityProvider,
        ContainerProvider,
        EnvProvider,
    )

    for name in _NOT_TERRAFORMS if settings.metadata else (*_NOT_TERRAFORMS, "iam-role"):
        resolver.remove(name)
    # There is no public way to give this provider a prompt, and its own reads the terminal.
    resolver.get_provider("assume-role")._prompter = _refuse_to_prompt  # type: ignore[attr-defined]  # noqa: SLF001
    replacements: dict[str, Any] = {
        EnvProvider.METHOD: EnvProvider(environ=dict(environ)),
        ContainerProvider.METHOD: ContainerProvider(environ=dict(environ)),
        AssumeRoleWithWebIdentityProvider.METHOD: AssumeRoleWithWebIdentityProvider(
            load_config=lambda: session.full_config,
            client_creator=create_sts,
            profile_name=session.get_config_variable("profile") or "default",
            disable_env_vars=True,
        ),
    }
    resolver.providers[:] = [replacements.get(str(provider.METHOD), provider) for provider in resolver.providers]
    if settings.profile is None and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        arguments = {
            "role_arn": environ.get("AWS_ROLE_ARN"),
            "session_name": environ.get("AWS_ROLE_SESSION_NAME"),
            "web_identity_token_file": environ["AWS_WEB_IDENTITY_TOKEN_FILE"],
        }
        given: Any = _Given(lambda: _from_web_identity(arguments, create_sts))
        resolver.insert_before(AssumeRoleWithWebIdentityProvider.METHOD, given)


def _refuse_to_prompt(prompt: str) -> str:
    raise MfaNeededError(prompt)


def _load(resolver: CredentialResolver, settings: Settings, create_sts: Callable[..., Any]) -> Any:
    from botocore.credentials import Credentials  # noqa: PLC0415 - AWS is imported when it is first asked

    access_key, secret_key, token = settings.keys
    if settings.web_identity:
        credentials = _from_web_identity(settings.web_identity, create_sts)
    elif access_key and secret_key:
        credentials = Credentials(access_key, secret_key, token, method="backend")
    else:
        credentials = resolver.load_credentials()
    if settings.assume_role and credentials is not None:
        credentials = _assume(settings.assume_role, credentials, create_sts)
    return credentials


def _assume(role: Mapping[str, object], source: Any, create_sts: Callable[..., Any]) -> Any:
    from botocore.credentials import (  # noqa: PLC0415 - AWS is imported when it is first asked
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )

    fetcher = AssumeRoleCredentialFetcher(
        create_sts, source, str(role["role_arn"]), extra_args=role_arguments(role), mfa_prompter=_refuse_to_prompt
    )
    return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")


def _from_web_identity(arguments: Mapping[str, object], create_sts: Callable[..., Any]) -> Any:
    from botocore.credentials import (  # noqa: PLC0415 - AWS is imported when it is first asked
        AssumeRoleWithWebIdentityCredentialFetcher,
        DeferredRefreshableCredentials,
    )
    from botocore.utils import FileWebIdentityTokenLoader  # noqa: PLC0415 - likewise

    role_arn, path = arguments.get("role_arn"), arguments.get("web_identity_token_file")
    token = arguments.get("web_identity_token")
    if not role_arn or not (path or token):
        raise SettingsError("a web identity needs a role and a token, and one of them is not set")
    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        create_sts,
        (lambda: str(token)) if token else FileWebIdentityTokenLoader(str(path)),
        str(role_arn),
        extra_args=role_arguments(arguments),
    )
    return DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role-with-web-identity"
    )


def role_arguments(block: Mapping[str, object]) -> dict[str, Any]:
    """The arguments of STS for an `assume_role` or `assume_role_with_web_identity` block, without the role's ARN.

    Raises:
        SettingsError: The duration is not one.
    """
    renamed = {
        "external_id": "ExternalId",
        "policy": "Policy",
        "source_identity": "SourceIdentity",
    }
    arguments: dict[str, Any] = {theirs: str(block[ours]) for ours, theirs in renamed.items() if block.get(ours)}
    arguments["RoleSessionName"] = str(block.get("session_name") or SESSION_NAME)
    if duration := block.get("duration"):
        arguments["DurationSeconds"] = _seconds(str(duration))
    if isinstance(arns := block.get("policy_arns"), list | tuple | set | frozenset) and arns:
        arguments["PolicyArns"] = [{"arn": str(arn)} for arn in arns]
    if isinstance(tags := block.get("tags"), Mapping) and tags:
        arguments["Tags"] = [{"Key": str(key), "Value": str(value)} for key, value in tags.items()]
    if isinstance(keys := block.get("transitive_tag_keys"), list | tuple | set | frozenset) and keys:
        arguments["TransitiveTagKeys"] = [str(key) for key in keys]
    return arguments


def _seconds(duration: str) -> int:
    """Go's `1h30m`, or plain seconds as the older flat argument has them."""
    if duration.isdigit():
        return int(duration)
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise SettingsError(f"the role's duration {duration!r} is not one")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
