"""Who AWS says we are, and whether the backend accepts that account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuirunbook.core.lock import NotChecked
from tuirunbook.core.values import Caller
from tuirunbook.locks.errors import aws_errors

if TYPE_CHECKING:
    from tuirunbook.locks.clients import Clients


def identify(clients: Clients, before: Caller | None = None) -> Caller | NotChecked:
    """Ask STS who the reads are made as; raises what boto3 raises.

    Args:
        clients: Who asks.
        before: Who was told the last time; an account keeps the alias, or the lack of one, that it had then.
    """
    settings = clients.settings
    if settings.account_unchecked:
        return NotChecked(why=settings.account_unchecked, code="skipped")
    answer = clients.sts().get_caller_identity()
    account = answer["Account"]
    if account in settings.forbidden_accounts or (
        settings.allowed_accounts and account not in settings.allowed_accounts
    ):
        return NotChecked(
            why=f"these credentials belong to account {account}, which the backend does not allow",
            code="account-not-allowed",
            advice="use credentials of the backend's own account (--profile, --role-arn)",
        )
    credentials = clients.credentials()
    # Not public, but the only place where botocore keeps it.
    expires = getattr(credentials, "_expiry_time", None)
    return Caller(
        account=account,
        arn=answer["Arn"],
        alias=before.alias if before and before.account == account else _alias(clients),
        expires_at=_rfc3339(expires) if isinstance(expires, datetime) else None,
        profile=clients.profile if settings.profile or getattr(credentials, "method", "") != "env" else None,
    )


def _alias(clients: Clients) -> str | None:
    """The account's alias; most roles may not read it, and then nobody needs to know."""
    try:
        aliases = clients.iam().list_account_aliases()["AccountAliases"]
    except aws_errors():
        return None
    return str(aliases[0]) if aliases else None


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
