"""What the bucket tells about a lock: writes of the state since it was taken, its two clocks, and locks before it.

Writes between two looks are seen by every look itself, by version and digest; this reads the history behind them. A
server's times are compared with the server's. Silence proves nothing: one long create writes no state until it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import SKEW, Finding, Match, Says, taken
from tuirunbook.core.lock import NotChecked, Store, StoredLock, parse_time
from tuirunbook.core.text import one_line
from tuirunbook.evidence.aws_door import AwsDoor, told

WRITES, TIMES, EARLIER = "state.writes", "lockfile.times", "lockfile.versions"
RECENT = timedelta(minutes=2)
"""A write that is not older has a living writer: terraform saves at most every 20 s while resources are completed."""

NOTABLE = timedelta(seconds=5)
"""A difference between the clocks that is worth telling."""

MOST_VERSIONS = 200
MOST_READ = 3
_BODY_LIMIT = 64 * 1024


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object, by the server's clock."""

    id: str
    at: datetime
    deleted: bool = False


class _History(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of the state and of its lockfile, newest first, and the server's time.

    Attributes:
        cut: Whether there are older versions that were not read.
    """

    now: datetime
    state: tuple[_Version, ...]
    lockfile: tuple[_Version, ...]
    cut: bool = False


class StateWrites:
    """Reads the versions of the state and of its lockfile.

    Args:
        door: Makes clients.
    """

    name = "writes of the state"
    can_block = True
    asks_aws = True

    def __init__(self, door: AwsDoor) -> None:
        self._door = door

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """Up to three findings: writes, clocks, locks before this one."""
        at = timestamp(now)
        if (clocks := _clocks(lock)) is not None:
            yield _finding(lock, TIMES, Says.NOTHING, clocks, f"LastModified of {address.lockfile_key}", at)
        source = f"s3:ListObjectVersions of {address.lock_id}"
        history = self._door.ask(f"the versions of {address.state_key}", lambda: self._read(address, now))
        if isinstance(history, NotChecked):
            fact = f"whether the state was written since the lock was taken is not known: {told(history)}"
            yield _finding(lock, WRITES, Says.UNKNOWN, fact, source, at)
            return
        says, fact = _writes(lock, history)
        yield _finding(lock, WRITES, says, fact, source, at)
        if (earlier := self._earlier(lock, history, address)) is not None:
            yield _finding(lock, EARLIER, Says.NOTHING, earlier, f"s3:ListObjectVersions of {address.lockfile_key}", at)

    def _read(self, address: StateAddress, now: datetime) -> _History:
        answer = self._door.client("s3").list_object_versions(
            Bucket=address.bucket, Prefix=address.state_key, MaxKeys=MOST_VERSIONS
        )
        return _History(
            now=_server_time(answer) or now,
            state=_versions(answer, address.state_key),
            lockfile=_versions(answer, address.lockfile_key),
            cut=bool(answer.get("IsTruncated")),
        )

    def _earlier(self, lock: StoredLock, history: _History, address: StateAddress) -> str | None:
        """The locks that were in this lockfile before, with who took the last of them."""
        window = taken(lock.info, lock.last_modified)
        before = [
            one
            for one in history.lockfile
            if not one.deleted and one.id not in {lock.version_id, "null"} and (not window or one.at < window.earliest)
        ]
        if not before:
            return None
        whos = [self._who(address, version) for version in before[:MOST_READ]]
        said = ", ".join(f"{timestamp(one.at)} by {who}" for one, who in zip(before, whos, strict=False))
        same = sum(1 for who in whos if lock.info and who == one_line(lock.info.who, 80))
        again = f"; {same} of these by the holder of this one" if same else ""
        more = " or more" if history.cut else ""
        return f"{len(before)}{more} earlier locks are in the bucket's history, the last {len(whos)}: {said}{again}"

    def _who(self, address: StateAddress, version: _Version) -> str:
        def read() -> str:
            answer = self._door.client("s3").get_object(
                Bucket=address.bucket, Key=address.lockfile_key, VersionId=version.id
            )
            with closing(answer["Body"]) as body:
                info = StoredLock.read(Store.S3, body.read(_BODY_LIMIT)).info
            return one_line(info.who, 80) if info else "an unreadable lock"

        who = self._door.ask(f"an earlier version of {address.lockfile_key}", read)
        return "somebody (it could not be read)" if isinstance(who, NotChecked) else who or "nobody named"


def _clocks(lock: StoredLock) -> str | None:
    """How the holder's clock and the server's differ, in words; None when they do not, or one is not known."""
    created = lock.info.created_at if lock.info else None
    if created is None or not lock.last_modified:
        return None
    apart = parse_time(lock.last_modified) - created
    if abs(apart) <= NOTABLE:
        return None
    seconds = round(abs(apart.total_seconds()))
    if apart > timedelta(0):
        return (
            f"the lockfile was written {seconds} s after its Created: the holder waited so long for the lock, "
            "or its clock is behind the server's"
        )
    return (
        f"the lockfile was written {seconds} s before its Created: the holder's clock is ahead of the server's by at "
        "least that, and so are the times it tells"
    )


def _writes(lock: StoredLock, history: _History) -> tuple[Says, str]:
    """What the state's versions say about a living writer."""
    since = _since(lock)
    if since is None:
        return Says.NOTHING, "the lock does not say when it was taken, so writes of the state tell nothing"
    written = [one for one in history.state if one.at > since]
    if not written:
        latest = f"; the last was at {timestamp(history.state[0].at)}" if history.state else ""
        silence = "silence proves nothing, since a long create writes none"
        return Says.NOTHING, f"the state was not written since the lock was taken{latest}; {silence}"
    last = written[0]
    kept = "" if last.id == "null" else f", version {one_line(last.id, 60)}"
    times = "at least once" if last.id == "null" else f"{len(written)} times" if len(written) > 1 else "once"
    fact = f"the state was written {times} since the lock was taken, last at {timestamp(last.at)}{kept}"
    if history.now - last.at <= RECENT:
        return Says.BLOCKS, f"{fact}, which is within {int(RECENT.total_seconds() // 60)} minutes of the look at it"
    return Says.NOTHING, f"{fact}: somebody wrote until then, and silence since proves nothing"


def _since(lock: StoredLock) -> datetime | None:
    """From when a write surely came after the lock was taken, by the server's clock."""
    if lock.last_modified:
        return parse_time(lock.last_modified)
    created = lock.info.created_at if lock.info else None
    return created + SKEW if created else None


def _versions(answer: Mapping[str, Any], key: str) -> tuple[_Version, ...]:
    entries: Sequence[Mapping[str, Any]] = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
    found = [
        _Version(id=str(entry["VersionId"]), at=entry["LastModified"].astimezone(UTC), deleted="ETag" not in entry)
        for entry in entries
        if entry["Key"] == key
    ]
    return tuple(sorted(found, key=lambda version: version.at, reverse=True))


def _server_time(answer: Mapping[str, Any]) -> datetime | None:
    headers: Mapping[str, str] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def _finding(lock: StoredLock, key: str, says: Says, fact: str, source: str, at: str) -> Finding:
    match = Match.COULD_BE if says is Says.UNKNOWN else Match.NAMES_THIS_STATE
    return Finding(key=key, lock=lock.identity, says=says, match=match, fact=fact, source=source, observed_at=at)
