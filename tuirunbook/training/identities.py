"""Who asks an embedded AWS, and from which account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuirunbook.core.scenario import HOME_ACCOUNT
from tuirunbook.training.calls import Call

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


@dataclass(frozen=True)
class Identity:
    """Somebody who has credentials.

    Attributes:
        account: The account's number, 12 digits.
        role: The role that they have assumed.
        session: The session's name.
        alias: The account's alias; empty for none.
    """

    account: str = HOME_ACCOUNT
    role: str = "on-call"
    session: str = "someone"
    alias: str = ""

    @property
    def arn(self) -> str:
        """As STS names them."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role}/{self.session}"


NOBODY = Identity()
"""Who is not known."""


def about_oneself(call: Call, who: Identity, start_response: StartResponse) -> Iterable[bytes]:
    """What STS and IAM say about the caller: `GetCallerIdentity`, `ListAccountAliases`."""
    if call.action == "GetCallerIdentity":
        told = f"<Arn>{who.arn}</Arn><UserId>AROAPRACTICE:{who.session}</UserId><Account>{who.account}</Account>"
        place = "https://sts.amazonaws.com/doc/2011-06-15/"
    else:
        aliases = f"<member>{who.alias}</member>" if who.alias else ""
        told = f"<IsTruncated>false</IsTruncated><AccountAliases>{aliases}</AccountAliases>"
        place = "https://iam.amazonaws.com/doc/2010-05-08/"
    name = call.action
    result = f"<{name}Result>{told}</{name}Result><ResponseMetadata><RequestId>EMBEDDED</RequestId></ResponseMetadata>"
    body = f'<{name}Response xmlns="{place}">{result}</{name}Response>'.encode()
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
