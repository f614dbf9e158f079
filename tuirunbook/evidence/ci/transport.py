"""Asking a CI system: over HTTPS, or through a command line program that holds the login."""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from tuirunbook.core.text import one_line

if TYPE_CHECKING:
    import httpx

TIMEOUT = 5.0
"""Seconds that an answer may take."""

LOG_TIMEOUT = 15.0
"""Seconds that a log may take."""

BUDGET = 25.0
"""Seconds that all questions of one look may take together."""

MOST_BYTES = 20_000_000
"""What is read of an answer at most."""

_MOST_REDIRECTS = 3
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _BROKEN, _OK_BELOW = 401, 403, 404, 429, 500, 300
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Params = Sequence[tuple[str, str]]


class NotAskedError(Exception):
    """A CI system could not be asked.

    Attributes:
        sentence: What went wrong, without a full stop.
        how: What to do so that it can be asked; may be empty.
        status: The HTTP status, or 0.
    """

    def __init__(self, sentence: str, how: str = "", status: int = 0) -> None:
        self.sentence = one_line(sentence, 400)
        self.how = one_line(how, 600)
        self.status = status
        super().__init__(f"{self.sentence}. {self.how}".strip())


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer: status, headers by lower-case name, body, and whether the body was cut at `MOST_BYTES`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False

    @property
    def text(self) -> str:
        """The body as text; what cannot be decoded is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def date(self) -> datetime | None:
        """The server's clock."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (TypeError, ValueError):
            return None

    @property
    def next_page(self) -> str | None:
        """The address of the next page, from the `Link` header (RFC 8288)."""
        for part in self.headers.get("link", "").split(","):
            address, _, rest = part.partition(";")
            if 'rel="next"' in rest.replace(" ", "") or "rel=next" in rest.replace(" ", ""):
                return address.strip().strip("<>")
        return None


class Transport(Protocol):
    """One way to ask one host, as one login."""

    @property
    def host(self) -> str:
        """The host that is asked."""
        ...

    @property
    def login(self) -> str:
        """By what it is logged in, for people (`gh`, `GITLAB_TOKEN`)."""
        ...

    @property
    def renew(self) -> str:
        """What to do when the login is refused."""
        ...

    def send(self, path: str, params: Params = (), *, timeout: float = TIMEOUT) -> Answer:
        """The answer to a GET, whatever its status.

        Raises:
            NotAskedError: There was none.
        """
        ...


class Http:
    """Over HTTPS, with the token in a header. The token is sent to the base's own origin and nowhere else.

    Args:
        base: The API's address (`https://api.github.com`), without a slash at its end.
        headers: What authenticates, and what the API wants besides.
        login: By what it is logged in, for people.
        renew: What to do when the login is refused.
    """

    def __init__(self, base: str, headers: Mapping[str, str], *, login: str, renew: str) -> None:
        self._base = base.rstrip("/")
        self._headers = dict(headers)
        self._login = login
        self._renew = renew

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self._base).netloc

    @property
    def login(self) -> str:
        """By what it is logged in."""
        return self._login

    @property
    def renew(self) -> str:
        """What to do when the login is refused."""
        return self._renew

    def send(self, path: str, params: Params = (), *, timeout: float = TIMEOUT) -> Answer:
        """The answer to a GET; redirects are followed, to another host without any header of ours."""
        import httpx  # noqa: PLC0415 - a quarter of a second, and only who asks a CI system pays

        address = path if "://" in path else f"{self._base}/{path.lstrip('/')}"
        if params:
            address += f"?{urlencode(list(params))}"
        if not self._is_ours(address):
            raise NotAskedError(f"{self.host} named a page on another host, {urlsplit(address).netloc}")
        deadline = time.monotonic() + timeout
        try:
            with httpx.Client(timeout=timeout, follow_redirects=False, verify=self._trust) as client:
                for _ in range(_MOST_REDIRECTS + 1):
                    headers = self._headers if self._is_ours(address) else {}
                    answer = self._receive(client, address, headers, deadline)
                    target = answer.headers.get("location")
                    if answer.status not in _REDIRECTS or not target:
                        return answer
                    address = self._redirected(address, target)
        except httpx.TimeoutException:
            raise NotAskedError(f"{self.host} did not answer within {timeout:.0f} s", "Ask again later.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(self.host, error) from None
        raise NotAskedError(f"{self.host} sent us from one address to the next")

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The authorities that are trusted, read once: reading them takes longer than an answer."""
        import httpx  # noqa: PLC0415 - as above

        return httpx.create_ssl_context()

    def _receive(self, client: httpx.Client, address: str, headers: Mapping[str, str], deadline: float) -> Answer:
        import httpx  # noqa: PLC0415 - as above

        chunks: list[bytes] = []
        size = 0
        with client.stream("GET", address, headers={**headers, "User-Agent": "tflock-tui"}) as response:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > MOST_BYTES:
                    break
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("too slow")
            received = {name.lower(): value for name, value in response.headers.items()}
            body = b"".join(chunks)[:MOST_BYTES]
            return Answer(status=response.status_code, headers=received, body=body, cut=size > MOST_BYTES)

    def _redirected(self, address: str, target: str) -> str:
        redirected = urljoin(address, target)
        scheme = urlsplit(redirected).scheme
        if scheme != "https" and scheme != urlsplit(self._base).scheme:
            raise NotAskedError(f"{self.host} sent us to an address that is not HTTPS")
        return redirected

    def _is_ours(self, address: str) -> bool:
        return urlsplit(address)[:2] == urlsplit(self._base)[:2]


class Program:
    """Through `gh api` or `glab api`: the program holds the login, we never see it.

    Args:
        command: The program and what comes before the path (`gh api --include --method GET --hostname HOST`).
        host: The host that is asked.
        environ: The environment that the program gets; tokens that are for another host must not be in it.
        renew: What to do when the login is refused.
    """

    def __init__(self, command: Sequence[str], *, host: str, environ: Mapping[str, str], renew: str) -> None:
        self._command = tuple(command)
        self._host = host
        self._environ = dict(environ)
        self._renew = renew

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._host

    @property
    def login(self) -> str:
        """By what it is logged in."""
        return PurePath(self._command[0]).name

    @property
    def renew(self) -> str:
        """What to do when the login is refused."""
        return self._renew

    def send(self, path: str, params: Params = (), *, timeout: float = TIMEOUT) -> Answer:
        """The answer to a GET, as the program prints it with its headers."""
        if "://" in path:
            parts = urlsplit(path)
            if parts.hostname not in {self._host.partition(":")[0], f"api.{self._host}"}:
                raise NotAskedError(f"{self.host} named a page on another host, {parts.netloc}")
            prefix = next((one for one in ("/api/v3/", "/api/v4/") if parts.path.startswith(one)), "/")
            path = parts.path.removeprefix(prefix) + (f"?{parts.query}" if parts.query else "")
        address = path.lstrip("/") + (f"?{urlencode(list(params))}" if params else "")
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
            try:
                subprocess.run(  # noqa: S603 - an argument list; the address is the last of it and no flag
                    [*self._command, address],
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=complained,
                    timeout=timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                sentence = f"{self.host} did not answer within {timeout:.0f} s"
                raise NotAskedError(sentence, "Ask again later.") from None
            except OSError as error:
                raise NotAskedError(f"{self.login} cannot be started: {error.strerror}") from None
            return self._printed(_read(said), _read(complained).decode("utf-8", "replace"))

    def _printed(self, output: bytes, complaint: str) -> Answer:
        head, found, body = _split(output)
        status, _, lines = head.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n")
        words = status.split()
        if not found or len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():  # noqa: PLR2004
            said = one_line(complaint, 300) or "it said nothing"
            raise NotAskedError(f"{self.login} could not ask {self.host}: {said}", self.renew)
        pairs = (line.partition(":") for line in lines.splitlines())
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Answer(status=int(words[1]), headers=headers, body=body, cut=len(output) >= MOST_BYTES)


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(MOST_BYTES)


def _split(output: bytes) -> tuple[bytes, bool, bytes]:
    """Headers and body: they are apart by an empty line, whichever line ends the program writes."""
    places = [(output.find(gap), gap) for gap in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if gap in output[:200_000]]
    if not places:
        return b"", False, b""
    place, gap = min(places)
    return output[:place], True, output[place + len(gap) :]


def _unreachable(host: str, error: Exception) -> NotAskedError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return NotAskedError(f"the certificate of {host} is not trusted", "Set SSL_CERT_FILE to your own authority's.")
    return NotAskedError(
        f"{host} cannot be reached ({one_line(str(error), 120) or type(error).__name__})",
        "Check the network, VPN and proxy (HTTPS_PROXY), then ask again.",
    )


class Api:
    """A JSON API behind a transport; refusals become sentences with what to do about them.

    Attributes:
        skew: The server's clock minus ours, as the last answer showed it.
        rights: What a login needs to read here, for people.
    """

    def __init__(self, transport: Transport, *, rights: str) -> None:
        self.transport = transport
        self.skew = timedelta(0)
        self.rights = rights
        self._deadline = float("inf")

    def begin(self, budget: float = BUDGET) -> None:
        """From here on all questions together may take `budget` seconds."""
        self._deadline = time.monotonic() + budget

    def get(self, path: str, params: Params = ()) -> Any:
        """The JSON at a path.

        Raises:
            NotAskedError: It was refused, or is not JSON.
        """
        return _json(self._accepted(path, params), self.transport.host)

    def pages(self, path: str, params: Params = (), *, most: int = 3) -> Iterator[Any]:
        """The JSON of a path and of the pages after it, at most `most` of them; None follows when there are more."""
        address: str | None = path
        for _ in range(most):
            if address is None:
                return
            answer = self._accepted(address, params)
            yield _json(answer, self.transport.host)
            address, params = answer.next_page, ()
        if address is not None:
            yield None

    def log(self, path: str, params: Params = ()) -> str:
        """A log as text; one that is too long is cut, with a note at its end.

        Raises:
            NotAskedError: It was refused.
        """
        answer = self._accepted(path, params, timeout=LOG_TIMEOUT)
        return answer.text + (f"\n[tflock-tui: cut after {MOST_BYTES} bytes]" if answer.cut else "")

    def _accepted(self, path: str, params: Params, *, timeout: float = TIMEOUT) -> Answer:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NotAskedError(f"{self.transport.host} took too long for all that it was asked", "Ask again later.")
        answer = self.transport.send(path, params, timeout=min(timeout, left))
        if (date := answer.date) is not None:
            self.skew = date - datetime.now(UTC).replace(microsecond=0)
        if answer.status < _OK_BELOW:
            return answer
        raise self._refused(answer)

    def _refused(self, answer: Answer) -> NotAskedError:
        host, login, status = self.transport.host, self.transport.login, answer.status
        if status == _TOO_MANY or (status == _FORBIDDEN and _limited(answer)):
            return NotAskedError(f"{host} has had enough questions from this login", _when(answer), status)
        if status == _UNAUTHORISED:
            return NotAskedError(f"{host} refuses the login of {login}", self.transport.renew, status)
        if status == _FORBIDDEN:
            sentence = f"{host} does not let the login of {login} read this ({_message(answer)})"
            return NotAskedError(
                sentence, f"It needs {self.rights}; an organisation may ask for single sign-on.", status
            )
        if status == _NOT_FOUND:
            sentence = f"{host} knows no such thing, or does not show it to the login of {login}"
            return NotAskedError(sentence, f"Check the remote; the login needs {self.rights}.", status)
        if status >= _BROKEN:
            return NotAskedError(f"{host} answered with error {status}", "Ask again later.", status)
        return NotAskedError(f"{host} answered with {status} ({_message(answer)})", "", status)


def _limited(answer: Answer) -> bool:
    headers = answer.headers
    return (
        headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers or b"rate limit" in answer.body.lower()
    )


def _when(answer: Answer) -> str:
    headers = answer.headers
    reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
    if headers.get("retry-after", "").isdigit():
        return f"Ask again in {headers['retry-after']} s."
    if reset.isdigit() and len(reset) <= 11:  # noqa: PLR2004 - seconds since the epoch, of this era
        return f"Ask again after {datetime.fromtimestamp(int(reset), UTC):%H:%M:%SZ}."
    return "Ask again in some minutes."


def _message(answer: Answer) -> str:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return "no reason given"
    reason = said.get("message") or said.get("error") if isinstance(said, dict) else None
    return one_line(str(reason), 160) if reason else "no reason given"


def _json(answer: Answer, host: str) -> Any:
    if answer.cut:
        raise NotAskedError(f"{host} answered with more than {MOST_BYTES // 1_000_000} MB")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        what = "a web page" if answer.body.lstrip()[:1] == b"<" else "something that is not JSON"
        how = "A proxy or a login page may stand in between; open it in a browser."
        raise NotAskedError(f"{host} answered with {what} instead of JSON", how, answer.status) from None
