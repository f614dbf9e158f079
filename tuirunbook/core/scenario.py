"""A practice scenario as data: the world, what happens in it, what can be found out, and how it is judged.

The format is described in `tuirunbook/training/scenarios/FORMAT.md`; every field here is one of it.
"""

from __future__ import annotations

import enum
import random
import re
from typing import TypeVar

import msgspec

P = TypeVar("P", "Inquiry", "Sighting", "Queued", "Hint", "Happening")
_PART = re.compile(r"(\d+)([dhms])")
HOME_ACCOUNT = "123456789012"
"""The account that the locks of every scenario are in."""
_UNIT = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """A time span such as `45s` or `1h2m`, in seconds.

    Raises:
        ValueError: It is none.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a time span such as 45s or 1h2m")
    return sum(int(number) * _UNIT[unit] for number, unit in parts)


class Mode(enum.StrEnum):
    """Where a practice backend locks."""

    DYNAMODB = "dynamodb"
    LOCKFILE = "lockfile"
    BOTH = "both"


class Fate(enum.StrEnum):
    """Whether a lock's holder lives."""

    DEAD = "dead"
    ALIVE = "alive"
    SEED = "seed"
    """Drawn anew each time."""


class Right(enum.StrEnum):
    """What the right end of a scenario is."""

    RELEASE = "release"
    WAIT = "wait"
    LEAVE = "leave"
    """There is nothing here to release or to wait for."""


class Does(enum.StrEnum):
    """What a happening does to the world."""

    NOTHING = "nothing"
    """Somebody says something."""
    FINISH = "finish"
    """The living holder ends by itself and releases its lock."""
    HAND_OVER = "hand-over"
    """Somebody releases the dead lock, and a live apply takes the state."""
    COME_BACK = "come-back"
    """A runner that may not release takes the lock again."""
    DENY = "deny"
    """AWS refuses an action from now on."""
    HOLD_QUEUE = "hold-queue"
    """The queued apply stays where it is."""


class PracticeRoot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A root module of the practice repository.

    Attributes:
        name: Its directory (`prod/network`).
        has: The resources that its state knows.
        adds: The resources that its newest commit adds.
        creates: A bucket that applying the new resources creates before anything else; empty for none.
        drift: Whether the state was written without its digest.
    """

    name: str
    has: tuple[str, ...] = ("vpc", "subnets", "routes")
    adds: tuple[str, ...] = ("flow_logs",)
    creates: str = ""
    drift: bool = False


class PracticeLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lock that is held when the page comes.

    Attributes:
        root: The root module; the first one when empty.
        workspace: The workspace.
        operation: `plan` or `apply`.
        fate: Whether its holder lives.
        who: The `Who` that it shows.
        age: How old it is.
        half: Only this store still holds it, `dynamodb` or `s3`; empty for all that are configured.
        raw: What stands in the lock instead of what Terraform wrote; empty to leave it.
    """

    root: str = ""
    workspace: str = "default"
    operation: str = "apply"
    fate: Fate = Fate.DEAD
    who: str = "runner@runnervm3jyl0"
    age: str = "1h2m"
    half: str = ""
    raw: str | None = None


class PracticeProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AWS profile of the trainee's shell.

    Attributes:
        name: Its name.
        account: Its account, 12 digits. The locks are in 123456789012; the state's bucket can be read from every
            account, and each account has a lock table of the same name.
        alias: The account's alias.
        role: The role that it has there.
    """

    name: str
    account: str = HOME_ACCOUNT
    alias: str = ""
    role: str = "OnCall"


class Inquiry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that can be found out, or asked for.

    Attributes:
        id: Its name.
        who: Who or what is asked: `CI`, `Kim, the owner`.
        ask: What is asked.
        answer: What comes back.
        costs: How long it takes.
        when: Only when the seed made the holder `alive`, or `dead`; empty for always.
        does: What asking for it does: `hold-queue`, or nothing.
    """

    id: str
    who: str
    ask: str
    answer: str
    costs: str = "1m"
    when: str = ""
    does: Does = Does.NOTHING


class Sighting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a practice CI system says by itself about the lock, as the real ones do.

    Attributes:
        key: The finding's key.
        fact: A past-tense sentence.
        source: The command that showed it.
        says: What it says about a release: `nothing`, `supports`, `blocks`, `unknown`.
        match: How firmly it is tied to the state: `names-this-state`, `could-be`, `cannot-be`.
        root: Only about the lock of this root module.
        when: As for an inquiry.
    """

    key: str
    fact: str
    source: str
    says: str = "nothing"
    match: str = "names-this-state"
    root: str = ""
    when: str = ""


class Queued(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the practice CI system shows in line behind a lock, until it is held.

    Attributes:
        what: The job.
        starts: What makes it start.
        stage: `queued`, `waiting` or `scheduled`.
        undo: The command that lets it go on once it is held.
        root: Only behind the lock of this root module.
        when: As for an inquiry.
    """

    what: str
    starts: str
    stage: str = "queued"
    undo: str = ""
    root: str = ""
    when: str = ""


class Hint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hint, for one step of the runbook by its action (`rule-out`), or for any when empty."""

    text: str
    step: str = ""
    when: str = ""


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens by itself.

    Attributes:
        does: What it does.
        after: How long after the walk began; or
        at: What it follows: `start`, `confirmation` (a release is about to be confirmed), `released`.
        action: For `deny`: the AWS action, as in `dynamodb:PutItem`.
        text: What is said about it on the screen; empty for nothing.
        when: As for an inquiry.
    """

    does: Does = Does.NOTHING
    after: str = ""
    at: str = ""
    action: str = ""
    text: str = ""
    when: str = ""


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is judged.

    Attributes:
        right: Its right end.
        verdict: The right word for the holder: `dead`, `alive`, `not-a-lock`.
        needs: The inquiries without which a release is unsafe, however it ends.
        then: What a complete run also does: `verify`, or the name of an inquiry.
        releases: How many locks have to be released, when it is more than one.
    """

    right: Right
    verdict: str = "dead"
    needs: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    releases: int = 1


class Debriefing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told afterwards: what was so, what could have gone wrong if nothing broke, and one habit."""

    truth: str
    breaks: str = ""
    habit: str = ""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario.

    Attributes:
        name: Its name, and its file's.
        page: What the page says; all that the menu shows.
        teaches: One sentence, shown when it was done.
        order: Its place in the menu.
        guided: Whether the hints are shown without being asked for.
        twin: Whether it is one of the unlabelled twins that the rate of unsafe acts is taken from.
        mode: Where the backend locks.
        workspace: The workspace that is selected in the checkout.
        workspaces: The workspaces that exist besides `default`.
        profiles: The AWS profiles of the trainee's shell, the selected one first; none where there is but one account.
        start: `walk`, or `states` to begin with the list of states.
        error: What was handed in with the page, if anything.
        queue: Whether an apply is queued behind the lock of the first root module.
        roots: The root modules.
        locks: The locks.
        inquiries: What can be found out.
        sightings: What CI says by itself.
        in_line: What CI shows behind the lock.
        hints: The hints.
        happenings: What happens by itself.
        judge: How it is judged.
        judge_alive: How it is judged instead when the seed made the holder live.
        debrief: What is told afterwards.
        debrief_alive: What is told instead when the seed made the holder live.
    """

    name: str
    page: str
    teaches: str
    order: int = 1000
    guided: bool = False
    twin: bool = False
    mode: Mode = Mode.DYNAMODB
    workspace: str = "default"
    workspaces: tuple[str, ...] = ()
    profiles: tuple[PracticeProfile, ...] = ()
    start: str = "walk"
    error: str = ""
    queue: bool = False
    roots: tuple[PracticeRoot, ...]
    locks: tuple[PracticeLock, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    in_line: tuple[Queued, ...] = ()
    hints: tuple[Hint, ...] = ()
    happenings: tuple[Happening, ...] = ()
    judge: Rules
    judge_alive: Rules | None = None
    debrief: Debriefing
    debrief_alive: Debriefing | None = None

    @property
    def seeded(self) -> bool:
        """Whether a seed decides who lives."""
        return any(lock.fate is Fate.SEED for lock in self.locks)

    def inquiry(self, name: str) -> Inquiry | None:
        """The inquiry with this name."""
        return next((inquiry for inquiry in self.inquiries if inquiry.id == name), None)

    def hints_for(self, step: str) -> tuple[str, ...]:
        """The hints for a step."""
        return tuple(hint.text for hint in self.hints if hint.step in {"", step})


def drawn(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with everything that the seed decides decided. Its first screen tells nothing of the outcome."""
    if not scenario.seeded:
        return scenario
    choose = random.Random(seed)  # noqa: S311 - nothing here is secret
    fate = choose.choice((Fate.DEAD, Fate.ALIVE))
    age = f"{choose.randint(21, 170)}m"
    who = f"runner@runnervm{choose.randbytes(3).hex()}"
    locks = tuple(
        msgspec.structs.replace(lock, fate=fate, age=age, who=who) if lock.fate is Fate.SEED else lock
        for lock in scenario.locks
    )
    lives = fate is Fate.ALIVE
    return msgspec.structs.replace(
        scenario,
        locks=locks,
        inquiries=_so(scenario.inquiries, fate),
        sightings=_so(scenario.sightings, fate),
        in_line=_so(scenario.in_line, fate),
        hints=_so(scenario.hints, fate),
        happenings=_so(scenario.happenings, fate),
        judge=(scenario.judge_alive or scenario.judge) if lives else scenario.judge,
        debrief=(scenario.debrief_alive or scenario.debrief) if lives else scenario.debrief,
    )


def _so(parts: tuple[P, ...], fate: Fate) -> tuple[P, ...]:
    return tuple(part for part in parts if part.when in {"", fate.value})
