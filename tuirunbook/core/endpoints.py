"""What is known about the services behind S3 endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def honours_if_match(endpoint: str | None, known: Iterable[str] = ()) -> bool:
    """Whether a delete with `If-Match` is conditional there (S3).

    Args:
        endpoint: The S3 endpoint's URL, or None for AWS's own.
        known: Other endpoints that are known to honour it.

    A store that ignores the header deletes whatever lock it holds by then, so an unknown service does not count.
    """
    if endpoint is None or endpoint.rstrip("/") in {url.rstrip("/") for url in known}:
        return True
    url = urlsplit(endpoint)
    return url.scheme == "https" and (url.hostname or "").endswith(_AWS_DOMAINS)
