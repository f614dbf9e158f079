"""Whether the pod that took the lock lives, ended, or was started anew, as `kubectl` tells it.

Only in the context and namespace that the settings declare for this holder: pods of one name exist in many clusters.
What counts is when the containers started and ended, not when the pod was made, since a StatefulSet's or a runner's
name lives on. Nothing runs in a container, and nothing is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import timestamp
from tuirunbook.core.evidence import Finding, Match, Says, Taken, taken
from tuirunbook.core.holder import Holder, Platform, Sureness, WhoRule, read_who
from tuirunbook.core.lock import StoredLock, parse_time
from tuirunbook.core.text import one_line, redact
from tuirunbook.evidence.seen import Seen

KEY = "host.pod"
PROGRAM = "kubectl"
TIMEOUT_SECONDS = 4.5
MOST_BYTES = 4_000_000
ALIVE = ("holder-host=host-gone",)

_POD_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_ONE_SHOT = frozenset({"Never", "OnFailure"})


class _CannotAskError(Exception):
    """kubectl did not answer; the sentence says why and what to do."""


class _Absent(msgspec.Struct, frozen=True):
    """There is no such pod."""


class Kubernetes:
    """Asks a cluster for the pod that the holder's name is.

    Args:
        rules: What the settings say about holders.
        environ: The environment of `kubectl`: it is found on its PATH, with the user's own kubeconfig.
        timeout: Seconds that it may take.
    """

    name = "Kubernetes"
    can_block = True

    def __init__(
        self, rules: Sequence[WhoRule], environ: Mapping[str, str], *, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._rules = tuple(rules)
        self._environ = dict(environ)
        self._timeout = timeout

    def gather(self, lock: StoredLock, address: StateAddress, now: datetime) -> Iterable[Finding]:
        """One finding; none where the holder is no pod."""
        del address
        holder = read_who(lock.info.who, self._rules) if lock.info else Holder(who="")
        home = holder.home if holder.home and holder.home.namespace else None
        if home is None and not _looks_like_a_pod(holder):
            return
        pod = holder.host
        source, match = f"{PROGRAM} get pod", Match.COULD_BE
        if home is None:
            how = f'[[who]] matches = "*@{one_line(pod, 60)}", platform = "kubernetes", context = "…", namespace = "…"'
            words = f"the pod {one_line(pod, 80)} was not looked for: the settings do not say in which cluster it lives"
            seen = Seen(says=Says.UNKNOWN, words=f"{words} ({how})")
        elif _POD_NAME.fullmatch(pod) is None or _POD_NAME.fullmatch(home.namespace) is None:
            name = f"{one_line(pod, 80)!r} in {one_line(home.namespace, 60)!r}"
            words = f"{name} cannot be the name of a pod, so the cluster was not asked"
            seen = Seen(says=Says.UNKNOWN, words=words)
        else:
            argv = self._argv(home, "pod", pod)
            source = " ".join(argv)
            try:
                found = self._find(argv, home)
            except _CannotAskError as error:
                seen = Seen(says=Says.UNKNOWN, words=f"the pod {pod} could not be looked for: {error}")
            else:
                match = Match.NAMES_THIS_STATE
                seen = _judge(found, pod, home, taken(lock.info, lock.last_modified))
        yield seen.about(lock, KEY, source, now, match=match, opposes=ALIVE)

    def _argv(self, home: WhoRule, kind: str, name: str) -> tuple[str, ...]:
        context = (f"--context={home.context}",) if home.context else ()
        seconds = max(1, int(self._timeout))
        where = (*context, f"--namespace={home.namespace}")
        return (PROGRAM, *where, f"--request-timeout={seconds}s", "get", kind, name, "--output=json")

    def _find(self, argv: Sequence[str], home: WhoRule) -> Mapping[str, Any] | _Absent:
        """The pod; it is absent only from a namespace that is there, since any pod is absent from a misspelt one."""
        deadline = time.monotonic() + self._timeout
        found = self._ask(argv, "Pod", deadline)
        if not isinstance(found, _Absent):
            return found
        try:
            namespace = self._ask(self._argv(home, "namespace", home.namespace), "Namespace", deadline)
        except _CannotAskError as error:
            sentence = f"it was not found, and whether the namespace {home.namespace} is the right one is not known"
            raise _CannotAskError(f"{sentence} ({error})") from None
        if isinstance(namespace, _Absent):
            raise _CannotAskError(f"there is no namespace {home.namespace}; correct [[who]] in the settings")
        return found

    def _ask(self, argv: Sequence[str], kind: str, deadline: float) -> Mapping[str, Any] | _Absent:
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if program is None:
            raise _CannotAskError(f"{PROGRAM} is not installed here; install it, or ask somebody who has it")
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                code = subprocess.run(  # noqa: S603 - a list of arguments, and the pod's name was checked
                    [program, *argv[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    env=self._environ,
                    timeout=max(0.1, deadline - time.monotonic()),
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise _CannotAskError(f"{PROGRAM} did not answer within {self._timeout:g} s; is the VPN up?") from None
            except OSError as error:
                raise _CannotAskError(f"{PROGRAM} could not be started: {error.strerror or error}") from None
            output.seek(0)
            errors.seek(0)
            raw, said = output.read(MOST_BYTES + 1), errors.read(MOST_BYTES).decode("utf-8", "replace")
        if code != 0:
            if f'(NotFound): {kind.lower()}s "' in said:
                return _Absent()
            raise _CannotAskError(one_line(redact(said), 300) or f"{PROGRAM} ended with {code} and said nothing")
        return _object(raw, kind)


def _looks_like_a_pod(holder: Holder) -> bool:
    clue = holder.clues[0] if holder.clues else None
    return clue is not None and clue.platform is Platform.KUBERNETES and clue.sureness is not Sureness.LOW


def _object(raw: bytes, kind: str) -> Mapping[str, Any]:
    if len(raw) > MOST_BYTES:
        raise _CannotAskError(f"{PROGRAM} said more than {MOST_BYTES} bytes, which is no {kind}")
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _CannotAskError(f"{PROGRAM} said something that is not JSON: {_quoted(raw)}") from None
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise _CannotAskError(f"{PROGRAM} said something that is no {kind}: {_quoted(raw)}")
    return found


def _quoted(raw: bytes) -> str:
    return one_line(redact(raw[:400].decode("utf-8", "replace")), 100)


def _judge(found: Mapping[str, Any] | _Absent, pod: str, home: WhoRule, window: Taken | None) -> Seen:
    cluster = f"{one_line(home.context, 60) or 'the current context'}, namespace {one_line(home.namespace, 60)}"
    if isinstance(found, _Absent):
        words = f"there is no pod {pod} any more in {cluster}, where this holder lives by the settings"
        return Seen(says=Says.SUPPORTS, words=words)
    seen = _read(found, window)
    return msgspec.structs.replace(seen, words=f"pod {pod} in {cluster}: {seen.words}")


def _read(pod: Mapping[str, Any], window: Taken | None) -> Seen:
    """What the pod tells: whatever ran in it when the lock was taken must have ended before it supports."""
    metadata, status = _map(pod, "metadata"), _map(pod, "status")
    if metadata.get("deletionTimestamp"):
        return Seen(says=Says.NOTHING, words="it is being deleted; its node may not have stopped it yet", alive=True)
    if status.get("phase") == "Unknown" or status.get("reason") == "NodeLost":
        return Seen(says=Says.NOTHING, words="its node does not answer, so nobody knows whether it runs", alive=True)
    if window is None:
        return Seen(
            says=Says.NOTHING, words="it is there; the lock does not say when it was taken, so that tells nothing"
        )
    made = _time(metadata.get("creationTimestamp"))
    if made is not None and window.is_before(made):
        words = f"it was made at {timestamp(made)}, after the lock was taken: the one of that name before has ended"
        return Seen(says=Says.SUPPORTS, words=words)
    containers = [one for one in _containers(status) if not _ended_before(one, window)]
    old = [one for one in containers if _running(one) and not _started_after(one, window)]
    if old:
        return _still_running(pod, old)
    ends = [end for one in containers if (end := _end(one)) is not None]
    if not containers or len(ends) < len([one for one in containers if not _running(one)]):
        return Seen(says=Says.NOTHING, words="its containers do not tell what ran when the lock was taken")
    told = ", ".join(_restarted(one) if _running(one) else _ended(one) for one in containers)
    words = f"what ran in it when the lock was taken has ended: {one_line(told, 300)}"
    return Seen(says=Says.SUPPORTS, words=words, ended_at=min(ends) if ends else None)


def _containers(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    lists = (status.get(name) for name in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"))
    return [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]


def _running(container: Mapping[str, Any]) -> bool:
    return "running" in _map(container, "state")


def _end(container: Mapping[str, Any]) -> datetime | None:
    """When its last run ended, or the run before the one that is under way."""
    state = "lastState" if _running(container) or "waiting" in _map(container, "state") else "state"
    return _time(_map(_map(container, state), "terminated").get("finishedAt"))


def _ended_before(container: Mapping[str, Any], window: Taken) -> bool:
    end = _end(container)
    return not _running(container) and end is not None and window.is_after(end)


def _still_running(pod: Mapping[str, Any], old: Sequence[Mapping[str, Any]]) -> Seen:
    told = ", ".join(f"{_name(one)} since {_map(_map(one, 'state'), 'running').get('startedAt')}" for one in old)
    if _map(pod, "spec").get("restartPolicy") in _ONE_SHOT:
        words = f"it runs, made for one job, and has since before the lock was taken: {one_line(told, 200)}"
        return Seen(says=Says.BLOCKS, words=words, alive=True)
    words = f"it has run since before the lock was taken ({one_line(told, 200)})"
    return Seen(says=Says.NOTHING, words=f"{words}; whether terraform does, a look there tells", alive=True)


def _started_after(container: Mapping[str, Any], window: Taken) -> bool:
    started = _time(_map(_map(container, "state"), "running").get("startedAt"))
    return started is not None and window.is_before(started)


def _ended(container: Mapping[str, Any]) -> str:
    state = "lastState" if "waiting" in _map(container, "state") else "state"
    end = _map(_map(container, state), "terminated")
    why = one_line(str(end.get("reason") or "no reason told"), 40)
    return f"{_name(container)} ended at {one_line(str(end.get('finishedAt')), 40)} ({why}, exit {end.get('exitCode')})"


def _restarted(container: Mapping[str, Any]) -> str:
    before = _map(_map(container, "lastState"), "terminated")
    last = f", the one before ended with {one_line(str(before.get('reason')), 40)}" if before else ""
    started = _map(_map(container, "state"), "running").get("startedAt")
    return f"{_name(container)} started anew at {one_line(str(started), 40)}{last}"


def _name(container: Mapping[str, Any]) -> str:
    return one_line(str(container.get("name") or "a container"), 60)


def _map(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _time(text: object) -> datetime | None:
    try:
        return parse_time(str(text))
    except ValueError:
        return None
