"""Whether an IAM policy lets somebody take a lock and not release it.

The backend needs `dynamodb:GetItem`, `PutItem` and `DeleteItem` on the table, or `s3:GetObject`, `PutObject` and
`DeleteObject` on the lockfile. Without the last of these all works, but every run leaves its lock (Terraform #36175).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.text import one_line

_UNRESOLVED = re.compile(r"\$\{[^}]{0,300}\}")
_TELLING = re.compile(r"lock|state|terraform|tf[-_]", re.IGNORECASE)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a policy. Texts in `${…}` are not known here and may be anything.

    Attributes:
        allows: Whether its effect is `Allow`.
        actions: `service:Action`, with `*` and `?`.
        not_actions: The statement is about all actions but these.
        resources: ARNs, with `*` and `?`; empty for a trust policy or `NotResource`.
    """

    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy lacks.

    Attributes:
        missing: The actions that a release needs and that the policy does not give.
        resource: The resource that it is about, as the policy has it.
        surely: Whether that is this state's lock by its name; else a part of the name is not known.
        denied: Whether the policy denies it in so many words.
    """

    missing: str
    resource: str
    surely: bool
    denied: bool = False

    @property
    def fact(self) -> str:
        """What it means, in words."""
        if self.denied:
            return f"denies {self.missing} on {one_line(self.resource, 150)}: a lock that is taken cannot be released"
        if_so = "" if self.surely else ", if that is where this state's lock is"
        taking = "PutItem" if "dynamodb" in self.missing else "PutObject"
        return f"gives {taking} on {one_line(self.resource, 150)} and no {self.missing}{if_so}: every run leaves a lock"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The two actions around a lock, and the resource that they need to be given on."""

    takes: str
    releases: str
    resource: str


def needs(address: StateAddress, account: str | None = None) -> tuple[Need, ...]:
    """What this state's locks need, for each store that is configured. Unknown parts of an ARN are `*`."""
    found = []
    if address.table:
        table = address.table.rpartition("/")[2]
        place = f"{address.region or '*'}:{account or address.account or '*'}"
        arn = address.table if address.table.startswith("arn:") else f"arn:aws:dynamodb:{place}:table/{table}"
        found.append(Need(takes="dynamodb:PutItem", releases="dynamodb:DeleteItem", resource=arn))
    if address.use_lockfile:
        arn = f"arn:aws:s3:::{address.bucket}/{address.lockfile_key}"
        found.append(Need(takes="s3:PutObject", releases="s3:DeleteObject", resource=arn))
    return tuple(found)


def gaps(statements: Sequence[Statement], address: StateAddress) -> tuple[Gap, ...]:
    """What a policy lacks for the locks of this state; empty for one that gives both actions, or neither."""
    return tuple(gap for need in needs(address) if (gap := _gap(statements, need)) is not None)


def speaks_of(statements: Sequence[Statement], address: StateAddress) -> bool:
    """Whether a policy gives what taking this state's lock needs."""
    return any(_given(statements, need.takes, need.resource) for need in needs(address))


def _gap(statements: Sequence[Statement], need: Need) -> Gap | None:
    taking = _given(statements, need.takes, need.resource)
    if taking is None:
        return None
    denied = next((one for one in statements if not one.allows and _says(one, need.releases)), None)
    if denied is not None and (found := _resource(denied, need.resource)) and found[1]:
        return Gap(missing=need.releases, resource=found[0], surely=True, denied=True)
    resource, surely = taking
    if _given(statements, need.releases, need.resource) is not None:
        return None
    return Gap(missing=need.releases, resource=resource, surely=surely)


def _given(statements: Iterable[Statement], action: str, resource: str) -> tuple[str, bool] | None:
    """The resource on which an action is allowed, and whether that is surely the one; None when it is not allowed."""
    allowed = [one for one in statements if one.allows and _says(one, action)]
    found = [match for one in allowed if (match := _resource(one, resource)) is not None]
    return max(found, key=lambda match: match[1], default=None)


def _says(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any(_like(action.casefold(), one.casefold()) for one in statement.not_actions)
    return any(_like(action.casefold(), one.casefold()) for one in statement.actions)


def _resource(statement: Statement, arn: str) -> tuple[str, bool] | None:
    """The resource of a statement that is, or may be, this one."""
    for resource in statement.resources:
        if not _UNRESOLVED.search(resource) and _same(resource, arn):
            return resource, True
    for resource in statement.resources:
        if _UNRESOLVED.search(resource) and _TELLING.search(resource) and _same(_UNRESOLVED.sub("*", resource), arn):
            return resource, False
    return None


def _same(pattern: str, arn: str) -> bool:
    """Whether a pattern covers an ARN whose own `*` parts are not known."""
    if _like(arn, pattern):
        return True
    parts, wanted = pattern.split(":", 5), arn.split(":", 5)
    if len(parts) != len(wanted):
        return False
    return all(two == "*" or _like(two, one) for one, two in zip(parts, wanted, strict=True))


def _like(text: str, pattern: str) -> bool:
    # Brackets are plain characters in IAM; fnmatch's own translation takes no long time on many stars.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
