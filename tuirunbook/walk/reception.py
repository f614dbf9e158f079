"""Takes in the watcher's looks, and what the sources of evidence find."""

from __future__ import annotations

import msgspec

from tuirunbook.core.claims import as_lock
from tuirunbook.core.events import Identified, Resumed, SourceSwitched
from tuirunbook.core.evidence import Finding
from tuirunbook.core.gates import moved
from tuirunbook.core.lock import LockSnapshot, NotChecked
from tuirunbook.walk.caller import CallerDesk
from tuirunbook.walk.checks import Checks
from tuirunbook.walk.clerk import Clerk
from tuirunbook.walk.evidence_desk import EvidenceDesk
from tuirunbook.walk.messages import Trouble
from tuirunbook.walk.responder import Responder
from tuirunbook.walk.site import Site


class Reception:
    """Takes in the watcher's looks: the first one also asks who we are, and ends what a crash left open."""

    def __init__(
        self, site: Site, clerk: Clerk, responder: Responder, checks: Checks, evidence: EvidenceDesk, *, resumed: bool
    ) -> None:
        self._world = site.world
        self._scribe = site.scribe
        self._observer = site.observer
        self._publish = site.publish
        self._clerk = clerk
        self._responder = responder
        self._checks = checks
        self._evidence = evidence
        self._resumed = resumed
        self._caller = CallerDesk(site.world.store, site.publish, site.world.clock)

    def turn_off(self) -> None:
        """Turn off the sources that the user's settings name, unless this incident says otherwise already.

        For the incident's thread, before anything is asked.
        """
        for source in self._evidence.sources:
            name = source.name.casefold()
            named = any(begin and name.startswith(begin.casefold()) for begin in self._world.sources_off)
            if not named or source.name in self._scribe.incident.switched:
                continue
            if source.why_always:
                self._publish(Trouble(f"“{source.name}” cannot be turned off: {source.why_always}."))
            else:
                self._scribe.record(SourceSwitched, source=source.name, off=True, why="by the user's settings")

    def arrive(self, snapshot: LockSnapshot, turn: int | None = None) -> None:
        """Record a look and tell the front end. For the incident's thread."""
        if self._caller.is_due:
            self.identify()
        snapshot = msgspec.structs.replace(snapshot, address=self._world.store.address)
        if self._resumed:
            self._scribe.record(Resumed, operator=self._world.operator, host=self._world.host, tool=self._world.tool)
            self._resumed = False
        if self._scribe.incident.unended_release:
            # Releases are made in this thread: one without an end was cut off.
            self._responder.recover()
        looked = self._observer.take_in(snapshot, ticket=turn)
        self._publish(looked)
        self._clerk.count_refusals()
        if looked.number == 1 or looked.found:
            self._evidence.ask(looked.snapshot)
        else:
            self._evidence.refresh(looked.snapshot)
        self.ask_unseen(again=True)
        if looked.number == 1:
            self._checks.program()

    def ask_again(self, source: str) -> None:
        """Ask one source again, by its name, about every lock that is there or may be. For the incident's thread."""
        if self._observer.latest is not None:
            self._evidence.ask(self._observer.latest, only=source)
        self.ask_unseen(only=source)

    def ask_unseen(self, *, only: str = "", again: bool = False) -> None:
        """Ask whom AWS is not needed for about locks that no look shows now; `again` where the answer has grown old."""
        address = self._world.store.address
        locks = [as_lock(info, address) for info in self._scribe.incident.unseen]
        self._evidence.ask_unseen(locks, address, only=only, again=again)

    def hear(self, finding: Finding) -> None:
        """Record what a source found, and the retry that it stands for. For the incident's thread."""
        self._observer.weigh_in(finding)
        self._clerk.count_refusals()

    def identify(self) -> None:
        """Ask who we are, and tell it. For the incident's thread."""
        caller = self._caller.ask()
        if isinstance(caller, NotChecked):
            return
        incident = self._scribe.incident
        difference = moved(incident, self._world.store.address)
        if incident.account is None:
            self._scribe.record(Identified, account=caller.account, caller=caller.arn)
        elif difference and self._resumed and incident.account == caller.account:
            self._scribe.record(Identified, account=caller.account, caller=caller.arn)
            self._publish(Trouble(f"Resumed under another role: {difference}."))
        elif difference:
            self._publish(Trouble(f"This is not the place the incident began in: {difference}."))
