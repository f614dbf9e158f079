"""The people, the history and the repository around a root, and the channel of the user's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tuirunbook.core.backend import RootModule
from tuirunbook.core.recurrence import Earlier, earlier
from tuirunbook.core.values import JournalError
from tuirunbook.evidence.aws_door import AwsDoor
from tuirunbook.evidence.causes import Causes, HolderRole
from tuirunbook.evidence.people import People, Webhook
from tuirunbook.evidence.recurrence import Recurrence
from tuirunbook.walk.ports import EvidenceSource
from tuirunbook.wiring.problem import Problem

if TYPE_CHECKING:
    from tuirunbook.journal.journals import Journals

MOST_INCIDENTS = 200


def team_sources(root: RootModule, journals: Callable[[], Journals], door: AwsDoor) -> tuple[EvidenceSource, ...]:
    """Those that look into the checkout, its history, and the incidents of this machine; none of them can block.

    Args:
        root: The root module.
        journals: Where incidents are kept.
        door: Asks AWS as whom the locks are read.
    """
    recurrence = Recurrence(lambda: past_incidents(journals))
    if root.checkout is None:
        return (recurrence, HolderRole(door, lambda: _roles(root, ())))
    checkout = Path(root.checkout)
    causes = Causes(checkout)
    role = HolderRole(door, lambda: _roles(root, causes.roles()))
    if root.directory is None:
        return (recurrence, causes, role)
    return (People(checkout, Path(root.directory)), recurrence, causes, role)


def past_incidents(journals: Callable[[], Journals]) -> Iterator[Earlier]:
    """The latest incidents of this machine; one that cannot be read is left out."""
    try:
        kept = journals()
        names = kept.names()
    except (JournalError, Problem):
        return
    for name in names[-MOST_INCIDENTS:]:
        try:
            found = earlier(kept.read(name)[0])
        except (JournalError, ValueError):
            continue
        if found is not None:
            yield found


def channel(address: str, read_only: str) -> Webhook | None:
    """The team's channel, by the webhook of the user's own settings; None where there is none.

    Raises:
        Problem: The address is none; the sentence does not repeat it.
    """
    if not address:
        return None
    try:
        return Webhook(address, lambda: read_only)
    except ValueError as error:
        raise Problem(f"The settings cannot be used: {error}.", "Correct webhook in your config.toml.") from None


def _roles(root: RootModule, named: Iterable[str]) -> tuple[str, ...]:
    """The roles that CI files name, then the one that the backend itself assumes."""
    flat, block = root.backend.text("role_arn"), root.backend.block("assume_role").get("role_arn")
    own = [role for role in (flat, block) if isinstance(role, str) and role.startswith("arn:")]
    return tuple(dict.fromkeys((*named, *own)))
