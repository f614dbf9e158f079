"""Our own terraform processes: started, followed to their end, and what their output means for the incident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tuirunbook.core.actions import RetryPlan
from tuirunbook.core.confirmation import Confirmation
from tuirunbook.core.diagnosis import Kind, PlanOutcome, PlanReading, read_plan
from tuirunbook.core.events import (
    ActionRefused,
    CheckRecorded,
    CommandEnded,
    CommandIntended,
    CommandStarted,
    RetryEnded,
)
from tuirunbook.core.gates import Refusal, permit
from tuirunbook.core.lock import LockIdentity, LockSnapshot, short
from tuirunbook.core.values import Child, ProgramError
from tuirunbook.walk.messages import PlanEnded
from tuirunbook.walk.releases import RELEASING, Releases, told
from tuirunbook.walk.site import Site

TAIL_BYTES = 4_000_000
"""How much of the end of a command's output is read for its outcome; errors and summaries come last."""


class Commands:
    """Runs plans and probes. Only the incident's thread calls it."""

    def __init__(self, site: Site, releases: Releases) -> None:
        self._scribe = site.scribe
        self._observer = site.observer
        self._store = site.world.store
        self._terraform = site.world.terraform
        self._policy = site.world.policy
        self._publish = site.publish
        self._plan_args = tuple(site.world.plan_args)
        self._roots: dict[str, ExitStack] = {}
        self._releases = releases

    def start(self, *, probe: bool = False, purpose: str = "plan") -> Child | Refusal:
        """Start a plan in the root module, or a probe; `poll` tells its end.

        Raises:
            ProgramError: It could not be started; the sentence says why.
            JournalError: It could not be written down, so nothing was started.
        """
        given = permit(
            RetryPlan(probe=probe),
            self._scribe.incident,
            self._observer.latest,
            self._policy,
            Confirmation(fingerprint=""),
        )
        if isinstance(given, Refusal):
            self._scribe.record(ActionRefused, action="retry the plan", why=f"{given.rule}: {given.why}")
            return given
        journal = self._scribe.keep()
        name = f"{'probe' if probe else 'plan'}-{self._scribe.incident.commands + 1}"
        log = journal.log_path(name)
        tell = self._scribe.announce("lock probe" if probe else purpose)
        try:
            return (
                self._start_probe(name, log, tell) if probe else self._terraform.plan(name, log, self._plan_args, tell)
            )
        except ProgramError:
            # An intent that came to nothing has ended; whether it did, the system is asked.
            self.poll()
            raise

    def _start_probe(self, name: str, log: Path, tell: Callable[[Child], None]) -> Child:
        with ExitStack() as stack:
            root = stack.enter_context(self._terraform.release_root(self._store.address))
            child = root.probe(name, log, tell)
            self._roots[name] = stack.pop_all()
            return child

    def interrupt(self, command: str) -> str | None:
        """Ask a running command to stop, by one SIGINT; why not, when that is not offered.

        Asked again while it still runs, it is sent again: the front end has said what that risks.
        """
        started = self._scribe.incident.running.get(command)
        if started is None:
            return "it has ended"
        if started.purpose == RELEASING:
            return "a release is not interrupted: it could let go of one store and not of the other"
        refusal = self._terraform.can_interrupt()
        if refusal is None:
            self._terraform.interrupt(started.child)
        return refusal

    def poll(self) -> None:
        """Take in every command that has ended since the last call, and find those whose process nobody wrote down."""
        for started in tuple(self._scribe.incident.running.values()):
            ended = self._terraform.poll(started.child)
            if ended is not None:
                self._end(started, ended.code)
            elif not started.child.pid and (found := self._terraform.attach(started.child)).pid:
                self._scribe.record(CommandStarted, child=found, purpose=started.purpose)

    def _end(self, started: CommandIntended | CommandStarted, code: int | None) -> None:
        child = started.child
        probe = started.purpose == "lock probe"
        if started.purpose == RELEASING:
            self._releases.take_end(child.id, code)
            return
        if (root := self._roots.pop(child.id, None)) is not None:
            root.close()
        output = _tail(Path(child.log))
        if not child.pid and not output:
            said = "it was about to be started, and printed nothing"
            self._scribe.record(CommandEnded, command=child.id, exit_code=None, summary=said)
            return
        reading = read_plan(output, code, probe=probe)
        before = self._scribe.incident.identities
        summary = reading.summary_line or reading.diagnosis.explanation.partition(". ")[0]
        ticket = self._observer.ticket()
        fresh, trouble = self._look()
        self._scribe.record(CommandEnded, by="terraform", command=child.id, exit_code=code, summary=summary)
        if fresh is not None:
            self._publish(self._observer.take_in(fresh, ticket=ticket))
        summary += trouble
        if self._scribe.incident.verifiable and not before:
            self._verify(reading, code, summary)
        retry = self._judge(reading, "probe" if probe else "plan", before, fresh, summary)
        self._publish(PlanEnded(child=child, exit_code=code, reading=reading, retry=retry))

    def _look(self) -> tuple[LockSnapshot | None, str]:
        """A look, or why there is none: what a plan showed of the lock is worth telling even then."""
        try:
            return self._store.look(), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the command has ended
            return None, f"; the lock could not be read after it: {told(error)}"

    def _judge(
        self,
        reading: PlanReading,
        source: str,
        before: Sequence[LockIdentity],
        fresh: LockSnapshot | None,
        summary: str,
    ) -> RetryEnded | None:
        incident = self._scribe.incident
        if incident.verifiable and not before and reading.outcome is not PlanOutcome.REFUSED:
            return None
        facts = retry_facts(reading, source, before, fresh, tuple(incident.seen))
        self._scribe.record(RetryEnded, by="terraform", detail=summary, **facts)
        return self._scribe.incident.last_retry

    def _verify(self, reading: PlanReading, code: int | None, summary: str) -> None:
        """A plan after the release shows whether the lock can be taken and given back again."""
        obtained = reading.outcome is PlanOutcome.OBTAINED
        clean = obtained and code in {0, 2, None} and not reading.release_failed and not reading.interrupted
        self._scribe.record(
            CheckRecorded,
            by="terraform",
            phase="after",
            name="plan",
            result="ok" if clean else "bad",
            detail=summary,
        )


def retry_facts(
    reading: PlanReading,
    source: str,
    before: Sequence[LockIdentity],
    fresh: LockSnapshot | None,
    seen: Sequence[LockIdentity],
) -> dict[str, object]:
    """What a retry means, held against what was read before it and is read after it.

    Args:
        reading: What the output says.
        source: `plan` or `probe`.
        before: The locks that were present when it began.
        fresh: A look taken after it ended; None when it failed, and then nothing is said about another place.
        seen: All locks ever seen in this incident.
    """
    named = tuple(LockIdentity(lock) for lock in reading.lock_ids)
    present = fresh.identities if fresh else tuple(before)
    facts: dict[str, object] = {"outcome": "inconclusive", "source": source, "locks": named}
    match reading.outcome:
        case PlanOutcome.OBTAINED:
            facts["outcome"] = "obtained"
            kept = [lock for lock in before if fresh and lock in present]
            if kept and not (reading.release_failed or reading.interrupted):
                facts["elsewhere"] = f"Terraform took the lock while lock {short(kept[0])} is still read here"
        case PlanOutcome.REFUSED:
            refused_by = next((lock for lock in named if lock in present), None)
            if refused_by is None and not named and fresh and reading.diagnosis.kind is Kind.UNREADABLE_LOCK:
                refused_by = next((lock.identity for lock in fresh.locks if lock.info is None), None)
            if refused_by is not None:
                facts |= {"outcome": "refused-by-this", "lock": refused_by}
            elif named:
                facts["outcome"] = "refused-by-another"
                if fresh and not any(lock in seen for lock in named):
                    facts["elsewhere"] = f"Terraform was refused by lock {short(named[0])}, which is not read here"
        case PlanOutcome.INCONCLUSIVE:
            pass
    return facts


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
