"""Whether the instance with the holder's private address lives, ended, or was started anew since the lock was taken.

A private address is a name in one network only. What is found, or not found, in the account and region of the
credentials counts where the settings declare that this holder lives there; elsewhere it could be about another machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says, Taken, taken
from tuirunbook.core.holder import Holder, WhoRule, read_who
from tuirunbook.core.lock import NotChecked, StoredLock
from tuirunbook.core.text import one_line
from tuirunbook.evidence.aws_door import AwsDoor, told
from tuirunbook.evidence.seen import Seen

KEY = "host.ec2"
MOST_INSTANCES = 50
ALIVE = ("holder-host=host-gone",)
"""What a host that lives on contradicts."""

_TRANSITION = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_LIVING = frozenset({"pending", "running", "stopping", "shutting-down"})


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is looked, and whether the settings say that the holder lives there."""

    ip: str
    region: str
    account: str
    declared: bool

    @property
    def words(self) -> str:
        return f"{self.ip} in {self.region}, account {self.account or 'not known'}"


class Ec2:
    """Asks EC2 for the instance with the address that the holder's name carries.

    Args:
        door: Makes clients.
        rules: What the settings say about holders.
    """

    name = "EC2"
    can_block = False
    asks_aws = True

    def __init__(self, door: AwsDoor, rules: Sequence[WhoRule] = ()) -> None:
        self._door = door
        self._rules = tuple(rules)

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding; none where the holder's name carries no private address."""
        holder = read_who(lock.info.who, self._rules) if lock.info else Holder(who="")
        ip = holder.fact("address")
        if not ip:
            return
        place = _place(holder, ip, address)
        home = holder.home.account if holder.home else ""
        source = f"ec2:DescribeInstances, private address {place.words}"
        if why := self._door.why_not("ec2"):
            seen, match = (
                Seen(says=Says.UNKNOWN, words=f"the instance at {ip} was not looked for: {why}"),
                Match.COULD_BE,
            )
        elif home and address.account and home != address.account:
            words = (
                f"the instance at {ip} was not looked for: by the settings it lives in account {home}, and these "
                f"credentials are for {address.account}; ask with a profile of that account (--profile NAME)"
            )
            seen, match = Seen(says=Says.UNKNOWN, words=words), Match.COULD_BE
        else:
            seen = self._look(place, lock, holder)
            match = Match.NAMES_THIS_STATE if place.declared else Match.COULD_BE
        yield seen.about(lock, KEY, source, now, match=match, opposes=ALIVE if place.declared else ())

    def _look(self, place: _Place, lock: StoredLock, holder: Holder) -> Seen:
        instances = self._door.ask(f"the instances in {place.region}", lambda: self._instances(place))
        if isinstance(instances, NotChecked):
            return Seen(
                says=Says.UNKNOWN, words=f"the instance at {place.ip} could not be looked for: {told(instances)}"
            )
        if not instances:
            return self._absent(place, holder)
        seen = _together([_read(instance, taken(lock.info, lock.last_modified)) for instance in instances])
        doubt = "" if place.declared else f"; another network may have the same address, {_how_to_declare(holder)}"
        return msgspec.structs.replace(seen, words=f"{place.ip}: {seen.words}{doubt}")

    def _instances(self, place: _Place) -> list[Mapping[str, Any]]:
        pages = (
            self._door.client("ec2", place.region)
            .get_paginator("describe_instances")
            .paginate(
                Filters=[{"Name": "private-ip-address", "Values": [place.ip]}],
                PaginationConfig={"MaxItems": MOST_INSTANCES},
            )
        )
        return [one for page in pages for group in _listed(page, "Reservations") for one in group["Instances"]]

    def _absent(self, place: _Place, holder: Holder) -> Seen:
        """No instance has the address; it supports only where it must have been, and nothing else has it now."""
        if not place.declared:
            words = f"no instance has {place.words}; that says nothing, {_how_to_declare(holder)}"
            return Seen(says=Says.NOTHING, words=words)
        interfaces = self._door.ask(f"the network interfaces in {place.region}", lambda: self._interfaces(place))
        if isinstance(interfaces, NotChecked):
            words = f"no instance has {place.words}, but whether a task or pod has it is not known: {told(interfaces)}"
            return Seen(says=Says.UNKNOWN, words=words)
        if interfaces:
            what = one_line(str(interfaces[0].get("Description") or "no description"), 120)
            words = f"no instance has {place.words}, but a network interface does ({what}): it may be a task or a pod"
            return Seen(says=Says.NOTHING, words=words)
        words = f"nothing has {place.words} any more, where this holder lives by the settings"
        return Seen(says=Says.SUPPORTS, words=words)

    def _interfaces(self, place: _Place) -> list[Mapping[str, Any]]:
        answer = self._door.client("ec2", place.region).describe_network_interfaces(
            Filters=[{"Name": "addresses.private-ip-address", "Values": [place.ip]}]
        )
        return _listed(answer, "NetworkInterfaces")


def _listed(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """What the answer lists; EC2 says so when that is nothing, and a page that is not EC2's says nothing."""
    if name not in answer:
        raise ConnectionError("the answer is none of EC2's")
    return list(answer[name])


def _place(holder: Holder, ip: str, address: StateAddress) -> _Place:
    home = holder.home
    named = holder.fact("region") or ("us-east-1" if holder.host.casefold().endswith(".ec2.internal") else "")
    region = (home.region if home else "") or named
    account = address.account or ""
    agree = not (home and home.region and named) or home.region == named
    declared = bool(home and home.account and home.account == account and region and agree)
    return _Place(ip=ip, region=region or address.region, account=account, declared=declared)


def _how_to_declare(holder: Holder) -> str:
    host = one_line(holder.host, 60)
    return f'unless the settings say where it lives: [[who]] matches = "*@{host}", account = "…", region = "…"'


def _read(instance: Mapping[str, Any], window: Taken | None) -> Seen:
    state = str(instance.get("State", {}).get("Name", ""))
    name = one_line(str(instance.get("InstanceId", "an instance")), 40)
    launched = _moment(instance.get("LaunchTime"))
    since = timestamp(launched) if launched else "an unknown time"
    if state in _LIVING:
        if launched and window and window.is_before(launched) and state in {"pending", "running"}:
            words = f"{name} was launched at {since}, after the lock was taken: what ran there before has ended"
            return Seen(says=Says.SUPPORTS, words=words)
        words = (
            f"{name} is {state}, launched at {since}: the host lives, and whether terraform does, a look there tells"
        )
        return Seen(says=Says.NOTHING, words=words, alive=True)
    hibernates = bool((instance.get("HibernationOptions") or {}).get("Configured"))
    if state == "stopped" and hibernates:
        words = f"{name} is stopped and can hibernate: its processes may go on when it is started"
        return Seen(says=Says.NOTHING, words=words, alive=True)
    ended = _transition(str(instance.get("StateTransitionReason") or ""))
    when = f" at {timestamp(ended)}" if ended else ""
    if state == "stopped" or (state == "terminated" and ended):
        return Seen(says=Says.SUPPORTS, words=f"{name} was {state}{when}", ended_at=ended)
    return Seen(says=Says.NOTHING, words=f"{name} is {state or 'in an unknown state'}; since when is not told")


def _together(seen: Sequence[Seen]) -> Seen:
    """What several instances with one address come to: one that may live outweighs those that ended."""
    said = (Says.NOTHING, Says.SUPPORTS)
    says = next(one for one in said if any(each.says is one for each in seen))
    ends = [each.ended_at for each in seen if each.ended_at]
    return Seen(
        says=says,
        words="; ".join(_first(each.words for each in seen)),
        alive=any(each.alive for each in seen),
        ended_at=min(ends) if ends and says is Says.SUPPORTS else None,
    )


_MOST_TOLD = 3


def _first(words: Iterable[str]) -> Iterator[str]:
    every = list(words)
    yield from every[:_MOST_TOLD]
    if len(every) > _MOST_TOLD:
        yield f"and {len(every) - _MOST_TOLD} more"


def _moment(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None


def _transition(reason: str) -> datetime | None:
    match = _TRANSITION.search(reason)
    try:
        return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
