"""Who works on a root, by git and CODEOWNERS, and a webhook to ask them through.

An author of commits is somebody to ask, not the holder: nothing here weighs in the verdict.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.lock import StoredLock
from tuirunbook.core.people import AUTHORS, OWNERS, WHO, Author, authors, owners, tied
from tuirunbook.core.text import one_line

BEFORE, AFTER = timedelta(days=90), timedelta(days=1)
MOST_COMMITS = 300
TIMEOUT_SECONDS = 5.0
_MOST_NAMED = 4
_MOST_BYTES = 3_000_000
_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""GitHub takes the first of the first three; GitLab looks at the top, in `docs` and in `.gitlab`."""


class People:
    """Asks git and CODEOWNERS who works on a root.

    Args:
        checkout: The top of the work tree.
        directory: The root module's directory in it.
    """

    name = "people of this root"
    can_block = False

    def __init__(self, checkout: Path, directory: Path) -> None:
        self._checkout = checkout
        self._directory = directory

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """Up to three findings: recent authors, those among them that the lock's Who may be, owners."""
        del address
        path = self._relative()
        created = (lock.info.created_at if lock.info else None) or now
        found = self.authors(created)
        where = path or "the checkout's top"
        command = f"git log --all -- {path or '.'}"
        if isinstance(found, str):
            yield _finding(lock, AUTHORS, f"who works on {where} is not known: {found}", command, now)
        else:
            yield _finding(lock, AUTHORS, _who_works(found, where), command, now)
            if fact := _who_it_may_be(lock, found):
                yield _finding(lock, WHO, fact, command, now)
        for file, named in self._owners(path):
            fact = f"owners of {where}: {', '.join(named)}" if named else f"nobody owns {where} by {file}"
            yield _finding(lock, OWNERS, fact, file, now)

    def authors(self, around: datetime) -> tuple[Author, ...] | str:
        """Those who committed to the root in the 90 days before, on any branch; or why that cannot be told."""
        try:
            import git  # noqa: PLC0415 - a tenth of a second
        except ImportError:
            return "there is no git program here"
        since, until = around - BEFORE, around + AFTER
        try:
            with git.Repo(self._checkout) as repository:
                said = repository.git.log(
                    "--all",
                    "--use-mailmap",
                    "--no-show-signature",
                    f"--max-count={MOST_COMMITS}",
                    f"--since={since.isoformat()}",
                    f"--until={until.isoformat()}",
                    "--format=%aN%x00%aE%x00%ct",
                    "--",
                    self._relative() or ".",
                    kill_after_timeout=TIMEOUT_SECONDS,
                )
        except (git.GitError, OSError, ValueError) as error:
            return f"git says: {one_line(str(getattr(error, 'stderr', '') or error), 200)}"
        return authors(_commits(str(said)))

    def _relative(self) -> str:
        try:
            path = self._directory.resolve().relative_to(self._checkout.resolve()).as_posix()
        except ValueError:
            return ""
        return "" if path == "." else path

    def _owners(self, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        for place in _PLACES:
            file = self._checkout / place
            try:
                if file.is_file() and file.stat().st_size <= _MOST_BYTES:
                    yield place, owners(file.read_bytes().decode("utf-8", "replace"), path)
                    return
            except OSError:
                continue


def _commits(said: str) -> Iterator[tuple[str, str, datetime]]:
    for line in said.splitlines():
        name, _, rest = line.partition("\0")
        email, _, seconds = rest.partition("\0")
        if seconds.isdigit():
            yield one_line(name, 100), one_line(email, 200), datetime.fromtimestamp(int(seconds), UTC)


def _who_works(found: tuple[Author, ...], where: str) -> str:
    if not found:
        return f"nobody committed to {where} in the {BEFORE.days} days before the lock"
    named = ", ".join(author.words for author in found[:_MOST_NAMED])
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"lately at work on {where}: {named}{more}"


def _who_it_may_be(lock: StoredLock, found: tuple[Author, ...]) -> str:
    who = lock.info.who if lock.info else ""
    likely = tied(who, found)[:_MOST_NAMED]
    named = "; ".join(f"{one_line(author.name, 60)} ({how})" for author, how in likely)
    return f"{one_line(who, 100)} may be {named}" if named else ""


def _finding(lock: StoredLock, key: str, fact: str, source: str, now: datetime) -> Finding:
    return Finding(
        key=key,
        lock=lock.identity,
        says=Says.NOTHING,
        match=Match.COULD_BE,
        fact=one_line(fact, 900),
        source=one_line(source, 300),
        observed_at=timestamp(now),
    )


class Webhook:
    """An incoming webhook of Slack's shape (`{"text": …}`), which Mattermost, Rocket.Chat and Google Chat take as well.

    Its address is a secret, and is told by its host alone. It is one of the user's own settings: a repository's cannot
    name it (S14).

    Args:
        address: Where to post; HTTPS, or plain HTTP on this machine.
        read_only: Where read-only was asked for, or empty; nothing is posted then (S11).

    Raises:
        ValueError: The address is no such address; the sentence does not repeat it.
    """

    def __init__(self, address: str, read_only: Callable[[], str] = str) -> None:
        parts = urlsplit(address)
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))):
            raise ValueError("the webhook of the settings is no https:// address")
        self._address = address
        self._read_only = read_only
        self.host = parts.hostname

    def post(self, text: str) -> str:
        """Post a message that was shown; what came of it, in a sentence that begins with `posted` when it was taken.

        There is one attempt: a lost reply must not become the same message twice.
        """
        if where := self._read_only():
            return f"not posted: this is read-only ({where})"
        import httpx  # noqa: PLC0415 - only who posts pays

        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
                status = client.post(self._address, json={"text": plain(text)}).status_code
        except httpx.ConnectError:
            return f"not posted: {self.host} cannot be reached"
        except httpx.HTTPError as error:
            return f"perhaps posted: {self.host} did not answer ({type(error).__name__}); look there"
        except (httpx.InvalidURL, OSError) as error:
            return f"not posted: {type(error).__name__}"
        return f"posted to {self.host}" if httpx.codes.is_success(status) else f"not posted: {self.host} said {status}"


def plain(text: str) -> str:
    """`text` without what Slack takes for markup: a lock's Who can call no channel and show no false link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
