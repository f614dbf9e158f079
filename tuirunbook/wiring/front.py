"""What the screens ask for, over the real world. It satisfies `tui.front.Front`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuirunbook.core.address import AddressError, StateAddress
from tuirunbook.core.backend import RootModule
from tuirunbook.core.events import Event
from tuirunbook.core.runbook import Runbook
from tuirunbook.survey.states import StateRow
from tuirunbook.tui.front import IncidentRow, NoRoot
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.archive import Archive
from tuirunbook.wiring.books import Books
from tuirunbook.wiring.problem import Problem
from tuirunbook.wiring.states import fresh
from tuirunbook.wiring.surveying import survey

if TYPE_CHECKING:
    from tuirunbook.evidence.people import Webhook
    from tuirunbook.walk.following import AnyWalk
    from tuirunbook.walk.messages import Message
    from tuirunbook.wiring.finder import Finder
    from tuirunbook.wiring.opening import Opening


class WiredFront:
    """The real world behind the screens.

    Args:
        adapters: Makes the adapters.
        opening: Opens walks; over the real world by default.
        finder: Finds the states for the first survey already, or None.
    """

    def __init__(self, adapters: Adapters, opening: Opening | None = None, *, finder: Finder | None = None) -> None:
        self._adapters = adapters
        self._finder = finder
        self._archive = Archive(adapters)
        self._given = opening
        self._listed: list[RootModule] = []

    @property
    def _opening(self) -> Opening:
        """Imported with the first walk: a list of states is on the screen sooner without the walk's room."""
        from tuirunbook.wiring.opening import Opening  # noqa: PLC0415 - see above

        return self._given or Opening(self._adapters)

    @property
    def keymap(self) -> Mapping[str, str]:
        """The user's keys, by command ID."""
        return self._adapters.settings.user.keymap

    @property
    def theme(self) -> str | None:
        """The user's theme."""
        return self._adapters.settings.user.theme

    def find(self) -> RootModule | Sequence[RootModule] | NoRoot:
        """The root module to walk, several to choose from, or why there is none."""
        try:
            return self._adapters.roots.find()
        except Problem as problem:
            return _no_root(problem)

    def compare(self, root: RootModule) -> RootModule:
        """The root with what its files say differently; it reads HCL, so it is for after the first look."""
        try:
            return self._adapters.roots.compare(root)
        except Problem:
            return root

    def open_walk(self, root: RootModule, publish: Callable[[Message], None], runbook: str = "") -> AnyWalk:
        """A walk of this root, not started yet; of the runbook that the options or the error ask for, unless named.

        Where another session of this machine writes an incident on this state, that one, to be read along.

        Raises:
            Problem: It cannot be walked as it stands.
        """
        if root in self._listed:
            # a list may show what an earlier start remembered; what is acted on is read now
            root = fresh(self._adapters, root)
        return self._opening.open(root, publish, runbook)

    def resume_walk(self, incident: str, publish: Callable[[Message], None]) -> AnyWalk:
        """A walk that goes on with an incident; where another session writes it, one that reads along.

        Raises:
            JournalError: It cannot be resumed here; the sentence says why.
            Problem: Its state cannot be read as things are.
        """
        return self._opening.resume(incident, publish)

    def pasted(self) -> str:
        """The error that was handed in on the command line, or empty."""
        return self._adapters.options.error

    def pasted_link(self) -> str:
        """The address of the run that it was read from, or empty."""
        return self._adapters.options.error_link

    def find_by_error(self, text: str) -> Sequence[RootModule] | NoRoot:
        """The root modules whose state the error's `Path` names."""
        try:
            return self._adapters.roots.by_error(text)
        except Problem as problem:
            return _no_root(problem)

    def root_from(self, bucket: str, key: str, table: str, region: str) -> RootModule:
        """A root for a state that no repository here describes.

        Raises:
            Problem: Those are no bucket and key, or the region is not known.
        """
        return self._adapters.roots.named(bucket, key, table=table, region=region)

    def survey(self) -> Iterator[StateRow]:
        """Every state of this repository, each first unread and then again when it was read."""
        finder, self._finder = self._finder, None
        for row in survey(self._adapters, finder):
            if row.snapshot is None:
                self._listed.append(row.root)
            yield row

    def incidents(self) -> Sequence[IncidentRow]:
        """Past and open incidents, those that need somebody first."""
        return self._archive.rows()

    def events(self, incident: str) -> Sequence[Event]:
        """An incident's events."""
        return self._archive.events(incident)

    def export(self, incident: str) -> str:
        """An incident as Markdown."""
        return self._archive.export(incident)

    def other_incidents(self, root: RootModule) -> Sequence[IncidentRow]:
        """Other open incidents on the same state."""
        return self._archive.rows_on(self._address(root))

    def unfinished(self, root: RootModule) -> IncidentRow | None:
        """The newest incident on this state that is open and that nobody walks at the moment; None without one."""
        try:
            return self._archive.unfinished_on(root.address().lock_id, lambda: self._address(root))
        except (AddressError, Problem):
            # A walk says what is wrong with the root, and one that writes what is wrong with the journals.
            return None

    def _address(self, root: RootModule) -> StateAddress:
        """A state's address; custom endpoints from the environment are part of it."""
        try:
            return self._adapters.store(root).address
        except Problem:
            return root.address()

    def login_command(self, root: RootModule) -> tuple[str, ...] | None:
        """The command that renews expired credentials, or None when there is none to run."""
        from tuirunbook.locks.login import login_command  # noqa: PLC0415 - only expired credentials need it

        try:
            return login_command(self._adapters.clients(root))
        except Problem:
            return None

    def runbook(self, name: str) -> Runbook:
        """A runbook by name.

        Raises:
            Problem: There is none, or it has mistakes.
        """
        return Books(self._adapters.roots.checkout()).load(name)

    def channel(self) -> Webhook | None:
        """The team's channel, where the user's settings name one.

        Raises:
            Problem: The settings name something else.
        """
        from tuirunbook.wiring import team  # noqa: PLC0415 - only who posts needs it

        settings = self._adapters.settings
        return team.channel(settings.user.webhook, settings.read_only)

    def now(self) -> datetime:
        """The time, aware, in the operator's zone."""
        return datetime.now(UTC).astimezone(self._adapters.zone())


def _no_root(problem: Problem) -> NoRoot:
    return NoRoot(sentence=problem.sentence, next_step=problem.next_step)
