"""The only one who changes the world: intent, fresh read, act, read back, outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

import msgspec

from tuirunbook.core.actions import DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.confirmation import Confirmation, Field, form
from tuirunbook.core.diagnosis import UnlockOutcome
from tuirunbook.core.events import ActionRefused, CommandEnded, ReleaseIntended
from tuirunbook.core.evidence import Finding
from tuirunbook.core.gates import Permit, Refusal, obstacle, permit, renew
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, Store
from tuirunbook.core.records import state_text
from tuirunbook.core.release import (
    NIL_LOCK_ID,
    ReleaseOutcome,
    has_no_id,
)
from tuirunbook.core.text import one_line
from tuirunbook.core.values import DeleteOutcome, ProgramError
from tuirunbook.core.verdict import CHECK_NAMES, Verdict, judge
from tuirunbook.walk.ports import ReleaseRoot
from tuirunbook.walk.releases import RELEASING, Attempt, Released, Releases, command_name, read_answer, told
from tuirunbook.walk.site import Site

__all__ = ["Prepared", "ReleaseAction", "Released", "Responder"]

ReleaseAction = ForceUnlock | DeleteLock


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A release that is ready to be confirmed.

    Attributes:
        action: What would be done.
        snapshot: The look, taken just now, that the confirmation is bound to.
        fields: What the operator has to type.
        command: The exact argument list or call that would be sent.
        verdict: What the evidence comes to.
    """

    action: ReleaseAction
    snapshot: LockSnapshot
    fields: tuple[Field, ...]
    command: tuple[str, ...]
    verdict: Verdict


class Responder:
    """Releases locks. Only the incident's thread calls it.

    Args:
        site: Where it works.
        releases: Who ends what it began.
        ask_again: Asks the sources that can block once more, between the last keystroke and the act.
    """

    def __init__(self, site: Site, releases: Releases, ask_again: Callable[[LockSnapshot], Iterable[Finding]]) -> None:
        self._scribe = site.scribe
        self._observer = site.observer
        self._store = site.world.store
        self._terraform = site.world.terraform
        self._releases = releases
        self._ask_sources = ask_again
        self._policy = site.world.policy
        self._operator = site.world.operator
        self._stack = ExitStack()
        self._root: ReleaseRoot | None = None

    def prepare(self, action: ReleaseAction) -> Prepared | Refusal:
        """Look again, and get ready what the release needs, so that nothing slow comes after the confirmation.

        Raises:
            JournalError: The journal cannot be written (S4).
            ProgramError: Terraform cannot be used at all.
        """
        self._scribe.must_write()
        snapshot = self._releases.look()
        refusal = obstacle(action, self._scribe.incident, snapshot, self._policy)
        if refusal is not None:
            return self._refuse(action, refusal)
        if isinstance(action, ForceUnlock):
            try:
                command = self._open_root(snapshot).force_unlock_argv(_given_id(action))
            except ProgramError as error:
                if self._releases.unusable(action.lock, snapshot, error, by=self._operator):
                    return Refusal(rule="S6", why=str(error), enable="The last resort is available: step 7.")
                raise
        else:
            half = next(half for half in snapshot.find(action.lock) if half.store is action.store)
            command = self._store.delete_command(half)
        return Prepared(
            action=action,
            snapshot=snapshot,
            fields=form(action, self._scribe.incident, snapshot),
            command=command,
            verdict=judge(self._scribe.incident, action.lock),
        )

    def release(self, prepared: Prepared, typed: Mapping[str, str]) -> Released | Refusal:
        """Do what was confirmed, if it is still what was confirmed; then read back what is true.

        Raises:
            JournalError: Intent or backup could not be written, so nothing was done (S4).
        """
        action = prepared.action
        confirmation = Confirmation(fingerprint=prepared.snapshot.fingerprint, typed=typed)
        given = permit(action, self._scribe.incident, prepared.snapshot, self._policy, confirmation)
        if isinstance(given, Refusal):
            return self._refuse(action, given)
        if isinstance(action, ForceUnlock) and self._root is None:
            return self._refuse(
                action, Refusal(rule="S1", why="this confirmation was used already", enable="Look again, then decide.")
            )
        number = len(self._scribe.incident.releases) + 1
        try:
            self._intend(number, given, prepared)
            self._ask_again(prepared.snapshot)
            fresh = self._releases.look()
            renewed = self._silenced(prepared) or renew(given, self._scribe.incident, fresh, self._policy)
            self._scribe.must_write()
        except Exception as error:
            # Nothing was sent; a release without an end would stand against every later one.
            if self._scribe.incident.unended_release:
                self._ended(number, Released(outcome=ReleaseOutcome.NOT_TRIED, detail=told(error)))
            raise
        if isinstance(renewed, Refusal):
            detail = f"{renewed.rule}: {renewed.why}"
            self._ended(number, Released(outcome=ReleaseOutcome.NOT_TRIED, detail=detail, after=fresh))
            return renewed
        return self._act(number, renewed, fresh)

    def _act(self, number: int, given: Permit, before: LockSnapshot) -> Released:
        """Send it, once, and say what is true afterwards, whatever came back."""
        action = given.action
        if isinstance(action, RetryPlan):
            raise TypeError("this permit is for something else")
        try:
            attempt = self._force_unlock(number, given) if isinstance(action, ForceUnlock) else self._delete(given)
        except Exception as error:  # noqa: BLE001 - it may have been sent; only the stores tell
            attempt = Attempt(detail=told(error))
        try:
            return self._releases.conclude(number, action.lock, before, attempt)
        finally:
            self.put_away()

    def recover(self) -> Incident:
        """Read back the outcome of a release that was under way when the tool died."""
        return self._releases.recover()

    def put_away(self) -> None:
        """Remove the private root that `prepare` made."""
        self._root = None
        self._stack.close()

    def _open_root(self, snapshot: LockSnapshot) -> ReleaseRoot:
        if self._root is None:
            self._root = self._stack.enter_context(self._terraform.release_root(snapshot.address))
        return self._root

    def _refuse(self, action: ReleaseAction, refusal: Refusal) -> Refusal:
        self._scribe.record(ActionRefused, action=_method(action), why=f"{refusal.rule}: {refusal.why}")
        return refusal

    def _intend(self, number: int, given: Permit, prepared: Prepared) -> None:
        """Write the backup and the intent, flushed."""
        action, verdict = prepared.action, prepared.verdict
        journal = self._scribe.keep()
        backups = [str(journal.keep_backup(half)) for half in prepared.snapshot.find(action.lock)]
        self._scribe.record(
            ReleaseIntended,
            by=self._operator,
            release=number,
            method=_method(action),
            lock=action.lock,
            fingerprint=prepared.snapshot.fingerprint,
            verdict=verdict.opinion,
            supports=verdict.supports,
            blocks=verdict.blocks,
            not_checked=tuple(CHECK_NAMES[name] for name in verdict.missing),
            advised=verdict.advice,
            typed=dict(given.confirmation.typed),
            accepted_by=given.confirmation.typed.get("accepted-by", ""),
            command=prepared.command,
            backup=", ".join(backups),
            state=state_text(prepared.snapshot),
        )
        self._scribe.must_write()

    def _ask_again(self, snapshot: LockSnapshot) -> None:
        """Ask the sources that can block once more, now that nothing more is typed (S1)."""
        for finding in self._ask_sources(snapshot):
            self._observer.weigh_in(finding)

    def _silenced(self, prepared: Prepared) -> Refusal | None:
        """Refuse once where a source that was heard before the confirmation cannot be asked again after it."""
        now = judge(self._scribe.incident, prepared.action.lock)
        newly = [told for told in now.not_checked if told not in prepared.verdict.not_checked]
        if not newly:
            return None
        why = f"what had been known could not be asked again: {newly[0]}"
        return Refusal(rule="S1", why=why, enable="Confirm again, knowing that; or find out another way.")

    def _force_unlock(self, number: int, given: Permit) -> Attempt:
        action = given.action
        if not isinstance(action, ForceUnlock) or self._root is None:
            raise TypeError("this permit is for something else, or nothing was prepared")
        name = command_name(number)
        log, tell = self._scribe.keep().log_path(name), self._scribe.announce(RELEASING)
        try:
            ran = self._root.force_unlock(_given_id(action), command_id=name, log=log, tell=tell)
        except ProgramError as error:
            return Attempt(detail=told(error))
        self._scribe.record(CommandEnded, by="terraform", command=name, exit_code=ran.exit_code)
        return read_answer(ran.output, ran.exit_code)

    def _delete(self, given: Permit) -> Attempt:
        action, snapshot = given.action, given.snapshot
        if not isinstance(action, DeleteLock) or snapshot is None:
            raise TypeError("this permit is for something else")
        half = next(half for half in snapshot.find(action.lock) if half.store is action.store)
        answer = self._store.delete(half)
        said = UnlockOutcome.DENIED if answer.outcome is DeleteOutcome.DENIED else UnlockOutcome.FAILED
        return Attempt(detail=one_line(f"{answer.outcome}: {answer.message or answer.code}", 400), said=said)

    def _ended(self, number: int, released: Released) -> None:
        self._releases.end(number, released)
        self.put_away()


def _given_id(action: ForceUnlock) -> str:
    return NIL_LOCK_ID if has_no_id(action.lock) else action.lock


def _method(action: ReleaseAction) -> str:
    if isinstance(action, ForceUnlock):
        return "force-unlock"
    return "delete-dynamodb" if action.store is Store.DYNAMODB else "delete-s3"
