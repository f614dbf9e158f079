"""What is looked at before a release and after it."""

from __future__ import annotations

from tuirunbook.core.events import CheckRecorded
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import Digest, LockSnapshot, NotChecked
from tuirunbook.core.near_miss import rank
from tuirunbook.core.text import one_line
from tuirunbook.core.values import ProgramError, StateContent
from tuirunbook.walk.site import Site


class Checks:
    """Reads what a release depends on, and what it left. Only the incident's thread calls it; nothing here locks."""

    def __init__(self, site: Site) -> None:
        self._scribe = site.scribe
        self._observer = site.observer
        self._store = site.world.store
        self._terraform = site.world.terraform
        self._host = site.world.host
        self._initialised = site.world.root.initialised

    def before(self) -> Incident:
        """Digest, state list, `errored.tfstate`, version and serial; each is recorded."""
        snapshot = self._store.look()
        self._observer.take_in(snapshot)
        content = self._store.state_content()
        self._record("before", "digest", *digest_check(snapshot, content))
        self._record("before", "state-list", *self._state_list())
        self._record("before", "errored-tfstate", *self._errored_state(snapshot))
        self._state_version("before", content)
        return self._scribe.incident

    def program(self) -> Incident:
        """Which program, of which version, would plan and release here."""
        try:
            version = self._terraform.version()
        except ProgramError as error:
            self._record("look", "program", "not-checked", one_line(str(error), 300))
        else:
            self._record("look", "program", "ok", f"{self._terraform.program} {version}")
        return self._scribe.incident

    def near_misses(self) -> Incident:
        """The locks of this table whose names are near to this state's: wrong workspace, prefix or key?"""
        address = self._store.address
        listed = self._store.lock_ids()
        if isinstance(listed, NotChecked):
            self._record("look", "near-misses", "not-checked", listed.why)
            return self._scribe.incident
        near = rank(address.lock_id, listed)
        said = "; ".join(f"{one_line(miss.lock_id, 160)} ({miss.why})" for miss in near)
        others = f"{len(listed)} lock{'' if len(listed) == 1 else 's'} there, none of them near to this state's name"
        self._record("look", "near-misses", "bad" if near else "ok", said or others)
        return self._scribe.incident

    def after(self) -> Incident:
        """Both stores, digest, state list; each is recorded. The plan is a decision of its own."""
        snapshot = self._store.look()
        self._observer.take_in(snapshot)
        content = self._store.state_content()
        self._record("after", "stores", *_stores(snapshot))
        self._record("after", "digest", *digest_check(snapshot, content))
        self._record("after", "state-list", *self._state_list())
        self._state_version("after", content)
        return self._scribe.incident

    def _record(self, phase: str, name: str, result: str, detail: str) -> None:
        self._scribe.record(CheckRecorded, phase=phase, name=name, result=result, detail=detail)

    def _state_version(self, phase: str, content: StateContent | NotChecked) -> None:
        if isinstance(content, NotChecked):
            self._record(phase, "state-version", "not-checked", content.why)
            return
        if content.md5 is None:
            detail = "there is no state object yet"
        else:
            parts = (
                f"serial {content.serial}" if content.serial is not None else "no serial: it is not state JSON",
                f"version {content.version_id}" if content.version_id else "the bucket keeps no versions",
                f"MD5 {content.md5}",
            )
            detail = ", ".join(parts)
        bad = content.md5 is not None and content.serial is None
        self._scribe.record(
            CheckRecorded,
            phase=phase,
            name="state-version",
            result="bad" if bad else "ok",
            detail=detail,
            state=content,
        )

    def _state_list(self) -> tuple[str, str]:
        if not self._initialised:
            return "not-checked", f"the root is not initialised here; `{self._terraform.init_command()}` does that"
        try:
            ran = self._terraform.state_list()
        except ProgramError as error:
            return "not-checked", one_line(str(error))
        if ran.exit_code == 0:
            count = len(ran.output.splitlines())
            return "ok", f"{count} resource{'' if count == 1 else 's'} listed"
        if "No state file was found" in ran.output:
            return "ok", "there is no state yet"
        return "bad", one_line(ran.output, 300)

    def _errored_state(self, snapshot: LockSnapshot) -> tuple[str, str]:
        """An apply that could not write its state leaves it in a file where it ran."""
        found = self._terraform.errored_state()
        if found is not None:
            return "bad", f"{found} holds state that was never uploaded; it must be pushed before anybody applies"
        hosts = {lock.info.who.rpartition("@")[2] for lock in snapshot.locks if lock.info}
        if hosts == {self._host}:
            return "ok", "there is none in this directory, on the host that held the lock"
        return "not-checked", f"none here, but the holder ran on {', '.join(sorted(hosts)) or 'an unknown host'}"


def _stores(snapshot: LockSnapshot) -> tuple[str, str]:
    if snapshot.blind:
        return "not-checked", "; ".join(f"{store.label}: {reading.why}" for store, reading in snapshot.blind)
    if snapshot.held:
        return "bad", "a lock is held"
    return ("ok", "every configured store is free") if snapshot.free else ("not-checked", "no store is configured")


def digest_check(snapshot: LockSnapshot, content: StateContent | NotChecked) -> tuple[str, str]:
    """Whether the digest in DynamoDB is the MD5 of the state's bytes, as `(result, detail)`."""
    digest = snapshot.digest
    if isinstance(digest, NotChecked):
        if digest.code == "not-configured":
            return "ok", "without a lock table there is no digest"
        return "not-checked", digest.why
    if isinstance(content, NotChecked):
        return "not-checked", content.why
    return _compare(digest, content)


def _compare(digest: Digest, content: StateContent) -> tuple[str, str]:
    if digest.md5 is None:
        return "ok", "no digest is stored, so none is checked"
    if content.md5 is None:
        return "bad", f"a digest is stored ({digest.md5}), but there is no state object"
    if digest.md5 == content.md5:
        return "ok", f"the digest is the MD5 of the state ({digest.md5})"
    return "bad", f"the digest is {digest.md5}, the state's MD5 is {content.md5}"
