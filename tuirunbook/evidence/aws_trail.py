"""What CloudTrail knows of the session that took a lock: who assumed which role, and when it last called AWS.

Before it locks, the S3 backend asks STS who it is, as `Terraform/<version>`; that call names the holder's session. The
record arrives some minutes late, and covers one account and region: silence proves nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says, Taken, taken
from tuirunbook.core.holder import WhoRule, like, read_who
from tuirunbook.core.lock import NotChecked, StoredLock, parse_time
from tuirunbook.core.text import one_line
from tuirunbook.evidence.aws_door import AwsDoor, told

SESSION, CALLS = "trail.session", "trail.calls"
DELAY = timedelta(minutes=15)
"""How late an event may arrive; a call that is not older counts as one of now."""

BEFORE = timedelta(minutes=2)
"""How long before it locks a terraform may ask STS who it is."""

ASSUMED = timedelta(hours=1)
"""How long before the lock its role may have been assumed; the usual life of a session."""

PAUSE_SECONDS = 0.5
"""AWS allows two of these requests per second for all of an account and region."""

MOST_PAGES = 2
PAGE = 50
MOST_SESSIONS = 2
_MOST_LINKS = 3

_AGENT = re.compile(r"(?:Terraform|OpenTofu)/(\d+\.\d+\.\d+)")


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as far as it is looked at; every text is cleaned."""

    name: str
    at: datetime
    agent: str
    key: str
    arn: str
    address: str
    made_by: str
    role: str = ""
    made_key: str = ""
    made_session: str = ""

    @property
    def version(self) -> str:
        """The version of Terraform or OpenTofu that called, or empty."""
        match = _AGENT.search(self.agent)
        return match[1] if match else ""

    @property
    def session(self) -> str:
        """The name of the role session that called."""
        return self.arn.rsplit("/", 1)[-1] if ":assumed-role/" in self.arn else ""


class _Trail(msgspec.Struct, kw_only=True):
    """What was found about one lock; `settled` once later events can add nothing to it."""

    holders: tuple[_Call, ...] = ()
    assumed: tuple[_Call, ...] = ()
    settled: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The access keys of the sessions that may have taken the lock; they are names, not secrets."""
        found = [call.key for call in self.holders] or [call.made_key for call in self.assumed]
        return tuple(dict.fromkeys(key for key in found if key))


_Said = tuple[str, Says, Match, str]
"""The key of a finding, what it says, how firmly, and the fact."""


class AwsTrail:
    """Asks CloudTrail, at the pace that AWS allows.

    Args:
        door: Makes clients.
        rules: What the settings say about holders; `session` names theirs.
        pause: Waits between two requests.
    """

    name = "CloudTrail"
    can_block = True
    asks_aws = True

    def __init__(
        self,
        door: AwsDoor,
        rules: Sequence[WhoRule] = (),
        *,
        pause: Callable[[], None] = lambda: time.sleep(PAUSE_SECONDS),
    ) -> None:
        self._door = door
        self._rules = tuple(rules)
        self._pause = pause
        self._known: dict[str, _Trail] = {}

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """Who took the lock, and when they last called; one that says why not, where that cannot be asked."""
        at = timestamp(now)
        source = f"cloudtrail:LookupEvents in {address.region}, account {address.account or 'not known'}"
        window = taken(lock.info, lock.last_modified)
        if lock.info is None or window is None:
            return
        for key, says, match, fact in self._ask(lock, window, address, now):
            yield Finding(key=key, lock=lock.identity, says=says, match=match, fact=fact, source=source, observed_at=at)

    def _ask(self, lock: StoredLock, window: Taken, address: StateAddress, now: datetime) -> tuple[_Said, ...]:
        said = self._door.why_not("cloudtrail")
        if not said:
            found = self._door.ask("the calls of this account", lambda: self._look(lock, window, address, now))
            if not isinstance(found, NotChecked):
                return found
            said = told(found)
        fact = f"calls to AWS since the lock was taken were not looked at: {said}"
        return ((CALLS, Says.UNKNOWN, Match.COULD_BE, fact),)

    def _look(self, lock: StoredLock, window: Taken, address: StateAddress, now: datetime) -> tuple[_Said, ...]:
        trail = self._trail(lock, window, now)
        sure = Match.NAMES_THIS_STATE if len(trail.keys) == 1 else Match.COULD_BE
        calls = self._calls(trail, lock, window, now)
        judged = _judge(calls, trail, lock, address, now)
        if not (trail.holders or trail.assumed):
            return (judged,)
        return ((SESSION, Says.NOTHING, sure, _session(trail)), judged)

    def _trail(self, lock: StoredLock, window: Taken, now: datetime) -> _Trail:
        """The sessions that may have taken the lock: those whose terraform of its version began just then."""
        known = self._known.get(lock.identity)
        if known is not None and known.settled:
            return known
        version = lock.info.version if lock.info else ""
        holder = read_who(lock.info.who if lock.info else "", self._rules)
        wanted = holder.home.session if holder.home else ""
        start, end = window.earliest - BEFORE, window.latest
        began = [
            call
            for call in self._lookup("EventName", "GetCallerIdentity", start, end)
            if _is_version(call, version) and call.key and (not wanted or like(call.session, wanted))
        ]
        began = [call for call in began if call.address == holder.fact("address")] or began
        holders = tuple({call.key: call for call in reversed(began)}.values())
        assumed: list[_Call] = []
        for event in ("AssumeRoleWithWebIdentity", "AssumeRole"):
            self._pause()
            assumed += self._lookup("EventName", event, window.earliest - ASSUMED, end)
        trail = _Trail(
            holders=holders,
            assumed=tuple(_theirs(assumed, holders, wanted)),
            settled=now > end + DELAY,
        )
        self._known[lock.identity] = trail
        self._pause()
        return trail

    def _calls(self, trail: _Trail, lock: StoredLock, window: Taken, now: datetime) -> list[_Call]:
        """The calls since the lock was taken: of the sessions that may have, or else of any terraform lately."""
        since = lock.info.created_at if lock.info and lock.info.created_at else window.latest
        found: list[_Call] = []
        if not trail.keys:
            version = lock.info.version if lock.info else ""
            lately = self._lookup("", "", max(since, now - DELAY), now)
            found = [call for call in lately if _is_version(call, version)]
        for number, key in enumerate(trail.keys[:MOST_SESSIONS]):
            if number:
                self._pause()
            found += self._lookup("AccessKeyId", key, since, now, pages=1)
        return sorted((call for call in found if call.at > since), key=lambda call: call.at, reverse=True)

    def _lookup(self, key: str, value: str, start: datetime, end: datetime, *, pages: int = MOST_PAGES) -> list[_Call]:
        """Events, newest first; of more than `pages` full pages the older are left out."""
        asked: dict[str, Any] = {"StartTime": start, "EndTime": end, "MaxResults": PAGE}
        if key:
            asked["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
        client, found = self._door.client("cloudtrail"), []
        for page in range(pages):
            if page:
                self._pause()
            answer = client.lookup_events(**asked)
            if "Events" not in answer:
                # The SDK takes a page that is no JSON, as a portal sends it, for an empty answer.
                raise ConnectionError("the answer is none of CloudTrail's")
            found += [call for event in answer["Events"] if (call := _call(event)) is not None]
            if not (token := answer.get("NextToken")):
                break
            asked["NextToken"] = token
        return found


def _is_version(call: _Call, version: str) -> bool:
    """Whether this version of Terraform or OpenTofu called; any, where the lock names none."""
    return bool(call.version) and (call.version == version or not version)


def _theirs(assumed: Sequence[_Call], holders: Sequence[_Call], wanted: str) -> Iterator[_Call]:
    """The assumptions that made the holders' sessions, and those that made these; without holders, those of a name.

    A job's own role often assumes another one for Terraform: it is the first link that names the repository.
    """
    if not holders:
        yield from (call for call in assumed if wanted and like(call.made_session, wanted))
        return
    keys = {call.key for call in holders}
    for _ in range(_MOST_LINKS):
        links = [call for call in assumed if call.made_key and call.made_key in keys]
        yield from links
        keys = {call.key for call in links if call.key}


def _judge(calls: Sequence[_Call], trail: _Trail, lock: StoredLock, address: StateAddress, now: datetime) -> _Said:
    """What the last call says: a recent one has a living caller; an old one, or none, says nothing."""
    one = len(trail.keys) == 1
    mine = [call for call in calls if call.arn and call.arn == address.caller]
    others = [call for call in calls if not (call.arn and call.arn == address.caller)]
    match = Match.NAMES_THIS_STATE if one else Match.COULD_BE
    if mine and not others:
        fact = "the only calls since are by these very credentials, so they may be this tool's own"
        return CALLS, Says.NOTHING, match, fact
    if not others:
        whose = (
            "the holder's session" if one else "a session that may be the holder's" if trail.keys else "any Terraform"
        )
        late = "; the record is up to 15 minutes late" if _is_fresh(lock, now) else ""
        fact = f"no call by {whose} is in this region's record since the lock was taken{late}; silence proves nothing"
        return CALLS, Says.NOTHING, match, fact
    last = others[0]
    tool = f"Terraform {last.version}" if last.version else one_line(last.agent, 40) or "another tool"
    whose = "the holder's session" if one else f"{last.session or last.made_by or 'somebody'}, who may be the holder"
    fact = f"the last call by {whose} was {last.name} at {timestamp(last.at)}, with {tool}"
    if now - last.at > DELAY:
        return CALLS, Says.NOTHING, match, f"{fact}; silence since proves nothing"
    if one and not last.version and not any(call.version and now - call.at <= DELAY for call in others):
        # The job may have gone on to its next step with the same credentials.
        return CALLS, Says.BLOCKS, Match.COULD_BE, fact
    return CALLS, Says.BLOCKS, match, fact


def _is_fresh(lock: StoredLock, now: datetime) -> bool:
    created = lock.info.created_at if lock.info else None
    return created is not None and now - created <= DELAY


def _session(trail: _Trail) -> str:
    """Who took the lock, as the record has it: role, session, and what the identity provider said of them."""
    if len(trail.holders) > 1:
        named = ", ".join(dict.fromkeys(call.session or call.made_by for call in trail.holders))
        return f"{len(trail.holders)} sessions began with this version of Terraform just then: {one_line(named, 200)}"
    if trail.assumed:
        return f"taken with {', through '.join(_assumption(call) for call in trail.assumed[:_MOST_LINKS])}"
    call = trail.holders[0]
    return f"taken by {call.arn or call.made_by}, which began at {timestamp(call.at)} from {call.address}"


def _assumption(made: _Call) -> str:
    role = made.role.rsplit("/", 1)[-1]
    by = f" by {made.made_by}" if made.made_by else ""
    where = f" from {made.address}" if made.address else ""
    return f"the role {role}, session {made.made_session}, assumed at {timestamp(made.at)}{by}{where}"


def _call(event: Mapping[str, Any]) -> _Call | None:
    """An event as a call; None when it cannot be read."""
    try:
        record = msgspec.json.decode(str(event.get("CloudTrailEvent") or ""))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    identity, asked, answered = (_map(record, n) for n in ("userIdentity", "requestParameters", "responseElements"))
    at = _moment(event.get("EventTime"), record)
    if at is None or identity.get("type") == "AWSService":
        return None
    return _Call(
        name=_text(record, "eventName"),
        at=at,
        agent=_text(record, "userAgent"),
        key=_text(identity, "accessKeyId") or one_line(str(event.get("AccessKeyId") or ""), 60),
        arn=_text(identity, "arn"),
        address=_text(record, "sourceIPAddress"),
        made_by=_text(identity, "userName") or _text(answered, "subjectFromWebIdentityToken") or _text(identity, "arn"),
        role=_text(asked, "roleArn"),
        made_key=_text(_map(answered, "credentials"), "accessKeyId"),
        made_session=_text(asked, "roleSessionName"),
    )


def _moment(given: object, record: object) -> datetime | None:
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    try:
        return parse_time(_text(record, "eventTime"))
    except ValueError:
        return None


def _map(of: object, name: str) -> Mapping[str, Any]:
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _text(of: object, name: str) -> str:
    found = of.get(name) if isinstance(of, dict) else None
    return one_line(found, 300) if isinstance(found, str) else ""
