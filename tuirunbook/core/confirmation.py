"""What the operator types before a release: it grows with what is not known (S6, S7)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tuirunbook.core.actions import Action, DeleteLock, ForceUnlock, RetryPlan
from tuirunbook.core.address import StateAddress, shortest_unique_end
from tuirunbook.core.incident import Incident
from tuirunbook.core.lock import LockSnapshot, short
from tuirunbook.core.verdict import CHECK_NAMES, Opinion, Verdict, judge


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a confirmation asks the operator to type.

    Attributes:
        id: Its name.
        label: What to type, for people.
        exactly: The only text that will do, or None.
        names: Words that the text must contain, in any case.
    """

    id: str
    label: str
    exactly: str | None = None
    names: tuple[str, ...] = ()

    def mistake(self, typed: str) -> str | None:
        """What is wrong with the text, or None."""
        text = typed.strip()
        if not text:
            return "nothing is typed yet"
        if self.exactly is not None and text != self.exactly:
            return f"it must read {self.exactly}"
        missing = [name for name in self.names if not _names(text, name)]
        return f"it must name {' and '.join(missing)}" if missing else None


def _names(text: str, name: str) -> bool:
    """Whether `text` has `name` as words of their own; "decided" does not name CI."""
    plain = text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", plain) is not None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator confirmed: the snapshot on the screen by its fingerprint, and what was typed."""

    fingerprint: str
    typed: Mapping[str, str] = {}


def form(action: Action, incident: Incident, snapshot: LockSnapshot) -> tuple[Field, ...]:
    """What the confirmation of `action` asks for; it grows with what is not known."""
    if isinstance(action, RetryPlan):
        return ()
    verdict = judge(incident, action.lock)
    fields = _acceptance(verdict)
    if isinstance(action, ForceUnlock):
        hashed = f"its hash, {short(action.lock)}: it has no readable ID"
        what = hashed if action.lock.startswith("sha256:") else "the lock ID"
        first = Field(id="id", label=f"the first 8 characters of {what}", exactly=short(action.lock))
        return (first, *fields)
    place = f"{_end(incident, snapshot.address)} {_last_four(snapshot.address)}"
    return (
        Field(id="why", label="why force-unlock cannot release it"),
        Field(id="ruled-out", label="who was ruled out as its holder, and how"),
        Field(id="place", label=f"the end of the state's path and of the account: {place}", exactly=place),
        *fields,
    )


def _acceptance(verdict: Verdict) -> tuple[Field, ...]:
    if verdict.opinion is not Opinion.CANNOT_TELL:
        return ()
    names = tuple(CHECK_NAMES[name] for name in verdict.missing)
    label = f"a sentence that names what is not known: {', '.join(names)}"
    if not names:
        names, label = ("dispute",), "a sentence, with the word “dispute”, that names the fact you set aside"
    return (
        Field(id="accepts", label=label, names=names),
        Field(id="accepted-by", label="who accepts that"),
    )


def mistakes(action: Action, incident: Incident, snapshot: LockSnapshot, typed: Mapping[str, str]) -> dict[str, str]:
    """What is still wrong with the confirmation's fields, by field ID; empty when it is complete."""
    fields = form(action, incident, snapshot)
    found = {
        field.id: mistake
        for field in fields
        if field.id != "place" and (mistake := field.mistake(typed.get(field.id, "")))
    }
    if isinstance(action, DeleteLock):
        if mistake := _place_mistake(typed.get("place", ""), incident, snapshot.address):
            found["place"] = mistake
        if "why" not in found and _plain(typed["why"]) == _plain(typed.get("place", "")):
            found["why"] = "it must say something else than the place"
        if "ruled-out" not in found and _plain(typed["ruled-out"]) in {_plain(typed.get(n, "")) for n in _OTHER_FACTS}:
            found["ruled-out"] = "it must say something else than the other lines"
    return found


_OTHER_FACTS = ("why", "place")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _place_mistake(typed: str, incident: Incident, address: StateAddress) -> str | None:
    """A longer end than the shortest is as good: the operator typed more of the path, not less."""
    end, _, account = typed.strip().rpartition(" ")
    if account != _last_four(address):
        return "it must end in the last four digits of the account"
    whole, least = address.lock_id, _end(incident, address)
    if (whole == end or whole.endswith("/" + end)) and len(end) >= len(least):
        return None
    return f"it must read {least} {account}"


def _end(incident: Incident, address: StateAddress) -> str:
    return shortest_unique_end(address.lock_id, incident.siblings)


def _last_four(address: StateAddress) -> str:
    return address.account[-4:] if address.account else "unknown"
