"""Work off the screen's thread that leaving never waits for.

Textual's thread workers and `asyncio.to_thread` run in the event loop's executor, whose end whoever leaves waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from textual.message_pump import MessagePump

from tuirunbook import threads

Node = TypeVar("Node", bound=MessagePump)
P = ParamSpec("P")
R = TypeVar("R")


def in_background(work: Callable[Concatenate[Node, P], None]) -> Callable[Concatenate[Node, P], None]:
    """A method whose calls return at once, each doing its work in a daemon thread.

    It hands results over with `post_message` or `call_later`, which drop them where the node has gone. What it does not
    handle is shown as a notice.
    """

    def begin(node: Node, /, *args: P.args, **kwargs: P.kwargs) -> None:
        def do() -> None:
            try:
                work(node, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
                _tell(node, f"{type(error).__name__}: {error}")

        threads.aside(_here(do), work.__name__)

    functools.update_wrapper(begin, work)
    return begin


async def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `work` returns, or raises; it is done in a daemon thread meanwhile."""
    do = _here(functools.partial(work, *args, **kwargs))
    return await asyncio.wrap_future(threads.aside(do, getattr(work, "__name__", "aside")))


def _here(do: Callable[[], R]) -> Callable[[], R]:
    """`do` in today's context, in which Textual finds the application, and whose messages are held back."""
    return functools.partial(contextvars.copy_context().run, do)


def _tell(node: MessagePump, sentence: str) -> None:
    from tuirunbook.core.text import clean  # noqa: PLC0415 - not needed to paint

    # Where the application has gone there is no event loop to hand anything to, and nobody to tell.
    with contextlib.suppress(Exception):
        node.app.call_later(node.app.notify, clean(sentence), severity="error", timeout=10, markup=False)
