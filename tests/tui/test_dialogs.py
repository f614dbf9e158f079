"""The dialogs: what they ask, what they refuse, and what can never confirm a release."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from textual.widgets import Button, Input

from tests.support.incidents import A, held, lock_text, look
from tests.support.pilots import HOSTILE, SIZES, OneScreen, painted, piloted, text_of, until
from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.confirmation import Field
from tuirunbook.core.lock import Store
from tuirunbook.core.runbook import CORE_QUESTIONS
from tuirunbook.core.verdict import Opinion, Verdict
from tuirunbook.tui.dialogs.answer import AnswerScreen
from tuirunbook.tui.dialogs.confirm import DEAF_SECONDS, ConfirmScreen
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.walk.responder import Prepared

FIELD = Field(id="id", label="the first 8 characters of the lock ID", exactly=A[:8])


def prepared(who: str = "runner@vm") -> Prepared:
    return Prepared(
        action=ForceUnlock(lock=A),
        snapshot=look(dynamodb=held(Store.DYNAMODB, lock_text(A, Who=who))),
        fields=(FIELD,),
        command=("terraform", "force-unlock", "-force", A),
        verdict=Verdict(opinion=Opinion.ORPHANED),
    )


def mistakes(typed: Mapping[str, str]) -> dict[str, str]:
    mistake = FIELD.mistake(typed.get("id", ""))
    return {"id": mistake} if mistake else {}


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def confirmation(clock: Clock | None = None, who: str = "runner@vm") -> OneScreen:
    return OneScreen(ConfirmScreen(prepared(who), mistakes, clock or Clock()))


@piloted
async def test_cancel_has_the_focus_and_enter_on_it_sends_nothing() -> None:
    clock = Clock()
    app = confirmation(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert isinstance(app.focused, Button)
        assert app.focused.id == "confirm-cancel"
        clock.now += DEAF_SECONDS
        await pilot.press("enter")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [None]


@piloted
async def test_enter_never_confirms_even_when_everything_is_typed() -> None:
    clock = Clock()
    app = confirmation(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        clock.now += DEAF_SECONDS
        app.screen.query_one(Input).focus()
        await pilot.press(*A[:8], "enter")
        await pilot.pause()
        assert not app.screen.query_one("#confirm-release", Button).disabled
        assert app.outcomes == []


@piloted
async def test_the_release_key_is_refused_until_everything_is_typed() -> None:
    clock = Clock()
    app = confirmation(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        clock.now += DEAF_SECONDS
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "not yet" in text_of(app, "#confirm-trouble"))
        await pilot.press(*A[:8], "ctrl+y")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [{"id": A[:8]}]


@piloted
async def test_keys_are_not_heard_in_the_first_half_second() -> None:
    clock = Clock()
    app = confirmation(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        field = app.screen.query_one(Input)
        field.value = A[:8]
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert app.outcomes == []
        clock.now += DEAF_SECONDS
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app.outcomes)


@pytest.mark.parametrize("size", SIZES)
def test_the_confirmation_shows_what_is_sent_at_every_size(size: tuple[int, int]) -> None:
    @piloted
    async def shown() -> None:
        app = confirmation(who=HOSTILE)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "Force-unlock" in painted(app))
            text = painted(app)
        for piece in ("terraform force-unlock", "ORPHANED", "Cancel (esc)", "[bold]loud[/bold]"):
            assert piece in " ".join(text.split()), text
        assert "\x1b" not in text

    shown()


def question(name: str = "owner") -> OneScreen:
    return OneScreen(AnswerScreen(CORE_QUESTIONS[name], "about lock 3f8f3f8f", lock=A))


@piloted
async def test_an_answer_that_lacks_what_it_needs_is_not_taken_and_nothing_typed_is_lost() -> None:
    app = question()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen.query("#need-who"))
        await pilot.press(*"Ana", "ctrl+s")
        await until(pilot, lambda: "still missing: how they know" in text_of(app, "#answer-trouble"))
        assert app.screen.query_one("#need-who", Input).value == "Ana"
        await pilot.press(*"killed it", "ctrl+s")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [("mine-died", {"who": "Ana", "how": "killed it"})]


@piloted
async def test_escape_goes_back_to_the_answers_first_and_leaves_then() -> None:
    app = question()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("#need-who"))
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query("#need-who"))
        assert app.outcomes == []
        await pilot.press("escape")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [None]


@piloted
async def test_a_form_says_what_is_missing_and_keeps_what_is_there() -> None:
    fields = [FormField(id="who", label="who"), FormField(id="how", label="how they know", required=True)]
    app = OneScreen(FormScreen("Dispute", fields))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press(*"Ana", "ctrl+s")
        await until(pilot, lambda: "still missing: how they know" in text_of(app, "#form-trouble"))
        await pilot.press(*"log", "enter")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [{"who": "Ana", "how": "log"}]


@piloted
async def test_what_is_typed_while_cancel_has_the_focus_goes_where_it_belongs() -> None:
    clock = Clock()
    app = confirmation(clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("a")
        assert app.screen.query_one(Input).value == ""
        clock.now += DEAF_SECONDS
        await pilot.press(*A[:8])
        assert app.screen.query_one(Input).value == A[:8]
        await until(pilot, lambda: "ctrl+y releases" in text_of(app, "#confirm-trouble"))
        assert app.outcomes == []


@piloted
async def test_a_sign_shows_which_answer_is_under_the_cursor() -> None:
    app = question()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "▸ ✗ mine, and running" in painted(app))
        await pilot.press("down")
        await until(pilot, lambda: "▸ ✓ mine, it died" in painted(app))
        assert painted(app).count("▸") == 1


@piloted
async def test_a_form_begins_at_the_choice_that_is_suggested() -> None:
    field = FormField(id="done", label="", choices=[("yes", "undone"), ("no", "not yet")], value="no")
    app = OneScreen(FormScreen("Is this hold undone?", [field]))
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: "▸ not yet" in painted(app))
        assert "  undone" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.outcomes)
    assert app.outcomes == [{"done": "no"}]


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ([FormField(id="text", label="text", lines=3), FormField(id="who", label="who")], "tab next field"),
        ([FormField(id="why", label="why", choices=[("a", "a"), ("b", "b")])], "enter picks"),
        ([FormField(id="who", label="who")], "enter goes on"),
    ],
)
def test_a_form_says_what_its_keys_do(fields: list[FormField], keys: str) -> None:
    @piloted
    async def shown() -> None:
        app = OneScreen(FormScreen("Title", fields))
        async with app.run_test(size=(60, 20)) as pilot:
            await until(pilot, lambda: keys in text_of(app, "#form-keys"))

    shown()
