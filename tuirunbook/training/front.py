"""The front of a practice world: what an incident has, over a world that is ours from end to end."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path

from tuirunbook.core.backend import RootModule
from tuirunbook.core.gates import Policy
from tuirunbook.core.scenario import Scenario
from tuirunbook.locks import Clients
from tuirunbook.settings import Settings, UserSettings
from tuirunbook.training.client import WorldClient
from tuirunbook.training.place import require_loopback
from tuirunbook.training.practice_ci import PracticeCi
from tuirunbook.training.world import Ready
from tuirunbook.tui.front import NoRoot
from tuirunbook.walk.following import AnyWalk
from tuirunbook.walk.messages import Message
from tuirunbook.walk.walk import Walk
from tuirunbook.walk.world import World
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.books import Books
from tuirunbook.wiring.front import WiredFront
from tuirunbook.wiring.opening import Opening
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem

_SERVICES = ("s3", "dynamodb", "sts", "iam")


class PracticeAdapters(Adapters):
    """Adapters for a practice world: its environment, none of the user's settings, and its endpoints only."""

    def __init__(
        self, options: Options, environ: dict[str, str], endpoint: str, person: str, local: tzinfo | None = None
    ) -> None:
        super().__init__(options, environ)
        self._local = local
        self._user = UserSettings(if_match_endpoints=(endpoint,) if endpoint else (), operator=person)
        self._person = person

    @property
    def settings(self) -> Settings:
        """Settings made for practice; no file is read."""
        return Settings(user=self._user)

    @property
    def policy(self) -> Policy:
        """Everything may be done here that may be done in an incident."""
        return Policy(if_match_endpoints=self._user.if_match_endpoints)

    def clients(self, root: RootModule) -> Clients:
        """The clients of a root module, every one of which must lead to this machine."""
        clients = super().clients(root)
        for service in _SERVICES:
            require_loopback(clients.endpoint(service) or "")
        return clients

    def operator(self) -> str:
        """Who trains."""
        return self._person

    def zone(self) -> tzinfo:
        """The zone in which it is now what the page's clock says, two minutes later."""
        return self._local or super().zone()


def zone_of(page: str, now: datetime) -> tzinfo | None:
    """The zone in which it is two minutes past the time that the page begins with; None when it begins with none."""
    try:
        paged = time.fromisoformat(page.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return None
    ahead = (paged.hour * 60 + paged.minute + 2) - (now.astimezone(UTC).hour * 60 + now.astimezone(UTC).minute)
    return timezone(timedelta(minutes=(ahead + 720) % 1440 - 720))


class _ShippedBooks(Books):
    """The runbooks that come with the tool, and no others."""

    def __init__(self) -> None:
        super().__init__(None)
        self._directories = ()


class PracticeOpening(Opening):
    """Opens walks of a practice world: with our own runbooks, and with a CI system that is made up."""

    def __init__(self, adapters: Adapters, ci: PracticeCi) -> None:
        super().__init__(adapters)
        self._ci = ci

    def books(self, root: RootModule) -> Books:
        """The runbooks that come with the tool."""
        del root
        return _ShippedBooks()

    def world(self, root: RootModule, walks: Sequence[Walk] = ()) -> World:
        """The practice world; this machine's processes say nothing about a runner that is made up."""
        world = super().world(root, walks)
        return dataclasses.replace(world, sources=(self._ci,), training=True)


class PracticeFront(WiredFront):
    """The screens' front over one run of a scenario.

    Args:
        scenario: What is played.
        client: Its world, which may still be under way.
        incidents: The directory that training keeps its incidents in.
        person: Who trains.
    """

    def __init__(self, scenario: Scenario, client: WorldClient, incidents: Path, person: str) -> None:
        self._local = zone_of(scenario.page, datetime.now(UTC))
        super().__init__(PracticeAdapters(Options(start="/"), {}, "", person, self._local))
        self.opened: list[str] = []
        self.queue_held = False
        self._scenario = scenario
        self._ci = PracticeCi(scenario, lambda: self.queue_held)
        self._client = client
        self._incidents = incidents
        self._person = person
        self._ready: Ready | None = None
        self._guard = threading.Lock()

    def find(self) -> RootModule | Sequence[RootModule] | NoRoot:
        """The first root module, once the world is there; all of them where the scenario begins with the list."""
        try:
            self._arrive()
        except RuntimeError as error:
            return NoRoot(sentence=f"The practice world cannot be built: {error}", next_step="Try again.")
        if self._scenario.start == "states":
            return ()
        return super().find()

    def open_walk(self, root: RootModule, publish: Callable[[Message], None], runbook: str = "") -> AnyWalk:
        """A walk of this root, in this world; from the first one on things happen."""
        self._arrive()
        walk = super().open_walk(root, publish, runbook)
        self.opened.append(walk.incident.id)
        self._client.ask("begin")
        return walk

    def unfinished(self, root: RootModule) -> None:
        """Practice is not resumed: each page begins anew."""

    def resume_walk(self, incident: str, publish: Callable[[Message], None]) -> AnyWalk:
        """Practice is not resumed: its world is gone.

        Raises:
            Problem: Always.
        """
        del publish
        raise Problem(f"The practice world of {incident} has ended.", "It can be exported, or begun anew.")

    def _arrive(self) -> None:
        with self._guard:
            if self._ready is not None:
                return
            ready = self._client.wait_ready()
            require_loopback(ready.endpoint)
            self._ready = ready
            self.become(ready.environ)

    def become(self, environ: Mapping[str, str]) -> None:
        """From now on act with this environment, as after starting the tool anew; a walk that was open stays as it is.

        Raises:
            RuntimeError: There is no world yet.
        """
        if self._ready is None:
            raise RuntimeError("the practice world is not there yet")
        start = Path(self._ready.checkout) / self._scenario.roots[0].name
        options = Options(start=str(start), error=self._scenario.error, journal_dir=str(self._incidents))
        adapters = PracticeAdapters(options, dict(environ), self._ready.endpoint, self._person, self._local)
        super().__init__(adapters, PracticeOpening(adapters, self._ci))
