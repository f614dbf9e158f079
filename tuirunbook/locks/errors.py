"""What AWS and its SDK say when they do not answer, in plain words and with what to do about it.

The classes and codes were provoked with boto3 1.44; the sentences are for someone who was woken up.
"""

from __future__ import annotations

from tuirunbook.core.lock import NotChecked
from tuirunbook.core.text import one_line, redact
from tuirunbook.locks.credentials import MfaNeededError
from tuirunbook.locks.pages import WebPageError
from tuirunbook.locks.settings import SettingsError

NOT_CONFIGURED = "not-configured"

DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "AllAccessDisabled", "KMSAccessDeniedException"}
)
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
BAD_KEY_CODES = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "InvalidToken",
    }
)
SKEW_CODES = frozenset(
    {"InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestInTheFuture"}
)
THROTTLED_CODES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "TooManyRequestsException",
    }
)
ELSEWHERE_CODES = frozenset(
    {"PermanentRedirect", "301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
NETWORK_CLASSES = frozenset(
    {
        "EndpointConnectionError",
        "ConnectionClosedError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyConnectionError",
        "SSLError",
        "HTTPClientError",
        "ResponseStreamingError",
        "IncompleteReadError",
        "ConnectionError",
        "WebPageError",
    }
)
SIGN_IN_CLASSES = frozenset(
    {"SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "NoAuthTokenError"}
)
LOGIN_CLASSES = frozenset(
    {
        "LoginError",
        "LoginTokenLoadError",
        "LoginRefreshRequired",
        "LoginInsufficientPermissions",
        "LoginAuthorizationCodeError",
    }
)
CREDENTIAL_CLASSES = (
    frozenset(
        {
            "NoCredentialsError",
            "PartialCredentialsError",
            "ProfileNotFound",
            "InvalidConfigError",
            "InfiniteLoopConfigError",
            "ConfigParseError",
            "CredentialRetrievalError",
            "MetadataRetrievalError",
            "UnknownCredentialError",
            "NoRegionError",
            "MfaNeededError",
            "SettingsError",
        }
    )
    | SIGN_IN_CLASSES
    | LOGIN_CLASSES
)
"""Failures before anything is sent: they are the same for every question, so one of them answers all."""


def aws_errors() -> tuple[type[Exception], ...]:
    """What a call of boto3 may raise when AWS, the network or the configuration is at fault."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - AWS is imported when it is first asked
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - likewise

    return (BotoCoreError, ClientError, Boto3Error, SettingsError, MfaNeededError, WebPageError, OSError)


def error_code(error: Exception) -> str:
    """AWS's code for an answer that is an error, else the name of the exception's class."""
    # Some exceptions carry `response = None`.
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def error_message(error: Exception) -> str:
    """What AWS or the SDK said, on one line and without secrets."""
    response = getattr(error, "response", None) or {}
    return one_line(redact(str(response.get("Error", {}).get("Message") or error)), 400)


_SENTENCES: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        frozenset({"NoCredentialsError"}),
        "no AWS credentials were found",
        "sign in, or name a profile: --profile NAME or AWS_PROFILE",
    ),
    (
        frozenset({"ProfileNotFound"}),
        "the profile {profile} is not in the AWS configuration files",
        "aws configure list-profiles",
    ),
    (frozenset({"SettingsError"}), "{message}", ""),
    (
        frozenset({"MfaNeededError"}),
        "the profile {profile} asks for a one-time code, and nothing here prompts for one",
        'eval "$(aws configure export-credentials --profile {profile} --format env)", then start again',
    ),
    (SIGN_IN_CLASSES, "the sign-in of profile {profile} has ended", "aws sso login --profile {profile}"),
    (LOGIN_CLASSES, "the sign-in of profile {profile} has ended", "aws login --profile {profile}"),
    (frozenset({"NoRegionError"}), "no region is set", "--region NAME or AWS_REGION"),
    (
        frozenset({"CredentialRetrievalError", "MetadataRetrievalError"}),
        "the credentials could not be fetched: {message}",
        "run the credential_process of the profile by hand to see what it says",
    ),
    (CREDENTIAL_CLASSES, "the AWS configuration cannot be used: {message}", ""),
    (
        EXPIRED_CODES,
        "the credentials have expired",
        "sign in again (aws sso login --profile {profile}, or fetch new keys)",
    ),
    (BAD_KEY_CODES, "AWS does not know these credentials: {message}", "aws sts get-caller-identity"),
    (
        SKEW_CODES,
        "AWS refuses the request's signature: {message}",
        "compare this machine's clock with the real time; else the secret key is wrong",
    ),
    (
        frozenset({"AccessDenied", "403"}),
        "not allowed to read {what}: {message}",
        "use a role that may read it (--profile, --role-arn); without s3:ListBucket an absent object is refused too",
    ),
    (DENIED_CODES, "not allowed to read {what}: {message}", "use a role that may read it (--profile, --role-arn)"),
    (
        frozenset({"ResourceNotFoundException"}),
        "{what} does not exist in {region}",
        "wrong account or region? compare both with the backend's",
    ),
    (
        frozenset({"NoSuchBucket"}),
        "the bucket does not exist: {what} could not be read",
        "wrong account? compare it with the backend's",
    ),
    (
        ELSEWHERE_CODES,
        "{what} is in another region than {region}: {message}",
        "--region NAME, as the backend has it",
    ),
    (
        THROTTLED_CODES,
        "AWS is throttling: {what} could not be read",
        "ask again in a moment; a walk and a wait do so by themselves",
    ),
    (
        frozenset({"ReadTimeoutError", "ConnectTimeoutError"}),
        "no answer in time: {what} could not be read ({message})",
        "check network and VPN",
    ),
    (frozenset({"ProxyConnectionError"}), "the proxy cannot be reached ({message})", "check HTTPS_PROXY and NO_PROXY"),
    (frozenset({"SSLError"}), "the connection is not trusted ({message})", "check AWS_CA_BUNDLE or custom_ca_bundle"),
    (
        frozenset({"WebPageError"}),
        "{what} could not be read: {message}",
        "is there a proxy, or a network that asks to sign in? check HTTPS_PROXY and NO_PROXY, and open a browser",
    ),
    (NETWORK_CLASSES, "{what} cannot be reached ({message})", "check network, VPN and endpoint"),
)


def explain(error: Exception, *, what: str, profile: str | None = None, region: str | None = None) -> NotChecked:
    """Why `what` could not be read, as a value. `profile` and `region` make the advice exact."""
    code = error_code(error)
    values = {
        "what": what,
        "message": error_message(error),
        "profile": profile or "default",
        "region": region or "this region",
    }
    for codes, why, advice in _SENTENCES:
        if code in codes:
            return NotChecked(why=why.format(**values), code=code, advice=advice.format(**values))
    return NotChecked(why=f"{what} could not be read: {values['message']}", code=code)
