"""Incidents on disk: listed, exported, pruned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import Event
from tuirunbook.core.text import one_line
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.problem import Problem, told

if TYPE_CHECKING:
    from tuirunbook.journal.journals import IncidentSummary, Journals, Overview, Pruned
    from tuirunbook.tui.front import IncidentRow


class Archive:
    """The incidents of this machine.

    Raises:
        Problem: From any method: the directory or the journal cannot be read, or no incident is meant.
    """

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters

    @property
    def _journals(self) -> Journals:
        return self._adapters.journals()

    def overview(self) -> Overview:
        """All of them, those that need somebody first, and the journals that tell no incident; each is read once."""
        with told():
            return self._journals.overview()

    def rows(self) -> tuple[IncidentRow, ...]:
        """All of them as the screens show them."""
        return tuple(self._row(summary) for summary in self.overview().incidents)

    def rows_on(self, address: StateAddress) -> tuple[IncidentRow, ...]:
        """Those on this state that are not closed."""
        with told():
            return tuple(self._row(summary) for summary in self._journals.same_address(address))

    def unfinished_on(self, lock_id: str, address: Callable[[], StateAddress]) -> IncidentRow | None:
        """The newest one on this state that is open and that nobody writes."""
        with told():
            summary = self._journals.unfinished(lock_id, address, self._adapters.host())
        return self._row(summary) if summary else None

    def events(self, asked: str) -> tuple[Event, ...]:
        """The events of one incident."""
        with told():
            return self._journals.read(self._journals.find(asked))[0]

    def export(self, asked: str, *, form: str = "md", anonymise: bool = False) -> str:
        """One incident as a document: `md`, or `json`."""
        from tuirunbook.core.postmortem import build, to_markdown  # noqa: PLC0415 - only an export needs it

        with told():
            name = self._journals.find(asked)
            events, chain = self._journals.read(name)
        try:
            document = build(events, chain=chain, zone=self._adapters.zone(), anonymise=anonymise)
        except ValueError as error:
            raise Problem(f"{name} cannot be exported: {error}. {chain.sentence}") from error
        if form == "md":
            return to_markdown(document)
        return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"

    def prune(self, older_than: timedelta, *, dry_run: bool = False) -> Pruned:
        """Remove what was closed longer ago than this; with `dry_run`, only say what would go."""
        from tuirunbook.terraform.children import find  # noqa: PLC0415 - see the package

        with told():
            return self._journals.prune(
                older_than, datetime.now(UTC), alive=lambda child: find(child) is not None, dry_run=dry_run
            )

    def _row(self, summary: IncidentSummary) -> IncidentRow:
        from tuirunbook.journal.journals import resumable  # noqa: PLC0415 - see the package
        from tuirunbook.tui.front import IncidentRow  # noqa: PLC0415 - only the screens need it

        return IncidentRow(
            id=summary.id,
            status=summary.status.value,
            state=summary.address.lock_id,
            opened_at=summary.opened_at,
            operator=summary.operator,
            resumable=resumable(summary, self._adapters.host()) or "",
            training=summary.training,
        )


def summary_object(summary: IncidentSummary, host: str) -> dict[str, object]:
    """One incident for `--json`."""
    from tuirunbook.journal.journals import resumable  # noqa: PLC0415 - see the package

    return {
        "id": summary.id,
        "status": summary.status.value,
        "state": summary.address.lock_id,
        "account": summary.address.account,
        "root": summary.root,
        "opened_at": summary.opened_at,
        "last_at": summary.last_at,
        "released_at": summary.released_at,
        "closed_at": summary.closed_at,
        "operator": summary.operator,
        "host": summary.host,
        "training": summary.training,
        "chain_verified": summary.chain.verified,
        "not_resumable": resumable(summary, host),
    }


def summary_line(summary: IncidentSummary) -> str:
    """One incident for people."""
    damaged = "" if summary.chain.verified else "  DAMAGED: " + summary.chain.sentence
    training = "  (training)" if summary.training else ""
    state = one_line(summary.address.lock_id, 80)
    return f"{summary.id:<22} {summary.status:<9}  {state}  {one_line(summary.operator, 40)}{training}{damaged}"
