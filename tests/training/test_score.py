"""What a run comes to: the same act, judged by what was known before it."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.incidents import START
from tuirunbook.core.address import StateAddress
from tuirunbook.core.events import (
    Event,
    NoteAdded,
    Opened,
    OutsideAction,
    ReleaseEnded,
    ReleaseIntended,
    Verified,
    WaitStarted,
    timestamp,
)
from tuirunbook.core.lock import LockIdentity
from tuirunbook.core.scenario import Debriefing, Inquiry, PracticeRoot, Right, Rules, Scenario
from tuirunbook.core.score import (
    Debrief,
    Grade,
    acts_of,
    asked_note,
    debrief,
    is_raw_release,
    judged_note,
    judgements_in,
    shell_action,
)

LOCK = LockIdentity("ac79d869-c060-d8c3-b079-2296078ee80e")
INQUIRIES = tuple(
    Inquiry(id=name, who=name.title(), ask=f"what of the {name}?", answer=f"the {name} is gone", costs="2m")
    for name in ("run", "owner")
)


def scenario(right: Right = Right.RELEASE, **judge: object) -> Scenario:
    rules = msgspec.structs.replace(Rules(right=right, needs=("run", "owner")), **judge)
    return Scenario(
        name="x",
        page="03:10",
        teaches="one thing",
        roots=(PracticeRoot(name="prod"),),
        inquiries=INQUIRIES,
        judge=rules,
        debrief=Debriefing(truth="it was so", breaks="it would have broken", habit="ask"),
    )


def opened() -> Opened:
    address = StateAddress(bucket="b", key="k", region="eu-west-1", table="t")
    return Opened(
        at=timestamp(START.replace(minute=0)),
        incident="261123-0310-owl",
        address=address,
        root="prod",
        operator="mara",
        host="laptop",
        tool="0",
        training=True,
    )


class Told:
    """A transcript under construction; a minute passes between two things."""

    def __init__(self) -> None:
        self.events: list[Event] = [opened()]

    def _at(self) -> str:
        return timestamp(START.replace(minute=len(self.events)))

    def ask(self, *names: str) -> Told:
        for name in names:
            self.events.append(NoteAdded(at=self._at(), by="mara", text=asked_note(name, "CI", "what?", "gone")))
        return self

    def judge(self, verdict: str) -> Told:
        self.events.append(NoteAdded(at=self._at(), by="mara", text=judged_note(verdict, 70, "a live process")))
        return self

    def release(self, outcome: str = "released") -> Told:
        at = self._at()
        intended = ReleaseIntended(
            at=at, release=1, method="force-unlock", lock=LOCK, fingerprint="f", verdict="orphaned"
        )
        self.events += [intended, ReleaseEnded(at=at, release=1, outcome=outcome)]
        return self

    def delete_row(self) -> Told:
        action = shell_action("aws dynamodb delete-item")
        self.events.append(OutsideAction(at=self._at(), action=action, who="mara", note=LOCK))
        return self

    def wait(self) -> Told:
        self.events.append(WaitStarted(at=self._at()))
        return self

    def verify(self) -> Told:
        self.events.append(Verified(at=self._at(), ending="dead-plan", read_by="mara"))
        return self

    def comes_to(self, played: Scenario, *, alive: bool = False, damage: tuple[str, ...] = ()) -> Debrief:
        return debrief(played, self.events, {LOCK: alive}, damage)


def test_the_same_release_is_best_after_the_checks_and_unsafe_without_them() -> None:
    assert Told().ask("run", "owner").release().comes_to(scenario()).grade is Grade.BEST
    assert Told().release().comes_to(scenario()).grade is Grade.UNSAFE
    assert Told().ask("run").release().comes_to(scenario()).grade is Grade.UNSAFE


def test_a_check_made_after_the_act_does_not_count() -> None:
    told = Told().ask("run").release().ask("owner").comes_to(scenario())
    assert told.grade is Grade.UNSAFE
    assert [(one.what, one.costs) for one in told.missed] == [("Owner: what of the owner?", 120)]


def test_releasing_the_living_is_unsafe_whatever_was_asked() -> None:
    told = Told().ask("run", "owner").release().comes_to(scenario(), alive=True, damage=("the state was overtaken",))
    assert told.grade is Grade.UNSAFE
    assert (told.broke, told.risk) == (("the state was overtaken",), "")


def test_what_could_have_gone_wrong_is_not_told_as_broken() -> None:
    told = Told().release().comes_to(scenario())
    assert (told.broke, told.risk) == ((), "it would have broken")
    assert not Told().ask("run", "owner").release().comes_to(scenario()).risk


def test_a_raw_delete_is_an_act_like_any_other() -> None:
    told = Told().ask("run").delete_row()
    assert [act.how for act in acts_of(told.events)] == ["aws dynamodb delete-item"]
    assert told.comes_to(scenario()).grade is Grade.UNSAFE


@pytest.mark.parametrize(
    ("line", "releases"),
    [
        ("aws dynamodb delete-item --table-name t --key x", True),
        ("aws s3 rm s3://b/k.tflock", True),
        ("aws s3api delete-object --bucket b --key k", True),
        ("terraform force-unlock -force 1", True),
        ("aws dynamodb scan --table-name t", False),
        ("terraform plan", False),
        ("git log rm", False),
        ("", False),
    ],
)
def test_what_releases_a_lock_by_hand_is_known_before_it_runs(line: str, *, releases: bool) -> None:
    assert is_raw_release(line) is releases


def test_a_release_that_was_refused_or_failed_is_no_unsafe_act() -> None:
    assert Told().release("still-held").comes_to(scenario()).grade is Grade.INCOMPLETE
    assert acts_of(Told().release("not-tried").events) == ()


def test_what_was_left_out_afterwards_makes_it_incomplete() -> None:
    played = scenario(then=("verify",))
    assert Told().ask("run", "owner").release().comes_to(played).grade is Grade.INCOMPLETE
    assert Told().ask("run", "owner").release().verify().comes_to(played).grade is Grade.BEST


def test_several_locks_have_to_be_released_where_several_are_dead() -> None:
    played = scenario(releases=2)
    told = Told().ask("run", "owner").release().comes_to(played)
    assert told.grade is Grade.INCOMPLETE
    assert "1 of 2" in told.why


def test_waiting_is_best_when_it_is_known_why() -> None:
    played = scenario(Right.WAIT, verdict="alive")
    assert Told().ask("run", "owner").judge("alive").comes_to(played, alive=True).grade is Grade.BEST
    assert Told().judge("alive").comes_to(played, alive=True).grade is Grade.INCOMPLETE
    assert Told().ask("run", "owner").judge("dead").comes_to(played, alive=True).grade is Grade.INCOMPLETE


def test_who_ends_the_page_without_waiting_is_not_told_that_they_waited() -> None:
    played = scenario(Right.WAIT, verdict="alive")
    assert Told().ask("run", "owner").judge("alive").comes_to(played, alive=True).why.endswith("left its lock alone.")
    assert Told().ask("run", "owner").wait().judge("alive").comes_to(played, alive=True).why.endswith("and waited.")


def test_the_debrief_quotes_what_was_known_at_the_moment_of_acting_and_no_later() -> None:
    told = Told().ask("run").judge("dead").release().ask("owner").comes_to(scenario())
    assert any("Asked [run]" in line for line in told.known)
    assert not any("Asked [owner]" in line for line in told.known)
    assert told.judgement == "You wrote: dead, 70 % sure; wrong if: a live process"
    assert told.sufficed == "You acted in minute 3; the evidence sufficed in minute 5."


def test_evidence_that_never_sufficed_is_said_so() -> None:
    assert Told().release().comes_to(scenario()).sufficed == "You acted in minute 1; the evidence never sufficed."


def test_a_judgement_reads_back_as_it_was_written() -> None:
    (judged,) = judgements_in(Told().judge("cannot-tell").events)
    assert (judged.verdict, judged.confidence, judged.wrong_if) == ("cannot-tell", 70, "a live process")
