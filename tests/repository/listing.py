"""Every state of a checkout, as the tests ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuirunbook.repository.states import States

if TYPE_CHECKING:
    from tests.repository.conftest import Checkout
    from tuirunbook.core.state import State, StateMapping

FULL = '    bucket = "b"\n    key = "k"\n    region = "r"\n    dynamodb_table = "t"\n'


def full(key: str, bucket: str = "b") -> str:
    return f'    bucket = "{bucket}"\n    key = "{key}"\n    region = "r"\n    use_lockfile = true\n'


def states(checkout: Checkout, start: str | None = None, *mappings: StateMapping) -> list[State]:
    found = States(checkout.top, checkout.top, environ=checkout.environ, mappings=mappings)
    return list(found.all(checkout.top / start if start else None))


def places(found: list[State]) -> list[tuple[str, str]]:
    return [(state.root.name, state.root.address().lock_id) for state in found]


def one(checkout: Checkout) -> State:
    (state,) = states(checkout)
    return state
