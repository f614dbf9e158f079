"""What the sources that ask AWS need of whoever makes clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from tuirunbook.core.lock import NotChecked

T = TypeVar("T")


class AwsDoor(Protocol):
    """Makes clients of AWS as the locks are read, and says in plain words why a call did not come back."""

    def client(self, service: str, region: str | None = None) -> Any:
        """The boto3 client of a service, in the backend's region unless another is named.

        Raises what boto3 raises; call it within `ask`.
        """
        ...

    def ask(self, what: str, call: Callable[[], T]) -> T | NotChecked:
        """The call's answer, or why `what` could not be read."""
        ...

    def why_not(self, service: str) -> str:
        """Why a service is not asked at all (the state is kept somewhere else than on AWS), or empty."""
        ...


def told(failure: NotChecked) -> str:
    """A failure and what to do about it, in one sentence."""
    return f"{failure.why}; {failure.advice}" if failure.advice else failure.why
