"""The whole lock on one screen."""

from __future__ import annotations

import hashlib

import pytest
from textual.widgets import Static

from tests.support.incidents import FREE, UNREAD, Story, held, lock_text, look
from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, text_of, until
from tests.support.views import view_after, view_of
from tuirunbook.core.lock import Store
from tuirunbook.tui.screens.details import RAW_LIMIT, DetailsScreen


@pytest.mark.parametrize("size", [*SIZES, (140, 40)])
@piloted
async def test_both_stores_are_shown_with_hashes_and_raw_text(size: tuple[int, int]) -> None:
    app = OneScreen(DetailsScreen(view_after()))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "DynamoDB  ■ HELD" in painted(app))
        digest = hashlib.sha256(lock_text().encode()).hexdigest()
        for store in Store:
            text = text_of(app, f"#details-{store}")
            assert f"{digest[:16]} … {digest[-16:]} (h" in text
            assert lock_text() in text
        assert 'ETag        "' in text_of(app, "#details-s3")
        state = text_of(app, "#details-state")
        assert "ab" * 16 in state
        assert "network/terraform.tfstate-md5" in state
        left, right = (app.screen.query_one(f"#details-{store}", Static).region for store in Store)
        assert (left.y == right.y) is (size[0] >= 120)
        await pilot.press("escape")
        assert app.outcomes == [None]


@piloted
async def test_what_was_not_read_is_said_so() -> None:
    app = OneScreen(DetailsScreen(view_after(look(s3=UNREAD, dynamodb=FREE))))
    async with app.run_test(size=(80, 50)) as pilot:
        await until(pilot, lambda: "S3 lockfile  ? NOT CHECKED" in painted(app))
        assert "AccessDeniedException" in text_of(app, "#details-s3")
        assert "□ free" in text_of(app, "#details-dynamodb")


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_a_hostile_lock_is_text_and_a_huge_one_is_clipped(size: tuple[int, int]) -> None:
    snapshot = look(dynamodb=held(Store.DYNAMODB, HOSTILE + "z" * 400_000), s3=held(Store.S3, lock_text(Who=HOSTILE)))
    app = OneScreen(DetailsScreen(view_after(snapshot)))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "DynamoDB  ■ HELD" in painted(app))
        raw = text_of(app, "#details-dynamodb")
        assert "red [PROD] [/x] [bold]loud[/bold]" in raw
        assert "\x1b" not in raw
        assert len(raw) < RAW_LIMIT + 2_000
        assert "the first 20,000 are shown" in raw
        assert "red [PROD] [/x]" in text_of(app, "#details-s3")
        await pilot.press("end", "pagedown", "home")


@piloted
async def test_raw_text_is_copied_once_though_both_stores_hold_it() -> None:
    app = OneScreen(DetailsScreen(view_after()))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        await pilot.press("c")
        assert app.clipboard == lock_text()
        assert "Copied the raw lock." in notices(app)
        await pilot.press("h")
        assert app.clipboard == hashlib.sha256(lock_text().encode()).hexdigest()


@piloted
async def test_a_lock_that_changed_meanwhile_is_told_and_the_text_stays() -> None:
    story = Story()
    story.look()
    screen = DetailsScreen(view_of(story))
    app = OneScreen(screen)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "■ HELD" in painted(app))
        screen.update_view(view_of(story))
        assert "CHANGED" not in text_of(app, "#details-title")
        story.pass_time(3)
        story.look(look(s3=FREE, dynamodb=FREE))
        screen.update_view(view_of(story))
        await until(pilot, lambda: "CHANGED SINCE" in painted(app))
        assert "■ HELD" in painted(app)


@piloted
async def test_before_the_first_look_it_says_so() -> None:
    app = OneScreen(DetailsScreen(view_of(Story(), snapshot=None)))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "Nothing was read yet." in painted(app))
        await pilot.press("c")
        assert "no lock to copy" in notices(app)
