"""What was just said stands in lines of its own for a while, and hides nothing."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from tests.support.pilots import painted, piloted, until
from tuirunbook.tui.notices import BAD_SECONDS, MOST, SHOWN_SECONDS, Notices


class Page(App[None]):
    """Ten lines of text, and what is said below them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.notices = Notices(id="said", monotonic=lambda: self.now)

    def compose(self) -> ComposeResult:
        yield Static(Content("\n".join(f"line {number}" for number in range(10))))
        yield self.notices

    def pass_time(self, seconds: float, *, seen: bool = True) -> None:
        self.now += seconds
        self.notices.tick(seen=seen)


@piloted
async def test_a_sentence_is_whole_below_the_text_and_is_text() -> None:
    app = Page()
    async with app.run_test(size=(40, 20)) as pilot:
        app.notices.say("[bold]a sentence[/bold] that is longer than the line that it begins in")
        await until(pilot, lambda: "that it begins in" in painted(app))
        assert "[bold]a sentence[/bold]" in painted(app)
        assert "line 9" in painted(app)


@piloted
async def test_a_sentence_goes_after_its_time_and_a_bad_one_stays_longer() -> None:
    app = Page()
    async with app.run_test() as pilot:
        app.notices.say("good")
        app.notices.say("bad", bad=True)
        await until(pilot, lambda: "! bad" in painted(app))
        app.pass_time(SHOWN_SECONDS)
        await until(pilot, lambda: "good" not in painted(app))
        assert "! bad" in painted(app)
        app.pass_time(BAD_SECONDS)
        await until(pilot, lambda: "bad" not in painted(app))


@piloted
async def test_what_nobody_could_see_stays() -> None:
    app = Page()
    async with app.run_test() as pilot:
        app.notices.say("while a dialog was open")
        app.pass_time(600, seen=False)
        await until(pilot, lambda: "while a dialog was open" in painted(app))
        app.pass_time(1)
        assert app.notices.says("while a dialog")


@piloted
async def test_a_few_stand_at_once_each_once_and_all_go_when_somebody_goes_on() -> None:
    app = Page()
    async with app.run_test() as pilot:
        for number in (0, 1, 2, 2):
            app.notices.say(f"sentence {number}")
        await until(pilot, lambda: painted(app).count("sentence") == MOST)
        assert not app.notices.says("sentence 0")
        app.notices.clear()
        await until(pilot, lambda: "sentence" not in painted(app))
