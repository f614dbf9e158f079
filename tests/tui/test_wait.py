"""The calm watch: ends on a release or a change of hands, never on blindness or on time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.incidents import FREE, UNREAD, B, Story, held, lock_text, look
from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, until
from tests.support.views import view_of
from tuirunbook.core.lock import LockSnapshot, Store
from tuirunbook.tui.screens.wait import WaitScreen

BOTH_FREE: dict[str, Any] = {"s3": FREE, "dynamodb": FREE}


class Listening(OneScreen):
    """Hears the request for a look."""

    asked = 0

    def on_wait_screen_look_asked(self) -> None:
        self.asked += 1


def waiting(story: Story, clock: list[float] | None = None) -> tuple[Listening, WaitScreen]:
    seconds = clock or [0.0]
    screen = WaitScreen(view_of(story), lambda: seconds[0])
    return Listening(screen), screen


def begun(snapshot: LockSnapshot | None = None) -> Story:
    story = Story()
    story.look(snapshot)
    return story


def later(story: Story, screen: WaitScreen, seconds: float = 3, **readings: Any) -> None:
    story.pass_time(seconds)
    story.look(look(**readings))
    screen.update_view(view_of(story))


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_it_says_who_holds_it_since_when_and_what_comes_then(size: tuple[int, int]) -> None:
    app, _ = waiting(begun())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "■ HELD for 30m" in painted(app))
        shown = painted(app)
        assert "acme-tfstate/network/terraform.tfstate" in shown
        assert "Apply by runner@ci-7" in shown
        assert "since 02:41:09Z (04:41)   3f8f3f8f" in shown
        assert "Looks every 3 s" in shown
        assert "plan again" in shown


@piloted
async def test_a_release_rings_and_ends_it() -> None:
    story = begun()
    app, screen = waiting(story)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        later(story, screen)
        assert app.outcomes == []
        later(story, screen, **BOTH_FREE)
        await until(pilot, lambda: app.outcomes == ["released"])
        assert app.bells == 1
        assert "The lock was released" in notices(app)


@piloted
async def test_another_lock_ends_it_as_changed() -> None:
    story = begun()
    app, screen = waiting(story)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        later(story, screen, s3=held(Store.S3, lock_text(B)), dynamodb=held(Store.DYNAMODB, lock_text(B)))
        await until(pilot, lambda: app.outcomes == ["changed"])
        assert app.bells == 1
        assert "changed hands" in notices(app)


@piloted
async def test_half_a_release_goes_on_waiting() -> None:
    story = begun()
    app, screen = waiting(story)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        later(story, screen, s3=FREE)
        await pilot.pause()
        assert app.outcomes == []
        assert "■ HELD" in painted(app)


@pytest.mark.parametrize("readings", [{"s3": UNREAD, "dynamodb": UNREAD}, {"s3": FREE, "dynamodb": UNREAD}])
@piloted
async def test_blindness_never_reads_as_released(readings: dict[str, Any]) -> None:
    story = begun()
    app, screen = waiting(story)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        later(story, screen, **readings)
        await until(pilot, lambda: "? CANNOT SEE IT" in painted(app))
        assert "AWS refused the read" in painted(app)
        assert "is not known" in painted(app)
        await until(pilot, lambda: "Last seen" in painted(app) and "Apply by runner@ci-7" in painted(app))
        assert app.outcomes == []
        later(story, screen)
        await until(pilot, lambda: "■ HELD" in painted(app))
        later(story, screen, **BOTH_FREE)
        await until(pilot, lambda: app.outcomes == ["released"])


@piloted
async def test_a_lock_that_was_never_seen_is_not_released() -> None:
    story = begun(look(**BOTH_FREE))
    app, screen = waiting(story)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "? NO LOCK SEEN HERE" in painted(app))
        later(story, screen, **BOTH_FREE)
        await pilot.pause()
        assert app.outcomes == []


@piloted
async def test_hours_of_waiting_suggest_nothing() -> None:
    story = begun()
    clock = [0.0]
    app, screen = waiting(story, clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "■ HELD for 30m" in painted(app))
        clock[0] = 86_400.0
        await until(pilot, lambda: "■ HELD for 1d0h" in painted(app), "the next tick of a second")
        assert "Waiting 1d0h" in painted(app)
        assert "Looks every 60 s" in painted(app)
        for word in ("unlock", "stale", "delete", "probably"):
            assert word not in painted(app).lower()
        assert screen.is_current


@pytest.mark.parametrize("key", ["w", "escape"])
@piloted
async def test_stopping_goes_back(key: str) -> None:
    app, _ = waiting(begun())
    async with app.run_test() as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        await pilot.press("r")
        assert app.asked == 1
        await pilot.press(key)
        assert app.outcomes == ["stopped"]
        assert app.bells == 0


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_a_hostile_holder_is_text(size: tuple[int, int]) -> None:
    app, _ = waiting(begun(look(s3=held(Store.S3, lock_text(Who=HOSTILE)), dynamodb=held(Store.DYNAMODB, HOSTILE))))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "red [PROD] [/x]" in painted(app))
        assert "Nobody can read it" in painted(app)
